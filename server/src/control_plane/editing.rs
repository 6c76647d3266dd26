//! Changing definitions: "add application" and "edit" as a commit in a root source.
//!
//! An edit is previewed in full against the branch head (problems, patch, applications, their plans with the edited
//! definition), bound to what was shown by a digest, and written only if the branch is still there. Removing a
//! definition deletes nothing from clusters.

mod commit;
mod compare;
mod draft;
mod file;
mod permit;
mod placed;
mod plans;
mod preview;
mod revision;
mod template;
mod words;

use super::allow::{allow, allow_named};
use super::{Plane, checks};
use async_trait::async_trait;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::edit::{
    Edit, EditDraft, EditOutcome, EditPreview, EditSubject, NewApplication,
};
use lockstep_types::ports::{Answer, Editing};

#[async_trait]
impl Editing for Plane {
    async fn draft(&self, actor: &Actor, subject: EditSubject) -> Answer<EditDraft> {
        allow(actor, Permission::Get)?;
        match subject {
            EditSubject::Application(id) => {
                self.seen(actor, id).await?;
                self.draft_of(id).await
            }
            EditSubject::Revision(id, wanted) => {
                self.seen(actor, id).await?;
                self.draft_with(id, &wanted).await
            }
            EditSubject::New(source) => {
                let row = self.source_row(source).await?;
                allow_named(actor, Permission::SeeSources, &row.repo_url)?;
                self.draft_in(source).await
            }
        }
    }

    async fn template(&self, actor: &Actor, new: &NewApplication) -> Answer<String> {
        allow(actor, Permission::Get)?;
        template::text(new)
    }

    async fn preview_edit(&self, actor: &Actor, edit: &Edit) -> Answer<EditPreview> {
        self.may_begin(actor, edit).await?;
        let prepared = self.prepare_edit(edit).await?;
        self.may_edit(actor, &prepared).await?;
        Ok(prepared.view)
    }

    async fn commit_edit(
        &self,
        actor: &Actor,
        edit: &Edit,
        digest: &str,
        reason: &str,
    ) -> Answer<EditOutcome> {
        self.may_begin(actor, edit).await?;
        let reason = checks::optional_reason(reason)?;
        self.write_edit(actor, edit, digest, &reason).await
    }
}
