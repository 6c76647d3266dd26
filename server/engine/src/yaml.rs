//! YAML as Kubernetes reads it, one document at a time, with lines and within budgets. Pure.
//!
//! Where it differs from kubectl on purpose is listed, with reasons, in the test against kubectl's own answers
//! (`render/directory/oracle.rs`). First of all: a key given twice is an error, never silently the last one.

mod compose;
mod emit;
mod scalar;

pub use emit::text;

use serde::de::IgnoredAny;
use serde_json::{Number, Value};

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
        let inner = if separator {
            bare.get(3..).unwrap_or_default()
        } else {
            bare
        }
        .trim_start_matches('\u{feff}')
        .trim_start();
        if separator || end {
            // What stands behind a separator stays in sight.
            (start, first) = if end || inner.is_empty() || inner.starts_with('#') {
                (at + line.len(), number + 1)
            } else {
                (at, number)
            };
        }
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
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let whole = Document { line, first, text };
        match json_in_a_row(whole) {
            Some(each) => found.extend(each),
            None => found.push(whole),
        }
    }
    if found.len() > MAX_DOCUMENTS {
        return Err(YamlError {
            line: None,
            message: format!("the file has more than {MAX_DOCUMENTS} documents"),
        });
    }
    Ok(())
}

/// JSON objects need no separator between them; nothing when it is not two or more of them.
fn json_in_a_row(document: Document<'_>) -> Option<Vec<Document<'_>>> {
    let text = document.text;
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut found = Vec::new();
    let (mut start, mut first) = (0, document.first);
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    while let Some(value) = stream.next() {
        value.ok()?;
        let end = stream.byte_offset();
        let one = text.get(start..end)?;
        let blank = one.len() - one.trim_start().len();
        let lines_of = |text: &str| {
            u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(0)
        };
        first += lines_of(one.get(..blank)?);
        let text = one.get(blank..)?;
        found.push(Document {
            line: first,
            first,
            text,
        });
        first += lines_of(text);
        start = end;
    }
    (found.len() > 1).then_some(found)
}

impl Document<'_> {
    /// 1-based line of the file on which the text begins.
    pub fn first_line(&self) -> u32 {
        self.first
    }

    /// The document as JSON; null when it says nothing.
    ///
    /// # Errors
    /// When it is not YAML, has a key twice, or is beyond the budgets.
    pub fn value(&self) -> Result<Value, YamlError> {
        Ok(self.node()?.into_value())
    }

    /// The document with a line for every value.
    ///
    /// # Errors
    /// As [`Document::value`].
    pub fn node(&self) -> Result<Node, YamlError> {
        if self.text.starts_with("--- ") || self.text.starts_with("---\t") {
            return Err(YamlError {
                line: Some(self.line),
                message: "Kubernetes does not read what stands behind the separator ---; to do: put it on the next line"
                    .to_owned(),
            });
        }
        let mut node = compose::compose(self.text).map_err(|error| YamlError {
            line: error.line.map(|line| line.saturating_add(self.first - 1)),
            message: error
                .message
                .chars()
                .filter(|c| !c.is_control())
                .take(500)
                .collect(),
        })?;
        node.shift(self.first - 1);
        Ok(node)
    }
}

/// Kubernetes writes `1.0` and `1e3` as `1` and `1000` on the way to JSON.
fn whole(number: f64) -> Option<Number> {
    // The digits are those that JSON would show; beyond `i64` it stays a fraction.
    (number.fract() == 0.0)
        .then(|| number.to_string().parse::<i64>().ok().map(Number::from))
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

    /// As JSON, without a copy.
    fn into_value(self) -> Value {
        match self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(value),
            Kind::Number(value) => Value::Number(value),
            Kind::Text(text) => Value::String(text),
            Kind::List(items) => Value::Array(items.into_iter().map(Node::into_value).collect()),
            Kind::Map(entries) => Value::Object(
                entries
                    .into_iter()
                    .map(|(key, node)| (key, node.into_value()))
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

    /// Moves it and all below it down, for a text that stands within a file.
    pub(crate) fn shift(&mut self, lines: u32) {
        self.line += lines;
        match &mut self.kind {
            Kind::List(items) => items.iter_mut().for_each(|item| item.shift(lines)),
            Kind::Map(entries) => entries.iter_mut().for_each(|(_, item)| item.shift(lines)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
