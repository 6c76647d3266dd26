//! Rendered manifests by content, and the inventories of targets.

use crate::schema::{drop_tables, index, refers};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, blob, integer, integer_null, text, text_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A manifest in canonical form, by its hash.
        manager
            .create_table(
                Table::create()
                    .table("object_body")
                    .col(text("hash").primary_key())
                    .col(blob("body"))
                    .to_owned(),
            )
            .await?;
        // A complete render, by the key of its inputs.
        manager
            .create_table(
                Table::create()
                    .table("render")
                    .col(text("key").primary_key())
                    .col(text("digest"))
                    .col(big_integer("rendered_at"))
                    .col(big_integer("used_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("render", "render_used", &["used_at"]))
            .await?;
        // One object of a render, in order.
        manager
            .create_table(
                Table::create()
                    .table("render_object")
                    .col(text("render_key"))
                    .col(integer("position"))
                    .col(text("object_key"))
                    .col(text("api_version"))
                    .col(text("hash"))
                    .col(text_null("origin_path"))
                    .col(integer_null("origin_line"))
                    .primary_key(Index::create().col("render_key").col("position"))
                    .foreign_key(&mut refers(
                        ("render_object", "render_key"),
                        ("render", "key"),
                        ForeignKeyAction::Cascade,
                    ))
                    .foreign_key(&mut refers(
                        ("render_object", "hash"),
                        ("object_body", "hash"),
                        ForeignKeyAction::Restrict,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("render_object", "render_object_hash", &["hash"]))
            .await?;
        // An object that a target wrote or is about to write. Only what stands here may ever be pruned.
        manager
            .create_table(
                Table::create()
                    .table("inventory")
                    .col(text("target_id"))
                    .col(text("object_key"))
                    .col(text("api_version"))
                    .col(text_null("uid"))
                    .col(text("state"))
                    .col(text_null("applied_hash"))
                    .col(big_integer("updated_at"))
                    .primary_key(Index::create().col("target_id").col("object_key"))
                    .foreign_key(&mut refers(
                        ("inventory", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Restrict,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("inventory", "inventory_object", &["object_key"]))
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &["inventory", "render_object", "render", "object_body"],
        )
        .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
