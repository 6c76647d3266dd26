//! The newest commits, runs and acts of an application, a target or a person, and acts by time, without reading the rest of
//! their logs.

use crate::schema::{index, run};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::big_integer;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// With the conditions that the lists write, so that acts and anchors stay apart.
const INDEXES: &[&str] = &[
    "CREATE INDEX audit_acts_time ON audit (at, seq) WHERE action <> 'anchor'",
    "CREATE INDEX audit_anchors_time ON audit (at, seq) WHERE action = 'anchor'",
    "CREATE INDEX audit_target_time ON audit (target_id, at, seq) WHERE target_id IS NOT NULL",
    "CREATE INDEX audit_actor_time ON audit (actor_id, at, seq) WHERE actor_id IS NOT NULL",
];

const INDEXES_BACK: &[&str] = &[
    "DROP INDEX audit_actor_time",
    "DROP INDEX audit_target_time",
    "DROP INDEX audit_anchors_time",
    "DROP INDEX audit_acts_time",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = Table::alter()
            .table("commit_application")
            .add_column(big_integer("committed_at").default(0))
            .to_owned();
        manager.alter_table(add).await?;
        let fill = "UPDATE commit_application SET committed_at = COALESCE((SELECT committed_at FROM commit_seen \
             WHERE commit_seen.repo_url = commit_application.repo_url AND commit_seen.sha = commit_application.sha), 0)";
        run(manager, &[fill]).await?;
        manager
            .drop_index(
                Index::drop()
                    .name("commit_application_application")
                    .table("commit_application")
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index(
                "commit_application",
                "commit_application_time",
                &["application_id", "committed_at", "sha", "repo_url"],
            ))
            .await?;
        run(manager, INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, INDEXES_BACK).await?;
        manager
            .drop_index(
                Index::drop()
                    .name("commit_application_time")
                    .table("commit_application")
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
        let drop = Table::alter()
            .table("commit_application")
            .drop_column("committed_at")
            .to_owned();
        manager.alter_table(drop).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
