//! One target from tracked revision to comparison: resolve, render, place, watch, judge. Writes nothing to the cluster.

use super::checking::{self, Checked};
use super::judge::{self, Baseline, Judged, Subject};
use super::load::Loaded;
use super::memory::TargetMemory;
use super::others;
use super::unsteady::unsteady;
use crate::reconcile::account;
use crate::reconcile::cause::Cause;
use crate::reconcile::desired::{self, Desired, Stamp};
use crate::reconcile::permit::{self, Place};
use crate::reconcile::render;
use crate::reconcile::revisions::{self, Revisions};
use crate::reconcile::vouched;
use crate::runtime::memory::How;
use crate::runtime::metrics::Stage;
use crate::runtime::{ClusterHandle, Runtime};
use crate::store;
use engine::apply::ServiceAccount;
use engine::health::Observed;
use engine::live::Lookup;
use engine::plan::{InventoryEntry, LiveFact, PlanPolicy};
use engine::render::{Complete, RenderInput};
use engine::tracking::TrackingId;
use lockstep_types::cluster::Connection;
use lockstep_types::reason::ReasonCode;
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::{Revision, SourceRevision};
use lockstep_types::source::Mode;
use lockstep_types::time::Micros;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// A finished comparison with everything it rests on.
pub(crate) struct Compared {
    pub(crate) revision: Revision,
    /// Of the further sources.
    pub(crate) beside: Vec<SourceRevision>,
    pub(crate) render: Arc<Complete>,
    pub(crate) input: RenderInput,
    /// Paths in the repository of each source; none when it was rendered past the caches.
    pub(crate) inputs: Vec<Vec<String>>,
    pub(crate) desired: Desired,
    pub(crate) inventory: Vec<InventoryEntry>,
    pub(crate) baseline: Baseline,
    pub(crate) judged: Judged,
    /// What the checks that users wrote said.
    pub(crate) checked: Checked,
    /// Objects of others that must be healthy too.
    pub(crate) also: Vec<Observed>,
    pub(crate) handle: Arc<ClusterHandle>,
    pub(crate) managed: bool,
    /// Git says nothing of it any more: all that can be done is to remove what it left.
    pub(crate) removal: bool,
    /// Whom it is written as; none: the cluster's credential.
    pub(crate) account: Option<ServiceAccount>,
    /// Why it is not compared with what is tracked: that is not vouched for.
    pub(crate) refused: Option<Cause>,
}

/// How comparing ended.
pub(crate) enum Comparison {
    Known(Box<Compared>),
    /// It cannot be told, and why.
    Unknown(Cause),
    /// Our own writes do not show yet; look again in a moment.
    Wait,
}

impl Compared {
    /// Whether one of its sources is at this commit; whatever is asked for when none is named.
    pub(crate) fn is_at(&self, commit: Option<&str>) -> bool {
        let beside = self.beside.iter().map(|source| &source.revision);
        let mut revisions = std::iter::once(&self.revision).chain(beside);
        commit.is_none_or(|commit| revisions.any(|revision| revision.0 == commit))
    }

    /// Paths that are read of the first source's repository, sorted: its own and those of sources that go along.
    pub(crate) fn main_inputs(&self, runtime: &Runtime, loaded: &Loaded) -> Vec<String> {
        let url = &loaded.definition.source.repo_url;
        self.inputs_by_repository(runtime, loaded)
            .remove(&runtime.repository_key(url))
            .unwrap_or_default()
    }

