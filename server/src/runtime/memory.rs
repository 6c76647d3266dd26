//! What reconcilers remember between passes and ports may look at: resolved revisions, renders, the newest comparison
//! of each target, and how many writes are in flight.
//!
//! All of it can be found out again; none of it is ever the only copy. The reconciler of a key is the only writer of
//! that key's entry.

mod image_rules;
mod inputs;
mod left;
mod notices;
mod order;
mod orphans;
mod renders;
mod returning;
mod rolling;
mod rollout;

pub(crate) use image_rules::RuleState;
pub(crate) use inputs::Collected;
pub(crate) use returning::Returning;
pub(crate) use rolling::{RolloutNow, RolloutPlace, RolloutSeen};
pub(crate) use rollout::{How, Rendering};

use super::activator::locked;
use crate::reconcile::sources::Wanted;
use crate::reconcile::sources::sets::{KnownSets, Owner};
use engine::definition::project::Project;
use engine::definition::{DefinitionFile, Notices};
use engine::manifest::Manifest;
use engine::render::Complete;
use lockstep_types::diff::{ResourceDiff, SyncStatus};
use lockstep_types::health::Health;
use lockstep_types::id::{ApplicationId, SourceId, TargetId};
use lockstep_types::plan::Plan;
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::{Revision, Signature, TargetRevision};
use lockstep_types::time::Micros;
pub(crate) use renders::NOTED_SECONDS;
use renders::Renders;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// What a tracked revision is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The last good answer; it stays while fetching fails.
    pub revision: Option<Revision>,
    /// When the repository last answered.
    pub at: Option<Micros>,
    pub failing: Option<Failing>,
}

/// A fetch that does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    pub since: Micros,
    /// In words, without a full stop.
    pub error: String,
    /// What to do, a sentence; may be empty.
    pub next: String,
}

/// The newest comparison of one target. Masked where it leaves the server: diffs and plan are, manifests are not.
#[derive(Debug, Clone)]
pub struct Assessment {
    pub at: Micros,
    pub revision: Revision,
    pub render_key: String,
    /// Names what was rendered; equal for equal objects.
    pub digest: String,
    /// Each of its commits must be vouched for by itself.
    pub verified: bool,
    pub warnings: Vec<String>,
    /// Desired objects with namespaces, and with tracking ids where the target is managed.
    pub desired: Vec<Manifest>,
    /// Objects whose values are encrypted: neither compared nor applied.
    pub encrypted: Vec<ResourceKey>,
    /// Objects that differ or could not be compared; noise included.
    pub diffs: BTreeMap<ResourceKey, ResourceDiff>,
    /// What a sync with prune would do.
    pub plan: Plan,
    pub violations: Vec<String>,
    /// Paths of the files that were rendered; empty when the render came from the database.
    pub inputs: Vec<String>,
    /// Of every desired object.
    pub healths: BTreeMap<ResourceKey, Health>,
    pub health: Health,
    /// The object behind the health, when it is not healthy.
    pub culprit: Option<ResourceKey>,
    pub sync: SyncStatus,
}

/// Signatures that are remembered.
const SIGNATURES: usize = 4096;
/// Revisions that nobody follows, of which it is still known what they were.
const UNTRACKED: usize = 256;
/// Commits of one repository that are remembered as vouched for with their history.
const SOUND: usize = 256;

/// Projects of a source, and how often they changed.
type Limits = (Arc<Vec<Project>>, u64);

