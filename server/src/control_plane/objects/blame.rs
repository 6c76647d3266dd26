//! Who wrote each line of an object: the file and line that state it, and the commit that those are from.

use super::super::definitions::Placement;
use super::super::refuse;
use super::Plane;
use crate::reconcile::{render, revisions};
use crate::runtime::Assessment;
use crate::store;
use engine::manifest::Manifest;
use engine::render::{Place, RenderInput, StatedLine, canonical_path, stated};
use engine::source::Mirrors;
use lockstep_types::PortError;
use lockstep_types::application::Pin;
use lockstep_types::blame::{BlameLine, BlameView, BlamedOn};
use lockstep_types::diff::FieldChange;
use lockstep_types::resource::{Origin, ResourceKey};
use lockstep_types::revision::{CommitInfo, Revision};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Files of one object that are asked about; more would only be many patches.
const MOST_FILES: usize = 24;

/// The object, and the source that declares it.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    pub assessment: Arc<Assessment>,
    pub manifest: Manifest,
    /// What holds the target elsewhere than at the head of its branch.
    pub pinned: Option<Pin>,
    /// The source alone, at its revision, and the file there; `None` when the renderer does not say.
    pub place: Option<(RenderInput, Origin)>,
}

impl Plane {
    /// What Git declares of an object at present.
    pub(super) async fn declared(
        &self,
        placement: &Placement,
        key: &ResourceKey,
    ) -> Result<Declared, PortError> {
        let assessment = self.runtime.assessment(placement.target.id);
        let assessment = assessment.ok_or_else(|| {
            PortError::Conflict(format!(
                "{} on {} has not been compared since the start of the server; refresh it first",
                placement.defined.row.name, placement.target.cluster
            ))
        })?;
        let manifest = assessment.desired.iter().find(|it| it.key == *key).cloned();
        let manifest = manifest.ok_or_else(|| refuse::missing("object in Git", key))?;
        let definition = &placement.defined.definition;
        let place = match &manifest.origin {
            None => None,
            Some(origin) => {
                let main = assessment.revision.clone();
                let revisions =
                    revisions::with_tracked(&self.runtime, definition, main).map_err(|cause| {
                        PortError::Conflict(refuse::with_next(&cause.cause, &cause.next))
                    })?;
                let input = render::input(definition, &revisions, None).map_err(|cause| {
                    PortError::Conflict(refuse::with_next(&cause.cause, &cause.next))
                })?;
                Some(input.declared_in(origin))
            }
        };
        let pinned = store::pin::unended_of(self.runtime.store(), placement.target.id).await;
        Ok(Declared {
            pinned: pinned.map_err(refuse::store)?,
            assessment,
            manifest,
            place,
        })
    }

    /// The lines of an object with who wrote them.
    pub(super) async fn blame_of(
        &self,
        placement: &Placement,
        key: &ResourceKey,
    ) -> Result<BlameView, PortError> {
        let declared = self.declared(placement, key).await?;
        let text =
            engine::diff::manifest_yaml(&declared.manifest, &placement.defined.definition.masking);
        let Some((input, origin)) = &declared.place else {
            let lines = text.lines().map(unstated).collect();
            let note = "The renderer does not say which file declares this object.".to_owned();
            return Ok(view(&declared, lines, note));
        };
        let mirrors = self.runtime.mirrors();
        let snapshot = mirrors
            .snapshot(&input.repo_url, &input.revision)
            .await
            .map_err(refuse::source)?;
        let lines = {
            let (source, origin) = (input.source.clone(), origin.clone());
            let manifest = declared.manifest.clone();
            tokio::task::spawn_blocking(move || {
                stated(&snapshot, &source, &manifest, &origin, &text)
            })
            .await
            .map_err(|error| refuse::internal(&error))?
        };
        if !input.source.chart.is_empty() {
            let note = format!(
                "Chart {} comes from {}, which keeps no commits: its files are named, not who wrote them.",
                input.source.chart, input.repo_url
            );
            return Ok(view(&declared, lines, note));
        }
        let (by_line, commits) = blamed(mirrors, input, &lines).await?;
        let repositories = self.repositories(&self.all_defined().await?).await?;
        let files: BTreeSet<&str> = lines.iter().filter_map(file).collect();
        let note = match files.len() > MOST_FILES {
            true => format!(
                "It is put together from {} files; the commits of the first {MOST_FILES} are shown.",
                files.len()
            ),
            false => String::new(),
        };
        let mut view = view(&declared, lines, note);
        view.revision = input.revision.clone();
        view.repo = repositories.slug(&self.runtime.repository_key(&input.repo_url));
        for line in &mut view.lines {
            let BlamedOn::File(origin) = &line.by else {
                continue;
            };
            line.commit = by_line.get(origin).copied();
        }
        view.commits = commits;
        Ok(view)
    }
}

