//! The policy in force with where it came from, and what tokens are limited to.

use crate::schema::drop_tables;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, integer, text, text_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One row. `version` rises with every change of what is in force; `tried` is the revision that was read last,
        // `problems` what was wrong with it. The source is kept by name too, since it may be gone.
        manager
            .create_table(
                Table::create()
                    .table("policy")
                    .col(integer("id").primary_key())
                    .col(big_integer("version"))
                    .col(text_null("source_id"))
                    .col(text("source_name"))
                    .col(text_null("body"))
                    .col(text("revision"))
                    .col(big_integer_null("since"))
                    .col(text("tried"))
                    .col(big_integer_null("read_at"))
                    .col(text("problems"))
                    .to_owned(),
            )
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table("api_token")
                    .add_column(text_null("scope"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table("api_token")
                    .drop_column("scope")
                    .to_owned(),
            )
            .await?;
        drop_tables(manager, &["policy"]).await
    }
}
