//! Plans that wait for a person. An approval is bound to one target, one run's plan by digest, and one use.

use super::columns::{Column, json};
use super::entity::approval;
use super::error::Doing;
use super::{Read, StoreError, Tx, target};
use lockstep_types::Micros;
use lockstep_types::event::EventKind;
use lockstep_types::id::{ApprovalId, RunId, TargetId};
use lockstep_types::plan::Plan;
use lockstep_types::sync::ApprovalView;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select};
use std::collections::BTreeSet;
use uuid::Uuid;

/// An approval as stored, decided or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRow {
    pub id: ApprovalId,
    pub target: TargetId,
    pub run: RunId,
    pub digest: String,
    pub asked_at: Micros,
    pub decided_at: Option<Micros>,
    pub decided_by: Option<String>,
    pub yes: Option<bool>,
    pub used_at: Option<Micros>,
    /// The plan is out of date; nobody need decide any more.
    pub withdrawn_at: Option<Micros>,
}

fn row(row: &approval::Model) -> Result<ApprovalRow, StoreError> {
    Ok(ApprovalRow {
        id: Column("approval", "id").id(&row.id)?,
        target: Column("approval", "target_id").id(&row.target_id)?,
        run: Column("approval", "run_id").id(&row.run_id)?,
        digest: row.digest.clone(),
        asked_at: Micros(row.asked_at),
        decided_at: row.decided_at.map(Micros),
        decided_by: row.decided_by.clone(),
        yes: row.yes,
        used_at: row.used_at.map(Micros),
        withdrawn_at: row.withdrawn_at.map(Micros),
    })
}

async fn announce(tx: &mut Tx, target: TargetId) -> Result<(), StoreError> {
    let row = target::get(tx, target).await?;
    tx.announce(target::subject(&row), EventKind::Changed);
    Ok(())
}

/// Asks for a yes to the plan of a run. What was asked before for the same target is withdrawn; the same digest asked
/// again, undecided, stays one question.
///
/// # Errors
/// When the database cannot be written.
pub async fn ask(tx: &mut Tx, run: RunId, plan: &Plan) -> Result<ApprovalId, StoreError> {
    let doing = "ask for an approval";
    for waiting in waiting_rows(tx, Some(plan.target)).await? {
        if waiting.run_id == run.to_string() && waiting.digest == plan.digest {
            return Column("approval", "id").id(&waiting.id);
        }
    }
    withdraw(tx, plan.target).await?;
    let id = ApprovalId(Uuid::now_v7());
    let model = approval::Model {
        id: id.to_string(),
        target_id: plan.target.to_string(),
        run_id: run.to_string(),
        revision: plan.revision.0.clone(),
        digest: plan.digest.clone(),
        gate: json("the findings of the prune gate", &plan.gate)?,
        counts: json("the counts of a plan", &plan.counts())?,
        asked_at: tx.now().0,
        decided_at: None,
        decided_by: None,
        yes: None,
        used_at: None,
        used_run: None,
        withdrawn_at: None,
    };
    approval::Entity::insert(model.into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing(doing)?;
    announce(tx, plan.target).await?;
    Ok(id)
}

fn undecided() -> Select<approval::Entity> {
    approval::Entity::find()
        .filter(approval::Column::DecidedAt.is_null())
        .filter(approval::Column::WithdrawnAt.is_null())
        .order_by_asc(approval::Column::AskedAt)
        .order_by_asc(approval::Column::Id)
}

async fn waiting_rows(
    db: &impl Read,
    target: Option<TargetId>,
) -> Result<Vec<approval::Model>, StoreError> {
    let mut select = undecided();
    if let Some(target) = target {
        select = select.filter(approval::Column::TargetId.eq(target.to_string()));
    }
    select.all(&db.executor()).await.doing("list approvals")
}

/// What waits for a person, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn waiting(db: &impl Read) -> Result<Vec<ApprovalView>, StoreError> {
    let rows = waiting_rows(db, None).await?;
    let mut targets = BTreeSet::new();
    for row in &rows {
        targets.insert(Column("approval", "target_id").id(&row.target_id)?);
    }
    let refs = target::refs(db, &targets).await?;
    rows.into_iter()
        .map(|row| {
            let target: TargetId = Column("approval", "target_id").id(&row.target_id)?;
            Ok(ApprovalView {
                id: Column("approval", "id").id(&row.id)?,
                target: refs
                    .get(&target)
                    .cloned()
                    .ok_or(Column("approval", "target_id").unreadable())?,
                run: Column("approval", "run_id").id(&row.run_id)?,
                revision: lockstep_types::revision::Revision(row.revision),
                digest: row.digest,
                gate: Column("approval", "gate").json(&row.gate)?,
                asked_at: Micros(row.asked_at),
                counts: Column("approval", "counts").json(&row.counts)?,
            })
        })
        .collect()
}

