//! What the loop of one target remembers between its passes. Owned by that loop alone; all of it may be lost.

use super::checking::Stopped;
use super::event::Told;
use super::judge::DryRuns;
use super::order::Ready;
use super::unsteady::Unsteady;
use crate::reconcile::decide::{LastAttempt, PruneCheck};
use crate::runtime::memory::How;
use engine::check::Verdicts;
use lockstep_types::id::RunId;
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::{Revision, SourceRevision};
use lockstep_types::time::Micros;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long a write may take to show in the watch before it is no longer waited for.
const SHOWS_WITHIN_SECONDS: i64 = 10;

/// See the module.
#[derive(Default)]
pub(crate) struct TargetMemory {
    /// Our claim on the target's row; every write gives it along.
    pub(crate) generation: Option<u64>,
    /// The newest finished run; the outer `None`: not looked up yet.
    pub(crate) last: Option<Option<LastAttempt>>,
    /// When objects were healed, newest last.
    pub(crate) heals: BTreeMap<ResourceKey, Vec<Micros>>,
    pub(crate) dry_runs: DryRuns,
    /// What the checks that users wrote said of the objects.
    pub(crate) verdicts: Arc<Verdicts>,
    /// The newest event about the object behind a bad health.
    pub(crate) told: Option<Told>,
    /// The render in which health scripts were last looked for.
    pub(crate) scripts: Option<String>,
    /// Checks that rest.
    pub(crate) stopped: Stopped,
    /// One of the checks did not keep to its limits when they last ran.
    pub(crate) strayed: bool,
    /// What was said of the dependencies.
    pub(crate) ready: Ready,
    /// Writes that the watch has not shown yet.
    pub(crate) expected: BTreeMap<ResourceKey, Expected>,
    /// Versions that our writes since the start left behind.
    pub(crate) versions: BTreeMap<ResourceKey, String>,
    /// Hash of the manifest at which an object was last as declared.
    pub(crate) settled: BTreeMap<ResourceKey, String>,
    pub(crate) confirm: Option<Confirm>,
    /// The newest render that was not the same twice.
    pub(crate) unsteady: Option<Unsteady>,
    /// The run that waits for health, and since when.
    pub(crate) verifying: Option<(RunId, Micros)>,
    /// What the render declared as child definitions when they were last registered.
    pub(crate) children: Option<String>,
    /// The render whose sources and values were last offered to other definitions, and its namespace.
    pub(crate) offered: Option<(String, String)>,
    /// Objects that our newest run wrote: deviations of theirs that are over were healed.
    pub(crate) wrote: std::collections::BTreeSet<ResourceKey>,
    /// How the manifests of the newest revision were come by, or not.
    pub(crate) rendered: Option<(Revision, How)>,
    /// A person asked for a look past all caches.
    pub(crate) bypass: bool,
    /// What earlier syncs left is watched.
    pub(crate) watched: bool,
    /// The run whose first write of this process was announced to the cluster.
    pub(crate) claimed: Option<RunId>,
    /// The time that the open run has.
    pub(crate) clock: Option<Clock>,
    /// What the open run waits for.
    pub(crate) waiting: Option<Waiting>,
    /// Since when objects that a run waits for are in a bad state.
    pub(crate) degraded: BTreeMap<ResourceKey, Micros>,
    /// When a run that waits is worth a look even if nothing changes.
    pub(crate) look_again: Option<Micros>,
}

/// What a run waits for between two waves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub object: ResourceKey,
    pub is_hook: bool,
    /// A sentence without a full stop.
    pub words: String,
    /// It is in a bad state already.
    pub degraded: bool,
    /// The run is given up then.
    pub until: Micros,
    /// When to look again even if nothing changes.
    pub again: Micros,
}

/// The time of a run, without what it spent held or outside its windows: that is nobody's fault.
///
/// It begins with the first write, or anew with the process that goes on with the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    run: RunId,
    since: Micros,
    stands: Option<Micros>,
}

impl Clock {
    /// The clock of this run; it goes on if it stood.
    pub(crate) fn goes(clock: &mut Option<Self>, run: RunId, now: Micros) -> Self {
        let mut own = Self::of(clock, run, now);
        if let Some(stood) = own.stands.take() {
            own.since = Micros(own.since.0.saturating_add(now.0.saturating_sub(stood.0)));
        }
        *clock = Some(own);
        own
    }

    /// Lets the clock of this run stand.
    pub(crate) fn stops(clock: &mut Option<Self>, run: RunId, now: Micros) {
        let mut own = Self::of(clock, run, now);
        own.stands.get_or_insert(now);
        *clock = Some(own);
    }

