//! Reads from the database everything one pass of a target needs. Decides nothing.

use super::memory::TargetMemory;
use crate::reconcile::decide::LastAttempt;
use crate::reconcile::definitions;
use crate::runtime::Runtime;
use crate::store::application::ApplicationRow;
use crate::store::inventory::InventoryRow;
use crate::store::operation::OperationRow;
use crate::store::run::RunRow;
use crate::store::source::SourceRow;
use crate::store::target::TargetRow;
use crate::store::{self, StoreError};
use engine::definition::Definition;
use engine::plan::InventoryEntry;
use lockstep_types::application::{Hold, Pin};
use lockstep_types::id::{SourceId, TargetId};
use lockstep_types::leftover::LeftBehind;
use lockstep_types::sync::{OperationKind, StepOutcome, StepStatus, SyncPhase};

/// Finished runs that are looked at to count failures in a row.
const LOOK_BACK: u64 = 8;
/// How often it looks further back past runs that do not count, and at how many each time.
const PAGES: usize = 16;
const FURTHER: u64 = 200;

/// One target with all that belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) row: TargetRow,
    pub(crate) application: ApplicationRow,
    pub(crate) definition: Definition,
    pub(crate) source: SourceRow,
    pub(crate) hold: Option<Hold>,
    pub(crate) pin: Option<Pin>,
    /// With a pin, further sources go back too, to what they were with its revision.
    pub(crate) others_stand: bool,
    pub(crate) requests: Vec<OperationRow>,
    pub(crate) run: Option<RunRow>,
    pub(crate) inventory: Vec<InventoryRow>,
    /// As tracking ids name the target.
    pub(crate) target_key: String,
    pub(crate) generation: u64,
}

impl Loaded {
    /// The oldest sync that somebody asked for.
    pub(crate) fn requested(&self) -> Option<&OperationRow> {
        self.requests
            .iter()
            .find(|request| matches!(request.kind, OperationKind::Sync | OperationKind::Rollback))
    }

    /// The inventory in the planner's words.
    pub(crate) fn entries(&self) -> Vec<InventoryEntry> {
        self.inventory
            .iter()
            .map(|row| InventoryEntry {
                key: row.key.clone(),
                uid: row.uid.clone(),
            })
            .collect()
    }
}

/// Loads a target; `None` when its definition is gone.
///
/// # Errors
/// When the database cannot be read or another writer holds the target.
pub(crate) async fn load(
    runtime: &Runtime,
    id: TargetId,
    memory: &mut TargetMemory,
) -> Result<Option<Loaded>, StoreError> {
    let Some(mut loaded) = loaded(runtime, id, Unplaced::Leave).await? else {
        return Ok(None);
    };
    claim(runtime, &mut loaded, memory).await?;
    Ok(Some(loaded))
}

/// Becomes the writer of the target, once.
///
/// # Errors
/// When the database cannot be read or written.
pub(crate) async fn claim(
    runtime: &Runtime,
    loaded: &mut Loaded,
    memory: &mut TargetMemory,
) -> Result<(), StoreError> {
    let id = loaded.row.id;
    loaded.generation = match memory.generation {
        Some(generation) => generation,
        None => {
            let mut tx = runtime.store().begin().await?;
            let generation = store::target::claim(&mut tx, id).await?;
            tx.commit().await?;
            memory.generation = Some(generation);
            generation
        }
    };
    if memory.last.is_none() {
        memory.last = Some(last_attempt(runtime, id).await?);
    }
    Ok(())
}

/// Loads a target without becoming its writer; `None` when its definition is gone.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn load_for_view(
    runtime: &Runtime,
    id: TargetId,
) -> Result<Option<Loaded>, StoreError> {
    loaded(runtime, id, Unplaced::Show).await
}

/// Loads a target of which Git says nothing any more, with what its last definition said; `None` when it is placed, or
/// when that cannot be told.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn load_left(
    runtime: &Runtime,
    id: TargetId,
) -> Result<Option<(Loaded, LeftBehind)>, StoreError> {
    let db = runtime.store();
    let row = match store::target::get(db, id).await {
        Ok(row) => row,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let application = store::application::get(db, row.application).await?;
    let Ok(definition) = serde_json::from_str::<Definition>(&application.definition) else {
        return Ok(None);
    };
    let source = match application.source {
        Some(source) => store::source::get(db, source).await.ok(),
        None => None,
    };
    let clusters = store::cluster::list(db).await?;
    let why = match (&source, application.gone_at) {
        (None, _) | (_, Some(_)) => LeftBehind::Removed,
        (Some(source), None) => {
            // A destination that leads nowhere is a mistake to be corrected, not a move.
            match definitions::places(&definition, &source.home_cluster, &clusters) {
                Ok(places) if places.iter().all(|(cluster, _)| *cluster != row.cluster) => {
                    LeftBehind::Moved
                }
                _ => return Ok(None),
            }
        }
    };
    let source = source.unwrap_or_else(|| forgotten(&definition, &row));
    let here = clusters
        .iter()
        .find(|cluster| cluster.name == row.cluster)
        .and_then(|cluster| definitions::on_cluster(&definition, &source.home_cluster, cluster));
    let definition = here.unwrap_or(definition);
    let loaded = Loaded {
        target_key: format!("{}@{}", application.key, row.cluster),
        hold: store::hold::unended_of(db, id).await?,
        pin: None,
        requests: store::operation::pending(db, id).await?,
        run: store::run::active_of_target(db, id).await?,
        inventory: store::inventory::of_target(db, id).await?,
        others_stand: true,
        generation: row.generation,
        row,
        application,
        definition,
        source,
    };
    Ok(Some((loaded, why)))
}

/// Stands for a source that was removed; only its home cluster is ever asked for.
fn forgotten(definition: &Definition, row: &TargetRow) -> SourceRow {
    SourceRow {
        id: SourceId(uuid::Uuid::nil()),
        name: String::new(),
        repo_url: definition.source.repo_url.clone(),
        path: String::new(),
        target_revision: definition.source.target_revision.clone(),
        home_cluster: row.cluster.clone(),
        mode: row.mode,
        revision: None,
        last_read: None,
        error: String::new(),
        problems: Vec::new(),
        from_file: false,
        created_at: row.created_at,
    }
}

/// What is to be done with a target whose cluster the definition does not lead to any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unplaced {
    /// Nothing may be written there by it.
    Leave,
    /// It is shown with what the definition says apart from any cluster.
    Show,
}

