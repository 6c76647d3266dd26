//! Writes an object as YAML for people: always the same text for the same object, well-known keys first, long texts
//! as blocks. Reading it back gives the same object.

use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Keys that come first, in this order; the rest follows by name.
const FIRST: [&str; 9] = [
    "apiVersion",
    "kind",
    "metadata",
    "name",
    "namespace",
    "type",
    "spec",
    "data",
    "rules",
];

/// The YAML text of an object.
pub fn text(object: &Value) -> String {
    let mut text = String::new();
    block(&mut text, object, 0);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_by_key(|(name, _)| {
        (
            FIRST
                .iter()
                .position(|first| first == name)
                .unwrap_or(FIRST.len()),
            *name,
        )
    });
    entries
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

/// A value at the start of a line.
fn block(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (index, (name, value)) in sorted(map).into_iter().enumerate() {
                if index > 0 || depth > 0 && text.ends_with('\n') {
                    indent(text, depth);
                }
                scalar_text(text, name);
                text.push(':');
                after_key(text, value, depth);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (index, item) in list.iter().enumerate() {
                if index > 0 || depth > 0 && text.ends_with('\n') {
                    indent(text, depth);
                }
                text.push_str("- ");
                match item {
                    Value::Object(map) if !map.is_empty() => block(text, item, depth + 1),
                    Value::Array(list) if !list.is_empty() => block(text, item, depth + 1),
                    item => {
                        flow(text, item, depth + 1);
                        text.push('\n');
                    }
                }
            }
        }
        value => {
            flow(text, value, depth);
            text.push('\n');
        }
    }
}

fn after_key(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push('\n');
            block(text, value, depth + 1);
        }
        Value::Array(list) if !list.is_empty() => {
            text.push('\n');
            // Lists stand at the depth of their key, as kubectl writes them.
            block_list(text, value, depth);
        }
        value => {
            text.push(' ');
            flow(text, value, depth + 1);
            text.push('\n');
        }
    }
}

fn block_list(text: &mut String, value: &Value, depth: usize) {
    indent(text, depth);
    let start = text.len();
    block(text, value, depth);
    debug_assert!(text.len() > start);
}

/// A value that fits behind a key or dash.
fn flow(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(_) => text.push_str("{}"),
        Value::Array(_) => text.push_str("[]"),
        Value::String(string) if is_block(string) => literal(text, string, depth),
        Value::String(string) => scalar_text(text, string),
        other => {
            // Writing to a String cannot fail.
            let _ = write!(text, "{other}");
        }
    }
}

/// Whether a text reads well, and reads back unchanged, as a literal block.
fn is_block(string: &str) -> bool {
    let body = string.trim_end_matches('\n');
    body.contains('\n')
        && !body.starts_with([' ', '\n', '\t'])
        && string
            .chars()
            .all(|c| c == '\n' || c == '\t' || is_printable(c))
        && !body
            .lines()
            .any(|line| line.ends_with([' ', '\t']) || (!line.is_empty() && line.trim().is_empty()))
}

fn literal(text: &mut String, string: &str, depth: usize) {
    let body = string.trim_end_matches('\n');
    let breaks = string.len() - body.len();
    text.push_str(match breaks {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    let mut lines: Vec<&str> = body.split('\n').collect();
    lines.extend(std::iter::repeat_n("", breaks.saturating_sub(1)));
    for line in lines {
        text.push('\n');
        if !line.is_empty() {
            indent(text, depth);
            text.push_str(line);
        }
    }
}

/// Visible and harmless: control characters and those that turn the direction of text are written as escapes.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{85}')
}

fn scalar_text(text: &mut String, string: &str) {
    if is_plain(string) {
        text.push_str(string);
    } else {
        quoted(text, string);
    }
}

fn quoted(text: &mut String, string: &str) {
    text.push('"');
    for c in string.chars() {
        let _ = match c {
            '"' => text.write_str("\\\""),
            '\\' => text.write_str("\\\\"),
            '\n' => text.write_str("\\n"),
            '\t' => text.write_str("\\t"),
            '\r' => text.write_str("\\r"),
            c if is_printable(c) => text.write_char(c),
            c if u32::from(c) <= 0xff => write!(text, "\\x{:02X}", u32::from(c)),
            c if u32::from(c) <= 0xffff => write!(text, "\\u{:04X}", u32::from(c)),
            c => write!(text, "\\U{:08X}", u32::from(c)),
        };
    }
    text.push('"');
}

/// Whether a text needs no quotes, by a rule that is stricter than YAML's.
fn is_plain(string: &str) -> bool {
    let Some(first) = string.chars().next() else {
        return false;
    };
    let odd = |c: char| {
        !(c.is_ascii_alphanumeric()
            || matches!(
                c,
                '/' | '.' | '-' | '_' | ' ' | ':' | '=' | ',' | '@' | '+' | '(' | ')' | '$' | '•'
            ))
    };
    if string.chars().any(odd) || !(first.is_ascii_alphabetic() || matches!(first, '/' | '•')) {
        return looks_like_version(string);
    }
    if string.ends_with([' ', ':']) || string.contains(": ") {
        return false;
    }
    let lower = string.to_ascii_lowercase();
    !matches!(
        lower.as_str(),
        "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "nan" | "inf"
    )
}

/// `10.0.0.1` or `1.2.3-rc1`: begins with a digit and cannot be a number, date or time.
fn looks_like_version(string: &str) -> bool {
    string
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
        && string.starts_with(|c: char| c.is_ascii_digit())
        && string.matches('.').count() >= 2
        && !string.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn reads_like_a_manifest() {
        let object = json!({
            "spec": {"replicas": 3, "template": {"spec": {"containers": [
                {"image": "web:1.2", "name": "web", "args": ["--on", "yes", "8080"], "env": [], "resources": {}}
            ]}}},
            "data": {"nginx.conf": "server {\n  listen 80;\n}\n", "empty": "", "number": "12"},
            "metadata": {"labels": {"app.kubernetes.io/version": "1.2.3"}, "name": "web"},
            "kind": "Example", "apiVersion": "v1",
        });
        insta::assert_snapshot!(text(&object), @r#"
        apiVersion: v1
        kind: Example
        metadata:
          name: web
          labels:
            app.kubernetes.io/version: 1.2.3
        spec:
          replicas: 3
          template:
            spec:
              containers:
              - name: web
                args:
                - "--on"
                - "yes"
                - "8080"
                env: []
                image: web:1.2
                resources: {}
        data:
          empty: ""
          nginx.conf: |
            server {
              listen 80;
            }
          number: "12"
        "#);
    }

    #[test]
    fn hidden_characters_are_visible() {
        assert_eq!(
            text(&json!({"a": "x\u{202e}y\u{7}"})),
            "a: \"x\\u202Ey\\x07\"\n"
        );
    }

    fn value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "[ -~\n\t]{0,12}".prop_map(Value::from),
            "\\PC{0,6}".prop_map(Value::from),
            prop::sample::select(vec![
                "yes",
                "No",
                "null",
                "~",
                "1e3",
                "0x1f",
                "1_000",
                "012",
                "1:30",
                "- a",
                "a: b",
                "#c",
                "2001-01-01",
                ".5",
                "=",
                "<<",
                "a\n\n b\n",
                "a\n\n",
                "1.2.3",
                "..."
            ])
            .prop_map(Value::from),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z./~ :#0-9-]{1,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_back_unchanged(value in value()) {
            let object = json!({"spec": value});
            let text = text(&object);
            let back: Value = serde_saphyr::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert_eq!(back, object, "{}", text);
        }
    }
}
