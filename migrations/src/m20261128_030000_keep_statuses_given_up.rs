//! A commit status that did not get through is remembered, so that it is told when its Git host answers again; and an index
//! for when a receiver was told something last.

use crate::schema::index;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::big_integer_null;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table("commit_status")
                    .add_column(big_integer_null("given_up_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("told", "told_at", &["at", "receiver_id"]))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(Index::drop().name("told_at").table("told").to_owned())
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table("commit_status")
                    .drop_column("given_up_at")
                    .to_owned(),
            )
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
