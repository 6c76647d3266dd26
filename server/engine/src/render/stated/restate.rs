//! Writing another value where a file states one, with everything else of the file as it is: comments, order, quotes. Or,
//! for what a file declares that others read too, a patch in a kustomization of one's own. Pure; what comes of it is for
//! the caller to render and to look at.

use crate::yaml;
use serde_json::Value;

/// The text of a file with `new` in place of `old` on a line (1-based). `None` where the line does not say `old` in one
/// piece, or the new value cannot be written in its place.
///
/// An image whose line states the tag alone gets another tag, as long as the name stays.
pub fn restated(text: &str, line: u32, old: &Value, new: &Value) -> Option<String> {
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    let mut at = 0;
    let mut lines = text.split_inclusive('\n');
    for before in lines.by_ref().take(index) {
        at += before.len();
    }
    let whole = lines.next()?.trim_end_matches(['\n', '\r']);
    let (place, written) = token(whole, old)
        .map(|place| (place, new.clone()))
        .or_else(|| tag(whole, old, new))?;
    let (from, to) = (at + place.0, at + place.1);
    let as_before = text.get(from..to)?;
    let now = write(as_before, &written)?;
    let mut out = String::with_capacity(text.len() + now.len());
    out.push_str(text.get(..from)?);
    out.push_str(&now);
    out.push_str(text.get(to..)?);
    Some(out)
}

/// Where on the line a scalar stands that is read as `value`: behind a key, a dash, or the `=` of a literal.
fn token(line: &str, value: &Value) -> Option<(usize, usize)> {
    let begins = [": ", "- ", "="].into_iter().flat_map(|sign| {
        line.match_indices(sign)
            .map(move |(at, sign)| at + sign.len())
    });
    let mut begins: Vec<usize> = begins.collect();
    begins.sort_unstable();
    begins.into_iter().find_map(|from| {
        let rest = line.get(from..)?;
        let from = from + rest.len() - rest.trim_start().len();
        let length = scalar(line.get(from..)?)?;
        let written = line.get(from..from + length)?;
        let literal = line.get(..from)?.ends_with('=');
        let same = match value {
            // The text of a literal is what it is.
            Value::String(text) if literal => text == written,
            value => read(written).as_ref() == Some(value),
        };
        (same && length > 0).then_some((from, from + length))
    })
}

/// The tag of an image, where it stands alone: `newTag: "1.4"` for `cart:1.4`.
fn tag(line: &str, old: &Value, new: &Value) -> Option<((usize, usize), Value)> {
    let (old, new) = (old.as_str()?, new.as_str()?);
    let (name, tag) = split_image(old)?;
    let (new_name, new_tag) = split_image(new)?;
    if name != new_name {
        return None;
    }
    let place = token(line, &Value::from(tag)).or_else(|| {
        // Kustomize takes a number for a tag, too.
        token(line, &serde_json::from_str(tag).ok()?)
    })?;
    Some((place, Value::from(new_tag)))
}

/// Name and tag; an image by digest has no tag of its own.
fn split_image(image: &str) -> Option<(&str, &str)> {
    let (name, tag) = image.rsplit_once(':')?;
    let plain = !image.contains('@') && !tag.contains('/') && !tag.is_empty();
    plain.then_some((name, tag))
}

/// Length of the scalar at the beginning of a text.
fn scalar(text: &str) -> Option<usize> {
    match text.bytes().next()? {
        b'"' => {
            let mut escaped = false;
            let end = text.bytes().skip(1).position(|byte| {
                let ends = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                ends
            })?;
            Some(end + 2)
        }
        b'\'' => {
            let mut at = 1;
            loop {
                let end = at + text.get(at..)?.find('\'')?;
                if text.get(end + 1..)?.starts_with('\'') {
                    at = end + 2;
                } else {
                    return Some(end + 1);
                }
            }
        }
        // Aliases, tags, blocks and collections are more than one value.
        b'&' | b'*' | b'!' | b'|' | b'>' | b'[' | b'{' => None,
        _ => {
            let end = text.find(" #").unwrap_or(text.len());
            Some(text.get(..end)?.trim_end().len())
        }
    }
}

fn read(scalar: &str) -> Option<Value> {
    let documents = yaml::documents(scalar).ok()?;
    match documents.as_slice() {
        [one] => one.value().ok(),
        _ => None,
    }
}

/// A value in the style of what it replaces.
fn write(before: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) if text.chars().any(char::is_control) => return None,
        Value::String(text) => text,
        Value::Bool(_) | Value::Number(_) => return Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    let quoted = Value::from(text.as_str()).to_string();
    Some(match before.as_bytes().first() {
        Some(b'"') => quoted,
        Some(b'\'') => format!("'{}'", text.replace('\'', "''")),
        _ if read(text).as_ref() == Some(value) && scalar(text) == Some(text.len()) => text.clone(),
        _ => quoted,
    })
}

