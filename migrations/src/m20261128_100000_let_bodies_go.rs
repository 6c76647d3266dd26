//! When a run's bodies were let go, and the indexes by which they are found.

use crate::schema::run;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::big_integer_null;

#[derive(DeriveMigrationName)]
pub struct Migration;

const INDEXES: &[&str] = &[
    "CREATE INDEX run_whole ON run (ended_at) WHERE bodies_gone_at IS NULL",
    "CREATE INDEX run_render ON run (render_key) WHERE bodies_gone_at IS NULL AND render_key IS NOT NULL",
    "CREATE INDEX target_revision_render ON target_revision (render_key) WHERE render_key IS NOT NULL",
];

const INDEXES_BACK: &[&str] = &[
    "DROP INDEX target_revision_render",
    "DROP INDEX run_render",
    "DROP INDEX run_whole",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = Table::alter()
            .table("run")
            .add_column(big_integer_null("bodies_gone_at"))
            .to_owned();
        manager.alter_table(add).await?;
        run(manager, INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, INDEXES_BACK).await?;
        let drop = Table::alter()
            .table("run")
            .drop_column("bodies_gone_at")
            .to_owned();
        manager.alter_table(drop).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
