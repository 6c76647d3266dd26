//! The one place that decides.
//!
//! First the default role: what it allows or denies is final. Then all lines of the person, of the groups and of their
//! roles together: a line that denies beats every line that allows, whatever their order. Without a line: no.

use super::words::{self, ANYTHING};
use super::{LineRef, Policy, Rule, built_in};
use crate::account::{Permission, Role};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// The lines of a policy that concern one person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lines {
    /// Their own and those of their roles.
    pub own: Vec<Rule>,
    /// Those of the default role: nothing overrules them.
    pub floor: Vec<Rule>,
}

/// A token that may less than its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenScope {
    /// At most what this role may.
    pub role: Role,
    /// Only in these projects; globs. Empty: in all, and beside them.
    pub projects: Vec<String>,
}

/// What somebody may.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rights {
    /// What the policy in force says of them; `None` where none is in force and the role of the account counts.
    pub policy: Option<Lines>,
    /// Of the token that was used.
    pub scope: Option<TokenScope>,
}

/// An answer and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PolicyVerdict))]
pub struct Verdict {
    pub allowed: bool,
    /// One sentence.
    pub why: String,
    /// The line that decided.
    pub line: Option<LineRef>,
}

impl Lines {
    /// Decides about a resource, the words that mean the action (see [`words::asks`]) and an object.
    pub fn decide(&self, resource: &str, actions: &[&str], object: &str) -> Verdict {
        for rules in [&self.floor, &self.own] {
            for action in actions {
                if let Some(rule) = deciding(rules, resource, action, object) {
                    return said(rule);
                }
            }
        }
        let action = actions.first().copied().unwrap_or_default();
        let on = if object == ANYTHING {
            "anything"
        } else {
            object
        };
        Verdict {
            allowed: false,
            why: format!("no line allows {resource}, {action} on {on}"),
            line: None,
        }
    }
}

impl Lines {
    /// Whether this is allowed on every object that could be named.
    fn on_all(&self, resource: &str, actions: &[&str]) -> bool {
        for rules in [&self.floor, &self.own] {
            for action in actions {
                let mut fitting = rules
                    .iter()
                    .filter(|rule| rule.resource.fits(resource) && rule.action.fits(action))
                    .peekable();
                if fitting.peek().is_none() {
                    continue;
                }
                let (denies, allows): (Vec<&Rule>, Vec<&Rule>) =
                    fitting.partition(|rule| !rule.allow);
                if allows.iter().any(|rule| rule.object.fits_all()) {
                    return denies.is_empty();
                }
                if !denies.is_empty() {
                    return false;
                }
            }
        }
        false
    }
}

fn deciding<'a>(rules: &'a [Rule], resource: &str, action: &str, object: &str) -> Option<&'a Rule> {
    let fitting = |allow: bool| {
        rules.iter().find(|rule| {
            rule.allow == allow
                && rule.resource.fits(resource)
                && rule.action.fits(action)
                // Whether there is anything: only a line that denies everything says no.
                && if object == ANYTHING { allow || rule.object.fits_all() } else { rule.object.fits(object) }
        })
    };
    fitting(false).or_else(|| fitting(true))
}

fn said(rule: &Rule) -> Verdict {
    let verb = if rule.allow { "allowed" } else { "denied" };
    Verdict {
        allowed: rule.allow,
        why: format!("{verb} by {}:{}", rule.place.file, rule.place.line),
        line: Some(rule.place.clone()),
    }
}

static BY_ROLE: LazyLock<[Lines; 3]> = LazyLock::new(|| {
    [Role::Viewer, Role::Operator, Role::Admin].map(|role| lines_of_role(built_in(), role))
});

fn lines_of_role(policy: &Policy, role: Role) -> Lines {
    policy.lines_of(&[&format!("role:{}", role.word())])
}

/// The lines of a built-in role.
pub(crate) fn of_role(role: Role) -> &'static Lines {
    let [viewer, operator, admin] = &*BY_ROLE;
    match role {
        Role::Viewer => viewer,
        Role::Operator => operator,
        Role::Admin => admin,
    }
}

impl Rights {
    /// Decides for somebody whose account has this role.
    pub fn decide(&self, role: Role, permission: Permission, object: &str) -> Verdict {
        let (resource, actions) = words::asks(permission);
        self.decide_words(role, resource, actions, object)
    }

    /// Whether this is allowed on everything.
    pub fn on_all(&self, role: Role, permission: Permission) -> bool {
        let (resource, actions) = words::asks(permission);
        let lines = self.policy.as_ref().unwrap_or_else(|| of_role(role));
        let scope = self.scope.as_ref().is_none_or(|scope| {
            scope.projects.is_empty() && of_role(scope.role).on_all(resource, actions)
        });
        scope && lines.on_all(resource, actions)
    }

    /// The same in the words of a policy.
    pub fn decide_words(
        &self,
        role: Role,
        resource: &str,
        actions: &[&str],
        object: &str,
    ) -> Verdict {
        let first = match &self.policy {
            None => of_role(role).decide(resource, actions, object),
            // Whoever runs the server cannot be locked out of repairing the policy.
            Some(_) if role == Role::Admin && matches!(resource, "policy" | "accounts") => {
                of_role(role).decide(resource, actions, object)
            }
            Some(lines) => lines.decide(resource, actions, object),
        };
        match &self.scope {
            Some(scope) if first.allowed => scope.narrow(first, resource, actions, object),
            _ => first,
        }
    }
}

impl TokenScope {
    fn narrow(&self, first: Verdict, resource: &str, actions: &[&str], object: &str) -> Verdict {
        let refuse = |why: String| Verdict {
            allowed: false,
            why,
            line: None,
        };
        let action = actions.first().copied().unwrap_or_default();
        if !of_role(self.role).decide(resource, actions, object).allowed {
            return refuse(format!(
                "the token is limited to the role {}, which does not have {resource}, {action}",
                self.role.word()
            ));
        }
        let of_project = matches!(
            resource,
            "applications" | "applicationsets" | "logs" | "exec"
        );
        if self.projects.is_empty() || (of_project && object == ANYTHING) {
            return first;
        }
        if !of_project {
            return if action == "get" {
                first
            } else {
                refuse("the token is limited to projects, and this is not in one".to_owned())
            };
        }
        let project = object
            .split_once('/')
            .map_or(object, |(project, _)| project);
        let fits =
            |pattern: &String| super::Glob::new(pattern).is_ok_and(|glob| glob.fits(project));
        if self.projects.iter().any(fits) {
            first
        } else {
            refuse(format!(
                "the token is limited to the projects {}",
                self.projects.join(", ")
            ))
        }
    }
}
