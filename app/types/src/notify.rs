//! Who is told of incidents and commits, how, and what came of it.

use crate::alert::{AlertRules, Condition, Severity};
use crate::id::{MessageId, ReceiverId, RouteId, StatusHostId};
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// How a receiver is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    Webhook,
    Slack,
    Teams,
    PagerDuty,
    Email,
}

impl Channel {
    /// All of them, in the order of the form.
    pub const ALL: [Self; 5] = [
        Self::Slack,
        Self::Teams,
        Self::Email,
        Self::PagerDuty,
        Self::Webhook,
    ];

    /// The word in forms and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::PagerDuty => "pager-duty",
            Self::Email => "email",
        }
    }

    /// Reads what [`Channel::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }

    /// The name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Webhook => "Webhook",
            Self::Slack => "Slack, Mattermost",
            Self::Teams => "Microsoft Teams",
            Self::PagerDuty => "PagerDuty",
            Self::Email => "E-mail",
        }
    }
}

/// A receiver. Its address may hold a secret, so that only the host is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiverView {
    pub id: ReceiverId,
    pub name: String,
    pub channel: Channel,
    /// Host of the address; for mail also to whom.
    pub place: String,
    /// Empty: the text that Lockstep writes.
    pub template: String,
    pub created_at: Micros,
}

/// A new receiver. Address, user and secret are write-only.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewReceiver {
    pub name: String,
    /// A word of [`Channel`].
    pub channel: String,
    /// `https://…`; for mail `smtp://host:587` or `smtps://host`. Empty for PagerDuty's own.
    #[serde(default)]
    pub address: String,
    /// Signing key of a webhook, routing key of PagerDuty, password of the mail server.
    #[serde(default)]
    pub secret: String,
    #[serde(default)]
    pub username: String,
    /// Sender of mail.
    #[serde(default)]
    pub from: String,
    /// Recipients of mail, with commas between.
    #[serde(default)]
    pub to: String,
    #[serde(default)]
    pub template: String,
}

/// Hours of the day at which only critical alerts are sent; the others wait for their end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quiet {
    /// Minutes after midnight.
    pub from: u16,
    pub until: u16,
    /// As the time zone database names it.
    pub zone: String,
}

/// Which alerts go to a receiver. A receiver without any route gets all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Route {
    /// Empty: all conditions.
    pub conditions: Vec<Condition>,
    pub least: Severity,
    /// `team=a`, `cluster=prod-*`; all must hold.
    pub labels: Vec<(String, String)>,
    pub quiet: Option<Quiet>,
    /// Only what is still open so many seconds after its opening: escalation.
    pub after_seconds: u32,
}

/// A route in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RouteView {
    pub id: RouteId,
    pub receiver: ReceiverId,
    pub receiver_name: String,
    pub route: Route,
}

/// A new route, as the form sends it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRoute {
    pub receiver: String,
    /// A word of [`Condition`], or empty for all.
    #[serde(default)]
    pub condition: String,
    #[serde(default)]
    pub least: String,
    /// `team=a, cluster=prod-*`.
    #[serde(default)]
    pub labels: String,
    /// `22:00-07:00 Europe/Berlin`; empty: never quiet.
    #[serde(default)]
    pub quiet: String,
    #[serde(default)]
    pub after_minutes: u32,
}

/// What a Git host speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum StatusProvider {
    Github,
    Gitlab,
    Gitea,
}

impl StatusProvider {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Github, Self::Gitlab, Self::Gitea];

    /// The word in forms and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Gitea => "gitea",
        }
    }

    /// Reads what [`StatusProvider::word`] writes.
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
        }
    }
}

/// A host that is told how its commits fare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatusHostView {
    pub id: StatusHostId,
    /// Repositories whose address begins so.
    pub prefix: String,
    pub provider: StatusProvider,
    /// Without one the login of the source is used.
    pub has_token: bool,
    /// Open pull requests get one comment each with what they would do.
    #[serde(default)]
    pub comments: bool,
}

/// A new host for commit statuses.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewStatusHost {
    pub prefix: String,
    /// A word of [`StatusProvider`].
    pub provider: String,
    /// Write-only.
    #[serde(default)]
    pub token: String,
    /// Open pull requests against a tracked branch get one comment each with what they would do. Everybody who reads the
    /// repository then reads names of applications, clusters and objects.
    #[serde(default)]
    pub comments: bool,
}

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MessageState {
    Queued,
    /// An attempt is on its way.
    Sending,
    Sent,
    /// Tried often enough.
    Failed,
    /// The server ended while it was sent: it is not sent again, because that could be twice.
    Unsure,
    /// Given up because too many waited, or because what it tells is no longer so.
    Dropped,
}

impl MessageState {
    /// The word in the database and on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Unsure => "unsure",
            Self::Dropped => "dropped",
        }
    }

    /// Reads what [`MessageState::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Queued,
            Self::Sending,
            Self::Sent,
            Self::Failed,
            Self::Unsure,
            Self::Dropped,
        ]
        .into_iter()
        .find(|state| state.word() == word)
    }
}

/// A line of the log of what went out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageView {
    pub id: MessageId,
    /// Receiver or repository.
    pub to: String,
    /// First line of the message.
    pub what: String,
    pub state: MessageState,
    pub attempts: u32,
    pub created_at: Micros,
    /// The next attempt while it is queued, else when it was over.
    pub at: Micros,
    /// Why the last attempt failed, or what else is to be said; empty when all is well.
    pub error: String,
}

/// What the definitions in Git ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subscription {
    /// Where it stands.
    pub place: String,
    /// `on-health-degraded → slack/my-channel`.
    pub asks: String,
    /// Why it comes to nothing here; empty when it is in force.
    pub problem: String,
}

/// Everything of the settings page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotifyView {
    pub receivers: Vec<ReceiverView>,
    pub routes: Vec<RouteView>,
    pub rules: AlertRules,
    pub hosts: Vec<StatusHostView>,
    pub subscriptions: Vec<Subscription>,
    /// Newest first.
    pub messages: Vec<MessageView>,
    /// Given up because too many waited.
    pub dropped: u32,
}

/// A template, tried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TemplatePreview {
    pub text: String,
    /// Why the text is Lockstep's own; empty when the template is good.
    pub error: String,
}
