//! What was asked for, what was done, and what holds it back.

use crate::schema::{drop_tables, index, one_open, refers};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, boolean_null, integer, text, text_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // An intent. Executed at most once.
        manager
            .create_table(
                Table::create()
                    .table("operation")
                    .col(text("id").primary_key())
                    .col(text("kind"))
                    .col(text("target_id"))
                    .col(text("actor"))
                    .col(text("started_by"))
                    .col(text_null("idempotency_key"))
                    .col(text("parameters"))
                    .col(big_integer("created_at"))
                    .col(big_integer_null("taken_at"))
                    .col(big_integer_null("ended_at"))
                    .col(text("message"))
                    .foreign_key(&mut refers(
                        ("operation", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index(
                    "operation",
                    "operation_idempotency",
                    &["actor", "idempotency_key"],
                )
                .unique()
                .take(),
            )
            .await?;
        manager
            .create_index(index(
                "operation",
                "operation_pending",
                &["target_id", "taken_at"],
            ))
            .await?;
        // One attempt to carry out an operation.
        manager
            .create_table(
                Table::create()
                    .table("run")
                    .col(text("id").primary_key())
                    .col(text("operation_id"))
                    .col(text("target_id"))
                    .col(integer("attempt"))
                    .col(text("phase"))
                    .col(big_integer("fence"))
                    .col(text("revision"))
                    .col(text_null("commit_info"))
                    .col(text("started_by"))
                    .col(text_null("plan_digest"))
                    .col(text_null("render_key"))
                    .col(text("counts"))
                    .col(text("message"))
                    .col(big_integer("started_at"))
                    .col(big_integer_null("ended_at"))
                    .foreign_key(&mut refers(
                        ("run", "operation_id"),
                        ("operation", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .foreign_key(&mut refers(
                        ("run", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                index("run", "run_attempt", &["operation_id", "attempt"])
                    .unique()
                    .take(),
            )
            .await?;
        manager
            .create_index(index("run", "run_target", &["target_id", "started_at"]))
            .await?;
        manager
            .create_index(index("run", "run_time", &["started_at", "id"]))
            .await?;
        manager
            .create_index(index("run", "run_open", &["ended_at"]))
            .await?;
        manager
            .create_index(index("run", "run_revision", &["revision"]))
            .await?;
        // The plan of a run, apart from it since it may be long.
        manager
            .create_table(
                Table::create()
                    .table("run_plan")
                    .col(text("run_id").primary_key())
                    .col(text("plan"))
                    .foreign_key(&mut refers(
                        ("run_plan", "run_id"),
                        ("run", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        // What became of one step of a run.
        manager
            .create_table(
                Table::create()
                    .table("step")
                    .col(text("run_id"))
                    .col(integer("position"))
                    .col(text("object_key"))
                    .col(text("action"))
                    .col(integer("wave"))
                    .col(text("status"))
                    .col(text("message"))
                    .col(big_integer_null("started_at"))
                    .col(big_integer_null("ended_at"))
                    .primary_key(Index::create().col("run_id").col("position"))
                    .foreign_key(&mut refers(
                        ("step", "run_id"),
                        ("run", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        // A plan that waits for a person. Good for one use of exactly this digest.
        manager
            .create_table(
                Table::create()
                    .table("approval")
                    .col(text("id").primary_key())
                    .col(text("target_id"))
                    .col(text("run_id"))
                    .col(text("revision"))
                    .col(text("digest"))
                    .col(text("gate"))
                    .col(text("counts"))
                    .col(big_integer("asked_at"))
                    .col(big_integer_null("decided_at"))
                    .col(text_null("decided_by"))
                    .col(boolean_null("yes"))
                    .col(big_integer_null("used_at"))
                    .col(text_null("used_run"))
                    .col(big_integer_null("withdrawn_at"))
                    .foreign_key(&mut refers(
                        ("approval", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .foreign_key(&mut refers(
                        ("approval", "run_id"),
                        ("run", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index(
                "approval",
                "approval_target",
                &["target_id", "asked_at"],
            ))
            .await?;
        manager
            .create_index(index(
                "approval",
                "approval_waiting",
                &["decided_at", "withdrawn_at"],
            ))
            .await?;
        // A pause of writes with owner, reason and end.
        manager
            .create_table(
                Table::create()
                    .table("hold")
                    .col(text("id").primary_key())
                    .col(text("target_id"))
                    .col(text("owner"))
                    .col(text("reason"))
                    .col(big_integer("from_at"))
                    .col(big_integer("until_at"))
                    .col(boolean("ended_waiting"))
                    .col(big_integer_null("ended_at"))
                    .col(text_null("ended_by"))
                    .foreign_key(&mut refers(
                        ("hold", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("hold", "hold_target", &["target_id", "ended_at"]))
            .await?;
        // A target that stays at a revision for a while.
        manager
            .create_table(
                Table::create()
                    .table("pin")
                    .col(text("id").primary_key())
                    .col(text("target_id"))
                    .col(text("revision"))
                    .col(text("owner"))
                    .col(text("reason"))
                    .col(big_integer("from_at"))
                    .col(big_integer("until_at"))
                    .col(integer("behind"))
                    .col(boolean("ended_waiting"))
                    .col(big_integer_null("ended_at"))
                    .col(text_null("ended_by"))
                    .foreign_key(&mut refers(
                        ("pin", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("pin", "pin_target", &["target_id", "ended_at"]))
            .await?;
        // The drift ledger: one deviation of one field, from first seen to its end.
        manager
            .create_table(
                Table::create()
                    .table("drift")
                    .col(text("id").primary_key())
                    .col(text("target_id"))
                    .col(text("object_key"))
                    .col(text("path"))
                    .col(text_null("declared"))
                    .col(text_null("live"))
                    .col(text_null("manager"))
                    .col(text_null("operation"))
                    .col(boolean("baseline"))
                    .col(big_integer("opened_at"))
                    .col(big_integer_null("closed_at"))
                    .col(text("state"))
                    .col(text_null("origin"))
                    .foreign_key(&mut refers(
                        ("drift", "target_id"),
                        ("target", "id"),
                        ForeignKeyAction::Cascade,
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(one_open(
                "drift",
                "drift_open",
                &["target_id", "object_key", "path"],
                "closed_at",
            ))
            .await?;
        manager
            .create_index(index("drift", "drift_time", &["opened_at"]))
            .await?;
        manager
            .create_index(index("drift", "drift_closed", &["closed_at"]))
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "drift",
                "pin",
                "hold",
                "approval",
                "step",
                "run_plan",
                "run",
                "operation",
            ],
        )
        .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
