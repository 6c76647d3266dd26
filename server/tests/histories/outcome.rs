//! What a run of the model writes, how it ends, and how a plan is spoiled for the check to find.

use super::git::Objects;
use super::reconciler::{Reconciler, attempt, name_of};
use super::world::{Live, TARGET_KEY, mark};
use lockstep_types::plan::{Action, Plan};
use lockstep_types::sync::SyncPhase;
use lockstep_types::time::Micros;
use rand::Rng;
use rand::rngs::StdRng;
use server::reconcile::decide::LastAttempt;

impl Reconciler {
    /// Writes step by step, while others write too; says whether it came to the end.
    pub(super) fn carry_out(
        &mut self,
        made: &Plan,
        objects: &Objects,
        chance: &mut StdRng,
    ) -> bool {
        let mut left = self.world.crash_after.take();
        // Ahead of the first write: the inventory names whatever may come to be.
        for name in objects.keys() {
            self.inventory.entry(name).or_insert(None);
        }
        for step in made.steps.iter().filter(|step| step.action.writes()) {
            if let Some(left) = &mut left {
                if *left == 0 {
                    return false;
                }
                *left -= 1;
            }
            if chance.random_bool(0.05) {
                self.world.drift(chance);
            }
            let name = name_of(&step.key);
            if step.action == Action::Prune && chance.random_bool(0.1) {
                self.world.remake(name);
            }
            match step.action {
                Action::Prune => self.delete(name, step.uid.as_deref()),
                _ => {
                    let declared = objects[name];
                    let fresh = self.world.uid();
                    let uid = self.world.cluster.get(name).map_or(fresh, |live| live.uid);
                    self.world.cluster.insert(
                        name,
                        Live {
                            uid,
                            version: declared.version,
                            tracking: Some(mark(name, TARGET_KEY)),
                            wish: declared.wish,
                        },
                    );
                    self.inventory.insert(name, Some(uid));
                }
            }
        }
        // What is there as declared is recorded too.
        for name in objects.keys() {
            if let Some(live) = self.world.cluster.get(name) {
                self.inventory.insert(name, Some(live.uid));
            }
        }
        let Self {
            world, inventory, ..
        } = self;
        inventory.retain(|name, _| objects.contains_key(name) || world.cluster.contains_key(name));
        true
    }

    /// The API server deletes only what has the UID that was asked for.
    fn delete(&mut self, name: &'static str, uid: Option<&str>) {
        let live = self
            .world
            .cluster
            .get(name)
            .map(|live| live.uid.to_string());
        if live.as_deref() != uid || uid.is_none() {
            self.tally.missed += 1;
            return;
        }
        self.world.cluster.remove(name);
        self.inventory.remove(name);
        self.tally.deletes += 1;
    }

    pub(super) fn ended(&mut self, objects: &Objects, phase: SyncPhase, prune: bool) {
        let attempt = attempt(objects);
        let failures = match &self.last {
            Some(last) if last.attempt == attempt && last.phase == SyncPhase::Failed => {
                last.failures + 1
            }
            _ => 1,
        };
        self.last = Some(LastAttempt {
            attempt,
            prune,
            hooks: false,
            hook_failed: false,
            phase,
            by: "auto-sync".to_owned(),
            failures: if phase == SyncPhase::Failed {
                failures
            } else {
                0
            },
            ended_at: Micros::from_seconds(self.world.now),
            message: String::new(),
            object: None,
        });
    }

    /// When the storm is over and a person asks, the cluster holds what Git says.
    pub fn settle(&mut self, chance: &mut StdRng) {
        let good = self.world.git.last_good();
        let parent = Some(self.world.git.head);
        self.world.git.commit(Some(good.clone()), parent);
        self.world.down = false;
        self.world.hidden.clear();
        for _ in 0..6 {
            self.world.asked = Some(false);
            self.world.crash_after = None;
            self.world.now += 300;
            self.pass(chance);
        }
        for (name, declared) in &good {
            let live = self.world.cluster.get(name);
            // Somebody may have written between the last two steps.
            assert!(
                live.is_some() || self.waiting.is_some(),
                "{name} is declared as {declared:?} and does not come back"
            );
        }
    }
}

/// The plan with one thing that must not be; `None` where that cannot be made of it.
pub(super) fn spoiled(plan: &Plan, chance: &mut StdRng) -> Option<Plan> {
    let mut plan = plan.clone();
    let kept: Vec<usize> = (0..plan.steps.len())
        .filter(|index| {
            matches!(
                plan.steps[*index].action,
                Action::Unchanged | Action::Create | Action::Configure | Action::Skip(_)
            )
        })
        .collect();
    match chance.random_range(0..4) {
        // Deletes what is to stay.
        0 => {
            let index = *kept.first()?;
            plan.steps[index].action = Action::Prune;
        }
        // Says yes to itself.
        1 if !plan.gate.is_empty() => plan.gate.clear(),
        // Deletes whatever has the name.
        2 => {
            let step = plan
                .steps
                .iter_mut()
                .find(|step| step.action == Action::Prune)?;
            step.uid = Some("another".to_owned());
        }
        // Leaves something out.
        _ => {
            let index = *kept.last()?;
            plan.steps.remove(index);
        }
    }
    Some(plan)
}