/// See the module.
#[derive(Debug)]
pub(crate) struct Memory {
    assessments: Mutex<HashMap<TargetId, Arc<Assessment>>>,
    resolutions: Mutex<HashMap<(String, TargetRevision), Resolution>>,
    renders: Mutex<Renders>,
    /// By normal form of the URL.
    wanted: Mutex<HashMap<String, Arc<Wanted>>>,
    /// Revision, set of clusters and revisions of listed repositories at which the definitions of a source were read.
    read: Mutex<HashMap<SourceId, (Revision, u64, String)>>,
    /// Sets of applications as they were last expanded.
    sets: Mutex<BTreeMap<Owner, Arc<KnownSets>>>,
    projects: Mutex<HashMap<SourceId, Limits>>,
    /// Sources whose definitions come from their own documents alone: nothing generates from other files.
    literal: Mutex<HashSet<SourceId>>,
    looked: Mutex<HashMap<String, Micros>>,
    /// Commits up to which a repository's log is recorded, by tracked revision, and what was known of its readers then.
    noted: Mutex<HashMap<(String, TargetRevision), Noted>>,
    placements: Mutex<BTreeMap<TargetId, Placement>>,
    /// Targets that Git places nowhere and that left something in their cluster.
    left: Mutex<BTreeSet<TargetId>>,
    /// Files that the newest render of an application read.
    inputs: Mutex<HashMap<ApplicationId, Vec<String>>>,
    /// What every target's newest render looked at.
    index: Mutex<inputs::InputIndex>,
    /// Commits whose applications are being rendered.
    rollouts: Mutex<rollout::Rollouts>,
    /// The same for every repository of an application, by its key.
    inputs_in: Mutex<HashMap<ApplicationId, BTreeMap<String, Vec<String>>>>,
    /// Documents of a root source that definitions rendered elsewhere refer to: from its files, and from each render.
    offered: Mutex<HashMap<SourceId, Offered>>,
    /// Targets that wait for a target.
    waiters: Mutex<HashMap<TargetId, BTreeSet<TargetId>>>,
    rolling: Mutex<rolling::Rolling>,
    /// Health scripts by the source that they are in.
    scripts: Mutex<HashMap<SourceId, order::Scripts>>,
    /// Flux's alerts by the source that they are in: in its files (`None`), and in what targets render.
    notices: Mutex<BTreeMap<SourceId, BTreeMap<Option<TargetId>, Notices>>>,
    image_rules: Mutex<image_rules::Known>,
    image_states: Mutex<BTreeMap<(SourceId, String), RuleState>>,
    compared: Mutex<HashMap<TargetId, Micros>>,
    surveys: orphans::Surveys,
    /// Clusters that are being brought back.
    returning: Mutex<BTreeMap<String, Returning>>,
    /// What commits prove, by everything that decides it.
    signatures: Mutex<HashMap<String, Signature>>,
    /// Commits that are vouched for with all before them, by repository and keys.
    sound: Mutex<HashMap<String, HashSet<Revision>>>,
    cluster_changes: AtomicU64,
    writing: watch::Sender<usize>,
}

/// What a root source and its renders offer, and how often that changed.
#[derive(Debug, Default)]
struct Offered {
    by: BTreeMap<Option<TargetId>, Vec<DefinitionFile>>,
    changes: u64,
}

/// How far the log of a branch is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) head: Revision,
    /// Applications with their paths, and whether their inputs were known: with more of them, older commits touch more.
    pub(crate) readers: Vec<(ApplicationId, Vec<String>, bool)>,
}

/// Where a target is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) application: ApplicationId,
    pub(crate) name: String,
    pub(crate) cluster: String,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            assessments: Mutex::default(),
            resolutions: Mutex::default(),
            renders: Mutex::default(),
            wanted: Mutex::default(),
            read: Mutex::default(),
            sets: Mutex::default(),
            projects: Mutex::default(),
            literal: Mutex::default(),
            looked: Mutex::default(),
            noted: Mutex::default(),
            placements: Mutex::default(),
            left: Mutex::default(),
            offered: Mutex::default(),
            inputs: Mutex::default(),
            index: Mutex::default(),
            rollouts: Mutex::default(),
            inputs_in: Mutex::default(),
            waiters: Mutex::default(),
            rolling: Mutex::default(),
            scripts: Mutex::default(),
            notices: Mutex::default(),
            image_rules: Mutex::default(),
            image_states: Mutex::default(),
            compared: Mutex::default(),
            surveys: orphans::Surveys::default(),
            returning: Mutex::default(),
            signatures: Mutex::default(),
            sound: Mutex::default(),
            cluster_changes: AtomicU64::new(0),
            writing: watch::Sender::new(0),
        }
    }
}

