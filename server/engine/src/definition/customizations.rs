//! Argo CD's health customizations: scripts in the ConfigMap `argocd-cm`, as
//! <https://argo-cd.readthedocs.io/en/stable/operator-manual/health/> has them. Read, never run.
//!
//! The ConfigMap may be a whole one or a patch of one, in a file or in what an application renders.

use super::{DefinitionFile, DefinitionProblem};
use crate::check::{SCRIPT_BYTES, UserCheck, What};
use crate::yaml::{self, Kind, Node};
use lockstep_types::resource::ResourceKey;

/// Where Argo CD keeps its settings.
const NAME: &str = "argocd-cm";
/// One key for everything.
const TOGETHER: &str = "resource.customizations";
/// One key for each kind: `group_Kind`, or the kind alone for the core group.
const EACH: &str = "resource.customizations.health.";

/// Whether an object is the ConfigMap that may hold scripts.
pub fn may_hold_scripts(key: &ResourceKey) -> bool {
    key.group.is_empty() && key.kind == "ConfigMap" && key.name == NAME
}

/// Scripts by path and line, and what is wrong with some. Files that cannot be read are left to others to name.
/// `rendered_by`: the application that renders the files, whose lines then say nothing.
pub fn read(
    files: &[DefinitionFile],
    rendered_by: Option<&str>,
) -> (Vec<UserCheck>, Vec<DefinitionProblem>) {
    let mut found = Found {
        rendered_by: rendered_by.unwrap_or_default(),
        ..Found::default()
    };
    for file in files {
        let has = |word: &str| {
            file.bytes
                .windows(word.len())
                .any(|window| window == word.as_bytes())
        };
        if file.bytes.len() > super::collect::MAX_FILE_BYTES || !has(NAME) || !has(TOGETHER) {
            continue;
        }
        let documents = yaml::text_of(&file.bytes).and_then(yaml::documents);
        for document in documents.unwrap_or_default() {
            if !document.text.contains(NAME) || !document.text.contains(TOGETHER) {
                continue;
            }
            if let Ok(node) = document.node() {
                found.document(&file.path, &node);
            }
        }
    }
    (found.checks, found.problems)
}

#[derive(Default)]
struct Found<'a> {
    rendered_by: &'a str,
    checks: Vec<UserCheck>,
    problems: Vec<DefinitionProblem>,
}

