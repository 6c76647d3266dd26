//! The reader against kubectl: its answers to odd YAML are kept as data (`end2end/oracle` asks for them), and the
//! snapshot lists every case in which we read something else.

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

fn ours(text: &str) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    file("odd.yaml", text.as_bytes(), &mut found, &mut Vec::new())
        .map_err(|error| error.to_string())?;
    Ok(found.into_iter().map(|document| document.body).collect())
}

/// `1` and `1.0` are one number.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
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
fn odd_yaml_is_read_as_kubectl_reads_it_but_for_these() {
    let mut cases = 0;
    let mut differing = Vec::new();
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
        if !agree {
            let theirs = case
                .kubectl
                .as_deref()
                .map_or_else(|| "refused".to_owned(), shown);
            let ours = ours.map_or_else(
                |error| error.lines().next().unwrap_or_default().to_owned(),
                |objects| shown(&objects),
            );
            differing.push(format!(
                "{}\n    kubectl: {theirs}\n    here:    {ours}",
                case.name.escape_debug()
            ));
        }
    }
    assert!(cases >= 200, "{cases} cases");
    insta::assert_snapshot!(format!(
        "{} of {cases} agree; these do not:\n{}",
        cases - differing.len(),
        differing.join("\n")
    ));
}
