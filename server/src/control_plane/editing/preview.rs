//! What an edit would do: the commit as it would be, made in the mirror alone, the definitions read from it, and the
//! plan of every application that is defined otherwise.

use super::super::rollbacks::affected::Tracked;
use super::super::rollbacks::plans::writes;
use super::super::rollbacks::words::{NO_END, NO_NUMBER, log_trailer};
use super::super::{Plane, refuse};
use super::placed::clusters_of;
use super::{compare, file, words};
use crate::reconcile::definitions::row_key;
use crate::reconcile::sources::{Found, defined_at};
use crate::store;
use crate::store::cluster::ClusterRow;
use crate::store::source::SourceRow;
use engine::source::{CommitRequest, Credential, FileEdit, TreeEdit};
use lockstep_types::PortError;
use lockstep_types::edit::{Edit, EditKind, EditPreview, EditedApplication};
use lockstep_types::revision::{Revision, TargetRevision};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What every part of a preview stands on.
pub(super) struct Ground {
    pub source: SourceRow,
    pub clusters: Vec<ClusterRow>,
    /// Normal form of the source's URL.
    pub repository: String,
    /// Empty when the source follows none.
    pub branch: String,
    pub head: Revision,
    pub credential: Credential,
    /// Which revisions of the repository are the branch, as far as it was asked.
    pub follows: tokio::sync::Mutex<BTreeMap<TargetRevision, bool>>,
    /// What revisions of repositories were when this preview asked their hosts; or why there is no answer.
    pub fetched: tokio::sync::Mutex<BTreeMap<(String, TargetRevision), Result<Revision, String>>>,
}

/// A preview with what carrying it out needs.
pub(super) struct Prepared {
    pub view: EditPreview,
    pub ground: Arc<Ground>,
    /// What the file becomes.
    pub file: FileEdit,
}

impl Plane {
    pub(super) async fn prepare_edit(&self, edit: &Edit) -> Result<Prepared, PortError> {
        let ground = Arc::new(self.ground(edit).await?);
        let (edit, conflict) = self.fitted(&ground, edit).await?;
        let file = FileEdit {
            path: edit.path.clone(),
            content: (edit.kind != EditKind::Remove).then(|| edit.text.clone().into_bytes()),
        };
        let refused = words::refused(
            &ground.source,
            Some(ground.branch.as_str()).filter(|branch| !branch.is_empty()),
        );
        let made = self.made(&ground, &file).await?;
        let mut view = EditPreview {
            source_name: ground.source.name.clone(),
            branch: ground.branch.clone(),
            head: ground.head.clone(),
            first_line: "The file already is like this in Git.".to_owned(),
            problems: Vec::new(),
            files: Vec::new(),
            patch: String::new(),
            message: String::new(),
            applications: Vec::new(),
            notes: Vec::new(),
            refused,
            digest: String::new(),
            edit,
        };
        let Some(made) = made else {
            if view.refused.is_empty() {
                view.refused = "Nothing is changed: there is nothing to commit.".to_owned();
            }
            return Ok(Prepared { view, ground, file });
        };
        self.look(&ground, &made, &mut view).await?;
        if view.refused.is_empty() {
            view.refused = conflict.unwrap_or_else(|| words::unfit(&view.problems));
        }
        view.digest = digest(&view);
        Ok(Prepared { view, ground, file })
    }

    async fn ground(&self, edit: &Edit) -> Result<Ground, PortError> {
        let source = self.source_row(edit.source).await?;
        let (url, tracked) = (&source.repo_url, &source.target_revision);
        let Tracked {
            head,
            credential,
            branch,
        } = self.tracked(url, tracked).await?;
        Ok(Ground {
            clusters: store::cluster::list(self.runtime.store())
                .await
                .map_err(refuse::store)?,
            repository: self.runtime.repository_key(url),
            branch: branch.unwrap_or_default(),
            head,
            credential,
            follows: tokio::sync::Mutex::default(),
            fetched: tokio::sync::Mutex::default(),
            source,
        })
    }

