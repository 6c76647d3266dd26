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

/// A field of an object, and what it shall be.
#[derive(Debug, Clone, Copy)]
pub struct Overlaid<'a> {
    pub kind: &'a str,
    pub name: &'a str,
    /// As in a JSON patch.
    pub pointer: &'a str,
    pub value: &'a Value,
}

/// The text of a kustomization with one patch more, behind those it has. `None` when its list of patches is written in a
/// form that cannot be added to.
pub fn overlaid(text: &str, field: &Overlaid<'_>) -> Option<String> {
    let patch = |indent: &str| {
        format!(
            "{indent}- target:\n{indent}    kind: {}\n{indent}    name: {}\n{indent}  patch: |-\n{indent}    - op: replace\n{indent}      path: {}\n{indent}      value: {}\n",
            field.kind,
            field.name,
            Value::from(field.pointer),
            field.value,
        )
    };
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines: Vec<&str> = text.lines().collect();
    let head = lines.iter().position(|line| {
        line.strip_prefix("patches:")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
    });
    let Some(head) = head else {
        let mut out = text.trim_end().to_owned();
        out.push_str(end);
        out.push_str(&format!("patches:\n{}", patch("  ")).replace('\n', end));
        return Some(out);
    };
    let said = lines.get(head)?.strip_prefix("patches:")?.trim();
    if !said.is_empty() && !said.starts_with('#') {
        return None;
    }
    let below = lines.iter().enumerate().skip(head + 1);
    let list =
        below.take_while(|(_, line)| line.is_empty() || line.starts_with([' ', '\t', '-', '#']));
    // Comments and empty lines at the end belong to what follows.
    let last = list
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(index, _)| index)
        .last()?;
    let first = lines.get(head + 1..=last)?.iter().find(|line| {
        let line = line.trim_start();
        line.starts_with("- ") || line == "-"
    })?;
    let indent = first.get(..first.len() - first.trim_start().len())?;
    let mut out: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    out.insert(last + 1, patch(indent).trim_end().replace('\n', end));
    Some(out.join(end) + end)
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
    fn a_kustomization_gets_one_patch_more() {
        let field = Overlaid {
            kind: "Deployment",
            name: "cart",
            pointer: "/spec/replicas",
            value: &json!(5),
        };
        let texts = [
            "resources:\n  - ../base\n\n",
            "patches:\n- path: a.yaml\n  target:\n    kind: Pod\n\n# images\nimages: []\n",
            "resources: [../base]\npatches: # ours\n    - path: a.yaml\n",
        ];
        let out: Vec<String> = texts
            .iter()
            .map(|text| overlaid(text, &field).unwrap())
            .collect();
        insta::assert_snapshot!(out.join("=====\n"));
        for text in ["patches: [{path: a.yaml}]\n", "patches: []\n", "patches:\n"] {
            assert_eq!(overlaid(text, &field), None, "{text}");
        }
    }
}
