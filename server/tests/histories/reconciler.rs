//! A reconciler of the model: the real planner, check, gate and decision, over the model's Git and cluster, with the
//! second render and the approvals that the server keeps. What it deletes is held against the oracle.

use super::Tally;
use super::git::{NAMES, Objects, revision};
use super::oracle::{Moment, may_go};
use super::outcome::spoiled;
use super::world::{INSTALLATION, Live, TARGET_KEY, World, annotations, manifest, mark};
use engine::definition::SyncOptions;
use engine::manifest::Manifest;
use engine::plan::check::check;
use engine::plan::{InventoryEntry, LiveFact, NamespaceMetadata, PlanInput, PlanPolicy, plan};
use engine::tracking::TRACKING_ANNOTATION;
use lockstep_types::application::SyncPolicy;
use lockstep_types::diff::{
    DiffClass, FieldChange, Impact, ResourceDiff, ResourceDiffKind, SyncStatus,
};
use lockstep_types::health::Health;
use lockstep_types::id::TargetId;
use lockstep_types::plan::{Action, Plan};
use lockstep_types::reason::ReasonCode;
use lockstep_types::resource::ResourceKey;
use lockstep_types::source::Mode;
use lockstep_types::sync::SyncPhase;
use lockstep_types::time::Micros;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::json;
use server::reconcile::cause::Cause;
use server::reconcile::decide::{
    Act, Facts, LastAttempt, PruneCheck, Requested, Situation, State, Trigger, decide,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a reconciler may do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    IgnoresTheGate,
    SkipsTheSecondRender,
    TakesARewriteForProgress,
    TakesUnknownForAbsent,
    ForgetsUids,
    ApprovesAnything,
    IgnoresMarks,
    PrunesUnasked,
}

/// Each with the words of the rule that it breaks.
pub const DEFECTS: [(Defect, &str); 8] = [
    (Defect::IgnoresTheGate, "without a yes"),
    (Defect::SkipsTheSecondRender, "after one render"),
    (
        Defect::TakesARewriteForProgress,
        "after a rewritten history",
    ),
    (Defect::TakesUnknownForAbsent, "is not known"),
    (Defect::ForgetsUids, "which is not what was applied"),
    (Defect::ApprovesAnything, "without a yes"),
    (Defect::IgnoresMarks, "which says Prune=false"),
    (Defect::PrunesUnasked, "nobody lets it prune"),
];

/// A run that waits for a yes.
pub(super) struct Waiting {
    digest: String,
    commit: usize,
    prune: bool,
    automatic: bool,
}

struct Confirm {
    attempt: String,
    way: (usize, Option<usize>),
    since: i64,
    state: PruneCheck,
}

pub struct Reconciler {
    pub world: World,
    pub tally: Tally,
    pub defect: Option<Defect>,
    pub(super) policy: SyncPolicy,
    /// Object and the UID it had when it was applied.
    pub(super) inventory: BTreeMap<&'static str, Option<u32>>,
    pub(super) deployed: Option<usize>,
    pub(super) last: Option<LastAttempt>,
    confirm: Option<Confirm>,
    pub(super) waiting: Option<Waiting>,
    heals: BTreeMap<ResourceKey, Vec<Micros>>,
}

/// What a plan is made from, owned.
struct Given {
    desired: Vec<Manifest>,
    diffs: BTreeMap<ResourceKey, ResourceDiff>,
    live: BTreeMap<ResourceKey, LiveFact>,
    inventory: Vec<InventoryEntry>,
    cascade: BTreeMap<ResourceKey, u32>,
}

fn key(name: &str) -> ResourceKey {
    ResourceKey::parse(name).unwrap()
}

pub(super) fn name_of(key: &ResourceKey) -> &'static str {
    let text = key.to_string();
    NAMES.iter().copied().find(|name| *name == text).unwrap()
}

