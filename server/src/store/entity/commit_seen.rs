//! A commit of a tracked repository.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "commit_seen")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub repo_url: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sha: String,
    #[sea_orm(column_type = "Text")]
    pub info: String,
    #[sea_orm(column_type = "Text")]
    pub search: String,
    pub committed_at: i64,
    pub seen_at: i64,
    /// JSON of the pull request that brought it.
    #[sea_orm(column_type = "Text", nullable)]
    pub pull: Option<String>,
    /// Somebody is known to have approved it.
    pub approved: bool,
    /// When its Git host is asked next; `None`: never again.
    pub ask_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