    /// The edit with path and text in the form in which they are written, and why it does not fit the head: what others
    /// did since it was begun is not overwritten.
    async fn fitted(
        &self,
        ground: &Ground,
        edit: &Edit,
    ) -> Result<(Edit, Option<String>), PortError> {
        let path = file::path(&edit.path, &ground.source.path)?;
        let now = self.text_at(&ground.source, &ground.head, &path).await?;
        match (edit.kind, &now) {
            (EditKind::Add, Some(_)) => {
                return Err(PortError::invalid(
                    "path",
                    format!("{path} exists already; edit it, or choose another path"),
                ));
            }
            (EditKind::Replace | EditKind::Remove, None) => {
                return Err(PortError::Conflict(format!(
                    "{path} is no longer in {}; begin again",
                    ground.source.name
                )));
            }
            _ => {}
        }
        let then = if edit.base == ground.head || edit.kind == EditKind::Add {
            now.clone()
        } else {
            self.text_at(&ground.source, &edit.base, &path).await?
        };
        let conflict = (then != now).then(|| {
            format!(
                "Somebody changed {path} since this edit was begun (at {}); begin again with the file as it is now.",
                edit.base.short()
            )
        });
        let text = match edit.kind {
            EditKind::Remove => String::new(),
            EditKind::Add | EditKind::Replace => file::text(&edit.text, now.as_deref())?,
        };
        let fitted = Edit {
            path,
            text,
            ..edit.clone()
        };
        Ok((fitted, conflict))
    }

    async fn made(&self, ground: &Ground, file: &FileEdit) -> Result<Option<Revision>, PortError> {
        let request = CommitRequest {
            branch: ground.branch.clone(),
            expected_head: ground.head.clone(),
            edit: TreeEdit::Files(vec![file.clone()]),
            message: "preview\n".to_owned(),
            author_name: String::new(),
            author_email: String::new(),
        };
        self.runtime
            .mirrors()
            .prepare_commit(&ground.source.repo_url, request)
            .await
            .map_err(refuse::source)
    }

    /// Reads the definitions from the commit and fills the preview in.
    async fn look(
        &self,
        ground: &Arc<Ground>,
        made: &Revision,
        view: &mut EditPreview,
    ) -> Result<(), PortError> {
        let (source, head) = (&ground.source, &ground.head);
        let url = &source.repo_url;
        view.files = self
            .runtime
            .mirrors()
            .changed(url, Some(head), made, &[])
            .await
            .map_err(refuse::source)?;
        view.patch = self.patch(url, Some(head), made, &view.files).await?;
        let before = self.found(source, head).await;
        // A source that could not be read so far may be mended by this very edit.
        let before = before.unwrap_or_default();
        let after = match self.found(source, made).await {
            Ok(after) => after,
            Err(PortError::Unavailable(_)) if view.edit.kind == EditKind::Remove => {
                view.first_line = words::last_file(source);
                view.refused = words::LAST_FILE.to_owned();
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let rows = store::application::by_source(self.runtime.store(), source.id)
            .await
            .map_err(refuse::store)?;
        let differences = compare::differences(
            &rows,
            |problem| problem.key.as_ref().map(|key| row_key(source, key)),
            &before,
            &after,
        );
        view.problems = compare::problems(&view.edit.path, &before, &after);
        view.applications = self.edited(ground, made, &differences).await;
        let rendering = self
            .rendering(ground, made, &view.files, &differences)
            .await?;
        view.applications.extend(rendering);
        view.notes = words::notes(&differences, |definition| {
            clusters_of(definition, source, &ground.clusters)
        });
        view.first_line = words::first_line(&view.applications);
        view.message = words::message(
            &view.applications,
            source,
            (view.edit.kind, &view.edit.path),
            head,
            NO_NUMBER,
            "",
        ) + &log_trailer(NO_END);
        Ok(())
    }

    async fn found(&self, source: &SourceRow, at: &Revision) -> Result<Found, PortError> {
        defined_at(&self.runtime, source, at)
            .await
            .map_err(refuse::store)?
            .map_err(refuse::source)
    }
}

/// Binds the act to what was shown: where the branch is, what the file becomes, what that breaks, and what would be done
/// to which objects. Ids of the commit to be made and of the plans are not part of it: they change with every look.
fn digest(view: &EditPreview) -> String {
    let application = |edited: &EditedApplication| {
        let targets = writes(&edited.targets);
        json!([edited.application.id, edited.effect, targets])
    };
    let applications: Vec<_> = view.applications.iter().map(application).collect();
    engine::manifest::hash_of(&json!({
        "edit": view.edit, "head": view.head, "branch": view.branch,
        "problems": view.problems, "applications": applications,
    }))
}
