//! What is left and what removing it would do: the render that was deployed last says which hooks run, the watch says
//! what is there. Writes nothing.

use crate::reconcile::account;
use crate::reconcile::cause::Cause;
use crate::reconcile::desired::{self, Desired, Stamp};
use crate::reconcile::render;
use crate::reconcile::target::judge::{self, Baseline, Judged};
use crate::reconcile::target::{
    Checked, Compared, Comparison, Loaded, TargetMemory, load_left, shown,
};
use crate::runtime::{ClusterHandle, Runtime, now};
use crate::store::StoreError;
use engine::live::{Lookup, WantedObject};
use engine::plan::{HookRuns, InventoryEntry, hook};
use engine::render::{Complete, RenderInput};
use lockstep_types::id::TargetId;
use lockstep_types::leftover::LeftBehind;
use lockstep_types::plan::Plan;
use lockstep_types::reason::ReasonCode;
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long kinds that nobody watched may take to be listed.
const LISTED_WITHIN: Duration = Duration::from_secs(10);

/// What removing it would do.
pub struct Removal {
    pub why: LeftBehind,
    pub plan: Plan,
    /// Rules of the plan check that the plan breaks; a plan with any is never carried out.
    pub violations: Vec<String>,
}

/// Plans the removal of what a target left.
///
/// # Errors
/// The outer error when the database cannot be read; the inner one says why there is no plan.
pub async fn preview(
    runtime: &Runtime,
    target: TargetId,
) -> Result<Result<Removal, Cause>, StoreError> {
    let Some((loaded, why)) = load_left(runtime, target).await? else {
        return Ok(Err(Cause::stalled(
            ReasonCode::DefinitionInvalid,
            "This target is defined in Git",
            "Take its definition out of Git first",
        )));
    };
    let mut memory = TargetMemory::default();
    let deadline = tokio::time::Instant::now() + LISTED_WITHIN;
    loop {
        match look(runtime, &loaded, &mut memory).await? {
            Comparison::Known(compared) => {
                let subject = compared.subject(runtime, &loaded);
                let (plan, violations) =
                    compared.judged.plan(&subject, true, HookRuns::Always, None);
                return Ok(Ok(Removal {
                    why,
                    plan,
                    violations,
                }));
            }
            Comparison::Unknown(cause)
                if cause.stalled || tokio::time::Instant::now() > deadline =>
            {
                return Ok(Err(cause));
            }
            Comparison::Unknown(_) | Comparison::Wait => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Looks once, in the form in which runs take it.
pub(super) async fn look(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
) -> Result<Comparison, StoreError> {
    let cluster = &loaded.row.cluster;
    let Some(handle) = runtime.cluster(cluster) else {
        return Ok(Comparison::Unknown(Cause::passing(
            ReasonCode::ClusterUnreachable,
            format!("The cluster {cluster} is not connected"),
            "It is looked at as soon as it is",
        )));
    };
    let render = match deployed(runtime, loaded).await? {
        Some(render) => render,
        None => {
            return Ok(Comparison::Unknown(Cause::stalled(
                ReasonCode::RenderFailed,
                "The manifests that were deployed last are not stored any more, so it is not known which hooks belong to a removal",
                "Leave the objects here and delete them by hand",
            )));
        }
    };
    Ok(
        match stages(runtime, loaded, memory, &handle, render).await {
            Ok(comparison) => comparison,
            Err(cause) => Comparison::Unknown(cause),
        },
    )
}

/// What was applied last; where no sync was ever through, what was compared last.
async fn deployed(runtime: &Runtime, loaded: &Loaded) -> Result<Option<Arc<Complete>>, StoreError> {
    let row = &loaded.row;
    match row
        .deployed_render
        .as_ref()
        .or(row.state.render_key.as_ref())
    {
        Some(key) => render::stored(runtime, key).await,
        None => Ok(None),
    }
}

async fn stages(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    handle: &Arc<ClusterHandle>,
    render: Arc<Complete>,
) -> Result<Comparison, Cause> {
    let live = &handle.live;
    let namespace = &loaded.definition.destination.namespace;
    let stamp = Stamp {
        installation: runtime.installation(),
        target_key: &loaded.target_key,
    };
    let all = desired::desired(
        &render,
        &loaded.definition.destination,
        |api_version, kind| judge::scope_of(live, api_version, kind),
        Some(stamp),
    )?;
    let desired = hooks(all);
    let inventory: Vec<InventoryEntry> = loaded.entries();
    live.want(
        loaded.row.id,
        &wanted(loaded, &desired, &inventory, namespace),
    );
    if let Some(why) = live.unsettled(loaded.row.id) {
        return Err(Cause::passing(
            ReasonCode::LiveUnknown,
            why,
            "It is looked at as soon as that is known",
        ));
    }
    if !shown(memory, handle, now()) {
        return Ok(Comparison::Wait);
    }
    let account = account::of(runtime, loaded).await?;
    let row = &loaded.row;
    let revision = row.deployed.clone().or_else(|| row.state.revision.clone());
    let revision = revision.unwrap_or_else(|| Revision(String::new()));
    let mut compared = Box::new(Compared {
        input: input(loaded, &revision),
        revision,
        beside: Vec::new(),
        render,
        inputs: Vec::new(),
        desired,
        inventory,
        baseline: Baseline::default(),
        judged: Judged::nothing(),
        checked: Checked::default(),
        also: Vec::new(),
        handle: Arc::clone(handle),
        managed: row.mode == Mode::Managed,
        removal: true,
        account,
        refused: None,
    });
    let judged = judge::judge(
        &compared.subject(runtime, loaded),
        handle,
        &mut memory.dry_runs,
    )
    .await?;
    compared.judged = judged;
    Ok(Comparison::Known(compared))
}

/// Nothing is desired but what runs before or after.
fn hooks(all: Desired) -> Desired {
    let mut objects = all.objects;
    objects.retain(|manifest| {
        hook::hook(&manifest.body).is_some_and(|hook| !hook.runs_in_removal().is_empty())
    });
    Desired {
        objects,
        definitions: Vec::new(),
        encrypted: Vec::new(),
    }
}

/// Each in the version that the cluster serves it in, where it was written down.
fn wanted(
    loaded: &Loaded,
    desired: &Desired,
    inventory: &[InventoryEntry],
    namespace: &str,
) -> Vec<WantedObject> {
    let versions: BTreeMap<&ResourceKey, &String> = loaded
        .inventory
        .iter()
        .map(|row| (&row.key, &row.api_version))
        .collect();
    let mut wanted = judge::wanted(&desired.objects, inventory, namespace, &[]);
    for one in &mut wanted {
        if one.api_version.is_empty()
            && let Some(version) = versions.get(&one.key)
        {
            one.api_version.clone_from(version);
        }
    }
    wanted
}

/// Nothing is rendered by it.
fn input(loaded: &Loaded, revision: &Revision) -> RenderInput {
    let definition = &loaded.definition;
    RenderInput {
        repo_url: definition.source.repo_url.clone(),
        revision: revision.clone(),
        source: definition.source.clone(),
        more: Vec::new(),
        release_name: definition.name.clone(),
        namespace: definition.destination.namespace.clone(),
        kube_version: String::new(),
        api_versions: Vec::new(),
        project_name: String::new(),
        project: None,
    }
}

/// Objects of the inventory that are not known to be gone or to be another by now.
pub(crate) fn still_there(
    handle: Option<&ClusterHandle>,
    key: &ResourceKey,
    uid: Option<&str>,
) -> bool {
    match handle.map(|handle| handle.live.get(key)) {
        Some(Lookup::Absent) => false,
        Some(Lookup::Present(object)) => uid.is_none_or(|uid| *uid == *object.uid),
        Some(Lookup::Unknown(_)) | None => true,
    }
}
