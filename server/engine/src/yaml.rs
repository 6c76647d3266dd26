//! YAML as Kubernetes reads it, one document at a time, with lines and within budgets. Pure.
//!
//! Stricter than Kubernetes in one point: a key given twice is an error, never silently the last one.

mod emit;

pub use emit::text;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::{Location, Options, Spanned};
use std::fmt;

/// More documents than any file of people has.
const MAX_DOCUMENTS: usize = 20_000;

/// Why a text is no YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    /// 1-based, in the file.
    pub line: Option<u32>,
    pub message: String,
}

/// One document of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'t> {
    /// 1-based line on which its content begins.
    pub line: u32,
    /// 1-based line on which `text` begins.
    first: u32,
    pub text: &'t str,
}

/// A value with the line it stands on.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// 1-based, within the document until [`Document::node`] has made it the file's.
    pub line: u32,
    pub kind: Kind,
}

/// What a [`Node`] is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// The file as text: UTF-8 without byte order mark.
///
/// # Errors
/// When it is not UTF-8 or holds a NUL.
pub fn text_of(bytes: &[u8]) -> Result<&str, YamlError> {
    let line_at = |end: usize| {
        let before = bytes
            .get(..end)
            .unwrap_or(bytes)
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        u32::try_from(before + 1).ok()
    };
    let text = std::str::from_utf8(bytes).map_err(|error| YamlError {
        line: line_at(error.valid_up_to()),
        message: "the file is not UTF-8".to_owned(),
    })?;
    if let Some(at) = text.find('\0') {
        return Err(YamlError {
            line: line_at(at),
            message: "the file holds a NUL character".to_owned(),
        });
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Splits a file. Documents without content are left out; broken ones are no concern of the others.
///
/// # Errors
/// When there are more than twenty thousand.
pub fn documents(text: &str) -> Result<Vec<Document<'_>>, YamlError> {
    let mut found = Vec::new();
    let (mut start, mut first, mut content) = (0, 1, None);
    let (mut at, mut number) = (0, 0);
    for line in text.split_inclusive('\n') {
        number += 1;
        let bare = line.trim_end();
        let separator = bare == "---" || bare.starts_with("--- ") || bare.starts_with("---\t");
        let end = bare == "...";
        if (separator || end) && content.is_some() {
            push(&mut found, content, first, text.get(start..at))?;
            content = None;
        }
        if separator || end {
            (start, first) = if end {
                (at + line.len(), number + 1)
            } else {
                (at, number)
            };
        }
        let inner = if separator {
            bare.get(3..).unwrap_or_default()
        } else {
            bare
        }
        .trim_start();
        // A directive belongs to the document that follows it.
        let says_something =
            !end && !inner.is_empty() && !inner.starts_with('#') && !bare.starts_with('%');
        if says_something && content.is_none() {
            content = Some(number);
        }
        at += line.len();
    }
    push(&mut found, content, first, text.get(start..))?;
    Ok(found)
}

fn push<'t>(
    found: &mut Vec<Document<'t>>,
    content: Option<u32>,
    first: u32,
    text: Option<&'t str>,
) -> Result<(), YamlError> {
    if let (Some(line), Some(text)) = (content, text) {
        found.push(Document { line, first, text });
    }
    if found.len() > MAX_DOCUMENTS {
        return Err(YamlError {
            line: None,
            message: format!("the file has more than {MAX_DOCUMENTS} documents"),
        });
    }
    Ok(())
}

