//! Expands sets of applications: finds out what their generators and templates ask for, from mirrors and by the
//! renderer, until nothing is asked for any more.
//!
//! A repository that is not here yet is wanted, fetched by its own loop, and the set is expanded again when it is there.
//! Until then, and while anything of a set fails, its applications stay as they were last read.

use super::Wanted;
use crate::reconcile::definitions;
use crate::runtime::{Runtime, now};
use crate::store;
use crate::store::application::ApplicationRow;
use crate::store::cluster::ClusterRow;
use crate::store::source::SourceRow;
use engine::definition::set::{ApplicationSet, Expansion, GitPlace, Known, Need, SetCluster};
use engine::definition::{Definition, DefinitionKey, DefinitionProblem};
use engine::source::FileKind;
use lockstep_types::id::{ApplicationId, SourceId};
use lockstep_types::time::Micros;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Templates in generators, matrices in matrices and the template itself ask one after the other; nothing asks more
/// often than this.
const ROUNDS: usize = 12;

/// Who holds sets: a root source, or an application of it that renders some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Owner {
    pub(crate) source: SourceId,
    pub(crate) parent: Option<ApplicationId>,
}

impl Owner {
    pub(crate) fn source(source: SourceId) -> Self {
        Self {
            source,
            parent: None,
        }
    }
}

/// How a set came out, for people.
#[derive(Debug, Clone)]
pub(crate) struct SetState {
    pub(crate) set: ApplicationSet,
    pub(crate) members: Vec<Definition>,
    pub(crate) problems: Vec<DefinitionProblem>,
    /// Generator and why it gives nothing here.
    pub(crate) not_generated: Vec<(String, String)>,
    /// Repositories that are still to be fetched.
    pub(crate) waiting_for: Vec<String>,
    pub(crate) at: Micros,
}

/// Sets whose members may be missing without being gone.
#[derive(Debug, Default)]
pub(crate) struct Unfinished {
    titles: BTreeSet<String>,
    /// Files that could not be read: a set may stand in one.
    files: BTreeSet<String>,
}

impl Unfinished {
    /// Whether a known application belongs to one of them, or stands in a file that could not be read.
    pub(crate) fn holds(&self, row: &ApplicationRow) -> bool {
        if self.titles.is_empty() && self.files.is_empty() {
            return false;
        }
        if row.parent.is_none() && self.files.contains(&row.path) {
            return true;
        }
        let set = serde_json::from_str::<Definition>(&row.definition)
            .ok()
            .and_then(|definition| definition.set);
        set.is_some_and(|set| self.titles.contains(&set.set) || self.files.contains(&row.path))
    }

