//! The tables of kinds, of edits and of single cases, as they stand beside this file in YAML.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What is done to an object: `/pointer: value` writes, `-/pointer` takes away, `~/pointer` turns a list round.
pub type Edit = BTreeMap<String, Value>;

/// A kind with its variations.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub base: Value,
    pub edits: Vec<Edit>,
    #[serde(default)]
    pub place: Place,
    /// Objects of this kind cost the cluster much: make few.
    #[serde(default)]
    pub few: bool,
    /// Fields that the server itself sets anew when another one changes. Git does not say them, and the prediction does
    /// not either.
    #[serde(default)]
    pub follows: Vec<String>,
}

/// One case, written out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub case: String,
    #[serde(default)]
    pub by: By,
    pub base: Value,
    /// What somebody then changes in the cluster.
    #[serde(default)]
    pub drift: Option<Edit>,
    /// What Git holds by now, as edits of `base`.
    pub git: Vec<Edit>,
    #[serde(default)]
    pub place: Place,
    /// Unknown fields are let pass.
    #[serde(default)]
    pub lax: bool,
    /// Only the cluster can tell, and the prediction has to say so.
    #[serde(default)]
    pub asks: bool,
    /// Nobody has seen yet what the webhook does to this kind.
    #[serde(default)]
    pub unseen: bool,
    /// The version in which the live object is read.
    #[serde(default)]
    pub read: Option<String>,
    /// `none`: the cluster did not describe the kind.
    #[serde(default)]
    pub schema: Option<String>,
}

/// In which of the test's namespaces an object lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// Where no pod may run.
    #[default]
    Quiet,
    Pods,
    Limits,
    /// Where the test's webhook changes what comes in.
    Hooked,
}

/// Whose hands made the live object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    #[default]
    Ours,
    /// `kubectl apply`, which keeps a copy in an annotation.
    Kubectl,
    /// `kubectl apply --server-side`.
    KubectlServer,
    Helm3,
    Helm4,
    Argo,
    ArgoServer,
    Flux,
    /// Ours, then scaled as an autoscaler does.
    Scaled,
    /// Applied by us twice, and read in between.
    Twice,
}

/// Those that make objects which we then adopt.
pub const ADOPTED: [By; 7] = [
    By::Kubectl,
    By::Helm3,
    By::Argo,
    By::Flux,
    By::KubectlServer,
    By::Helm4,
    By::ArgoServer,
];

/// All kinds, the custom ones in `group`.
pub fn entries(group: &str) -> Vec<Entry> {
    let tables = [
        include_str!("table/workloads.yaml"),
        include_str!("table/core.yaml"),
        include_str!("table/access.yaml"),
        include_str!("table/cluster.yaml"),
        include_str!("table/custom.yaml"),
    ];
    tables.iter().flat_map(|text| read(text, group)).collect()
}

/// The cases that are written out.
pub fn cases(group: &str) -> Vec<Case> {
    let tables = [
        include_str!("table/edges.yaml"),
        include_str!("table/hooks.yaml"),
    ];
    tables.iter().flat_map(|text| read(text, group)).collect()
}

/// Definitions of the custom kinds.
pub fn definitions(group: &str) -> Vec<Value> {
    read(include_str!("table/definitions.yaml"), group)
}

fn read<T: serde::de::DeserializeOwned>(text: &str, group: &str) -> Vec<T> {
    let text = text.replace("GROUP", group);
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("a table cannot be read: {error}"))
}

/// The value with its name filled in.
pub fn named<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T, name: &str) -> T {
    let text = serde_json::to_string(value).unwrap().replace("NAME", name);
    serde_json::from_str(&text).unwrap()
}

/// The object after an edit. An edit of what is not there writes it.
pub fn edited(object: &Value, edit: &Edit) -> Value {
    let mut object = object.clone();
    for (step, value) in edit {
        match step.split_at(1) {
            ("-", pointer) => cut(&mut object, pointer),
            ("~", pointer) => {
                if let Some(list) = object.pointer_mut(pointer).and_then(Value::as_array_mut) {
                    list.reverse();
                }
            }
            _ => write(&mut object, step, value),
        }
    }
    object
}

fn cut(object: &mut Value, pointer: &str) {
    let (above, last) = pointer.rsplit_once('/').unwrap();
    match object.pointer_mut(above) {
        Some(Value::Object(map)) => {
            map.remove(&plain(last));
        }
        Some(Value::Array(list)) => {
            let at: usize = last.parse().unwrap();
            if at < list.len() {
                list.remove(at);
            }
        }
        _ => {}
    }
}

fn write(object: &mut Value, pointer: &str, value: &Value) {
    let mut at = object;
    for step in pointer.split('/').skip(1) {
        if let Value::Array(list) = at {
            let index: usize = step.parse().unwrap();
            if index >= list.len() {
                list.push(Value::Null);
            }
            let last = list.len() - 1;
            at = &mut list[index.min(last)];
        } else {
            if !at.is_object() {
                let list = step == "0";
                *at = if list {
                    Value::Array(vec![Value::Null])
                } else {
                    Value::Object(Map::new())
                };
            }
            at = match at {
                Value::Array(list) => &mut list[0],
                Value::Object(map) => map.entry(plain(step)).or_insert(Value::Null),
                _ => unreachable!("it has just been made one of the two"),
            };
        }
    }
    *at = value.clone();
}

fn plain(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// Pointers to everything below `spec`, `data` and the like, deepest first within each.
pub fn places(object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let roots = object.as_object().unwrap().iter();
    for (name, value) in
        roots.filter(|(name, _)| !matches!(name.as_str(), "apiVersion" | "kind" | "metadata"))
    {
        collect(&format!("/{}", escaped(name)), value, &mut found);
    }
    found
}

fn collect(pointer: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, below) in map {
                collect(&format!("{pointer}/{}", escaped(name)), below, found);
            }
        }
        Value::Array(list) => {
            for (index, below) in list.iter().enumerate() {
                collect(&format!("{pointer}/{index}"), below, found);
            }
        }
        _ => {}
    }
    found.push(pointer.to_owned());
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
