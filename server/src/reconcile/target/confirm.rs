//! The second look before automation deletes (rule G14): another render, past every cache, at least half a minute after
//! the first, must give the same objects; and the revision must descend from what was deployed.

use super::memory::{Confirm, TargetMemory};
use super::{Compared, Loaded};
use crate::reconcile::decide::{Facts, PruneCheck};
use crate::reconcile::render;
use crate::runtime::Runtime;
use lockstep_types::time::Micros;

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
    if !same {
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
            Ok(second) if second.digest == confirm.digest => confirm.state = PruneCheck::Confirmed,
            Ok(_) => {
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

async fn descends(runtime: &Runtime, loaded: &Loaded, compared: &Compared) -> bool {
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
