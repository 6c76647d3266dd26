//! Steps belong to a phase of the sync, and those of hooks remember the object they made, so that a run that was cut off
//! does not make it twice.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{text, text_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column at a time: SQLite adds no two in one statement.
        let phase = text("phase").default("Sync").to_owned();
        for column in [phase, text_null("uid")] {
            manager
                .alter_table(Table::alter().table("step").add_column(column).to_owned())
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["phase", "uid"] {
            manager
                .alter_table(Table::alter().table("step").drop_column(column).to_owned())
                .await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
