//! Taking one commit back: the tracked branch without what it did to the files of the application; later commits stay.

use super::super::definitions::Placement;
use super::super::drafts::unsigned;
use super::super::{Plane, paths, refuse};
use super::affected::Tracked;
use super::preview::{Prepared, Shown};
use super::words;
use engine::source::{TreeEdit, Undo};
use lockstep_types::PortError;
use lockstep_types::revision::{CommitInfo, Revision};

/// Begins the digest of an undo: going back to a commit and taking it back may change the same files.
pub(super) const UNDO: &str = "undo-";

impl Plane {
    pub(super) async fn undo_of(
        &self,
        placement: &Placement,
        commit: &Revision,
    ) -> Result<Prepared, PortError> {
        let (info, tracked) = self.begun(placement, commit).await?;
        let Tracked {
            head,
            credential,
            branch,
        } = tracked;
        let source = &placement.defined.definition.source;
        let (url, follows) = (&source.repo_url, &source.target_revision);
        let mirrors = self.runtime.mirrors();
        let contained = mirrors
            .is_ancestor(url, commit, &head)
            .await
            .map_err(refuse::source)?;
        if !contained {
            return Err(PortError::Conflict(format!(
                "{} does not contain {}; there is nothing to take back",
                follows.name(),
                commit.short()
            )));
        }
        let paths = self.undone_paths(placement, &head, &info).await?;
        let undo = mirrors
            .undo(url, commit, &head, &paths)
            .await
            .map_err(refuse::source)?;
        if undo.files.is_empty() && undo.conflicts.is_empty() {
            return Err(nothing_to_undo(placement, &info, &undo));
        }
        let target = placement.reference();
        let message = words::undo_preview_message(&target, &head, &info);
        let mut commit_refused = words::commit_refused(follows, branch.as_deref());
        if commit_refused.is_empty() && !undo.conflicts.is_empty() {
            commit_refused = words::undo_conflicts(&info, &undo.conflicts);
        }
        let edit = TreeEdit::Files(undo.files);
        let made = match &branch {
            Some(branch) if commit_refused.is_empty() => {
                let commit = unsigned(branch, &head, edit.clone(), &message);
                self.in_mirror(placement, commit).await?
            }
            _ => None,
        };
        let shown = Shown {
            to: info.clone(),
            // Without a commit to show, nothing is planned: the head stands for it.
            made: Some(made.unwrap_or_else(|| head.clone())),
            head,
            branch,
            credential,
            edit,
            paths,
            message,
            commit_refused,
            undone: vec![info],
            undo: true,
            by_pin: false,
        };
        let mut prepared = self.prepared(placement, shown).await?;
        prepared.view.conflicts = undo.conflicts;
        prepared.view.cannot_undo.extend(words::left(&undo.left));
        prepared.view.digest = format!("{UNDO}{}", prepared.view.digest);
        Ok(prepared)
    }

    /// What the application reads now, read with the commit, and read before it.
    async fn undone_paths(
        &self,
        placement: &Placement,
        head: &Revision,
        commit: &CommitInfo,
    ) -> Result<Vec<String>, PortError> {
        let with = self.restored_paths(placement, head, &commit.revision).await;
        let mut read = match with {
            Ok(read) => read,
            // What cannot be rendered is a good reason to take it back.
            Err(_) => paths::union(
                &self.reads(&placement.defined),
                std::slice::from_ref(&placement.defined.definition.source.path),
            ),
        };
        if let Some(parent) = commit.parents.first()
            && let Ok(before) = self.inputs_at(placement, parent).await
        {
            read = paths::union(&read, &before);
        }
        Ok(read)
    }
}

fn nothing_to_undo(placement: &Placement, commit: &CommitInfo, undo: &Undo) -> PortError {
    let (name, short) = (&placement.defined.row.name, commit.revision.short());
    PortError::Conflict(if undo.back > 0 {
        format!("what {short} did to the files of {name} is already taken back")
    } else {
        format!(
            "{short} changes no file that {name} reads; look at the page of the commit for what it did elsewhere"
        )
    })
}
