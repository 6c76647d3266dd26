//! The policy in force, questions to it, and which source holds it.

use super::allow::allow;
use super::{Plane, refuse};
use crate::authority::{InForce, subjects};
use crate::runtime::now;
use crate::store::audit::Act;
use crate::store::policy::PolicyRow;
use crate::store::{self};
use async_trait::async_trait;
use lockstep_types::PortError;
use lockstep_types::access::{
    AccessView, MemberView, PersonView, PolicyInForce, PolicySource, Question, QuestionAnswer,
    RoleView,
};
use lockstep_types::account::{Actor, Permission, Role};
use lockstep_types::id::{SourceId, UserId};
use lockstep_types::policy::{self, Policy, Rights};
use lockstep_types::ports::{AccessRules, Answer};
use lockstep_types::revision::Revision;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};

/// Longest field of a question.
const FIELD: usize = 500;

#[async_trait]
impl AccessRules for Plane {
    async fn access(&self, actor: &Actor) -> Answer<AccessView> {
        allow(actor, Permission::SeePolicy)?;
        let db = self.runtime.store();
        let in_force = self
            .runtime
            .authority()
            .in_force()
            .await
            .map_err(refuse::store)?;
        // What was tried last is news without being in force.
        let row = store::policy::get(db).await.map_err(refuse::store)?;
        let sources = store::source::list(db).await.map_err(refuse::store)?;
        let people = store::user::list(db).await.map_err(refuse::store)?;
        let policy = in_force
            .policy
            .as_ref()
            .unwrap_or_else(|| policy::built_in());
        let choices: Vec<PolicySource> = sources
            .into_iter()
            .map(|source| PolicySource {
                id: source.id,
                name: source.name,
            })
            .collect();
        // What the last login at a provider said.
        let identities = store::identity::list(db).await.map_err(refuse::store)?;
        let mut groups: HashMap<UserId, Vec<String>> = identities
            .into_iter()
            .map(|identity| (identity.user, identity.groups))
            .collect();
        let people = people
            .into_iter()
            .map(|person| PersonView {
                roles: roles_now(
                    &in_force,
                    policy,
                    &person.name,
                    &groups.remove(&person.id).unwrap_or_default(),
                    person.role,
                ),
                name: person.name,
                account: person.role,
                disabled: person.disabled,
            })
            .collect();
        Ok(AccessView {
            source: row.source.map(|id| PolicySource {
                id,
                name: row.source_name.clone(),
            }),
            in_force: in_force
                .policy
                .as_ref()
                .and_then(|policy| in_force_view(&row, policy)),
            problems: row.problems,
            tried: Some(Revision(row.tried)).filter(|revision| !revision.0.is_empty()),
            read_at: row.read_at,
            roles: roles(policy),
            people,
            choices,
        })
    }

    async fn can(&self, actor: &Actor, question: &Question) -> Answer<QuestionAnswer> {
        for (field, text) in [
            ("subject", &question.subject),
            ("action", &question.action),
            ("object", &question.object),
        ] {
            if text.len() > FIELD || text.chars().any(char::is_control) {
                return Err(PortError::invalid(
                    field,
                    format!("use up to {FIELD} characters on one line"),
                ));
            }
        }
        if question.action.trim().is_empty() {
            return Err(PortError::invalid(
                "action",
                "name an action, such as sync or clusters/get",
            ));
        }
        let (resource, action) = policy::parse_question(question.action.trim());
        let object = question.object.trim();
        let words = policy::asks_of_word(&resource, &action);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let asked = question.subject.trim();
        let own = asked.is_empty() || asked == actor.name;
        let verdict = if own {
            actor
                .rights
                .decide_words(actor.role, &resource, &words, object)
        } else {
            allow(actor, Permission::SeePolicy)?;
            let account = store::user::by_name(self.runtime.store(), asked)
                .await
                .map_err(refuse::store)?;
            let identity = match &account {
                Some(account) => store::identity::of_user(self.runtime.store(), account.id)
                    .await
                    .map_err(refuse::store)?,
                None => None,
            };
            let groups = identity.map(|identity| identity.groups).unwrap_or_default();
            let role = account.map(|account| account.role);
            let in_force = self
                .runtime
                .authority()
                .in_force()
                .await
                .map_err(refuse::store)?;
            let lines = match (&in_force.policy, role) {
                (Some(policy), role) => Some(policy.lines_of(&subjects(asked, &groups, role))),
                (None, Some(_)) => None,
                // Without a policy only accounts and the built-in roles mean something.
                (None, None) => Some(policy::built_in().lines_of(&[asked])),
            };
            Rights {
                policy: lines,
                scope: None,
            }
            .decide_words(role.unwrap_or(Role::Viewer), &resource, &words, object)
        };
        Ok(QuestionAnswer {
            subject: if own {
                actor.name.clone()
            } else {
                asked.to_owned()
            },
            resource,
            action,
            object: object.to_owned(),
            verdict,
        })
    }

