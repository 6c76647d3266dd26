//! Who may what, now: the policy in force, kept in memory and read again whenever its number in the database rises.
//!
//! Nothing else turns an account into rights. Reading the policy from Git is the reconcilers' work, deciding that of
//! [`lockstep_types::policy`].

use crate::store::policy::PolicyRow;
use crate::store::{Store, StoreError, identity, policy as stored, user};
use lockstep_types::Micros;
use lockstep_types::account::{Permission, Role};
use lockstep_types::policy::{self, Policy, Rights, TokenScope, Verdict, built_in};
use std::sync::{Arc, PoisonError, RwLock};

/// The policy that counts.
#[derive(Debug, Clone, Default)]
pub struct InForce {
    pub row: PolicyRow,
    /// `None`: the roles of the accounts count.
    pub policy: Option<Policy>,
}

/// Gives rights. Cheap to clone; clones share what they read.
#[derive(Clone)]
pub struct Authority {
    store: Store,
    known: Arc<RwLock<Option<Arc<InForce>>>>,
    /// The source, commit and path that the policy was read from last, since the start.
    looked: Arc<RwLock<String>>,
}

impl Authority {
    /// Over a database; nothing is read yet.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            known: Arc::default(),
            looked: Arc::default(),
        }
    }

    /// The policy in force.
    ///
    /// # Errors
    /// The database does not answer, or what it holds cannot be read: then nobody gets in by guesswork.
    pub async fn in_force(&self) -> Result<Arc<InForce>, StoreError> {
        let version = stored::version(&self.store).await?;
        let known = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(known) = known.filter(|known| known.row.version == version) {
            return Ok(known);
        }
        let row = stored::get(&self.store).await?;
        let policy = match &row.body {
            Some(body) if row.source.is_some() => {
                Some(Policy::read(body).unwrap_or_else(|problems| {
                    // It was good when it was stored. Now only administrators have rights until it is read again.
                    tracing::error!(
                        event.name = "policy.unreadable",
                        problems = problems.len(),
                        "the stored policy cannot be read any more"
                    );
                    built_in().clone()
                }))
            }
            _ => None,
        };
        let fresh = Arc::new(InForce { row, policy });
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// Whether the policy was read from here last, since the start.
    pub(crate) fn has_looked(&self, place: &str) -> bool {
        *self.looked.read().unwrap_or_else(PoisonError::into_inner) == place
    }

    /// Notes where the policy was read from.
    pub(crate) fn looked(&self, place: String) {
        *self.looked.write().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// The rights of an account.
    ///
    /// # Errors
    /// As [`Authority::in_force`].
    pub async fn rights(
        &self,
        name: &str,
        groups: &[String],
        role: Role,
        scope: Option<TokenScope>,
    ) -> Result<Rights, StoreError> {
        let in_force = self.in_force().await?;
        Ok(Rights {
            policy: in_force
                .policy
                .as_ref()
                .map(|policy| policy.lines_of(&subjects(name, groups, Some(role)))),
            scope,
        })
    }

    /// Whether the person who asked for something may still do it, by the name in the request. Somebody who is gone or
    /// disabled may nothing, whether there is a policy or not.
    ///
    /// # Errors
    /// As [`Authority::in_force`].
    pub async fn still_may(
        &self,
        name: &str,
        permission: Permission,
        object: &str,
    ) -> Result<Verdict, StoreError> {
        let (resource, actions) = policy::asks(permission);
        self.still_may_words(name, resource, actions, object).await
    }

    /// The same in the words of a policy.
    ///
    /// # Errors
    /// As [`Authority::in_force`].
    pub async fn still_may_words(
        &self,
        name: &str,
        resource: &str,
        actions: &[&str],
        object: &str,
    ) -> Result<Verdict, StoreError> {
        let Some(row) = user::by_name(&self.store, name).await? else {
            return Ok(gone(name, "has no account"));
        };
        if row.disabled {
            return Ok(gone(name, "is disabled"));
        }
        let Some(identity) = identity::of_user(&self.store, row.id).await? else {
            let rights = self.rights(&row.name, &[], row.role, None).await?;
            return Ok(rights.decide_words(row.role, resource, actions, object));
        };
        if identity.fresh_until <= Micros::from(jiff::Timestamp::now()) {
            return Ok(gone(name, "has not logged in for too long"));
        }
        if identity.role.is_none() && self.in_force().await?.policy.is_none() {
            return Ok(gone(name, "has no role by the groups of the last login"));
        }
        let role = identity.role.unwrap_or(Role::Viewer);
        let rights = self.rights(&row.name, &identity.groups, role, None).await?;
        Ok(rights.decide_words(role, resource, actions, object))
    }

    /// The rights of whoever has, or would have, an account of this name and role: what its last login said is counted
    /// in, however long ago.
    ///
    /// # Errors
    /// As [`Authority::in_force`].
    pub(crate) async fn rights_of(&self, name: &str, role: Role) -> Result<Rights, StoreError> {
        let known = match user::by_name(&self.store, name).await? {
            Some(row) => identity::of_user(&self.store, row.id).await?,
            None => None,
        };
        let groups = known.map(|identity| identity.groups).unwrap_or_default();
        self.rights(name, &groups, role, None).await
    }
}

fn gone(name: &str, why: &str) -> Verdict {
    Verdict {
        allowed: false,
        why: format!("{name} {why}"),
        line: None,
    }
}

/// Who somebody is in a policy: the name of the account, the groups of the login, and `role:admin` for an administrator
/// of this server. A group cannot pass for a role.
pub fn subjects<'a>(name: &'a str, groups: &'a [String], role: Option<Role>) -> Vec<&'a str> {
    let plain = |group: &&str| {
        !group.is_empty() && !group.starts_with("role:") && !group.starts_with("proj:")
    };
    let administrator = (role == Some(Role::Admin)).then_some("role:admin");
    std::iter::once(name)
        .chain(groups.iter().map(String::as_str))
        .filter(plain)
        .chain(administrator)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_the_login_cannot_pass_for_a_role() {
        let groups = ["role:admin", "proj:shop:dev", "", "team"].map(str::to_owned);
        assert_eq!(
            subjects("maria", &groups, Some(Role::Viewer)),
            ["maria", "team"]
        );
        assert_eq!(
            subjects("ada", &[], Some(Role::Admin)),
            ["ada", "role:admin"]
        );
    }
}
