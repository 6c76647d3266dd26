//! Compares what a cluster should hold with what it holds, for one target: differences, health, and the facts a plan is
//! made from. Nothing is written; the only request is a dry run, and only where the target is managed.

use super::checking::Checked;
use super::ignored::Ignored;
use crate::reconcile::cause::Cause;
use crate::reconcile::desired::{Desired, is_definition};
use crate::runtime::ClusterHandle;
use engine::apply::{ApplyOptions, ServiceAccount};
use engine::definition::{HealthCheck, SyncOptions};
use engine::diff::{self, CompareContext, Compared};
use engine::health::{self, Observed};
use engine::live::{Live, LiveObject, Lookup, Scope, WantedObject};
use engine::manifest::Manifest;
use engine::masking::MaskingRules;
use engine::plan::{self, InventoryEntry, LiveFact, NamespaceMetadata, PlanPolicy};
use lockstep_types::diff::{ResourceDiff, ResourceDiffKind, SyncStatus};
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::id::TargetId;
use lockstep_types::reason::ReasonCode;
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::Revision;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Depth of the owner graph below a declared object; more is a mistake or a loop.
const DEPTH: u32 = 6;
/// Objects below one declared object that are looked at for its health.
const BELOW: usize = 2_000;

/// What a target was last in line with, object by object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Baseline {
    /// Hash of the manifest that was last applied, or found equal while observing.
    pub(crate) hashes: BTreeMap<ResourceKey, String>,
    /// The manifests of the last successful sync, as they were applied.
    pub(crate) applied: BTreeMap<ResourceKey, Manifest>,
    /// Versions that our own writes since the start left behind.
    pub(crate) versions: BTreeMap<ResourceKey, String>,
}

/// Everything the comparison is handed.
pub(crate) struct Subject<'a> {
    pub(crate) target: TargetId,
    pub(crate) target_key: &'a str,
    pub(crate) installation: Uuid,
    pub(crate) revision: &'a Revision,
    pub(crate) desired: &'a Desired,
    pub(crate) inventory: &'a [InventoryEntry],
    pub(crate) baseline: &'a Baseline,
    pub(crate) destination_namespace: &'a str,
    pub(crate) options: &'a SyncOptions,
    pub(crate) policy: PlanPolicy,
    /// Writes are allowed, so a dry run is too.
    pub(crate) managed: bool,
    /// Whom the target is written as, dry runs included.
    pub(crate) account: Option<&'a ServiceAccount>,
    /// What the definition leaves out of the comparison.
    pub(crate) ignored: BTreeMap<ResourceKey, Ignored>,
    /// Ignored fields keep their live value when their object is written.
    pub(crate) keep_ignored: bool,
    /// What is hidden beside Secrets.
    pub(crate) masking: &'a MaskingRules,
    /// What the checks that users wrote said.
    pub(crate) checked: &'a Checked,
    /// Objects that must be healthy too, though others declare them.
    pub(crate) also: &'a [Observed],
}

impl Subject<'_> {
    /// What the destination namespace is given.
    pub(crate) fn namespace_metadata(&self) -> NamespaceMetadata<'_> {
        NamespaceMetadata {
            labels: Some(&self.options.namespace_labels),
            annotations: Some(&self.options.namespace_annotations),
            lacking: None,
        }
    }

    /// Whether unknown fields of an object pass: by its own annotation, or by the definition.
    pub(crate) fn is_lax(&self, manifest: &Manifest) -> bool {
        !plan::options::options(&manifest.body)
            .validate
            .unwrap_or(self.options.validate)
    }
}

/// Dry runs by object: the desired hash with what is hidden, the live version they were made for, and what they found.
pub(crate) type DryRuns = HashMap<ResourceKey, (String, String, Option<ResourceDiff>)>;

/// What comparing found.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) diffs: BTreeMap<ResourceKey, ResourceDiff>,
    pub(crate) facts: BTreeMap<ResourceKey, LiveFact>,
    pub(crate) hpa_targets: BTreeSet<ResourceKey>,
    pub(crate) namespace_exists: Option<bool>,
    /// UID of the destination namespace, if it is there and lacks metadata that the definition gives it.
    pub(crate) namespace_lacks: Option<String>,
    pub(crate) healths: BTreeMap<ResourceKey, Health>,
    pub(crate) health: Health,
    pub(crate) culprit: Option<ResourceKey>,
    pub(crate) sync: SyncStatus,
    /// The first object that could not be compared, with the reason.
    pub(crate) unsure: Option<(ResourceKey, String)>,
    /// Hashes of desired objects that the cluster holds as declared.
    pub(crate) settled: BTreeMap<ResourceKey, String>,
}

