//! From what a provider of single sign-on vouches for to an account: made at the first login, and never by taking over
//! one that is there. Whether the provider's word is genuine is the work of [`crate::sso`].

use super::port::check_name;
use super::refusals::FAILED;
use super::{AccountService, now, refusal};
use crate::config::OidcEntry;
use crate::store::audit::Act;
use crate::store::identity::{self, IdentityRow};
use crate::store::user::{self, UserRow};
use crate::store::{Store, StoreError};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Role};
use std::net::IpAddr;
use std::sync::atomic::Ordering;

/// Groups of one login; more are a mistake of the provider.
const MOST_GROUPS: usize = 1000;
const LONGEST_GROUP: usize = 256;

/// Somebody for whom a provider vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The provider's name in the configuration.
    pub provider: String,
    pub issuer: String,
    /// Never changes, and is never given to somebody else.
    pub subject: String,
    /// For the account, if it has to be made.
    pub name: String,
    /// `None`: the claim is missing, or is no list of words.
    pub groups: Option<Vec<String>>,
}

/// Why somebody for whom a provider vouches was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignOnRefusal {
    #[error("the login holds no groups, and none gets in without")]
    NoGroups,
    #[error("no group of the login makes a role, and no policy is in force")]
    NoRole,
    #[error("the name of the login cannot be the name of an account")]
    Name,
    #[error("there is an account of this name already that is not this person's")]
    Taken,
    #[error("the account is disabled")]
    Disabled,
    #[error(transparent)]
    Port(#[from] PortError),
}

impl SignOnRefusal {
    /// The word in the address of the login page.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoGroups => "sso_groups",
            Self::NoRole => "sso_role",
            Self::Name => "sso_name",
            Self::Taken => "sso_taken",
            Self::Disabled => "sso_disabled",
            Self::Port(_) => "sso",
        }
    }
}

impl AccountService {
    /// Lets somebody in for whom a provider vouches. Gives the person and the groups that count for this login.
    ///
    /// # Errors
    /// See [`SignOnRefusal`]; the audit log has each.
    pub async fn sign_on(
        &self,
        person: &Person,
        address: IpAddr,
    ) -> Result<(Actor, Vec<String>), SignOnRefusal> {
        let from = super::login::neighbourhood(address);
        match self.admit(person, &from).await {
            Err(SignOnRefusal::Port(error)) => Err(SignOnRefusal::Port(error)),
            Err(refused) => {
                tracing::info!(address = %from, why = %refused, "a login by single sign-on was refused");
                self.note_refusal(
                    &person.provider,
                    &person.name,
                    &refused.to_string(),
                    address,
                )
                .await?;
                Err(refused)
            }
            Ok(admitted) => Ok(admitted),
        }
    }

