//! The second look before automation deletes (rule G14): another render, past every cache, at least half a minute after
//! the first, must give the same objects; and the revision must descend from what was deployed.

use super::memory::{Confirm, TargetMemory, Way};
use super::unsteady::unsteady;
use super::{Compared, Loaded};
use crate::reconcile::decide::{Facts, PruneCheck};
use crate::reconcile::render;
use crate::runtime::Runtime;
use crate::store::{self, StoreError};
use lockstep_types::revision::{Revision, SourceRevision};
use lockstep_types::sync::SyncPhase;
use lockstep_types::time::Micros;

/// Runs among which the newest successful one is looked for.
const LOOK_BACK: u64 = 20;

/// How far confirming is; renders the second time when it is due.
pub(super) async fn check(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: &Compared,
    facts: &Facts,
    now: Micros,
) -> PruneCheck {
    if facts.prunes == 0
        || !compared.managed
        || !loaded.definition.policy.prune
        || !loaded.definition.policy.automated
    {
        memory.confirm = None;
        return PruneCheck::NotNeeded;
    }
    let same = memory.confirm.as_ref().is_some_and(|confirm| {
        confirm.attempt == facts.attempt && confirm.digest == compared.render.digest
    });
    // The same objects may come by another way: a branch that was rewritten to what it said before.
    let way = Way {
        revision: compared.revision.clone(),
        beside: compared.beside.clone(),
        deployed: loaded.row.deployed.clone(),
    };
    let turned = memory
        .confirm
        .as_ref()
        .is_some_and(|confirm| confirm.way != way);
    if !same {
        memory.confirm = None;
    } else if turned {
        let forward = descends(runtime, loaded, compared).await;
        memory.confirm = memory
            .confirm
            .take()
            .and_then(|confirm| confirm.on(way.clone(), forward));
    }
    if memory.confirm.is_none() {
        let state = if descends(runtime, loaded, compared).await {
            let after =
                i64::try_from(runtime.settings().confirm_prune_after.as_secs()).unwrap_or(i64::MAX);
            PruneCheck::ConfirmAt(now.plus_seconds(after))
        } else {
            PruneCheck::Rewritten
        };
        memory.confirm = Some(Confirm {
            attempt: facts.attempt.clone(),
            digest: compared.render.digest.clone(),
            since: now,
            way,
            state,
        });
    }
    let Some(confirm) = &mut memory.confirm else {
        return PruneCheck::NotNeeded;
    };
    if let PruneCheck::ConfirmAt(at) = confirm.state
        && at <= now
    {
        match render::anew(runtime, &compared.input).await {
            Ok(second) if second.digest == confirm.digest => {
                confirm.state = PruneCheck::Confirmed;
                memory.unsteady = None;
            }
            Ok(second) => {
                memory.unsteady = unsteady(
                    &compared.render,
                    &second,
                    &compared.revision,
                    &loaded.definition.masking,
                );
                tracing::warn!(event.name = "target.renders_disagree", revision = %compared.revision, "two renders of one commit differ; nothing is deleted");
                memory.confirm = None;
                return PruneCheck::ConfirmAt(now.plus_seconds(60));
            }
            Err(cause) => {
                tracing::warn!(event.name = "target.confirm_failed", reason = %cause.cause, "the second render failed; nothing is deleted");
                return PruneCheck::ConfirmAt(now.plus_seconds(30));
            }
        }
    }
    memory
        .confirm
        .as_ref()
        .map_or(PruneCheck::NotNeeded, |confirm| confirm.state)
}

/// Whether every source goes forward from what was deployed.
async fn descends(runtime: &Runtime, loaded: &Loaded, compared: &Compared) -> bool {
    if let Some(deployed) = &loaded.row.deployed {
        let Ok(before) = beside_deployed(runtime, loaded, deployed).await else {
            return false;
        };
        for (before, now) in before.iter().zip(&compared.beside) {
            let forward = before.repo_url != now.repo_url
                || runtime
                    .mirrors()
                    .is_ancestor(&now.repo_url, &before.revision, &now.revision)
                    .await
                    .unwrap_or(false);
            if !forward {
                return false;
            }
        }
    }
    match &loaded.row.deployed {
        None => true,
        Some(deployed) => runtime
            .mirrors()
            .is_ancestor(
                &loaded.definition.source.repo_url,
                deployed,
                &compared.revision,
            )
            .await
            .unwrap_or(false),
    }
}

/// Revisions of the further sources that the newest successful sync applied; without a sync, those that stood beside
/// what is deployed.
async fn beside_deployed(
    runtime: &Runtime,
    loaded: &Loaded,
    deployed: &Revision,
) -> Result<Vec<SourceRevision>, StoreError> {
    if loaded.definition.more_sources.is_empty() {
        return Ok(Vec::new());
    }
    let (db, id) = (runtime.store(), loaded.row.id);
    let runs = store::run::of_target(db, id, None, LOOK_BACK).await?;
    let applied = runs
        .iter()
        .find(|run| run.phase == SyncPhase::Succeeded && !run.once.is_partial());
    if let Some(run) = applied {
        return Ok(store::beside::of_runs(db, id, &[run.id])
            .await?
            .remove(&run.id)
            .unwrap_or_default());
    }
    store::beside::of_revision(db, id, deployed).await
}
