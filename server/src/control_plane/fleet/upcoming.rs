//! What a branch would do once it is merged: its changes on the head of the branch that it is for, made in the mirror
//! alone, and the plan of every target that reads them.

use super::super::allow::Visible;
use super::super::definitions::Placement;
use super::super::rollbacks::words::{count, listed};
use super::super::{Plane, refuse};
use crate::reconcile::revisions;
use crate::store;
use engine::source::{CommitRequest, Credential, SourceError, TreeEdit};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::revision::{CommitInfo, PathChange, Revision, TargetRevision};
use lockstep_types::rollback::TargetPlan;
use lockstep_types::upcoming::{Upcoming, UpcomingQuery};
use std::collections::{BTreeMap, BTreeSet};

/// Commits that are listed.
const COMMITS: u32 = 100;

impl Plane {
    pub(super) async fn upcoming_of(
        &self,
        actor: &Actor,
        query: &UpcomingQuery,
    ) -> Result<Upcoming, PortError> {
        let reference = query.reference.trim();
        if reference.is_empty() {
            return Err(PortError::invalid("reference", "name a branch or a commit"));
        }
        let visible = self.visible(actor).await?;
        let mut placements = self.all_placements().await?;
        placements.retain(|placement| visible.has(placement.target.application));
        let (repo, url) = self.repository_of(&query.repo, &placements).await?;
        let credential = self.credential(&url).await?;
        let asked = TargetRevision(reference.to_owned());
        let revision = self.at_its_host(&url, &credential, &asked).await?;
        let (onto, head) = self
            .tracked_branch(&url, &credential, &query.onto, &placements)
            .await?;
        let mirrors = self.runtime.mirrors();
        let commit = mirrors
            .commit(&url, &revision)
            .await
            .map_err(refuse::source)?;
        let base = mirrors
            .merge_base(&url, &head, &revision)
            .await
            .map_err(refuse::source)?
            .ok_or_else(|| {
                PortError::Conflict(format!("{reference} has no commit in common with {onto}"))
            })?;
        let mut view = Upcoming {
            repo,
            repo_url: url.clone(),
            reference: reference.to_owned(),
            commit,
            onto,
            head,
            first_line: String::new(),
            commits: Vec::new(),
            conflicts: Vec::new(),
            merged: None,
            files: Vec::new(),
            patch: String::new(),
            targets: Vec::new(),
            notes: Vec::new(),
        };
        if base == revision {
            view.first_line = format!("{reference} is already in {}.", view.onto);
            view.merged = Some(view.head.clone());
            return Ok(view);
        }
        view.commits = self.brought(&url, &base, &revision).await?;
        self.merge(&url, &base, &revision, &mut view).await?;
        if let Some(merged) = view.merged.clone() {
            self.look_at(&mut view, placements, &merged, &visible, &credential)
                .await?;
        }
        view.first_line = first_line(&view);
        Ok(view)
    }

    /// Name in addresses and URL.
    async fn repository_of(
        &self,
        named: &str,
        placements: &[Placement],
    ) -> Result<(String, String), PortError> {
        let defined = self.all_defined().await?;
        let repositories = self.repositories(&defined).await?;
        let seen: BTreeSet<String> = placements
            .iter()
            .flat_map(|placement| revisions::sources(&placement.defined.definition))
            .filter(|source| source.chart.is_empty())
            .map(|source| self.runtime.repository_key(&source.repo_url))
            .collect();
        let key = match (named.trim(), seen.len()) {
            ("", 1) => seen.iter().next().cloned(),
            ("", _) => {
                let names: Vec<String> = seen.iter().map(|key| repositories.slug(key)).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let why = format!("there are several; name one of {}", listed(&names));
                return Err(PortError::invalid("repo", why));
            }
            (name, _) => repositories.by_slug(name).filter(|key| seen.contains(key)),
        };
        let key = key.ok_or_else(|| refuse::missing("repository", named))?;
        Ok((repositories.slug(&key), repositories.url(&key).to_owned()))
    }

    /// What the host has under a name at this moment.
    async fn at_its_host(
        &self,
        url: &str,
        credential: &Credential,
        asked: &TargetRevision,
    ) -> Result<Revision, PortError> {
        let mut found = self
            .runtime
            .mirrors()
            .fetch(url, credential, std::slice::from_ref(asked))
            .await
            .map_err(refuse::source)?;
        match found.remove(asked) {
            Some(Ok(revision)) => Ok(revision),
            Some(Err(error @ SourceError::NoSuchRevision { .. })) => Err(refuse::source(error)),
            // The host has answered: it is the name that means nothing.
            Some(Err(error)) => Err(PortError::invalid("reference", error.to_string())),
            None => Err(refuse::missing("revision", asked.name())),
        }
    }

    /// The branch that it is for, with its head: the named one, else the one that most targets follow.
    async fn tracked_branch(
        &self,
        url: &str,
        credential: &Credential,
        named: &str,
        placements: &[Placement],
    ) -> Result<(String, Revision), PortError> {
        let key = self.runtime.repository_key(url);
        let mut followed: BTreeMap<&TargetRevision, usize> = BTreeMap::new();
        for placement in placements {
            for source in revisions::sources(&placement.defined.definition) {
                if self.runtime.repository_key(&source.repo_url) == key {
                    *followed.entry(&source.target_revision).or_default() += 1;
                }
            }
        }
        let mut branches: BTreeMap<String, usize> = BTreeMap::new();
        for (tracked, number) in followed {
            let branch = self.runtime.mirrors().branch_of(url, credential, tracked);
            if let Some(branch) = branch.await.map_err(refuse::source)? {
                *branches.entry(branch).or_default() += number;
            }
        }
        let chosen = match named.trim() {
            "" => branches
                .iter()
                .max_by_key(|(_, number)| **number)
                .map(|(branch, _)| branch.clone()),
            name => Some(name.to_owned()).filter(|name| branches.contains_key(name)),
        };
        let branch = chosen.ok_or_else(|| {
            PortError::invalid("onto", "no target follows such a branch of the repository")
        })?;
        let asked = TargetRevision(format!("refs/heads/{branch}"));
        let head = self.at_its_host(url, credential, &asked).await?;
        Ok((branch, head))
    }