/// What the watch has to hold for a target.
pub(crate) fn wanted(
    desired: &[Manifest],
    inventory: &[InventoryEntry],
    namespace: &str,
    checks: &[HealthCheck],
) -> Vec<WantedObject> {
    let mut wanted: BTreeMap<ResourceKey, String> = BTreeMap::new();
    for check in checks {
        if let HealthCheck::Object(key) = check
            && !is_definition(&key.group, &key.kind)
        {
            wanted.insert(key.clone(), String::new());
        }
    }
    for entry in inventory {
        wanted.insert(entry.key.clone(), String::new());
    }
    if !namespace.is_empty() {
        wanted.insert(
            ResourceKey::new("", "Namespace", "", namespace),
            "v1".to_owned(),
        );
    }
    for manifest in desired {
        wanted.insert(manifest.key.clone(), manifest.api_version.clone());
    }
    wanted
        .into_iter()
        .map(|(key, api_version)| WantedObject { key, api_version })
        .collect()
}

/// Compares. The live state must be settled: see [`Live::unsettled`].
///
/// # Errors
/// When live state of a declared object is not known after all.
pub(crate) async fn judge(
    subject: &Subject<'_>,
    handle: &ClusterHandle,
    dry_runs: &mut DryRuns,
) -> Result<Judged, Cause> {
    let live = &handle.live;
    let schema = live.schema();
    let mut facts = BTreeMap::new();
    let mut bodies: BTreeMap<ResourceKey, (Value, std::sync::Arc<LiveObject>)> = BTreeMap::new();
    let keys = subject
        .desired
        .objects
        .iter()
        .map(|manifest| &manifest.key)
        .chain(subject.inventory.iter().map(|entry| &entry.key));
    for key in keys {
        if facts.contains_key(key) {
            continue;
        }
        let fact = match live.get(key) {
            Lookup::Present(object) => {
                let body = object.body();
                let fact = LiveFact::of(&body);
                bodies.insert(key.clone(), (body, object));
                fact
            }
            Lookup::Absent => LiveFact::Absent,
            Lookup::Unknown(why) => LiveFact::Unknown(why),
        };
        facts.insert(key.clone(), fact);
    }
    for manifest in &subject.desired.objects {
        if let Some(LiveFact::Unknown(why)) = facts.get(&manifest.key) {
            return Err(Cause::passing(
                ReasonCode::LiveUnknown,
                why.clone(),
                "It is compared as soon as that is known",
            )
            .about(Some(manifest.key.clone())));
        }
    }
    let hpa_targets: BTreeSet<ResourceKey> = subject
        .desired
        .objects
        .iter()
        .filter(|manifest| manifest.key.kind == "HorizontalPodAutoscaler")
        .filter_map(|manifest| diff::hpa_target(&manifest.body))
        .collect();
    // A hook is neither missing nor drifted; who waits for its end is the run.
    let compared: Vec<&Manifest> = subject
        .desired
        .objects
        .iter()
        .filter(|manifest| plan::hook::left_out(&manifest.body).is_none())
        .filter(|manifest| {
            // Nobody makes it, so it is not missing either; what is there is left as it is and still has its health.
            bodies.contains_key(&manifest.key)
                || plan::marks::left_out(&manifest.body, false).is_none()
        })
        .collect();
    let mut diffs = BTreeMap::new();
    let mut settled = BTreeMap::new();
    let mut unsure = None;
    for manifest in compared.iter().copied() {
        let exists = bodies.contains_key(&manifest.key);
        if plan::marks::left_out(&manifest.body, exists).is_some() {
            continue;
        }
        let context = CompareContext {
            mutated: live.rewrites(&manifest.key),
            ..context(subject, manifest, &hpa_targets)
        };
        let body = bodies.get(&manifest.key).map(|(body, _)| body);
        let found = match diff::compare(Some(manifest), body, &schema, &context) {
            Compared::Exact(found) => {
                if let (Some(body), Some(found)) = (body, &found)
                    && diff::is_rewritten(manifest, body, found, &schema, &context)
                {
                    live.saw_rewriting(&manifest.key);
                }
                found
            }
            Compared::Unsure(why) => {
                match predict(subject, handle, manifest, &bodies, &context, dry_runs).await {
                    Ok(found) => found,
                    Err(not) => {
                        let why = format!("{why}; {not}");
                        unsure.get_or_insert_with(|| (manifest.key.clone(), why.clone()));
                        Some(diff::not_compared(manifest, body, why, subject.masking))
                    }
                }
            }
        };
        match found {
            Some(found) => {
                if !found.counts() && !matches!(found.kind, ResourceDiffKind::Unsure(_)) {
                    settled.insert(manifest.key.clone(), manifest.hash.clone());
                }
                diffs.insert(manifest.key.clone(), found);
            }
            None => {
                settled.insert(manifest.key.clone(), manifest.hash.clone());
            }
        }
    }
    let declared: BTreeSet<&ResourceKey> = subject
        .desired
        .objects
        .iter()
        .map(|manifest| &manifest.key)
        .collect();
    for entry in subject
        .inventory
        .iter()
        .filter(|entry| !declared.contains(&entry.key))
    {
        let Some((body, object)) = bodies.get(&entry.key) else {
            continue;
        };
        if entry.uid.as_deref() != Some(object.uid.as_str()) {
            continue;
        }
        // The plan deletes no hooks, so one that left Git is no difference either; and some objects say that they are none.
        if matches!(facts.get(&entry.key), Some(LiveFact::Present(facts)) if facts.hook || facts.extraneous)
        {
            continue;
        }
        if let Some(extra) = diff::extra(body, subject.masking) {
            diffs.insert(entry.key.clone(), extra);
        }
    }
    let mut observed: Vec<Observed> = compared
        .iter()
        .map(|manifest| match bodies.get(&manifest.key) {
            Some((body, object)) => observed(
                live,
                &manifest.key,
                body.clone(),
                &object.uid,
                subject.checked,
            ),
            None => Observed {
                key: manifest.key.clone(),
                health: health::missing(),
                body: Value::Null,
                below: Vec::new(),
            },
        })
        .collect();
    let healths = observed
        .iter()
        .map(|object| (object.key.clone(), object.health.clone()))
        .collect();
    // Also of one that is not there, and has no mark but that of its manifest.
    let left_out: BTreeSet<&ResourceKey> = compared
        .iter()
        .filter(|manifest| plan::marks::ignores_health(&manifest.body))
        .map(|manifest| &manifest.key)
        .collect();
    observed.retain(|object| {
        !left_out.contains(&object.key) && !plan::marks::ignores_health(&object.body)
    });
    observed.extend(subject.also.iter().cloned());
    let cause = health::cause(&observed);
    let sync = if diffs.values().any(ResourceDiff::counts) {
        SyncStatus::OutOfSync
    } else if unsure.is_some() {
        SyncStatus::Unknown
    } else {
        SyncStatus::Synced
    };
    let namespace = ResourceKey::new("", "Namespace", "", subject.destination_namespace);
    let (namespace_exists, namespace_lacks) = match live.get(&namespace) {
        Lookup::Present(object) => {
            let lacks = subject.namespace_metadata().is_lacking(&object.body());
            (Some(true), lacks.then(|| object.uid.clone()))
        }
        Lookup::Absent => (Some(false), None),
        Lookup::Unknown(_) => (None, None),
    };
    Ok(Judged {
        diffs,
        facts,
        hpa_targets,
        namespace_exists,
        namespace_lacks,
        healths,
        health: health::target(&observed),
        culprit: cause
            .filter(|cause| cause.status > HealthStatus::Healthy)
            .map(|cause| cause.key),
        sync,
        unsure,
        settled,
    })
}

