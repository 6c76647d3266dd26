//! ConfigMaps among the files of a root source whose values Flux definitions take up.
//!
//! Values of Secrets are never taken: a definition is stored and shown, and a secret must be neither.

use super::fields::Place;
use super::signers::{self, PublicKeys};
use super::{DefinitionFile, Substitution, ValuesReference};
use crate::yaml;
use serde_json::Value;
use std::collections::BTreeMap;

/// Data of a ConfigMap.
pub(super) type Data = BTreeMap<String, String>;

/// ConfigMaps by namespace and name; those that are declared differently in several places are `None`.
#[derive(Debug, Default)]
pub(super) struct ConfigMaps(BTreeMap<(String, String), Option<Data>>);

/// Reads the ConfigMaps that any of the files declares and, where something asks for signatures, the public keys in them
/// and in Secrets. Broken files are left to others to name.
pub(super) fn read(files: &[DefinitionFile]) -> (ConfigMaps, PublicKeys) {
    let (mut config_maps, mut keys) = (ConfigMaps::default(), PublicKeys::default());
    let signed = files
        .iter()
        .any(|file| signers::ASKED_BY.iter().any(|word| mentions(file, word)));
    let kinds: &[&str] = if signed {
        &["ConfigMap", "Secret"]
    } else {
        &["ConfigMap"]
    };
    for file in files {
        if file.bytes.len() > super::collect::MAX_FILE_BYTES
            || !kinds.iter().any(|kind| mentions(file, kind))
        {
            continue;
        }
        let Ok(text) = yaml::text_of(&file.bytes) else {
            continue;
        };
        for document in yaml::documents(text).unwrap_or_default() {
            if kinds.iter().any(|kind| document.text.contains(kind))
                && let Ok(body) = document.value()
            {
                config_maps.add(&body);
                if signed {
                    keys.add(&file.path, &body);
                }
            }
        }
    }
    (config_maps, keys)
}

fn mentions(file: &DefinitionFile, word: &str) -> bool {
    let word = word.as_bytes();
    file.bytes.windows(word.len()).any(|window| window == word)
}

impl ConfigMaps {
    fn add(&mut self, body: &Value) {
        let of = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let (Some("ConfigMap"), Some("v1"), Some(name)) =
            (of("/kind"), of("/apiVersion"), of("/metadata/name"))
        else {
            return;
        };
        let namespace = of("/metadata/namespace").unwrap_or_default();
        let data: Data = body
            .get("data")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect();
        self.0
            .entry((namespace.to_owned(), name.to_owned()))
            .and_modify(|known| {
                if known.as_ref() != Some(&data) {
                    *known = None;
                }
            })
            .or_insert(Some(data));
    }

    /// The data behind a reference. What is missing is a problem of `field`, or a note where it may be missing.
    pub(super) fn get(
        &self,
        place: &Place<'_>,
        field: &str,
        reference: &ValuesReference,
    ) -> Option<&Data> {
        let ValuesReference {
            kind,
            namespace,
            name,
            optional,
            ..
        } = reference;
        let missing = |message: String, next: &str| {
            if *optional {
                place.note(field, &format!("left out, as it is optional: {message}"));
            } else {
                place.problem(field, &message, next);
            }
            None
        };
        match kind.as_str() {
            "ConfigMap" => {}
            "Secret" => {
                // Even where it is optional: Flux would take it, and a default in its place would be something else.
                place.problem(
                    field,
                    &format!(
                        "the values of Secret {namespace}/{name} are not taken: definitions hold no secrets"
                    ),
                    "Move what is not secret into a ConfigMap.",
                );
                return None;
            }
            "" => return None,
            _ => {
                place.problem(
                    field,
                    &format!("{kind} holds no values"),
                    "Use a ConfigMap.",
                );
                return None;
            }
        }
        // One without namespace gets it from its kustomization, and is taken when nothing names it exactly.
        let found = self
            .0
            .get(&(namespace.clone(), name.clone()))
            .or_else(|| self.0.get(&(String::new(), name.clone())));
        match found {
            Some(Some(data)) => Some(data),
            Some(None) => missing(
                format!(
                    "the ConfigMap {namespace}/{name} is declared differently in several files"
                ),
                "Keep one of them; definitions of several clusters need a source per cluster.",
            ),
            None => missing(
                format!("there is no ConfigMap {namespace}/{name} in this source"),
                "Add it to the source's path; what exists in clusters only is not read.",
            ),
        }
    }

    /// Puts the values of the references under the variables that the definition gives itself.
    pub(super) fn fill(&self, place: &Place<'_>, substitution: &mut Substitution) {
        let mut all = Data::new();
        for (index, reference) in substitution.from.iter().enumerate() {
            let field = format!("spec.postBuild.substituteFrom[{index}]");
            if let Some(data) = self.get(place, &field, reference) {
                all.extend(data.clone());
            }
        }
        all.append(&mut substitution.variables);
        all.retain(|name, _| super::flux::is_variable(name));
        // As Flux: a line break would change the document around it.
        for value in all.values_mut() {
            value.retain(|c| c != '\n');
        }
        substitution.variables = all;
    }
}
