//! What people say of a revision on a target: good or bad. Newest word only; who said what before is in the audit log.

use crate::schema::{drop_tables, refers};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("revision_mark")
                    .col(text("target_id"))
                    .col(text("revision"))
                    .col(text("judgement"))
                    .col(text("owner"))
                    .col(text("reason"))
                    .col(big_integer("at"))
                    .primary_key(Index::create().col("target_id").col("revision"))
                    .foreign_key(&mut refers(
                        ("revision_mark", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["revision_mark"]).await
    }
}
