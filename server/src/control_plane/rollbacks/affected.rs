//! Which targets a commit on a branch reaches: all whose applications read the changed files of that branch.

use super::super::definitions::Placement;
use super::super::{Plane, paths, refuse};
use crate::reconcile::cause::Cause;
use crate::reconcile::{inputs, render, revisions};
use engine::source::Credential;
use lockstep_types::PortError;
use lockstep_types::revision::{PathChange, Revision, TargetRevision};
use std::collections::{BTreeMap, BTreeSet};

/// What a tracked revision is on its host.
pub(in crate::control_plane) struct Tracked {
    pub(in crate::control_plane) head: Revision,
    pub(in crate::control_plane) credential: Credential,
    /// `None` when it is no branch.
    pub(in crate::control_plane) branch: Option<String>,
}

impl Plane {
    /// How the host of an application's repository is logged in to.
    pub(in crate::control_plane) async fn credential(
        &self,
        repo_url: &str,
    ) -> Result<Credential, PortError> {
        let access = self
            .runtime
            .access()
            .git(repo_url)
            .await
            .map_err(|refused| PortError::Unavailable(refused.to_string()))?;
        Ok(access.credential)
    }

    /// The branch behind a tracked revision, with its head and the login for it.
    pub(in crate::control_plane) async fn tracked(
        &self,
        repo_url: &str,
        tracked: &TargetRevision,
    ) -> Result<Tracked, PortError> {
        let head = self
            .runtime
            .resolve(repo_url, tracked)
            .await
            .map_err(refuse::source)?;
        let credential = self.credential(repo_url).await?;
        let branch = self
            .runtime
            .mirrors()
            .branch_of(repo_url, &credential, tracked)
            .await
            .map_err(refuse::source)?;
        Ok(Tracked {
            head,
            credential,
            branch,
        })
    }

    /// Files that the render of an application reads at a revision.
    pub(super) async fn inputs_at(
        &self,
        placement: &Placement,
        revision: &Revision,
    ) -> Result<Vec<String>, PortError> {
        let facts = self
            .runtime
            .cluster(&placement.target.cluster)
            .and_then(|handle| handle.live.facts());
        let definition = &placement.defined.definition;
        let conflict =
            |cause: Cause| PortError::Conflict(refuse::with_next(&cause.cause, &cause.next));
        let at = revisions::with_tracked(&self.runtime, definition, revision.clone())
            .map_err(conflict)?;
        let input = render::input(definition, &at, facts.as_ref()).map_err(conflict)?;
        let inputs = inputs::anew(&self.runtime, &input)
            .await
            .map_err(refuse::render)?;
        // Sources that follow the same branch of the same repository are restored together.
        let paths = revisions::sources(definition)
            .enumerate()
            .filter(|(_, source)| revisions::goes_along(&self.runtime, definition, source))
            .fold(Vec::new(), |all, (place, _)| {
                paths::union(&all, &inputs.paths_of(place))
            });
        Ok(paths)
    }

    /// Targets that follow the branch and read one of the changed files, the asked one first.
    pub(in crate::control_plane) async fn reached(
        &self,
        placement: &Placement,
        branch: &str,
        changed: &[PathChange],
        credential: &Credential,
    ) -> Result<Vec<Placement>, PortError> {
        let url = placement.defined.repo_url();
        let own = |other: &Placement| other.target.id == placement.target.id;
        let (mut reached, others): (Vec<_>, Vec<_>) =
            self.all_placements().await?.into_iter().partition(own);
        reached.extend(
            self.reading(others, url, branch, changed, credential)
                .await?,
        );
        Ok(reached)
    }

    /// Those that follow the branch and read one of the changed files, by name and cluster.
    pub(in crate::control_plane) async fn reading(
        &self,
        placements: Vec<Placement>,
        url: &str,
        branch: &str,
        changed: &[PathChange],
        credential: &Credential,
    ) -> Result<Vec<Placement>, PortError> {
        let key = self.runtime.repository_key(url);
        let mut branches: BTreeMap<TargetRevision, Option<String>> = BTreeMap::new();
        let mut reached = Vec::new();
        for other in placements {
            if !self.touched(&other, &key, changed) {
                continue;
            }
            // Any of its sources may be the one that reads here.
            let tracked: BTreeSet<TargetRevision> = revisions::sources(&other.defined.definition)
                .filter(|source| self.runtime.repository_key(&source.repo_url) == key)
                .map(|source| source.target_revision.clone())
                .collect();
            let mut follows = false;
            for tracked in tracked {
                let found = match branches.get(&tracked) {
                    Some(known) => known.clone(),
                    None => {
                        let found = self
                            .runtime
                            .mirrors()
                            .branch_of(url, credential, &tracked)
                            .await
                            .map_err(refuse::source)?;
                        branches.insert(tracked, found.clone());
                        found
                    }
                };
                follows |= found.as_deref() == Some(branch);
            }
            if follows {
                reached.push(other);
            }
        }
        reached.sort_by_key(|placed| {
            (
                placed.defined.row.name.clone(),
                placed.target.cluster.clone(),
            )
        });
        Ok(reached)
    }

    /// Whether the application reads one of the repository's files; a new file in its folder counts, whatever it read
    /// so far.
    pub(in crate::control_plane) fn touched(
        &self,
        other: &Placement,
        repository: &str,
        changed: &[PathChange],
    ) -> bool {
        let mut reads = self.reads_in(&other.defined, repository);
        reads.extend(
            revisions::sources(&other.defined.definition)
                .filter(|source| !source.only_lends)
                .filter(|source| self.runtime.repository_key(&source.repo_url) == repository)
                .map(|source| source.path.clone()),
        );
        paths::touches(changed, &reads)
    }
}