async fn loaded(
    runtime: &Runtime,
    id: TargetId,
    unplaced: Unplaced,
) -> Result<Option<Loaded>, StoreError> {
    let db = runtime.store();
    let row = match store::target::get(db, id).await {
        Ok(row) => row,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let application = store::application::get(db, row.application).await?;
    let (Some(source), None) = (application.source, application.gone_at) else {
        return Ok(None);
    };
    let source = store::source::get(db, source).await?;
    let Ok(definition) = serde_json::from_str::<Definition>(&application.definition) else {
        return Ok(None);
    };
    let definition = match placed(db, &definition, &source, &row).await? {
        Some(placed) => placed,
        None if unplaced == Unplaced::Show => definition,
        None => return Ok(None),
    };
    Ok(Some(Loaded {
        target_key: format!("{}@{}", application.key, row.cluster),
        hold: store::hold::unended_of(db, id).await?,
        pin: store::pin::unended_of(db, id).await?,
        requests: store::operation::pending(db, id).await?,
        run: store::run::active_of_target(db, id).await?,
        inventory: store::inventory::of_target(db, id).await?,
        others_stand: true,
        generation: row.generation,
        row,
        application,
        definition,
        source,
    }))
}

/// The definition as it is on the target's cluster.
async fn placed(
    db: &store::Store,
    definition: &Definition,
    source: &SourceRow,
    row: &TargetRow,
) -> Result<Option<Definition>, StoreError> {
    if definition.placement.is_none() {
        return Ok(Some(definition.clone()));
    }
    let clusters = store::cluster::list(db).await?;
    Ok(clusters
        .iter()
        .find(|cluster| cluster.name == row.cluster)
        .and_then(|cluster| definitions::on_cluster(definition, &source.home_cluster, cluster)))
}

/// The newest finished run, with how many in a row failed at its state.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn last_attempt(
    runtime: &Runtime,
    id: TargetId,
) -> Result<Option<LastAttempt>, StoreError> {
    let mut last: Option<LastAttempt> = None;
    for run in whole_runs(runtime, id).await? {
        let failed = run.phase == SyncPhase::Failed;
        match &mut last {
            None => {
                let failing = failing_step(runtime, &run).await?;
                last = Some(LastAttempt {
                    attempt: run.render_key.clone().unwrap_or_default(),
                    prune: run.counts.prune > 0,
                    hooks: run.counts.hooks > 0,
                    hook_failed: failing
                        .as_ref()
                        .is_some_and(|step| step.action.is_of_hook()),
                    phase: run.phase,
                    by: run.started_by.words(),
                    failures: u32::from(failed),
                    ended_at: run.ended_at.unwrap_or(run.started_at),
                    object: failing.map(|step| step.key),
                    message: run.message,
                });
                if !failed {
                    break;
                }
            }
            Some(last) if failed && run.render_key.as_deref() == Some(last.attempt.as_str()) => {
                last.failures += 1
            }
            Some(_) => break,
        }
    }
    Ok(last)
}

/// The newest finished runs of everything. One of some objects only, or a dry run, is no attempt at the state.
async fn whole_runs(runtime: &Runtime, id: TargetId) -> Result<Vec<RunRow>, StoreError> {
    let mut whole = Vec::new();
    let mut before = None;
    for page in 0..PAGES {
        // Most often the first runs tell.
        let size = if page == 0 { LOOK_BACK } else { FURTHER };
        let page = store::run::of_target(runtime.store(), id, before, size).await?;
        before = page.last().map(|run| run.started_at);
        for summary in page {
            if summary.phase.is_final() && !summary.once.is_partial() {
                whole.push(store::run::get(runtime.store(), summary.id).await?);
            }
            if summary.phase == SyncPhase::Succeeded && !summary.once.is_partial() {
                return Ok(whole);
            }
        }
        let enough = usize::try_from(LOOK_BACK).unwrap_or(usize::MAX);
        if before.is_none() || whole.len() >= enough {
            break;
        }
    }
    Ok(whole)
}

async fn failing_step(runtime: &Runtime, run: &RunRow) -> Result<Option<StepOutcome>, StoreError> {
    if run.phase != SyncPhase::Failed {
        return Ok(None);
    }
    let steps = store::run::steps(runtime.store(), run.id).await?;
    Ok(steps
        .into_iter()
        .find(|step| step.status == StepStatus::Failed))
}
