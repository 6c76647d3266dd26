//! A rollback restores files, and others may read them too: it needs the right on everything that it reaches.

use super::super::allow::{allow_on, object};
use super::super::definitions::Placement;
use super::super::{Plane, refuse};
use super::preview::Prepared;
use crate::reconcile::sources::policy::{CONFIG_MAP, PLAIN};
use crate::store::{self, StoreError};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::revision::PathChange;

impl Plane {
    /// Refuses a rollback that reaches an application on which the actor may not roll back, or that could change the
    /// policy: nobody gets an old right back by going back.
    pub(super) async fn may_roll_back(
        &self,
        actor: &Actor,
        placement: &Placement,
        prepared: &Prepared,
    ) -> Result<(), PortError> {
        // A pin brings back what is rendered, and no definitions.
        if !prepared.view.branch.is_empty() {
            prepared.held.allow_projects(actor)?;
        }
        self.may_commit(
            actor,
            Permission::Rollback,
            placement,
            &prepared.reached,
            (&prepared.view.files, prepared.held.any_project()),
        )
        .await
    }

    /// Refuses a commit to the repository of an application that reaches one on which the actor may not do this, or that
    /// could change the policy. Of the commit: its files, and whether any of them holds a project.
    pub(in crate::control_plane) async fn may_commit(
        &self,
        actor: &Actor,
        permission: Permission,
        placement: &Placement,
        reached: &[Placement],
        (files, projects): (&[PathChange], bool),
    ) -> Result<(), PortError> {
        for reached in reached {
            let row = &reached.defined.row;
            if actor.may_on(Permission::Get, &object(row)) {
                allow_on(actor, permission, row)?;
            } else {
                return Err(PortError::Conflict(
                    "the commit would also reach applications that you may not see; ask somebody who may change them"
                        .to_owned(),
                ));
            }
        }
        let policy = store::policy::get(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        let Some(source) = policy.source else {
            return Ok(());
        };
        let source = match store::source::get(self.runtime.store(), source).await {
            Ok(source) => source,
            // It left the configuration; what was read of it stays in force.
            Err(StoreError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(refuse::store(error)),
        };
        let here = self.runtime.repository_key(&source.repo_url)
            == self.runtime.repository_key(placement.defined.repo_url());
        let holds = |name: &str| {
            name.ends_with(PLAIN)
                || name.ends_with(".lockstep/policy.default")
                || name.contains(CONFIG_MAP)
        };
        let read = policy.body.iter().flat_map(|body| &body.files);
        let known: Vec<&str> = read
            .map(|file| file.name.split(" (").next().unwrap_or_default())
            .collect();
        let touched = files
            .iter()
            .any(|change| known.contains(&change.path.as_str()) || holds(&change.path))
            || projects;
        if here && touched && !actor.may(Permission::Policy) {
            return Err(PortError::denied(Permission::Policy));
        }
        Ok(())
    }
}