/// What the comparison and the apply of one object need to know beside it.
pub(crate) fn context<'a>(
    subject: &'a Subject<'_>,
    manifest: &Manifest,
    hpa_targets: &'a BTreeSet<ResourceKey>,
) -> CompareContext<'a> {
    let ignored = subject.ignored.get(&manifest.key);
    CompareContext {
        applied_hash: subject
            .baseline
            .hashes
            .get(&manifest.key)
            .map(String::as_str),
        applied_resource_version: subject
            .baseline
            .versions
            .get(&manifest.key)
            .map(String::as_str),
        applied: subject
            .baseline
            .applied
            .get(&manifest.key)
            .map(|applied| &*applied.body),
        ignore_tracking: !subject.managed,
        hpa_targets: Some(hpa_targets),
        ignored: ignored.map_or(&[], |ignored| &ignored.pointers),
        ignored_managers: ignored.map_or(&[], |ignored| &ignored.managers),
        keep_ignored: subject.keep_ignored,
        mutated: false,
        masking: Some(subject.masking),
    }
}

/// Asks the cluster what applying would do; the answer holds until the manifest or the live object changes.
async fn predict(
    subject: &Subject<'_>,
    handle: &ClusterHandle,
    manifest: &Manifest,
    bodies: &BTreeMap<ResourceKey, (Value, std::sync::Arc<LiveObject>)>,
    context: &CompareContext<'_>,
    dry_runs: &mut DryRuns,
) -> Result<Option<ResourceDiff>, String> {
    if !subject.managed {
        return Err("a dry run would tell, and nothing is sent to an observed cluster".to_owned());
    }
    let Some((body, object)) = bodies.get(&manifest.key) else {
        return Err("the object is not there to compare with".to_owned());
    };
    // What was found is masked by the rules of that moment.
    let wanted = format!("{} {}", manifest.hash, subject.masking.digest());
    if let Some((known, version, found)) = dry_runs.get(&manifest.key)
        && *known == wanted
        && *version == object.resource_version
    {
        return Ok(found.clone());
    }
    let applier = handle
        .applier()
        .ok_or_else(|| "the cluster does not answer".to_owned())?
        .acting_as(subject.account);
    let sent = Manifest::new(
        diff::for_apply(manifest, Some(body), context),
        manifest.origin.clone(),
    )
    .map_err(|error| error.to_string())?;
    let options = ApplyOptions {
        force: true,
        uid: None,
        lax: subject.is_lax(manifest),
        part: String::new(),
    };
    let predicted = applier
        .dry_run(&sent, &options)
        .await
        .map_err(|error| error.to_string())?;
    let found = diff::compare_predicted(manifest, body, &predicted, &handle.live.schema(), context);
    dry_runs.insert(
        manifest.key.clone(),
        (wanted, object.resource_version.clone(), found.clone()),
    );
    Ok(found)
}