    /// Paths that are read of every repository, sorted.
    pub(crate) fn inputs_by_repository(
        &self,
        runtime: &Runtime,
        loaded: &Loaded,
    ) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (source, paths) in revisions::sources(&loaded.definition).zip(&self.inputs) {
            let here = found
                .entry(runtime.repository_key(&source.repo_url))
                .or_default();
            here.extend(paths.iter().cloned());
            here.sort();
            here.dedup();
        }
        found
    }

    /// What the planner and the executor are handed.
    pub(crate) fn subject<'a>(&'a self, runtime: &Runtime, loaded: &'a Loaded) -> Subject<'a> {
        Subject {
            target: loaded.row.id,
            target_key: &loaded.target_key,
            installation: runtime.installation(),
            revision: &self.revision,
            desired: &self.desired,
            inventory: &self.inventory,
            baseline: &self.baseline,
            destination_namespace: &loaded.definition.destination.namespace,
            options: &loaded.definition.sync_options,
            policy: PlanPolicy {
                removal: self.removal,
                ..PlanPolicy::of(&loaded.definition.policy, &loaded.definition.sync_options)
            },
            managed: self.managed,
            account: self.account.as_ref(),
            ignored: super::ignored::by_object(
                &loaded.definition.ignore_differences,
                &self.desired.objects,
            ),
            keep_ignored: super::ignored::are_kept(&loaded.definition),
            masking: &loaded.definition.masking,
            checked: &self.checked,
            also: &self.also,
        }
    }
}

impl Compared {
    /// A declared object that another target of Lockstep holds, with that target.
    pub(crate) fn shared(
        &self,
        runtime: &Runtime,
        loaded: &Loaded,
    ) -> Option<(&ResourceKey, String)> {
        self.desired.objects.iter().find_map(|manifest| {
            let LiveFact::Present(facts) = self.judged.facts.get(&manifest.key)? else {
                return None;
            };
            let id = TrackingId::parse(facts.tracking.as_deref()?, &manifest.key)?;
            let ours =
                id.installation == runtime.installation() && id.target_key == loaded.target_key;
            (!ours).then_some((&manifest.key, id.target_key))
        })
    }
}

/// Compares a target with what its tracked revision, or its pin, declares.
pub(crate) async fn compare(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    now: Micros,
) -> Comparison {
    let handle = match handle(runtime, loaded) {
        Ok(handle) => handle,
        Err(cause) => return Comparison::Unknown(cause),
    };
    // Before anything can fail: what earlier syncs left must be watched in any case. Only once: asking for less than
    // before would have everything else read again.
    if runtime.assessment(loaded.row.id).is_none() && !std::mem::replace(&mut memory.watched, true)
    {
        handle.live.want(
            loaded.row.id,
            &judge::wanted(
                &[],
                &loaded.entries(),
                &loaded.definition.destination.namespace,
                &loaded.definition.health_checks,
            ),
        );
    }
    let began = Instant::now();
    let answer = stages(runtime, loaded, memory, handle, now).await;
    if !matches!(answer, Ok(Comparison::Wait)) {
        let reason = answer.as_ref().err().map(|cause| cause.code.word());
        runtime.metrics().ran_since(Stage::Compare, began, reason);
    }
    match answer {
        Ok(comparison) => comparison,
        Err(cause) => Comparison::Unknown(cause),
    }
}

