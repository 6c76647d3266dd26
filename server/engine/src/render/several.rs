//! Several sources of one application: what they lend each other, and how their objects become one render.
//!
//! A source with a name and neither path nor chart only lends files. Every other source is rendered by itself, with
//! exactly its own files and the borrowed ones; then all objects are put together. Where two sources declare the same
//! object the later one counts, as in Argo CD, and a warning says so.

use super::included::{self, Mount};
use super::objects::{self, Document};
use super::reader::{Reader, shown};
use super::stage::Staged;
use super::{Complete, RenderError, RenderInput, RenderInputs, Work};
use crate::definition::DefinedSource;
use crate::manifest::{Manifest, hash_of};
use crate::source::Snapshot;
use lockstep_types::resource::{Origin, ResourceKey};
use lockstep_types::revision::Revision;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// A further source at its revision.
#[derive(Debug, Clone, PartialEq)]
pub struct MoreSource {
    pub repo_url: String,
    pub revision: Revision,
    pub source: DefinedSource,
}

/// A file of another source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Borrowed {
    /// Place of the lending source, from 0.
    pub source: usize,
    pub file: Staged,
}

/// Sources that have a name, by it.
#[derive(Debug, Clone, Default)]
pub(super) struct Lenders {
    by_name: BTreeMap<String, (usize, Snapshot)>,
}

/// A file that the definition names for values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ValueFile {
    /// Path in the source's own repository.
    Own(String),
    Borrowed {
        source: usize,
        path: String,
    },
}

impl ValueFile {
    /// Where it lies in the render's folder.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Own(path) => format!("files/{path}"),
            Self::Borrowed { source, path } => format!("{}/{path}", lent_folder(*source)),
        }
    }

    /// For the key. Files of the own repository are their path alone.
    pub(super) fn told(&self) -> Value {
        match self {
            Self::Own(path) => json!(path),
            Self::Borrowed { source, path } => json!({"source": source, "path": path}),
        }
    }
}

/// Folder of what a source lends, beside `files/`.
pub(super) fn lent_folder(source: usize) -> String {
    format!("lent/{source}")
}

impl RenderInput {
    /// All sources in the order of the definition: place, repository, revision, what to render.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Revision, &DefinedSource)> {
        let first = (self.repo_url.as_str(), &self.revision, &self.source);
        std::iter::once(first).chain(
            self.more
                .iter()
                .map(|more| (more.repo_url.as_str(), &more.revision, &more.source)),
        )
    }

    /// The source that an object's file is of, by itself, and the file there.
    pub fn declared_in(&self, origin: &Origin) -> (Self, Origin) {
        let named = origin.path.split_once(BETWEEN).and_then(|(name, path)| {
            let sources = self.more.iter();
            let place = sources
                .map(|more| name_of(&more.repo_url))
                .position(|of| of == name)?;
            let path = path.to_owned();
            Some((place + 1, Origin { path, ..*origin }))
        });
        match named {
            Some((place, origin)) => (self.alone(place), origin),
            None => (self.alone(0), origin.clone()),
        }
    }

    /// One source as an input of its own.
    pub(super) fn alone(&self, place: usize) -> Self {
        let mut alone = self.clone();
        if let Some(more) = place.checked_sub(1).and_then(|index| self.more.get(index)) {
            alone.repo_url.clone_from(&more.repo_url);
            alone.revision = more.revision.clone();
            alone.source = more.source.clone();
        }
        alone.more = Vec::new();
        alone
    }
}

impl Lenders {
    /// Takes the snapshots of all sources, in their order.
    pub(super) fn of(input: &RenderInput, snapshots: &[Snapshot]) -> Self {
        let by_name = input
            .all()
            .zip(snapshots)
            .enumerate()
            .filter(|(_, ((_, _, source), _))| !source.reference.is_empty())
            .map(|(place, ((_, _, source), snapshot))| {
                (source.reference.clone(), (place, snapshot.clone()))
            })
            .collect();
        Self { by_name }
    }

    /// The source and the path of `$name/path`; `None` when the file is no reference. Without any named source a
    /// dollar is a letter like any other.
    ///
    /// # Errors
    /// When no source has the name.
    pub(super) fn find<'a>(
        &self,
        written: &'a str,
    ) -> Result<Option<(usize, Reader, &'a str)>, RenderError> {
        let Some(rest) = written
            .strip_prefix('$')
            .filter(|_| !self.by_name.is_empty())
        else {
            return Ok(None);
        };
        let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
        let refused = |why: String| RenderError::Refused {
            path: written.escape_debug().take(200).collect(),
            why,
        };
        let (place, snapshot) = self
            .by_name
            .get(name)
            .ok_or_else(|| refused(format!("no source has the name {name} as its `ref`")))?;
        if path.is_empty() {
            return Err(refused("it names a source, and no file of it".to_owned()));
        }
        Ok(Some((*place, Reader::new(snapshot.clone()), path)))
    }
}