impl Reconciler {
    pub fn new(chance: &mut StdRng) -> Self {
        Self {
            world: World::new(chance),
            tally: Tally::default(),
            defect: None,
            policy: SyncPolicy {
                automated: chance.random_bool(0.85),
                prune: chance.random_bool(0.8),
                self_heal: chance.random_bool(0.7),
                allow_empty: chance.random_bool(0.2),
                ..SyncPolicy::default()
            },
            inventory: BTreeMap::new(),
            deployed: None,
            last: None,
            confirm: None,
            waiting: None,
            heals: BTreeMap::new(),
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn given(&self, objects: &Objects) -> Given {
        let mut given = Given {
            desired: Vec::new(),
            diffs: BTreeMap::new(),
            live: BTreeMap::new(),
            inventory: Vec::new(),
            cascade: BTreeMap::new(),
        };
        for (name, declared) in objects {
            let mut notes = annotations(declared.wish);
            notes[TRACKING_ANNOTATION] = json!(mark(name, TARGET_KEY));
            let body = manifest(name, declared.version, notes);
            given.desired.push(Manifest::new(body, None).unwrap());
            if let Some(live) = self.world.cluster.get(name)
                && (live.version, live.wish) != (declared.version, declared.wish)
            {
                given.diffs.insert(key(name), self.differs(name, live));
            }
        }
        for name in objects.keys().chain(self.inventory.keys()) {
            let fact = match self.world.body(name) {
                _ if self.world.hidden.contains(name) => {
                    if self.has(Defect::TakesUnknownForAbsent) && objects.contains_key(name) {
                        LiveFact::Absent
                    } else {
                        LiveFact::Unknown("its kind cannot be listed".to_owned())
                    }
                }
                None => LiveFact::Absent,
                Some(mut body) => {
                    if self.has(Defect::IgnoresMarks) {
                        body["metadata"]["annotations"] =
                            json!({TRACKING_ANNOTATION: mark(name, TARGET_KEY)});
                    }
                    LiveFact::of(&body)
                }
            };
            given.live.insert(key(name), fact);
        }
        for (name, uid) in &self.inventory {
            let now = self.world.cluster.get(name).map(|live| live.uid);
            let uid = if self.has(Defect::ForgetsUids) {
                now
            } else {
                *uid
            };
            given.inventory.push(InventoryEntry {
                key: key(name),
                uid: uid.map(|uid| uid.to_string()),
            });
        }
        given
    }

    /// Drift when what is deployed said otherwise than the cluster does.
    fn differs(&self, name: &str, live: &Live) -> ResourceDiff {
        let said = self
            .deployed
            .and_then(|commit| self.world.git.commits[commit].objects.as_ref()?.get(name));
        let class = match said {
            Some(said) if said.version != live.version => DiffClass::Drift,
            _ => DiffClass::NotYetSynced,
        };
        ResourceDiff {
            key: key(name),
            kind: ResourceDiffKind::Differs,
            changes: vec![FieldChange {
                path: "data.version".to_owned(),
                declared: None,
                live: None,
                class,
                manager: None,
                operation: None,
                at: None,
                impact: Impact::Configures,
            }],
            origin: None,
            live_yaml: None,
            predicted_yaml: None,
        }
    }

    /// The plan of a commit, checked: the check never disagrees with the planner.
    fn plan(
        &mut self,
        given: &Given,
        commit: usize,
        prune: bool,
        approved: Option<&str>,
        chance: &mut StdRng,
    ) -> Plan {
        let policy = SyncPolicy {
            prune,
            ..self.policy.clone()
        };
        let input = PlanInput {
            target: TargetId(Uuid::from_u128(1)),
            revision: revision(commit),
            installation: INSTALLATION,
            target_key: TARGET_KEY,
            desired: &given.desired,
            diffs: &given.diffs,
            live: &given.live,
            inventory: &given.inventory,
            policy: PlanPolicy::of(&policy, &SyncOptions::default()),
            destination_namespace: "shop",
            namespace_metadata: NamespaceMetadata::default(),
            namespace_exists: Some(true),
            cascade: &given.cascade,
            selection: None,
            approved_digest: approved,
        };
        let made = plan(&input);
        self.tally.plans += 1;
        assert_eq!(check(&made, &input), vec![], "{made:#?}");
        if chance.random_bool(0.05)
            && let Some(spoiled) = spoiled(&made, chance)
        {
            assert_ne!(check(&spoiled, &input), vec![], "not seen: {spoiled:#?}");
            self.tally.spoiled += 1;
        }
        made
    }

    fn facts(&self, commit: usize, given: &Given, plan: &Plan, objects: &Objects) -> Facts {
        let writes = plan
            .steps
            .iter()
            .filter(|step| matches!(step.action, Action::Create | Action::Configure))
            .count();
        let prunes = plan
            .steps
            .iter()
            .filter(|step| step.action == Action::Prune)
            .count();
        let drifted: Vec<ResourceKey> = given
            .diffs
            .values()
            .filter(|diff| diff.changes[0].class == DiffClass::Drift)
            .map(|diff| diff.key.clone())
            .collect();
        let same = self.deployed.is_some_and(|deployed| {
            self.world.git.commits[deployed].objects.as_ref() == Some(objects)
        });
        Facts {
            revision: revision(commit),
            attempt: attempt(objects),
            sync: if writes + prunes == 0 {
                SyncStatus::Synced
            } else {
                SyncStatus::OutOfSync
            },
            only_drift: same,
            writes,
            prunes,
            drifted,
            drift_words: String::new(),
            rivals: BTreeMap::new(),
            violations: Vec::new(),
            empty: objects.is_empty() && !self.inventory.is_empty(),
            health: Health::healthy(),
            culprit: None,
            event: String::new(),
            skipped: None,
            unsure: None,
            stale: None,
            refused: None,
        }
    }

    /// As the server confirms: the same render twice, half a minute apart, of a commit that goes forward.
    fn confirm(&mut self, commit: usize, facts: &Facts) -> PruneCheck {
        if facts.prunes == 0 || !self.policy.prune || !self.policy.automated {
            self.confirm = None;
            return PruneCheck::NotNeeded;
        }
        if self.has(Defect::SkipsTheSecondRender) {
            return PruneCheck::Confirmed;
        }
        let (now, attempt) = (self.world.now, facts.attempt.clone());
        let way = (commit, self.deployed);
        let forward = self.forward(commit) || self.has(Defect::TakesARewriteForProgress);
        self.confirm = self
            .confirm
            .take()
            .filter(|confirm| confirm.attempt == attempt);
        // The same objects by another way.
        if let Some(confirm) = &mut self.confirm
            && confirm.way != way
        {
            confirm.way = way;
            let rewritten = confirm.state == PruneCheck::Rewritten;
            if !forward {
                confirm.state = PruneCheck::Rewritten;
            } else if rewritten {
                self.confirm = None;
            }
        }
        if self.confirm.is_none() {
            let state = if forward {
                PruneCheck::ConfirmAt(Micros::from_seconds(now + 30))
            } else {
                PruneCheck::Rewritten
            };
            self.confirm = Some(Confirm {
                attempt,
                way,
                since: now,
                state,
            });
        }
        let Some(confirm) = &mut self.confirm else {
            return PruneCheck::NotNeeded;
        };
        if let PruneCheck::ConfirmAt(at) = confirm.state
            && at <= Micros::from_seconds(now)
        {
            if std::mem::take(&mut self.world.unsteady) {
                self.confirm = None;
                return PruneCheck::ConfirmAt(Micros::from_seconds(now + 60));
            }
            confirm.state = PruneCheck::Confirmed;
        }
        confirm.state
    }

    fn forward(&self, commit: usize) -> bool {
        self.deployed
            .is_none_or(|deployed| self.world.git.descends(deployed, commit))
    }

    /// One pass, as the loop of a target makes it.
    pub fn pass(&mut self, chance: &mut StdRng) {
        self.tally.passes += 1;
        self.world.now += 1;
        let commit = self.world.git.head;
        let objects = self.world.git.commits[commit].objects.clone();
        let (Some(objects), false) = (objects, self.world.down) else {
            let cause = Cause::passing(ReasonCode::RenderFailed, "it is not known", "later");
            let decision = self.decide(State::Unknown(&cause), PruneCheck::NotNeeded);
            assert!(
                !matches!(decision.act, Act::Start { .. }),
                "begins a run although nothing is known"
            );
            if matches!(decision.act, Act::Refuse(_)) {
                self.world.asked = None;
            }
            return;
        };
        if self.waiting.is_some() {
            self.look_at_waiting(commit, &objects, chance);
            return;
        }
        let given = self.given(&objects);
        let whole = self.plan(&given, commit, true, None, chance);
        let facts = self.facts(commit, &given, &whole, &objects);
        let check = self.confirm(commit, &facts);
        let decision = self.decide(State::Known(&facts), check);
        match decision.act {
            Act::Rest => {}
            Act::Refuse(_) => self.world.asked = None,
            Act::Start { trigger, prune } => {
                let automatic = !matches!(trigger, Trigger::Person(_));
                if !automatic {
                    self.world.asked = None;
                }
                if trigger == Trigger::SelfHeal {
                    for key in &facts.drifted {
                        let at = Micros::from_seconds(self.world.now);
                        self.heals.entry(key.clone()).or_default().push(at);
                    }
                }
                let prune = prune || self.has(Defect::PrunesUnasked);
                self.run(commit, &objects, prune, automatic, None, chance);
            }
        }
    }

    fn decide(&self, state: State<'_>, prune: PruneCheck) -> server::reconcile::decide::Decision {
        let requested = self.world.asked.map(|prune| Requested {
            by: "maria".to_owned(),
            prune,
            since: Micros::from_seconds(self.world.now),
            overrides: Vec::new(),
        });
        decide(&Situation {
            now: Micros::from_seconds(self.world.now),
            mode: Mode::Managed,
            policy: &self.policy,
            retry: None,
            hold: None,
            pin: None,
            window: None,
            state,
            running: None,
            requested: requested.as_ref(),
            last: self.last.as_ref(),
            heals: &self.heals,
            prune,
            brake: None,
            rollout: None,
            waits: None,
        })
    }

    /// A yes counts for exactly the plan that was shown; a new commit ends the wait.
    fn look_at_waiting(&mut self, commit: usize, objects: &Objects, chance: &mut StdRng) {
        let Some(waiting) = self.waiting.take() else {
            return;
        };
        if waiting.commit != commit {
            self.ended(objects, SyncPhase::Superseded, waiting.prune);
            return;
        }
        if !std::mem::take(&mut self.world.willing) {
            self.waiting = Some(waiting);
            return;
        }
        // Between the yes and the run the world goes on.
        if chance.random_bool(0.4) {
            self.world.drift(chance);
        }
        let digest = waiting.digest.clone();
        self.tally.approved += 1;
        self.run(
            commit,
            objects,
            waiting.prune,
            waiting.automatic,
            Some(&digest),
            chance,
        );
    }

    fn run(
        &mut self,
        commit: usize,
        objects: &Objects,
        prune: bool,
        automatic: bool,
        approved: Option<&str>,
        chance: &mut StdRng,
    ) {
        let given = self.given(objects);
        let made = self.plan(&given, commit, prune, approved, chance);
        if approved.is_some_and(|digest| digest != made.digest) {
            self.tally.void += 1;
            if !self.has(Defect::ApprovesAnything) {
                self.ended(objects, SyncPhase::Superseded, prune);
                return;
            }
        }
        let let_through = made.gate.is_empty()
            || self.has(Defect::IgnoresTheGate)
            || (approved.is_some() && self.has(Defect::ApprovesAnything));
        if !let_through {
            self.tally.held += 1;
            self.waiting = Some(Waiting {
                digest: made.digest,
                commit,
                prune,
                automatic,
            });
            return;
        }
        self.tally.runs += 1;
        let pruned: Vec<&'static str> = made
            .steps
            .iter()
            .filter(|step| step.action == Action::Prune)
            .map(|step| name_of(&step.key))
            .collect();
        if !pruned.is_empty() {
            let confirmed = self.confirm.as_ref().is_some_and(|confirm| {
                confirm.state == PruneCheck::Confirmed && self.world.now - confirm.since >= 30
            });
            let moment = Moment {
                declared: Some(objects),
                inventory: &self.inventory,
                cluster: &self.world.cluster,
                down: self.world.down,
                hidden: &self.world.hidden,
                allow_empty: self.policy.allow_empty,
                may_prune: (automatic && self.policy.prune) || (!automatic && prune),
                automatic,
                confirmed,
                forward: self.forward(commit),
                approved: approved == Some(made.digest.as_str()),
            };
            may_go(&moment, &pruned);
        }
        let whole = self.carry_out(&made, objects, chance);
        if whole {
            self.deployed = Some(commit);
            self.ended(objects, SyncPhase::Succeeded, prune);
        } else {
            self.ended(objects, SyncPhase::Failed, prune);
        }
    }
}

/// Names a rendered state.
pub(super) fn attempt(objects: &Objects) -> String {
    format!("{objects:?}")
}
