//! One attempt to carry out an operation.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    #[sea_orm(column_type = "Text")]
    pub operation_id: String,
    #[sea_orm(column_type = "Text")]
    pub target_id: String,
    pub attempt: i32,
    #[sea_orm(column_type = "Text")]
    pub phase: String,
    pub fence: i64,
    #[sea_orm(column_type = "Text")]
    pub revision: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub commit_info: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub started_by: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub plan_digest: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub render_key: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub counts: String,
    #[sea_orm(column_type = "Text")]
    pub message: String,
    pub started_at: i64,
    pub ended_at: Option<i64>,
    /// When plan, messages and manifests were let go.
    pub bodies_gone_at: Option<i64>,
    /// What was asked of it alone.
    #[sea_orm(column_type = "Text", nullable)]
    pub once: Option<String>,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