impl RenderInputs {
    /// Inputs of all sources, in the order of the definition.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.more)
    }

    /// Files that are read of one source's repository, its own render's and those it lends, sorted.
    pub fn paths_of(&self, place: usize) -> Vec<String> {
        let own = self.parts().enumerate().flat_map(|(at, part)| {
            part.files
                .iter()
                .map(move |staged| (at, staged.path.as_str()))
        });
        let lent = self
            .parts()
            .flat_map(|part| &part.borrowed)
            .map(|borrowed| (borrowed.source, borrowed.file.path.as_str()));
        let none: &[Mount] = &[];
        let mut paths: Vec<String> = own
            .chain(lent)
            .filter_map(|(at, path)| {
                let mounts = self
                    .parts()
                    .nth(at)
                    .map_or(none, |part| part.mounts.as_slice());
                included::home(mounts, at, path)
            })
            .filter(|(home, _)| *home == place)
            .map(|(_, path)| path)
            .collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

/// The key of all sources together, from those of each.
pub(super) fn key(parts: &[RenderInputs]) -> String {
    let keys: Vec<&str> = parts.iter().map(|part| part.key.as_str()).collect();
    hash_of(&json!({ "sources": keys }))
}

/// Refuses an application none of whose sources is rendered.
pub(super) fn something_is_rendered(parts: &[RenderInputs]) -> Result<(), RenderError> {
    if parts.iter().any(|part| part.work != Work::Lends) {
        return Ok(());
    }
    Err(RenderError::Nothing {
        path: "the definition".to_owned(),
        why: "every source only lends files to others; none has a path or a chart".to_owned(),
    })
}

/// What each source gave, in their order, as one render.
///
/// # Errors
/// When all of it together is too large.
pub(super) fn together(
    key: &str,
    input: &RenderInput,
    renders: Vec<Complete>,
) -> Result<Complete, RenderError> {
    let mut warnings = Vec::new();
    let mut found: Vec<(usize, Manifest)> = Vec::new();
    let mut encrypted: Vec<(usize, ResourceKey)> = Vec::new();
    let mut seen: HashMap<ResourceKey, (usize, String)> = HashMap::new();
    let unique = |key: &ResourceKey| {
        let mut key = key.clone();
        if key.namespace.is_empty() {
            input.namespace.clone_into(&mut key.namespace);
        }
        key
    };
    for (place, (render, (url, _, source))) in renders.into_iter().zip(input.all()).enumerate() {
        let elsewhere = (url != input.repo_url).then(|| name_of(url));
        warnings.extend(render.warnings);
        let manifests = render.objects.into_iter().map(|manifest| {
            let manifest = match &elsewhere {
                Some(name) => told_where(manifest, name),
                None => manifest,
            };
            (manifest.key.clone(), Some(manifest))
        });
        let secret = render.encrypted.into_iter().map(|key| (key, None));
        for (key, manifest) in manifests.chain(secret) {
            let here = manifest
                .as_ref()
                .and_then(|manifest| manifest.origin.as_ref())
                .map_or_else(|| shown(&source.path).to_owned(), words);
            if let Some((before, there)) = seen.insert(unique(&key), (place, here.clone())) {
                warnings.push(format!(
                    "{} is declared by two sources: {there} (source {}) and {here} (source {}); the later one counts",
                    key.short(),
                    before + 1,
                    place + 1
                ));
                found.retain(|(_, other)| unique(&other.key) != unique(&key));
                encrypted.retain(|(_, other)| unique(other) != unique(&key));
            }
            match manifest {
                Some(manifest) => found.push((place, manifest)),
                None => encrypted.push((place, key)),
            }
        }
    }
    let objects: Vec<Manifest> = found.into_iter().map(|(_, manifest)| manifest).collect();
    objects::check_total(&objects, "all sources")?;
    Ok(Complete {
        key: key.to_owned(),
        digest: objects::digest(&objects),
        objects,
        encrypted: encrypted.into_iter().map(|(_, key)| key).collect(),
        warnings,
    })
}

fn words(origin: &Origin) -> String {
    match origin.line {
        Some(line) => format!("{}:{line}", origin.path),
        None => origin.path.clone(),
    }
}

/// Between the repository and the path of what is not the first source's.
const BETWEEN: &str = " · ";

/// Says of which repository the file is, where it is not the first source's.
fn told_where(mut manifest: Manifest, name: &str) -> Manifest {
    // Files that it took from elsewhere say so already.
    if let Some(origin) = manifest
        .origin
        .as_mut()
        .filter(|origin| !origin.path.contains(BETWEEN))
    {
        origin.path = format!("{name}{BETWEEN}{}", origin.path);
    }
    manifest
}

pub(super) fn name_of(url: &str) -> String {
    let trimmed = url.trim_end_matches('/');
    trimmed.rsplit('/').next().unwrap_or(trimmed).to_owned()
}

/// A source that only lends has nothing to show.
pub(super) const NO_DOCUMENTS: Vec<Document> = Vec::new();
