//! One time that a cluster is brought back from Git.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reestablish")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    #[sea_orm(column_type = "Text")]
    pub cluster: String,
    #[sea_orm(column_type = "Text")]
    pub actor: String,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    /// JSON: the targets that the person may sync.
    #[sea_orm(column_type = "Text")]
    pub targets: String,
    pub at: i64,
    /// When the stages were found.
    pub planned_at: Option<i64>,
    pub ended_at: Option<i64>,
    #[sea_orm(column_type = "Text")]
    pub ending: String,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
