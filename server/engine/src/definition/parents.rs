//! Which Flux documents come to a cluster through a kustomization that another definition renders. Those are read from
//! the render, with all its patches, and not from their files.
//!
//! Pure. Files that a folder without kustomization takes in come out as they are and are read at once.

use super::artifacts::{self, Artifacts};
use super::built::Built;
use super::collect::Ours;
use super::repositories::{Repositories, Source};
use super::{below, flux, repo_path};
use crate::yaml::Node;
use std::collections::{BTreeMap, BTreeSet};

/// Positions of the documents that another one renders.
pub(super) fn rendered(
    documents: &[Ours],
    repositories: &Repositories<'_>,
    artifacts: &Artifacts,
    itself: Option<&Source>,
    built: &Built,
) -> BTreeSet<usize> {
    let Some(itself) = itself else {
        return BTreeSet::new();
    };
    let mut by_file: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, document) in documents.iter().enumerate() {
        if document.is_definition() && is_flux(document) {
            by_file.entry(&document.path).or_default().push(index);
        }
    }
    let edges: BTreeMap<usize, BTreeSet<usize>> = documents
        .iter()
        .enumerate()
        .filter(|(_, document)| document.group == flux::KUSTOMIZE_GROUP)
        .filter_map(|(index, document)| {
            let folder = folder(document, repositories, artifacts, itself)?;
            let reached = built
                .taken_in(&folder)
                .iter()
                .filter_map(|file| by_file.get(file.as_str()))
                .flatten()
                .copied()
                // A bootstrap renders its own file as well.
                .filter(|other| *other != index)
                .collect();
            Some((index, reached))
        })
        .collect();
    let named: BTreeSet<usize> = edges.values().flatten().copied().collect();
    // From those that nobody renders: two that render each other are both read from their files.
    let mut rendered = BTreeSet::new();
    let mut left: Vec<usize> = edges
        .keys()
        .copied()
        .filter(|index| !named.contains(index))
        .collect();
    while let Some(index) = left.pop() {
        for reached in edges.get(&index).into_iter().flatten() {
            if rendered.insert(*reached) {
                left.push(*reached);
            }
        }
    }
    rendered
}

fn is_flux(document: &Ours) -> bool {
    document.group == flux::KUSTOMIZE_GROUP || document.group == super::helm_release::GROUP
}

/// The folder of this repository that a `Kustomization` renders; `None` when it lies elsewhere. Read without the checks
/// that come later: what a broken one renders is still not for others to deploy.
fn folder(
    document: &Ours,
    repositories: &Repositories<'_>,
    artifacts: &Artifacts,
    itself: &Source,
) -> Option<String> {
    let text = |node: Option<&Node>, name: &str| -> String {
        node.and_then(|node| node.get(name))
            .and_then(Node::text)
            .unwrap_or_default()
            .to_owned()
    };
    let spec = document.node.get("spec");
    let path = repo_path(&text(spec, "path")).ok()?;
    let reference = spec.and_then(|spec| spec.get("sourceRef"));
    let (mut kind, mut name) = (text(reference, "kind"), text(reference, "name"));
    let mut namespace = text(reference, "namespace");
    if namespace.is_empty() {
        namespace.clone_from(&document.namespace);
    }
    let mut above = String::new();
    if kind == artifacts::EXTERNAL
        && let Some(Ok(shown)) = artifacts.get(&(namespace.clone(), name.clone()))
    {
        above.clone_from(&shown.folder);
        kind.clone_from(&shown.source.kind);
        namespace.clone_from(&shown.source.namespace);
        name.clone_from(&shown.source.name);
    }
    let here = name.is_empty()
        || kind == "GitRepository"
            && match repositories
                .get(&(namespace, name.clone()))
                .map(Vec::as_slice)
            {
                None | Some([]) => name == flux::DEFAULT_NAMESPACE,
                Some(found) => found.iter().any(|(_, source)| {
                    name == flux::DEFAULT_NAMESPACE
                        || same_place(&source.repository.url, &itself.repository.url)
                }),
            };
    here.then(|| below(&above, &path))
}

/// Whether two addresses lead to one repository, over HTTP or SSH.
fn same_place(one: &str, other: &str) -> bool {
    fn bare(url: &str) -> String {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
        rest.trim_end_matches('/')
            .trim_end_matches(".git")
            .replacen(':', "/", 1)
            .to_ascii_lowercase()
    }
    bare(one) == bare(other)
}

#[cfg(test)]
mod tests;
