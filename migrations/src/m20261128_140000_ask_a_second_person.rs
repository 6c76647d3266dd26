//! Rollbacks that wait for a second person, bound to what was shown. What was shown goes once it is decided.

use crate::schema::{drop_tables, index, refers};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean_null, integer, text, text_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("rollback_ask")
                    .col(text("id").primary_key())
                    .col(text("target_id"))
                    .col(text("way"))
                    .col(text("revision"))
                    .col(text("digest"))
                    .col(integer("hours"))
                    .col(text("reason"))
                    .col(text("overrides"))
                    .col(text("projects"))
                    .col(text("actor"))
                    .col(text("actor_id"))
                    .col(text("preview"))
                    .col(big_integer("asked_at"))
                    .col(big_integer("until_at"))
                    .col(big_integer_null("decided_at"))
                    .col(text_null("decided_by"))
                    .col(boolean_null("yes"))
                    .col(text("ending"))
                    .foreign_key(&mut refers(
                        ("rollback_ask", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index(
                "rollback_ask",
                "rollback_ask_waiting",
                &["decided_at", "until_at"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["rollback_ask"]).await
    }
}
