//! Finding commits, what they contain, and where they are.

mod ancestry;
mod renders;
mod rollout;
mod signed;

pub(super) use ancestry::Ancestry;
pub(crate) use rollout::BROKEN;
pub(super) use rollout::{Runs, lead_time};

use super::allow::Visible;
use super::definitions::Defined;
use super::{Plane, names, paths, refuse};
use crate::reconcile::revisions;
use crate::store;
use lockstep_types::PortError;
use lockstep_types::id::ApplicationId;
use lockstep_types::revision::{CommitInfo, Revision};
use std::collections::{BTreeMap, BTreeSet};

/// All repositories that are read: normal form to the URL as it was written first.
#[derive(Debug, Clone, Default)]
pub(super) struct Repositories(BTreeMap<String, String>);

impl Repositories {
    /// The URL to ask by; the normal form will do when it is not written anywhere.
    pub(super) fn url<'a>(&'a self, key: &'a str) -> &'a str {
        self.0.get(key).map_or(key, String::as_str)
    }

    pub(super) fn keys(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    /// The name in addresses.
    pub(super) fn slug(&self, key: &str) -> String {
        names::slug(key, &self.keys())
    }

    /// The repository that an address means.
    pub(super) fn by_slug(&self, slug: &str) -> Option<String> {
        names::by_slug(slug, &self.keys()).cloned()
    }
}

impl Located {
    /// Whether somebody who sees these applications may see it: all, or one that it touches.
    pub(super) fn concerns(&self, visible: &Visible) -> bool {
        match visible {
            Visible::All => true,
            Visible::Only(_) => self.applications.iter().any(|id| visible.has(*id)),
        }
    }

    /// Whether it touches nothing else.
    pub(super) fn only_concerns(&self, visible: &Visible) -> bool {
        matches!(visible, Visible::All) || self.applications.iter().all(|id| visible.has(*id))
    }
}

/// A commit of a known repository.
#[derive(Debug, Clone)]
pub(super) struct Located {
    /// Normal form of the repository's URL.
    pub key: String,
    pub url: String,
    pub info: CommitInfo,
    /// Applications that read what it touches.
    pub applications: BTreeSet<ApplicationId>,
}

impl Plane {
    /// Every repository that a source or an application reads.
    pub(super) async fn repositories(
        &self,
        defined: &BTreeMap<ApplicationId, Defined>,
    ) -> Result<Repositories, PortError> {
        let sources = store::source::list(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        let urls =
            sources
                .iter()
                .map(|source| source.repo_url.as_str())
                .chain(defined.values().flat_map(|defined| {
                    revisions::sources(&defined.definition).map(|source| source.repo_url.as_str())
                }));
        let mut all = BTreeMap::new();
        for url in urls {
            all.entry(self.runtime.repository_key(url))
                .or_insert_with(|| url.to_owned());
        }
        Ok(Repositories(all))
    }

    /// The commit whose id begins so; `None` when no repository has one.
    ///
    /// # Errors
    /// When several begin so.
    pub(super) async fn locate(
        &self,
        beginning: &str,
        defined: &BTreeMap<ApplicationId, Defined>,
    ) -> Result<Option<Located>, PortError> {
        if !(4..=40).contains(&beginning.len())
            || !beginning.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return Err(PortError::invalid(
                "commit",
                "write four to forty hexadecimal digits",
            ));
        }
        let repositories = self.repositories(defined).await?;
        let seen = store::commit::by_prefix(self.runtime.store(), beginning)
            .await
            .map_err(refuse::store)?;
        let mut found: Vec<Located> = seen
            .into_iter()
            .map(|seen| Located {
                url: repositories.url(&seen.repo_url).to_owned(),
                key: seen.repo_url,
                info: seen.info,
                applications: seen.applications,
            })
            .collect();
        if found.is_empty() {
            for key in repositories.keys() {
                let url = repositories.url(&key).to_owned();
                // A repository that was never fetched has no commits.
                let Ok(Some(revision)) = self.runtime.mirrors().expand(&url, beginning).await
                else {
                    continue;
                };
                if let Ok(info) = self.runtime.mirrors().commit(&url, &revision).await {
                    found.push(Located {
                        key,
                        url,
                        info,
                        applications: BTreeSet::new(),
                    });
                }
            }
        }
        let shas: BTreeSet<Revision> = found
            .iter()
            .map(|located| located.info.revision.clone())
            .collect();
        if shas.len() > 1 {
            return Err(PortError::invalid(
                "commit",
                format!("several commits begin with {beginning}; write more digits"),
            ));
        }
        for located in &mut found {
            self.complete(located, defined).await?;
        }
        // The same commit in a fork: the one that somebody reads.
        found.sort_by_key(|located| located.applications.is_empty());
        Ok(found.into_iter().next())
    }

    /// Adds applications that did not exist when the commit was recorded, or read more than was known then.
    pub(super) async fn complete(
        &self,
        located: &mut Located,
        defined: &BTreeMap<ApplicationId, Defined>,
    ) -> Result<(), PortError> {
        let here: Vec<&Defined> = defined
            .values()
            .filter(|application| {
                revisions::sources(&application.definition)
                    .any(|source| self.runtime.repository_key(&source.repo_url) == located.key)
            })
            .filter(|application| !located.applications.contains(&application.row.id))
            .collect();
        if here.is_empty() {
            return Ok(());
        }
        let parent = located.info.parents.first();
        let changed = self
            .runtime
            .mirrors()
            .changed(&located.url, parent, &located.info.revision, &[])
            .await;
        let Ok(changed) = changed else { return Ok(()) };
        for application in here {
            if paths::touches(&changed, &self.reads_in(application, &located.key)) {
                located.applications.insert(application.row.id);
            }
        }
        Ok(())
    }

    /// What the newest render of an application read of one of its repositories; its paths there before there was one.
    pub(super) fn reads_in(&self, application: &Defined, repository: &str) -> Vec<String> {
        self.runtime
            .memory()
            .inputs_in(application.row.id, repository)
            .filter(|inputs| !inputs.is_empty())
            .unwrap_or_else(|| {
                revisions::sources(&application.definition)
                    .filter(|source| !source.only_lends)
                    .filter(|source| self.runtime.repository_key(&source.repo_url) == repository)
                    .map(|source| source.path.clone())
                    .collect()
            })
    }

    /// What the newest render of an application read; its own path before there was one.
    pub(super) fn reads(&self, application: &Defined) -> Vec<String> {
        self.runtime
            .memory()
            .inputs(application.row.id)
            .filter(|inputs| !inputs.is_empty())
            .unwrap_or_else(|| vec![application.definition.source.path.clone()])
    }
}
