//! What a sync would do to one target, decided in full before anything is written: an immutable [`Plan`] in the order
//! of execution, with the findings of the prune gate. Pure and deterministic: no cluster, no store, no clock. It must
//! not know how steps are carried out. `check` verifies plans without using a line of this module's code.

pub mod check;
mod digest;
mod facts;
mod gate;
pub mod hook;
mod hook_steps;
pub mod marks;
mod method;
pub mod options;
pub mod order;
mod prune;
mod selection;
pub mod text;

pub use facts::{problems, said};
pub use selection::Selection;

use crate::definition::{SyncOptions, Wish};
use crate::diff::impact;
use crate::manifest::Manifest;
use lockstep_types::application::SyncPolicy;
use lockstep_types::diff::{DiffClass, FieldChange, Impact, ResourceDiff, ResourceDiffKind};
use lockstep_types::id::TargetId;
use lockstep_types::plan::{Action, Method, Plan, PlanPhase, Step};
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::Revision;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Everything a plan is made from. Equal input gives equal plans.
#[derive(Debug, Clone)]
pub struct PlanInput<'a> {
    pub target: TargetId,
    pub revision: Revision,
    /// This installation and the target's key: how our own tracking ids read.
    pub installation: Uuid,
    pub target_key: &'a str,
    /// A complete render: stamped with the tracking id and with namespaces filled in.
    pub desired: &'a [Manifest],
    /// What [`crate::diff`] found, by object. A desired object without an entry is equal to the live one.
    pub diffs: &'a BTreeMap<ResourceKey, ResourceDiff>,
    /// What is known about every desired and every inventoried object. One that is missing here counts as unknown.
    pub live: &'a BTreeMap<ResourceKey, LiveFact>,
    /// What earlier syncs applied.
    pub inventory: &'a [InventoryEntry],
    pub policy: PlanPolicy,
    /// Namespace of the definition's destination; may be empty.
    pub destination_namespace: &'a str,
    /// What the destination namespace is given where the definition says to create it.
    pub namespace_metadata: NamespaceMetadata<'a>,
    /// `None`: not known.
    pub namespace_exists: Option<bool>,
    /// What a delete would take along: objects in a namespace, custom resources of a definition.
    pub cascade: &'a BTreeMap<ResourceKey, u32>,
    /// Only these objects, for this time; `None`: all.
    pub selection: Option<&'a Selection>,
    /// A person said yes to the plan with this digest.
    pub approved_digest: Option<&'a str>,
}

/// Labels and annotations for the destination namespace.
#[derive(Debug, Clone, Copy, Default)]
pub struct NamespaceMetadata<'a> {
    pub labels: Option<&'a BTreeMap<String, String>>,
    pub annotations: Option<&'a BTreeMap<String, String>>,
    /// UID of the namespace, if it is there, lacks some of it and is declared by nobody.
    pub lacking: Option<&'a str>,
}

impl NamespaceMetadata<'_> {
    /// Whether a live namespace lacks some of it; one that carries a tracking id is its application's business.
    pub fn is_lacking(&self, body: &serde_json::Value) -> bool {
        let lacks = |field: &str, given: Option<&BTreeMap<String, String>>| {
            given.is_some_and(|given| {
                given.iter().any(|(name, value)| {
                    body["metadata"][field][name.as_str()].as_str() != Some(value)
                })
            })
        };
        order::annotation(body, crate::tracking::TRACKING_ANNOTATION).is_none()
            && (lacks("labels", self.labels) || lacks("annotations", self.annotations))
    }
}

/// What the definition and the request allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanPolicy {
    pub prune: bool,
    pub allow_empty: bool,
    pub create_namespace: bool,
    /// Deletes wait until everything that was applied is healthy.
    pub prune_last: bool,
    /// For objects that say nothing about it themselves, and so are the next two.
    pub prune_wish: Wish,
    pub replace: bool,
    pub force: bool,
    pub hooks: HookRuns,
    /// The application is removed: everything it deployed goes, only hooks of a removal run, and nothing is applied.
    /// What is desired is then nothing but those hooks.
    pub removal: bool,
    /// In a removal: for objects that say nothing about it themselves.
    pub delete_wish: Wish,
}

/// Whether a plan runs hooks; `hook_steps` says which sync asks for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HookRuns {
    #[default]
    Never,
    /// If the plan writes something else.
    WithChanges,
    /// Also when there is nothing else to do.
    Always,
}

