//! Which objects hold secrets, encrypted or for everybody to read. Never shows a value.

use crate::manifest::Manifest;
use serde_json::Value;

/// How an encrypted value of SOPS begins.
const CIPHERTEXT: &str = "ENC[AES256_GCM,";

/// Encrypted by SOPS: with its own block, or with a value of it in a Secret that lost the block.
pub(super) fn is_encrypted(body: &Value) -> bool {
    body.get("sops")
        .is_some_and(|sops| sops.get("mac").is_some())
        || (is_secret(body) && values(body).any(|value| value.trim_start().starts_with(CIPHERTEXT)))
}

/// A warning for every Secret with something in it that anybody who reads the repository can read as well.
pub fn plain_text(objects: &[Manifest]) -> Vec<String> {
    objects
        .iter()
        .filter(|manifest| is_secret(&manifest.body))
        .filter(|manifest| values(&manifest.body).any(|value| !value.is_empty()))
        .map(|manifest| {
            let place = manifest.origin.as_ref().map_or_else(String::new, |origin| {
                let line = origin.line.map_or_else(String::new, |line| format!(":{line}"));
                format!("{}{line}: ", origin.path)
            });
            format!(
                "{place}{} is in Git in plain text, so everybody who reads the repository can read it; encrypt it, or let the cluster fetch it",
                manifest.key.short()
            )
        })
        .collect()
}

fn is_secret(body: &Value) -> bool {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    text("apiVersion") == Some("v1") && text("kind") == Some("Secret")
}

fn values(body: &Value) -> impl Iterator<Item = &str> {
    ["data", "stringData"]
        .into_iter()
        .filter_map(|name| body.get(name)?.as_object())
        .flat_map(serde_json::Map::values)
        .filter_map(Value::as_str)
}
