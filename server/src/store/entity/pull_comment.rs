//! What was said last of a pull request on its Git host.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "pull_comment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub repo_url: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// Commits that were looked at: of the pull request, and of the branch that it is for.
    #[sea_orm(column_type = "Text")]
    pub head: String,
    #[sea_orm(column_type = "Text")]
    pub base: String,
    /// Of the text; empty: none was due.
    #[sea_orm(column_type = "Text")]
    pub digest: String,
    /// Everything could be told.
    pub sure: bool,
    pub at: i64,
    /// It did not get through.
    pub given_up_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
