//! What an edit needs: the right on every application that it makes, changes or removes, as it is and as it would be, and
//! more for what gives rights to others.

use super::super::allow::{allow, allow_named, object};
use super::super::held::Held;
use super::super::{Plane, refuse};
use super::preview::Prepared;
use crate::store::{self, StoreError};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::edit::{Edit, EditEffect, EditKind};
use lockstep_types::policy;

impl Plane {
    /// Refuses at once who may not edit anything of this kind, before anything is fetched.
    pub(super) async fn may_begin(&self, actor: &Actor, edit: &Edit) -> Result<(), PortError> {
        let any = [
            Permission::Edit,
            Permission::Create,
            Permission::Delete,
            Permission::Project,
            Permission::Policy,
        ];
        if !any.into_iter().any(|permission| actor.may(permission)) {
            return Err(PortError::denied(match edit.kind {
                EditKind::Add => Permission::Create,
                EditKind::Replace => Permission::Edit,
                EditKind::Remove => Permission::Delete,
            }));
        }
        let source = self.source_row(edit.source).await?;
        if !actor.may_on(Permission::SeeSources, &source.repo_url)
            && !actor.may_on_all(Permission::Get)
        {
            return Err(refuse::store(StoreError::not_found("source", edit.source)));
        }
        Ok(())
    }

    /// Refuses an edit that does more than the actor may.
    pub(super) async fn may_edit(
        &self,
        actor: &Actor,
        prepared: &Prepared,
    ) -> Result<(), PortError> {
        let (view, source) = (&prepared.view, &prepared.ground.source);
        for edited in &view.applications {
            let permission = match edited.effect {
                EditEffect::Added => Permission::Create,
                EditEffect::Removed => Permission::Delete,
                EditEffect::Changed | EditEffect::Rendered | EditEffect::Broken => Permission::Edit,
            };
            let after = policy::application(&edited.application.project, &edited.application.name);
            match store::application::get(self.runtime.store(), edited.application.id).await {
                Ok(row) => {
                    let before = object(&row);
                    allow_named(actor, permission, &before)?;
                    // Into another project: there it is a new one.
                    if before != after {
                        allow_named(actor, Permission::Create, &after)?;
                    }
                }
                Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(refuse::store(error)),
            }
            allow_named(actor, permission, &after)?;
        }
        let before = self.text_at(source, &view.head, &view.edit.path).await?;
        let texts = [
            before.as_deref().unwrap_or_default(),
            view.edit.text.as_str(),
        ];
        let mut holds = Held::default();
        for text in texts {
            holds.add(&view.edit.path, text);
        }
        let policy = store::policy::get(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        if policy.source == Some(source.id) && (holds.policy || holds.any_project()) {
            allow(actor, Permission::Policy)?;
        }
        holds.allow_projects(actor)?;
        // What a set makes later is not known now, and a file that defines nothing concerns nobody in particular.
        let unbound = holds.sets || view.applications.is_empty();
        if unbound && !(actor.may_on_all(Permission::Edit) && actor.may_on_all(Permission::Create))
        {
            return Err(PortError::denied(Permission::Create));
        }
        Ok(())
    }
}
