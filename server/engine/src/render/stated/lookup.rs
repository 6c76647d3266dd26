//! Finding a field of a rendered object in what somebody wrote: fields by name, list items by what names them, since a
//! patch lists other items than the object it changes. Pure.

use crate::yaml::{Kind, Node};
use serde_json::Value;

/// One step down into an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    Index(usize),
}

/// Fields that name an item within its list, in Kubernetes' own merge keys; the first that the item has counts.
pub(super) const NAMES: [&str; 10] = [
    "name",
    "mountPath",
    "devicePath",
    "containerPort",
    "port",
    "topologyKey",
    "ip",
    "key",
    "uid",
    "type",
];

pub(super) fn value_at<'v>(body: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    steps.iter().try_fold(body, |at, step| match step {
        Step::Field(name) => at.get(name),
        Step::Index(index) => at.get(index),
    })
}

/// The node that stands for the same field as `steps` does in `body`.
pub(super) fn find<'n>(node: &'n Node, body: &Value, steps: &[Step]) -> Option<&'n Node> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(node);
    };
    match step {
        Step::Field(name) => find(node.get(name)?, body.get(name)?, rest),
        Step::Index(index) => {
            let (Kind::List(items), Some(values)) = (&node.kind, body.as_array()) else {
                return None;
            };
            find(same_item(items, values, *index)?, values.get(*index)?, rest)
        }
    }
}

/// The steps within the written node that lead to the same field as `steps` do in `body`.
pub(super) fn way(node: &Node, body: &Value, steps: &[Step]) -> Option<Vec<Step>> {
    let mut way = Vec::with_capacity(steps.len());
    let (mut node, mut body) = (node, body);
    for step in steps {
        match step {
            Step::Field(name) => {
                (node, body) = (node.get(name)?, body.get(name)?);
                way.push(step.clone());
            }
            Step::Index(index) => {
                let (Kind::List(items), Some(values)) = (&node.kind, body.as_array()) else {
                    return None;
                };
                let item = same_item(items, values, *index)?;
                let place = items.iter().position(|other| std::ptr::eq(other, item))?;
                way.push(Step::Index(place));
                (node, body) = (item, values.get(*index)?);
            }
        }
    }
    Some(way)
}

/// The steps that lead to the same in another object: items of lists are those with the same name.
pub(super) fn alike(one: &Value, other: &Value, steps: &[Step]) -> Option<Vec<Step>> {
    let mut alike = Vec::with_capacity(steps.len());
    let (mut one, mut other) = (one, other);
    for step in steps {
        match step {
            Step::Field(name) => {
                (one, other) = (one.get(name)?, other.get(name)?);
                alike.push(step.clone());
            }
            Step::Index(index) => {
                let item = one.get(index)?;
                let (name, value) = NAMES
                    .into_iter()
                    .find_map(|name| Some((name, item.get(name)?)))?;
                let items = other.as_array()?.iter().enumerate();
                let mut same = items.filter(|(_, item)| item.get(name) == Some(value));
                let (Some((place, found)), None) = (same.next(), same.next()) else {
                    return None;
                };
                alike.push(Step::Index(place));
                (one, other) = (item, found);
            }
        }
    }
    Some(alike)
}

fn same_item<'n>(items: &'n [Node], values: &[Value], index: usize) -> Option<&'n Node> {
    let value = values.get(index)?;
    let Some(map) = value.as_object() else {
        let here = items.get(index).filter(|item| item.value() == *value);
        return here.or_else(|| items.iter().find(|item| item.value() == *value));
    };
    let name = NAMES
        .into_iter()
        .find_map(|name| Some((name, map.get(name)?)));
    if let Some((name, value)) = name {
        let mut same = items
            .iter()
            .filter(|item| item.get(name).is_some_and(|named| named.value() == *value));
        if let (Some(one), None) = (same.next(), same.next()) {
            return Some(one);
        }
    }
    // Without a name of its own, or with one that others share: by its position, when both list the same number.
    items.get(index).filter(|item| {
        let other = |(name, value): (&str, &Value)| {
            item.get(name).is_some_and(|named| named.value() != *value)
        };
        items.len() == values.len() && !name.is_some_and(other)
    })
}

/// `spec.template.spec.containers[name=web].image`, as differences write it; items without a name by their position.
pub(super) fn words(body: &Value, steps: &[Step]) -> String {
    let mut text = String::new();
    let mut at = Some(body);
    for step in steps {
        match step {
            Step::Field(name) => {
                let plain = !name.is_empty()
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
                if plain {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(name);
                } else {
                    text.push_str(&format!("[{}]", Value::from(name.as_str())));
                }
                at = at.and_then(|at| at.get(name));
            }
            Step::Index(index) => {
                let item = at.and_then(|at| at.get(index));
                let name = item.and_then(|item| {
                    NAMES
                        .into_iter()
                        .find_map(|name| Some((name, item.get(name)?)))
                });
                match name {
                    Some((name, value)) => text.push_str(&format!("[{name}={}]", bare(value))),
                    None => text.push_str(&format!("[{index}]")),
                }
                at = item;
            }
        }
    }
    text
}

