//! What a Git host was told last of a commit on a cluster.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "commit_status")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub repo_url: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sha: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub context: String,
    #[sea_orm(column_type = "Text")]
    pub state: String,
    #[sea_orm(column_type = "Text")]
    pub description: String,
    pub at: i64,
    /// It did not get through.
    pub given_up_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
