//! The reader against kubectl: its answers to odd YAML are kept as data (`end2end/oracle` asks for them). Every case
//! in which we read something else is meant so, and stands here with its reason.

use super::super::objects;
use super::file;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    name: String,
    text: String,
    /// Nothing: kubectl refuses the file.
    kubectl: Option<Vec<Value>>,
}

/// Where we differ on purpose: why, and the cases.
const ON_PURPOSE: [(&str, &[&str]); 7] = [
    (
        "a key given twice is an error, where kubectl keeps the last one silently",
        &[
            "value: {yes: 1, \"true\": 2}",
            "value: {true: 1, yes: 2}",
            "value: {a: 1, a: 2}",
            "value: \n    a: 1\n    b: 2\n    a: 3",
            "value: {\"a\": 1, a: 2}",
            "value: {1: a, \"1\": b}",
            "value: {a: {b: 1, b: 2}}",
            "value: {&k a: 1, *k : 2}",
            "JSON with a key twice",
            "a key twice at the top",
        ],
    ),
    (
        "bytes that are no text are an error, where kubectl replaces them silently",
        &["value: !!binary //8="],
    ),
    (
        "an object behind `...` is read, where kubectl drops it silently",
        &["a document end without another separator"],
    ),
    (
        "a file without any Kubernetes object is left out with a warning: values files stand beside manifests",
        &["a list at the top", "text at the top"],
    ),
    (
        "a list in a list is opened, as in a single one",
        &["a list in a list"],
    ),
    (
        "a directive says nothing that changes an object, and other tools take it",
        &[
            "a directive",
            "a directive of YAML 1.2",
            "a tag directive",
            "an unknown directive",
        ],
    ),
    (
        "what YAML 1.2 and JSON allow has one meaning only, and kustomize and helm print it",
        &[
            "value: \"\\ud83d\\ude00\"",
            "value: \"\\/\"",
            "value: a\u{85}b",
            "value: a\u{2028}b",
            "value: |\n    \ta",
            "value: {a: &é 1, b: *é}",
            "a tab in an empty line",
        ],
    ),
];

fn ours(text: &str) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    file("odd.yaml", text.as_bytes(), &mut found, &mut Vec::new())
        .map_err(|error| error.to_string())?;
    let mut flat = Vec::new();
    for document in found {
        objects::flatten(document, 0, &mut flat).map_err(|error| error.to_string())?;
    }
    Ok(flat.into_iter().map(|document| document.body).collect())
}

/// `1` and `1.0` are one number. The data itself is read to the last digit but one.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let close = |(one, other): (f64, f64)| (one - other).abs() <= one.abs() * f64::EPSILON;
            one == other || one.as_f64().zip(other.as_f64()).is_some_and(close)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

/// What a case is about, short: what is in `spec`, or everything.
fn shown(objects: &[Value]) -> String {
    let short: Vec<String> = objects
        .iter()
        .map(|object| object.get("spec").unwrap_or(object).to_string())
        .collect();
    short.join(" ").chars().take(160).collect()
}

#[test]
fn odd_yaml_is_read_as_kubectl_reads_it() {
    let mut cases = 0;
    let mut wrong = Vec::new();
    for line in include_str!("kubectl.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        cases += 1;
        let ours = ours(&case.text);
        let agree = match (&case.kubectl, &ours) {
            (None, Err(_)) => true,
            (Some(theirs), Ok(ours)) => {
                theirs.len() == ours.len()
                    && theirs.iter().zip(ours).all(|(one, other)| same(one, other))
            }
            _ => false,
        };
        let meant = ON_PURPOSE
            .iter()
            .any(|(_, names)| names.contains(&case.name.as_str()));
        if agree == meant {
            let theirs = case
                .kubectl
                .as_deref()
                .map_or_else(|| "refused".to_owned(), shown);
            let ours = ours.map_or_else(
                |error| error.lines().next().unwrap_or_default().to_owned(),
                |objects| shown(&objects),
            );
            let name = case.name.escape_debug();
            let which = if meant {
                "agrees, but is listed"
            } else {
                "differs"
            };
            wrong.push(format!(
                "{name} {which}\n    kubectl: {theirs}\n    here:    {ours}"
            ));
        }
    }
    assert!(cases >= 200, "{cases} cases");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