impl Document<'_> {
    /// The document as JSON; null when it says nothing.
    ///
    /// # Errors
    /// When it is not YAML, has a key twice, or is beyond the budgets.
    pub fn value(&self) -> Result<Value, YamlError> {
        let mut value = serde_saphyr::from_str_with_options::<Value>(self.text, options())
            .map_err(|error| self.error(&error))?;
        whole_numbers(&mut value);
        Ok(value)
    }

    /// The document with a line for every value.
    ///
    /// # Errors
    /// As [`Document::value`].
    pub fn node(&self) -> Result<Node, YamlError> {
        let spanned = serde_saphyr::from_str_with_options::<Spanned<Bare>>(self.text, options())
            .map_err(|error| self.error(&error))?;
        let mut node = node_of(spanned);
        node.shift(self.first - 1);
        Ok(node)
    }

    fn error(&self, error: &serde_saphyr::Error) -> YamlError {
        let location = error
            .location()
            .filter(|location| *location != Location::UNKNOWN);
        let line = location
            .and_then(|location| u32::try_from(location.line()).ok())
            .map(|line| line + self.first - 1);
        let text = error.without_snippet().to_string();
        // The library counts from the document's start; we name the file's line beside the message.
        let message = text.split(" at line ").next().unwrap_or_default();
        let message = match message.strip_prefix("error: ").unwrap_or(message) {
            message if message.starts_with("line ") => {
                message.split_once(": ").map_or(message, |(_, rest)| rest)
            }
            message => message,
        };
        // What follows is advice for programmers.
        let message = message
            .split(", set DuplicateKeyPolicy")
            .next()
            .unwrap_or_default();
        let message = message
            .chars()
            .filter(|c| !c.is_control())
            .take(500)
            .collect();
        YamlError { line, message }
    }
}

fn options() -> Options {
    let mut options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        legacy_octal_numbers: true,
        with_snippet: false,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::Reject,
    };
    if let Some(budget) = options.budget.as_mut() {
        budget.max_depth = 100;
        budget.max_nodes = 400_000;
        budget.max_total_scalar_bytes = 16 * 1024 * 1024;
        budget.max_recorded_anchor_events = 100_000;
        budget.max_recorded_anchor_bytes = 4 * 1024 * 1024;
    }
    options.alias_limits.max_total_replayed_events = 100_000;
    options
}

/// Kubernetes writes `1.0` and `1e3` as `1` and `1000` on the way to JSON.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|_| number.is_f64()).and_then(whole) {
                *number = whole;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(entries) => entries.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

fn whole(number: f64) -> Option<Number> {
    // Beyond this not every whole number is one.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let is_whole = number.fract() == 0.0 && number.abs() <= EXACT;
    is_whole
        .then(|| format!("{number:.0}").parse::<i64>().ok().map(Number::from))
        .flatten()
}

impl Node {
    /// The value of a map's key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// Text as written in quotes or plain; `None` for everything else.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As JSON.
    pub fn value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(value) => Value::Number(value.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Node::value).collect()),
            Kind::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, node)| (key.clone(), node.value()))
                    .collect(),
            ),
        }
    }

    /// `a map`, `a list`, … for messages.
    pub fn words(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a yes or no",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    fn shift(&mut self, lines: u32) {
        self.line += lines;
        match &mut self.kind {
            Kind::List(items) => items.iter_mut().for_each(|item| item.shift(lines)),
            Kind::Map(entries) => entries.iter_mut().for_each(|(_, item)| item.shift(lines)),
            _ => {}
        }
    }
}

/// A value whose own line is known by whoever holds it.
struct Bare(Kind);

fn node_of(spanned: Spanned<Bare>) -> Node {
    let line = u32::try_from(spanned.referenced.line()).unwrap_or(0).max(1);
    Node {
        line,
        kind: spanned.value.0,
    }
}

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BareVisitor).map(Bare)
    }
}

struct BareVisitor;

impl<'de> Visitor<'de> for BareVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Kind, E> {
        whole(value)
            .or_else(|| Number::from_f64(value))
            .map(Kind::Number)
            .ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Bare>>()? {
            list.push(node_of(item));
        }
        Ok(Kind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Kind, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<String>, Spanned<Bare>>()? {
            let mut node = node_of(value);
            // A block begins below its key; people look for the key.
            if matches!(node.kind, Kind::Map(_) | Kind::List(_) | Kind::Null) {
                node.line = u32::try_from(key.referenced.line()).unwrap_or(0).max(1);
            }
            map.push((key.value, node));
        }
        Ok(Kind::Map(map))
    }
}

#[cfg(test)]
mod tests;
