//! Definitions read from Git, their targets, and what became of those over time.

use crate::schema::{drop_tables, index, one_open, refers};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, integer, text, text_null, text_uniq,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A definition read from Git. The row stays when the definition goes: history and links need it.
        manager
            .create_table(
                Table::create()
                    .table("application")
                    .col(text("id").primary_key())
                    .col(text_uniq("key"))
                    .col(text_null("source_id"))
                    .col(text("group_name"))
                    .col(text("name"))
                    .col(text("project"))
                    .col(text("dialect"))
                    .col(text("definition"))
                    .col(text("path"))
                    .col(integer("line"))
                    .col(text("revision"))
                    .col(text_null("parent"))
                    .col(big_integer("first_seen"))
                    .col(big_integer("seen_at"))
                    .col(big_integer_null("gone_at"))
                    .foreign_key(&mut refers(
                        ("application", "source_id"),
                        ("source", "id"),
                        ForeignKeyAction::SetNull,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("application", "application_source", &["source_id"]))
            .await?;
        manager
            .create_index(index("application", "application_gone", &["gone_at"]))
            .await?;
        // A former key of an application: an adopted rename keeps the id.
        manager
            .create_table(
                Table::create()
                    .table("application_alias")
                    .col(text("key").primary_key())
                    .col(text("application_id"))
                    .foreign_key(&mut refers(
                        ("application_alias", "application_id"),
                        ("application", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index(
                "application_alias",
                "application_alias_application",
                &["application_id"],
            ))
            .await?;
        // One application on one cluster, with its current state.
        manager
            .create_table(
                Table::create()
                    .table("target")
                    .col(text("id").primary_key())
                    .col(text("application_id"))
                    .col(text("cluster"))
                    .col(text("mode"))
                    .col(big_integer("generation"))
                    .col(text("sync"))
                    .col(text("health"))
                    .col(text("health_message"))
                    .col(text_null("reason"))
                    .col(integer("drifted"))
                    .col(integer("out_of_sync"))
                    .col(integer("objects"))
                    .col(text_null("revision"))
                    .col(text_null("deployed"))
                    .col(text_null("deployed_render"))
                    .col(text_null("render_key"))
                    .col(text("images"))
                    .col(big_integer_null("last_compared"))
                    .col(big_integer("created_at"))
                    .col(big_integer("changed_at"))
                    .foreign_key(&mut refers(
                        ("target", "application_id"),
                        ("application", "id"),
                        ForeignKeyAction::Restrict,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index("target", "target_placement", &["application_id", "cluster"])
                    .unique()
                    .take(),
            )
            .await?;
        manager
            .create_index(index("target", "target_cluster", &["cluster"]))
            .await?;
        // How long a target had a value on one axis. One row per axis is open.
        manager
            .create_table(
                Table::create()
                    .table("status_interval")
                    .col(text("target_id"))
                    .col(text("axis"))
                    .col(big_integer("from_at"))
                    .col(big_integer_null("to_at"))
                    .col(text("value"))
                    .col(text_null("reason"))
                    .primary_key(Index::create().col("target_id").col("axis").col("from_at"))
                    .foreign_key(&mut refers(
                        ("status_interval", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(one_open(
                "status_interval",
                "status_interval_open",
                &["target_id", "axis"],
                "to_at",
            ))
            .await?;
        manager
            .create_index(index(
                "status_interval",
                "status_interval_time",
                &["from_at"],
            ))
            .await?;
        // The revisions a target was compared with, the render of each, and whether it was ever Synced and Healthy at it.
        manager
            .create_table(
                Table::create()
                    .table("target_revision")
                    .col(text("target_id"))
                    .col(text("revision"))
                    .col(text_null("render_key"))
                    .col(big_integer("first_at"))
                    .col(big_integer("last_at"))
                    .col(big_integer_null("good_at"))
                    .primary_key(Index::create().col("target_id").col("revision"))
                    .foreign_key(&mut refers(
                        ("target_revision", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index(
                "target_revision",
                "target_revision_good",
                &["target_id", "good_at"],
            ))
            .await?;
        // A commit of a tracked repository.
        manager
            .create_table(
                Table::create()
                    .table("commit_seen")
                    .col(text("repo_url"))
                    .col(text("sha"))
                    .col(text("info"))
                    .col(text("search"))
                    .col(big_integer("committed_at"))
                    .col(big_integer("seen_at"))
                    .primary_key(Index::create().col("repo_url").col("sha"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index(
                "commit_seen",
                "commit_seen_time",
                &["committed_at", "sha"],
            ))
            .await?;
        manager
            .create_index(index("commit_seen", "commit_seen_sha", &["sha"]))
            .await?;
        // Which applications a commit touches.
        manager
            .create_table(
                Table::create()
                    .table("commit_application")
                    .col(text("repo_url"))
                    .col(text("sha"))
                    .col(text("application_id"))
                    .primary_key(
                        Index::create()
                            .col("repo_url")
                            .col("sha")
                            .col("application_id"),
                    )
                    .foreign_key(&mut refers(
                        ("commit_application", "application_id"),
                        ("application", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index(
                "commit_application",
                "commit_application_application",
                &["application_id"],
            ))
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "commit_application",
                "commit_seen",
                "target_revision",
                "status_interval",
                "target",
                "application_alias",
                "application",
            ],
        )
        .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
