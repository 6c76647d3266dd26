//! People, tokens and what they may do.

use crate::id::{TokenId, UserId};
use crate::policy::{self, Rights, TokenScope, Verdict};
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// The role of an account. Where a policy from Git is in force, only `Admin` counts beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Role {
    Viewer,
    Operator,
    Admin,
}

impl Role {
    /// The word on screen and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Reads what [`Role::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Viewer, Self::Operator, Self::Admin]
            .into_iter()
            .find(|role| role.word() == word)
    }
}

/// What is asked for. How a policy calls it is in [`crate::policy::asks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Permission {
    Get,
    Sync,
    Prune,
    Force,
    Rollback,
    /// Sync something else than what Git declares.
    Override,
    /// Commit new definitions to root sources.
    Create,
    /// Commit changed definitions.
    Edit,
    /// Commit that a definition goes, and decide about what it left behind.
    Delete,
    Approve,
    Hold,
    Terminate,
    AcceptDrift,
    /// Actions on objects, such as a restart.
    Action,
    Logs,
    /// Commit changed projects, which limit applications.
    Project,
    SeeClusters,
    Cluster,
    ForgetCluster,
    SeeSources,
    Source,
    ForgetSource,
    TakeOver,
    Account,
    SeePolicy,
    Policy,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::Get,
        Self::Sync,
        Self::Prune,
        Self::Force,
        Self::Rollback,
        Self::Override,
        Self::Create,
        Self::Edit,
        Self::Delete,
        Self::Approve,
        Self::Hold,
        Self::Terminate,
        Self::AcceptDrift,
        Self::Action,
        Self::Logs,
        Self::Project,
        Self::SeeClusters,
        Self::Cluster,
        Self::ForgetCluster,
        Self::SeeSources,
        Self::Source,
        Self::ForgetSource,
        Self::TakeOver,
        Self::Account,
        Self::SeePolicy,
        Self::Policy,
    ];

    /// The least built-in role that has it.
    pub fn least_role(self) -> Role {
        let object = "p/a";
        let (resource, actions) = policy::asks(self);
        [Role::Viewer, Role::Operator]
            .into_iter()
            .find(|role| {
                policy::of_role(*role)
                    .decide(resource, actions, object)
                    .allowed
            })
            .unwrap_or(Role::Admin)
    }

    /// The word in messages: `needs permission rollback (role operator)`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Sync => "sync",
            Self::Prune => "prune",
            Self::Force => "force",
            Self::Rollback => "rollback",
            Self::Override => "override",
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::Approve => "approve",
            Self::Hold => "hold",
            Self::Terminate => "terminate",
            Self::AcceptDrift => "accept drift",
            Self::Action => "action",
            Self::Logs => "logs",
            Self::Project => "project",
            Self::SeeClusters => "see clusters",
            Self::Cluster => "cluster",
            Self::ForgetCluster => "forget cluster",
            Self::SeeSources => "see sources",
            Self::Source => "source",
            Self::ForgetSource => "forget source",
            Self::TakeOver => "take over",
            Self::Account => "account",
            Self::SeePolicy => "see policy",
            Self::Policy => "policy",
        }
    }
}

/// Who asks. Every port method takes one and authorises inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Actor {
    pub user: UserId,
    pub name: String,
    /// Of the account. What it may is in `rights`.
    pub role: Role,
    /// The token used, when it was not a browser session.
    pub token: Option<TokenId>,
    #[serde(default)]
    pub rights: Rights,
}

impl Actor {
    /// Whether there is anything on which this is allowed. Objects are checked where they are known.
    pub fn may(&self, permission: Permission) -> bool {
        self.may_on(permission, policy::ANYTHING)
    }

    /// Whether this is allowed on an object: `project/name` of an application, the name of a cluster or account, the
    /// address of a repository.
    pub fn may_on(&self, permission: Permission, object: &str) -> bool {
        self.decide(permission, object).allowed
    }

    /// Whether this is allowed on every object there is or could be, so that nothing has to be left out of a list.
    pub fn may_on_all(&self, permission: Permission) -> bool {
        self.rights.on_all(self.role, permission)
    }

    /// The same as [`Actor::may_on`] with the reason.
    pub fn decide(&self, permission: Permission, object: &str) -> Verdict {
        self.rights.decide(self.role, permission, object)
    }
}

/// An account in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserView {
    pub id: UserId,
    pub name: String,
    pub role: Role,
    pub disabled: bool,
    pub created_at: Micros,
    pub last_seen: Option<Micros>,
    /// Where the person logs in, when not here.
    #[serde(default)]
    pub provider: Option<String>,
    /// Whether a second factor is asked for.
    #[serde(default)]
    pub factor: bool,
    /// Has no login at all: it acts by tokens.
    #[serde(default)]
    pub automation: bool,
}

/// An API token in the list. The token itself is shown once, when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenView {
    pub id: TokenId,
    pub user: String,
    pub label: String,
    pub created_at: Micros,
    pub last_used: Option<Micros>,
    pub expires_at: Option<Micros>,
    pub revoked: bool,
    /// What it is limited to; `None`: it may what its owner may.
    pub scope: Option<TokenScope>,
    /// Another one has taken its place; it works until it expires.
    #[serde(default)]
    pub replaced: bool,
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewToken {
    pub label: String,
    pub days: Option<u32>,
    pub scope: Option<TokenScope>,
    /// Whose it is; `None`: of whoever asks. Of others only automation accounts.
    #[serde(default)]
    pub of: Option<UserId>,
}