/// A text as one scalar, in quotes where it needs them; `None` when it does not fit on a line.
pub(super) fn written(text: &str) -> Option<String> {
    write("", &Value::from(text))
}

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wish<'a> {
    Replace(&'a Value),
    /// It is not there yet; what it stands in is.
    Add(&'a Value),
    Remove,
}

/// A field of an object, and what it shall be.
#[derive(Debug, Clone, Copy)]
pub struct Overlaid<'a> {
    pub api_version: &'a str,
    pub kind: &'a str,
    /// In its file, before anything is added to it.
    pub name: &'a str,
    /// As in a JSON patch.
    pub pointer: &'a str,
    pub wish: Wish<'a>,
    /// The object as it is rendered: items of lists on the way to the field are named by it.
    pub body: &'a Value,
}

/// The text of a kustomization with one patch more, behind those it has. Items of lists are tested by name first, so that
/// the patch fails when the list changes, and never changes another item. `None` when the patches are written in a form
/// that cannot be added to.
pub fn overlaid(text: &str, field: &Overlaid<'_>) -> Option<String> {
    let patch = patch(field)?;
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let written = |indent: &str| -> String {
        patch
            .iter()
            .map(|line| format!("{indent}{line}{end}"))
            .collect()
    };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let head = lines.iter().position(|line| {
        line.strip_prefix("patches:")
            .is_some_and(|rest| rest.starts_with([' ', '\t', '\r', '\n']) || rest.is_empty())
    });
    let Some(head) = head else {
        let mut out = text.to_owned();
        if !out.is_empty() && !out.ends_with('\n') {
            out.push_str(end);
        }
        out.push_str(&format!("patches:{end}{}", written("  ")));
        return Some(out);
    };
    let said = lines.get(head)?.strip_prefix("patches:")?.trim();
    if !said.is_empty() && !said.starts_with('#') {
        return None;
    }
    let below = lines.iter().enumerate().skip(head + 1);
    let list = below
        .take_while(|(_, line)| line.trim().is_empty() || line.starts_with([' ', '\t', '-', '#']));
    // Comments and empty lines at the end belong to what follows.
    let last = list
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(index, _)| index)
        .last()?;
    let first = lines.get(head + 1..=last)?.iter().find(|line| {
        let line = line.trim();
        line.starts_with("- ") || line == "-"
    })?;
    let indent = first.get(..first.len() - first.trim_start().len())?;
    let (before, after) = lines.split_at_checked(last + 1)?;
    let mut out = before.concat();
    if !out.ends_with('\n') {
        out.push_str(end);
    }
    out.push_str(&written(indent));
    out.push_str(&after.concat());
    Some(out)
}

