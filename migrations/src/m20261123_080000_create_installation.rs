//! What the installation knows about itself: facts, leases, the event log and the audit log.

use crate::schema::{drop_tables, index};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, integer, text, text_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A fact about the installation: its id, the epoch, settings made in the browser.
        manager
            .create_table(
                Table::create()
                    .table("fact")
                    .col(text("key").primary_key())
                    .col(text("value"))
                    .to_owned(),
            )
            .await?;
        // Who may act for a cluster, with a fence that only ever rises.
        manager
            .create_table(
                Table::create()
                    .table("lease")
                    .col(text("name").primary_key())
                    .col(text("owner"))
                    .col(text("address"))
                    .col(big_integer("fence"))
                    .col(big_integer("expires_at"))
                    .to_owned(),
            )
            .await?;
        // One row: the newest sequence number. Taken as the last lock of every transaction.
        manager
            .create_table(
                Table::create()
                    .table("event_head")
                    .col(integer("id").primary_key())
                    .col(big_integer("seq"))
                    .to_owned(),
            )
            .await?;
        // The event log: thin rows that say what to read again.
        manager
            .create_table(
                Table::create()
                    .table("event")
                    .col(big_integer("seq").primary_key())
                    .col(big_integer("at"))
                    .col(text("subject"))
                    .col(text("kind"))
                    .to_owned(),
            )
            .await?;
        // One row: the end of the audit chain.
        manager
            .create_table(
                Table::create()
                    .table("audit_head")
                    .col(integer("id").primary_key())
                    .col(big_integer("seq"))
                    .col(text("hash"))
                    .to_owned(),
            )
            .await?;
        // The audit log: every act of a person or token, chained by hashes. Has no foreign keys: it outlives what it names.
        manager
            .create_table(
                Table::create()
                    .table("audit")
                    .col(big_integer("seq").primary_key())
                    .col(big_integer("at"))
                    .col(text("actor"))
                    .col(text_null("actor_id"))
                    .col(text_null("token_id"))
                    .col(text("action"))
                    .col(text("subject"))
                    .col(text_null("target_id"))
                    .col(text("reason"))
                    .col(text("detail"))
                    .col(text("previous_hash"))
                    .col(text("hash"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("audit", "audit_at", &["at"]))
            .await?;
        manager
            .create_index(index("audit", "audit_target", &["target_id", "seq"]))
            .await?;
        manager
            .execute(
                Query::insert()
                    .into_table("event_head")
                    .columns(["id", "seq"])
                    .values_panic([1.into(), 0.into()])
                    .take(),
            )
            .await?;
        manager
            .execute(
                Query::insert()
                    .into_table("audit_head")
                    .columns(["id", "seq", "hash"])
                    .values_panic([1.into(), 0.into(), "".into()])
                    .take(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "audit",
                "audit_head",
                "event",
                "event_head",
                "lease",
                "fact",
            ],
        )
        .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
