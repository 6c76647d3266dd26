//! Charts that a chart in Git is made of and does not hold: which ones, and where they go once they are there.
//!
//! Those of the same repository (`file://`) are taken from its files. All others are fetched before rendering, by whoever
//! has credentials and knows what the project permits: see [`Lacking`] and [`FetchedChart`]. Here nobody is asked.

use super::included::{Mount, moved};
use super::kustomize::join_name;
use super::reader::{Reader, Target, join, shown};
use super::stage::Staged;
use super::{RenderError, RenderInput, helm, helm_ignore, inputs};
use crate::definition::DefinedSource;
use crate::source::{
    Missing, Snapshot, TreeFile, VersionRange, chart_address, is_read_of_chart, missing_charts,
    version,
};
use crate::yaml::{self, Node};
use lockstep_types::revision::{Revision, TargetRevision};
use std::collections::BTreeMap;

/// Charts within charts.
const MAX_DEPTH: usize = 4;
/// Charts of one chart, with all that they are made of.
const MAX_CHARTS: usize = 100;

/// A chart that has to be fetched before another one can be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// Place of the source whose chart needs it, the first one being 0.
    pub source: usize,
    /// Folder of that source's files where it belongs.
    pub to: String,
    pub name: String,
    /// Where it is fetched from, as [`chart_address`] writes it.
    pub repo_url: String,
    /// The same as the chart writes it; what a project permits is held against this.
    pub written: String,
    /// A version, the one of the lock where there is a lock, or a range.
    pub version: TargetRevision,
    /// The file that asks for it.
    pub asked_by: String,
}

/// A chart that was fetched: a commit in the mirror of its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedChart {
    /// As in [`Lacking`].
    pub source: usize,
    pub to: String,
    pub name: String,
    pub repo_url: String,
    pub revision: Revision,
}

/// What a chart needs that is not below its `charts/`.
#[derive(Default)]
pub(super) struct Plan {
    /// Files of the same repository, as they stand among the others.
    copies: Vec<(Mount, Vec<TreeFile>)>,
    lacking: Vec<Lacking>,
}

/// What the chart of one source needs; nothing when it is no chart. Blocks.
pub(super) fn plan(
    snapshot: Snapshot,
    place: usize,
    source: &DefinedSource,
) -> Result<Plan, RenderError> {
    let mut plan = Plan::default();
    if source.only_lends {
        return Ok(plan);
    }
    let mut reader = Reader::new(snapshot);
    reader.exclude(source);
    if inputs::is_chart(&reader, source)? {
        let path = source.path.as_str();
        level(&reader, place, path, path, 0, &mut plan)?;
    }
    Ok(plan)
}

/// One chart, whose files are at `from` and stand at `to`.
fn level(
    reader: &Reader,
    place: usize,
    from: &str,
    to: &str,
    depth: usize,
    plan: &mut Plan,
) -> Result<(), RenderError> {
    let file = join_name(from, "Chart.yaml");
    let refused = |why: String| RenderError::Refused {
        path: file.clone(),
        why,
    };
    // What is wrong with the path itself is said where it is rendered.
    let Target::Folder(_) = reader.find(from, from)? else {
        return Ok(());
    };
    let files = if depth == 0 {
        reader.all(from)?
    } else {
        packed(reader, from)?
    };
    for chart in missing(reader, from, &files)? {
        if depth >= MAX_DEPTH || plan.copies.len() + plan.lacking.len() >= MAX_CHARTS {
            return Err(refused(
                "it depends on too many other charts, or on itself".to_owned(),
            ));
        }
        let name = chart.name.as_str();
        let written = chart.repository.trim();
        let stands = join_name(to, &chart.folder);
        let is_address = ["https://", "http://", "oci://"]
            .iter()
            .any(|scheme| written.starts_with(scheme));
        if is_address {
            plan.lacking.push(Lacking {
                source: place,
                to: stands,
                name: name.to_owned(),
                repo_url: chart_address(written, name),
                written: written.to_owned(),
                version: TargetRevision(chart.version.clone()),
                asked_by: file.clone(),
            });
            continue;
        }
        let Some(folder) = written.strip_prefix("file://") else {
            return Err(refused(unfetchable(name, written)));
        };
        let there = join(from, folder).ok_or_else(|| {
            refused(format!(
                "its dependency {name} is from {}, which is no path inside the repository",
                written.escape_debug()
            ))
        })?;
        fits(reader, &there, &chart.version, name).map_err(|error| match error {
            Unfit::Error(error) => error,
            Unfit::Why(why) => refused(format!("its dependency {name} ({}) {why}", shown(&there))),
        })?;
        let copied = packed(reader, &there)?.into_iter().map(|staged| {
            let file = TreeFile {
                path: staged.path,
                ..staged.file
            };
            moved(file, &there, &stands)
        });
        let mount = Mount {
            source: Some(place),
            from: there.clone(),
            to: stands.clone(),
            name: name.to_owned(),
        };
        plan.copies.push((mount, copied.collect()));
        level(reader, place, &there, &stands, depth + 1, plan)?;
    }
    Ok(())
}

/// The files of a chart that Helm would put into its archive.
fn packed(reader: &Reader, folder: &str) -> Result<Vec<Staged>, RenderError> {
    let file = join_name(folder, helm_ignore::FILE);
    let bytes = match reader.find(&file, folder)? {
        Target::File(found) => reader.read(&found)?,
        Target::Folder(_) | Target::Nothing => Vec::new(),
    };
    let invalid = |line, message: &str| RenderError::Invalid {
        path: file.clone(),
        line,
        message: message.to_owned(),
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| invalid(None, "it is not UTF-8"))?;
    let rules = helm_ignore::Rules::parse(text).map_err(|(line, why)| invalid(Some(line), why))?;
    let mut files = reader.all(folder)?;
    files.retain(|staged| {
        let below = staged.path.get(folder.len()..).unwrap_or_default();
        !rules.leave_out(below.trim_start_matches('/'))
    });
    Ok(files)
}

