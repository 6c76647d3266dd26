//! Starts and stops the loops: one per repository that is wanted, one per target that is placed, and the connections of
//! clusters. Level-triggered itself: a pass compares what should run with what runs.
//!
//! It is the only owner of the loops' cancellation tokens, and the only one who makes targets.

use super::cause::Cause;
use super::driver::{self, Pace, Passed};
use super::sources::{self, Wanted};
use super::{clusters, definitions, removal, revisions, rollouts, target};
use crate::runtime::memory::{Placement, RolloutPlace};
use crate::runtime::{Runtime, now};
use crate::store::{self, StoreError};
use engine::definition::Definition;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::id::{ApplicationId, SourceId, TargetId};
use lockstep_types::reason::ReasonCode;
use lockstep_types::sync::OperationKind;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;

/// Between two writes of the times of last comparisons.
const COMPARED: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Loops {
    repositories: HashMap<String, CancellationToken>,
    targets: HashMap<TargetId, CancellationToken>,
    /// Targets that Git places nowhere and that left something.
    leftovers: HashMap<TargetId, CancellationToken>,
    /// There was a pass before.
    started: bool,
    clusters: Vec<String>,
}

/// Runs until the runtime is cancelled.
pub(crate) async fn run(runtime: Runtime) {
    let loops = Arc::new(Mutex::new(Loops::default()));
    let pace = Pace {
        interval: Duration::from_secs(30),
        fastest_retry: Duration::from_secs(1),
        slowest: Duration::from_secs(30),
        breath: Duration::from_millis(100),
    };
    runtime.tasks().spawn(write_compared(runtime.clone()));
    runtime
        .tasks()
        .spawn(super::orphans::watch(runtime.clone()));
    // Before the first target begins: those of a cluster that is being brought back wait for their turn.
    super::reestablish::begin(&runtime).await;
    let wake = runtime.activator().supervisor();
    let cancel = runtime.cancelled().clone();
    driver::drive(wake, pace, Arc::new(Semaphore::new(1)), cancel, || {
        let (runtime, loops) = (runtime.clone(), Arc::clone(&loops));
        async move {
            match pass(&runtime, &mut *loops.lock().await).await {
                Ok(()) => Passed::Settled,
                Err(error) => {
                    tracing::warn!(event.name = "supervisor.failed", error = %error, "the database did not say what is to run; it is asked again");
                    Passed::Failed
                }
            }
        }
    })
    .await;
}

async fn pass(runtime: &Runtime, loops: &mut Loops) -> Result<(), StoreError> {
    let clusters = clusters::reconcile(runtime).await?;
    let names: Vec<String> = clusters
        .iter()
        .map(|row| format!("{} {} {:?}", row.name, row.server, row.labels))
        .collect();
    let clusters_changed = names != loops.clusters;
    if clusters_changed {
        runtime.memory().note_clusters_changed();
        loops.clusters = names;
    }
    let sources = store::source::list(runtime.store()).await?;
    let applications = store::application::list(runtime.store(), false).await?;
    let mut wanted: HashMap<String, Wanted> = HashMap::new();
    let mut by_source: HashMap<SourceId, String> = HashMap::new();
    for source in &sources {
        let key = runtime.repository_key(&source.repo_url);
        let entry = wanted.entry(key.clone()).or_default();
        entry.url.clone_from(&source.repo_url);
        entry.revisions.insert(source.target_revision.clone());
        entry.sources.push(source.id);
        by_source.insert(source.id, key);
    }
    runtime.activator().map_sources(by_source);
    sources::sets::want(runtime, &sources, &applications, &mut wanted);
    let mut placements: BTreeMap<TargetId, Placement> = BTreeMap::new();
    let mut rolling: BTreeMap<TargetId, RolloutPlace> = BTreeMap::new();
    let known: HashMap<TargetId, _> = store::target::list(runtime.store())
        .await?
        .into_iter()
        .map(|row| (row.id, row.cluster))
        .collect();
    for application in &applications {
        let Some(source) = application
            .source
            .and_then(|id| sources.iter().find(|source| source.id == id))
        else {
            continue;
        };
        let definition: Definition = match serde_json::from_str(&application.definition) {
            Ok(definition) => definition,
            // Written by another version; reading the source again writes it anew.
            Err(_) => continue,
        };
        let Ok(places) = definitions::places(&definition, &source.home_cluster, &clusters) else {
            want(runtime, &mut wanted, application.id, &definition, None);
            continue;
        };
        let home = &source.home_cluster;
        rolling.extend(rollouts::places(
            runtime,
            application,
            &definition,
            home,
            &clusters,
        ));
        for (cluster, definition) in places {
            let target = store::target::id_of(application.id, &cluster);
            if !known.contains_key(&target) {
                let mut tx = runtime.store().begin().await?;
                store::target::ensure(&mut tx, application.id, &cluster, source.mode).await?;
                tx.commit().await?;
            }
            let id = application.id;
            want(runtime, &mut wanted, id, &definition, Some(target));
            placements.insert(
                target,
                Placement {
                    application: application.id,
                    name: application.name.clone(),
                    cluster,
                },
            );
        }
    }
    let ended: Vec<TargetId> = loops
        .targets
        .keys()
        .filter(|target| !placements.contains_key(target))
        .copied()
        .collect();
    runtime.memory().place(placements.clone());
    for target in runtime.memory().set_rolling(rolling) {
        runtime.activator().activate_target(target);
    }
    for key in runtime.memory().want(wanted.clone()) {
        runtime.activator().activate_repository(&key);
    }
    if clusters_changed {
        for key in wanted.keys() {
            runtime.activator().activate_repository(key);
        }
        // What an application is on a cluster may hang on the cluster's labels.
        for target in placements.keys() {
            runtime.activator().activate_target(*target);
        }
    }
    repositories(runtime, loops, &wanted);
    for target in ended {
        end_target(runtime, loops, target);
    }
    for target in known
        .keys()
        .filter(|target| !placements.contains_key(target))
    {
        misplaced(runtime, *target).await?;
    }
    leftovers(runtime, loops, &placements).await?;
    for (target, place) in &placements {
        start_target(runtime, loops, *target, place);
    }
    Ok(())
}

