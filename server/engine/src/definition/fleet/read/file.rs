//! A `fleet.yaml` as a file: its one document, or none.

use super::super::folders::name;
use crate::definition::DefinitionFile;
use crate::yaml::{self, Kind, Node};

/// A map that says nothing.
pub(super) fn nothing() -> Node {
    Node {
        line: 1,
        kind: Kind::Map(Vec::new()),
    }
}

/// The only document of a `fleet.yaml`, its line and its text. An empty file says nothing, which is fine.
pub(super) fn fleet_yaml(file: &DefinitionFile) -> Result<(Node, u32, String), yaml::YamlError> {
    let text = yaml::text_of(&file.bytes)?;
    let several = |line| yaml::YamlError {
        line: Some(line),
        message: format!("{} holds several documents", name(&file.path)),
    };
    let (node, line) = match yaml::documents(text)?.as_slice() {
        [] => (nothing(), 1),
        [only] => (only.node()?, only.line),
        [_, second, ..] => return Err(several(second.line)),
    };
    let node = match node.kind {
        Kind::Map(_) => node,
        Kind::Null => nothing(),
        _ => {
            return Err(yaml::YamlError {
                line: Some(line),
                message: format!("{} must hold a map", name(&file.path)),
            });
        }
    };
    Ok((node, line, text.to_owned()))
}

/// A Kubernetes object that is called so by chance is none.
pub(super) fn is_fleet_yaml(file: &DefinitionFile) -> bool {
    !fleet_yaml(file)
        .is_ok_and(|(node, _, _)| node.get("apiVersion").is_some() && node.get("kind").is_some())
}
