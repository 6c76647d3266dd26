//! Clusters that are brought back from Git. At most one such action is open per cluster; its members and their stages
//! are written once, and each member's turn is the operation that was asked for it.

use super::columns::{Column, json};
use super::entity::{cluster, inventory, reestablish, reestablish_member as member, target};
use super::error::Doing;
use super::{Read, StoreError, Tx, approval, operation, run, target as store_target};
use lockstep_types::Micros;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::{OperationId, TargetId};
use lockstep_types::reestablish::{Begun, Rank};
use lockstep_types::sync::SyncPhase;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeSet;
use uuid::Uuid;

/// One action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReestablishRow {
    pub id: Uuid,
    pub cluster: String,
    /// Targets that the person who asked may sync.
    pub targets: BTreeSet<TargetId>,
    /// When the stages were found; `None`: not yet.
    pub planned_at: Option<Micros>,
    pub begun: Begun,
}

/// A target in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    pub target: TargetId,
    /// From 1; 0: left out.
    pub stage: u32,
    pub rank: Rank,
    pub why: String,
    /// Targets without which it cannot come back.
    pub after: Vec<TargetId>,
    /// What was asked for it when its turn came.
    pub operation: Option<OperationId>,
    /// How often it was asked for.
    pub tries: u32,
}

fn row(row: reestablish::Model) -> Result<ReestablishRow, StoreError> {
    Ok(ReestablishRow {
        id: Uuid::parse_str(&row.id)
            .map_err(|_| StoreError::not_found("a cluster that is brought back", &row.id))?,
        targets: Column("reestablish", "targets").json(&row.targets)?,
        planned_at: row.planned_at.map(Micros),
        begun: Begun {
            by: row.actor,
            reason: row.reason,
            at: Micros(row.at),
            ended_at: row.ended_at.map(Micros),
            ending: row.ending,
        },
        cluster: row.cluster,
    })
}

fn member_row(row: member::Model) -> Result<MemberRow, StoreError> {
    Ok(MemberRow {
        target: Column("reestablish_member", "target_id").id(&row.target_id)?,
        stage: u32::try_from(row.stage).unwrap_or(0),
        rank: Column("reestablish_member", "rank").word(Rank::from_word(&row.rank))?,
        why: row.why,
        after: Column("reestablish_member", "needs").json(&row.needs)?,
        operation: row
            .operation_id
            .map(|id| Column("reestablish_member", "operation_id").id(&id))
            .transpose()?,
        tries: u32::try_from(row.tries).unwrap_or(u32::MAX),
    })
}