/// The way to a field that a difference names; `None` where the object has no such place.
pub(super) fn steps(body: &Value, path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut at = body;
    let mut rest = path;
    while !rest.is_empty() {
        let (step, after) = step(at, rest)?;
        at = match &step {
            Step::Field(name) => at.get(name)?,
            Step::Index(index) => at.get(index)?,
        };
        steps.push(step);
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    (!steps.is_empty()).then_some(steps)
}

/// The first step of a path and what follows it.
fn step<'p>(at: &Value, path: &'p str) -> Option<(Step, &'p str)> {
    let Some(inner) = path.strip_prefix('[') else {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (name, after) = path.split_at(end);
        return (!name.is_empty()).then(|| (Step::Field(name.to_owned()), after));
    };
    if inner.starts_with('"') {
        let mut names = serde_json::Deserializer::from_str(inner).into_iter::<String>();
        let name = names.next()?.ok()?;
        let after = inner.get(names.byte_offset()..)?.strip_prefix(']')?;
        return Some((Step::Field(name), after));
    }
    // A value may hold brackets of its own: the first closing one after which the path goes on is meant.
    let end = inner.match_indices(']').map(|(end, _)| end).find(|end| {
        let after = inner.get(end + 1..).unwrap_or_default();
        after.is_empty() || after.starts_with(['.', '['])
    })?;
    let (within, after) = (inner.get(..end)?, inner.get(end + 1..)?);
    let items = at.as_array()?;
    let index = if let Ok(index) = within.parse::<usize>() {
        index
    } else if let Some(value) = within.strip_prefix('=') {
        items.iter().position(|item| bare(item) == value)?
    } else {
        let keys: Vec<(&str, &str)> = within
            .split(',')
            .map(|key| key.split_once('='))
            .collect::<Option<_>>()?;
        items.iter().position(|item| {
            keys.iter()
                .all(|(name, value)| item.get(name).is_none_or(|there| bare(there) == *value))
                && keys.iter().any(|(name, _)| item.get(name).is_some())
        })?
    };
    Some((Step::Index(index), after))
}

fn bare(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;
    use serde_json::json;

    fn node(text: &str) -> Node {
        yaml::documents(text).unwrap()[0].node().unwrap()
    }

    fn body() -> Value {
        json!({
            "metadata": {"annotations": {"a.b/c": "x"}, "finalizers": ["one", "two"]},
            "spec": {"containers": [
                {"name": "proxy", "image": "p:1"},
                {"name": "web", "image": "w:2", "ports": [{"containerPort": 80, "protocol": "TCP"}], "args": ["-a", "[x]"]},
            ]},
        })
    }

    #[test]
    fn paths_lead_to_fields_and_back() {
        for path in [
            "spec.containers[name=web].image",
            "spec.containers[name=web].ports[containerPort=80].protocol",
            "spec.containers[name=web].args[1]",
            "metadata.annotations[\"a.b/c\"]",
            "metadata.finalizers[0]",
        ] {
            let steps = steps(&body(), path).unwrap_or_else(|| panic!("{path} leads nowhere"));
            assert!(value_at(&body(), &steps).is_some(), "{path}");
            assert_eq!(words(&body(), &steps), path);
        }
    }

    #[test]
    fn other_forms_of_paths_are_understood_and_wrong_ones_lead_nowhere() {
        for (path, value) in [
            (
                "spec.containers[name=web].ports[containerPort=80,protocol=TCP].containerPort",
                Some(json!(80)),
            ),
            ("metadata.finalizers[=two]", Some(json!("two"))),
            ("spec.containers[name=web].args[=[x]]", Some(json!("[x]"))),
            ("spec.containers[1].name", Some(json!("web"))),
            ("spec.containers[name=other].image", None),
            ("spec.containers[name=web", None),
            ("spec..containers", None),
            ("spec.nothing", None),
            ("", None),
        ] {
            let found = steps(&body(), path);
            let found = found.and_then(|steps| value_at(&body(), &steps).cloned());
            assert_eq!(found, value, "{path}");
        }
    }

    #[test]
    fn the_same_place_is_found_in_another_object() {
        let other =
            json!({"spec": {"containers": [{"name": "web", "ports": []}, {"name": "more"}]}});
        for (path, place) in [
            (
                "spec.containers[name=web].ports",
                Some("spec.containers[name=web].ports"),
            ),
            ("spec.containers[name=proxy].image", None),
            ("spec.containers[name=web].image", None),
            ("metadata.finalizers[0]", None),
        ] {
            let found = alike(&body(), &other, &steps(&body(), path).unwrap());
            let found = found.map(|steps| words(&other, &steps));
            assert_eq!(found.as_deref(), place, "{path}");
        }
        let found = alike(
            &body(),
            &other,
            &steps(&body(), "spec.containers[name=web]").unwrap(),
        );
        assert_eq!(
            found.unwrap().last(),
            Some(&Step::Index(0)),
            "its own place"
        );
    }

    #[test]
    fn a_patch_names_its_items() {
        let patch =
            node("spec:\n  containers:\n    - image: w:2\n      name: web\n    - name: other\n");
        let line = |path: &str| {
            let steps = steps(&body(), path).unwrap();
            find(&patch, &body(), &steps).map(|node| node.line)
        };
        assert_eq!(line("spec.containers[name=web].image"), Some(3));
        assert_eq!(line("spec.containers[name=proxy].image"), None);
        assert_eq!(line("spec.containers[name=web].args[0]"), None);
    }
}
