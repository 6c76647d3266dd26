//! Who may do what: the first lines of every method.
//!
//! What somebody may not see is not found, in the very words of what is not there; what they see and may not do is
//! refused with the permission that is missing.

use super::definitions::{Defined, Placement};
use super::{Plane, refuse};
use crate::store::application::ApplicationRow;
use crate::store::{self, StoreError};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::ApplicationRef;
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::policy;
use std::collections::BTreeSet;

/// Refuses unless there is anything on which the actor has the permission.
///
/// # Errors
/// [`PortError::Denied`] with the permission and who has it.
pub(super) fn allow(actor: &Actor, permission: Permission) -> Result<(), PortError> {
    allow_named(actor, permission, policy::ANYTHING)
}

/// Refuses unless the actor has the permission on everything: for what belongs to the whole installation.
///
/// # Errors
/// As [`allow`].
pub(super) fn allow_everywhere(actor: &Actor, permission: Permission) -> Result<(), PortError> {
    if actor.may_on_all(permission) {
        Ok(())
    } else {
        Err(PortError::denied(permission))
    }
}

/// Refuses unless the actor has the permission on what has this name.
///
/// # Errors
/// As [`allow`].
pub(super) fn allow_named(
    actor: &Actor,
    permission: Permission,
    object: &str,
) -> Result<(), PortError> {
    if actor.may_on(permission, object) {
        Ok(())
    } else {
        Err(PortError::denied(permission))
    }
}

/// Refuses unless the actor has the permission on an application.
///
/// # Errors
/// As [`allow`].
pub(super) fn allow_on(
    actor: &Actor,
    permission: Permission,
    row: &ApplicationRow,
) -> Result<(), PortError> {
    allow_named(actor, permission, &object(row))
}

/// The name of an application in a policy.
pub(super) fn object(row: &ApplicationRow) -> String {
    policy::application(&row.project, &row.name)
}

/// Whether the actor may see an application.
pub(super) fn sees(actor: &Actor, application: &ApplicationRef) -> bool {
    let object = policy::application(&application.project, &application.name);
    actor.may_on(Permission::Get, &object)
}

/// The applications that somebody may see.
#[derive(Debug, Clone)]
pub(super) enum Visible {
    All,
    Only(BTreeSet<ApplicationId>),
}

impl Visible {
    pub(super) fn has(&self, id: ApplicationId) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(&id),
        }
    }

    /// As the store takes it.
    pub(super) fn only(&self) -> Option<&BTreeSet<ApplicationId>> {
        match self {
            Self::All => None,
            Self::Only(ids) => Some(ids),
        }
    }
}

impl Plane {
    /// All applications that the actor may see, those that are gone too.
    pub(super) async fn visible(&self, actor: &Actor) -> Result<Visible, PortError> {
        if actor.may_on_all(Permission::Get) {
            return Ok(Visible::All);
        }
        let rows = store::application::list(self.runtime.store(), true)
            .await
            .map_err(refuse::store)?;
        let seen = rows
            .iter()
            .filter(|row| actor.may_on(Permission::Get, &object(row)))
            .map(|row| row.id);
        Ok(Visible::Only(seen.collect()))
    }

    /// An application, unless it may not be seen.
    pub(super) async fn seen(
        &self,
        actor: &Actor,
        id: ApplicationId,
    ) -> Result<Defined, PortError> {
        let defined = self.defined(id).await?;
        if actor.may_on(Permission::Get, &object(&defined.row)) {
            Ok(defined)
        } else {
            Err(refuse::store(StoreError::not_found("application", id)))
        }
    }

    /// A target, unless it may not be seen.
    pub(super) async fn seen_target(
        &self,
        actor: &Actor,
        id: TargetId,
    ) -> Result<Placement, PortError> {
        self.of_seen(actor, id, ("target", &id.to_string())).await
    }

    /// The target of something, unless it may not be seen: then that thing is not found.
    pub(super) async fn of_seen(
        &self,
        actor: &Actor,
        id: TargetId,
        (kind, name): (&str, &str),
    ) -> Result<Placement, PortError> {
        let placement = self.placement(id).await?;
        if actor.may_on(Permission::Get, &object(&placement.defined.row)) {
            Ok(placement)
        } else {
            Err(refuse::store(StoreError::not_found(kind, name)))
        }
    }

    /// A target on which the actor has a permission.
    pub(super) async fn granted(
        &self,
        actor: &Actor,
        permission: Permission,
        id: TargetId,
    ) -> Result<Placement, PortError> {
        let placement = self.seen_target(actor, id).await?;
        allow_on(actor, permission, &placement.defined.row)?;
        Ok(placement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::account::Role;
    use lockstep_types::id::UserId;

    #[test]
    fn names_the_missing_permission() {
        let viewer = Actor {
            user: UserId(uuid::Uuid::nil()),
            name: "v".to_owned(),
            role: Role::Viewer,
            token: None,
            rights: Default::default(),
        };
        assert_eq!(allow(&viewer, Permission::Get), Ok(()));
        let refused = allow(&viewer, Permission::Rollback).unwrap_err();
        assert_eq!(
            refused,
            PortError::Denied {
                permission: "rollback".to_owned(),
                role: "operator".to_owned()
            }
        );
    }
}
