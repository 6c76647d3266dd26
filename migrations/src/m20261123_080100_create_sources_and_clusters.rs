//! Root sources, clusters and the sealed credentials of both.

use crate::schema::drop_tables;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob, boolean, text, text_null, text_uniq,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A root source: where definitions are read from.
        manager
            .create_table(
                Table::create()
                    .table("source")
                    .col(text("id").primary_key())
                    .col(text_uniq("name"))
                    .col(text("repo_url"))
                    .col(text("path"))
                    .col(text("target_revision"))
                    .col(text("home_cluster"))
                    .col(text("mode"))
                    .col(text_null("revision"))
                    .col(big_integer_null("last_read"))
                    .col(text("error"))
                    .col(text("problems"))
                    .col(boolean("from_file"))
                    .col(big_integer("created_at"))
                    .to_owned(),
            )
            .await?;
        // A registered cluster.
        manager
            .create_table(
                Table::create()
                    .table("cluster")
                    .col(text("id").primary_key())
                    .col(text_uniq("name"))
                    .col(text("labels"))
                    .col(text("server"))
                    .col(boolean("from_file"))
                    .col(text_null("identity"))
                    .col(big_integer("created_at"))
                    .to_owned(),
            )
            .await?;
        // A sealed secret of a source or cluster. The key is never in the database.
        manager
            .create_table(
                Table::create()
                    .table("credential")
                    .col(text("owner_id").primary_key())
                    .col(text("key_id"))
                    .col(blob("sealed"))
                    .col(big_integer("updated_at"))
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["credential", "cluster", "source"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
