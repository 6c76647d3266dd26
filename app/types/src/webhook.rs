//! Webhooks that Git hosts send: a push means "look again", and nothing else.

use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WebhookProvider {
    Github,
    Gitlab,
    Gitea,
    Bitbucket,
    AzureDevops,
    Generic,
}

impl WebhookProvider {
    /// All of them, in the order of the settings page.
    pub const ALL: [Self; 6] = [
        Self::Github,
        Self::Gitlab,
        Self::Gitea,
        Self::Bitbucket,
        Self::AzureDevops,
        Self::Generic,
    ];

    /// The last part of the address, also in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Gitea => "gitea",
            Self::Bitbucket => "bitbucket",
            Self::AzureDevops => "azure-devops",
            Self::Generic => "generic",
        }
    }

    /// Reads what [`WebhookProvider::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.word() == word)
    }

    /// The name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Github => "GitHub",
            Self::Gitlab => "GitLab",
            Self::Gitea => "Gitea, Forgejo",
            Self::Bitbucket => "Bitbucket",
            Self::AzureDevops => "Azure DevOps",
            Self::Generic => "Anything else",
        }
    }

    /// Where the secret goes on that host.
    pub fn secret_place(self) -> &'static str {
        match self {
            Self::Github | Self::Gitea | Self::Bitbucket => "Secret; content type application/json",
            Self::Gitlab => "Secret token",
            Self::AzureDevops => "Basic authentication password, with any user name",
            Self::Generic => {
                "Header X-Lockstep-Signature-256: sha256=HMAC of the body, or X-Lockstep-Token"
            }
        }
    }
}

/// What came of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DeliveryOutcome {
    /// A repository is fetched because of it.
    Fetching,
    /// No source and no application reads this repository.
    UnknownRepository,
    /// The repository is read, but at none of these branches and tags.
    UnfollowedReference,
    /// The repository's pull requests are looked at because of it.
    PullRequest,
    /// Another event than a push, as the test of a host.
    NotAPush,
    /// Signed with our secret, and still not what this host sends.
    Unreadable,
}

impl DeliveryOutcome {
    /// The words on screen.
    pub fn words(self) -> &'static str {
        match self {
            Self::Fetching => "fetched at once",
            Self::UnknownRepository => "nothing reads this repository",
            Self::UnfollowedReference => "nothing follows this branch or tag",
            Self::PullRequest => "its pull requests are looked at",
            Self::NotAPush => "received; not a push",
            Self::Unreadable => "signed, but not readable",
        }
    }
}

/// A delivery with a valid signature. The names in it are the sender's claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Delivery {
    pub at: Micros,
    /// The repository that it named; empty when it named none.
    pub repository: String,
    /// Branches and tags that it named.
    pub references: Vec<String>,
    pub outcome: DeliveryOutcome,
}

/// One host in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookEndpoint {
    pub provider: WebhookProvider,
    /// To copy into the host's settings.
    pub url: String,
    pub last: Option<Delivery>,
    /// When one with a wrong or missing secret was last turned away, since the server started.
    pub refused: Option<Micros>,
}

/// Webhooks as the settings show them. The secret is never part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhooksView {
    /// `None`: there is no secret, and every delivery is refused.
    pub secret_made: Option<Micros>,
    pub endpoints: Vec<WebhookEndpoint>,
}

/// A delivery as it arrived. Nothing of it is trusted before its signature was checked.
#[derive(Clone)]
pub struct WebhookPost {
    pub provider: WebhookProvider,
    /// Names in lower case; only those that hosts sign or name events with.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}
