//! Who is in which rollout, and what is seen of everybody in one: what a target asks before it takes its turn.
//!
//! Places come from the supervisor, who knows all definitions; what is seen of a target comes from its own reconciler.
//! Both are under one lock, so two members never take the same turn. Nothing of it outlives the process: after a start
//! nobody has been seen, and nobody goes on past a member before that one was compared.

use super::Memory;
use crate::runtime::activator::{Activator, locked};
use engine::rollout::{Member, Rollout, Seen, Standing, Verdict, Waits, turns};
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::revision::{Revision, TargetRevision};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// How often a rollout is judged without the lock before it is done under it: others change it meanwhile.
const UNLOCKED: usize = 3;

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
    pub(crate) project: String,
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
    /// Why it stays there whatever is tracked, to follow its name: pinned, or what is tracked is refused.
    pub(crate) stays: Option<String>,
    /// Whether it is current is found when it is asked for.
    pub(crate) seen: Seen,
    /// To follow its name; empty when it is ready.
    pub(crate) words: String,
}

impl RolloutSeen {
    /// Whether others have to look again; how it is put in words changes nothing for them.
    fn is_news_after(&self, before: &Self) -> bool {
        (self.definition, &self.at, &self.stays, self.seen)
            != (before.definition, &before.at, &before.stays, before.seen)
    }
}

/// A rollout with what holds for each of its members, in the same order.
#[derive(Debug, Clone)]
pub(crate) struct RolloutNow {
    pub(crate) title: String,
    pub(crate) rollout: Arc<Rollout>,
    pub(crate) targets: Vec<TargetId>,
    pub(crate) members: Vec<Member>,
    /// Of the members' applications.
    pub(crate) projects: Vec<String>,
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
    /// Grows with every change of the above.
    changes: u64,
    /// Wakes those that wait.
    activator: Activator,
}

/// The members of a rollout, before it is found whose turn it is.
struct Gathered {
    title: String,
    rollout: Arc<Rollout>,
    targets: Vec<TargetId>,
    members: Vec<Member>,
    projects: Vec<String>,
    changes: u64,
}

impl Gathered {
    /// The costly part, which needs no lock.
    fn judged(self) -> RolloutNow {
        RolloutNow {
            verdicts: turns(&self.rollout, &self.members),
            title: self.title,
            rollout: self.rollout,
            targets: self.targets,
            members: self.members,
            projects: self.projects,
        }
    }
}

/// What tracked revisions are, asked for once each.
struct Tracked<'a> {
    memory: &'a Memory,
    known: HashMap<(&'a str, &'a TargetRevision), Option<Revision>>,
}

impl<'a> Tracked<'a> {
    fn of(memory: &'a Memory) -> Self {
        Self {
            memory,
            known: HashMap::new(),
        }
    }

    fn is(&mut self, (repository, wanted, at): &'a (String, TargetRevision, Revision)) -> bool {
        let memory = self.memory;
        let tracked = self.known.entry((repository, wanted)).or_insert_with(|| {
            memory
                .resolution(repository, wanted)
                .and_then(|known| known.revision)
        });
        tracked.as_ref() == Some(at)
    }
}

impl Rolling {
    /// Everybody in the rollout of a target.
    fn gather(&self, memory: &Memory, target: TargetId) -> Option<Gathered> {
        let group = &self.places.get(&target)?.group;
        let targets = self.groups.get(group)?.clone();
        let first = self.places.get(targets.first()?)?;
        let mut tracked = Tracked::of(memory);
        let (members, projects) = targets
            .iter()
            .filter_map(|target| {
                let place = self.places.get(target)?;
                let member = member(place, self.seen.get(target), &mut tracked);
                Some((member, place.project.clone()))
            })
            .unzip();
        Some(Gathered {
            title: first.title.clone(),
            rollout: Arc::clone(&first.rollout),
            targets,
            members,
            projects,
            changes: self.changes,
        })
    }
}

/// What a member is by what was seen of it last.
fn member<'a>(
    place: &RolloutPlace,
    found: Option<&'a RolloutSeen>,
    tracked: &mut Tracked<'a>,
) -> Member {
    let (standing, words) = stands(place, found, tracked);
    Member {
        name: place.name.clone(),
        cluster: place.cluster.clone(),
        step: place.step,
        standing,
        words,
    }
}

