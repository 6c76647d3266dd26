//! `${ … }` in Helm values: the small part of Go's templates that values of bundles are written with. What goes beyond
//! it is an error with the expression in it, never text that reaches a chart unnoticed.

use crate::yaml;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What Fleet gives templates besides: a value that begins with this names a label of the cluster.
const LABEL: &str = "global.fleet.clusterLabels.";
const DEEPEST: usize = 64;

/// The names that templates may use, by their first part.
pub(super) type Context = BTreeMap<&'static str, Value>;

/// Fills in templates in all texts and keys of the values. As in Fleet, a text whose template gives a number or a map
/// becomes one, unless it is quoted by the template.
pub(super) fn fill(value: &Value, context: &Context) -> Result<Value, String> {
    walk(value, context, 0)
}

/// Fills in one text and reads the result as YAML.
pub(super) fn fill_text(text: &str, context: &Context) -> Result<Value, String> {
    read(&expand(text, context)?)
}

/// Replaces values that name a label of the cluster; a label that is not there gives an empty text.
pub(super) fn labels(value: &mut Value, labels: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(label) = text.strip_prefix(LABEL) {
                *text = labels.get(label).cloned().unwrap_or_default();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| self::labels(item, labels)),
        Value::Object(entries) => entries
            .values_mut()
            .for_each(|entry| self::labels(entry, labels)),
        _ => {}
    }
}

fn walk(value: &Value, context: &Context, depth: usize) -> Result<Value, String> {
    if depth > DEEPEST {
        return Err(format!("values are nested deeper than {DEEPEST} levels"));
    }
    Ok(match value {
        Value::String(text) if text.contains("${") => {
            let filled = expand(text, context)?;
            if text.contains('\n') {
                Value::String(filled)
            } else {
                read(&filled).unwrap_or(Value::String(filled))
            }
        }
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| walk(item, context, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(entries) => {
            let mut filled = Map::new();
            for (key, entry) in entries {
                filled.insert(expand(key, context)?, walk(entry, context, depth + 1)?);
            }
            Value::Object(filled)
        }
        other => other.clone(),
    })
}

fn read(text: &str) -> Result<Value, String> {
    let documents = yaml::documents(text).map_err(|error| error.message)?;
    match documents.as_slice() {
        [] => Ok(Value::Null),
        [only] => only.value().map_err(|error| error.message),
        _ => Err("a template gave several documents".to_owned()),
    }
}

fn expand(text: &str, context: &Context) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, after) = rest.split_at(start);
        filled.push_str(before);
        let inside = after.get(2..).unwrap_or_default();
        let end = end_of(inside).ok_or_else(|| format!("the template in “{text}” has no end"))?;
        let expression = inside.get(..end).unwrap_or_default();
        let value = evaluate(expression, context)
            .map_err(|why| format!("${{{expression}}} cannot be worked out: {why}"))?;
        filled.push_str(&shown(&value));
        rest = inside.get(end + 1..).unwrap_or_default();
    }
    filled.push_str(rest);
    Ok(filled)
}

fn end_of(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            Some('"') if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '`') => quote = Some(c),
            None if c == '}' => return Some(at),
            None => {}
        }
    }
    None
}

/// A word of an expression.
#[derive(Debug, Clone, PartialEq)]
enum Word {
    Text(String),
    Name(String),
    Pipe,
}

fn words(expression: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = expression.trim();
    while let Some(first) = rest.chars().next() {
        match first {
            '"' => {
                let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                let text = stream
                    .next()
                    .and_then(Result::ok)
                    .ok_or("a text in quotes does not end")?;
                let used = stream.byte_offset();
                words.push(Word::Text(text));
                rest = rest.get(used..).unwrap_or_default();
            }
            '`' => {
                let inside = rest.get(1..).unwrap_or_default();
                let end = inside.find('`').ok_or("a text in quotes does not end")?;
                words.push(Word::Text(inside.get(..end).unwrap_or_default().to_owned()));
                rest = inside.get(end + 1..).unwrap_or_default();
            }
            '|' => {
                words.push(Word::Pipe);
                rest = rest.get(1..).unwrap_or_default();
            }
            '(' | ')' => return Err("parentheses are not supported here".to_owned()),
            _ => {
                let end = rest
                    .find(|c: char| c.is_whitespace() || matches!(c, '|' | '"' | '`' | '(' | ')'))
                    .unwrap_or(rest.len());
                words.push(Word::Name(rest.get(..end).unwrap_or_default().to_owned()));
                rest = rest.get(end..).unwrap_or_default();
            }
        }
        rest = rest.trim_start();
    }
    Ok(words)
}