/// A loop for every target that has an inventory and no place. One that is placed again is the target's own again.
async fn leftovers(
    runtime: &Runtime,
    loops: &mut Loops,
    placements: &BTreeMap<TargetId, Placement>,
) -> Result<(), StoreError> {
    let mut left: BTreeMap<TargetId, String> = store::inventory::targets(runtime.store())
        .await?
        .into_iter()
        .collect();
    // A removal goes on when everything is deleted already: hooks may follow.
    for operation in store::operation::unfinished(runtime.store()).await? {
        if operation.kind == OperationKind::Remove {
            let row = store::target::get(runtime.store(), operation.target).await?;
            left.insert(row.id, row.cluster);
        }
    }
    left.retain(|target, _| !placements.contains_key(target));
    runtime.memory().note_left(left.keys().copied().collect());
    let ended: Vec<TargetId> = loops
        .leftovers
        .keys()
        .filter(|target| !left.contains_key(target))
        .copied()
        .collect();
    for target in ended {
        if let Some(cancel) = loops.leftovers.remove(&target) {
            cancel.cancel();
        }
        for handle in runtime.clusters() {
            handle.live.forget(target);
        }
        if !placements.contains_key(&target) {
            runtime.activator().forget_target(target);
        }
    }
    for (target, cluster) in left {
        if loops.leftovers.contains_key(&target) {
            continue;
        }
        if !loops.started {
            removal::close_syncs(runtime, target).await?;
        }
        orphaned(runtime, target).await?;
        let cancel = runtime.cancelled().child_token();
        runtime.tasks().spawn(removal::run(
            runtime.clone(),
            target,
            cluster,
            cancel.clone(),
        ));
        loops.leftovers.insert(target, cancel);
    }
    loops.started = true;
    Ok(())
}

/// Notes which repositories, revisions and paths a definition needs, and for which target.
fn want(
    runtime: &Runtime,
    wanted: &mut HashMap<String, Wanted>,
    application: ApplicationId,
    definition: &Definition,
    target: Option<TargetId>,
) {
    for source in revisions::sources(definition) {
        let entry = wanted
            .entry(runtime.repository_key(&source.repo_url))
            .or_default();
        if entry.url.is_empty() {
            entry.url.clone_from(&source.repo_url);
        }
        entry.revisions.insert(source.target_revision.clone());
        let paths = entry.paths.entry(application).or_default();
        if !source.only_lends && !paths.contains(&source.path) {
            paths.push(source.path.clone());
        }
        if let Some(target) = target {
            entry
                .targets
                .entry(source.target_revision.clone())
                .or_default()
                .insert(target);
        }
    }
}

