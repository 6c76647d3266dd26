//! Targets: one application on one cluster, with its current state.
//!
//! One writer per target: it claims a generation, and every write of state compares it, so a slower, older writer is
//! refused. Writing the state also keeps the [`status`](super::status) intervals, in the same transaction.

mod carry;
mod summary;

pub use carry::carry;
pub use summary::{Which, refs, summaries, summary};

use super::columns::{Column, ROWS_AT_ONCE, big, column, count, json, maybe_json, number};
use super::entity::{application, target};
use super::error::Doing;
use super::status::{self, Axis};
use super::{Read, Store, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::diff::SyncStatus;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::reason::Reason;
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A target as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetRow {
    pub id: TargetId,
    pub application: ApplicationId,
    pub cluster: String,
    pub mode: Mode,
    pub generation: u64,
    pub state: TargetState,
    /// What the last successful sync applied, and its render.
    pub deployed: Option<Revision>,
    pub deployed_render: Option<String>,
    pub images: Vec<String>,
    pub last_compared: Option<Micros>,
    pub created_at: Micros,
    pub changed_at: Micros,
}

/// What a comparison finds out.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetState {
    pub sync: SyncStatus,
    pub health: Health,
    pub reason: Option<Reason>,
    pub drifted: u32,
    pub out_of_sync: u32,
    pub objects: u32,
    /// What the tracked revision resolves to.
    pub revision: Option<Revision>,
    /// The render that was compared.
    pub render_key: Option<String>,
}

impl TargetState {
    /// Nothing is known yet.
    pub fn unknown() -> Self {
        Self {
            sync: SyncStatus::Unknown,
            health: Health::new(HealthStatus::Unknown, ""),
            reason: None,
            drifted: 0,
            out_of_sync: 0,
            objects: 0,
            revision: None,
            render_key: None,
        }
    }
}

/// What a successful sync leaves behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    pub revision: Revision,
    pub render_key: String,
    /// Images of the declared workloads, shortened.
    pub images: Vec<String>,
}

fn row(row: target::Model) -> Result<TargetRow, StoreError> {
    let health = Column("target", "health").word(HealthStatus::from_word(&row.health))?;
    Ok(TargetRow {
        id: Column("target", "id").id(&row.id)?,
        application: Column("target", "application_id").id(&row.application_id)?,
        cluster: row.cluster,
        mode: Column("target", "mode").word(Mode::from_word(&row.mode))?,
        generation: number(row.generation),
        state: TargetState {
            sync: Column("target", "sync").word(SyncStatus::from_word(&row.sync))?,
            health: Health::new(health, row.health_message),
            reason: Column("target", "reason").maybe_json(row.reason.as_deref())?,
            drifted: count(row.drifted),
            out_of_sync: count(row.out_of_sync),
            objects: count(row.objects),
            revision: row.revision.map(Revision),
            render_key: row.render_key,
        },
        deployed: row.deployed.map(Revision),
        deployed_render: row.deployed_render,
        images: Column("target", "images").json(&row.images)?,
        last_compared: row.last_compared.map(Micros),
        created_at: Micros(row.created_at),
        changed_at: Micros(row.changed_at),
    })
}

/// The id of an application's target: the same in every database, so that links survive a lost one.
pub fn id_of(application: ApplicationId, cluster: &str) -> TargetId {
    TargetId(Uuid::new_v5(&application.0, cluster.as_bytes()))
}

/// The subject of events about a target.
pub fn subject(row: &TargetRow) -> Subject {
    Subject::Target {
        target: row.id,
        application: row.application,
        cluster: row.cluster.clone(),
    }
}

/// The target of `application` on `cluster`, made in `mode` with nothing known when there is none.
///
/// # Errors
/// When there is no such application, or the database cannot be written.
pub async fn ensure(
    tx: &mut Tx,
    application: ApplicationId,
    cluster: &str,
    mode: Mode,
) -> Result<TargetRow, StoreError> {
    let doing = "make a target";
    let id = id_of(application, cluster);
    if let Some(found) = target::Entity::find_by_id(id.to_string())
        .one(tx.db())
        .await
        .doing(doing)?
    {
        return row(found);
    }
    let unknown = TargetState::unknown();
    let now = tx.now();
    let model = target::Model {
        id: id.to_string(),
        application_id: application.to_string(),
        cluster: cluster.to_owned(),
        mode: mode.word().to_owned(),
        generation: 0,
        sync: unknown.sync.word().to_owned(),
        health: unknown.health.status.word().to_owned(),
        health_message: String::new(),
        reason: None,
        drifted: 0,
        out_of_sync: 0,
        objects: 0,
        revision: None,
        deployed: None,
        deployed_render: None,
        render_key: None,
        images: "[]".to_owned(),
        last_compared: None,
        created_at: now.0,
        changed_at: now.0,
    };
    target::Entity::insert(model.clone().into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing(doing)?;
    status::turn(tx, id, Axis::Sync, unknown.sync.word(), None).await?;
    status::turn(tx, id, Axis::Health, unknown.health.status.word(), None).await?;
    let made = row(model)?;
    tx.announce(subject(&made), EventKind::Started);
    Ok(made)
}

/// One target.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(db: &impl Read, id: TargetId) -> Result<TargetRow, StoreError> {
    let found = target::Entity::find_by_id(id.to_string())
        .one(&db.executor())
        .await
        .doing("read a target")?;
    row(found.ok_or_else(|| StoreError::not_found("target", id))?)
}

