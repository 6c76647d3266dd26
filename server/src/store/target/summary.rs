//! Targets as pages list them: the state together with what runs and what holds it back. Few queries, whatever the
//! number of targets.

use super::super::columns::{Column, ROWS_AT_ONCE};
use super::super::entity::{application, run, target};
use super::super::error::Doing;
use super::super::{Read, StoreError, hold, pin};
use super::TargetRow;
use lockstep_types::application::{ApplicationRef, TargetRef, TargetSummary};
use lockstep_types::id::{ApplicationId, RunId, SourceId, TargetId};
use lockstep_types::sync::SyncPhase;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use std::collections::{BTreeMap, BTreeSet};

/// Which targets to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Of all applications that are defined.
    All,
    /// Of these applications, defined or gone.
    Applications(Vec<ApplicationId>),
    /// On this cluster, of applications that are defined.
    Cluster(String),
    /// Of this source, as far as defined.
    Source(SourceId),
    /// Exactly these, defined or gone.
    These(Vec<TargetId>),
}

impl Which {
    fn applications(&self) -> Select<application::Entity> {
        let select = application::Entity::find();
        match self {
            Self::All | Self::Cluster(_) => select.filter(application::Column::GoneAt.is_null()),
            Self::Source(source) => select
                .filter(application::Column::SourceId.eq(source.to_string()))
                .filter(application::Column::GoneAt.is_null()),
            Self::Applications(ids) => {
                select.filter(application::Column::Id.is_in(ids.iter().map(ToString::to_string)))
            }
            Self::These(_) => select,
        }
    }

    fn targets(&self) -> Select<target::Entity> {
        let select = target::Entity::find().order_by_asc(target::Column::Id);
        match self {
            Self::All | Self::Source(_) => select,
            Self::Cluster(cluster) => select.filter(target::Column::Cluster.eq(cluster.as_str())),
            Self::Applications(ids) => select
                .filter(target::Column::ApplicationId.is_in(ids.iter().map(ToString::to_string))),
            Self::These(ids) => {
                select.filter(target::Column::Id.is_in(ids.iter().map(ToString::to_string)))
            }
        }
    }
}

/// The chosen targets with everything a list shows of them, by application name and cluster.
///
/// # Errors
/// When the database cannot be read.
pub async fn summaries(db: &impl Read, which: &Which) -> Result<Vec<TargetSummary>, StoreError> {
    let doing = "list targets";
    let rows = which.targets().all(&db.executor()).await.doing(doing)?;
    let applications = names(db, which.applications()).await?;
    let running = running(db).await?;
    let mut holds = hold::unended(db).await?;
    let mut pins = pin::unended(db).await?;
    let mut summaries = Vec::with_capacity(rows.len());
    for model in rows {
        let row = super::row(model)?;
        let Some(application) = applications.get(&row.application.to_string()) else {
            continue;
        };
        let running = running.get(&row.id).copied();
        summaries.push(TargetSummary {
            hold: holds.remove(&row.id),
            pin: pins.remove(&row.id),
            ..of(row, application.clone(), running)
        });
    }
    summaries.sort_by(|a, b| {
        (&a.target.application.name, &a.target.cluster, a.target.id).cmp(&(
            &b.target.application.name,
            &b.target.cluster,
            b.target.id,
        ))
    });
    Ok(summaries)
}

/// One target as [`summaries`] has it.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn summary(db: &impl Read, id: TargetId) -> Result<TargetSummary, StoreError> {
    let found = summaries(db, &Which::These(vec![id])).await?.pop();
    found.ok_or_else(|| StoreError::not_found("target", id))
}

fn of(
    row: TargetRow,
    application: ApplicationRef,
    running: Option<(RunId, SyncPhase)>,
) -> TargetSummary {
    TargetSummary {
        target: TargetRef {
            id: row.id,
            application,
            cluster: row.cluster,
        },
        mode: row.mode,
        sync: row.state.sync,
        health: row.state.health,
        reason: row.state.reason,
        drifted: row.state.drifted,
        out_of_sync: row.state.out_of_sync,
        objects: row.state.objects,
        revision: row.state.revision,
        deployed: row.deployed,
        images: row.images,
        last_compared: row.last_compared,
        running: running.map(|(run, _)| run),
        phase: running.map(|(_, phase)| phase),
        hold: None,
        pin: None,
    }
}

async fn names(
    db: &impl Read,
    select: Select<application::Entity>,
) -> Result<BTreeMap<String, ApplicationRef>, StoreError> {
    let rows: Vec<(String, String, String)> = select
        .select_only()
        .columns([
            application::Column::Id,
            application::Column::Name,
            application::Column::Project,
        ])
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("list the names of applications")?;
    rows.into_iter()
        .map(|(id, name, project)| {
            let application = ApplicationRef {
                id: Column("application", "id").id(&id)?,
                name,
                project,
            };
            Ok((id, application))
        })
        .collect()
}

/// The newest run of each target that has not ended.
async fn running(db: &impl Read) -> Result<BTreeMap<TargetId, (RunId, SyncPhase)>, StoreError> {
    let rows: Vec<(String, String, String)> = run::Entity::find()
        .filter(run::Column::EndedAt.is_null())
        .order_by_asc(run::Column::StartedAt)
        .select_only()
        .columns([run::Column::TargetId, run::Column::Id, run::Column::Phase])
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("list running syncs")?;
    rows.iter()
        .map(|(target, run, phase)| {
            let phase = Column("run", "phase").word(SyncPhase::from_word(phase))?;
            Ok((
                Column("run", "target_id").id(target)?,
                (Column("run", "id").id(run)?, phase),
            ))
        })
        .collect()
}

/// Links to these targets.
///
/// # Errors
/// When the database cannot be read.
pub async fn refs(
    db: &impl Read,
    ids: &BTreeSet<TargetId>,
) -> Result<BTreeMap<TargetId, TargetRef>, StoreError> {
    let doing = "read the names of targets";
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let mut refs = BTreeMap::new();
    for texts in texts.chunks(ROWS_AT_ONCE) {
        let rows: Vec<(String, String, String)> = target::Entity::find()
            .filter(target::Column::Id.is_in(texts))
            .select_only()
            .columns([
                target::Column::Id,
                target::Column::ApplicationId,
                target::Column::Cluster,
            ])
            .into_tuple()
            .all(&db.executor())
            .await
            .doing(doing)?;
        let applications: BTreeSet<&str> = rows
            .iter()
            .map(|(_, application, _)| application.as_str())
            .collect();
        let select =
            application::Entity::find().filter(application::Column::Id.is_in(applications));
        let names = names(db, select).await?;
        for (id, application, cluster) in rows {
            let id = Column("target", "id").id(&id)?;
            let application = names
                .get(&application)
                .cloned()
                .ok_or(Column("target", "application_id").unreadable())?;
            refs.insert(
                id,
                TargetRef {
                    id,
                    application,
                    cluster,
                },
            );
        }
    }
    Ok(refs)
}