impl PlanPolicy {
    /// What a definition allows, without hooks.
    pub fn of(policy: &SyncPolicy, options: &SyncOptions) -> Self {
        Self {
            prune: policy.prune,
            allow_empty: policy.allow_empty,
            create_namespace: policy.create_namespace,
            prune_last: options.prune_last,
            prune_wish: options.prune,
            replace: options.replace,
            force: options.force,
            hooks: HookRuns::Never,
            removal: false,
            delete_wish: options.delete,
        }
    }
}

/// One line of the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryEntry {
    pub key: ResourceKey,
    /// UID the object had when it was applied; `None` while only the intent is written.
    pub uid: Option<String>,
}

/// What the watch knows of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveFact {
    Present(PresentFacts),
    /// Known not to be there, by a complete list.
    Absent,
    /// Not known, with the reason.
    Unknown(String),
}

/// What a plan needs to know of a live object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PresentFacts {
    pub uid: String,
    pub api_version: String,
    /// Text of the tracking annotation.
    pub tracking: Option<String>,
    /// Its own wish about being pruned.
    pub prune: PruneWish,
    /// Its own wish about being deleted when its application is removed.
    pub delete: PruneWish,
    /// Its own wish about being deleted last.
    pub prune_last: Option<bool>,
    pub wave: i32,
    /// Its own annotations make it a hook: not a leftover of a sync, whoever made it.
    pub hook: bool,
    /// It has a deletion timestamp.
    pub terminating: bool,
    /// It says itself that nobody is to touch it; with the mark that says so.
    pub untouched: Option<String>,
    /// It says that it is no difference when Git does not declare it.
    pub extraneous: bool,
}

/// What annotations of a live object say about deleting it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PruneWish {
    /// Nothing: the definition decides.
    #[default]
    Unsaid,
    Allowed,
    /// Never; with the annotation that says so.
    Never(String),
    /// Only after a person has said yes.
    Confirm,
}

/// Makes the plan. [`check::check`] it before it is carried out.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    let mut report: Vec<String> = selection::report(input).into_iter().collect();
    let (mut steps, hooks) = applies(input, &mut report);
    let desired: BTreeSet<&ResourceKey> =
        input.desired.iter().map(|manifest| &manifest.key).collect();
    let unknown = unknown(input);
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.iter().take(5).map(ResourceKey::short).collect();
        let more = if unknown.len() > names.len() {
            format!(" and {} more", unknown.len() - names.len())
        } else {
            String::new()
        };
        report.push(format!(
            "The live state of {}{more} is not known: nothing is deleted.",
            names.join(", ")
        ));
    }
    let prunes = prune::prunes(input, &desired, &unknown);
    report.extend(prunes.report);
    let mut writes = steps.iter().chain(&prunes.steps);
    let strange = if hook_steps::run(input, writes.any(|step| step.action.writes())) {
        let made = hook_steps::steps(input, &hooks);
        steps.extend(made.steps);
        made.strange
    } else {
        steps.extend(hooks.iter().map(|(manifest, _)| left_out(input, manifest)));
        Vec::new()
    };
    if let Some(step) = destination_namespace(input, &steps, &mut report) {
        steps.push(step);
    }
    steps.sort_by(|one, other| order::step_order(one).cmp(&order::step_order(other)));
    let after = steps.partition_point(|step| step.phase <= PlanPhase::Sync);
    let after = steps.split_off(after);
    append_prunes(&mut steps, prunes.steps, &prunes.waves);
    steps.extend(after);
    for (index, step) in (0..).zip(steps.iter_mut()) {
        step.index = index;
        if let Action::Skip(why) = &step.action {
            report.push(format!("{} is left alone: {why}.", step.key.short()));
        }
    }

    let digest = digest::digest(input.target, &input.revision, &steps);
    let mut gate = gate::findings(input, &steps, &prunes.confirm, &strange);
    if !gate.is_empty() && input.approved_digest == Some(digest.as_str()) {
        report.extend(
            gate.drain(..)
                .map(|finding| format!("Approved: {}.", finding.message)),
        );
    }
    Plan {
        target: input.target,
        revision: input.revision.clone(),
        steps,
        gate,
        digest,
        report,
    }
}

