//! Files of other places among those of a source: what Flux's `include` copies, and charts below `charts/`.
//!
//! Whoever reads files sees one tree. Where a file really comes from is known by the [`Mount`]s, for history, rollbacks
//! and the place that is shown for an object.

use super::reader::{Reader, is_within};
use super::{RenderError, RenderInput};
use crate::definition::DefinedSource;
use crate::manifest::hash_of;
use crate::source::{FileKind, Snapshot, TreeFile};
use serde_json::json;

/// A folder or file that stands where the repository has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// Place of the source it comes from; `None`: from none of them.
    pub source: Option<usize>,
    /// Where it is there.
    pub from: String,
    /// Where it stands here.
    pub to: String,
    /// What it is called for people.
    pub name: String,
}

/// Puts the included files where they belong. A source is included only by those before it.
///
/// # Errors
/// When something is there already, or there is nothing to include.
pub(super) fn compose(
    mut snapshots: Vec<Snapshot>,
    sources: &[(String, DefinedSource)],
) -> Result<Vec<Snapshot>, RenderError> {
    for (place, (_, source)) in sources.iter().enumerate().rev() {
        for include in &source.include {
            let gone = || RenderError::Internal("an included source is gone".to_owned());
            let other = (include.source > place)
                .then(|| {
                    snapshots
                        .get(include.source)
                        .zip(sources.get(include.source))
                })
                .flatten();
            let (files, (url, theirs)) = other.ok_or_else(gone)?;
            let mut reader = Reader::new(files.clone());
            reader.exclude(theirs);
            let found = reader.present(&include.from)?;
            if found.is_empty() {
                return Err(RenderError::Nothing {
                    path: format!("{} of {}", super::reader::shown(&include.from), url),
                    why:
                        "it is to be included, and the rules of its repository leave nothing of it"
                            .to_owned(),
                });
            }
            let own = snapshots.get(place).ok_or_else(gone)?;
            if own.is_taken(&include.to)? {
                return Err(RenderError::Refused {
                    path: include.to.clone(),
                    why: format!(
                        "files of {} are to be included here, and it exists already; include them elsewhere by toPath",
                        url
                    ),
                });
            }
            let moved = found
                .into_iter()
                // As source-controller: what it hands on holds no links.
                .filter(|file| file.kind != FileKind::Symlink)
                .map(|file| moved(file, &include.from, &include.to))
                .collect();
            let whole = own.clone().with(moved, std::slice::from_ref(files));
            if let Some(own) = snapshots.get_mut(place) {
                *own = whole;
            }
        }
    }
    Ok(snapshots)
}

/// The file as it stands in another place.
pub(super) fn moved(file: TreeFile, from: &str, to: &str) -> TreeFile {
    TreeFile {
        path: elsewhere(&file.path, from, to),
        ..file
    }
}

/// `path` below `from`, as it is called below `to`.
fn elsewhere(path: &str, from: &str, to: &str) -> String {
    let rest = path.get(from.len()..).unwrap_or_default();
    let rest = rest.trim_start_matches('/');
    match (to.is_empty(), rest.is_empty()) {
        (true, _) => rest.to_owned(),
        (false, true) => to.to_owned(),
        (false, false) => format!("{to}/{rest}"),
    }
}

/// What stands among the files of one source, the innermost first.
pub(super) fn mounts(input: &RenderInput, place: usize) -> Vec<Mount> {
    let sources: Vec<(&str, &DefinedSource)> =
        input.all().map(|(url, _, source)| (url, source)).collect();
    let mut found = Vec::new();
    gather(&sources, place, &mut found);
    found.sort_by_key(|mount: &Mount| std::cmp::Reverse(mount.to.len()));
    found
}

fn gather(sources: &[(&str, &DefinedSource)], place: usize, found: &mut Vec<Mount>) {
    let Some((_, source)) = sources.get(place) else {
        return;
    };
    for include in &source.include {
        let Some((url, _)) = sources
            .get(include.source)
            .filter(|_| include.source > place)
        else {
            continue;
        };
        let mut inner = Vec::new();
        gather(sources, include.source, &mut inner);
        for mount in inner {
            if is_within(&mount.to, &include.from) {
                let to = elsewhere(&mount.to, &include.from, &include.to);
                found.push(Mount { to, ..mount });
            } else if is_within(&include.from, &mount.to) {
                let from = elsewhere(&include.from, &mount.to, &mount.from);
                let to = include.to.clone();
                found.push(Mount { from, to, ..mount });
            }
        }
        found.push(Mount {
            source: Some(include.source),
            from: include.from.clone(),
            to: include.to.clone(),
            name: super::several::name_of(url),
        });
    }
}

