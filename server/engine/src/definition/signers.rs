//! Public keys that definitions ask commits to be signed with: from Secrets and ConfigMaps among the files of the root
//! source.
//!
//! Flux keeps them in a Secret although they are public. Only values that are public keys are taken; everything else of a
//! Secret is left where it is.

use super::fields::Place;
use crate::signature::{KeyText, Keyring};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Which signatures the commits of a source must carry.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verification {
    /// Who asks for it, for people: `GitRepository flux-system/shop (apps/shop.yaml:3)`.
    pub asked_by: String,
    /// The commit itself.
    pub head: bool,
    /// An annotated tag that is followed stands for the commit: Argo CD verifies it instead.
    #[serde(default)]
    pub by_tag: bool,
    /// The commits before it too, back to the last that is signed and says that it vouches for all before.
    #[serde(default)]
    pub earlier: bool,
    /// The annotated tag that leads to it.
    pub tag: bool,
    pub keys: Vec<KeyText>,
    /// Ids of the keys that count; empty: all of them.
    pub only: Vec<String>,
}

/// Fields that ask for signatures; without any of them nobody looks for a key.
pub(super) const ASKED_BY: [&str; 3] = ["verify", "signatureKeys", "sourceIntegrity"];
/// Where Argo CD keeps its keys.
pub(super) const ARGO_KEYS: &str = "argocd-gpg-keys-cm";

/// By namespace and name: data key and text.
#[derive(Debug, Default)]
pub(super) struct PublicKeys(BTreeMap<(String, String), Vec<KeyText>>);

impl PublicKeys {
    /// Takes up what one document holds, if it is a Secret or a ConfigMap.
    pub(super) fn add(&mut self, path: &str, body: &Value) {
        let of = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let (Some(kind @ ("Secret" | "ConfigMap")), Some("v1"), Some(name)) =
            (of("/kind"), of("/apiVersion"), of("/metadata/name"))
        else {
            return;
        };
        let namespace = of("/metadata/namespace").unwrap_or_default();
        let texts = values(body)
            .into_iter()
            .filter_map(|(key, text)| Some((key, text.filter(|text| is_public(text))?)))
            .map(|(key, text)| KeyText {
                text,
                place: format!("{kind} {name}, {key} ({path})"),
            });
        let known = self
            .0
            .entry((namespace.to_owned(), name.to_owned()))
            .or_default();
        for text in texts {
            if !known.contains(&text) {
                known.push(text);
            }
        }
    }

    /// The keys of a Secret or ConfigMap; one that names no namespace is taken when nothing names it exactly.
    pub(super) fn of(&self, namespace: &str, name: &str) -> Option<&[KeyText]> {
        self.0
            .get(&(namespace.to_owned(), name.to_owned()))
            .or_else(|| self.0.get(&(String::new(), name.to_owned())))
            .map(Vec::as_slice)
    }
}

/// Values of a Secret or ConfigMap with their field, decoded where they can be.
fn values(body: &Value) -> Vec<(String, Option<String>)> {
    let secret = body.get("kind").and_then(Value::as_str) == Some("Secret");
    let mut found = Vec::new();
    for field in ["data", "stringData"] {
        for (key, value) in body
            .get(field)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let value = value.as_str();
            let text = if secret && field == "data" {
                value
                    .and_then(|value| {
                        STANDARD
                            .decode(value.split_whitespace().collect::<String>())
                            .ok()
                    })
                    .and_then(|bytes| String::from_utf8(bytes).ok())
            } else {
                value.map(str::to_owned)
            };
            found.push((format!("{field}.{key}"), text));
        }
    }
    found
}

/// Whether a Secret holds public keys and nothing else, so that it may be kept.
pub(super) fn is_public_only(body: &Value) -> bool {
    let values = values(body);
    !values.is_empty()
        && values
            .iter()
            .all(|(_, text)| text.as_deref().is_some_and(is_public))
}

fn is_public(text: &str) -> bool {
    !text.contains("PRIVATE KEY")
        && (text.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----")
            || [
                "ssh-ed25519 ",
                "ssh-rsa ",
                "ecdsa-sha2-",
                "sk-ssh-",
                "sk-ecdsa-",
            ]
            .iter()
            .any(|kind| text.contains(kind)))
}

/// `spec.verify` of a `GitRepository`. `follows_tag`: what it follows is a tag or a range of them.
pub(super) fn of_repository(
    verify: &Place<'_>,
    asked_by: String,
    namespace: &str,
    keys: &PublicKeys,
    follows_tag: bool,
) -> Option<Verification> {
    if !verify.is_there() {
        return None;
    }
    let mode = verify.text("mode");
    // Flux's own default, and its older spelling.
    let (head, tag) = match mode.as_str() {
        "" | "HEAD" | "head" => (true, false),
        "Tag" => (false, true),
        "TagAndHEAD" => (true, true),
        _ => {
            let message = format!("{mode:?} is none of HEAD, Tag and TagAndHEAD");
            verify.problem("mode", &message, "Write one of them.");
            (true, false)
        }
    };
    if tag && !follows_tag {
        let next = "Follow a tag by ref.tag or ref.semver, or write mode: HEAD.";
        verify.problem(
            "mode",
            &format!("{mode} asks for the signature of a tag, and ref follows none"),
            next,
        );
    }
    let provider = verify.text("provider");
    if !provider.is_empty() {
        let next = "Commits are verified by OpenPGP and SSH keys; remove the provider.";
        verify.problem("provider", &format!("{provider} signs no commits"), next);
    }
    let reference = verify.at("secretRef");
    let name = reference.required("name");
    reference.done();
    verify.done();
    let found = keys.of(namespace, &name).unwrap_or_default();
    let place = format!("the public keys of {namespace}/{name}");
    let next = "Add the Secret to the files of this source (public keys are not secret and need no encryption), or a ConfigMap of the same name.";
    if found.is_empty() && !name.is_empty() {
        let message =
            format!("{place} are not there: no Secret or ConfigMap of this source holds them");
        verify.problem("secretRef", &message, next);
    }
    let (ring, problems) = Keyring::read(found);
    for problem in &problems {
        verify.note("secretRef", problem);
    }
    if ring.is_empty() && !found.is_empty() {
        verify.problem(
            "secretRef",
            &format!("{place} cannot be read: {}", problems.join("; ")),
            next,
        );
    }
    Some(Verification {
        asked_by,
        head,
        tag,
        keys: found.to_vec(),
        ..Verification::default()
    })
}
