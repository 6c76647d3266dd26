//! A target of a cluster that is brought back, and when it is its turn.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reestablish_member")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub reestablish_id: String,
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub target_id: String,
    /// From 1; 0: left out.
    pub stage: i32,
    #[sea_orm(column_type = "Text")]
    pub rank: String,
    #[sea_orm(column_type = "Text")]
    pub why: String,
    /// JSON: targets without which it cannot come back.
    #[sea_orm(column_type = "Text")]
    pub needs: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub operation_id: Option<String>,
    /// How often its sync was asked for.
    pub tries: i32,
}

/// Joins are written where they are needed.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
