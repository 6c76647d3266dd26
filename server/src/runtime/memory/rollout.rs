//! What a commit costs: which targets it made render again, and how that went, until all of them are done.

use super::Memory;
use crate::runtime::activator::locked;
use lockstep_types::activity::RenderOutcome;
use lockstep_types::id::TargetId;
use lockstep_types::revision::Revision;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Names in a line of the log.
const NAMED: usize = 20;

/// How a target came by the manifests of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum How {
    /// The renderer ran, for so many milliseconds.
    Rendered { millis: u32 },
    /// A file was touched that the inputs might have depended on, and they were the same after all.
    SameInputs,
    /// The same inputs had been rendered before.
    Cached,
    /// No file was touched that was looked at.
    Untouched,
    /// There are no manifests.
    Failed,
}

impl How {
    /// What is noted of a commit; nothing of targets that it did not concern.
    pub(crate) fn outcome(&self) -> Option<(RenderOutcome, u32)> {
        match self {
            Self::Rendered { millis } => Some((RenderOutcome::Rendered, *millis)),
            Self::SameInputs => Some((RenderOutcome::Same, 0)),
            Self::Cached => Some((RenderOutcome::Cached, 0)),
            Self::Untouched => None,
            Self::Failed => Some((RenderOutcome::Failed, 0)),
        }
    }

    /// The word in the log.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Rendered { .. } => "rendered",
            Self::SameInputs => "same",
            Self::Cached => "cached",
            Self::Untouched => "untouched",
            Self::Failed => "failed",
        }
    }
}

/// A revision of a repository that became the newest.
#[derive(Debug)]
pub(crate) struct Rendering {
    pub(crate) repository: String,
    pub(crate) revision: Revision,
    pub(crate) since: Instant,
    /// Changed files; `None` when there is nothing to compare with.
    pub(crate) files: Option<usize>,
    /// Targets whose inputs may have changed, by how they are called.
    pub(crate) affected: BTreeMap<TargetId, String>,
    pub(crate) untouched: usize,
}

#[derive(Debug)]
struct Open {
    rendering: Rendering,
    waiting: BTreeSet<TargetId>,
    counts: BTreeMap<&'static str, usize>,
    rendered: Vec<String>,
    millis: u64,
}

/// The newest revision of each repository that is not done yet.
#[derive(Debug, Default)]
pub(crate) struct Rollouts(Vec<Open>);

impl Rollouts {
    /// A newer revision of the same repository ends the older one.
    pub(crate) fn begin(&mut self, rendering: Rendering) {
        let old = self
            .0
            .iter()
            .position(|open| open.rendering.repository == rendering.repository);
        if let Some(old) = old {
            self.0.remove(old).say("a newer commit came first");
        }
        let open = Open {
            waiting: rendering.affected.keys().copied().collect(),
            rendering,
            counts: BTreeMap::new(),
            rendered: Vec::new(),
            millis: 0,
        };
        if open.waiting.is_empty() {
            open.say("");
        } else {
            self.0.push(open);
        }
    }

    /// Says the line when nobody is waited for any more.
    pub(crate) fn done(&mut self, target: TargetId, revision: &Revision, how: &How) {
        let Some(at) = self.0.iter().position(|open| {
            open.rendering.revision == *revision && open.waiting.contains(&target)
        }) else {
            return;
        };
        if let Some(open) = self.0.get_mut(at) {
            open.note(target, how);
            if open.waiting.is_empty() {
                self.0.remove(at).say("");
            }
        }
    }
}

impl Open {
    fn note(&mut self, target: TargetId, how: &How) {
        self.waiting.remove(&target);
        *self.counts.entry(how.word()).or_default() += 1;
        if let How::Rendered { millis } = how {
            self.millis += u64::from(*millis);
            if self.rendered.len() < NAMED {
                self.rendered
                    .extend(self.rendering.affected.get(&target).cloned());
            }
        }
    }

    fn say(&self, note: &str) {
        let of = |word: &str| self.counts.get(word).copied().unwrap_or(0);
        let took = u64::try_from(self.rendering.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            event.name = "commit.rendered",
            repository = %self.rendering.repository,
            revision = %self.rendering.revision,
            files.changed = self.rendering.files,
            targets.rendered = of("rendered"),
            targets.cached = of("cached"),
            targets.same = of("same"),
            targets.failed = of("failed"),
            targets.untouched = self.rendering.untouched,
            targets.open = self.waiting.len(),
            rendered = %self.rendered.join(", "),
            render.millis = self.millis,
            took.millis = took,
            note,
            "a commit was taken over: what it touched was rendered again"
        );
    }
}

impl Memory {
    /// Begins to follow what becomes of a commit.
    pub(crate) fn roll_out(&self, rendering: Rendering) {
        locked(&self.rollouts).begin(rendering);
    }

    /// Notes how a target took a revision over; says the commit's line in the log when it was the last one.
    pub(crate) fn rolled_out(&self, target: TargetId, revision: &Revision, how: &How) {
        locked(&self.rollouts).done(target, revision, how);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_commit_is_done_when_all_that_it_touched_are() {
        let target = |number: u128| TargetId(Uuid::from_u128(number));
        let revision = Revision("a".repeat(40));
        let mut rollouts = Rollouts::default();
        let rendering = |affected: &[u128]| Rendering {
            repository: "repo".to_owned(),
            revision: revision.clone(),
            since: Instant::now(),
            files: Some(1),
            affected: affected
                .iter()
                .map(|number| (target(*number), format!("app {number}")))
                .collect(),
            untouched: 3,
        };
        rollouts.begin(rendering(&[]));
        assert!(rollouts.0.is_empty());
        rollouts.begin(rendering(&[1, 2]));
        rollouts.done(target(1), &revision, &How::Rendered { millis: 7 });
        rollouts.done(target(3), &revision, &How::Cached);
        rollouts.done(target(2), &Revision("b".repeat(40)), &How::Cached);
        assert_eq!(rollouts.0[0].rendered, ["app 1"]);
        assert_eq!(rollouts.0[0].waiting.len(), 1);
        rollouts.done(target(2), &revision, &How::Cached);
        assert!(rollouts.0.is_empty());
        // A newer commit does not leave the older one behind.
        rollouts.begin(rendering(&[1]));
        rollouts.begin(rendering(&[2]));
        assert_eq!(rollouts.0.len(), 1);
    }
}
