//! The policy in force as people see it, and questions to it.

use crate::account::Role;
use crate::id::SourceId;
use crate::policy::{LineRef, PolicyFile, PolicyProblem, Verdict};
use crate::revision::Revision;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// Everything about who may do what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessView {
    /// The source that holds the policy; `None`: the roles of the accounts count.
    pub source: Option<PolicySource>,
    /// What is in force; `None` until the source was read once without a problem.
    pub in_force: Option<PolicyInForce>,
    /// What is wrong with the newest commit. The policy before it stays in force.
    pub problems: Vec<PolicyProblem>,
    /// The newest commit that was read.
    pub tried: Option<Revision>,
    pub read_at: Option<Micros>,
    pub roles: Vec<RoleView>,
    pub people: Vec<PersonView>,
    /// Sources that could hold the policy.
    pub choices: Vec<PolicySource>,
}

/// A source, as it is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicySource {
    pub id: SourceId,
    pub name: String,
}

/// A policy that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyInForce {
    pub revision: Revision,
    pub since: Option<Micros>,
    pub files: Vec<PolicyFile>,
    pub default_role: Option<String>,
}

/// A role with its lines and who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoleView {
    pub name: String,
    pub built_in: bool,
    pub lines: Vec<LineRef>,
    pub members: Vec<MemberView>,
}

/// Somebody or some group that has a role by a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemberView {
    pub name: String,
    pub place: LineRef,
}

/// An account and the roles it has now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PersonView {
    pub name: String,
    /// Of the account: it counts without a policy, and an administrator stays one beside it.
    pub account: Role,
    pub roles: Vec<String>,
    pub disabled: bool,
}

/// May SUBJECT do ACTION on OBJECT?
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// An account, a group or a role; empty: whoever asks.
    #[serde(default)]
    pub subject: String,
    /// `sync`, or resource and action: `clusters/get`.
    pub action: String,
    /// `project/application`, or a name. Empty: whether there is anything.
    #[serde(default)]
    pub object: String,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuestionAnswer {
    pub subject: String,
    pub resource: String,
    pub action: String,
    pub object: String,
    pub verdict: Verdict,
}
