//! Incidents, who is told of them, and what was sent. Adds tables; changes none.

use crate::schema::{drop_tables, index, one_open, refers};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, boolean, integer, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("incident")
                    .col(text("id").primary_key())
                    .col(text("subject_key"))
                    .col(text("condition"))
                    .col(text("severity"))
                    .col(text("subject"))
                    .col(text("cause"))
                    .col(text("labels"))
                    .col(text("search"))
                    .col(big_integer("since_at"))
                    .col(big_integer("opened_at"))
                    .col(big_integer_null("resolved_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("receiver")
                    .col(text("id").primary_key())
                    .col(text("name").unique_key())
                    .col(text("channel"))
                    .col(text("place"))
                    .col(text("template"))
                    .col(big_integer("created_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("route")
                    .col(text("id").primary_key())
                    .col(text("receiver_id"))
                    .col(text("settings"))
                    .col(big_integer("created_at"))
                    .foreign_key(&mut refers(
                        ("route", "receiver_id"),
                        ("receiver", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("status_host")
                    .col(text("id").primary_key())
                    .col(text("prefix").unique_key())
                    .col(text("provider"))
                    .col(big_integer("created_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("message")
                    .col(text("id").primary_key())
                    .col(text("kind"))
                    .col(text("owner_id"))
                    .col(text("to_words"))
                    .col(text("what"))
                    .col(text("body"))
                    .col(text("state"))
                    .col(integer("attempts"))
                    .col(big_integer("next_at"))
                    .col(big_integer("created_at"))
                    .col(big_integer_null("done_at"))
                    .col(text("error"))
                    .col(boolean("tries_twice"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("told")
                    .col(text("receiver_id"))
                    .col(text("incident_id"))
                    .col(text("news"))
                    .col(big_integer("at"))
                    .primary_key(
                        Index::create()
                            .col("receiver_id")
                            .col("incident_id")
                            .col("news"),
                    )
                    .foreign_key(&mut refers(
                        ("told", "incident_id"),
                        ("incident", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .foreign_key(&mut refers(
                        ("told", "receiver_id"),
                        ("receiver", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("commit_status")
                    .col(text("repo_url"))
                    .col(text("sha"))
                    .col(text("context"))
                    .col(text("state"))
                    .col(text("description"))
                    .col(big_integer("at"))
                    .primary_key(Index::create().col("repo_url").col("sha").col("context"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(one_open(
                "incident",
                "incident_open",
                &["subject_key", "condition"],
                "resolved_at",
            ))
            .await?;
        for (table, name, columns) in [
            (
                "incident",
                "incident_resolved",
                ["resolved_at", "opened_at"],
            ),
            ("message", "message_due", ["state", "next_at"]),
            ("message", "message_created", ["created_at", "id"]),
            ("told", "told_incident", ["incident_id", "news"]),
        ] {
            manager.create_index(index(table, name, &columns)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "told",
                "route",
                "message",
                "commit_status",
                "status_host",
                "receiver",
                "incident",
            ],
        )
        .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
