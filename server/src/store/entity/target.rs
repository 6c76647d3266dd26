//! One application on one cluster, with its current state.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "target")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    #[sea_orm(column_type = "Text")]
    pub application_id: String,
    #[sea_orm(column_type = "Text")]
    pub cluster: String,
    #[sea_orm(column_type = "Text")]
    pub mode: String,
    pub generation: i64,
    #[sea_orm(column_type = "Text")]
    pub sync: String,
    #[sea_orm(column_type = "Text")]
    pub health: String,
    #[sea_orm(column_type = "Text")]
    pub health_message: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    pub drifted: i32,
    pub out_of_sync: i32,
    pub objects: i32,
    #[sea_orm(column_type = "Text", nullable)]
    pub revision: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub deployed: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub deployed_render: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub render_key: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub images: String,
    pub last_compared: Option<i64>,
    pub created_at: i64,
    pub changed_at: i64,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
