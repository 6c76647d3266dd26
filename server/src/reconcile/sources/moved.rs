//! A tracked revision that moved: one tree diff says whom it can concern. Those look; of the others the verdict is
//! carried over to the new revision.

use super::{Answers, Wanted};
use crate::reconcile::inputs;
use crate::runtime::Runtime;
use crate::runtime::memory::Rendering;
use crate::store::{self, StoreError};
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::revision::{Revision, TargetRevision};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Targets whose verdict is carried over in one write.
const AT_ONCE: usize = 50;

/// From where to where a tracked revision moved.
#[derive(Debug, Clone)]
pub(super) struct Moved {
    pub(super) from: Revision,
    pub(super) to: Revision,
    /// Followers of which nothing was touched that they look at.
    pub(super) untouched: BTreeSet<TargetId>,
}

/// What moves with these answers, before they are taken over; and begins to follow what becomes of it.
pub(super) async fn look(
    runtime: &Runtime,
    key: &str,
    wanted: &Wanted,
    answers: &Answers,
) -> BTreeMap<TargetRevision, Moved> {
    let mut moved = BTreeMap::new();
    for (tracked, answer) in answers {
        let known = runtime
            .memory()
            .resolution(key, tracked)
            .and_then(|known| known.revision);
        let (Ok(to), Some(from)) = (answer, known) else {
            continue;
        };
        if from == *to {
            continue;
        }
        let since = Instant::now();
        let changes = inputs::changes(runtime, &wanted.url, &from, to).await;
        let mut affected = BTreeMap::new();
        let mut untouched = BTreeSet::new();
        for target in wanted.targets.get(tracked).into_iter().flatten() {
            if inputs::can_differ(runtime, &wanted.url, *target, to).await {
                let name = runtime.memory().name_of(*target).unwrap_or_default();
                affected.insert(*target, name);
            } else {
                untouched.insert(*target);
            }
        }
        runtime.memory().roll_out(Rendering {
            repository: key.to_owned(),
            revision: to.clone(),
            since,
            files: changes.map(|changes| changes.len()),
            affected,
            untouched: untouched.len(),
        });
        let step = Moved {
            from,
            to: to.clone(),
            untouched,
        };
        moved.insert(tracked.clone(), step);
    }
    moved
}

/// Lets untouched targets take the new revision; gives those that must look for themselves. Targets of `changed`
/// applications must.
///
/// # Errors
/// When the database cannot be written.
pub(super) async fn carry(
    runtime: &Runtime,
    repo_url: &str,
    moved: &Moved,
    changed: &BTreeSet<ApplicationId>,
) -> Result<BTreeSet<TargetId>, StoreError> {
    let mut left = moved.untouched.clone();
    let candidates: Vec<TargetId> = moved
        .untouched
        .iter()
        .filter(|target| {
            runtime
                .memory()
                .application_of(**target)
                .is_some_and(|application| !changed.contains(&application))
        })
        // What was not compared since the start has no verdict here.
        .filter(|target| {
            runtime
                .assessment(**target)
                .is_some_and(|known| known.revision == moved.from)
        })
        .copied()
        .collect();
    let mut deployed = false;
    for some in candidates.chunks(AT_ONCE) {
        let mut tx = runtime.store().begin().await?;
        let carried = store::target::carry(&mut tx, some, &moved.from, &moved.to).await?;
        tx.commit().await?;
        let ids: Vec<TargetId> = carried.iter().map(|(target, _)| *target).collect();
        runtime.memory().carry(&ids, &moved.from, &moved.to);
        deployed |= carried.iter().any(|(_, deployed)| *deployed);
        for target in ids {
            left.remove(&target);
        }
    }
    if deployed && let Err(error) = runtime.mirrors().keep(repo_url, &moved.to).await {
        tracing::warn!(event.name = "target.keep_failed", revision = %moved.to, error = %error, "a deployed commit could not be kept for history");
    }
    Ok(left)
}
