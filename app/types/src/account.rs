//! People, tokens and what they may do.

use crate::id::{TokenId, UserId};
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// A role. Finer policies come from Git later; every port already asks for an action and an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Permission {
    Get,
    Sync,
    Prune,
    Rollback,
    /// Commit definitions to root sources.
    Edit,
    Approve,
    Hold,
    Terminate,
    TakeOver,
    Cluster,
    Source,
    Account,
}

impl Permission {
    /// The least role that has it.
    pub fn least_role(self) -> Role {
        match self {
            Self::Get => Role::Viewer,
            Self::Sync
            | Self::Prune
            | Self::Rollback
            | Self::Edit
            | Self::Approve
            | Self::Hold
            | Self::Terminate => Role::Operator,
            Self::TakeOver | Self::Cluster | Self::Source | Self::Account => Role::Admin,
        }
    }

    /// The word in messages: `needs permission rollback (role operator)`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Sync => "sync",
            Self::Prune => "prune",
            Self::Rollback => "rollback",
            Self::Edit => "edit",
            Self::Approve => "approve",
            Self::Hold => "hold",
            Self::Terminate => "terminate",
            Self::TakeOver => "take over",
            Self::Cluster => "cluster",
            Self::Source => "source",
            Self::Account => "account",
        }
    }
}

/// Who asks. Every port method takes one and authorises inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub user: UserId,
    pub name: String,
    pub role: Role,
    /// The token used, when it was not a browser session.
    pub token: Option<TokenId>,
}

impl Actor {
    /// Whether the role suffices. Objects are checked where they are known.
    pub fn may(&self, permission: Permission) -> bool {
        self.role >= permission.least_role()
    }
}

/// An account in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    pub id: UserId,
    pub name: String,
    pub role: Role,
    pub disabled: bool,
    pub created_at: Micros,
    pub last_seen: Option<Micros>,
}

/// An API token in the list. The token itself is shown once, when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenView {
    pub id: TokenId,
    pub user: String,
    pub label: String,
    pub created_at: Micros,
    pub last_used: Option<Micros>,
    pub expires_at: Option<Micros>,
    pub revoked: bool,
}
