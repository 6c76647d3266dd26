//! Roles of an `AppProject`: policy lines that reach no further than their project.

use super::{LineRef, Membership, Policy, PolicyProblem, csv};
use serde::{Deserialize, Serialize};

/// One entry of `spec.roles`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProjectRole {
    pub project: String,
    pub name: String,
    pub policies: Vec<String>,
    pub groups: Vec<String>,
    /// The file of the project and the line that it begins at.
    pub file: String,
    pub line: u32,
}

impl ProjectRole {
    /// The subject of its lines.
    pub fn subject(&self) -> String {
        format!("proj:{}:{}", self.project, self.name)
    }

    /// What is wrong with it.
    pub fn problems(&self) -> Vec<PolicyProblem> {
        let mut problems = Vec::new();
        Policy::default().add_project_role(self, &mut problems);
        problems
    }

    fn place(&self, text: &str) -> LineRef {
        LineRef {
            file: self.file.clone(),
            line: self.line,
            text: text.trim().to_owned(),
        }
    }
}

/// What a project may give rights to.
const RESOURCES: [&str; 6] = [
    "applications",
    "applicationsets",
    "logs",
    "exec",
    "repositories",
    "clusters",
];

impl Policy {
    pub(super) fn add_project_role(
        &mut self,
        role: &ProjectRole,
        problems: &mut Vec<PolicyProblem>,
    ) {
        let subject = role.subject();
        let own = format!("p, {subject}, projects, get, {}, allow", role.project);
        for text in std::iter::once(&own).chain(&role.policies) {
            let place = role.place(text);
            let refuse = |message: String, next: &str| csv::problem(&place, message, next);
            match csv::line(place.clone()) {
                Ok(Some(csv::Line::Rule(rule))) => {
                    let object = rule.object.as_str();
                    let within = object
                        .split_once('/')
                        .is_some_and(|(project, _)| project == role.project);
                    if *text == own {
                        self.rules.push(*rule);
                    } else if rule.subject != subject {
                        problems.push(refuse(
                            format!("the subject “{}” is not this role", rule.subject),
                            &format!("Write {subject}."),
                        ));
                    } else if !RESOURCES.contains(&rule.resource.as_str()) {
                        problems.push(refuse(
                            format!("a project gives no rights to “{}”", rule.resource.as_str()),
                            "Name one of applications, applicationsets, logs, exec, repositories, clusters.",
                        ));
                    } else if !within {
                        problems.push(refuse(
                            format!(
                                "the object “{object}” is not below the project {}",
                                role.project
                            ),
                            &format!("Write {}/* or {}/NAME.", role.project, role.project),
                        ));
                    } else {
                        self.rules.push(*rule);
                    }
                }
                Ok(Some(csv::Line::Member(_)) | None) => problems.push(refuse(
                    "a policy of a project role is a line that begins with p".to_owned(),
                    "Name members under groups.",
                )),
                Err(problem) => problems.push(problem),
            }
        }
        for group in &role.groups {
            self.memberships.push(Membership {
                member: group.clone(),
                role: subject.clone(),
                place: role.place(&format!("groups: {group}")),
            });
        }
    }
}