    async fn brought(
        &self,
        url: &str,
        base: &Revision,
        revision: &Revision,
    ) -> Result<Vec<CommitInfo>, PortError> {
        let mirrors = self.runtime.mirrors();
        let log = mirrors
            .log(url, revision, &[], COMMITS)
            .await
            .map_err(refuse::source)?;
        let mut commits = Vec::new();
        for commit in log {
            let known = mirrors
                .is_ancestor(url, &commit.revision, base)
                .await
                .map_err(refuse::source)?;
            if !known {
                commits.push(commit);
            }
        }
        Ok(commits)
    }

    /// The commit as a merge would leave it, file by file. Files that both sides changed are left to Git and people.
    async fn merge(
        &self,
        url: &str,
        base: &Revision,
        revision: &Revision,
        view: &mut Upcoming,
    ) -> Result<(), PortError> {
        if *base == view.head {
            view.merged = Some(revision.clone());
            return Ok(());
        }
        let mirrors = self.runtime.mirrors();
        let changed = async |to: &Revision| {
            let changes = mirrors.changed(url, Some(base), to, &[]).await;
            let paths = changes.map_err(refuse::source)?.into_iter();
            Ok::<BTreeSet<String>, PortError>(paths.map(|change| change.path).collect())
        };
        let (ours, theirs) = (changed(&view.head).await?, changed(revision).await?);
        view.conflicts = ours.intersection(&theirs).cloned().collect();
        if !view.conflicts.is_empty() {
            return Ok(());
        }
        let request = CommitRequest {
            branch: view.onto.clone(),
            expected_head: view.head.clone(),
            edit: TreeEdit::Restore {
                paths: theirs.into_iter().collect(),
                from: revision.clone(),
            },
            message: "preview\n".to_owned(),
            author_name: String::new(),
            author_email: String::new(),
        };
        let made = mirrors.prepare_commit(url, request).await;
        let made = made.map_err(refuse::source)?;
        view.merged = Some(made.unwrap_or_else(|| view.head.clone()));
        Ok(())
    }

    async fn look_at(
        &self,
        view: &mut Upcoming,
        placements: Vec<Placement>,
        merged: &Revision,
        visible: &Visible,
        credential: &Credential,
    ) -> Result<(), PortError> {
        let url = view.repo_url.clone();
        let files: Vec<PathChange> = self
            .runtime
            .mirrors()
            .changed(&url, Some(&view.head), merged, &[])
            .await
            .map_err(refuse::source)?;
        let reached = self
            .reading(placements, &url, &view.onto, &files, credential)
            .await?;
        view.targets = self.plans(&reached, &url, merged, false).await;
        view.notes = self.definitions_touched(&url, &view.onto, &files).await?;
        // The files of others are theirs.
        match visible {
            Visible::All => {
                view.patch = self.patch(&url, Some(&view.head), merged, &files).await?;
                view.files = files;
            }
            Visible::Only(_) => view
                .notes
                .push("Files are shown to those who see every application.".to_owned()),
        }
        Ok(())
    }

    /// Definitions that change are read when they are merged; what becomes of their applications is not foreseen here.
    async fn definitions_touched(
        &self,
        url: &str,
        branch: &str,
        files: &[PathChange],
    ) -> Result<Vec<String>, PortError> {
        let key = self.runtime.repository_key(url);
        let sources = store::source::list(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        let here = sources.into_iter().filter(|source| {
            let tracked = source.target_revision.name();
            self.runtime.repository_key(&source.repo_url) == key
                && (tracked == branch || tracked == "HEAD")
                && super::super::paths::touches(files, std::slice::from_ref(&source.path))
        });
        Ok(here
            .map(|source| {
                format!(
                    "It changes files that the source {} reads definitions from; applications that it adds, moves or removes are not foreseen here.",
                    source.name
                )
            })
            .collect())
    }
}

/// What it brings: `3 commits change 2 targets of 1 application on 2 clusters.`
fn first_line(view: &Upcoming) -> String {
    if !view.conflicts.is_empty() {
        let files: Vec<&str> = view.conflicts.iter().map(String::as_str).collect();
        return format!(
            "It cannot be merged as it is: {} changed both there and in {}.",
            listed(&files),
            view.onto
        );
    }
    let commits = count(view.commits.len(), "commit");
    let writes = |target: &&TargetPlan| target.plan.as_ref().is_none_or(|plan| plan.writes());
    let changed: Vec<&TargetPlan> = view.targets.iter().filter(writes).collect();
    if changed.is_empty() {
        return format!("{commits} for {}; no target would change.", view.onto);
    }
    let applications: BTreeSet<_> = changed
        .iter()
        .map(|plan| plan.target.application.id)
        .collect();
    let clusters: BTreeSet<&str> = changed
        .iter()
        .map(|plan| plan.target.cluster.as_str())
        .collect();
    format!(
        "{commits} for {} would change {} of {} on {}.",
        view.onto,
        count(changed.len(), "target"),
        count(applications.len(), "application"),
        count(clusters.len(), "cluster"),
    )
}
