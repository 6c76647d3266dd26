//! Kinds of custom resources whose conventions differ from those of kstatus, as tables of what their status says.
//!
//! The first row of a rule that holds decides; when none does, the rules of [`super::generic`] do. What each rule rests
//! on is named beside it; the files below `cases/` show it object by object.

mod argo;
mod cert_manager;
mod crossplane;
mod gateway;
mod others;

use super::fields::{Condition, flag, list, number, text};
use lockstep_types::health::{Health, HealthStatus};
use serde_json::Value;

/// How the kinds of one API group are judged.
pub(super) struct Rule {
    /// `*.` stands for any name before the rest.
    pub group: &'static str,
    /// Empty: all kinds of the group.
    pub kinds: &'static [&'static str],
    pub rows: &'static [Row],
}

/// One line of a table.
pub(super) struct Row {
    pub when: When,
    pub gives: HealthStatus,
    /// What is said when the object gives no words of its own.
    pub says: &'static str,
}

/// What a row looks for.
pub(super) enum When {
    /// A condition of this type and status, with one of the reasons, if any are given.
    Condition(&'static str, &'static str, &'static [&'static str]),
    /// The same in any entry of a list of the status that holds conditions of its own.
    AnyOf(
        &'static str,
        &'static str,
        &'static str,
        &'static [&'static str],
    ),
    /// There is no condition of this type.
    Without(&'static str),
    /// The field holds one of the words; the second field has a message.
    Field(&'static str, &'static [&'static str], &'static str),
    /// The field is true.
    Flag(&'static str),
    /// The field is absent or empty.
    Empty(&'static str),
    /// The controller has not looked at the present spec yet.
    Unobserved,
}

use HealthStatus::{Degraded, Healthy, Progressing, Suspended};
use When::{AnyOf, Condition as Has, Empty, Field, Flag, Unobserved, Without};

const fn row(when: When, gives: HealthStatus, says: &'static str) -> Row {
    Row { when, gives, says }
}

/// Most controllers write `observedGeneration`.
const UNSEEN: Row = row(
    Unobserved,
    Progressing,
    "its controller has not looked at it yet",
);

const RULES: [&[Rule]; 5] = [
    cert_manager::RULES,
    argo::RULES,
    crossplane::RULES,
    gateway::RULES,
    others::RULES,
];

/// The health by the table, where a row of it holds.
pub(super) fn health(group: &str, kind: &str, body: &Value) -> Option<Health> {
    let rule = RULES.iter().flat_map(|rules| rules.iter()).find(|rule| {
        covers(rule.group, group) && (rule.kinds.is_empty() || rule.kinds.contains(&kind))
    })?;
    rule.rows.iter().find_map(|row| row.health(body))
}

fn covers(pattern: &str, group: &str) -> bool {
    match pattern.strip_prefix("*") {
        Some(rest) => group.ends_with(rest),
        None => pattern == group,
    }
}

impl Row {
    fn health(&self, body: &Value) -> Option<Health> {
        let words = match &self.when {
            Has(kind, status, reasons) => {
                holding(body, "/status/conditions", kind, status, reasons)?.words(self.says)
            }
            AnyOf(entries, kind, status, reasons) => list(body, entries)
                .iter()
                .find_map(|entry| holding(entry, "/conditions", kind, status, reasons))?
                .words(self.says),
            Without(kind) => {
                let there = super::fields::condition(body, kind).is_some();
                (!there).then_some(self.says)?
            }
            Field(pointer, words, message) => {
                if !words.contains(&text(body, pointer)) {
                    return None;
                }
                match text(body, message) {
                    "" => self.says,
                    message => message,
                }
            }
            Flag(pointer) => flag(body, pointer).then_some(self.says)?,
            Empty(pointer) => {
                let empty = match body.pointer(pointer) {
                    None | Some(Value::Null) => true,
                    Some(Value::String(text)) => text.is_empty(),
                    Some(Value::Array(items)) => items.is_empty(),
                    Some(_) => false,
                };
                empty.then_some(self.says)?
            }
            Unobserved => {
                let observed = body
                    .pointer("/status/observedGeneration")
                    .and_then(Value::as_i64)?;
                (observed < number(body, "/metadata/generation")).then_some(self.says)?
            }
        };
        Some(match self.gives {
            Healthy => Health::healthy(),
            status => Health::new(status, words),
        })
    }
}

fn holding<'a>(
    body: &'a Value,
    pointer: &str,
    kind: &str,
    status: &str,
    reasons: &[&str],
) -> Option<Condition<'a>> {
    list(body, pointer)
        .iter()
        .map(Condition::of)
        .find(|condition| {
            condition.kind() == kind
                && condition.is(status)
                && (reasons.is_empty() || reasons.contains(&condition.reason()))
        })
}

#[cfg(test)]
mod tests;