    /// Whether some file could not be read at all.
    pub(crate) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// Whether this file could not be read at all.
    pub(crate) fn misses(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    /// Takes up the files of which something could not be read at all.
    pub(crate) fn note_files(&mut self, files: Vec<String>) {
        self.files.extend(files);
    }
}

/// Everything that the sets of one owner give.
#[derive(Debug, Default)]
pub(crate) struct Expanded {
    pub(crate) members: Vec<Definition>,
    pub(crate) problems: Vec<DefinitionProblem>,
    pub(crate) unfinished: Unfinished,
    known: KnownSets,
}

/// The sets of one owner as they were last expanded.
#[derive(Debug, Default)]
pub(crate) struct KnownSets {
    pub(crate) states: Vec<SetState>,
    /// Repositories that their generators list.
    pub(crate) listed: BTreeSet<GitPlace>,
    /// Revisions of the listed repositories at which they were expanded, as [`standing`] writes them.
    pub(crate) standing: String,
}

/// The revisions of repositories as they are known now.
pub(crate) fn standing(runtime: &Runtime, places: &BTreeSet<GitPlace>) -> String {
    places
        .iter()
        .map(|place| {
            format!(
                "{}@{}={} ",
                place.repo_url,
                place.revision.name(),
                answer(runtime, place)
            )
        })
        .collect()
}

fn answer(runtime: &Runtime, place: &GitPlace) -> String {
    match runtime.resolution(&place.repo_url, &place.revision) {
        None => "?".to_owned(),
        Some(known) => match (known.revision, known.failing) {
            (Some(revision), _) => revision.0,
            (None, failing) => failing.map_or_else(String::new, |failing| failing.error),
        },
    }
}

/// Adds the repositories that generators list to what is wanted, and forgets the sets of sources and
/// applications that are gone.
pub(crate) fn want(
    runtime: &Runtime,
    sources: &[SourceRow],
    applications: &[ApplicationRow],
    wanted: &mut HashMap<String, Wanted>,
) {
    for (owner, sets) in runtime.memory().all_sets() {
        let has_source = sources.iter().any(|source| source.id == owner.source);
        let has_parent = owner
            .parent
            .is_none_or(|parent| applications.iter().any(|row| row.id == parent));
        if !has_source || !has_parent {
            runtime.memory().expanded(owner, KnownSets::default());
            continue;
        }
        for place in &sets.listed {
            let entry = wanted
                .entry(runtime.repository_key(&place.repo_url))
                .or_default();
            if entry.url.is_empty() {
                entry.url.clone_from(&place.repo_url);
            }
            entry.revisions.insert(place.revision.clone());
            entry
                .feeds
                .entry(place.revision.clone())
                .or_default()
                .insert(owner);
        }
    }
}

/// A repository that generators list has moved.
pub(crate) fn wake(runtime: &Runtime, owner: Owner) {
    let Some(parent) = owner.parent else {
        runtime.activator().activate_source(owner.source);
        return;
    };
    let runtime = runtime.clone();
    let tasks = runtime.tasks().clone();
    tasks.spawn(async move {
        // Lost if the database does not answer: the target looks again by its own timer.
        let targets = store::target::of_application(runtime.store(), parent).await;
        for target in targets.unwrap_or_default() {
            runtime.activator().activate_target(target.id);
        }
    });
}

/// Expands the sets as far as can be told now. `parent` is the application that renders them. Records nothing.
pub(crate) async fn expand(
    runtime: &Runtime,
    source: &SourceRow,
    parent: Option<&Definition>,
    sets: &[ApplicationSet],
    clusters: &[ClusterRow],
) -> Expanded {
    let mut world = World::new(source, clusters);
    let mut expansions: Vec<Expansion> = Vec::new();
    for _ in 0..ROUNDS {
        expansions = sets.iter().map(|set| set.expand(&world.known)).collect();
        let needs: Vec<Need> = expansions
            .iter()
            .flat_map(|expansion| expansion.needs.clone())
            .collect();
        if !world.answer(runtime, needs).await {
            break;
        }
    }
    if let Some(parent) = parent {
        for member in expansions
            .iter_mut()
            .flat_map(|expansion| &mut expansion.members)
        {
            definitions::adopt(parent, member);
        }
    }
    drop_shared(sets, &mut expansions);
    let mut expanded = Expanded::default();
    let at = now();
    for (set, expansion) in sets.iter().zip(expansions) {
        expanded.take(set, expansion, at);
    }
    expanded.known.listed = world.places;
    expanded.known.standing = world.standing;
    expanded
}

/// Keeps how the sets of an owner came out, and has repositories fetched that they list.
pub(crate) fn remember(runtime: &Runtime, owner: Owner, expanded: &mut Expanded) {
    let sets = std::mem::take(&mut expanded.known);
    let news = runtime.memory().sets(&owner).listed != sets.listed;
    runtime.memory().expanded(owner, sets);
    if news {
        // The supervisor has the repositories fetched.
        runtime.activator().activate_all();
    }
}

impl Expanded {
    fn take(&mut self, set: &ApplicationSet, expansion: Expansion, at: Micros) {
        if !expansion.whole || !expansion.needs.is_empty() {
            self.unfinished.titles.insert(set.title());
        }
        let waiting_for: BTreeSet<String> = expansion
            .needs
            .iter()
            .filter_map(|need| match need {
                Need::Files(place) => Some(place.repo_url.clone()),
                _ => None,
            })
            .collect();
        self.members.extend(expansion.members.iter().cloned());
        self.problems.extend(expansion.problems.iter().cloned());
        let missing = expansion.not_generated.iter();
        self.problems
            .extend(missing.map(|missing| set.missing(missing)));
        self.known.states.push(SetState {
            set: set.clone(),
            members: expansion.members,
            problems: expansion.problems,
            not_generated: expansion
                .not_generated
                .into_iter()
                .map(|missing| (missing.generator, missing.why))
                .collect(),
            waiting_for: waiting_for.into_iter().collect(),
            at,
        });
    }
}

/// An application that two sets give is nobody's.
fn drop_shared(sets: &[ApplicationSet], expansions: &mut [Expansion]) {
    let mut by_key: BTreeMap<DefinitionKey, Vec<usize>> = BTreeMap::new();
    for (index, expansion) in expansions.iter().enumerate() {
        for member in &expansion.members {
            by_key.entry(member.key.clone()).or_default().push(index);
        }
    }
    for (key, indices) in by_key.into_iter().filter(|(_, indices)| indices.len() > 1) {
        let titles: Vec<String> = indices
            .iter()
            .filter_map(|index| sets.get(*index))
            .map(ApplicationSet::title)
            .collect();
        for index in indices {
            let (Some(set), Some(expansion)) = (sets.get(index), expansions.get_mut(index)) else {
                continue;
            };
            expansion.members.retain(|member| member.key != key);
            expansion.whole = false;
            expansion.problems.push(DefinitionProblem {
                key: Some(key.clone()),
                path: set.path.clone(),
                line: set.line,
                field: "spec.template.metadata.name".to_owned(),
                message: format!(
                    "{} all give an application {}; none of them is used",
                    titles.join(" and "),
                    key.name
                ),
                next: "Put something that tells the sets apart into the names.".to_owned(),
            });
        }
    }
}

/// What was found out, and what is wanted.
struct World {
    known: Known,
    /// Object ids of files.
    files: BTreeMap<(GitPlace, String), String>,
    places: BTreeSet<GitPlace>,
    standing: String,
}

impl World {
    fn new(source: &SourceRow, clusters: &[ClusterRow]) -> Self {
        let clusters = clusters
            .iter()
            .map(|row| SetCluster {
                name: row.name.clone(),
                server: row.server.clone(),
                labels: row.labels.clone(),
                home: row.name == source.home_cluster,
            })
            .collect();
        Self {
            known: Known {
                clusters,
                ..Known::default()
            },
            files: BTreeMap::new(),
            places: BTreeSet::new(),
            standing: String::new(),
        }
    }

