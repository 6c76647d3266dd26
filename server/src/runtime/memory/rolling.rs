//! Who is in which rollout, and what is seen of everybody in one: what a target asks before it takes its turn.
//!
//! Places come from the supervisor, who knows all definitions; what is seen of a target comes from its own reconciler.
//! Both are under one lock, so two members never take the same turn. Nothing of it outlives the process: after a start
//! nobody has been seen, and nobody goes on past a member before that one was compared.

use super::Memory;
use crate::runtime::activator::locked;
use engine::rollout::{Member, Rollout, Seen, Standing, Verdict, Waits, turns};
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::revision::{Revision, TargetRevision};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A target's place in a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RolloutPlace {
    /// Everybody with the same one is in the same rollout.
    pub(crate) group: String,
    /// What is rolled out, for people.
    pub(crate) title: String,
    pub(crate) rollout: Arc<Rollout>,
    pub(crate) step: Option<usize>,
    pub(crate) name: String,
    pub(crate) cluster: String,
    /// Names the definition that the place was read from.
    pub(crate) definition: u64,
}

/// What a target was compared with, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RolloutSeen {
    /// As [`RolloutPlace::definition`].
    pub(crate) definition: u64,
    /// Repository key, tracked revision and what it was then; `None`: it could not be compared.
    pub(crate) at: Option<Vec<(String, TargetRevision, Revision)>>,
    /// It stays there whatever is tracked: pinned, or what is tracked is refused.
    pub(crate) stays: bool,
    /// Whether it is current is found when it is asked for.
    pub(crate) seen: Seen,
    /// To follow its name; empty when it is ready.
    pub(crate) words: String,
}

/// A rollout with what holds for each of its members, in the same order.
#[derive(Debug, Clone)]
pub(crate) struct RolloutNow {
    pub(crate) title: String,
    pub(crate) rollout: Arc<Rollout>,
    pub(crate) targets: Vec<TargetId>,
    pub(crate) members: Vec<Member>,
    pub(crate) verdicts: Vec<Verdict>,
}

