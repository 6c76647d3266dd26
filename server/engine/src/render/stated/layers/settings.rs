//! What the settings of a kustomization say: images, replicas, labels, annotations, namespace and names, and the
//! contents of what it generates. Pure.

use super::super::Files;
use super::super::lookup::Step;
use super::{items, texts};
use crate::render::reader::join;
use crate::yaml::{Kind, Node};
use serde_json::Value;

/// The line of the setting that gives a field this value.
pub(super) fn line(node: &Node, names: &[String], steps: &[Step], value: &Value) -> Option<u32> {
    let Some(Step::Field(last)) = steps.last() else {
        return None;
    };
    let name = names.first()?;
    let at_top = steps.len() == 2 && steps.first() == Some(&Step::Field("metadata".to_owned()));
    match last.as_str() {
        "image" => items(node, "images").find_map(|entry| image(entry, value.as_str()?)),
        "replicas" => items(node, "replicas").find_map(|entry| {
            let named = entry.get("name")?.text()?;
            let count = entry.get("count")?;
            let same = names.iter().any(|name| name == named);
            (same && count.value() == *value).then_some(count.line)
        }),
        "namespace" => same(node.get("namespace")?, value),
        "name" if at_top => ["namePrefix", "nameSuffix"].into_iter().find_map(|field| {
            let affix = node.get(field)?;
            let text = affix.text().filter(|text| !text.is_empty())?;
            let there = match field {
                "namePrefix" => name.starts_with(text),
                _ => name.ends_with(text),
            };
            there.then_some(affix.line)
        }),
        key => labelled(node, steps, key, value),
    }
}

fn same(node: &Node, value: &Value) -> Option<u32> {
    (node.value() == *value).then_some(node.line)
}

fn labelled(node: &Node, steps: &[Step], key: &str, value: &Value) -> Option<u32> {
    let above = steps.len().checked_sub(2).and_then(|at| steps.get(at));
    let Some(Step::Field(above)) = above else {
        return None;
    };
    match above.as_str() {
        "annotations" => same(node.get("commonAnnotations")?.get(key)?, value),
        "labels" | "matchLabels" | "selector" => {
            let common = node.get("commonLabels").and_then(|labels| labels.get(key));
            let at_top =
                steps.len() == 3 && steps.first() == Some(&Step::Field("metadata".to_owned()));
            let template = steps.contains(&Step::Field("template".to_owned()));
            let pairs = items(node, "labels").filter(|entry| {
                let says =
                    |field: &str| entry.get(field).map(Node::value) == Some(Value::Bool(true));
                at_top || says("includeSelectors") || (template && says("includeTemplates"))
            });
            let pairs = pairs.filter_map(|entry| entry.get("pairs")?.get(key));
            common
                .into_iter()
                .chain(pairs)
                .find_map(|node| same(node, value))
        }
        _ => None,
    }
}

/// The part of an entry of `images` that made this image what it is.
fn image(entry: &Node, value: &str) -> Option<u32> {
    let text = |field: &str| {
        let node = entry.get(field)?;
        let text = match node.value() {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some((text, node.line))
    };
    let (name, _) = text("newName").or_else(|| text("name"))?;
    let rest = value.strip_prefix(name.as_str())?;
    if let Some((digest, line)) = text("digest") {
        let digest = digest.trim_start_matches('@');
        return rest.ends_with(digest).then_some(line);
    }
    if let Some((tag, line)) = text("newTag") {
        return (rest.strip_prefix(':') == Some(tag.as_str())).then_some(line);
    }
    let (_, line) = text("newName")?;
    (rest.is_empty() || rest.starts_with([':', '@'])).then_some(line)
}

/// File and line of an entry of `data` in what a kustomization generates, and whether that is the first line of a file that
/// is the whole value.
pub(super) fn generated(
    files: &Files,
    entry: &Node,
    path: &str,
    folder: &str,
    steps: &[Step],
    value: &Value,
) -> Option<(String, u32, bool)> {
    let [Step::Field(field), Step::Field(key)] = steps else {
        return None;
    };
    if field != "data" && field != "binaryData" {
        return None;
    }
    for literal in items(entry, "literals") {
        let (name, written) = literal.text()?.split_once('=')?;
        let quoted = written.trim_matches(['\'', '"']);
        // Secrets are encoded: their keys alone can be told.
        let secret = field == "data" && value.as_str() != Some(quoted) && is_base64(value);
        if name == key && (value.as_str() == Some(quoted) || secret) {
            return Some((path.to_owned(), literal.line, false));
        }
    }
    if let Kind::Map(_) = entry.kind {
        for file in texts(entry, "files") {
            let (name, file) = match file.split_once('=') {
                Some((name, file)) => (name, file),
                None => (file.rsplit('/').next()?, file),
            };
            let found = join(folder, file)?;
            if name == key && files.whole(&found) == value.as_str() {
                return Some((found, 1, true));
            }
        }
        for file in texts(entry, "envs") {
            let found = join(folder, file)?;
            let text = files.whole(&found)?;
            let line = text.lines().position(|line| {
                line.split_once('=')
                    .is_some_and(|(name, written)| name == key && value.as_str() == Some(written))
            });
            if let Some(line) = line {
                return Some((found, u32::try_from(line + 1).ok()?, false));
            }
        }
    }
    None
}

fn is_base64(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() % 4 == 0
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
    })
}