/// A step for every desired object but the hooks of a sync, which are set apart.
fn applies<'a>(
    input: &PlanInput<'a>,
    report: &mut Vec<String>,
) -> (Vec<Step>, Vec<(&'a Manifest, hook::Hook)>) {
    let mut steps = Vec::with_capacity(input.desired.len() + 1);
    let mut hooks = Vec::new();
    let mut seen = BTreeSet::new();
    for manifest in input.desired {
        if !seen.insert(&manifest.key) {
            report.push(format!(
                "{} is declared twice: the first one counts.",
                manifest.key.short()
            ));
            continue;
        }
        let (wave, _) = order::wave(&manifest.body);
        report.extend(said(manifest));
        match hook_steps::of_this(input, manifest) {
            Some(hook) => hooks.push((manifest, hook)),
            None => {
                let step = apply(input, manifest, wave);
                steps.push(selection::chosen(input, manifest, step));
            }
        }
    }
    (steps, hooks)
}

/// The step of a hook that this plan does not run.
fn left_out(input: &PlanInput<'_>, manifest: &Manifest) -> Step {
    let mut step = apply(input, manifest, 0);
    let what = hook::left_out(&manifest.body).unwrap_or_default();
    let why = match input.policy.hooks {
        _ if input.selection.is_some() => "a sync of selected objects runs no hooks",
        HookRuns::Never => "this sync runs no hooks",
        HookRuns::WithChanges | HookRuns::Always => "it runs with the next sync",
    };
    step.action = Action::Skip(format!("{what}; {why}"));
    step.method = Method::Apply;
    step.changes = Vec::new();
    step.impact = None;
    step.why = String::new();
    step
}

fn apply(input: &PlanInput<'_>, manifest: &Manifest, wave: i32) -> Step {
    let fact = input.live.get(&manifest.key);
    let diff = input.diffs.get(&manifest.key);
    let (action, mut why) = decide(input, manifest, fact, diff);
    let method = match action {
        Action::Configure => method::method(&input.policy, manifest, diff),
        _ => Method::Apply,
    };
    if let Some(how) = method::words(method) {
        why = format!("{why}; {how}");
    }
    let changes: Vec<FieldChange> = match (&action, diff) {
        (Action::Configure, Some(diff)) => diff
            .changes
            .iter()
            .filter(|change| crate::diff::counts(change.class))
            .cloned()
            .collect(),
        _ => Vec::new(),
    };
    let impact = match action {
        Action::Create => Some(impact::of_create(&manifest.key, &manifest.body)),
        // The worst comes first.
        Action::Configure => changes
            .iter()
            .map(|change| change.impact)
            .min()
            .or(Some(Impact::Configures)),
        _ => None,
    };
    Step {
        index: 0,
        key: manifest.key.clone(),
        api_version: manifest.api_version.clone(),
        action,
        phase: PlanPhase::Sync,
        wave,
        hook: None,
        uid: match fact {
            Some(LiveFact::Present(facts)) => Some(facts.uid.clone()),
            _ => None,
        },
        desired_hash: manifest.hash.clone(),
        method,
        prune_last: false,
        changes,
        impact,
        why,
    }
}

/// What is done to a desired object, and why.
fn decide(
    input: &PlanInput<'_>,
    manifest: &Manifest,
    fact: Option<&LiveFact>,
    diff: Option<&ResourceDiff>,
) -> (Action, String) {
    let skip = |why: String| (Action::Skip(why), String::new());
    let facts = match fact {
        None => return skip("its live state is not known".to_owned()),
        Some(LiveFact::Unknown(why)) => {
            return skip(format!("its live state is not known ({why})"));
        }
        Some(LiveFact::Absent) => None,
        Some(LiveFact::Present(facts)) => Some(facts),
    };
    if let Some(why) = facts::not_applied(&manifest.body, facts.is_some()) {
        return skip(why);
    }
    if let Some(mark) = facts.and_then(|facts| facts.untouched.as_ref()) {
        return skip(format!("the live object says {mark}"));
    }
    let Some(facts) = facts else {
        return (
            Action::Create,
            "Git declares it and the cluster lacks it".to_owned(),
        );
    };
    if let Some(claim) = prune::foreign_claim(input, &manifest.key, facts.tracking.as_deref()) {
        return skip(claim);
    }
    if facts.terminating {
        return skip("it is being deleted; the next sync makes it anew".to_owned());
    }
    let Some(diff) = diff else {
        return (Action::Unchanged, String::new());
    };
    match &diff.kind {
        ResourceDiffKind::Differs if diff.counts() => (Action::Configure, changed(diff)),
        ResourceDiffKind::Differs => (
            Action::Unchanged,
            "what differs is not Git's business".to_owned(),
        ),
        ResourceDiffKind::Unsure(why) => (
            Action::Configure,
            format!("it could not be compared ({why}): applying it lets the cluster decide"),
        ),
        ResourceDiffKind::Missing | ResourceDiffKind::Extra => {
            skip("it changed while the plan was made".to_owned())
        }
    }
}

fn changed(diff: &ResourceDiff) -> String {
    let count = |class: DiffClass| {
        diff.changes
            .iter()
            .filter(|change| change.class == class)
            .count()
    };
    let part = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 field {what}")),
        count => Some(format!("{count} fields {what}")),
    };
    let parts = [
        part(count(DiffClass::NotYetSynced), "not yet synced"),
        part(count(DiffClass::Drift), "drifted"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The step that makes the destination namespace, or gives it its metadata, before everything else.
fn destination_namespace(
    input: &PlanInput<'_>,
    steps: &[Step],
    report: &mut Vec<String>,
) -> Option<Step> {
    if input.policy.removal
        || !input.policy.create_namespace
        || !steps.iter().any(|step| step.action.writes())
    {
        return None;
    }
    let manifest = namespace_manifest(input.destination_namespace, input.namespace_metadata)?;
    if steps.iter().any(|step| step.key == manifest.key) {
        return None;
    }
    let uid = input.namespace_metadata.lacking;
    match input.namespace_exists {
        Some(true) if uid.is_none() => return None,
        Some(true) => {}
        None => {
            report.push(format!(
                "Whether {} exists is not known: it is not created.",
                manifest.key.short()
            ));
            return None;
        }
        Some(false) => {}
    }
    let there = input.namespace_exists == Some(true);
    let (action, why) = if there {
        (
            Action::Configure,
            "the destination namespace lacks some of the definition's managedNamespaceMetadata",
        )
    } else {
        (
            Action::Create,
            "the destination namespace is missing, and the definition says to create it",
        )
    };
    // Hooks of PreSync live in it too.
    let (phase, wave) = steps
        .iter()
        .filter(|step| step.phase == PlanPhase::Sync || step.action == Action::Hook)
        .map(|step| (step.phase, step.wave))
        .min()
        .filter(|(phase, _)| *phase <= PlanPhase::Sync)
        .unwrap_or_default();
    Some(Step {
        index: 0,
        key: manifest.key,
        api_version: manifest.api_version,
        action,
        phase,
        wave,
        hook: None,
        uid: uid.filter(|_| there).map(str::to_owned),
        desired_hash: manifest.hash,
        method: Method::Apply,
        prune_last: false,
        changes: Vec::new(),
        impact: Some(Impact::Configures),
        why: why.to_owned(),
    })
}

/// Every involved object whose live state is not known.
fn unknown(input: &PlanInput<'_>) -> Vec<ResourceKey> {
    let keys = input
        .desired
        .iter()
        .map(|manifest| &manifest.key)
        .chain(input.inventory.iter().map(|entry| &entry.key));
    let unknown = keys.filter(|key| {
        !matches!(
            input.live.get(key),
            Some(LiveFact::Present(_) | LiveFact::Absent)
        )
    });
    unknown
        .cloned()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// Puts the prunes behind all applies, in reverse order, and those behind them that are to be last; each of their waves
/// waits for the one before it.
fn append_prunes(steps: &mut Vec<Step>, prunes: Vec<Step>, waves: &[i32]) {
    let mut prunes: Vec<(i32, Step)> = waves.iter().copied().zip(prunes).collect();
    prunes.sort_by(|(wave, step), (other_wave, other)| {
        let reversed =
            order::kind_order(*other_wave, &other.key).cmp(&order::kind_order(*wave, &step.key));
        step.prune_last.cmp(&other.prune_last).then(reversed)
    });
    let of_sync = steps.iter().filter(|step| step.phase == PlanPhase::Sync);
    let mut wave = of_sync.map(|step| step.wave).max().unwrap_or(0);
    let mut last = None;
    for (own, mut step) in prunes {
        if last != Some((step.prune_last, own)) {
            wave = wave.saturating_add(1);
            last = Some((step.prune_last, own));
        }
        step.wave = wave;
        steps.push(step);
    }
}

/// The namespace that `CreateNamespace` makes: the manifest of the step that [`plan`] adds. It carries no tracking id
/// and belongs in no inventory, so nothing ever prunes it.
///
/// `None` when the name is empty.
pub fn namespace_manifest(name: &str, given: NamespaceMetadata<'_>) -> Option<Manifest> {
    if name.is_empty() {
        return None;
    }
    let mut metadata = serde_json::Map::new();
    metadata.insert("name".to_owned(), serde_json::json!(name));
    for (field, all) in [("labels", given.labels), ("annotations", given.annotations)] {
        if let Some(all) = all.filter(|all| !all.is_empty()) {
            metadata.insert(field.to_owned(), serde_json::json!(all));
        }
    }
    Manifest::new(
        serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}),
        None,
    )
    .ok()
}

/// The plan cut into what has to be over before the next part may begin; see [`order::Stage`].
pub fn stages(plan: &Plan) -> Vec<order::Stage<'_>> {
    order::stages(&plan.steps)
}

#[cfg(test)]
mod tests;
