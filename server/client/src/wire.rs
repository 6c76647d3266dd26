//! Bodies and answers of `/api/v1` that are not already part of the vocabulary. The server uses these same types.

use lockstep_types::account::Role;
use lockstep_types::action::ActionKind;
use lockstep_types::application::HoldKind;
use lockstep_types::edit::Edit;
use lockstep_types::id::{OperationId, RunId, SourceId, TargetId, UserId};
use lockstep_types::policy::TokenScope;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::Judgement;
use serde::{Deserialize, Serialize};

/// An error as RFC 9457 has it, with the port's error inside for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ErrorDocument))]
pub struct Problem {
    /// Always `about:blank`: the status says the kind.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// The wrong field, when one is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// `POST /login`.
#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    pub name: String,
    pub password: String,
    /// What the token is for, as the list of tokens shows it.
    #[serde(default)]
    pub label: String,
    /// Days until it expires.
    #[serde(default)]
    pub days: Option<u32>,
    /// Of the second factor, where the account has one.
    #[serde(default)]
    pub code: Option<String>,
}

/// A new secret for webhooks. Shown once.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecretAnswer {
    pub secret: String,
}

/// The answer to [`LoginBody`].
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoggedIn {
    pub token: String,
    pub name: String,
    pub role: Role,
}

/// `POST …/sync`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SyncBody {
    pub prune: bool,
    /// Only these objects, each as `group/Kind:namespace/name`. Hooks are left out, and the revision does not count as
    /// deployed by it.
    pub resources: Vec<String>,
    /// Only declared objects that carry all of these, each as `name=value`, and `resources`.
    pub labels: Vec<String>,
    /// Ask the cluster what it would do with each object, and write nothing.
    pub dry_run: bool,
    /// Delete and make anew what cannot be changed in place, as the sync option `Force=true` does.
    pub force: bool,
    /// Replace what differs instead of applying it, as the sync option `Replace=true` does.
    pub replace: bool,
    pub idempotency_key: Option<String>,
}

/// What was started.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Started {
    pub operation: OperationId,
}

/// `GET /operations/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationAnswer {
    /// `None` while it waits to be picked up.
    pub run: Option<RunId>,
}

/// `POST …/act`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ActBody {
    /// `group/Kind:namespace/name`.
    pub object: String,
    pub action: ActionKind,
    /// The object that was looked at; another one of its name is not touched.
    #[serde(default)]
    pub uid: String,
    /// For `scale`.
    #[serde(default)]
    pub replicas: Option<u32>,
    #[serde(default)]
    pub reason: String,
}

/// `POST …/rollback`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RollbackBody {
    pub to: Revision,
    pub digest: String,
    pub reason: String,
    /// For review on a branch of its own, with a pull request.
    #[serde(default)]
    pub propose: bool,
    /// Take `to` back and keep what came later, instead of going back to it.
    #[serde(default)]
    pub undo: bool,
    /// Names of windows and holds not to wait for, as the preview gives them.
    #[serde(default)]
    pub overrides: Vec<String>,
}

/// `POST /apps/{id}/targets/{target}/accept`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AcceptBody {
    /// `group/Kind:namespace/name`.
    pub key: String,
    /// The field, as differences write it.
    pub path: String,
    /// Digest of the preview.
    pub digest: String,
    #[serde(default)]
    pub reason: String,
    /// On the tracked branch at once. Otherwise on a branch of its own for review, with a pull request.
    #[serde(default)]
    pub commit: bool,
}

/// `POST …/image`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ImageBody {
    /// `registry.example.org/team/web=2.0`; the last parts of the name are enough where only one image ends so.
    pub images: Vec<String>,
    #[serde(default)]
    pub reason: String,
    /// On the tracked branch at once. Otherwise on a branch of its own for review, with a pull request.
    #[serde(default)]
    pub commit: bool,
    /// Also where other applications read the file that states it.
    #[serde(default)]
    pub everywhere: bool,
    /// Write nothing, say what would be written.
    #[serde(default)]
    pub preview: bool,
}

/// `POST /apps/{id}/targets/{target}/promote`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PromoteBody {
    /// The target whose images this one shall have.
    pub from: TargetId,
    /// Of the preview.
    pub digest: String,
    #[serde(default)]
    pub reason: String,
    /// On the tracked branch at once. Otherwise on a branch of its own for review, with a pull request.
    #[serde(default)]
    pub commit: bool,
    /// Also where other applications read the file that states it.
    #[serde(default)]
    pub everywhere: bool,
}

/// `POST /edits`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EditBody {
    pub edit: Edit,
    /// Digest of the preview.
    pub digest: String,
    #[serde(default)]
    pub reason: String,
}

/// The answer of `POST /edits/template`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TemplateAnswer {
    pub text: String,
}

/// `POST …/pin`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PinBody {
    pub to: Revision,
    pub reason: String,
    pub hours: u32,
    /// Names of windows and holds not to wait for, as the preview gives them.
    #[serde(default)]
    pub overrides: Vec<String>,
    /// Of the preview with `pin=true`; without it nothing is held against what was shown.
    #[serde(default)]
    pub digest: String,
}

/// `POST …/hold`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HoldBody {
    /// Without it all writes are held.
    #[serde(default)]
    pub kind: HoldKind,
    pub reason: String,
    pub hours: u32,
}

/// `POST /apps/{id}/targets/{target}/mark`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MarkBody {
    pub revision: Revision,
    /// Without it the mark is taken away.
    #[serde(default)]
    pub judgement: Option<Judgement>,
    #[serde(default)]
    pub reason: String,
}

/// `POST /leftovers/{target}/remove`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RemovalBody {
    /// Digest of the plan that was shown.
    pub digest: String,
    /// The application's name, typed again.
    pub typed: String,
    #[serde(default)]
    pub reason: String,
}

/// `POST /approvals/{id}`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    pub digest: String,
    pub yes: bool,
}

/// `POST /sources/{id}/take-over`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TakeOverBody {
    pub digest: String,
}

/// `POST /users`.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserBody {
    pub name: String,
    pub password: String,
    pub role: Role,
}

/// `POST /users/{id}/disabled`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DisabledBody {
    pub disabled: bool,
}

/// `POST /users/{id}/password`.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordBody {
    /// Needed for one's own account.
    #[serde(default)]
    pub old: String,
    pub new: String,
}

/// `POST /tokens`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    pub label: String,
    #[serde(default)]
    pub days: Option<u32>,
    /// What it is limited to; without it, it may what its owner may.
    #[serde(default)]
    pub scope: Option<TokenScope>,
    /// Whose it is; without it, of whoever asks. Of others only automation accounts.
    #[serde(default)]
    pub of: Option<UserId>,
}

/// `POST /tokens/{id}/rotate`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateBody {
    /// So long the old token works on.
    #[serde(default = "an_hour")]
    pub minutes: u32,
}

fn an_hour() -> u32 {
    60
}

/// `POST /automation`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AutomationBody {
    pub name: String,
    pub role: Role,
}

/// The answer of `DELETE …/sessions`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ended {
    pub ended: u32,
}

/// `POST /access/source`. Without a source the roles of the accounts count.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PolicySourceBody {
    #[serde(default)]
    pub source: Option<SourceId>,
}

/// The answer to [`TokenBody`]: shown once.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = IssuedToken))]
pub struct NewToken {
    pub token: String,
}

/// Something new, by id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Created<T> {
    pub id: T,
}

/// `GET /version`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionAnswer {
    pub version: String,
}

/// `GET /events/head`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeadAnswer {
    pub head: u64,
}
