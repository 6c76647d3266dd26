//! What a commit made Lockstep render again, on which target, and how long it took. Adds a table; changes none.

use crate::schema::{drop_tables, index, refers};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, integer, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Only targets that had to be looked at: the others are told by their absence.
        manager
            .create_table(
                Table::create()
                    .table("commit_render")
                    .col(text("repo_url"))
                    .col(text("sha"))
                    .col(text("target_id"))
                    .col(text("outcome"))
                    .col(integer("millis"))
                    .col(text("message"))
                    .col(big_integer("at"))
                    .primary_key(Index::create().col("repo_url").col("sha").col("target_id"))
                    .foreign_key(&mut refers(
                        ("commit_render", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index(
                "commit_render",
                "commit_render_target",
                &["target_id"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["commit_render"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
