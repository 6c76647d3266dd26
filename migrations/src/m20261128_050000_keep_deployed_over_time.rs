//! What was deployed when, beside sync, health and the tracked revision. What was deployed before this step is not known;
//! what is deployed at it holds from now on.

use sea_orm_migration::prelude::*;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_micros());
        manager
            .get_connection()
            .execute_unprepared(&format!(
                "INSERT INTO status_interval (target_id, axis, from_at, value) \
                 SELECT id, 'deployed', {now}, deployed FROM target WHERE deployed IS NOT NULL"
            ))
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .get_connection()
            .execute_unprepared("DELETE FROM status_interval WHERE axis = 'deployed'")
            .await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