impl Memory {
    /// Takes over what the files of a source (`None`) or one of its targets offer; says whether that is news.
    pub(crate) fn offer(
        &self,
        source: SourceId,
        by: Option<TargetId>,
        files: Vec<DefinitionFile>,
    ) -> bool {
        let mut offered = locked(&self.offered);
        let offered = offered.entry(source).or_default();
        let known = offered.by.get(&by);
        if known == Some(&files) || (known.is_none() && files.is_empty()) {
            return false;
        }
        offered.by.insert(by, files);
        offered.changes += 1;
        true
    }

    /// Everything that is offered within a source, and a number that grows with every change of it.
    pub(crate) fn around(&self, source: SourceId) -> (Vec<DefinitionFile>, u64) {
        let offered = locked(&self.offered);
        offered
            .get(&source)
            .map_or_else(Default::default, |offered| {
                let files = offered.by.values().flatten().cloned().collect();
                (files, offered.changes)
            })
    }

    pub(crate) fn assessment(&self, target: TargetId) -> Option<Arc<Assessment>> {
        locked(&self.assessments).get(&target).cloned()
    }

    pub(crate) fn assessed(&self, target: TargetId, assessment: Arc<Assessment>) {
        locked(&self.assessments).insert(target, assessment);
    }

    pub(crate) fn forget_target(&self, target: TargetId) {
        locked(&self.assessments).remove(&target);
        self.forget_scripts(target);
        self.forget_notices(target);
        self.forget_image_rules(target);
        locked(&self.index).forget(target);
    }

    pub(crate) fn resolution(&self, repo_url: &str, wanted: &TargetRevision) -> Option<Resolution> {
        locked(&self.resolutions)
            .get(&(repo_url.to_owned(), wanted.clone()))
            .cloned()
    }

    /// Changes one entry; answers whether what it resolves to has changed.
    pub(crate) fn resolve(
        &self,
        repo_url: &str,
        wanted: &TargetRevision,
        change: impl FnOnce(&mut Resolution),
    ) -> bool {
        let mut resolutions = locked(&self.resolutions);
        let entry = resolutions
            .entry((repo_url.to_owned(), wanted.clone()))
            .or_insert(Resolution {
                revision: None,
                at: None,
                failing: None,
            });
        let before = (entry.revision.clone(), entry.failing.is_some());
        change(entry);
        before != (entry.revision.clone(), entry.failing.is_some())
    }

    pub(crate) fn signature(&self, key: &str) -> Option<Signature> {
        locked(&self.signatures).get(key).cloned()
    }

    pub(crate) fn keep_signature(&self, key: String, found: &Signature) {
        let mut known = locked(&self.signatures);
        // Found again in a millisecond each.
        if known.len() >= SIGNATURES {
            known.clear();
        }
        known.insert(key, found.clone());
    }

    /// Commits of which it is known that everything before them is vouched for too.
    pub(crate) fn sound(&self, key: &str) -> HashSet<Revision> {
        locked(&self.sound).get(key).cloned().unwrap_or_default()
    }

    pub(crate) fn keep_sound(&self, key: String, at: &Revision) {
        let mut known = locked(&self.sound);
        // Found again by one walk each.
        if known.len() >= SIGNATURES {
            known.clear();
        }
        let commits = known.entry(key).or_default();
        if commits.len() >= SOUND {
            commits.clear();
        }
        commits.insert(at.clone());
    }

    pub(crate) fn render(&self, key: &str) -> Option<Arc<Complete>> {
        locked(&self.renders).get(key)
    }

    /// The same, and whether the database is to be told that it is in use.
    pub(crate) fn render_to_use(&self, key: &str, now: Micros) -> Option<(Arc<Complete>, bool)> {
        locked(&self.renders).put_to_use(key, now)
    }

