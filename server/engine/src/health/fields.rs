//! Reading fields of loosely typed bodies. Absent and wrongly typed are the same: the zero value.

use lockstep_types::health::{Health, HealthStatus};
use serde_json::Value;

pub(super) fn text<'a>(body: &'a Value, pointer: &str) -> &'a str {
    body.pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(super) fn number(body: &Value, pointer: &str) -> i64 {
    body.pointer(pointer)
        .and_then(Value::as_i64)
        .unwrap_or_default()
}

pub(super) fn flag(body: &Value, pointer: &str) -> bool {
    body.pointer(pointer)
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

pub(super) fn list<'a>(body: &'a Value, pointer: &str) -> &'a [Value] {
    body.pointer(pointer)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// `spec.replicas`, which is 1 when nobody says otherwise.
pub(super) fn replicas(body: &Value) -> i64 {
    body.pointer("/spec/replicas")
        .and_then(Value::as_i64)
        .unwrap_or(1)
}

/// The controller has not looked at the present spec yet.
pub(super) fn unobserved(body: &Value) -> bool {
    number(body, "/status/observedGeneration") < number(body, "/metadata/generation")
}

/// One entry of `status.conditions`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condition<'a>(&'a Value);

impl<'a> Condition<'a> {
    pub(super) fn of(entry: &'a Value) -> Self {
        Self(entry)
    }

    pub(super) fn kind(self) -> &'a str {
        text(self.0, "/type")
    }

    pub(super) fn is(self, status: &str) -> bool {
        text(self.0, "/status") == status
    }

    pub(super) fn reason(self) -> &'a str {
        text(self.0, "/reason")
    }

    /// Its message, else its reason, else `otherwise`.
    pub(super) fn words(self, otherwise: &'a str) -> &'a str {
        [text(self.0, "/message"), self.reason(), otherwise]
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }
}

pub(super) fn conditions(body: &Value) -> impl Iterator<Item = Condition<'_>> {
    list(body, "/status/conditions").iter().map(Condition)
}

pub(super) fn condition<'a>(body: &'a Value, kind: &str) -> Option<Condition<'a>> {
    conditions(body).find(|condition| condition.kind() == kind)
}

pub(super) fn healthy() -> Health {
    Health::healthy()
}

pub(super) fn progressing(message: impl Into<String>) -> Health {
    Health::new(HealthStatus::Progressing, message)
}

pub(super) fn degraded(message: impl Into<String>) -> Health {
    Health::new(HealthStatus::Degraded, message)
}

pub(super) fn suspended(message: impl Into<String>) -> Health {
    Health::new(HealthStatus::Suspended, message)
}

/// `1 pod`, `2 pods`.
pub(super) fn count(number: i64, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
