//! Variables in rendered text, as Flux's `postBuild` puts them in. Pure: text and values in, text out.
//!
//! Only the form with braces counts: `${NAME}`, with defaults and the small functions on text that shells have.
//! Values never appear in errors.

use super::objects::Document;
use super::{RenderError, origin};
use crate::yaml;
use serde_json::Value;
use std::collections::BTreeMap;

/// Objects with this label or annotation set to `disabled` stay as they are.
const OPTION: &str = "kustomize.toolkit.fluxcd.io/substitute";
/// Defaults within defaults.
const MAX_DEPTH: usize = 16;
/// A value may be used many times; what comes out is bounded all the same.
const MAX_TEXT: usize = 16 * 1024 * 1024;

/// Splits what Kustomize printed and puts the variables into each object. Without variables nothing changes.
/// Text and not values, as in Flux: `replicas: ${N}` becomes a number.
pub(super) fn documents(
    printed: &str,
    subject: &str,
    variables: &BTreeMap<String, String>,
) -> Result<Vec<Document>, RenderError> {
    if variables.is_empty() {
        return origin::printed(printed, subject, |_| None);
    }
    let invalid = |message: String| RenderError::Invalid {
        path: subject.to_owned(),
        line: None,
        message,
    };
    let mut found = Vec::new();
    let mut written = 0;
    for document in yaml::documents(printed).map_err(|error| invalid(error.message))? {
        let before = document.value().map_err(|error| invalid(error.message))?;
        if before.is_null() {
            continue;
        }
        let body = if is_disabled(&before) {
            before
        } else {
            let text = text(document.text, variables)
                .map_err(|why| invalid(format!("{}: {why}", named(&before))))?;
            written += text.len();
            if written > MAX_TEXT {
                return Err(RenderError::TooLarge {
                    subject: format!("the manifests of {subject} with their variables"),
                    limit: "16 MiB".to_owned(),
                });
            }
            let broken = || {
                invalid(format!(
                    "{}: with its variables put in it is no YAML object any more; put quotes around them",
                    named(&before)
                ))
            };
            let documents = yaml::documents(&text).map_err(|_| broken())?;
            match documents.as_slice() {
                [one] => one.value().map_err(|_| broken())?,
                _ => return Err(broken()),
            }
        };
        found.push(Document { body, origin: None });
    }
    Ok(found)
}

fn is_disabled(body: &Value) -> bool {
    ["labels", "annotations"].iter().any(|field| {
        body.pointer(&format!("/metadata/{field}"))
            .and_then(|map| map.get(OPTION))
            .and_then(Value::as_str)
            .is_some_and(|value| value.eq_ignore_ascii_case("disabled"))
    })
}

fn named(body: &Value) -> String {
    let of = |pointer: &str| {
        body.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    format!("{} {}", of("/kind"), of("/metadata/name"))
}

/// Puts variables into a text.
pub(super) fn text(text: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    expand(text, variables, 0)
}

fn expand(
    text: &str,
    variables: &BTreeMap<String, String>,
    depth: usize,
) -> Result<String, String> {
    if depth > MAX_DEPTH {
        return Err(format!(
            "defaults are nested deeper than {MAX_DEPTH} levels"
        ));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        // `$${` is a `${` that stays.
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = from.get(2..).unwrap_or_default();
            continue;
        }
        out.push_str(before);
        let inside = from.get(2..).unwrap_or_default();
        let end = closing(inside).ok_or("a variable that begins with ${ has no closing brace")?;
        let (expression, after) = inside.split_at(end);
        out.push_str(&value(expression, variables, depth)?);
        if out.len() > MAX_TEXT {
            return Err("it grows beyond 16 MiB with its variables".to_owned());
        }
        rest = after.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the brace closes that was open before the text.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '{' if before == '$' => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
        before = c;
    }
    None
}