    /// The database knows by now that it is in use.
    pub(crate) fn rendered(&self, render: Arc<Complete>, now: Micros) {
        locked(&self.renders).put(render, now);
    }

    pub(crate) fn wanted(&self, key: &str) -> Option<Arc<Wanted>> {
        locked(&self.wanted).get(key).cloned()
    }

    /// Every repository that is read, and at which revisions.
    pub(crate) fn tracked(&self) -> Vec<(String, BTreeSet<TargetRevision>)> {
        locked(&self.wanted)
            .iter()
            .map(|(key, wanted)| (key.clone(), wanted.revisions.clone()))
            .collect()
    }

    /// Replaces everything that is wanted; answers with the repositories of which something else is wanted now.
    pub(crate) fn want(&self, wanted: HashMap<String, Wanted>) -> Vec<String> {
        let mut known = locked(&self.wanted);
        let changed = wanted
            .iter()
            .filter(|(key, new)| {
                known.get(*key).is_none_or(|old| {
                    old.revisions != new.revisions
                        || old.sources != new.sources
                        || old.feeds != new.feeds
                        || old.paths != new.paths
                })
            })
            .map(|(key, _)| key.clone())
            .collect();
        *known = wanted
            .into_iter()
            .map(|(key, wanted)| (key, Arc::new(wanted)))
            .collect();
        drop(known);
        self.forget_untracked();
        changed
    }

    /// Lets go of what revisions were that nobody follows any more: definitions that name commits or versions name new
    /// ones for ever.
    fn forget_untracked(&self) {
        let tracked: HashSet<(String, TargetRevision)> = self
            .tracked()
            .into_iter()
            .flat_map(|(key, revisions)| {
                revisions
                    .into_iter()
                    .map(move |revision| (key.clone(), revision))
            })
            .collect();
        let mut resolutions = locked(&self.resolutions);
        if resolutions.len() > tracked.len() + UNTRACKED {
            resolutions.retain(|known, _| tracked.contains(known));
        }
        let mut noted = locked(&self.noted);
        if noted.len() > tracked.len() + UNTRACKED {
            noted.retain(|known, _| tracked.contains(known));
        }
    }

    pub(crate) fn was_read(&self, source: SourceId, read: &(Revision, u64, String)) -> bool {
        locked(&self.read).get(&source) == Some(read)
    }

    /// Where a source was read last, if a document that does not change cannot define anything else.
    pub(crate) fn last_read(&self, source: SourceId) -> Option<(Revision, u64, String)> {
        if !locked(&self.literal).contains(&source) {
            return None;
        }
        locked(&self.read).get(&source).cloned()
    }

    pub(crate) fn is_literal(&self, source: SourceId, literal: bool) {
        let mut known = locked(&self.literal);
        if literal {
            known.insert(source);
        } else {
            known.remove(&source);
        }
    }

    pub(crate) fn has_read(&self, source: SourceId, read: (Revision, u64, String)) {
        locked(&self.read).insert(source, read);
    }

    /// Takes over how the sets of a source, or of an application that renders some, came out.
    pub(crate) fn expanded(&self, owner: Owner, sets: KnownSets) {
        let mut known = locked(&self.sets);
        if sets.states.is_empty() {
            known.remove(&owner);
        } else {
            known.insert(owner, Arc::new(sets));
        }
    }

    /// The sets of one owner.
    pub(crate) fn sets(&self, owner: &Owner) -> Arc<KnownSets> {
        locked(&self.sets).get(owner).cloned().unwrap_or_default()
    }

    /// All sets, by who holds them.
    pub(crate) fn all_sets(&self) -> Vec<(Owner, Arc<KnownSets>)> {
        locked(&self.sets)
            .iter()
            .map(|(owner, sets)| (*owner, Arc::clone(sets)))
            .collect()
    }

    /// The projects of a source, and a number that grows when they change; `None` until it was read.
    pub(crate) fn projects(&self, source: SourceId) -> Option<Limits> {
        locked(&self.projects).get(&source).cloned()
    }

