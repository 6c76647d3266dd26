//! The revisions a target was compared with, the render of each, and whether it was ever Synced and Healthy at it.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "target_revision")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub target_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub render_key: Option<String>,
    pub first_at: i64,
    pub last_at: i64,
    pub good_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
