//! The stock program as an oracle: what `kustomize build` makes of a directory on disk, without a network.

use engine::manifest::hash_of;
use engine::render::Complete;
use engine::yaml;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Differences that are listed per directory.
const SHOWN: usize = 5;

/// Objects by kind, namespace and name, in their canonical form.
pub type Objects = BTreeMap<String, Value>;

/// What the program prints; else the last line of what it says is wrong.
pub fn build(kustomize: &Path, directory: &Path) -> Result<String, String> {
    let output = Command::new(kustomize)
        .arg("build")
        .arg(directory)
        .env_clear()
        // Nothing that could fetch: no programs to call, and a proxy that nobody is behind.
        .env("PATH", "/nowhere")
        .env("HOME", "/nowhere")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().rfind(|line| !line.trim().is_empty());
    Err(line.unwrap_or("it failed without a word").to_owned())
}

/// The objects of printed YAML. A name that occurs twice is kept twice.
pub fn objects(printed: &str) -> Result<Objects, String> {
    let mut found = Objects::new();
    for document in yaml::documents(printed).map_err(|error| error.message)? {
        let body = document.value().map_err(|error| error.message)?;
        for body in opened(body) {
            add(&mut found, clean(body));
        }
    }
    Ok(found)
}

fn opened(body: Value) -> Vec<Value> {
    let is_list = body["kind"]
        .as_str()
        .is_some_and(|kind| kind.ends_with("List"));
    match (is_list, body.get("items").and_then(Value::as_array)) {
        (true, Some(items)) => items.iter().cloned().flat_map(opened).collect(),
        _ if body.is_null() => Vec::new(),
        _ => vec![body],
    }
}

fn add(found: &mut Objects, body: Value) {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or("");
    let mut key = format!(
        "{} {} {}/{}",
        text("/apiVersion"),
        text("/kind"),
        text("/metadata/namespace"),
        text("/metadata/name")
    );
    while found.contains_key(&key) {
        key.push_str(" again");
    }
    found.insert(key, body);
}

/// Without what only a cluster sets, which is never part of a render.
fn clean(mut body: Value) -> Value {
    if let Some(object) = body.as_object_mut() {
        object.remove("status");
    }
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("creationTimestamp");
        for field in ["annotations", "labels", "namespace"] {
            if metadata.get(field).is_some_and(Value::is_null) {
                metadata.remove(field);
            }
        }
    }
    body
}

/// Where our render and the program's differ. Encrypted objects are compared by name alone.
pub fn differences(ours: &Complete, stock: &Objects) -> Vec<String> {
    let mut rendered = Objects::new();
    for manifest in &ours.objects {
        add(&mut rendered, (*manifest.body).clone());
    }
    let encrypted = ours.encrypted.len();
    let missing: Vec<&String> = stock
        .keys()
        .filter(|key| !rendered.contains_key(*key))
        .filter(|key| !is_encrypted(&stock[*key]))
        .collect();
    let mut found: Vec<String> = missing
        .into_iter()
        .map(|key| format!("{key} is missing"))
        .collect();
    for (key, body) in &rendered {
        match stock.get(key) {
            None => found.push(format!("{key} is not the program's")),
            Some(theirs) if hash_of(theirs) != hash_of(body) => {
                found.push(format!(
                    "{key} differs at {}",
                    path(body, theirs, String::new())
                ));
            }
            Some(_) => {}
        }
    }
    if rendered.len() + encrypted != stock.len() && found.is_empty() {
        found.push(format!(
            "{} objects instead of {}",
            rendered.len() + encrypted,
            stock.len()
        ));
    }
    found.truncate(SHOWN);
    found
}

fn is_encrypted(body: &Value) -> bool {
    body.pointer("/sops/mac").is_some()
}

/// The first path at which two values differ.
fn path(one: &Value, other: &Value, at: String) -> String {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => a
            .keys()
            .chain(b.keys())
            .find(|key| a.get(*key) != b.get(*key))
            .map_or(at.clone(), |key| {
                let null = Value::Null;
                path(
                    a.get(key).unwrap_or(&null),
                    b.get(key).unwrap_or(&null),
                    format!("{at}.{key}"),
                )
            }),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .position(|(a, b)| a != b)
            .map_or(at.clone(), |index| {
                path(&a[index], &b[index], format!("{at}[{index}]"))
            }),
        _ => format!("{at}: {one} instead of {other}"),
    }
}
