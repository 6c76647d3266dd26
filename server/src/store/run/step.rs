//! What became of the steps of a run. Outcomes are gathered for a few milliseconds and written together.

use super::super::columns::{Column, ROWS_AT_ONCE, column, count, json};
use super::super::entity::step;
use super::super::error::Doing;
use super::super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::event::EventKind;
use lockstep_types::id::RunId;
use lockstep_types::plan::PlanPhase;
use lockstep_types::resource::ResourceKey;
use lockstep_types::sync::{StepOutcome, StepStatus};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

/// Writes outcomes, in place of earlier ones of the same steps.
///
/// # Errors
/// As [`super::set_phase`].
pub async fn put_steps(
    tx: &mut Tx,
    run: RunId,
    fence: u64,
    outcomes: &[StepOutcome],
) -> Result<(), StoreError> {
    use step::Column as C;
    let found = super::require(tx, run, fence).await?;
    let mut rows = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        let row = step::Model {
            run_id: run.to_string(),
            position: column(outcome.index),
            object_key: outcome.key.to_string(),
            action: json("the action of a step", &outcome.action)?,
            wave: outcome.wave,
            status: outcome.status.word().to_owned(),
            message: outcome.message.clone(),
            started_at: outcome.started_at.map(|at| at.0),
            ended_at: outcome.ended_at.map(|at| at.0),
            phase: outcome.phase.word().to_owned(),
            uid: outcome.uid.clone(),
        };
        rows.push(row.into_active_model());
    }
    let replace = OnConflict::columns([C::RunId, C::Position])
        .update_columns([
            C::ObjectKey,
            C::Action,
            C::Wave,
            C::Status,
            C::Message,
            C::StartedAt,
            C::EndedAt,
            C::Phase,
            C::Uid,
        ])
        .to_owned();
    for rows in rows.chunks(ROWS_AT_ONCE) {
        step::Entity::insert_many(rows.to_vec())
            .on_conflict(replace.clone())
            .exec_without_returning(tx.db())
            .await
            .doing("record the steps of a run")?;
    }
    super::announce(tx, &found, EventKind::Changed).await
}

/// All steps of a run in the order of the plan.
///
/// # Errors
/// When the database cannot be read.
pub async fn steps(db: &impl Read, run: RunId) -> Result<Vec<StepOutcome>, StoreError> {
    let rows = step::Entity::find()
        .filter(step::Column::RunId.eq(run.to_string()))
        .order_by_asc(step::Column::Position)
        .all(&db.executor())
        .await
        .doing("read the steps of a run")?;
    rows.into_iter()
        .map(|row| {
            let key = ResourceKey::parse(&row.object_key);
            Ok(StepOutcome {
                index: count(row.position),
                key: Column("step", "object_key").word(key)?,
                action: Column("step", "action").json(&row.action)?,
                status: Column("step", "status").word(StepStatus::from_word(&row.status))?,
                message: row.message,
                started_at: row.started_at.map(Micros),
                ended_at: row.ended_at.map(Micros),
                phase: Column("step", "phase").word(PlanPhase::from_word(&row.phase))?,
                wave: row.wave,
                uid: row.uid,
            })
        })
        .collect()
}
