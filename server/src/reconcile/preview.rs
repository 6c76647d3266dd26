//! What a sync would do at a revision that is not the tracked one, or once a source is taken over: for pages that show
//! the consequence before the button. Writes nothing, in no mode.
//!
//! Uses the same stages as a target's own pass, past its memory.

use super::cause::Cause;
use super::desired::{self, Stamp};
use super::target::judge::{self, Baseline, Subject};
use super::target::{Checked, Loaded, TargetMemory, load_for_view};
use super::{render, revisions};
use crate::runtime::Runtime;
use crate::store::StoreError;
use engine::manifest::Manifest;
use engine::plan::{HookRuns, InventoryEntry, PlanPolicy};
use lockstep_types::diff::ResourceDiff;
use lockstep_types::id::TargetId;
use lockstep_types::plan::Plan;
use lockstep_types::reason::ReasonCode;
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::Revision;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long kinds that only the preview needs may take to be listed.
const LISTED_WITHIN: Duration = Duration::from_secs(10);

/// What would be done, and against what.
#[derive(Debug, Clone)]
pub struct Preview {
    pub plan: Plan,
    /// Rules of the plan check that the plan breaks; a plan with any is never carried out.
    pub violations: Vec<String>,
    pub diffs: BTreeMap<ResourceKey, ResourceDiff>,
    /// Desired objects, stamped as a sync would. Not masked.
    pub desired: Vec<Manifest>,
}

/// What to preview.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub revision: Revision,
    /// Whether the sync would prune.
    pub prune: bool,
}

/// Plans a target at a revision as if it were managed.
///
/// # Errors
/// The outer error when the database cannot be read; the inner one says why there is no plan.
pub async fn preview(
    runtime: &Runtime,
    target: TargetId,
    wanted: &Wanted,
) -> Result<Result<Preview, Cause>, StoreError> {
    let Some(loaded) = load_for_view(runtime, target).await? else {
        return Ok(Err(Cause::stalled(
            ReasonCode::DefinitionInvalid,
            "The definition of this target is gone",
            "Restore it in Git first",
        )));
    };
    Ok(plan(runtime, &loaded, wanted).await)
}

async fn plan(runtime: &Runtime, loaded: &Loaded, wanted: &Wanted) -> Result<Preview, Cause> {
    let unreachable = || {
        Cause::passing(
            ReasonCode::ClusterUnreachable,
            format!("The cluster {} does not answer", loaded.row.cluster),
            "Try again when it does",
        )
    };
    let handle = runtime
        .cluster(&loaded.row.cluster)
        .ok_or_else(unreachable)?;
    let facts = handle.live.facts().ok_or_else(unreachable)?;
    let revisions = revisions::with_tracked(runtime, &loaded.definition, wanted.revision.clone())?;
    let input = render::input(&loaded.definition, &revisions, Some(&facts))?;
    let rendered = render::rendered(runtime, &input, None).await?;
    let namespace = &loaded.definition.destination.namespace;
    let stamp = Stamp {
        installation: runtime.installation(),
        target_key: &loaded.target_key,
    };
    let live = &handle.live;
    let desired = desired::desired(
        &rendered.complete,
        &loaded.definition.destination,
        |api_version, kind| judge::scope_of(live, api_version, kind),
        Some(stamp),
    )?;
    let inventory: Vec<InventoryEntry> = loaded
        .entries()
        .into_iter()
        .filter(|entry| !desired.encrypted.contains(&entry.key))
        .collect();
    let present = runtime
        .assessment(loaded.row.id)
        .map(|present| present.desired.clone())
        .unwrap_or_default();
    // What the target itself watches stays watched; what only the preview needs is watched for its duration.
    let all: Vec<Manifest> = present.iter().chain(&desired.objects).cloned().collect();
    let checks = &loaded.definition.health_checks;
    live.want(
        loaded.row.id,
        &judge::wanted(&all, &inventory, namespace, checks),
    );
    let deadline = tokio::time::Instant::now() + LISTED_WITHIN;
    let unsettled = loop {
        let Some(why) = live.unsettled(loaded.row.id) else {
            break None;
        };
        if tokio::time::Instant::now() > deadline {
            break Some(why);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let result = match unsettled {
        Some(why) => Err(Cause::passing(
            ReasonCode::LiveUnknown,
            why,
            "Try again in a moment",
        )),
        None => judged(runtime, loaded, wanted, &desired, &inventory, &handle).await,
    };
    live.want(
        loaded.row.id,
        &judge::wanted(&present, &inventory, namespace, checks),
    );
    runtime.activator().activate_target(loaded.row.id);
    let (plan, violations, diffs) = result?;
    Ok(Preview {
        plan,
        violations,
        diffs,
        desired: desired.objects,
    })
}

type Judgement = (Plan, Vec<String>, BTreeMap<ResourceKey, ResourceDiff>);

async fn judged(
    runtime: &Runtime,
    loaded: &Loaded,
    wanted: &Wanted,
    desired: &desired::Desired,
    inventory: &[InventoryEntry],
    handle: &crate::runtime::ClusterHandle,
) -> Result<Judgement, Cause> {
    let mut baseline = Baseline::default();
    for row in &loaded.inventory {
        if let Some(hash) = &row.applied_hash {
            baseline.hashes.insert(row.key.clone(), hash.clone());
        }
    }
    let account = super::account::of(runtime, loaded).await?;
    let subject = Subject {
        target: loaded.row.id,
        target_key: &loaded.target_key,
        installation: runtime.installation(),
        revision: &wanted.revision,
        desired,
        inventory,
        baseline: &baseline,
        destination_namespace: &loaded.definition.destination.namespace,
        options: &loaded.definition.sync_options,
        policy: PlanPolicy::of(&loaded.definition.policy, &loaded.definition.sync_options),
        // An observed cluster is sent nothing, not even a dry run; the tracking annotation counts as a difference.
        managed: loaded.row.mode == lockstep_types::source::Mode::Managed,
        account: account.as_ref(),
        ignored: super::target::ignored::by_object(
            &loaded.definition.ignore_differences,
            &desired.objects,
        ),
        keep_ignored: super::target::ignored::are_kept(&loaded.definition),
        masking: &loaded.definition.masking,
        // A preview shows what would be written, not how it would fare.
        checked: &Checked::default(),
        also: &[],
    };
    let mut memory = TargetMemory::default();
    let judged = judge::judge(&subject, handle, &mut memory.dry_runs).await?;
    let (plan, violations) = judged.plan(&subject, wanted.prune, HookRuns::WithChanges, None);
    Ok((plan, violations, judged.diffs))
}