/// An object with everything below it, as the watch has it.
pub(crate) fn observed(
    live: &Live,
    key: &ResourceKey,
    body: Value,
    uid: &str,
    checked: &Checked,
) -> Observed {
    let mut left = BELOW;
    // Users' checks are for what is declared; what is below is kept without what they may read.
    let health = checked.health(key, uid, &body);
    Observed {
        health,
        ..observe(live, key, body, uid, 0, &mut left)
    }
}

fn observe(
    live: &Live,
    key: &ResourceKey,
    body: Value,
    uid: &str,
    depth: u32,
    left: &mut usize,
) -> Observed {
    let mut below = Vec::new();
    if depth < DEPTH {
        for child in live.children(uid) {
            if *left == 0 {
                break;
            }
            *left -= 1;
            below.push(observe(
                live,
                &child.key,
                child.body(),
                &child.uid,
                depth + 1,
                left,
            ));
        }
    }
    Observed {
        key: key.clone(),
        health: health::health(&body),
        body,
        below,
    }
}

/// What the cluster says of a kind, for [`crate::reconcile::desired::desired`].
pub(crate) fn scope_of(
    live: &Live,
    api_version: &str,
    kind: &str,
) -> crate::reconcile::desired::KindScope {
    use crate::reconcile::desired::KindScope;
    match live.scope(api_version, kind) {
        Some(Scope::Namespaced) => KindScope::Known(Scope::Namespaced),
        Some(Scope::Cluster) => KindScope::Known(Scope::Cluster),
        None if live.facts().is_some() => KindScope::NotServed,
        None => KindScope::NotKnown,
    }
}

impl Judged {
    /// Before anything was compared.
    pub(crate) fn nothing() -> Self {
        Self {
            diffs: BTreeMap::new(),
            facts: BTreeMap::new(),
            hpa_targets: BTreeSet::new(),
            namespace_exists: None,
            namespace_lacks: None,
            healths: BTreeMap::new(),
            health: health::unknown(""),
            culprit: None,
            sync: SyncStatus::Unknown,
            unsure: None,
            settled: BTreeMap::new(),
        }
    }
}
