//! Who may do what: the first line of every method.

use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};

/// Refuses unless the actor has the permission.
///
/// # Errors
/// [`PortError::Denied`] with the permission and who has it.
pub(super) fn allow(actor: &Actor, permission: Permission) -> Result<(), PortError> {
    if actor.may(permission) {
        Ok(())
    } else {
        Err(PortError::denied(permission))
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
