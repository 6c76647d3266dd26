//! Runs: attempts to carry out an operation on one target, with their plans and steps.
//!
//! Every write gives the run's fence along. Whoever takes a run over raises it, so a replica that was frozen and comes
//! back cannot write any more. A plan is stored before its first step is applied and never changes.

mod list;
mod step;

pub use list::{
    RunCounts, active_of_target, counts_since, newest_of_operation, of_revision, of_target, open,
    page, page_of, summary,
};
pub use step::{put_steps, steps};

use super::columns::{Column, big, json, maybe_json, number};
use super::entity::{run, run_plan};
use super::error::Doing;
use super::{Read, StoreError, Tx, target};
use lockstep_types::Micros;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::{OperationId, RunId, TargetId};
use lockstep_types::plan::{Plan, PlanCounts};
use lockstep_types::revision::{CommitInfo, Revision};
use lockstep_types::sync::{StartedBy, SyncPhase};
use lockstep_types::sync_once::SyncOnce;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use uuid::Uuid;

/// A run as stored, without plan and steps.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    pub id: RunId,
    pub operation: OperationId,
    pub target: TargetId,
    /// From 1, per operation.
    pub attempt: u32,
    pub phase: SyncPhase,
    pub fence: u64,
    pub revision: Revision,
    pub commit: Option<CommitInfo>,
    pub started_by: StartedBy,
    pub plan_digest: Option<String>,
    pub render_key: Option<String>,
    pub counts: PlanCounts,
    pub message: String,
    pub started_at: Micros,
    pub ended_at: Option<Micros>,
    /// When its plan and what was said of its steps were let go.
    pub bodies_gone_at: Option<Micros>,
    /// What its operation asked of this run alone.
    pub once: SyncOnce,
}

/// A run to begin.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    pub operation: OperationId,
    pub target: TargetId,
    /// Generation or lease fence of the writer.
    pub fence: u64,
    pub revision: Revision,
    pub commit: Option<CommitInfo>,
    pub started_by: StartedBy,
}

fn row(row: run::Model) -> Result<RunRow, StoreError> {
    Ok(RunRow {
        id: Column("run", "id").id(&row.id)?,
        operation: Column("run", "operation_id").id(&row.operation_id)?,
        target: Column("run", "target_id").id(&row.target_id)?,
        attempt: super::columns::count(row.attempt),
        phase: Column("run", "phase").word(SyncPhase::from_word(&row.phase))?,
        fence: number(row.fence),
        revision: Revision(row.revision),
        commit: Column("run", "commit_info").maybe_json(row.commit_info.as_deref())?,
        started_by: Column("run", "started_by").json(&row.started_by)?,
        plan_digest: row.plan_digest,
        render_key: row.render_key,
        counts: Column("run", "counts").json(&row.counts)?,
        message: row.message,
        started_at: Micros(row.started_at),
        ended_at: row.ended_at.map(Micros),
        bodies_gone_at: row.bodies_gone_at.map(Micros),
        once: Column("run", "once")
            .maybe_json(row.once.as_deref())?
            .unwrap_or_default(),
    })
}

/// Begins an attempt, in phase Pending. Start times rise strictly per target, so that they can page.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such target or operation.
pub async fn create(tx: &mut Tx, new: &NewRun) -> Result<RunRow, StoreError> {
    let doing = "begin a run";
    let attempts = run::Entity::find()
        .filter(run::Column::OperationId.eq(new.operation.to_string()))
        .order_by_desc(run::Column::Attempt)
        .one(tx.db())
        .await
        .doing(doing)?;
    let newest = run::Entity::find()
        .filter(run::Column::TargetId.eq(new.target.to_string()))
        .order_by_desc(run::Column::StartedAt)
        .one(tx.db())
        .await
        .doing(doing)?;
    let once = super::operation::get(tx, new.operation).await?.once()?;
    let model = run::Model {
        id: Uuid::now_v7().to_string(),
        operation_id: new.operation.to_string(),
        target_id: new.target.to_string(),
        attempt: attempts.map_or(1, |last| last.attempt + 1),
        phase: SyncPhase::Pending.word().to_owned(),
        fence: big(new.fence),
        revision: new.revision.0.clone(),
        commit_info: maybe_json("a commit", new.commit.as_ref())?,
        started_by: json("who began a run", &new.started_by)?,
        plan_digest: None,
        render_key: None,
        counts: json("the counts of a run", &PlanCounts::default())?,
        message: String::new(),
        started_at: newest.map_or(tx.now().0, |newest| tx.now().0.max(newest.started_at + 1)),
        ended_at: None,
        bodies_gone_at: None,
        once: maybe_json(
            "what was asked of a run alone",
            (once != SyncOnce::default()).then_some(&once),
        )?,
    };
    run::Entity::insert(model.clone().into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing(doing)?;
    let made = row(model)?;
    announce(tx, &made, EventKind::Started).await?;
    Ok(made)
}

/// Tells pages of the run and of its target.
async fn announce(tx: &mut Tx, run: &RunRow, kind: EventKind) -> Result<(), StoreError> {
    let row = target::get(tx, run.target).await?;
    tx.announce(
        Subject::Run {
            run: run.id,
            target: row.id,
            application: row.application,
            cluster: row.cluster.clone(),
        },
        kind,
    );
    tx.announce(target::subject(&row), EventKind::Changed);
    Ok(())
}

/// One run.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(db: &impl Read, id: RunId) -> Result<RunRow, StoreError> {
    let found = run::Entity::find_by_id(id.to_string())
        .one(&db.executor())
        .await
        .doing("read a run")?;
    row(found.ok_or_else(|| StoreError::not_found("run", id))?)
}

