//! People, their sessions and tokens, and the guard at the door.

use crate::schema::{drop_tables, index, refers};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, integer, text, text_null, text_uniq,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A person with a login. (`user` is a reserved word of PostgreSQL.)
        manager
            .create_table(
                Table::create()
                    .table("account")
                    .col(text("id").primary_key())
                    .col(text("name"))
                    .col(text_uniq("name_key"))
                    .col(text("role"))
                    .col(text_null("password_hash"))
                    .col(boolean("disabled"))
                    .col(big_integer("created_at"))
                    .col(big_integer_null("last_seen_at"))
                    .col(big_integer("last_seen_seq"))
                    .to_owned(),
            )
            .await?;
        // A browser session.
        manager
            .create_table(
                Table::create()
                    .table("session")
                    .col(text("id").primary_key())
                    .col(text_null("user_id"))
                    .col(text("data"))
                    .col(big_integer("created_at"))
                    .col(big_integer("last_seen_at"))
                    .col(big_integer("expires_at"))
                    .foreign_key(&mut refers(
                        ("session", "user_id"),
                        ("account", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("session", "session_user", &["user_id"]))
            .await?;
        manager
            .create_index(index("session", "session_expiry", &["expires_at"]))
            .await?;
        // An API token, as the hash of its text.
        manager
            .create_table(
                Table::create()
                    .table("api_token")
                    .col(text("id").primary_key())
                    .col(text("user_id"))
                    .col(text("label"))
                    .col(text_uniq("hash"))
                    .col(big_integer("created_at"))
                    .col(big_integer_null("expires_at"))
                    .col(big_integer_null("last_used_at"))
                    .col(big_integer_null("revoked_at"))
                    .foreign_key(&mut refers(
                        ("api_token", "user_id"),
                        ("account", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("api_token", "api_token_user", &["user_id"]))
            .await?;
        // The hash of the token that makes the first administrator.
        manager
            .create_table(
                Table::create()
                    .table("setup_token")
                    .col(text("hash").primary_key())
                    .col(big_integer("created_at"))
                    .col(big_integer("expires_at"))
                    .col(big_integer_null("used_at"))
                    .to_owned(),
            )
            .await?;
        // Failed logins of one name from one address within a window.
        manager
            .create_table(
                Table::create()
                    .table("login_attempt")
                    .col(text("name_key"))
                    .col(text("address"))
                    .col(integer("failures"))
                    .col(big_integer("window_from"))
                    .col(big_integer("last_at"))
                    .primary_key(Index::create().col("name_key").col("address"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("login_attempt", "login_attempt_last", &["last_at"]))
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "login_attempt",
                "setup_token",
                "api_token",
                "session",
                "account",
            ],
        )
        .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