    /// When a run that may take so long is out of time.
    pub(crate) fn end(self, seconds: u64) -> Micros {
        self.since
            .plus_seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 4_000_000))
    }

    fn of(clock: &Option<Self>, run: RunId, now: Micros) -> Self {
        clock.filter(|clock| clock.run == run).unwrap_or(Self {
            run,
            since: now,
            stands: None,
        })
    }
}

/// A write of our own that must show before the object is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    /// `None`: the object is to be gone.
    pub(crate) version: Option<String>,
    pub(crate) at: Micros,
}

/// By which commits objects came: those of all sources, and what was deployed then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) revision: Revision,
    pub(crate) beside: Vec<SourceRevision>,
    pub(crate) deployed: Option<Revision>,
}

/// What automation would delete, until a second render has confirmed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Confirm {
    pub(crate) attempt: String,
    pub(crate) digest: String,
    pub(crate) since: Micros,
    pub(crate) way: Way,
    pub(crate) state: PruneCheck,
}

impl Confirm {
    /// The same for another revision with the same objects, or after another deployment; `forward`: the one descends
    /// from the other. `None`: it begins anew.
    pub(crate) fn on(self, way: Way, forward: bool) -> Option<Self> {
        let state = match (forward, self.state) {
            (false, _) => PruneCheck::Rewritten,
            (true, PruneCheck::Rewritten) => return None,
            (true, state) => state,
        };
        Some(Self { way, state, ..self })
    }
}

impl Expected {
    /// Whether it is still worth waiting.
    pub(crate) fn pending(&self, now: Micros) -> bool {
        now.seconds_since(self.at) < SHOWS_WITHIN_SECONDS
    }

    /// Whether a live object of this version shows the write.
    pub(crate) fn shown(&self, live: Option<&str>) -> bool {
        match (&self.version, live) {
            (None, None) => true,
            (None, Some(_)) | (Some(_), None) => false,
            (Some(wrote), Some(live)) => match (wrote.parse::<u64>(), live.parse::<u64>()) {
                (Ok(wrote), Ok(live)) => live >= wrote,
                // Not numbers: any other version may be ours or a later one.
                _ => true,
            },
        }
    }
}

impl TargetMemory {
    /// Whether our newest run wrote the object.
    pub(crate) fn written(&self, key: &ResourceKey) -> bool {
        self.wrote.contains(key)
    }

    /// Notes how the manifests of a revision were come by. That a later pass finds them as they are says nothing new.
    pub(crate) fn came_by(&mut self, revision: &Revision, how: How) {
        let known = self
            .rendered
            .as_ref()
            .is_some_and(|(of, before)| of == revision && *before != How::Failed);
        if !(known && how == How::Untouched) {
            self.rendered = Some((revision.clone(), how));
        }
    }

    /// Notes a heal for the fight rule; forgets what is too old to matter.
    pub(crate) fn healed(&mut self, key: &ResourceKey, at: Micros) {
        let times = self.heals.entry(key.clone()).or_default();
        times.retain(|before| {
            at.seconds_since(*before) < 2 * crate::reconcile::decide::FIGHT_REST_SECONDS
        });
        times.push(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_run_stands_while_it_is_held() {
        let at = |seconds: i64| Micros(0).plus_seconds(seconds);
        let run = RunId(uuid::Uuid::nil());
        let mut clock = None;
        assert_eq!(Clock::goes(&mut clock, run, at(10)).end(60), at(70));
        Clock::stops(&mut clock, run, at(20));
        Clock::stops(&mut clock, run, at(500));
        assert_eq!(Clock::goes(&mut clock, run, at(1000)).end(60), at(1050));
        assert_eq!(Clock::goes(&mut clock, run, at(1001)).end(60), at(1050));
        let other = RunId(uuid::Uuid::max());
        assert_eq!(Clock::goes(&mut clock, other, at(1001)).end(60), at(1061));
    }

    #[test]
    fn a_write_shows_with_its_version_or_a_later_one() {
        let wrote = Expected {
            version: Some("100".to_owned()),
            at: Micros(0),
        };
        assert!(!wrote.shown(None));
        assert!(!wrote.shown(Some("99")));
        assert!(wrote.shown(Some("100")) && wrote.shown(Some("1000")));
        let deleted = Expected {
            version: None,
            at: Micros(0),
        };
        assert!(deleted.shown(None) && !deleted.shown(Some("5")));
        assert!(wrote.pending(Micros(9_000_000)) && !wrote.pending(Micros(10_000_000)));
    }
}
