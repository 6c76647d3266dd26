//! A commit's passport: its files, what became of it on every target, and the runs that carried it.

use super::super::commits::{Ancestry, Located, Runs, lead_time};
use super::super::{Plane, refuse};
use crate::store;
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::activity::CommitView;
use lockstep_types::revision::Revision;

/// Runs of one commit that are listed.
const RUNS: u64 = 200;

impl Plane {
    pub(super) async fn passport(
        &self,
        actor: &Actor,
        repo: &str,
        revision: &Revision,
    ) -> Result<CommitView, PortError> {
        let defined = self.all_defined().await?;
        let repositories = self.repositories(&defined).await?;
        let key = repositories
            .by_slug(repo)
            .ok_or_else(|| refuse::missing("repository", repo))?;
        let url = repositories.url(&key).to_owned();
        let mirrors = self.runtime.mirrors();
        let sha = revision.0.to_ascii_lowercase();
        let expanded = mirrors.expand(&url, &sha).await.map_err(refuse::source)?;
        let sha = expanded.ok_or_else(|| refuse::missing("commit", revision))?;
        let info = mirrors.commit(&url, &sha).await.map_err(refuse::source)?;
        let db = self.runtime.store();
        let seen = store::commit::get(db, &key, &sha)
            .await
            .map_err(refuse::store)?;
        let (applications, pull) = seen
            .map(|seen| (seen.applications, seen.pull))
            .unwrap_or_default();
        let mut located = Located {
            key,
            url,
            info,
            applications,
        };
        self.complete(&mut located, &defined).await?;
        let visible = self.visible(actor).await?;
        if !located.concerns(&visible) {
            return Err(refuse::missing("commit", revision));
        }

        let mut placements = self.all_placements().await?;
        placements.retain(|placement| visible.has(placement.target.application));
        let mut ancestry = Ancestry::new(mirrors);
        let targets = self
            .on_targets(&located, &placements, &mut ancestry, &mut Runs::default())
            .await?;
        let parent = located.info.parents.first();
        let files = mirrors
            .changed(&located.url, parent, &sha, &[])
            .await
            .map_err(refuse::source)?;
        let (renders, untouched) = self
            .renders(&located, &placements, &targets, &files)
            .await?;
        let signature = self.signature(&located, &defined, &visible).await?;
        let patch = self.patch(&located.url, parent, &sha, &files).await?;
        let mut runs = store::run::of_revision(db, &sha, RUNS)
            .await
            .map_err(refuse::store)?;
        runs.retain(|run| visible.has(run.target.application.id));
        // The files of others are theirs.
        let (files, patch) = if located.only_concerns(&visible) {
            (files, patch)
        } else {
            (Vec::new(), String::new())
        };
        Ok(CommitView {
            repo: repositories.slug(&located.key),
            repo_url: located.url,
            files,
            patch,
            lead_time_seconds: lead_time(&located.info, &targets),
            targets,
            renders,
            untouched,
            runs,
            commit: located.info,
            signature,
            pull,
        })
    }
}
