//! CEL expressions, with the functions Flux offers them: the standard ones, strings, lists, optional fields, base64.
//!
//! Runs in the child only: an expression cannot be stopped half-way.

use super::EXPRESSION_BYTES;
use cel::objects::{Key, Map};
use cel::{Context, Env, ExecutionError, extensions};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// Why there is neither yes nor no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The object lacks a field that is read; it may come.
    Lacks(String),
    /// The expression is wrong for this object, or for any.
    Wrong(String),
}

/// Evaluates to true or false.
pub(super) fn holds(expression: &str, variables: &[(&str, &Value)]) -> Result<bool, Failure> {
    if expression.len() > EXPRESSION_BYTES {
        return Err(Failure::Wrong(format!(
            "is longer than {} KiB",
            EXPRESSION_BYTES >> 10
        )));
    }
    let wrong = |text: String| Failure::Wrong(format!("cannot be evaluated: {}", line(&text)));
    let mut env = Env::stdlib();
    for extension in [extensions::strings, extensions::lists, extensions::encoders] {
        env.add_extension(extension)
            .map_err(|error| wrong(error.to_string()))?;
    }
    let program = env.compile(expression).map_err(|errors| {
        let first = errors.errors.first();
        Failure::Wrong(format!(
            "cannot be read: {}",
            first.map_or_else(|| "it is empty".to_owned(), |error| line(&error.msg))
        ))
    })?;
    let mut context = Context::with_env(Arc::new(env));
    for (name, value) in variables {
        context.add_variable_from_value(*name, of_json(value));
    }
    match program.execute(&context) {
        Ok(cel::Value::Bool(holds)) => Ok(holds),
        Ok(other) => Err(Failure::Wrong(format!(
            "gives {} instead of true or false",
            other.type_of()
        ))),
        Err(ExecutionError::NoSuchKey(name) | ExecutionError::UndeclaredReference(name)) => {
            Err(Failure::Lacks(name.to_string()))
        }
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// Whole numbers are `int`, as they are for Kubernetes.
fn of_json(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(flag) => cel::Value::Bool(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => cel::Value::Int(whole),
            None => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(of_json).collect())),
        Value::Object(fields) => {
            let map: HashMap<Key, cel::Value> = fields
                .iter()
                .map(|(name, value)| (Key::from(name.clone()), of_json(value)))
                .collect();
            cel::Value::Map(Map { map: Arc::new(map) })
        }
    }
}

/// The first line, not endless and without control characters.
pub(super) fn line(text: &str) -> String {
    let first = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let first: String = first.chars().filter(|c| !c.is_control()).collect();
    match first.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &first[..end]),
        None => first,
    }
}