/// All targets of applications that are defined at present.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(db: &impl Read) -> Result<Vec<TargetRow>, StoreError> {
    let rows = target::Entity::find()
        .filter(target::Column::ApplicationId.in_subquery(defined()))
        .order_by_asc(target::Column::Id)
        .all(&db.executor())
        .await;
    rows.doing("list targets")?.into_iter().map(row).collect()
}

/// All targets of one application, by cluster; also of one that is gone.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_application(
    db: &impl Read,
    application: ApplicationId,
) -> Result<Vec<TargetRow>, StoreError> {
    let rows = target::Entity::find()
        .filter(target::Column::ApplicationId.eq(application.to_string()))
        .order_by_asc(target::Column::Cluster)
        .all(&db.executor())
        .await;
    rows.doing("list the targets of an application")?
        .into_iter()
        .map(row)
        .collect()
}

fn defined() -> sea_orm::sea_query::SelectStatement {
    Query::select()
        .column(application::Column::Id)
        .from(application::Entity)
        .and_where(Expr::col(application::Column::GoneAt).is_null())
        .take()
}

/// Becomes the writer of a target: every earlier claim is void from the commit on. Returns the generation to give along
/// with each write.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn claim(tx: &mut Tx, id: TargetId) -> Result<u64, StoreError> {
    let doing = "claim a target";
    let update = Query::update()
        .table(target::Entity)
        .value(
            target::Column::Generation,
            Expr::col(target::Column::Generation).add(1),
        )
        .and_where(Expr::col(target::Column::Id).eq(id.to_string()))
        .returning_col(target::Column::Generation)
        .take();
    let row = tx
        .db()
        .query_one(&update)
        .await
        .doing(doing)?
        .ok_or_else(|| StoreError::not_found("target", id))?;
    Ok(number(row.try_get_by_index(0).doing(doing)?))
}

/// Refuses unless `generation` is the newest claim, and keeps others from claiming until the transaction ends.
async fn require(tx: &mut Tx, id: TargetId, generation: u64) -> Result<TargetRow, StoreError> {
    // A write that changes nothing takes the lock on both databases.
    let touched = target::Entity::update_many()
        .col_expr(
            target::Column::Generation,
            Expr::col(target::Column::Generation),
        )
        .filter(target::Column::Id.eq(id.to_string()))
        .filter(target::Column::Generation.eq(big(generation)))
        .exec(tx.db())
        .await
        .doing("check the generation of a target")?;
    let row = get(tx, id).await?;
    if touched.rows_affected == 0 {
        return Err(StoreError::Stale {
            subject: format!("target {id}"),
            have: row.generation,
            given: generation,
        });
    }
    Ok(row)
}

/// Refuses a writer whose claim is void. For transactions that write other tables on behalf of the target.
///
/// # Errors
/// [`StoreError::Stale`] or [`StoreError::NotFound`].
pub async fn require_generation(
    tx: &mut Tx,
    id: TargetId,
    generation: u64,
) -> Result<(), StoreError> {
    require(tx, id, generation).await.map(|_| ())
}