fn stands<'a>(
    place: &RolloutPlace,
    found: Option<&'a RolloutSeen>,
    tracked: &mut Tracked<'a>,
) -> (Standing, String) {
    let unseen = || {
        let words = "has not been compared with the newest commit yet";
        (Standing::Unseen, words.to_owned())
    };
    let Some(found) = found else {
        return unseen();
    };
    let same = found.definition == place.definition;
    let Some(at) = &found.at else {
        let standing = match found.seen {
            seen if seen.running => seen.standing(),
            _ if !same => return unseen(),
            seen if seen.failed => Standing::Bad,
            seen if seen.blocked => Standing::Stuck,
            _ => Standing::Unseen,
        };
        return (standing, found.words.clone());
    };
    let is_tracked = at.iter().all(|at| tracked.is(at));
    if let Some(why) = found.stays.as_ref().filter(|_| same && !is_tracked) {
        // Well as it may be, it says nothing about the commit that is rolled out.
        return (Standing::Bad, why.clone());
    }
    let seen = Seen {
        current: same && is_tracked,
        ..found.seen
    };
    match seen.standing() {
        Standing::Ready => (Standing::Ready, String::new()),
        // What was said is of an earlier commit.
        Standing::Unseen => unseen(),
        standing => (standing, found.words.clone()),
    }
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
        rolling.changes += 1;
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

    /// Notes what is seen of a target; says whether that is news for others. Of no meaning for one that is in no rollout.
    pub(crate) fn saw_member(&self, target: TargetId, seen: RolloutSeen) -> bool {
        let mut rolling = locked(&self.rolling);
        if !rolling.places.contains_key(&target) {
            return false;
        }
        let is_news = rolling
            .seen
            .get(&target)
            .is_none_or(|before| seen.is_news_after(before));
        rolling.seen.insert(target, seen);
        rolling.changes += 1;
        is_news
    }

    /// What holds for targets at one revision holds at the one that is tracked now: they need not be compared again for
    /// their rollout to go on.
    pub(super) fn carry_members(&self, targets: &[TargetId], from: &Revision, to: &Revision) {
        let mut rolling = locked(&self.rolling);
        let mut carried = Vec::new();
        for target in targets {
            let Some(found) = rolling.seen.get_mut(target) else {
                continue;
            };
            // What is pinned or refused stays where it is.
            let at = found.at.as_mut().filter(|_| found.stays.is_none());
            for (repository, wanted, at) in at.into_iter().flatten() {
                let tracked = || self.resolution(repository, wanted)?.revision;
                if at == from && tracked().as_ref() == Some(to) {
                    *at = to.clone();
                    carried.push(*target);
                }
            }
        }
        if carried.is_empty() {
            return;
        }
        rolling.changes += 1;
        let activator = rolling.activator.clone();
        drop(rolling);
        for target in carried {
            for waiting in self.take_waiters(target) {
                activator.activate_target(waiting);
            }
        }
    }

    /// Where the rollout of a target stands.
    pub(crate) fn rollout_now(&self, target: TargetId) -> Option<RolloutNow> {
        let gathered = locked(&self.rolling).gather(self, target)?;
        Some(gathered.judged())
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
    pub(crate) fn rollout_of(&self, target: TargetId, activator: &Activator) -> Option<RolloutNow> {
        for _ in 0..UNLOCKED {
            let gathered = locked(&self.rolling).gather(self, target)?;
            let changes = gathered.changes;
            let now = gathered.judged();
            let mut rolling = locked(&self.rolling);
            if rolling.changes == changes {
                self.watch_members(&mut rolling, target, &now, activator);
                return Some(now);
            }
        }
        let mut rolling = locked(&self.rolling);
        let now = rolling.gather(self, target)?.judged();
        self.watch_members(&mut rolling, target, &now, activator);
        Some(now)
    }

    /// Takes the turn of a target, if it has come: from now on it is under way for all others. Only for what it was
    /// compared with as long as that is still what Git says.
    ///
    /// # Errors
    /// Where the rollout stands, when others come first; nothing, when the target has to be compared anew.
    pub(crate) fn take_turn(
        &self,
        target: TargetId,
        activator: &Activator,
    ) -> Result<(), Option<Box<RolloutNow>>> {
        let mut rolling = locked(&self.rolling);
        let Some(now) = rolling
            .gather(self, target)
            .map(|gathered| gathered.judged())
        else {
            return Ok(());
        };
        let Some(index) = now.targets.iter().position(|id| *id == target) else {
            return Err(None);
        };
        let standing = now.members.get(index).map(|member| member.standing);
        match (now.verdicts.get(index), standing) {
            (Some(Verdict::Waits(_)), _) => {
                self.watch_members(&mut rolling, target, &now, activator);
                return Err(Some(Box::new(now)));
            }
            (Some(Verdict::May), _)
            // It goes on with what it began, or nothing that is written is new.
            | (_, Some(Standing::Moving | Standing::Bad | Standing::Ready)) => {}
            _ => return Err(None),
        }
        if let Some(found) = rolling.seen.get_mut(&target) {
            found.seen.running = true;
            found.words = "is about to sync".to_owned();
            rolling.changes += 1;
        }
        Ok(())
    }

    /// Under the lock: nothing changes between what was found and being told of changes.
    fn watch_members(
        &self,
        rolling: &mut Rolling,
        target: TargetId,
        now: &RolloutNow,
        activator: &Activator,
    ) {
        let Some(waits) = now.waits(target) else {
            return;
        };
        rolling.activator = activator.clone();
        let watched: Vec<TargetId> = waits
            .watch
            .iter()
            .filter_map(|index| now.targets.get(*index))
            .filter(|watched| **watched != target)
            .copied()
            .collect();
        self.waits_for(target, &watched);
    }
}

#[cfg(test)]
mod tests;