/// One approval.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(db: &impl Read, id: ApprovalId) -> Result<ApprovalRow, StoreError> {
    let found = approval::Entity::find_by_id(id.to_string())
        .one(&db.executor())
        .await
        .doing("read an approval")?;
    row(&found.ok_or_else(|| StoreError::not_found("approval", id))?)
}

/// A person says yes or no to exactly the plan with this digest.
///
/// # Errors
/// [`StoreError::Conflict`] when the plan is another one by now, or was decided before.
pub async fn decide(
    tx: &mut Tx,
    id: ApprovalId,
    digest: &str,
    yes: bool,
    by: &str,
) -> Result<ApprovalRow, StoreError> {
    let done = approval::Entity::update_many()
        .col_expr(approval::Column::DecidedAt, Expr::value(tx.now().0))
        .col_expr(approval::Column::DecidedBy, Expr::value(by))
        .col_expr(approval::Column::Yes, Expr::value(yes))
        .filter(approval::Column::Id.eq(id.to_string()))
        .filter(approval::Column::Digest.eq(digest))
        .filter(approval::Column::DecidedAt.is_null())
        .filter(approval::Column::WithdrawnAt.is_null())
        .exec(tx.db())
        .await
        .doing("decide about a plan")?;
    let found = get(tx, id).await?;
    if done.rows_affected > 0 {
        announce(tx, found.target).await?;
        return Ok(found);
    }
    let why = if found.digest != digest || found.withdrawn_at.is_some() {
        "it has changed since it was shown; look at it again".to_owned()
    } else {
        let word = if found.yes == Some(true) {
            "approved"
        } else {
            "refused"
        };
        format!(
            "it was {word} by {} already",
            found.decided_by.unwrap_or_default()
        )
    };
    Err(StoreError::Conflict {
        subject: "this plan".to_owned(),
        why,
    })
}

/// Uses up a yes for exactly this target and plan digest; `false` when there is none left. In the same transaction the
/// run must go on to Applying.
///
/// # Errors
/// When the database cannot be written.
pub async fn use_up(
    tx: &mut Tx,
    target: TargetId,
    digest: &str,
    run: RunId,
) -> Result<bool, StoreError> {
    let doing = "use an approval";
    let usable = approval::Entity::find()
        .filter(approval::Column::TargetId.eq(target.to_string()))
        .filter(approval::Column::Digest.eq(digest))
        .filter(approval::Column::Yes.eq(true))
        .filter(approval::Column::UsedAt.is_null())
        .filter(approval::Column::WithdrawnAt.is_null())
        .order_by_desc(approval::Column::DecidedAt)
        .one(tx.db())
        .await
        .doing(doing)?;
    let Some(usable) = usable else {
        return Ok(false);
    };
    let done = approval::Entity::update_many()
        .col_expr(approval::Column::UsedAt, Expr::value(tx.now().0))
        .col_expr(approval::Column::UsedRun, Expr::value(run.to_string()))
        .filter(approval::Column::Id.eq(usable.id))
        .filter(approval::Column::UsedAt.is_null())
        .exec(tx.db())
        .await
        .doing(doing)?;
    Ok(done.rows_affected > 0)
}

/// The newest approval of a run, whatever became of it.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_run(db: &impl Read, run: RunId) -> Result<Option<ApprovalRow>, StoreError> {
    let found = approval::Entity::find()
        .filter(approval::Column::RunId.eq(run.to_string()))
        .order_by_desc(approval::Column::AskedAt)
        .one(&db.executor())
        .await
        .doing("read the approval of a run")?;
    found.as_ref().map(row).transpose()
}

/// Withdraws what a target waits for and every yes it has not used: the plan is out of date. Returns how many.
///
/// # Errors
/// When the database cannot be written.
pub async fn withdraw(tx: &mut Tx, target: TargetId) -> Result<u64, StoreError> {
    let done = approval::Entity::update_many()
        .col_expr(approval::Column::WithdrawnAt, Expr::value(tx.now().0))
        .filter(approval::Column::TargetId.eq(target.to_string()))
        .filter(approval::Column::UsedAt.is_null())
        .filter(approval::Column::WithdrawnAt.is_null())
        .exec(tx.db())
        .await
        .doing("withdraw approvals")?;
    if done.rows_affected > 0 {
        announce(tx, target).await?;
    }
    Ok(done.rows_affected)
}
