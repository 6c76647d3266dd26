//! Commits are looked up by repository and SHA alone, which the primary key answers. An index by the SHA alone cost as much to
//! write as the key: SHAs come in no order, so that each lands on a page of its own. And those that are new since a visit are
//! counted without reading the others.

use crate::schema::index;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(
                Index::drop()
                    .name("commit_seen_sha")
                    .table("commit_seen")
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("commit_seen", "commit_seen_seen", &["seen_at"]))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(
                Index::drop()
                    .name("commit_seen_seen")
                    .table("commit_seen")
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("commit_seen", "commit_seen_sha", &["sha"]))
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
