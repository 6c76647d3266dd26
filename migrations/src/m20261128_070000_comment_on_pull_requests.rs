//! Comments on pull requests: whether a Git host gets them, and what was said last.

use crate::schema::drop_tables;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, boolean, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table("status_host")
                    .add_column(boolean("comments").default(false))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("pull_comment")
                    .col(text("repo_url"))
                    .col(big_integer("number"))
                    .col(text("head"))
                    .col(text("base"))
                    .col(text("digest"))
                    .col(boolean("sure"))
                    .col(big_integer("at"))
                    .col(big_integer_null("given_up_at"))
                    .primary_key(Index::create().col("repo_url").col("number"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["pull_comment"]).await?;
        manager
            .alter_table(
                Table::alter()
                    .table("status_host")
                    .drop_column("comments")
                    .to_owned(),
            )
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