    async fn choose_policy_source(&self, actor: &Actor, source: Option<SourceId>) -> Answer<()> {
        allow(actor, Permission::Policy)?;
        let chosen = match source {
            Some(id) => Some(self.source_row(id).await?),
            None => None,
        };
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        let before = store::policy::get_to_change(&mut tx)
            .await
            .map_err(refuse::store)?;
        if before.source == source {
            return tx.roll_back().await.map_err(refuse::store);
        }
        let next = match &chosen {
            // What was in force stays so until the new source was read.
            Some(row) => PolicyRow {
                source: Some(row.id),
                source_name: row.name.clone(),
                tried: String::new(),
                read_at: None,
                problems: Vec::new(),
                ..before.clone()
            },
            None => PolicyRow {
                since: Some(now()),
                ..PolicyRow::default()
            },
        };
        store::policy::put(&mut tx, &next, true)
            .await
            .map_err(refuse::store)?;
        let subject = chosen.as_ref().map_or("none", |row| row.name.as_str());
        tx.record(
            Act::by(actor, "choose policy source", subject)
                .with(json!({"before": before.source_name, "revision": before.revision})),
        );
        tx.commit().await.map_err(refuse::store)?;
        if let Some(row) = chosen {
            self.runtime.activator().activate_source(row.id);
            let repository = self.runtime.repository_key(&row.repo_url);
            self.runtime.activator().activate_repository(&repository);
        }
        Ok(())
    }
}

fn in_force_view(row: &PolicyRow, policy: &Policy) -> Option<PolicyInForce> {
    let body = row.body.as_ref()?;
    Some(PolicyInForce {
        revision: row.revision.clone(),
        since: row.since,
        files: body.files.clone(),
        default_role: policy.default_role().map(str::to_owned),
    })
}

/// The roles that an account has now, those that only carry others left out of the way of the reader.
fn roles_now(
    in_force: &InForce,
    policy: &Policy,
    name: &str,
    groups: &[String],
    role: Role,
) -> Vec<String> {
    match in_force.policy {
        Some(_) => {
            let mut roles = policy.roles_of(&subjects(name, groups, Some(role)));
            if role == Role::Admin {
                roles.insert(0, "role:admin".to_owned());
                roles.dedup();
            }
            roles
        }
        None => vec![format!("role:{}", role.word())],
    }
}

fn entry<'r>(roles: &'r mut BTreeMap<String, RoleView>, name: &str) -> &'r mut RoleView {
    roles.entry(name.to_owned()).or_insert_with(|| RoleView {
        name: name.to_owned(),
        built_in: false,
        lines: Vec::new(),
        members: Vec::new(),
    })
}

fn roles(policy: &Policy) -> Vec<RoleView> {
    let mut roles: BTreeMap<String, RoleView> = BTreeMap::new();
    for rule in policy.rules() {
        let entry = entry(&mut roles, &rule.subject);
        entry.built_in |= rule.place.file == policy::built_in_name();
        entry.lines.push(rule.place.clone());
    }
    for (name, members) in policy.members() {
        let entry = entry(&mut roles, &name);
        entry.members = members
            .into_iter()
            .map(|member| MemberView {
                name: member.member,
                place: member.place,
            })
            .collect();
    }
    roles.into_values().collect()
}
