//! Fleet's own documents among the files of a root source.

use super::super::{DEFAULT_NAMESPACE, GROUP, repository};
use super::{FoundRepository, Reading, Written};
use crate::definition::collect::MAX_FILE_BYTES;
use crate::definition::fields::FieldProblem;
use crate::definition::{DefinitionDocument, DefinitionFile};
use crate::yaml::{self, Node};

impl Reading {
    /// Takes Fleet's own documents out of a file. Broken ones that others name as well are named here only if they are
    /// Fleet's.
    pub(super) fn documents(&mut self, file: &DefinitionFile) {
        let word = format!("{GROUP}/");
        let mentions = |bytes: &[u8]| {
            bytes
                .windows(word.len())
                .any(|window| window == word.as_bytes())
        };
        if file.bytes.len() > MAX_FILE_BYTES || !mentions(&file.bytes) {
            return;
        }
        let documents = match yaml::text_of(&file.bytes).and_then(yaml::documents) {
            Ok(documents) => documents,
            Err(error) => return self.broken(&file.path, error.line.unwrap_or(1), error.message),
        };
        for document in documents {
            if !mentions(document.text.as_bytes()) {
                continue;
            }
            let node = match document.node() {
                Ok(node) => node,
                Err(error) => {
                    self.broken(
                        &file.path,
                        error.line.unwrap_or(document.line),
                        error.message,
                    );
                    continue;
                }
            };
            let text = document
                .text
                .trim_start_matches("---")
                .trim_start_matches(['\r', '\n']);
            self.object(
                &node,
                Written {
                    path: file.path.clone(),
                    line: document.line,
                    yaml: text.to_owned(),
                },
            );
        }
    }

    fn object(&mut self, node: &Node, written: Written) {
        let text = |name: &str| node.get(name).and_then(Node::text).unwrap_or_default();
        if crate::manifest::group_of(text("apiVersion")) != GROUP {
            return;
        }
        let metadata = |name: &str| {
            node.get("metadata")
                .and_then(|metadata| metadata.get(name))
                .and_then(Node::text)
                .filter(|text| !text.is_empty())
        };
        let kind = text("kind");
        self.has_repository |= kind == "GitRepo";
        if matches!(kind, "Bundle" | "HelmOp") {
            // They make something elsewhere, and what they make would be missing without a word.
            self.add(
                &format!("{kind} {}", metadata("name").unwrap_or_default()),
                None,
                &written.path,
                written.line,
                vec![FieldProblem {
                    line: written.line,
                    field: "kind".to_owned(),
                    message: format!("a {kind} is not read: what it would make is missing here"),
                    next: "Put a fleet.yaml into the folder, or keep it with Fleet.".to_owned(),
                }],
            );
        }
        if !matches!(kind, "GitRepo" | "ClusterGroup" | "Cluster") {
            return;
        }
        let Some(name) = metadata("name").filter(|name| !name.contains('/')) else {
            let message = format!("the {kind} has no name that Kubernetes would allow");
            return self.broken(&written.path, written.line, message);
        };
        let namespace = metadata("namespace").unwrap_or(DEFAULT_NAMESPACE);
        self.documents.push(DefinitionDocument {
            rendered: false,
            path: written.path.clone(),
            line: written.line,
            group: GROUP.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        });
        let subject = format!("{kind} {name}");
        let problems = match kind {
            "GitRepo" => {
                let (repository, problems) = repository::repository(node);
                if problems.is_empty() {
                    self.repositories.push(FoundRepository {
                        namespace: namespace.to_owned(),
                        name: name.to_owned(),
                        repository,
                        written: written.clone(),
                    });
                }
                problems
            }
            "ClusterGroup" => {
                let (group, problems) = repository::group(node, name);
                self.groups.push(group);
                problems
            }
            _ => {
                let (cluster, problems) = repository::cluster(node, namespace, name);
                self.clusters.push(cluster);
                problems
            }
        };
        self.add(&subject, None, &written.path, written.line, problems);
    }
}
