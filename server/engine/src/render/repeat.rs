//! Charts may ask for the time or for chance. What does so is rendered twice, and must come out the same.

use super::inputs::Work;
use super::objects::Document;
use super::{RenderError, RenderInput, RenderInputs, blocking};
use crate::source::Snapshot;
use serde_json::Value;

/// Functions of templates whose result may be another one the next time, and `tpl`, which can call any of them.
/// `keys` and `values` come in any order.
const VARYING: [&str; 28] = [
    "ago",
    "bcrypt",
    "buildCustomCert",
    "date",
    "dateInZone",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "htmlDate",
    "htpasswd",
    "keys",
    "now",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "shuffle",
    "tpl",
    "unixEpoch",
    "uuidv4",
    "values",
];

/// How many fields a message names.
const SHOWN: usize = 10;

/// Whether the chart names such a function anywhere, or holds archives in which one may be.
pub(super) async fn may_vary(
    snapshot: &Snapshot,
    input: &RenderInput,
    inputs: &RenderInputs,
) -> Result<bool, RenderError> {
    if !matches!(inputs.work, Work::Helm(_)) {
        return Ok(false);
    }
    let options = format!("{:?}", input.source.helm);
    if options.contains("{{") {
        return Ok(true);
    }
    let (snapshot, files) = (snapshot.clone(), inputs.files.clone());
    blocking(move || {
        for staged in &files {
            let is_template = staged.path.contains("templates/");
            if staged.path.ends_with(".tgz")
                || (is_template && names_one(&snapshot.read(&staged.file)?))
            {
                return Ok(true);
            }
        }
        Ok(false)
    })
    .await
}

/// A word of its own, not a field such as `.now`.
fn names_one(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '$');
    text.split(|c: char| !is_part(c))
        .any(|word| VARYING.contains(&word))
}

/// An error that names the fields in which the two renders differ.
pub(super) fn compare(
    path: &str,
    first: &[Document],
    second: &[Document],
) -> Result<(), RenderError> {
    let mut fields = Vec::new();
    if first.len() != second.len() {
        fields.push("the number of objects".to_owned());
    }
    for (one, other) in first.iter().zip(second) {
        let text = |pointer: &str| {
            one.body
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let object = format!("{} {}", text("/kind"), text("/metadata/name"));
        let mut found = Vec::new();
        differ(&one.body, &other.body, "", &mut found);
        fields.extend(
            found
                .iter()
                .map(|field| format!("{field} of {}", object.trim())),
        );
    }
    let more = fields.len().saturating_sub(SHOWN);
    if fields.is_empty() {
        // Only notes or the order of keys differ.
        return Ok(());
    }
    fields.truncate(SHOWN);
    let mut fields = fields.join(", ");
    if more > 0 {
        fields.push_str(&format!(" and {more} more"));
    }
    Err(RenderError::Varies {
        path: path.to_owned(),
        fields,
    })
}

/// Names of fields, never values.
fn differ(one: &Value, other: &Value, path: &str, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            let only_right = right.keys().filter(|name| !left.contains_key(*name));
            for name in left.keys().chain(only_right) {
                let below = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                match (left.get(name), right.get(name)) {
                    (Some(left), Some(right)) => differ(left, right, &below, found),
                    _ => found.push(below),
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                differ(left, right, &format!("{path}[{index}]"), found);
            }
        }
        _ if one != other => found.push(path.to_owned()),
        _ => {}
    }
}
