//! Revisions of further sources beside that of an application's first one, and the warnings of renders.

use crate::schema::{drop_tables, refers};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // `subject` is a run, or a revision of the first source; `sources` is JSON in the order of the definition.
        manager
            .create_table(
                Table::create()
                    .table("source_revision")
                    .col(text("target_id"))
                    .col(text("subject"))
                    .col(text("sources"))
                    .primary_key(Index::create().col("target_id").col("subject"))
                    .foreign_key(&mut refers(
                        ("source_revision", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table("render")
                    .add_column(text("warnings").default("[]"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table("render")
                    .drop_column("warnings")
                    .to_owned(),
            )
            .await?;
        drop_tables(manager, &["source_revision"]).await
    }
}
