//! Flux's `include`: files of other repositories that stand among those of one `GitRepository`.
//!
//! The repositories that are included become further sources of the application: their commits are followed, verified
//! and kept like those of its own. The rules are those of source-controller: an included repository is of the same
//! namespace, shows what its own rules leave, and what it includes itself.

use super::collect::Ours;
use super::fields::{FieldProblem, Place, Report};
use super::repositories::{Repositories, Source, Unusable, only};
use super::{DefinedSource, repo_path};
use lockstep_types::application::Dialect;

/// More than anybody puts together by hand; a bound on what includes of includes can cost.
const MAX_INCLUDED: usize = 50;

/// An entry of `spec.include`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Included {
    /// Of the other `GitRepository`.
    pub(super) name: String,
    pub(super) from: String,
    pub(super) to: String,
}

/// Reads `spec.include`.
pub(super) fn read(spec: &Place<'_>) -> Vec<Included> {
    spec.list("include")
        .into_iter()
        .map(|entry| {
            let repository = entry.at("repository");
            let name = repository.required("name");
            repository.done();
            let path = |field: &str| {
                repo_path(&entry.text(field)).unwrap_or_else(|why| {
                    entry.problem(field, why, "Correct the definition in Git.");
                    String::new()
                })
            };
            let (from, to) = (path("fromPath"), path("toPath"));
            if to.is_empty() && entry.has("toPath") {
                let next = "Name a folder that the repository does not have.";
                entry.problem("toPath", "it would replace the whole repository", next);
            }
            entry.done();
            // As Flux: without a word the folder is called like the repository.
            let to = if to.is_empty() { name.clone() } else { to };
            Included { name, from, to }
        })
        .collect()
}

/// What is wrong with includes once all repositories are known. Those of a repository that includes one with problems
/// cannot be had either, so it is broken too.
pub(super) fn check<'d>(
    repositories: &mut Repositories<'d>,
    itself: Option<&Source>,
) -> Vec<(&'d Ours, Vec<FieldProblem>)> {
    let (mut found, mut broken) = (Vec::new(), Vec::new());
    let known: &Repositories<'d> = repositories;
    for ((namespace, name), sources) in known {
        for (index, (document, source)) in sources.iter().enumerate() {
            // One that cannot be read is said to be so already.
            if source.broken || source.repository.include.is_empty() {
                continue;
            }
            let report = Report::default();
            let spec = Place::root(&report, &document.node).at("spec");
            for (place, one) in source.repository.include.iter().enumerate() {
                let walk = Walk {
                    repositories: known,
                    itself,
                    namespace,
                };
                let mut above = vec![name.clone()];
                let mut left = MAX_INCLUDED;
                if let Err((message, next)) = walk.below(one, &mut above, &mut left) {
                    let field = format!("include[{place}].repository.name");
                    spec.problem(&field, &message, next);
                }
            }
            let (problems, _) = report.into_parts();
            if !problems.is_empty() {
                broken.push((namespace.clone(), name.clone(), index));
                found.push((*document, problems));
            }
        }
    }
    for (namespace, name, index) in broken {
        if let Some((_, source)) = repositories
            .get_mut(&(namespace, name))
            .and_then(|sources| sources.get_mut(index))
        {
            source.broken = true;
        }
    }
    found
}

/// Looks at what a repository includes, and what that includes.
struct Walk<'w, 'd> {
    repositories: &'w Repositories<'d>,
    itself: Option<&'w Source>,
    namespace: &'w str,
}

impl Walk<'_, '_> {
    /// # Errors
    /// What is wrong, and what to do.
    fn below(
        &self,
        one: &Included,
        above: &mut Vec<String>,
        left: &mut usize,
    ) -> Result<(), (String, &'static str)> {
        let full = format!("{}/{}", self.namespace, one.name);
        if above.contains(&one.name) {
            above.push(one.name.clone());
            let message = format!("GitRepositories include each other: {}", above.join(" → "));
            return Err((message, "Take one of the includes out."));
        }
        *left = left.checked_sub(1).ok_or_else(|| {
            let message = format!("more than {MAX_INCLUDED} repositories would be put together");
            (message, "Include fewer of them.")
        })?;
        let source = only(self.repositories, self.namespace, &one.name, self.itself).map_err(
            |unusable| match unusable {
                Unusable::Missing => (
                    format!("there is no GitRepository {full} in this source"),
                    "Add the GitRepository to the source's path, or correct the name.",
                ),
                Unusable::Broken => (
                    format!("the GitRepository {full} has problems of its own"),
                    "Solve those first.",
                ),
                Unusable::Ambiguous(places) => (
                    format!("the GitRepository {full} is defined differently in {places}"),
                    "Keep one of them; definitions of several clusters need a source per cluster.",
                ),
            },
        )?;
        above.push(one.name.clone());
        for inner in &source.repository.include {
            self.below(inner, above, left)?;
        }
        above.pop();
        Ok(())
    }
}

/// What stands among the files of a repository.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Where it stands in the first source.
    pub(super) include: Vec<super::Include>,
    /// The further sources, each after the one that includes it.
    pub(super) sources: Vec<DefinedSource>,
    /// One of them is suspended: then nothing of it moves.
    pub(super) suspend: bool,
}

/// The sources of a repository that [`check`] found good.
pub(super) fn beside(
    source: &Source,
    repositories: &Repositories<'_>,
    itself: Option<&Source>,
) -> Beside {
    let mut found = Beside::default();
    let include = gather(source, repositories, itself, &mut found);
    Beside { include, ..found }
}

fn gather(
    source: &Source,
    repositories: &Repositories<'_>,
    itself: Option<&Source>,
    found: &mut Beside,
) -> Vec<super::Include> {
    let mut include = Vec::new();
    for one in &source.repository.include {
        let Ok(other) = only(repositories, &source.namespace, &one.name, itself) else {
            continue;
        };
        if found.sources.len() >= MAX_INCLUDED {
            break;
        }
        found.suspend |= other.repository.suspend;
        let place = found.sources.len();
        found.sources.push(DefinedSource {
            repo_url: other.repository.url.clone(),
            target_revision: other.repository.target_revision.clone(),
            path: one.from.clone(),
            only_lends: true,
            dialect: Dialect::FluxKustomization,
            excluded: Some(other.repository.excluded.clone()),
            only: other.repository.only.clone(),
            verify: other.repository.verify.clone(),
            ..DefinedSource::default()
        });
        let inner = gather(other, repositories, itself, found);
        if let Some(own) = found.sources.get_mut(place) {
            own.include = inner;
        }
        include.push(super::Include {
            // The repository that includes comes first of all.
            source: place + 1,
            from: one.from.clone(),
            to: one.to.clone(),
        });
    }
    include
}

#[cfg(test)]
mod tests;