fn value(
    expression: &str,
    variables: &BTreeMap<String, String>,
    depth: usize,
) -> Result<String, String> {
    let shown: String = expression.escape_debug().take(80).collect();
    let unknown = || {
        format!(
            "${{{shown}}} is no variable that could be put in; write $${{…}} where the text is meant"
        )
    };
    let (wants_length, expression) = match expression.strip_prefix('#') {
        Some(name) => (true, name),
        None => (false, expression),
    };
    let end = expression
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(expression.len());
    let (name, rest) = expression.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(unknown());
    }
    let known = variables.get(name);
    let missing = || {
        format!(
            "the variable {name} has no value; add it to postBuild, give it a default as in ${{{name}:-…}}, or write $${{{name}}} where the text is meant"
        )
    };
    if wants_length {
        return if rest.is_empty() {
            known
                .map(|value| value.chars().count().to_string())
                .ok_or_else(missing)
        } else {
            Err(unknown())
        };
    }
    for (sign, also_empty) in [(":-", true), (":=", true), ("-", false), ("=", false)] {
        let Some(default) = rest.strip_prefix(sign) else {
            continue;
        };
        return match known {
            Some(value) if !(also_empty && value.is_empty()) => Ok(value.clone()),
            _ => expand(default, variables, depth + 1),
        };
    }
    let known = known.ok_or_else(missing)?;
    changed(known, rest, variables, depth)?.ok_or_else(unknown)
}

/// The functions on text; `None` when it is none of them.
fn changed(
    known: &str,
    function: &str,
    variables: &BTreeMap<String, String>,
    depth: usize,
) -> Result<Option<String>, String> {
    let first = |upper: bool| {
        let mut chars = known.chars();
        chars.next().map_or_else(String::new, |c| {
            let c: String = if upper {
                c.to_uppercase().collect()
            } else {
                c.to_lowercase().collect()
            };
            c + chars.as_str()
        })
    };
    let argument = |text: &str| expand(text, variables, depth + 1);
    let literal = |text: &str| -> Result<Option<String>, String> {
        let text = argument(text)?;
        // Patterns would need a matcher of their own.
        Ok((!text.contains(['*', '?', '[', '\\'])).then_some(text))
    };
    Ok(match function {
        "" => Some(known.to_owned()),
        "^^" => Some(known.to_uppercase()),
        ",," => Some(known.to_lowercase()),
        "^" => Some(first(true)),
        "," => Some(first(false)),
        _ => {
            if let Some(rest) = function.strip_prefix("//") {
                let (old, new) = rest.split_once('/').unwrap_or((rest, ""));
                literal(old)?
                    .filter(|old| !old.is_empty())
                    .map(|old| argument(new).map(|new| known.replace(&old, &new)))
                    .transpose()?
            } else if let Some(rest) = function.strip_prefix('/') {
                let (old, new) = rest.split_once('/').unwrap_or((rest, ""));
                literal(old)?
                    .filter(|old| !old.is_empty())
                    .map(|old| argument(new).map(|new| known.replacen(&old, &new, 1)))
                    .transpose()?
            } else if let Some(rest) = function.strip_prefix('#') {
                literal(rest.trim_start_matches('#'))?.map(|gone| {
                    known
                        .strip_prefix(gone.as_str())
                        .unwrap_or(known)
                        .to_owned()
                })
            } else if let Some(rest) = function.strip_prefix('%') {
                literal(rest.trim_start_matches('%'))?.map(|gone| {
                    known
                        .strip_suffix(gone.as_str())
                        .unwrap_or(known)
                        .to_owned()
                })
            } else if let Some(rest) = function.strip_prefix(':') {
                let (from, length) = rest.split_once(':').unwrap_or((rest, ""));
                let length = match length {
                    "" => Some(usize::MAX),
                    length => length.parse().ok(),
                };
                match (from.parse::<usize>(), length) {
                    (Ok(from), Some(length)) => {
                        Some(known.chars().skip(from).take(length).collect())
                    }
                    _ => None,
                }
            } else {
                None
            }
        }
    })
}

#[cfg(test)]
mod tests;
