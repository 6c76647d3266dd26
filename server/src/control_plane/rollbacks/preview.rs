//! What going back would do: the commit as it would be, made in the mirror alone, and its plan on every target.

use super::super::commits::Ancestry;
use super::super::definitions::Placement;
use super::super::drafts::unsigned;
use super::super::held::Held;
use super::super::signing::Signing;
use super::super::syncs::present;
use super::super::{Plane, paths, refuse};
use super::affected::Tracked;
use super::bots;
use super::guard::second_person;
use super::plans::writes;
use super::words;
use crate::reconcile::revisions;
use engine::source::{Credential, TreeEdit};
use lockstep_types::PortError;
use lockstep_types::revision::{CommitInfo, PathChange, Revision};
use lockstep_types::rollback::{RollbackPreview, TargetPlan};
use serde_json::json;

/// Commits that a rollback may undo and that are listed.
const UNDONE: u32 = 200;

/// A preview with what carrying it out needs.
pub(super) struct Prepared {
    pub view: RollbackPreview,
    /// What the commit changes.
    pub edit: TreeEdit,
    /// Targets that the commit reaches, the asked one first.
    pub reached: Vec<Placement>,
    pub credential: Credential,
    /// Projects that it brings back, changes or takes away.
    pub held: Held,
}

/// What is known of a commit before its consequences are looked at.
pub(super) struct Shown {
    pub to: CommitInfo,
    pub head: Revision,
    /// `None` when only a pin is possible.
    pub branch: Option<String>,
    pub credential: Credential,
    pub edit: TreeEdit,
    /// The commit, made in the mirror alone.
    pub made: Option<Revision>,
    /// The files and folders that it may change.
    pub paths: Vec<String>,
    pub message: String,
    pub commit_refused: String,
    pub undone: Vec<CommitInfo>,
    /// One commit is taken back, instead of going back to a state.
    pub undo: bool,
    /// Of a pin, because it is asked for or because nothing else is possible.
    pub by_pin: bool,
}

impl Plane {
    /// The commit that is meant, and the branch that a commit would go to.
    pub(super) async fn begun(
        &self,
        placement: &Placement,
        commit: &Revision,
    ) -> Result<(CommitInfo, Tracked), PortError> {
        present(placement)?;
        let url = placement.defined.repo_url();
        let info = self.runtime.mirrors().commit(url, commit).await;
        let info = info.map_err(refuse::source)?;
        Ok((info, self.tracked_by(placement).await?))
    }

    pub(super) async fn preview_of(
        &self,
        placement: &Placement,
        to: &Revision,
    ) -> Result<Prepared, PortError> {
        let begun = self.begun(placement, to).await?;
        self.going_back(placement, to, begun, false).await
    }

    /// The same by a pin, whatever the target follows.
    pub(super) async fn pin_preview_of(
        &self,
        placement: &Placement,
        to: &Revision,
    ) -> Result<Prepared, PortError> {
        let begun = self.begun(placement, to).await?;
        self.going_back(placement, to, begun, true).await
    }

    async fn going_back(
        &self,
        placement: &Placement,
        to: &Revision,
        (info, tracked): (CommitInfo, Tracked),
        by_pin: bool,
    ) -> Result<Prepared, PortError> {
        let Tracked {
            head,
            credential,
            branch,
        } = tracked;
        let branchless = branch.is_none();
        let paths = self.restored_paths(placement, &head, to).await?;

        let target = placement.reference();
        let message = words::preview_message(&target, &head, &info);
        let follows = &placement.defined.definition.source.target_revision;
        let commit_refused = words::commit_refused(follows, branch.as_deref());
        let edit = TreeEdit::Restore {
            paths: paths.clone(),
            from: to.clone(),
        };
        let made = match &branch {
            Some(branch) if !by_pin => {
                let commit = unsigned(branch, &head, edit.clone(), &message);
                let made = self.in_mirror(placement, commit).await?;
                Some(made.ok_or_else(|| nothing_to_do(placement, &info))?)
            }
            // A pin goes to the commit itself.
            _ => None,
        };
        let undone = self.undone(placement, &head, to, &paths).await?;
        let shown = Shown {
            to: info,
            head,
            branch,
            credential,
            edit,
            made,
            paths,
            message,
            commit_refused,
            undone,
            undo: false,
            by_pin: by_pin || branchless,
        };
        self.prepared(placement, shown).await
    }