fn evaluate(expression: &str, context: &Context) -> Result<Value, String> {
    let words = words(expression)?;
    let mut result: Option<Value> = None;
    for stage in words.split(|word| *word == Word::Pipe) {
        let (head, arguments) = stage.split_first().ok_or("a part of it is empty")?;
        let mut values = arguments
            .iter()
            .map(|word| operand(word, context))
            .collect::<Result<Vec<_>, _>>()?;
        result = Some(match head {
            Word::Name(name) if is_function(name) => {
                values.extend(result.take());
                call(name, &values)?
            }
            word if values.is_empty() && result.is_none() => operand(word, context)?,
            _ => return Err("it is no value and no function".to_owned()),
        });
    }
    result.ok_or_else(|| "it is empty".to_owned())
}

fn is_function(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && !matches!(name, "true" | "false")
}

fn operand(word: &Word, context: &Context) -> Result<Value, String> {
    let name = match word {
        Word::Text(text) => return Ok(Value::String(text.clone())),
        Word::Name(name) => name,
        Word::Pipe => return Err("a part of it is empty".to_owned()),
    };
    let Some(path) = name.strip_prefix('.') else {
        return serde_json::from_str::<Value>(name)
            .map_err(|_| format!("{name} is no name, number or text in quotes"));
    };
    let mut parts = path.split('.');
    let first = parts.next().unwrap_or_default();
    let mut value = context
        .get(first)
        .ok_or_else(|| format!("there is no .{first}"))?;
    for part in parts {
        value = value
            .get(part)
            .ok_or_else(|| format!("the cluster has no {part} in .{first}"))?;
    }
    Ok(value.clone())
}

fn call(name: &str, values: &[Value]) -> Result<Value, String> {
    let text = |at: usize| {
        values
            .get(at)
            .map(shown)
            .ok_or_else(|| format!("{name} needs another argument"))
    };
    let made = match name {
        "quote" => Value::String(text(0)?).to_string(),
        "squote" => format!("'{}'", text(0)?),
        "upper" => text(0)?.to_uppercase(),
        "lower" => text(0)?.to_lowercase(),
        "trim" => text(0)?.trim().to_owned(),
        "toString" => text(0)?,
        "trimPrefix" => {
            let whole = text(1)?;
            whole
                .strip_prefix(&text(0)?)
                .map_or(whole.clone(), str::to_owned)
        }
        "trimSuffix" => {
            let whole = text(1)?;
            whole
                .strip_suffix(&text(0)?)
                .map_or(whole.clone(), str::to_owned)
        }
        "replace" => text(2)?.replace(&text(0)?, &text(1)?),
        "default" => {
            let given = values.get(1).filter(|value| !is_empty(value));
            return given
                .or_else(|| values.first())
                .cloned()
                .ok_or_else(|| "default needs an argument".to_owned());
        }
        "index" | "get" => {
            let mut value = values
                .first()
                .cloned()
                .ok_or_else(|| format!("{name} needs an argument"))?;
            for key in values.iter().skip(1) {
                value = value
                    .get(shown(key))
                    .cloned()
                    .unwrap_or_else(|| Value::String(String::new()));
            }
            return Ok(value);
        }
        other => return Err(format!("the function {other} is not supported")),
    };
    Ok(Value::String(made))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        // JSON is YAML.
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn context() -> Context {
        Context::from([
            ("ClusterName", json!("east")),
            (
                "ClusterLabels",
                json!({"env": "prod", "size": "3", "a.b/c": "x"}),
            ),
            ("ClusterValues", json!({"zone": {"id": 7}})),
        ])
    }

    #[test]
    fn what_values_are_written_with_is_worked_out() {
        for (text, expected) in [
            ("${ .ClusterName }-web", json!("east-web")),
            ("${ .ClusterLabels.size }", json!(3)),
            ("${ .ClusterLabels.size | quote }", json!("3")),
            ("${.ClusterLabels.env|upper}", json!("PROD")),
            ("${ index .ClusterLabels \"a.b/c\" }", json!("x")),
            (
                "${ get .ClusterLabels \"none\" | default \"y}\" }",
                json!("y}"),
            ),
            ("${ .ClusterValues.zone.id }", json!(7)),
            (
                "${ replace \"pr\" \"PR\" .ClusterLabels.env }",
                json!("PRod"),
            ),
            ("no template", json!("no template")),
        ] {
            assert_eq!(fill(&json!(text), &context()), Ok(expected), "{text}");
        }
        assert_eq!(
            fill(
                &json!({"${ .ClusterName }": ["${ .ClusterLabels.env }"]}),
                &context()
            ),
            Ok(json!({"east": ["prod"]}))
        );
    }

    #[test]
    fn what_cannot_be_worked_out_is_an_error() {
        for text in [
            "${ .ClusterLabels.none }",
            "${ .Nothing }",
            "${ if .ClusterName }",
            "${ (index .ClusterLabels \"env\") }",
            "${ env \"HOME\" }",
            "${ .ClusterName",
            "${ }",
        ] {
            assert!(fill(&json!(text), &context()).is_err(), "{text}");
        }
    }
}
