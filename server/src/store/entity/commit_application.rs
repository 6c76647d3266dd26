//! Which applications a commit touches.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "commit_application")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub repo_url: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sha: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub application_id: String,
    /// That of the commit, so that the newest of an application are found without it.
    pub committed_at: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