/// Refuses unless the run has not ended and `fence` is its own; locks it until the transaction ends.
async fn require(tx: &mut Tx, id: RunId, fence: u64) -> Result<RunRow, StoreError> {
    let touched = run::Entity::update_many()
        .col_expr(run::Column::Fence, Expr::col(run::Column::Fence))
        .filter(run::Column::Id.eq(id.to_string()))
        .filter(run::Column::Fence.eq(big(fence)))
        .filter(run::Column::EndedAt.is_null())
        .exec(tx.db())
        .await
        .doing("check the fence of a run")?;
    let found = get(tx, id).await?;
    if touched.rows_affected > 0 {
        return Ok(found);
    }
    if found.ended_at.is_some() {
        let why = format!("it has ended as {}", found.phase.word());
        return Err(StoreError::Conflict {
            subject: format!("run {id}"),
            why,
        });
    }
    Err(StoreError::Stale {
        subject: format!("run {id}"),
        have: found.fence,
        given: fence,
    })
}

/// Takes a run over from a writer that is gone: raises its fence.
///
/// # Errors
/// [`StoreError::Stale`] when the run has this fence or a higher one already; [`StoreError::Conflict`] when it ended.
pub async fn take_over(tx: &mut Tx, id: RunId, fence: u64) -> Result<RunRow, StoreError> {
    let found = get(tx, id).await?;
    if fence <= found.fence {
        return Err(StoreError::Stale {
            subject: format!("run {id}"),
            have: found.fence,
            given: fence,
        });
    }
    require(tx, id, found.fence).await?;
    run::Entity::update_many()
        .col_expr(run::Column::Fence, Expr::value(big(fence)))
        .filter(run::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing("take a run over")?;
    Ok(RunRow { fence, ..found })
}

/// Moves the run from one phase to the next; `false` when it is not in `from`. For final phases use [`finish`].
///
/// # Errors
/// [`StoreError::Stale`] when another writer has taken the run over, [`StoreError::Conflict`] when it has ended.
pub async fn set_phase(
    tx: &mut Tx,
    id: RunId,
    fence: u64,
    from: SyncPhase,
    to: SyncPhase,
    message: &str,
) -> Result<bool, StoreError> {
    if to.is_final() {
        let why = format!("{} is an end, not a phase to go on from", to.word());
        return Err(StoreError::Conflict {
            subject: format!("run {id}"),
            why,
        });
    }
    let found = require(tx, id, fence).await?;
    if found.phase != from {
        return Ok(false);
    }
    run::Entity::update_many()
        .col_expr(run::Column::Phase, Expr::value(to.word()))
        .col_expr(run::Column::Message, Expr::value(message))
        .filter(run::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing("move a run to its next phase")?;
    announce(tx, &found, EventKind::Changed).await?;
    Ok(true)
}

/// Stores the plan, before anything of it is applied.
///
/// # Errors
/// [`StoreError::Conflict`] when the run has a plan already: a plan never changes.
pub async fn put_plan(
    tx: &mut Tx,
    id: RunId,
    fence: u64,
    plan: &Plan,
    render_key: &str,
) -> Result<(), StoreError> {
    let doing = "store a plan";
    let found = require(tx, id, fence).await?;
    if let Some(digest) = &found.plan_digest {
        if *digest == plan.digest {
            return Ok(());
        }
        let why = "it has another plan already; begin a new run".to_owned();
        return Err(StoreError::Conflict {
            subject: format!("run {id}"),
            why,
        });
    }
    let stored = run_plan::Model {
        run_id: id.to_string(),
        plan: json("a plan", plan)?,
    };
    run_plan::Entity::insert(stored.into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing(doing)?;
    run::Entity::update_many()
        .col_expr(run::Column::PlanDigest, Expr::value(plan.digest.as_str()))
        .col_expr(run::Column::RenderKey, Expr::value(render_key))
        .col_expr(
            run::Column::Counts,
            Expr::value(json("the counts of a plan", &plan.counts())?),
        )
        .filter(run::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing(doing)?;
    announce(tx, &found, EventKind::Changed).await
}

/// The plan of a run, once it has one.
///
/// # Errors
/// When the database cannot be read.
pub async fn plan(db: &impl Read, id: RunId) -> Result<Option<Plan>, StoreError> {
    let found = run_plan::Entity::find_by_id(id.to_string())
        .one(&db.executor())
        .await
        .doing("read a plan")?;
    found
        .map(|row| Column("run_plan", "plan").json(&row.plan))
        .transpose()
}

/// Ends a run in a final phase.
///
/// # Errors
/// [`StoreError::Stale`] when another writer has taken the run over, [`StoreError::Conflict`] when it has ended before
/// or `phase` is not final.
pub async fn finish(
    tx: &mut Tx,
    id: RunId,
    fence: u64,
    phase: SyncPhase,
    message: &str,
) -> Result<(), StoreError> {
    if !phase.is_final() {
        let why = format!("{} is not an end", phase.word());
        return Err(StoreError::Conflict {
            subject: format!("run {id}"),
            why,
        });
    }
    let found = require(tx, id, fence).await?;
    run::Entity::update_many()
        .col_expr(run::Column::Phase, Expr::value(phase.word()))
        .col_expr(run::Column::Message, Expr::value(message))
        .col_expr(
            run::Column::EndedAt,
            Expr::value(tx.now().0.max(found.started_at.0)),
        )
        .filter(run::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing("end a run")?;
    announce(tx, &found, EventKind::Ended).await
}