fn repositories(runtime: &Runtime, loops: &mut Loops, wanted: &HashMap<String, Wanted>) {
    loops.repositories.retain(|key, cancel| {
        let keep = wanted.contains_key(key);
        if !keep {
            cancel.cancel();
        }
        keep
    });
    for key in wanted.keys() {
        if !loops.repositories.contains_key(key) {
            let cancel = runtime.cancelled().child_token();
            runtime
                .tasks()
                .spawn(sources::run(runtime.clone(), key.clone(), cancel.clone()));
            loops.repositories.insert(key.clone(), cancel);
        }
    }
}

fn start_target(runtime: &Runtime, loops: &mut Loops, target: TargetId, place: &Placement) {
    if loops.targets.contains_key(&target) {
        return;
    }
    let cancel = runtime.cancelled().child_token();
    runtime.tasks().spawn(target::run(
        runtime.clone(),
        target,
        place.cluster.clone(),
        cancel.clone(),
    ));
    loops.targets.insert(target, cancel);
}

/// The definition is gone, or it goes elsewhere now. Nothing in the cluster is touched: what is left there is listed.
fn end_target(runtime: &Runtime, loops: &mut Loops, target: TargetId) {
    if let Some(cancel) = loops.targets.remove(&target) {
        cancel.cancel();
    }
    for handle in runtime.clusters() {
        handle.live.forget(target);
    }
    runtime.memory().forget_target(target);
    runtime.activator().forget_target(target);
}

/// The application is defined, and not for this cluster any more (or for one that is not registered): what is shown of
/// the target must not stay green.
async fn misplaced(runtime: &Runtime, target: TargetId) -> Result<(), StoreError> {
    let row = store::target::get(runtime.store(), target).await?;
    let cause = Cause::stalled(
        ReasonCode::DefinitionInvalid,
        format!(
            "The definition does not go to {} any more, or the cluster is not registered",
            row.cluster
        ),
        "Nothing in the cluster is touched; register the cluster, or correct the destination in Git",
    );
    unjudged(runtime, row, cause).await
}

/// The application left Git: what is shown of the target must not stay green, and says where to decide about it.
async fn orphaned(runtime: &Runtime, target: TargetId) -> Result<(), StoreError> {
    let row = store::target::get(runtime.store(), target).await?;
    let application = store::application::get(runtime.store(), row.application).await?;
    if application.gone_at.is_none() {
        return Ok(());
    }
    let cause = Cause::passing(
        ReasonCode::DefinitionInvalid,
        format!(
            "{} is no longer defined in Git; what it deployed runs on and is not compared",
            application.name
        ),
        "Keep, adopt or remove what it left on the page of leftovers",
    );
    unjudged(runtime, row, cause).await
}

/// Records that nothing can be said of a target, once.
async fn unjudged(
    runtime: &Runtime,
    row: store::target::TargetRow,
    cause: Cause,
) -> Result<(), StoreError> {
    let target = row.id;
    if row
        .state
        .reason
        .as_ref()
        .is_some_and(|reason| reason.code == ReasonCode::DefinitionInvalid)
    {
        return Ok(());
    }
    let state = store::target::TargetState {
        sync: SyncStatus::Unknown,
        health: Health::new(HealthStatus::Unknown, ""),
        reason: Some(cause.since(row.state.reason.as_ref(), now())),
        ..row.state
    };
    let mut tx = runtime.store().begin().await?;
    let generation = store::target::claim(&mut tx, target).await?;
    store::target::record(&mut tx, target, generation, &state).await?;
    tx.commit().await?;
    Ok(())
}

/// Writes the times of last comparisons now and then, many at once.
async fn write_compared(runtime: Runtime) {
    loop {
        tokio::select! {
            () = runtime.cancelled().cancelled() => return,
            () = tokio::time::sleep(COMPARED) => {}
        }
        // Bookmarks move the time of targets that nothing else happens to.
        for handle in runtime.clusters() {
            for target in runtime.memory().placed_on(&handle.name) {
                if runtime.assessment(target).is_some()
                    && handle.live.unsettled(target).is_none()
                    && let Some(at) = handle.live.last_compared(target)
                {
                    runtime.memory().compared(target, at.min(now()));
                }
            }
        }
        let gathered = runtime.memory().take_compared();
        if !gathered.is_empty()
            && let Err(error) = store::target::touch_compared(runtime.store(), &gathered).await
        {
            tracing::warn!(event.name = "supervisor.compared_failed", error = %error, "the times of last comparisons could not be recorded");
        }
    }
}
