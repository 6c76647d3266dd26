//! How one target came by the manifests of a commit.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "commit_render")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub repo_url: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sha: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub target_id: String,
    #[sea_orm(column_type = "Text")]
    pub outcome: String,
    pub millis: i32,
    #[sea_orm(column_type = "Text")]
    pub message: String,
    pub at: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
