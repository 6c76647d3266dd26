//! The pull request of a commit and whether somebody approved it, and when the Git host is asked.

use crate::schema::index;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, boolean, text_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            text_null("pull"),
            boolean("approved").default(false).take(),
            big_integer_null("ask_at"),
        ] {
            let alter = Table::alter()
                .table("commit_seen")
                .add_column(column)
                .to_owned();
            manager.alter_table(alter).await?;
        }
        manager
            .get_connection()
            .execute_unprepared(
                "UPDATE commit_seen SET ask_at = \
                 CASE WHEN committed_at < seen_at THEN committed_at ELSE seen_at END",
            )
            .await?;
        manager
            .create_index(index(
                "commit_seen",
                "commit_seen_approved",
                &["approved", "committed_at", "sha", "repo_url"],
            ))
            .await?;
        manager
            .create_index(
                index("commit_seen", "commit_seen_ask", &["repo_url", "ask_at"])
                    .cond_where(Expr::col("ask_at").is_not_null())
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["commit_seen_ask", "commit_seen_approved"] {
            manager
                .drop_index(Index::drop().name(name).table("commit_seen").to_owned())
                .await?;
        }
        for column in ["ask_at", "approved", "pull"] {
            let alter = Table::alter()
                .table("commit_seen")
                .drop_column(column)
                .to_owned();
            manager.alter_table(alter).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