/// The lines of an entry of `patches`.
fn patch(field: &Overlaid<'_>) -> Option<Vec<String>> {
    let plain = written;
    let mut lines = vec!["- target:".to_owned()];
    if let Some((group, _)) = field.api_version.split_once('/') {
        lines.push(format!("    group: {}", plain(group)?));
    }
    lines.push(format!("    kind: {}", plain(field.kind)?));
    // A target's name is a pattern.
    lines.push(format!(
        "    name: {}",
        plain(&field.name.replace('.', "\\."))?
    ));
    lines.push("  patch: |-".to_owned());
    let mut at = field.body;
    let mut way = String::new();
    let mut steps: Vec<&str> = field.pointer.split('/').skip(1).collect();
    if matches!(field.wish, Wish::Add(_)) {
        steps.pop();
    }
    for step in steps {
        way = format!("{way}/{step}");
        at = match at {
            Value::Array(items) => {
                let item = items.get(step.parse::<usize>().ok()?)?;
                let named = super::lookup::NAMES
                    .into_iter()
                    .find_map(|name| Some((name, item.get(name)?)));
                if let Some((name, value)) = named {
                    lines.push("    - op: test".to_owned());
                    lines.push(format!("      path: {}", plain(&format!("{way}/{name}"))?));
                    lines.push(format!("      value: {value}"));
                }
                item
            }
            other => other.get(step.replace("~1", "/").replace("~0", "~"))?,
        };
    }
    let (word, value) = match field.wish {
        Wish::Replace(value) => ("replace", Some(value)),
        Wish::Add(value) => ("add", Some(value)),
        Wish::Remove => ("remove", None),
    };
    lines.push(format!("    - op: {word}"));
    lines.push(format!("      path: {}", plain(field.pointer)?));
    lines.extend(value.map(|value| format!("      value: {value}")));
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_value_changes_and_nothing_else() {
        for (line, old, new, expected) in [
            (
                "replicas: 2  # two",
                json!(2),
                json!(5),
                Some("replicas: 5  # two"),
            ),
            (
                "  - name: \"a: b\"",
                json!("a: b"),
                json!("c"),
                Some("  - name: \"c\""),
            ),
            (
                "mode: 'it''s'",
                json!("it's"),
                json!("o'k"),
                Some("mode: 'o''k'"),
            ),
            (
                "mode: plain",
                json!("plain"),
                json!("yes"),
                Some("mode: \"yes\""),
            ),
            (
                "mode: plain",
                json!("plain"),
                json!("a # b"),
                Some("mode: \"a # b\""),
            ),
            ("on: yes", json!(true), json!(false), Some("on: false")),
            (
                "    - level=info",
                json!("info"),
                json!("debug"),
                Some("    - level=debug"),
            ),
            ("- \"80\"", json!("80"), json!("81"), Some("- \"81\"")),
            (
                "newTag: \"1.4\"",
                json!("r/cart:1.4"),
                json!("r/cart:1.5"),
                Some("newTag: \"1.5\""),
            ),
            (
                "newTag: 1.4",
                json!("r/cart:1.4"),
                json!("r/cart:1.50"),
                Some("newTag: \"1.50\""),
            ),
            (
                "image: r/cart:1.4",
                json!("r/cart:1.4"),
                json!("s/cart:1"),
                Some("image: s/cart:1"),
            ),
            ("newTag: v1", json!("r/cart:v1"), json!("s/cart:v2"), None),
            ("replicas: &n 2", json!(2), json!(5), None),
            ("replicas: 2", json!(3), json!(5), None),
            ("labels: {app: cart}", json!("cart"), json!("web"), None),
            ("mode: plain", json!("plain"), json!("two\nlines"), None),
            ("mode: plain", json!("plain"), json!(["a"]), None),
        ] {
            let text = format!("# first\r\n{line}\nlast: 2\n");
            let expected = expected.map(|line| format!("# first\r\n{line}\nlast: 2\n"));
            assert_eq!(restated(&text, 2, &old, &new), expected, "{line}");
        }
    }

    #[test]
    fn a_patch_adds_or_removes_what_it_has_tested() {
        let body = json!({"spec": {"containers": [
            {"name": "web", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        ]}});
        let field = |pointer, wish| Overlaid {
            api_version: "v1",
            kind: "Pod",
            name: "cart",
            pointer,
            wish,
            body: &body,
        };
        let more = json!({"disk": "fast"});
        let texts = [
            field("/spec/containers/0/env/1", Wish::Remove),
            field("/spec/containers/0/env/1/value", Wish::Remove),
            field("/spec/nodeSelector", Wish::Add(&more)),
            field("/spec/containers/0/tty", Wish::Add(&json!(true))),
        ]
        .map(|field| overlaid("", &field).unwrap());
        insta::assert_snapshot!(texts.join("=====\n"));
        let nowhere = field("/spec/none/nodeSelector", Wish::Add(&more));
        assert_eq!(overlaid("", &nowhere), None);
    }

    #[test]
    fn a_kustomization_gets_one_patch_more() {
        let body =
            json!({"spec": {"containers": [{"name": "proxy"}, {"name": "web", "image": "a:1"}]}});
        let field = Overlaid {
            api_version: "apps/v1",
            kind: "Deployment",
            name: "cart.v2",
            pointer: "/spec/containers/1/image",
            wish: Wish::Replace(&json!("a:2")),
            body: &body,
        };
        let texts = [
            "resources:\n  - ../base\n\n",
            "patches:\n- path: a.yaml\n  target:\n    kind: Pod\n\n# images\nimages: []\n",
            "resources: [../base]\npatches: # ours\n    - path: a.yaml",
        ];
        let out: Vec<String> = texts
            .iter()
            .map(|text| overlaid(text, &field).unwrap())
            .collect();
        insta::assert_snapshot!(out.join("=====\n"));
        for text in ["patches: [{path: a.yaml}]\n", "patches: []\n", "patches:\n"] {
            assert_eq!(overlaid(text, &field), None, "{text}");
        }
        // Line ends stay what they are.
        let mixed = overlaid("resources: [a]\r\n\nimages: []\r\n", &field).unwrap();
        assert!(mixed.starts_with("resources: [a]\r\n\nimages: []\r\npatches:\r\n"));
        let odd = Overlaid {
            name: "8080",
            ..field
        };
        assert!(overlaid("", &odd).unwrap().contains("name: \"8080\"\n"));
    }
}