    /// A row in the audit log for a login by single sign-on that came to nothing.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn note_refusal(
        &self,
        provider: &str,
        name: &str,
        why: &str,
        address: IpAddr,
    ) -> Result<(), PortError> {
        let from = super::login::neighbourhood(address);
        let plain = |c: &char| !c.is_control();
        let name: String = name.chars().filter(plain).take(100).collect();
        let name = if name.is_empty() {
            "unknown name".to_owned()
        } else {
            name
        };
        let subject = format!("by {provider} from {from}");
        let act = Act::unattended(name.clone(), "log in refused", subject).because(why);
        let what = format!("{name} by {provider}: {why}");
        let known = user::by_name(&self.store, &name).await;
        let known = known.map_err(refusal)?;
        self.note_at_door(known.as_ref(), FAILED, &what, &from, act)
            .await;
        Ok(())
    }

    async fn admit(
        &self,
        person: &Person,
        from: &str,
    ) -> Result<(Actor, Vec<String>), SignOnRefusal> {
        let entry = self
            .rules
            .provider(&person.provider)
            .ok_or_else(|| PortError::NotFound("this way to log in".to_owned()))?;
        let groups = usable_groups(person, entry)?;
        let role = entry.role_of(&groups);
        if role.is_none() && !self.policy_decides().await? {
            return Err(SignOnRefusal::NoRole);
        }
        let row = self.account_of(person, role).await?;
        if row.disabled {
            return Err(SignOnRefusal::Disabled);
        }
        let actor = self
            .actor(&row, &groups, role.unwrap_or(Role::Viewer), None)
            .await?;
        let seconds = i64::from(entry.fresh_days) * 24 * 3600;
        let identity = IdentityRow {
            issuer: person.issuer.clone(),
            subject: person.subject.clone(),
            user: row.id,
            provider: person.provider.clone(),
            groups: groups.clone(),
            role,
            fresh_until: now().plus_seconds(seconds),
        };
        let mut tx = self.store.begin().await.map_err(refusal)?;
        if !identity::put(&mut tx, &identity).await.map_err(refusal)? {
            return Err(SignOnRefusal::Taken);
        }
        let shown = role.unwrap_or(Role::Viewer);
        if row.role != shown {
            user::set_role(&mut tx, row.id, shown)
                .await
                .map_err(refusal)?;
            let words = format!("{}: {} after {}", row.name, shown.word(), row.role.word());
            tx.record(Act::by(&actor, "set role", words).because("by the groups of the login"));
        }
        let subject = format!("by {} from {from}", person.provider);
        let detail = serde_json::json!({ "groups": groups, "role": role.map(Role::word) });
        tx.record(Act::by(&actor, "log in", subject).with(detail));
        tx.commit().await.map_err(refusal)?;
        Ok((actor, groups))
    }

    /// The account behind the identity, made with it when both are new.
    async fn account_of(
        &self,
        person: &Person,
        role: Option<Role>,
    ) -> Result<UserRow, SignOnRefusal> {
        let known = identity::find(&self.store, &person.issuer, &person.subject)
            .await
            .map_err(refusal)?;
        if let Some(known) = known {
            return Ok(user::get(&self.store, known.user).await.map_err(refusal)?);
        }
        check_name(&person.name).map_err(|_| SignOnRefusal::Name)?;
        let row = make(&self.store, person, role).await?;
        self.setup_pending.store(false, Ordering::Relaxed);
        Ok(row)
    }
}

/// Account and identity, both or neither: an account without would pass for one of a program.
async fn make(
    store: &Store,
    person: &Person,
    role: Option<Role>,
) -> Result<UserRow, SignOnRefusal> {
    let mut tx = store.begin().await.map_err(refusal)?;
    let row = match user::create(&mut tx, &person.name, role.unwrap_or(Role::Viewer), None).await {
        Err(StoreError::Exists { .. }) => return Err(SignOnRefusal::Taken),
        other => other.map_err(refusal)?,
    };
    let identity = IdentityRow {
        issuer: person.issuer.clone(),
        subject: person.subject.clone(),
        user: row.id,
        provider: person.provider.clone(),
        groups: Vec::new(),
        role: None,
        fresh_until: tx.now(),
    };
    if !identity::put(&mut tx, &identity).await.map_err(refusal)? {
        return Err(SignOnRefusal::Taken);
    }
    let subject = format!("{} by {}", row.name, person.provider);
    tx.record(Act::unattended(row.name.clone(), "create user", subject));
    tx.commit().await.map_err(refusal)?;
    Ok(row)
}

/// What cannot be a group is no group; without any nobody gets in, unless the operator says so.
fn usable_groups(person: &Person, entry: &OidcEntry) -> Result<Vec<String>, SignOnRefusal> {
    let mut groups: Vec<String> = person
        .groups
        .iter()
        .flatten()
        .map(|group| group.trim())
        .filter(|group| !group.is_empty() && group.chars().count() <= LONGEST_GROUP)
        .filter(|group| !group.chars().any(char::is_control))
        .map(str::to_owned)
        .collect();
    groups.sort();
    groups.dedup();
    if (groups.is_empty() && entry.require_groups) || groups.len() > MOST_GROUPS {
        return Err(SignOnRefusal::NoGroups);
    }
    Ok(groups)
}