    /// Answers what can be answered; says whether that was anything.
    async fn answer(&mut self, runtime: &Runtime, needs: Vec<Need>) -> bool {
        let mut answered = false;
        let mut runs = Vec::new();
        for need in needs {
            match need {
                Need::Files(place) => answered |= self.list(runtime, place).await,
                Need::File(place, path) => {
                    answered = true;
                    self.read(runtime, place, path).await;
                }
                Need::Texts(run) => runs.push(run),
            }
        }
        if runs.is_empty() {
            return answered;
        }
        let filled = match runtime.limits().renders.acquire().await {
            Ok(_permit) => runtime
                .renderer()
                .fill_templates(&runs)
                .await
                .map_err(|error| error.to_string()),
            Err(_) => Err("the server is stopping".to_owned()),
        };
        let filled = match filled {
            Ok(filled) => filled,
            Err(error) => vec![Err(error); runs.len()],
        };
        let keys = runs.iter().map(engine::definition::set::TemplateRun::key);
        self.known.texts.extend(keys.zip(filled));
        true
    }

    async fn list(&mut self, runtime: &Runtime, place: GitPlace) -> bool {
        if self.known.files.contains_key(&place) {
            return false;
        }
        if self.places.insert(place.clone()) {
            self.standing = standing(runtime, &self.places);
        }
        let known = runtime.resolution(&place.repo_url, &place.revision);
        let found = match known.map(|known| (known.revision, known.failing)) {
            // Not fetched yet.
            None | Some((None, None)) => return false,
            Some((None, Some(failing))) => Err(failing.error),
            Some((Some(revision), _)) => runtime
                .mirrors()
                .files(&place.repo_url, &revision, "")
                .await
                .map_err(|error| error.to_string()),
        };
        let paths = found.map(|files| {
            files
                .into_iter()
                .filter(|file| matches!(file.kind, FileKind::File | FileKind::Executable))
                .map(|file| {
                    self.files
                        .insert((place.clone(), file.path.clone()), file.oid);
                    file.path
                })
                .collect()
        });
        self.known.files.insert(place, paths);
        true
    }

    async fn read(&mut self, runtime: &Runtime, place: GitPlace, path: String) {
        let key = (place, path);
        let bytes = match self.files.get(&key) {
            Some(oid) => runtime
                .mirrors()
                .read(&key.0.repo_url, oid)
                .await
                .map_err(|error| error.to_string()),
            None => Err("it is not there".to_owned()),
        };
        self.known.contents.insert(key, bytes);
    }
}