/// Writes what a comparison found, with its status intervals, and announces it. Returns whether anything differed; if
/// not, nothing was written.
///
/// # Errors
/// [`StoreError::Stale`] when the target was claimed anew since.
pub async fn record(
    tx: &mut Tx,
    id: TargetId,
    generation: u64,
    state: &TargetState,
) -> Result<bool, StoreError> {
    let old = require(tx, id, generation).await?;
    if old.state == *state {
        return Ok(false);
    }
    target::Entity::update_many()
        .col_expr(target::Column::Sync, Expr::value(state.sync.word()))
        .col_expr(
            target::Column::Health,
            Expr::value(state.health.status.word()),
        )
        .col_expr(
            target::Column::HealthMessage,
            Expr::value(state.health.message.as_str()),
        )
        .col_expr(
            target::Column::Reason,
            Expr::value(maybe_json("a reason", state.reason.as_ref())?),
        )
        .col_expr(target::Column::Drifted, Expr::value(column(state.drifted)))
        .col_expr(
            target::Column::OutOfSync,
            Expr::value(column(state.out_of_sync)),
        )
        .col_expr(target::Column::Objects, Expr::value(column(state.objects)))
        .col_expr(
            target::Column::Revision,
            Expr::value(state.revision.as_ref().map(|revision| revision.0.clone())),
        )
        .col_expr(
            target::Column::RenderKey,
            Expr::value(state.render_key.clone()),
        )
        .col_expr(target::Column::ChangedAt, Expr::value(tx.now().0))
        .filter(target::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing("record the state of a target")?;
    let reason = state.reason.as_ref();
    if old.state.sync != state.sync {
        status::turn(tx, id, Axis::Sync, state.sync.word(), reason).await?;
    }
    if old.state.health.status != state.health.status {
        status::turn(tx, id, Axis::Health, state.health.status.word(), reason).await?;
    }
    if let Some(revision) = &state.revision {
        if old.state.revision.as_ref() != Some(revision) {
            status::turn(tx, id, Axis::Revision, &revision.0, None).await?;
        }
        let good = state.sync == SyncStatus::Synced && state.health.status == HealthStatus::Healthy;
        status::at_revision(tx, id, revision, state.render_key.as_deref(), good).await?;
    }
    tx.announce(subject(&old), EventKind::Changed);
    Ok(true)
}

/// Notes what a successful sync applied.
///
/// # Errors
/// [`StoreError::Stale`] when the target was claimed anew since.
pub async fn set_deployed(
    tx: &mut Tx,
    id: TargetId,
    generation: u64,
    deployed: &Deployed,
) -> Result<(), StoreError> {
    let old = require(tx, id, generation).await?;
    target::Entity::update_many()
        .col_expr(
            target::Column::Deployed,
            Expr::value(deployed.revision.0.as_str()),
        )
        .col_expr(
            target::Column::DeployedRender,
            Expr::value(deployed.render_key.as_str()),
        )
        .col_expr(
            target::Column::Images,
            Expr::value(json("the images of a target", &deployed.images)?),
        )
        .col_expr(target::Column::ChangedAt, Expr::value(tx.now().0))
        .filter(target::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing("record what was deployed")?;
    status::turn(tx, id, Axis::Deployed, &deployed.revision.0, None).await?;
    tx.announce(subject(&old), EventKind::Changed);
    Ok(())
}

/// Sets the mode of one target. See [`source::set_mode`](super::source::set_mode) for all of a source.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_mode(tx: &mut Tx, id: TargetId, mode: Mode) -> Result<(), StoreError> {
    let old = get(tx, id).await?;
    target::Entity::update_many()
        .col_expr(target::Column::Mode, Expr::value(mode.word()))
        .col_expr(target::Column::ChangedAt, Expr::value(tx.now().0))
        .filter(target::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing("set the mode of a target")?;
    tx.announce(subject(&old), EventKind::Changed);
    Ok(())
}

/// Moves the times of the last comparison forward, many at once and without events. Call it now and then with what has
/// gathered, not per comparison.
///
/// # Errors
/// When the database cannot be written.
pub async fn touch_compared(
    store: &Store,
    compared: &[(TargetId, Micros)],
) -> Result<(), StoreError> {
    let mut by_time: BTreeMap<Micros, Vec<String>> = BTreeMap::new();
    for (target, at) in compared {
        by_time.entry(*at).or_default().push(target.to_string());
    }
    let tx = store.begin().await?;
    for (at, mut ids) in by_time {
        // PostgreSQL locks rows in this order; another order elsewhere could deadlock.
        ids.sort_unstable();
        for ids in ids.chunks(ROWS_AT_ONCE) {
            target::Entity::update_many()
                .col_expr(target::Column::LastCompared, Expr::value(at.0))
                .filter(target::Column::Id.is_in(ids))
                .filter(
                    Condition::any()
                        .add(target::Column::LastCompared.is_null())
                        .add(target::Column::LastCompared.lt(at.0)),
                )
                .exec(tx.db())
                .await
                .doing("note the last comparisons")?;
        }
    }
    tx.commit().await?;
    Ok(())
}