/// Begins to bring a cluster back.
///
/// # Errors
/// [`StoreError::Conflict`] when that is going on already.
pub async fn begin(
    tx: &mut Tx,
    cluster: &str,
    (actor, reason): (&str, &str),
    targets: &BTreeSet<TargetId>,
) -> Result<Uuid, StoreError> {
    if let Some(open) = newest(tx, cluster)
        .await?
        .filter(|row| row.begun.ended_at.is_none())
    {
        return Err(StoreError::Conflict {
            subject: format!("bringing back {cluster}"),
            why: format!("{} began it already; stop that first", open.begun.by),
        });
    }
    let id = Uuid::now_v7();
    let model = reestablish::Model {
        id: id.to_string(),
        cluster: cluster.to_owned(),
        actor: actor.to_owned(),
        reason: reason.to_owned(),
        targets: json("the targets of a cluster that is brought back", targets)?,
        at: tx.now().0,
        planned_at: None,
        ended_at: None,
        ending: String::new(),
    };
    reestablish::Entity::insert(model.into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing("begin to bring a cluster back")?;
    tx.announce(Subject::Cluster(cluster.to_owned()), EventKind::Changed);
    Ok(id)
}

/// The newest action of a cluster, open or ended.
///
/// # Errors
/// When the database cannot be read.
pub async fn newest(db: &impl Read, cluster: &str) -> Result<Option<ReestablishRow>, StoreError> {
    let found = reestablish::Entity::find()
        .filter(reestablish::Column::Cluster.eq(cluster))
        .order_by_desc(reestablish::Column::At)
        .one(&db.executor())
        .await;
    found
        .doing("read which clusters are brought back")?
        .map(row)
        .transpose()
}

/// All actions that are not over.
///
/// # Errors
/// When the database cannot be read.
pub async fn open(db: &impl Read) -> Result<Vec<ReestablishRow>, StoreError> {
    let rows = reestablish::Entity::find()
        .filter(reestablish::Column::EndedAt.is_null())
        .order_by_asc(reestablish::Column::At)
        .all(&db.executor())
        .await;
    rows.doing("read which clusters are brought back")?
        .into_iter()
        .map(row)
        .collect()
}

/// Its members, by stage.
///
/// # Errors
/// When the database cannot be read.
pub async fn members(db: &impl Read, id: Uuid) -> Result<Vec<MemberRow>, StoreError> {
    let rows = member::Entity::find()
        .filter(member::Column::ReestablishId.eq(id.to_string()))
        .order_by_asc(member::Column::Stage)
        .order_by_asc(member::Column::TargetId)
        .all(&db.executor())
        .await;
    rows.doing("read the stages of a cluster that is brought back")?
        .into_iter()
        .map(member_row)
        .collect()
}

/// Writes the stages down, once. `false`: they were written, or it ended, before.
///
/// # Errors
/// When the database cannot be written.
pub async fn plan(
    tx: &mut Tx,
    action: &ReestablishRow,
    members: &[MemberRow],
) -> Result<bool, StoreError> {
    let doing = "write down the stages of a cluster that is brought back";
    let first = reestablish::Entity::update_many()
        .col_expr(reestablish::Column::PlannedAt, Expr::value(tx.now().0))
        .filter(reestablish::Column::Id.eq(action.id.to_string()))
        .filter(reestablish::Column::PlannedAt.is_null())
        .filter(reestablish::Column::EndedAt.is_null())
        .exec(tx.db())
        .await
        .doing(doing)?;
    if first.rows_affected == 0 {
        return Ok(false);
    }
    for one in members {
        let model = member::Model {
            reestablish_id: action.id.to_string(),
            target_id: one.target.to_string(),
            stage: i32::try_from(one.stage).unwrap_or(i32::MAX),
            rank: one.rank.word().to_owned(),
            why: one.why.clone(),
            needs: json("what a target needs", &one.after)?,
            operation_id: None,
            tries: 0,
        };
        member::Entity::insert(model.into_active_model())
            .exec_without_returning(tx.db())
            .await
            .doing(doing)?;
    }
    announce(tx, action);
    Ok(true)
}

/// Notes what was asked for a member, for the first time or once more. `false`: somebody else did, or all of it ended.
///
/// # Errors
/// When the database cannot be written.
pub async fn turn(
    tx: &mut Tx,
    action: &ReestablishRow,
    known: &MemberRow,
    operation: OperationId,
) -> Result<bool, StoreError> {
    let tries = |tries: u32| i32::try_from(tries).unwrap_or(i32::MAX);
    let going = Query::select()
        .column(reestablish::Column::Id)
        .from(reestablish::Entity)
        .and_where(reestablish::Column::EndedAt.is_null())
        .to_owned();
    let done = member::Entity::update_many()
        .col_expr(
            member::Column::OperationId,
            Expr::value(operation.to_string()),
        )
        .col_expr(
            member::Column::Tries,
            Expr::value(tries(known.tries.saturating_add(1))),
        )
        .filter(member::Column::ReestablishId.eq(action.id.to_string()))
        .filter(member::Column::TargetId.eq(known.target.to_string()))
        .filter(member::Column::Tries.eq(tries(known.tries)))
        .filter(member::Column::ReestablishId.in_subquery(going))
        .exec(tx.db())
        .await
        .doing("note a turn in bringing a cluster back")?;
    announce(tx, action);
    Ok(done.rows_affected > 0)
}

/// Ends it, with a sentence. `false`: it had ended before.
///
/// # Errors
/// When the database cannot be written.
pub async fn end(tx: &mut Tx, action: &ReestablishRow, ending: &str) -> Result<bool, StoreError> {
    let done = reestablish::Entity::update_many()
        .col_expr(reestablish::Column::EndedAt, Expr::value(tx.now().0))
        .col_expr(reestablish::Column::Ending, Expr::value(ending))
        .filter(reestablish::Column::Id.eq(action.id.to_string()))
        .filter(reestablish::Column::EndedAt.is_null())
        .exec(tx.db())
        .await
        .doing("end bringing a cluster back")?;
    announce(tx, action);
    Ok(done.rows_affected > 0)
}

fn announce(tx: &mut Tx, action: &ReestablishRow) {
    let subject = Subject::Cluster(action.cluster.clone());
    tx.announce(subject, EventKind::Changed);
}

/// From now on another cluster is the one of this name: `found` instead of `known`. What its targets had written is
/// forgotten: it was written elsewhere, and nothing of it may be deleted here. Runs that are open are interrupted.
///
/// # Errors
/// [`StoreError::Conflict`] when the cluster is not known as `known` any more.
pub async fn replace(
    tx: &mut Tx,
    cluster: &str,
    known: &str,
    found: &str,
) -> Result<(), StoreError> {
    let doing = "take another cluster for a replaced one";
    let changed = cluster::Entity::update_many()
        .col_expr(cluster::Column::Identity, Expr::value(found))
        .filter(cluster::Column::Name.eq(cluster))
        .filter(cluster::Column::Identity.eq(known))
        .exec(tx.db())
        .await
        .doing(doing)?;
    if changed.rows_affected == 0 {
        return Err(StoreError::Conflict {
            subject: format!("the cluster {cluster}"),
            why: "it is not known as the cluster that you saw any more; look again".to_owned(),
        });
    }
    let targets: Vec<String> = target::Entity::find()
        .select_only()
        .column(target::Column::Id)
        .filter(target::Column::Cluster.eq(cluster))
        .into_tuple()
        .all(tx.db())
        .await
        .doing(doing)?;
    for id in &targets {
        let id: TargetId = Column("target", "id").id(id)?;
        if let Some(open) = run::active_of_target(tx, id).await? {
            // It began on the other cluster, and its steps say nothing of this one.
            let why = "another cluster took the place of the one that it wrote to";
            run::finish(tx, open.id, open.fence, SyncPhase::Interrupted, why).await?;
            operation::end(tx, open.operation, why).await?;
            approval::withdraw(tx, id).await?;
        }
        // What is remembered of the target was seen elsewhere.
        store_target::claim(tx, id).await?;
    }
    inventory::Entity::delete_many()
        .filter(inventory::Column::TargetId.is_in(targets))
        .exec(tx.db())
        .await
        .doing(doing)?;
    Ok(())
}
