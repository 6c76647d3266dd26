//! Clusters that are brought back from Git: who asked and why, and each target with its stage.

use crate::schema::{drop_tables, index, one_open, refers};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, integer, text, text_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("reestablish")
                    .col(text("id").primary_key())
                    .col(text("cluster"))
                    .col(text("actor"))
                    .col(text("reason"))
                    .col(text("targets"))
                    .col(big_integer("at"))
                    .col(big_integer_null("planned_at"))
                    .col(big_integer_null("ended_at"))
                    .col(text("ending"))
                    .to_owned(),
            )
            .await?;
        for made in [
            one_open("reestablish", "reestablish_open", &["cluster"], "ended_at"),
            index("reestablish", "reestablish_newest", &["cluster", "at"]),
        ] {
            manager.create_index(made).await?;
        }
        manager
            .create_table(
                Table::create()
                    .table("reestablish_member")
                    .col(text("reestablish_id"))
                    .col(text("target_id"))
                    .col(integer("stage"))
                    .col(text("rank"))
                    .col(text("why"))
                    .col(text("needs"))
                    .col(text_null("operation_id"))
                    .col(integer("tries").default(0))
                    .primary_key(Index::create().col("reestablish_id").col("target_id"))
                    .foreign_key(&mut refers(
                        ("reestablish_member", "reestablish_id"),
                        ("reestablish", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .foreign_key(&mut refers(
                        ("reestablish_member", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["reestablish_member", "reestablish"]).await
    }
}
