//! What is hidden beside Secrets because Git says so: annotations by their names, and fields of chosen kinds.
//!
//! The rules are in the ConfigMap `argocd-cm` of a root source, where Argo CD has them too. They only ever hide more.

use super::{Masking, is_on};
use crate::definition::{DefinitionFile, DefinitionProblem};
use crate::yaml::{self, Kind, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The ConfigMap with Argo CD's settings.
const NAME: &str = "argocd-cm";
/// Names of annotations, with commas between: Argo CD's own key.
const ANNOTATIONS: &str = "resource.sensitive.mask.annotations";
/// A line each: `group/Kind: field.of.it`.
const FIELDS: &str = "resource.sensitive.mask.fields";
/// Rules of either kind.
const MOST: usize = 200;

/// What is hidden in the objects of a definition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskingRules {
    /// Lower-cased names.
    #[serde(default)]
    pub annotations: Vec<String>,
    #[serde(default)]
    pub fields: Vec<FieldRule>,
}

/// A field whose value is hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRule {
    pub group: String,
    pub kind: String,
    /// Names from the root; `*` is every name, or every item of a list.
    pub path: Vec<String>,
}

/// Where there are no rules.
pub(crate) static NONE: MaskingRules = MaskingRules {
    annotations: Vec::new(),
    fields: Vec::new(),
};

impl MaskingRules {
    /// Whether the value of an annotation of this name is hidden.
    pub(crate) fn annotation(&self, name: &str) -> bool {
        is_on(Masking::Rules)
            && self
                .annotations
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
    }

    /// The paths that are hidden in this object.
    pub(crate) fn of<'a>(&'a self, object: &'a Value) -> impl Iterator<Item = &'a [String]> {
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        self.fields
            .iter()
            .filter(move |rule| rule.kind == kind && rule.group == group && is_on(Masking::Rules))
            .map(|rule| rule.path.as_slice())
    }

    /// Reads the rules of a root source, and what is wrong with some. Files that cannot be read are left to others to
    /// name.
    pub fn read(files: &[DefinitionFile]) -> (Self, Vec<DefinitionProblem>) {
        let mut found = Found::default();
        for file in files {
            let has = |word: &str| {
                file.bytes
                    .windows(word.len())
                    .any(|window| window == word.as_bytes())
            };
            if !has("resource.sensitive.mask.") || !has(NAME) {
                continue;
            }
            let documents = yaml::text_of(&file.bytes).and_then(yaml::documents);
            for document in documents.unwrap_or_default() {
                if let Ok(node) = document.node() {
                    found.document(&file.path, &node);
                }
            }
        }
        let rules = &mut found.rules;
        rules.annotations.sort();
        rules.annotations.dedup();
        (found.rules, found.problems)
    }
}

#[derive(Default)]
struct Found {
    rules: MaskingRules,
    problems: Vec<DefinitionProblem>,
}

impl Found {
    fn document(&mut self, path: &str, node: &Node) {
        let text = |node: Option<&Node>, name: &str| {
            let text = node.and_then(|node| node.get(name)).and_then(Node::text);
            text.unwrap_or_default().to_owned()
        };
        if text(Some(node), "kind") != "ConfigMap" || text(node.get("metadata"), "name") != NAME {
            return;
        }
        let Some(Kind::Map(data)) = node.get("data").map(|data| &data.kind) else {
            return;
        };
        for (key, value) in data {
            let written = value.text().unwrap_or_default();
            if key == ANNOTATIONS {
                let names = written.split(',').map(str::trim);
                let names = names.filter(|name| !name.is_empty());
                self.rules
                    .annotations
                    .extend(names.map(str::to_ascii_lowercase));
            } else if key == FIELDS {
                for line in written.lines().map(str::trim) {
                    if line.is_empty() || line.starts_with('#') {
                        continue;
                    }
                    match field(line) {
                        Some(rule) => self.rules.fields.push(rule),
                        None => self.problem(
                            path,
                            value.line,
                            format!("“{line}” names no field: write group/Kind: field.of.it"),
                        ),
                    }
                }
            }
        }
        if self.rules.annotations.len().max(self.rules.fields.len()) > MOST {
            self.problem(
                path,
                node.line,
                format!("there are more than {MOST} rules of one kind"),
            );
        }
    }

