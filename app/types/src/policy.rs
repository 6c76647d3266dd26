//! Who may do what: Argo CD's policy language, so that an existing `policy.csv` can be used.
//!
//! Pure: text in, a verdict with the deciding line out. Knows no accounts, no database and no repository. Everything
//! that authorises goes through [`Lines::decide`], on the server, in pages and in the simulator alike.

mod built_in;
mod compare;
mod csv;
mod decide;
mod glob;
mod projects;
mod words;

pub use built_in::{built_in, built_in_name};
pub(crate) use decide::of_role;
pub use decide::{Lines, Rights, TokenScope, Verdict};
pub use glob::{Glob, GlobError};
pub use projects::ProjectRole;
pub use words::{ANYTHING, application, asks, asks_of_word, parse_question};

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Longest policy in bytes, all its files together.
pub const LARGEST: usize = 1024 * 1024;

/// One text of policy lines, and where its first line stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyFile {
    /// As it is shown: a path, with the key of a ConfigMap where it is in one.
    pub name: String,
    /// 1-based line of the file that the text begins at.
    pub first_line: u32,
    pub text: String,
}

impl PolicyFile {
    /// Its lines with their numbers in the file.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, &str)> {
        (0_u32..)
            .zip(self.text.lines())
            .map(|(below, line)| (self.first_line.saturating_add(below), line))
    }
}

/// Everything that a policy is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyText {
    pub files: Vec<PolicyFile>,
    /// `policy.default`: the role that everybody has.
    pub default_role: Option<String>,
    /// `spec.roles` of the projects in the same source.
    pub projects: Vec<ProjectRole>,
}

/// Where a line stands and what it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LineRef {
    pub file: String,
    /// 1-based.
    pub line: u32,
    pub text: String,
}

/// A line that cannot be used. One is enough to refuse the whole policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyProblem {
    pub file: String,
    pub line: u32,
    pub message: String,
    pub next: String,
}

/// `p, subject, resource, action, object, effect`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rule {
    pub subject: String,
    pub resource: Glob,
    pub action: Glob,
    pub object: Glob,
    pub allow: bool,
    pub place: LineRef,
}

/// `g, member, role`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Membership {
    pub member: String,
    pub role: String,
    pub place: LineRef,
}

/// A policy that was read whole, the built-in roles included.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    rules: Vec<Rule>,
    memberships: Vec<Membership>,
    default_role: Option<String>,
}

impl Policy {
    /// Reads a policy on top of the built-in roles.
    ///
    /// # Errors
    /// Every line that cannot be used. Nothing of the policy counts then.
    pub fn read(text: &PolicyText) -> Result<Self, Vec<PolicyProblem>> {
        let mut policy = built_in().clone();
        let mut problems = Vec::new();
        let size: usize = text.files.iter().map(|file| file.text.len()).sum();
        if size > LARGEST {
            return Err(vec![PolicyProblem {
                file: text
                    .files
                    .first()
                    .map(|file| file.name.clone())
                    .unwrap_or_default(),
                line: 1,
                message: format!("the policy has {size} bytes, more than {LARGEST}"),
                next: "Give rights to roles and groups instead of to persons.".to_owned(),
            }]);
        }
        for file in &text.files {
            policy.add(file, &mut problems);
        }
        for role in &text.projects {
            policy.add_project_role(role, &mut problems);
        }
        policy.default_role = text.default_role.clone().filter(|role| !role.is_empty());
        if problems.is_empty() {
            Ok(policy)
        } else {
            Err(problems)
        }
    }

    fn add(&mut self, file: &PolicyFile, problems: &mut Vec<PolicyProblem>) {
        for (number, text) in file.numbered() {
            let place = LineRef {
                file: file.name.clone(),
                line: number,
                text: text.trim().to_owned(),
            };
            match csv::line(place) {
                Ok(None) => {}
                Ok(Some(csv::Line::Rule(rule))) => self.rules.push(*rule),
                Ok(Some(csv::Line::Member(member))) => self.memberships.push(member),
                Err(problem) => problems.push(problem),
            }
        }
    }

    /// The role that everybody has.
    pub fn default_role(&self) -> Option<&str> {
        self.default_role.as_deref()
    }

    /// All lines about permissions, the built-in ones first.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// All lines about memberships, the built-in ones first.
    pub fn memberships(&self) -> &[Membership] {
        &self.memberships
    }

    /// The lines that concern somebody: their own, those of their roles, and those of the default role apart.
    pub fn lines_of(&self, subjects: &[&str]) -> Lines {
        let own = self.closure(subjects.iter().copied());
        let floor = self.closure(self.default_role.as_deref());
        let of = |names: &BTreeSet<&str>| {
            self.rules
                .iter()
                .filter(|rule| names.contains(rule.subject.as_str()))
                .cloned()
                .collect()
        };
        Lines {
            own: of(&own),
            floor: of(&floor),
        }
    }

    /// The roles that somebody has, directly and through other roles, in order of name.
    pub fn roles_of(&self, subjects: &[&str]) -> Vec<String> {
        let all = self.closure(subjects.iter().copied().chain(self.default_role.as_deref()));
        all.into_iter()
            .filter(|name| !subjects.contains(name))
            .map(str::to_owned)
            .collect()
    }

    /// Who has each role by a line of their own, built-in plumbing left out.
    pub fn members(&self) -> BTreeMap<String, Vec<Membership>> {
        let mut members: BTreeMap<String, Vec<Membership>> = BTreeMap::new();
        for membership in self
            .memberships
            .iter()
            .filter(|member| member.place.file != built_in_name())
        {
            members
                .entry(membership.role.clone())
                .or_default()
                .push(membership.clone());
        }
        members
    }

    fn closure<'a>(&'a self, start: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = start.into_iter().collect();
        while let Some(name) = open.pop() {
            if !found.insert(name) {
                continue;
            }
            let roles = self
                .memberships
                .iter()
                .filter(|member| member.member == name);
            open.extend(roles.map(|member| member.role.as_str()));
        }
        found
    }
}

#[cfg(test)]
mod tests;
