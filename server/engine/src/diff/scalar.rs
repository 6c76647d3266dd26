//! When two single values mean the same to the API server.

use super::quantity;
use crate::prediction::{Rule, is_on};
use crate::schema::Shape;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Equal as written; numbers by value.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || (is_on(Rule::Numbers) && one.as_f64() == other.as_f64())
        }
        _ => one == other,
    }
}

/// Equal after what the API server does to a value of this shape in a kind it decodes into a struct.
pub(super) fn same_in(shape: Option<&Shape>, typed: bool, one: &Value, other: &Value) -> bool {
    if same(one, other) {
        return true;
    }
    match shape {
        Some(Shape::Quantity) if is_on(Rule::Quantities) => {
            match (quantity::canonical(one), quantity::canonical(other)) {
                (Some(one), Some(other)) => one == other,
                _ => false,
            }
        }
        Some(Shape::Bytes) if typed && is_on(Rule::Base64) => match (bytes(one), bytes(other)) {
            (Some(one), Some(other)) => one == other,
            _ => false,
        },
        Some(Shape::Time { micros }) if is_on(Rule::Times) => {
            match (time(one, *micros), time(other, *micros)) {
                (Some(one), Some(other)) => one == other,
                _ => false,
            }
        }
        _ => false,
    }
}

/// A time as the API server keeps it; what is finer is lost.
fn time(value: &Value, micros: bool) -> Option<i64> {
    let time: jiff::Timestamp = value.as_str()?.parse().ok()?;
    Some(if micros {
        time.as_microsecond()
    } else {
        time.as_second()
    })
}

/// Base64 as the API server reads it: line breaks do not matter.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    let text: String = value
        .as_str()?
        .chars()
        .filter(|c| !matches!(c, '\n' | '\r'))
        .collect();
    STANDARD.decode(text).ok()
}

/// The zero value of its type: what `omitempty` leaves out.
pub(super) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(value) => value.is_empty(),
        Value::Array(value) => value.is_empty(),
        Value::Object(value) => value.is_empty(),
    }
}

/// Equal in every part, as what is kept as it was written.
pub(super) fn same_throughout(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| {
                    other
                        .get(key)
                        .is_some_and(|other| same_throughout(value, other))
                })
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| same_throughout(one, other))
        }
        _ => same(one, other),
    }
}

/// Equal as whole values, where maps may leave out what is null or empty on the other side.
pub(super) fn same_deep(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let covers = |one: &serde_json::Map<String, Value>,
                          other: &serde_json::Map<String, Value>| {
                one.iter().all(|(key, value)| match other.get(key) {
                    Some(other) => same_deep(value, other),
                    None => value.is_null(),
                })
            };
            covers(one, other) && covers(other, one)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| same_deep(one, other))
        }
        _ => same(one, other),
    }
}
