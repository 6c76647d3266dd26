//! Where an edit begins: the file of an application's definition, or a new file of a source.

use super::super::patches::holds_secret;
use super::super::rollbacks::affected::Tracked;
use super::super::{Plane, refuse};
use super::revision::{Meant, with_revision};
use super::words;
use crate::store;
use crate::store::source::SourceRow;
use engine::masking::{Masking, is_on};
use engine::source::{FileKind, MAX_COMMITTED_BYTES, SourceError};
use lockstep_types::PortError;
use lockstep_types::edit::EditDraft;
use lockstep_types::id::{ApplicationId, SourceId};
use lockstep_types::revision::Revision;

impl Plane {
    pub(super) async fn draft_of(&self, id: ApplicationId) -> Result<EditDraft, PortError> {
        let defined = self.defined(id).await?;
        let row = &defined.row;
        let (Some(source), None) = (row.source, row.gone_at) else {
            return Err(PortError::Conflict(format!(
                "{} is no longer defined in Git; add it again to bring it back",
                row.name
            )));
        };
        if let Some(parent) = row.parent {
            let parent = self.defined(parent).await?.row.name;
            return Err(PortError::Conflict(format!(
                "{} is rendered by the application {parent}; change what {parent} renders, in its own repository",
                row.name
            )));
        }
        let source = self.source_row(source).await?;
        let mut draft = self.begin(&source).await?;
        let found = self.text_at(&source, &draft.head, &row.path).await?;
        draft.text = found.ok_or_else(|| {
            PortError::Conflict(format!(
                "{} is no longer in {}; refresh the source",
                row.path, source.name
            ))
        })?;
        if is_on(Masking::Draft) && holds_secret(&row.path, draft.text.as_bytes()) {
            return Err(PortError::Conflict(format!(
                "{} also holds a Secret, which is never shown here; edit it with Git",
                row.path
            )));
        }
        draft.application = Some(row.as_ref());
        draft.line = Some(row.line);
        draft.path = row.path.clone();
        Ok(draft)
    }

    /// The file with another revision in it, as somebody would type it.
    pub(super) async fn draft_with(
        &self,
        id: ApplicationId,
        wanted: &str,
    ) -> Result<EditDraft, PortError> {
        let defined = self.defined(id).await?;
        let mut draft = self.draft_of(id).await?;
        let source = &defined.definition.source;
        let meant = Meant {
            repo_url: &source.repo_url,
            chart: &source.chart,
        };
        draft.text = with_revision(&draft.text, defined.row.line, meant, wanted.trim())
            .map_err(|why| PortError::Conflict(why.trim_end_matches('.').to_owned()))?;
        Ok(draft)
    }

    pub(super) async fn draft_in(&self, id: SourceId) -> Result<EditDraft, PortError> {
        let source = self.source_row(id).await?;
        self.begin(&source).await
    }

    async fn begin(&self, source: &SourceRow) -> Result<EditDraft, PortError> {
        let (url, tracked) = (&source.repo_url, &source.target_revision);
        let Tracked { head, branch, .. } = self.tracked(url, tracked).await?;
        let clusters = store::cluster::list(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        Ok(EditDraft {
            source: source.id,
            source_name: source.name.clone(),
            repo_url: url.clone(),
            folder: source.path.clone(),
            mode: source.mode,
            application: None,
            path: String::new(),
            text: String::new(),
            line: None,
            refused: words::refused(source, branch.as_deref()),
            branch: branch.unwrap_or_default(),
            head,
            clusters: clusters.into_iter().map(|row| row.name).collect(),
        })
    }

    /// The text of a file at a commit; `None` when there is none.
    pub(super) async fn text_at(
        &self,
        source: &SourceRow,
        at: &Revision,
        path: &str,
    ) -> Result<Option<String>, PortError> {
        let mirrors = self.runtime.mirrors();
        let files = match mirrors.files(&source.repo_url, at, path).await {
            Ok(files) => files,
            Err(SourceError::NoSuchPath { .. }) => return Ok(None),
            Err(error) => return Err(refuse::source(error)),
        };
        let unfit = |why: &str| PortError::Conflict(format!("{path} {why}; edit it with Git"));
        let file = files
            .into_iter()
            .find(|file| file.path == path)
            .ok_or_else(|| unfit("is a folder"))?;
        if !matches!(file.kind, FileKind::File | FileKind::Executable) {
            return Err(unfit("is a link or a submodule"));
        }
        let bytes = mirrors
            .read(&source.repo_url, &file.oid)
            .await
            .map_err(refuse::source)?;
        if bytes.len() > MAX_COMMITTED_BYTES {
            return Err(unfit("is too large to be edited here"));
        }
        String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| unfit("is not UTF-8 text"))
    }
}