async fn stages(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    handle: Arc<ClusterHandle>,
    now: Micros,
) -> Result<Comparison, Cause> {
    let clusters = account::clusters(runtime, loaded).await?;
    let allowed = Place::of(&loaded.row.cluster, &loaded.source.home_cluster, &clusters);
    permit::definition(&loaded.definition, allowed)?;
    let account = account::account(&loaded.definition, allowed)?;
    let (revisions, refused) =
        vouched_for(runtime, loaded, revisions(runtime, loaded).await?).await?;
    let Some(facts) = handle.live.facts() else {
        return Err(unreachable(loaded, &handle).unwrap_or_else(|| {
            Cause::passing(
                ReasonCode::LiveUnknown,
                format!("The cluster {} has not answered yet", loaded.row.cluster),
                "It is compared as soon as it answers",
            )
        }));
    };
    let input = render::input(&loaded.definition, &revisions, Some(&facts))?;
    let (complete, inputs) = if std::mem::take(&mut memory.bypass) {
        let since = Instant::now();
        let anew = render::anew(runtime, &input).await?;
        let millis = u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX);
        memory.came_by(&revisions.main, How::Rendered { millis });
        if let Ok(Some(before)) = render::stored(runtime, &anew.key).await {
            memory.unsteady = unsteady(&before, &anew, &revisions.main, &loaded.definition.masking);
        }
        (Arc::new(anew), Vec::new())
    } else {
        // What a preview makes up is nobody's newest render.
        let placed = runtime.memory().application_of(loaded.row.id);
        let target = placed.map(|_| loaded.row.id);
        match render::rendered(runtime, &input, target).await {
            Ok(rendered) => {
                memory.came_by(&revisions.main, rendered.how);
                (rendered.complete, rendered.inputs)
            }
            Err(cause) => {
                memory.came_by(&revisions.main, How::Failed);
                return Err(cause);
            }
        }
    };
    let managed = loaded.row.mode == Mode::Managed;
    let stamp = Stamp {
        installation: runtime.installation(),
        target_key: &loaded.target_key,
    };
    let namespace = &loaded.definition.destination.namespace;
    let live = &handle.live;
    let place = |render: &Complete| {
        desired::desired(
            render,
            &loaded.definition.destination,
            |api_version, kind| judge::scope_of(live, api_version, kind),
            managed.then_some(stamp),
        )
    };
    let desired = place(&complete)?;
    let rules = loaded.definition.rules.as_deref();
    let declared = desired.objects.iter().map(|manifest| &manifest.key);
    permit::objects(rules, allowed, declared)?;
    // An application that may hold no definitions makes none by rendering them.
    permit::objects(
        rules,
        allowed,
        &desired.definition_keys(&loaded.definition.destination),
    )?;
    let inventory: Vec<InventoryEntry> = loaded
        .entries()
        .into_iter()
        .filter(|entry| !desired.encrypted.contains(&entry.key))
        .collect();
    live.want(
        loaded.row.id,
        &judge::wanted(
            &desired.objects,
            &inventory,
            namespace,
            &loaded.definition.health_checks,
        ),
    );
    if let Some(why) = live.unsettled(loaded.row.id) {
        return Err(unreachable(loaded, &handle).unwrap_or_else(|| {
            Cause::passing(
                ReasonCode::LiveUnknown,
                why,
                "It is compared as soon as that is known",
            )
        }));
    }
    if !shown(memory, &handle, now) {
        return Ok(Comparison::Wait);
    }
    let mut baseline = Baseline {
        hashes: memory.settled.clone(),
        applied: BTreeMap::new(),
        versions: memory.versions.clone(),
    };
    for row in &loaded.inventory {
        if let Some(hash) = &row.applied_hash {
            baseline.hashes.insert(row.key.clone(), hash.clone());
        }
    }
    let deployed = loaded.row.deployed_render.as_deref();
    let first = !managed && deployed.is_none() && memory.settled.is_empty();
    if first {
        // Nothing was ever compared: what is there counts as the state to start from.
        for manifest in desired
            .objects
            .iter()
            .filter(|manifest| matches!(live.get(&manifest.key), Lookup::Present(_)))
        {
            baseline
                .hashes
                .insert(manifest.key.clone(), manifest.hash.clone());
        }
    } else if let Some(key) = deployed.filter(|key| *key != complete.key)
        && let Ok(Some(before)) = render::stored(runtime, key).await
        && let Ok(before) = place(&before)
    {
        for manifest in before.objects {
            if !managed {
                baseline
                    .hashes
                    .entry(manifest.key.clone())
                    .or_insert_with(|| manifest.hash.clone());
            }
            if baseline.hashes.get(&manifest.key) == Some(&manifest.hash) {
                baseline.applied.insert(manifest.key.clone(), manifest);
            }
        }
    } else if deployed == Some(complete.key.as_str()) && !managed {
        for manifest in &desired.objects {
            baseline
                .hashes
                .entry(manifest.key.clone())
                .or_insert_with(|| manifest.hash.clone());
        }
    }
    let declared = desired.objects.iter().map(|manifest| &manifest.key);
    let checked = checking::run(runtime, loaded, memory, &handle, declared.clone(), now).await;
    let also = others::observed(runtime, loaded, &handle, &checked, |key| {
        declared.clone().any(|declared| declared == key)
    })
    .await
    .map_err(|error| {
        Cause::passing(
            ReasonCode::LiveUnknown,
            format!("The database does not say how other applications are: {error}"),
            "It is asked again",
        )
    })?;
    let Revisions { main, beside } = revisions;
    let mut compared = Box::new(Compared {
        revision: main,
        beside,
        render: complete,
        input,
        inputs,
        desired,
        inventory,
        baseline,
        judged: Judged::nothing(),
        checked,
        also,
        handle: Arc::clone(&handle),
        managed,
        removal: false,
        account,
        refused,
    });
    let judged = judge::judge(
        &compared.subject(runtime, loaded),
        &handle,
        &mut memory.dry_runs,
    )
    .await?;
    memory.settled.retain(|key, _| {
        compared
            .desired
            .objects
            .iter()
            .any(|manifest| manifest.key == *key)
    });
    if first {
        memory.settled.extend(compared.baseline.hashes.clone());
    }
    memory.settled.extend(judged.settled.clone());
    compared.judged = judged;
    Ok(Comparison::Known(compared))
}