    fn problem(&mut self, path: &str, line: u32, message: String) {
        self.problems.push(DefinitionProblem {
            key: None,
            path: path.to_owned(),
            line,
            field: format!("data.{FIELDS}"),
            message,
            next: "Correct the ConfigMap in Git; the other rules count.".to_owned(),
        });
    }
}

/// `group/Kind: spec.users[*].password`; the core group has no name: `/Kind` or `Kind`.
fn field(line: &str) -> Option<FieldRule> {
    let (kind, path) = line.split_once(':')?;
    let (group, kind) = kind.trim().split_once('/').unwrap_or(("", kind.trim()));
    let path: Vec<String> = path
        .trim()
        .replace("[*]", ".*")
        .trim_start_matches('.')
        .split('.')
        .map(str::to_owned)
        .collect();
    let plain = |name: &String| {
        !name.is_empty()
            && !name.contains(|letter: char| letter.is_whitespace() || "[]".contains(letter))
    };
    let named = !kind.is_empty() && !kind.contains(char::is_whitespace) && path.iter().all(plain);
    // Without these nobody could tell the object.
    let own = ["apiVersion", "kind", "metadata"];
    let whole = path.len() == 1 && own.contains(&path[0].as_str());
    let name = path.len() == 2 && path[0] == "metadata" && path[1] == "name";
    (named && !whole && !name).then(|| FieldRule {
        group: group.to_owned(),
        kind: kind.to_owned(),
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(data: &str) -> (MaskingRules, Vec<String>) {
        let text = format!(
            "kind: ConfigMap\napiVersion: v1\nmetadata: {{name: argocd-cm}}\ndata:\n{data}"
        );
        let file = DefinitionFile {
            path: "argocd/cm.yaml".to_owned(),
            bytes: text.into_bytes(),
        };
        let (rules, problems) = MaskingRules::read(&[file]);
        let said = problems.into_iter().map(|problem| problem.message);
        (rules, said.collect())
    }

    #[test]
    fn rules_are_read_as_argo_cd_has_them() {
        let (rules, problems) = read(
            "  resource.sensitive.mask.annotations: openshift.io/token-secret.value, API-key\n  resource.sensitive.mask.fields: |\n    # a remark\n    example.org/Database: spec.adminPassword\n    example.org/Database: .spec.users[*].password\n    ConfigMap: data.license\n    /Pod: spec.containers[*].env[*].value\n",
        );
        assert_eq!(problems, [] as [String; 0]);
        assert!(rules.annotation("openshift.io/token-secret.value"));
        assert!(rules.annotation("api-KEY"));
        assert!(!rules.annotation("api-key-of-mine"));
        let paths = |object: &Value| {
            let paths = rules.of(object).map(|path| path.join("."));
            paths.collect::<Vec<_>>()
        };
        assert_eq!(
            paths(&json!({"apiVersion": "example.org/v1", "kind": "Database"})),
            ["spec.adminPassword", "spec.users.*.password"]
        );
        assert_eq!(
            paths(&json!({"apiVersion": "v1", "kind": "ConfigMap"})),
            ["data.license"]
        );
        assert_eq!(
            paths(&json!({"apiVersion": "other.org/v1", "kind": "Database"})),
            [] as [&str; 0]
        );
    }

    #[test]
    fn a_rule_that_names_no_field_is_a_problem_and_the_others_count() {
        for line in [
            "spec.password",
            "example.org/Database:",
            "example.org/Database: metadata.name",
            "example.org/Database: kind",
            "example.org/: spec.a",
            "example.org/Database: spec..a",
            "example.org/Database: spec.a b",
            "example.org/Database: spec.users[0].a",
        ] {
            let (rules, problems) = read(&format!(
                "  resource.sensitive.mask.fields: |\n    {line}\n    example.org/Database: spec.b\n"
            ));
            assert_eq!(problems.len(), 1, "{line}: {problems:?}");
            assert!(problems[0].contains("names no field"), "{problems:?}");
            assert_eq!(rules.fields.len(), 1, "{line}");
        }
    }
}
