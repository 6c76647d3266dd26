//! Turns an OpenAPI v3 document into the compact graph. Descriptions, validations and paths are dropped: what is
//! left of a megabyte is a few ten kilobytes.

use super::{Fields, Gvk, ListKind, Node, Schema, Shape};
use crate::prediction::{Rule, is_on};
use serde_json::Value;
use std::sync::Arc;

const COMPONENT: &str = "#/components/schemas/";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
const MICRO_TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
const JSON_SCHEMA: &str =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

/// Adds the components of one document.
pub(super) fn add(schema: &mut Schema, document: &Value) -> usize {
    let Some(components) = document
        .pointer("/components/schemas")
        .and_then(Value::as_object)
    else {
        return 0;
    };
    let mut kinds = 0;
    for (name, body) in components {
        let name: Arc<str> = Arc::from(name.as_str());
        for gvk in gvks(body) {
            schema.kinds.insert(gvk, Arc::clone(&name));
            kinds += 1;
        }
        let node = component(&name, body);
        // Every document repeats the shared components (a pod's spec, metadata …): keep one of them.
        if schema
            .components
            .get(&name)
            .is_none_or(|known| **known != node)
        {
            schema.components.insert(name, Arc::new(node));
        }
    }
    kinds
}

fn gvks(body: &Value) -> Vec<Gvk> {
    let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    let Some(entries) = body
        .get("x-kubernetes-group-version-kind")
        .and_then(Value::as_array)
    else {
        return Vec::new();
    };
    // Components such as DeleteOptions belong to every group; they are no kinds of objects.
    if entries.len() > 1 || body.pointer("/properties/metadata").is_none() {
        return Vec::new();
    }
    entries
        .iter()
        .filter_map(|entry| {
            Some(Gvk {
                group: text(entry, "group")?,
                version: text(entry, "version")?,
                kind: text(entry, "kind")?,
            })
        })
        .collect()
}

fn component(name: &str, body: &Value) -> Node {
    if name == QUANTITY {
        return plain(Shape::Quantity);
    }
    if name == TIME || name == MICRO_TIME {
        let micros = name == MICRO_TIME;
        return plain(Shape::Time { micros });
    }
    // Published as "anything" because each is a schema or something else; as a schema it is the one that matters.
    let nested = name.starts_with(JSON_SCHEMA) && !name.ends_with("StringArray");
    if nested && name != JSON_SCHEMA && is_on(Rule::NestedSchemas) {
        return plain(Shape::Reference(Arc::from(JSON_SCHEMA)));
    }
    node(body)
}

fn plain(shape: Shape) -> Node {
    Node {
        shape,
        default: None,
        nullable: false,
    }
}

fn flag(body: &Value, key: &str) -> bool {
    body.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn text<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str)
}

fn node(body: &Value) -> Node {
    Node {
        shape: shape(body),
        default: body.get("default").cloned(),
        nullable: flag(body, "nullable"),
    }
}

fn reference(body: &Value) -> Option<Shape> {
    let name = text(body, "$ref")?.strip_prefix(COMPONENT)?;
    Some(Shape::Reference(Arc::from(name)))
}

fn shape(body: &Value) -> Shape {
    if let Some(shape) = reference(body) {
        return shape;
    }
    // `allOf` with one reference is how a default or a description stands beside it.
    if let Some([only]) = body
        .get("allOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        && body.get("properties").is_none()
        && let Some(shape) = reference(only)
    {
        return shape;
    }
    if flag(body, "x-kubernetes-int-or-string") || text(body, "format") == Some("int-or-string") {
        return if is_on(Rule::IntOrString) {
            Shape::IntOrString
        } else {
            Shape::Quantity
        };
    }
    match text(body, "type") {
        Some("array") => list(body),
        Some("object") => object(body),
        Some("string") if text(body, "format") == Some("byte") => Shape::Bytes,
        Some("string" | "integer" | "number" | "boolean") => Shape::Scalar,
        _ if body.get("properties").is_some() => object(body),
        _ => anything(body),
    }
}

fn list(body: &Value) -> Shape {
    let item = Box::new(body.get("items").map_or_else(|| plain(Shape::Any), node));
    let keys = |key: &str| -> Box<[Box<str>]> {
        let names = body
            .get(key)
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        names
            .iter()
            .filter_map(Value::as_str)
            .map(Box::from)
            .collect()
    };
    let kind = match (
        text(body, "x-kubernetes-list-type"),
        text(body, "x-kubernetes-patch-merge-key"),
    ) {
        (Some("map"), _) => ListKind::Map(keys("x-kubernetes-list-map-keys")),
        (Some("set"), _) => ListKind::Set,
        (Some(_), _) => ListKind::Atomic,
        (None, Some(key)) => ListKind::Map(Box::from([Box::from(key)])),
        (None, None) => ListKind::Atomic,
    };
    match kind {
        ListKind::Map(keys) if keys.is_empty() => Shape::List {
            item,
            kind: ListKind::Atomic,
        },
        kind => Shape::List { item, kind },
    }
}

/// Not described: a raw extension is one whole; only what says that it keeps unknown fields merges.
fn anything(body: &Value) -> Shape {
    if flag(body, "x-kubernetes-preserve-unknown-fields") {
        Shape::Any
    } else {
        Shape::Raw
    }
}

fn object(body: &Value) -> Shape {
    let atomic = text(body, "x-kubernetes-map-type") == Some("atomic");
    let open = flag(body, "x-kubernetes-preserve-unknown-fields");
    let rest = match body.get("additionalProperties") {
        Some(Value::Bool(true)) => Some(Box::new(plain(Shape::Any))),
        Some(rest @ Value::Object(_)) => Some(Box::new(node(rest))),
        _ if open => Some(Box::new(plain(Shape::Any))),
        _ => None,
    };
    let embedded = flag(body, "x-kubernetes-embedded-resource");
    match (body.get("properties").and_then(Value::as_object), rest) {
        (Some(properties), rest) => {
            let mut known: Vec<(Box<str>, Node)> = properties
                .iter()
                .map(|(name, body)| (Box::from(name.as_str()), node(body)))
                .collect();
            if embedded {
                for name in ["apiVersion", "kind", "metadata"] {
                    if !known.iter().any(|(known, _)| known.as_ref() == name) {
                        known.push((Box::from(name), plain(Shape::Any)));
                    }
                }
            }
            known.sort_by(|(one, _), (other, _)| one.cmp(other));
            Shape::Struct(Fields {
                known: known.into(),
                rest,
                atomic,
            })
        }
        (None, None) => anything(body),
        (None, Some(rest)) if rest.shape == Shape::Any && !atomic => Shape::Any,
        (None, Some(value)) => Shape::Map { value, atomic },
    }
}