    /// Completes a preview: the files of the commit, the plan of every target that it reaches, what it cannot bring
    /// back, and the digest over all of it.
    pub(super) async fn prepared(
        &self,
        placement: &Placement,
        shown: Shown,
    ) -> Result<Prepared, PortError> {
        let Shown {
            to,
            head,
            branch,
            credential,
            edit,
            made,
            paths,
            message,
            commit_refused,
            undone,
            undo,
            by_pin,
        } = shown;
        let url = placement.defined.repo_url();
        let target = placement.reference();
        let (after, under): (&Revision, &[String]) = match &made {
            Some(made) => (made, &[]),
            None => (&to.revision, &paths),
        };
        let files = self
            .runtime
            .mirrors()
            .changed(url, Some(&head), after, under)
            .await
            .map_err(refuse::source)?;
        let patch = self.patch(url, Some(&head), after, &files).await?;
        let held = self.held(url, &head, after, &files).await?;
        let reached = match &branch {
            Some(branch) if !by_pin => self.reached(placement, branch, &files, &credential).await?,
            _ => vec![placement.clone()],
        };
        let signing = match (&branch, commit_refused.is_empty() && !by_pin) {
            (Some(branch), true) => self.signing(url, branch, after, &reached).await?,
            _ => Signing::default(),
        };
        let targets = self.plans(&reached, url, after, by_pin).await;
        let jobs: Vec<_> = targets
            .iter()
            .map(|plan| (&plan.target, self.jobs_of(plan)))
            .collect();
        let mut cannot_undo = words::cannot_undo(&targets, &jobs);
        cannot_undo.extend(self.untouched(placement, !by_pin));
        cannot_undo.extend(bots::will_write_again(&undone));
        let (obstacles, second_person) = (self.obstacles(&reached).await?, second_person(&reached));
        let references: Vec<_> = targets.iter().map(|plan| plan.target.clone()).collect();
        let view = RollbackPreview {
            first_line: match &branch {
                _ if undo && !commit_refused.is_empty() => commit_refused.clone(),
                Some(_) if !by_pin => words::first_line(&target, &references, undo),
                _ => format!(
                    "Only {} on {} would change, by a pin.",
                    target.application.name, target.cluster
                ),
            },
            digest: match by_pin {
                // What others do on the branch is nothing to a pin.
                true => digest(&to.revision, &to.revision, None, &[], &targets),
                false => digest(&head, &to.revision, branch.as_deref(), &files, &targets),
            },
            target,
            to,
            head,
            branch: branch.unwrap_or_default(),
            files,
            patch,
            message,
            targets,
            undone,
            cannot_undo,
            commit_refused,
            undo,
            conflicts: Vec::new(),
            obstacles,
            second_person,
            signed_with: signing.key,
            signature_refused: signing.refused,
        };
        Ok(Prepared {
            view,
            edit,
            reached,
            credential,
            held,
        })
    }

    /// Says which sources going back leaves alone.
    fn untouched(&self, placement: &Placement, by_commit: bool) -> Option<String> {
        let definition = &placement.defined.definition;
        let others: Vec<String> = definition
            .more_sources
            .iter()
            .filter(|source| !revisions::goes_along(&self.runtime, definition, source))
            .map(|source| {
                format!(
                    "{} at {}",
                    super::super::names::last_part(&source.repo_url),
                    source.target_revision.name()
                )
            })
            .collect();
        words::untouched(&placement.defined.row.name, &others, by_commit)
    }

    /// What the render read then and reads now. When one of the two cannot be told (a broken head is a good reason to
    /// go back), the application's own folder stands in for it.
    pub(super) async fn restored_paths(
        &self,
        placement: &Placement,
        head: &Revision,
        to: &Revision,
    ) -> Result<Vec<String>, PortError> {
        let own = std::slice::from_ref(&placement.defined.definition.source.path);
        let folder = || paths::union(&self.reads(&placement.defined), own);
        let then = self.inputs_at(placement, to).await?;
        let now = self
            .inputs_at(placement, head)
            .await
            .unwrap_or_else(|_| folder());
        Ok(paths::union(&then, &now))
    }

    /// Commits of the paths that the old state does not contain, newest first.
    async fn undone(
        &self,
        placement: &Placement,
        head: &Revision,
        to: &Revision,
        paths: &[String],
    ) -> Result<Vec<CommitInfo>, PortError> {
        let url = placement.defined.repo_url();
        let log = self
            .runtime
            .mirrors()
            .log(url, head, paths, UNDONE)
            .await
            .map_err(refuse::source)?;
        let mut ancestry = Ancestry::new(self.runtime.mirrors());
        let mut undone = Vec::new();
        for commit in log {
            if !ancestry.contains(url, to, &commit.revision).await {
                undone.push(commit);
            }
        }
        Ok(undone)
    }

    /// Jobs that the present state declares and that therefore ran, or run.
    fn jobs_of(&self, plan: &TargetPlan) -> Vec<String> {
        let Some(assessment) = self.runtime.assessment(plan.target.id) else {
            return Vec::new();
        };
        assessment
            .desired
            .iter()
            .filter(|manifest| manifest.key.group == "batch" && manifest.key.kind == "Job")
            .map(|manifest| manifest.key.short())
            .collect()
    }
}

fn nothing_to_do(placement: &Placement, to: &CommitInfo) -> PortError {
    PortError::Conflict(format!(
        "the files of {} are already as they were in {}; there is nothing to roll back",
        placement.defined.row.name,
        to.revision.short()
    ))
}

/// Binds the act to what was shown: where the branch is, which files change, and what would be done to which objects.
/// Ids of the commit to be made and of the plans are not part of it, since they change with every look.
fn digest(
    head: &Revision,
    to: &Revision,
    branch: Option<&str>,
    files: &[PathChange],
    targets: &[TargetPlan],
) -> String {
    let targets = writes(targets);
    engine::manifest::hash_of(
        &json!({"head": head, "to": to, "branch": branch, "files": files, "targets": targets}),
    )
}

#[cfg(test)]
mod tests;