/// The key of a source with what stands among its files: the places that are shown for objects depend on that.
pub(super) fn key(own: &str, mounts: &[Mount]) -> String {
    let told: Vec<_> = mounts
        .iter()
        .map(|mount| json!([mount.source, mount.from, mount.to, mount.name]))
        .collect();
    hash_of(&json!([own, told]))
}

/// Where a file of a source comes from: place of the source, and path there. `None`: from none of them.
pub(super) fn home(mounts: &[Mount], place: usize, path: &str) -> Option<(usize, String)> {
    let Some(mount) = mounts.iter().find(|mount| is_within(path, &mount.to)) else {
        return Some((place, path.to_owned()));
    };
    let there = elsewhere(path, &mount.to, &mount.from);
    match mount.source? {
        // A copy within the repository, perhaps of something that was included.
        own if own == place => {
            let others: Vec<Mount> = mounts
                .iter()
                .filter(|other| *other != mount)
                .cloned()
                .collect();
            home(&others, place, &there)
        }
        other => Some((other, there)),
    }
}

/// How the place of a file is shown: `base · deploy/a.yaml` where it is not the source's own.
pub(super) fn told(mounts: &[Mount], place: usize, path: &str) -> String {
    match home(mounts, place, path) {
        Some((own, path)) if own == place => path,
        found => {
            let named = mounts.iter().find(|mount| is_within(path, &mount.to));
            let Some(mount) = named else {
                return path.to_owned();
            };
            let inside = found.map_or_else(
                || elsewhere(path, &mount.to, &mount.from),
                |(_, inside)| inside,
            );
            format!("{} · {inside}", mount.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Include;
    use lockstep_types::revision::Revision;

    fn including(url: &str, include: &[(usize, &str, &str)]) -> (String, DefinedSource) {
        let include = include
            .iter()
            .map(|(source, from, to)| Include {
                source: *source,
                from: (*from).to_owned(),
                to: (*to).to_owned(),
            })
            .collect();
        let source = DefinedSource {
            include,
            ..DefinedSource::default()
        };
        (format!("https://h/{url}"), source)
    }

    #[test]
    fn files_are_known_by_where_they_come_from() {
        let sources = [
            including("main", &[(1, "deploy", "shared"), (3, "", "more")]),
            including("base", &[(2, "", "deploy/lib")]),
            including("lib", &[]),
            including("more", &[(4, "", "in")]),
            including("deep", &[]),
        ];
        let mut all = sources.into_iter();
        let (repo_url, source) = all.next().unwrap();
        let more = all.map(|(repo_url, source)| super::super::MoreSource {
            repo_url,
            revision: Revision("0".to_owned()),
            source,
        });
        let input = RenderInput {
            repo_url,
            revision: Revision("0".to_owned()),
            source,
            more: more.collect(),
            release_name: String::new(),
            namespace: String::new(),
            kube_version: String::new(),
            api_versions: Vec::new(),
            project_name: String::new(),
            project: None,
        };
        let mut mounts = mounts(&input, 0);
        // A copy of an included chart within the repository, and a chart from elsewhere.
        for (source, from, to, name) in [
            (Some(0), "shared/lib", "apps/charts/lib", "lib"),
            (None, "", "apps/charts/redis", "redis"),
        ] {
            mounts.insert(
                0,
                Mount {
                    source,
                    from: from.to_owned(),
                    to: to.to_owned(),
                    name: name.to_owned(),
                },
            );
        }
        let own = |place: usize, path: &str| Some((place, path.to_owned()));
        for (path, from, shown) in [
            ("apps/a.yaml", own(0, "apps/a.yaml"), "apps/a.yaml"),
            (
                "shared/a.yaml",
                own(1, "deploy/a.yaml"),
                "base · deploy/a.yaml",
            ),
            ("shared/lib/a.yaml", own(2, "a.yaml"), "lib · a.yaml"),
            (
                "sharedlib/a.yaml",
                own(0, "sharedlib/a.yaml"),
                "sharedlib/a.yaml",
            ),
            ("more/x.yaml", own(3, "x.yaml"), "more · x.yaml"),
            ("more/in/y.yaml", own(4, "y.yaml"), "deep · y.yaml"),
            ("apps/charts/lib/a.yaml", own(2, "a.yaml"), "lib · a.yaml"),
            ("apps/charts/redis/a.yaml", None, "redis · a.yaml"),
        ] {
            assert_eq!(home(&mounts, 0, path), from, "{path}");
            assert_eq!(told(&mounts, 0, path), shown, "{path}");
        }
    }
}
