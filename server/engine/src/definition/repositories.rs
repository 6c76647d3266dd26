//! Which repository a Flux `Kustomization` means.

use super::collect::Ours;
use super::fields::Place;
use super::{SourceKind, flux};
use lockstep_types::revision::TargetRevision;
use std::collections::BTreeMap;

/// Kind of most of them.
pub(super) const TITLE: &str = "GitRepository";

/// A `GitRepository` that was read, or what stands for one.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) repository: flux::Repository,
    pub(super) namespace: String,
    /// Its kind as users know it.
    pub(super) title: &'static str,
    pub(super) broken: bool,
    pub(super) ignored: Vec<(String, String)>,
}

impl Source {
    /// The repository that the documents lie in.
    pub(super) fn itself(url: &str, target_revision: &TargetRevision) -> Self {
        Self {
            repository: flux::Repository {
                kind: SourceKind::Git,
                url: url.to_owned(),
                target_revision: target_revision.clone(),
                folder: String::new(),
                suspend: false,
                excluded: String::new(),
                only: Vec::new(),
                verify: None,
                include: Vec::new(),
            },
            namespace: flux::DEFAULT_NAMESPACE.to_owned(),
            title: TITLE,
            broken: false,
            ignored: Vec::new(),
        }
    }
}

/// By namespace and name.
pub(super) type Repositories<'d> = BTreeMap<(String, String), Vec<(&'d Ours, Source)>>;

/// The repository a `Kustomization` reads. One that leaves it out gets it by a patch of its parent in Flux:
/// the source of the same name as everywhere, or the only one there is.
pub(super) fn find_source<'r>(
    place: &Place<'_>,
    document: &Ours,
    named: Option<&flux::SourceRef>,
    repositories: &'r Repositories<'_>,
    itself: Option<&'r Source>,
) -> Option<&'r Source> {
    let (namespace, name) = match named {
        Some(named) if named.kind != "GitRepository" => {
            let message = format!("{} sources are not supported yet", named.kind);
            place.problem("spec.sourceRef.kind", &message, "Use a GitRepository.");
            return None;
        }
        Some(named) if named.namespace.is_empty() => {
            (document.namespace.clone(), named.name.clone())
        }
        Some(named) => (named.namespace.clone(), named.name.clone()),
        None => {
            let usual = (
                document.namespace.clone(),
                flux::DEFAULT_NAMESPACE.to_owned(),
            );
            match repositories.keys().next() {
                Some(only) if repositories.len() == 1 => only.clone(),
                _ => usual,
            }
        }
    };
    if name.is_empty() {
        return None;
    }
    match only(repositories, &namespace, &name, itself) {
        Ok(source) => Some(source),
        Err(Unusable::Missing) => {
            let message = format!("there is no GitRepository {namespace}/{name} in this source");
            place.problem(
                "spec.sourceRef",
                &message,
                "Add the GitRepository to the source's path, or correct the name.",
            );
            None
        }
        Err(Unusable::Broken) => {
            place.problem(
                "spec.sourceRef",
                &format!("the GitRepository {namespace}/{name} has problems of its own"),
                "Solve those first.",
            );
            None
        }
        Err(Unusable::Ambiguous(places)) => {
            let message =
                format!("the GitRepository {namespace}/{name} is defined differently in {places}");
            place.problem(
                "spec.sourceRef",
                &message,
                "Keep one of them; definitions of several clusters need a source per cluster.",
            );
            None
        }
    }
}

/// Why a repository cannot be used.
pub(super) enum Unusable {
    Missing,
    Broken,
    /// Where it is defined, for people.
    Ambiguous(String),
}

/// The one repository of a name.
///
/// # Errors
/// Why there is none that can be used.
pub(super) fn only<'r>(
    repositories: &'r Repositories<'_>,
    namespace: &str,
    name: &str,
    itself: Option<&'r Source>,
) -> Result<&'r Source, Unusable> {
    match repositories
        .get(&(namespace.to_owned(), name.to_owned()))
        .map(Vec::as_slice)
    {
        None | Some([]) => itself
            .filter(|_| name == flux::DEFAULT_NAMESPACE)
            .ok_or(Unusable::Missing),
        Some([(_, source)]) if source.broken => Err(Unusable::Broken),
        Some([(_, source)]) => Ok(source),
        // The same again, as `flux bootstrap` and copies per cluster leave it behind, does no harm.
        Some([(_, first), rest @ ..])
            if rest
                .iter()
                .all(|(_, other)| other.repository == first.repository && !other.broken)
                && !first.broken =>
        {
            Ok(first)
        }
        Some(several) => {
            let places: Vec<String> = several
                .iter()
                .map(|(document, _)| format!("{}:{}", document.path, document.line))
                .collect();
            Err(Unusable::Ambiguous(places.join(" and ")))
        }
    }
}