    /// Takes over the projects of a source; says whether they are news.
    pub(crate) fn set_projects(&self, source: SourceId, projects: Vec<Project>) -> bool {
        let mut known = locked(&self.projects);
        let changes = match known.get(&source) {
            Some((before, _)) if **before == projects => return false,
            Some((_, changes)) => changes + 1,
            None => 0,
        };
        known.insert(source, (Arc::new(projects), changes));
        true
    }

    /// Rises when clusters are added or removed: definitions name them.
    pub(crate) fn clusters_changed(&self) -> u64 {
        self.cluster_changes.load(Ordering::Relaxed)
    }

    pub(crate) fn note_clusters_changed(&self) {
        self.cluster_changes.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn looked_at(&self, key: &str, at: Micros) {
        locked(&self.looked).insert(key.to_owned(), at);
    }

    pub(crate) fn noted(&self, key: &str, wanted: &TargetRevision) -> Option<Noted> {
        locked(&self.noted)
            .get(&(key.to_owned(), wanted.clone()))
            .cloned()
    }

    pub(crate) fn note(&self, key: &str, wanted: &TargetRevision, noted: Noted) {
        locked(&self.noted).insert((key.to_owned(), wanted.clone()), noted);
    }

    pub(crate) fn place(&self, placements: BTreeMap<TargetId, Placement>) {
        *locked(&self.placements) = placements;
    }

    pub(crate) fn placed_on(&self, cluster: &str) -> Vec<TargetId> {
        let placements = locked(&self.placements);
        placements
            .iter()
            .filter(|(_, place)| place.cluster == cluster)
            .map(|(target, _)| *target)
            .collect()
    }

    pub(crate) fn application_of(&self, target: TargetId) -> Option<ApplicationId> {
        locked(&self.placements)
            .get(&target)
            .map(|place| place.application)
    }

    /// What people call a target: application and cluster.
    pub(crate) fn name_of(&self, target: TargetId) -> Option<String> {
        locked(&self.placements)
            .get(&target)
            .map(|place| format!("{} on {}", place.name, place.cluster))
    }

    /// How many targets there are.
    pub(crate) fn placed(&self) -> usize {
        locked(&self.placements).len()
    }

    pub(crate) fn inputs(&self, application: ApplicationId) -> Option<Vec<String>> {
        locked(&self.inputs).get(&application).cloned()
    }

    /// What an application reads of one of its repositories.
    pub(crate) fn inputs_in(
        &self,
        application: ApplicationId,
        repository: &str,
    ) -> Option<Vec<String>> {
        locked(&self.inputs_in)
            .get(&application)?
            .get(repository)
            .cloned()
    }

    /// Paths of the first source's repository, and those of every repository by its key.
    pub(crate) fn set_inputs(
        &self,
        application: ApplicationId,
        paths: Vec<String>,
        by_repository: BTreeMap<String, Vec<String>>,
    ) {
        locked(&self.inputs).insert(application, paths);
        locked(&self.inputs_in).insert(application, by_repository);
    }

    /// Gathers times of comparisons until somebody writes them down.
    pub(crate) fn compared(&self, target: TargetId, at: Micros) {
        locked(&self.compared).insert(target, at);
    }

    pub(crate) fn take_compared(&self) -> Vec<(TargetId, Micros)> {
        std::mem::take(&mut *locked(&self.compared))
            .into_iter()
            .collect()
    }

    /// Counts a write as in flight until the guard is dropped.
    pub(crate) fn writing(&self) -> Writing {
        self.writing.send_modify(|count| *count += 1);
        Writing(self.writing.clone())
    }

    /// Waits until no write is in flight.
    pub(crate) async fn quiet(&self) {
        // The sender lives as long as this borrow, so waiting cannot fail.
        let _ = self.writing.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// A write in flight.
#[derive(Debug)]
pub(crate) struct Writing(watch::Sender<usize>);

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests;