impl RolloutNow {
    /// Why a target waits, if it does.
    pub(crate) fn waits(&self, target: TargetId) -> Option<&Waits> {
        let index = self.targets.iter().position(|id| *id == target)?;
        match self.verdicts.get(index)? {
            Verdict::Waits(waits) => Some(waits),
            Verdict::Settled | Verdict::May => None,
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Rolling {
    places: BTreeMap<TargetId, RolloutPlace>,
    groups: HashMap<String, Vec<TargetId>>,
    seen: HashMap<TargetId, RolloutSeen>,
}

impl Rolling {
    fn now(&self, memory: &Memory, group: &str) -> Option<RolloutNow> {
        let targets = self.groups.get(group)?.clone();
        let first = self.places.get(targets.first()?)?;
        let members: Vec<Member> = targets
            .iter()
            .filter_map(|target| self.member(memory, *target))
            .collect();
        let verdicts = turns(&first.rollout, &members);
        Some(RolloutNow {
            title: first.title.clone(),
            rollout: Arc::clone(&first.rollout),
            targets,
            members,
            verdicts,
        })
    }

    fn member(&self, memory: &Memory, target: TargetId) -> Option<Member> {
        let place = self.places.get(&target)?;
        let (standing, words) = match self.seen.get(&target) {
            None => (Standing::Unseen, String::new()),
            Some(found) => {
                let current = found.at.as_ref().is_some_and(|at| {
                    found.definition == place.definition
                        && (found.stays || at.iter().all(|at| is_tracked(memory, at)))
                });
                let seen = Seen {
                    current,
                    ..found.seen
                };
                (seen.standing(), found.words.clone())
            }
        };
        let compared = self
            .seen
            .get(&target)
            .is_some_and(|found| found.at.is_some());
        let words = match standing {
            Standing::Ready => String::new(),
            // What was said is of an earlier commit.
            Standing::Unseen if compared || words.is_empty() => {
                "has not been compared with the newest commit yet".to_owned()
            }
            _ => words,
        };
        Some(Member {
            name: place.name.clone(),
            cluster: place.cluster.clone(),
            step: place.step,
            standing,
            words,
        })
    }
}

fn is_tracked(
    memory: &Memory,
    (repository, wanted, at): &(String, TargetRevision, Revision),
) -> bool {
    memory
        .resolution(repository, wanted)
        .and_then(|known| known.revision)
        .is_some_and(|tracked| tracked == *at)
}

impl Memory {
    /// Takes over who is in which rollout; gives the targets whose rollout is another one now.
    pub(crate) fn set_rolling(&self, places: BTreeMap<TargetId, RolloutPlace>) -> Vec<TargetId> {
        let mut rolling = locked(&self.rolling);
        let mut changed: BTreeSet<String> = BTreeSet::new();
        let all: BTreeSet<TargetId> = places
            .keys()
            .chain(rolling.places.keys())
            .copied()
            .collect();
        for target in all {
            let (before, after) = (rolling.places.get(&target), places.get(&target));
            if before != after {
                let both = before.into_iter().chain(after);
                changed.extend(both.map(|place| place.group.clone()));
            }
        }
        let mut groups: HashMap<String, Vec<TargetId>> = HashMap::new();
        for (target, place) in &places {
            groups.entry(place.group.clone()).or_default().push(*target);
        }
        rolling.places = places;
        rolling.groups = groups;
        let places = &rolling.places;
        let left: Vec<TargetId> = rolling
            .seen
            .keys()
            .filter(|target| !places.contains_key(target))
            .copied()
            .collect();
        for target in left {
            rolling.seen.remove(&target);
        }
        rolling
            .places
            .iter()
            .filter(|(_, place)| changed.contains(&place.group))
            .map(|(target, _)| *target)
            .collect()
    }

    /// The definition that a target's place in a rollout was read from; `None`: it is in none.
    pub(crate) fn rollout_definition(&self, target: TargetId) -> Option<u64> {
        let rolling = locked(&self.rolling);
        rolling.places.get(&target).map(|place| place.definition)
    }

    /// Notes what is seen of a target; says whether that is news. Of no meaning for one that is in no rollout.
    pub(crate) fn saw_member(&self, target: TargetId, seen: RolloutSeen) -> bool {
        let mut rolling = locked(&self.rolling);
        if !rolling.places.contains_key(&target) || rolling.seen.get(&target) == Some(&seen) {
            return false;
        }
        rolling.seen.insert(target, seen);
        true
    }

    /// Where the rollout of a target stands.
    pub(crate) fn rollout_now(&self, target: TargetId) -> Option<RolloutNow> {
        let rolling = locked(&self.rolling);
        let group = &rolling.places.get(&target)?.group;
        rolling.now(self, group)
    }

    /// Where the rollout of an application's targets stands.
    pub(crate) fn rollout_of_application(&self, application: ApplicationId) -> Option<RolloutNow> {
        let targets: Vec<TargetId> = locked(&self.placements)
            .iter()
            .filter(|(_, place)| place.application == application)
            .map(|(target, _)| *target)
            .collect();
        targets
            .into_iter()
            .find_map(|target| self.rollout_now(target))
    }

    /// As [`Memory::rollout_now`]; a target that waits is woken when that changes.
    pub(crate) fn rollout_of(&self, target: TargetId) -> Option<RolloutNow> {
        let rolling = locked(&self.rolling);
        let group = &rolling.places.get(&target)?.group;
        let now = rolling.now(self, group)?;
        self.watch_members(target, &now);
        Some(now)
    }

    /// Takes the turn of a target, if it has come: from now on it is under way for all others.
    ///
    /// # Errors
    /// Where the rollout stands, when the turn has not come.
    pub(crate) fn take_turn(&self, target: TargetId) -> Result<(), RolloutNow> {
        let mut rolling = locked(&self.rolling);
        let Some(place) = rolling.places.get(&target) else {
            return Ok(());
        };
        let Some(now) = rolling.now(self, &place.group) else {
            return Ok(());
        };
        if now.waits(target).is_some() {
            self.watch_members(target, &now);
            return Err(now);
        }
        if let Some(found) = rolling.seen.get_mut(&target) {
            found.seen.running = true;
            found.words = "is about to sync".to_owned();
        }
        Ok(())
    }

    /// Under the lock: nothing changes between what was found and being told of changes.
    fn watch_members(&self, target: TargetId, now: &RolloutNow) {
        if let Some(waits) = now.waits(target) {
            let watched: Vec<TargetId> = waits
                .watch
                .iter()
                .filter_map(|index| now.targets.get(*index))
                .copied()
                .collect();
            self.waits_for(target, &watched);
        }
    }
}
