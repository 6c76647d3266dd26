//! Documents that definitions of other places refer to: Flux's sources, and what holds values. A definition that one
//! application renders may name a source that another one brings.

use super::collect::MAX_FILE_BYTES;
use super::{DefinitionFile, artifacts, flux, signers};
use crate::yaml::{self, Node};

/// Documents of the files that definitions of other places may refer to, one file each: sources, and what holds values.
pub fn referred_to(files: &[DefinitionFile]) -> Vec<DefinitionFile> {
    let mut kept = Vec::new();
    for file in files {
        let has = |word: &str| {
            file.bytes
                .windows(word.len())
                .any(|window| window == word.as_bytes())
        };
        let any = ["fluxcd.io/", "ConfigMap", "Secret"];
        if file.bytes.len() > MAX_FILE_BYTES || !any.iter().any(|word| has(word)) {
            continue;
        }
        let documents = yaml::text_of(&file.bytes)
            .and_then(yaml::documents)
            .unwrap_or_default();
        for document in documents {
            let text = document.text;
            if !any.iter().any(|word| text.contains(word)) {
                continue;
            }
            let Ok(node) = document.node() else {
                continue;
            };
            let field = |name: &str| node.get(name).and_then(Node::text).unwrap_or_default();
            let group = crate::manifest::group_of(field("apiVersion"));
            if is_referred_to(group, field("kind"))
                || (group.is_empty() && field("kind") == "ConfigMap")
                || (field("kind") == "Secret"
                    && document
                        .value()
                        .is_ok_and(|body| signers::is_public_only(&body)))
            {
                kept.push(DefinitionFile {
                    path: file.path.clone(),
                    bytes: text.as_bytes().to_vec(),
                });
            }
        }
    }
    kept
}

/// Flux's sources, and what makes them.
pub(super) fn is_referred_to(group: &str, kind: &str) -> bool {
    match group {
        flux::SOURCE_GROUP => kind != "Bucket",
        artifacts::GROUP => kind == artifacts::KIND,
        _ => false,
    }
}