impl Found<'_> {
    fn document(&mut self, path: &str, node: &Node) {
        let text = |node: &Node, name: &str| {
            node.get(name)
                .and_then(Node::text)
                .unwrap_or_default()
                .to_owned()
        };
        let name = node
            .get("metadata")
            .map(|metadata| text(metadata, "name"))
            .unwrap_or_default();
        if text(node, "kind") != "ConfigMap" || name != NAME {
            return;
        }
        let Some(Kind::Map(data)) = node.get("data").map(|data| &data.kind) else {
            return;
        };
        for (key, value) in data {
            let Some(written) = value.text() else {
                continue;
            };
            if let Some(kind) = key.strip_prefix(EACH) {
                let (group, kind) = kind.split_once('_').unwrap_or(("", kind));
                self.script(
                    path,
                    value.line,
                    &format!("data.{key}"),
                    (group, kind),
                    written,
                );
            } else if key == TOGETHER {
                self.together(path, value.line, written);
            }
        }
    }

    /// The older form: YAML inside, by `group/Kind`.
    fn together(&mut self, path: &str, line: u32, written: &str) {
        let field = format!("data.{TOGETHER}");
        let parsed = yaml::documents(written).and_then(|documents| match documents.first() {
            Some(first) => first.node().map(Some),
            None => Ok(None),
        });
        let node = match parsed {
            Ok(Some(node)) => node,
            Ok(None) => return,
            Err(error) => {
                let message = format!("what it holds is not YAML: {}", error.message);
                return self.problem(path, line, &field, message);
            }
        };
        let Kind::Map(kinds) = &node.kind else {
            return self.problem(path, line, &field, "it holds no map of kinds".to_owned());
        };
        for (named, settings) in kinds {
            let Some(script) = settings.get("health.lua").and_then(Node::text) else {
                continue;
            };
            let kind = named.split_once('/').unwrap_or(("", named));
            self.script(path, line, &format!("{field}[{named}]"), kind, script);
        }
    }

    fn script(
        &mut self,
        path: &str,
        line: u32,
        field: &str,
        (group, kind): (&str, &str),
        script: &str,
    ) {
        if script.trim().is_empty() {
            return;
        }
        if script.len() > SCRIPT_BYTES {
            let message = format!("the script is longer than {} KiB", SCRIPT_BYTES >> 10);
            return self.problem(path, line, field, message);
        }
        let place = match self.rendered_by {
            "" => format!("{path}:{line}"),
            application => format!("{path}, rendered by {application}"),
        };
        let origin = format!("the health script of {kind} ({place})");
        let what = What::Script(script.to_owned());
        let known = self
            .checks
            .iter()
            .find(|check| check.group == group && check.kind == kind);
        match known {
            Some(known) if known.what == what => {}
            Some(known) => {
                let message = format!(
                    "another script for the same kind comes first and counts: {}",
                    known.origin
                );
                self.problem(path, line, field, message);
            }
            None => self.checks.push(UserCheck {
                group: group.to_owned(),
                kind: kind.to_owned(),
                what,
                origin,
            }),
        }
    }

    fn problem(&mut self, path: &str, line: u32, field: &str, message: String) {
        self.problems.push(DefinitionProblem {
            key: None,
            path: path.to_owned(),
            line,
            field: field.to_owned(),
            message,
            next: "Correct the ConfigMap in Git.".to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(text: &str) -> (Vec<String>, Vec<String>) {
        let file = DefinitionFile {
            path: "argocd/cm.yaml".to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        let (checks, problems) = read(&[file], None);
        let checks = checks
            .iter()
            .map(|check| format!("{}/{} {}", check.group, check.kind, check.origin))
            .collect();
        let problems = problems
            .iter()
            .map(|problem| format!("{} {}: {}", problem.line, problem.field, problem.message))
            .collect();
        (checks, problems)
    }

    #[test]
    fn both_forms_are_read() {
        let (found, problems) = checks(
            "apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data:
  url: https://argocd.example.com
  resource.customizations.health.example.com_Widget: |
    return {status = 'Healthy'}
  resource.customizations.health.PersistentVolumeClaim: return {status = 'Healthy'}
  resource.customizations.ignoreDifferences.all: 'x'
  resource.customizations: |
    '*.example.org/*':
      health.lua: return {status = 'Healthy'}
    apps/Deployment:
      ignoreDifferences: 'x'
",
        );
        assert_eq!(
            found,
            [
                "example.com/Widget the health script of Widget (argocd/cm.yaml:7)",
                "/PersistentVolumeClaim the health script of PersistentVolumeClaim (argocd/cm.yaml:8)",
                "*.example.org/* the health script of * (argocd/cm.yaml:11)",
            ]
        );
        assert_eq!(problems, Vec::<String>::new());
    }

    #[test]
    fn what_is_wrong_is_named_and_hides_nothing_else() {
        let long = "x".repeat(SCRIPT_BYTES + 1);
        let (found, problems) = checks(&format!(
            "kind: ConfigMap
metadata: {{name: argocd-cm}}
data:
  resource.customizations.health.a.io_A: {long}
  resource.customizations.health.b.io_B: return {{status = 'Healthy'}}
  resource.customizations: '{{b.io/B: {{health.lua: return nil}}, [}}'
---
kind: ConfigMap
metadata: {{name: argocd-cm}}
data:
  resource.customizations: '{{b.io/B: {{health.lua: return nil}}}}'
---
kind: ConfigMap
metadata: {{name: other}}
data: {{resource.customizations.health.c.io_C: return nil}}
"
        ));
        assert_eq!(found, ["b.io/B the health script of B (argocd/cm.yaml:5)"]);
        assert_eq!(problems.len(), 3, "{problems:#?}");
        assert!(problems[0].contains("longer than 64 KiB"), "{problems:#?}");
        assert!(problems[1].contains("is not YAML"), "{problems:#?}");
        assert!(
            problems[2].contains("comes first and counts"),
            "{problems:#?}"
        );
    }

    #[test]
    fn fuzz_customizations() {
        let seeds = [
            "kind: ConfigMap\nmetadata: {name: argocd-cm}\ndata:\n  resource.customizations: |\n    a.io/B: {health.lua: return nil}\n",
            "kind: ConfigMap\nmetadata: {name: argocd-cm}\ndata: {resource.customizations.health.a_B: x}\n",
        ]
        .map(str::as_bytes);
        crate::fuzzing::run("customizations", &seeds, |bytes| {
            let file = DefinitionFile {
                path: "a.yaml".to_owned(),
                bytes: bytes.to_vec(),
            };
            let (checks, problems) = read(&[file], None);
            assert!(checks.iter().all(|check| !check.origin.is_empty()));
            assert!(problems.iter().all(|problem| problem.line >= 1));
        });
    }
}