fn file(line: &StatedLine) -> Option<&str> {
    match &line.place {
        Some(Place::File(origin)) => Some(&origin.path),
        _ => None,
    }
}

fn unstated(text: &str) -> StatedLine {
    StatedLine {
        text: text.to_owned(),
        path: String::new(),
        place: None,
    }
}

/// The lines with what the cluster has instead.
fn view(declared: &Declared, lines: Vec<StatedLine>, note: String) -> BlameView {
    let diff = declared.assessment.diffs.get(&declared.manifest.key);
    let mut changes: HashMap<String, FieldChange> = HashMap::new();
    let mut cluster_only = Vec::new();
    for change in diff.into_iter().flat_map(|diff| &diff.changes) {
        match canonical_path(&declared.manifest.body, &change.path) {
            Some(path) if change.declared.is_some() => drop(changes.insert(path, change.clone())),
            _ => cluster_only.push(change.clone()),
        }
    }
    let lines = lines.into_iter().map(|line| BlameLine {
        live: changes.remove(&line.path),
        text: line.text,
        path: line.path,
        by: match line.place {
            None => BlamedOn::Nothing,
            Some(Place::File(origin)) => BlamedOn::File(origin),
            Some(Place::Definition) => BlamedOn::Definition,
        },
        commit: None,
    });
    let lines = lines.collect();
    // Fields whose own line is not shown: of a map or list that only the cluster has in this form.
    cluster_only.extend(changes.into_values());
    cluster_only.sort_by(|one, other| one.path.cmp(&other.path));
    BlameView {
        key: declared.manifest.key.clone(),
        revision: declared.assessment.revision.clone(),
        repo: String::new(),
        lines,
        commits: Vec::new(),
        cluster_only,
        note,
    }
}

/// The commit of every place, as an index into the commits.
async fn blamed(
    mirrors: &Mirrors,
    input: &RenderInput,
    lines: &[StatedLine],
) -> Result<(BTreeMap<Origin, u32>, Vec<CommitInfo>), PortError> {
    let (url, at) = (&input.repo_url, &input.revision);
    let mut files: BTreeMap<&str, BTreeSet<Option<u32>>> = BTreeMap::new();
    for line in lines {
        if let Some(Place::File(origin)) = &line.place {
            let lines = files.entry(&origin.path).or_default();
            lines.insert(origin.line);
        }
    }
    let mut found: BTreeMap<Origin, Revision> = BTreeMap::new();
    for (path, wanted) in files.into_iter().take(MOST_FILES) {
        let place = |line| Origin {
            path: path.to_owned(),
            line,
        };
        if wanted.contains(&None) {
            let newest = mirrors.log(url, at, &[path.to_owned()], 1).await;
            let newest = newest.map_err(refuse::source)?;
            found.extend(newest.into_iter().map(|info| (place(None), info.revision)));
        }
        let exact: Vec<u32> = wanted.into_iter().flatten().collect();
        let (Some(first), Some(last)) = (exact.first(), exact.last()) else {
            continue;
        };
        let lines = mirrors.blame(url, at, path, *first..=*last).await;
        let lines = lines.map_err(refuse::source)?;
        found.extend(
            lines
                .into_iter()
                .filter(|line| exact.binary_search(&line.line).is_ok())
                .map(|line| (place(Some(line.line)), line.revision)),
        );
    }
    let mut commits = Vec::new();
    let mut indices: HashMap<Revision, u32> = HashMap::new();
    let mut by_place = BTreeMap::new();
    for (place, revision) in found {
        let index = match indices.get(&revision) {
            Some(index) => *index,
            None => {
                let info = mirrors.commit(url, &revision).await;
                commits.push(info.map_err(refuse::source)?);
                let index = u32::try_from(commits.len() - 1).unwrap_or(u32::MAX);
                indices.insert(revision, index);
                index
            }
        };
        by_place.insert(place, index);
    }
    Ok((by_place, commits))
}
