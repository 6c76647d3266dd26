//! Single sign-on, second factors, links for those who are locked out, and tokens that were replaced.

use crate::schema::{drop_tables, index, refers};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, text, text_null, text_uniq};

#[derive(DeriveMigrationName)]
pub struct Migration;

fn of_account(table: &'static str) -> ForeignKeyCreateStatement {
    refers(
        (table, "user_id"),
        ("account", "id"),
        ForeignKeyAction::Cascade,
    )
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Whom an account is at a provider, with the groups of its last login. `role` is what the configuration made of
        // them, none when nothing; both count for tokens until `fresh_until`.
        manager
            .create_table(
                Table::create()
                    .table("identity")
                    .col(text("issuer"))
                    .col(text("subject"))
                    .col(text_uniq("user_id"))
                    .col(text("provider"))
                    .col(text("groups"))
                    .col(text_null("role"))
                    .col(big_integer("fresh_until"))
                    .primary_key(Index::create().col("issuer").col("subject"))
                    .foreign_key(&mut of_account("identity"))
                    .to_owned(),
            )
            .await?;
        // Counts from `confirmed_at`. No code of `last_step` or before it is taken again.
        manager
            .create_table(
                Table::create()
                    .table("second_factor")
                    .col(text("user_id").primary_key())
                    .col(big_integer_null("confirmed_at"))
                    .col(big_integer("last_step"))
                    .foreign_key(&mut of_account("second_factor"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("recovery_code")
                    .col(text("hash").primary_key())
                    .col(text("user_id"))
                    .foreign_key(&mut of_account("recovery_code"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("recovery_code", "recovery_code_user", &["user_id"]))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("entry_link")
                    .col(text("hash").primary_key())
                    .col(text("user_id"))
                    .col(big_integer("expires_at"))
                    .foreign_key(&mut of_account("entry_link"))
                    .to_owned(),
            )
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table("api_token")
                    .add_column(big_integer_null("replaced_at"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table("api_token")
                    .drop_column("replaced_at")
                    .to_owned(),
            )
            .await?;
        drop_tables(
            manager,
            &["entry_link", "recovery_code", "second_factor", "identity"],
        )
        .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