/// Why a chart cannot be fetched from what is written.
fn unfetchable(name: &str, written: &str) -> String {
    let shown = written.escape_debug();
    if written.is_empty() {
        format!("its dependency {name} is not under charts/, and it names no repository for it")
    } else if written.starts_with('@') || written.starts_with("alias:") {
        format!(
            "its dependency {name} is from {shown}, a name that only somebody's own Helm knows; write the address of the repository"
        )
    } else {
        format!(
            "its dependency {name} is from “{shown}”, and charts are fetched from https://, oci:// and file:// addresses"
        )
    }
}

/// Charts that the chart in a folder declares and that are not among its files.
pub(super) fn missing(
    reader: &Reader,
    folder: &str,
    files: &[Staged],
) -> Result<Vec<Missing>, RenderError> {
    let file = join_name(folder, "Chart.yaml");
    let mut looked_at = BTreeMap::new();
    for staged in files {
        let path = staged.path.get(folder.len()..).unwrap_or_default();
        let path = path.trim_start_matches('/').to_owned();
        let content = if is_read_of_chart(&path) {
            reader.read(&staged.file)?
        } else {
            Vec::new()
        };
        if staged.path == file {
            // Says the line where it is no YAML.
            helm::parse(&file, &content)?;
        }
        looked_at.insert(path, content);
    }
    missing_charts(&looked_at).map_err(|why| RenderError::Refused { path: file, why })
}

enum Unfit {
    Error(RenderError),
    /// The rest of a sentence.
    Why(String),
}

impl From<RenderError> for Unfit {
    fn from(error: RenderError) -> Self {
        Self::Error(error)
    }
}

/// Whether the folder holds the chart, in a version that is asked for.
fn fits(reader: &Reader, folder: &str, wanted: &str, name: &str) -> Result<(), Unfit> {
    let Target::File(described) = reader.find(&join_name(folder, "Chart.yaml"), folder)? else {
        return Err(Unfit::Why(
            "is not there: the folder has no Chart.yaml".to_owned(),
        ));
    };
    let bytes = reader.read(&described)?;
    let documents = yaml::text_of(&bytes).and_then(yaml::documents);
    let node = documents.and_then(|documents| match documents.first() {
        Some(document) => document.node().map(Some),
        None => Ok(None),
    });
    let node = node.map_err(|error| Unfit::Why(format!("cannot be read: {}", error.message)))?;
    let field = |name: &str| {
        node.as_ref()
            .and_then(|node| node.get(name))
            .and_then(Node::text)
            .unwrap_or_default()
            .to_owned()
    };
    let (called, stands_at) = (field("name"), field("version"));
    if called != name {
        return Err(Unfit::Why(format!(
            "is another chart: it is called {called}"
        )));
    }
    let holds = wanted.is_empty()
        || wanted == stands_at
        || VersionRange::parse(wanted)
            .ok()
            .zip(version(&stands_at))
            .is_some_and(|(range, version)| range.holds(&version));
    if holds {
        Ok(())
    } else {
        Err(Unfit::Why(format!(
            "has the version {stands_at}, and {wanted} is asked for"
        )))
    }
}

impl Plan {
    pub(super) fn lacking(self) -> Vec<Lacking> {
        self.lacking
    }

    pub(super) fn is_empty(&self) -> bool {
        self.copies.is_empty() && self.lacking.is_empty()
    }

    /// Puts everything where it belongs; what was not fetched stays missing, and whoever renders says so. Blocks.
    pub(super) fn put(
        self,
        snapshot: Snapshot,
        fetched: &[(FetchedChart, Snapshot)],
    ) -> Result<(Snapshot, Vec<Mount>), RenderError> {
        let (mut files, mut mounts, mut of) = (Vec::new(), Vec::new(), Vec::new());
        for (mount, copied) in self.copies {
            mounts.push(mount);
            files.extend(copied);
        }
        for one in &self.lacking {
            let found = fetched
                .iter()
                .find(|(chart, _)| chart.source == one.source && chart.to == one.to);
            let Some((chart, theirs)) = found else {
                continue;
            };
            let held = theirs.files("")?;
            files.extend(held.into_iter().map(|file| moved(file, "", &chart.to)));
            of.push(theirs.clone());
            mounts.push(Mount {
                source: None,
                from: String::new(),
                to: chart.to.clone(),
                name: chart.name.clone(),
            });
        }
        for mount in &mounts {
            if snapshot.is_taken(&mount.to)? {
                return Err(RenderError::Internal(format!(
                    "the folder {} for a dependency is taken",
                    mount.to
                )));
            }
        }
        // A chart of the same repository comes before those that it is made of.
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.to.len()));
        Ok((snapshot.with(files, &of), mounts))
    }
}

/// All charts that have to be fetched before the input can be rendered. Blocks.
pub(super) fn lacking(
    input: &RenderInput,
    snapshots: Vec<Snapshot>,
) -> Result<Vec<Lacking>, RenderError> {
    let mut found = Vec::new();
    for (place, (snapshot, (_, _, source))) in snapshots.into_iter().zip(input.all()).enumerate() {
        found.extend(plan(snapshot, place, source)?.lacking());
    }
    Ok(found)
}