fn handle(runtime: &Runtime, loaded: &Loaded) -> Result<Arc<ClusterHandle>, Cause> {
    let cluster = &loaded.row.cluster;
    runtime
        .cluster(cluster)
        .ok_or_else(|| match runtime.refusal(cluster) {
            Some(why) => Cause::stalled(
                ReasonCode::ClusterUnreachable,
                format!("The cluster {cluster} cannot be watched: {why}"),
                "Correct its registration",
            ),
            None => Cause::passing(
                ReasonCode::ClusterUnreachable,
                format!("The cluster {cluster} is not connected"),
                "It is compared as soon as it is",
            ),
        })
}

fn unreachable(loaded: &Loaded, handle: &ClusterHandle) -> Option<Cause> {
    match &*handle.live.connection().borrow() {
        Connection::Unreachable { error, .. } => Some(Cause::passing(
            ReasonCode::ClusterUnreachable,
            format!(
                "The cluster {} does not answer: {error}",
                loaded.row.cluster
            ),
            "Lockstep tries again every few seconds and compares as soon as it answers",
        )),
        Connection::Connected | Connection::Unknown => None,
    }
}

/// The commits to compare with: the pin's, else what the tracked revisions resolved to.
/// The revisions to compare with: those that were asked for, else what was deployed last, with why.
async fn vouched_for(
    runtime: &Runtime,
    loaded: &Loaded,
    wanted: Revisions,
) -> Result<(Revisions, Option<Cause>), Cause> {
    let Err(refused) = vouched::check(runtime, &loaded.definition, &wanted).await else {
        return Ok((wanted, None));
    };
    let (None, Some(deployed)) = (&loaded.pin, loaded.row.deployed.clone()) else {
        return Err(refused);
    };
    let before =
        revisions::recorded(runtime, loaded.row.id, &loaded.definition, deployed.clone()).await?;
    if before == wanted
        || vouched::check(runtime, &loaded.definition, &before)
            .await
            .is_err()
    {
        return Err(refused);
    }
    let stays = Cause {
        next: format!("{}. {} stays meanwhile", refused.next, deployed.short()),
        ..refused
    };
    Ok((before, Some(stays)))
}

async fn revisions(runtime: &Runtime, loaded: &Loaded) -> Result<Revisions, Cause> {
    let definition = &loaded.definition;
    match &loaded.pin {
        None => revisions::tracked(runtime, definition),
        Some(pin) if loaded.others_stand => {
            // A preview goes by another name; what was recorded is the target's.
            let target = store::target::id_of(loaded.application.id, &loaded.row.cluster);
            revisions::recorded(runtime, target, definition, pin.revision.clone()).await
        }
        Some(pin) => revisions::with_tracked(runtime, definition, pin.revision.clone()),
    }
}

/// Whether the watch shows everything we wrote; what takes too long is not waited for.
pub(crate) fn shown(memory: &mut TargetMemory, handle: &ClusterHandle, now: Micros) -> bool {
    memory.expected.retain(|key, expected| {
        let live = match handle.live.get(key) {
            Lookup::Present(object) => Some(object.resource_version.clone()),
            Lookup::Absent => None,
            Lookup::Unknown(_) => return expected.pending(now),
        };
        !expected.shown(live.as_deref()) && expected.pending(now)
    });
    memory.expected.is_empty()
}
