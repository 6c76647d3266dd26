//! What is hidden beside Secrets because Git says so: annotations by their names, and fields of chosen kinds.
//!
//! The rules are in the ConfigMap `argocd-cm` of a root source, where Argo CD has them too. They only ever hide more.

use super::{Masking, is_on};
use crate::definition::{DefinitionFile, DefinitionProblem};
use crate::manifest::hash_of;
use crate::yaml::{self, Document, Kind, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The ConfigMap with Argo CD's settings.
const NAME: &str = "argocd-cm";
/// Names of annotations, with commas between: Argo CD's own key.
const ANNOTATIONS: &str = "resource.sensitive.mask.annotations";
/// A line each: `group/Kind: field.of.it`.
const FIELDS: &str = "resource.sensitive.mask.fields";
/// What both keys begin with.
const KEYS: &str = "resource.sensitive.mask.";
/// Rules of either kind.
const MOST: usize = 200;

/// What to do about a line that is no rule.
const NEXT: &str =
    "Correct the ConfigMap in Git; the other rules count, and what was hidden before stays hidden.";

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

    /// Reads the rules of a root source, and what is wrong with some.
    pub fn read(files: &[DefinitionFile]) -> (Self, Vec<DefinitionProblem>) {
        let found = Found::of(files);
        (found.rules, found.problems)
    }

    /// Files that speak of rules of which some could not be read: nobody knows what they hide, so that what was hidden
    /// before stays so.
    pub fn unread(files: &[DefinitionFile]) -> Vec<String> {
        Found::of(files).unread
    }

    /// Hides what other rules hide as well.
    pub fn add(&mut self, other: &Self) {
        for name in &other.annotations {
            if !self.annotations.contains(name) {
                self.annotations.push(name.clone());
            }
        }
        self.annotations.sort();
        for rule in &other.fields {
            if !self.fields.contains(rule) {
                self.fields.push(rule.clone());
            }
        }
    }

    /// Tells whether something else is hidden than before.
    pub fn digest(&self) -> String {
        hash_of(&serde_json::json!({
            "annotations": self.annotations,
            "fields": self.fields.iter().map(|rule| (&rule.group, &rule.kind, &rule.path)).collect::<Vec<_>>(),
        }))
    }
}

#[derive(Default)]
struct Found {
    rules: MaskingRules,
    problems: Vec<DefinitionProblem>,
    unread: Vec<String>,
}

impl Found {
    fn of(files: &[DefinitionFile]) -> Self {
        let mut found = Self::default();
        for file in files {
            let has = |word: &str| {
                file.bytes
                    .windows(word.len())
                    .any(|window| window == word.as_bytes())
            };
            if !has(KEYS) || !has(NAME) {
                continue;
            }
            match yaml::text_of(&file.bytes).and_then(yaml::documents) {
                Ok(documents) => {
                    for document in documents {
                        found.written(&file.path, document);
                    }
                }
                Err(error) => found.broken(&file.path, error.line.unwrap_or(1), &error.message),
            }
        }
        let rules = &mut found.rules;
        rules.annotations.sort();
        rules.annotations.dedup();
        found.unread.dedup();
        found
    }

    fn written(&mut self, path: &str, document: Document<'_>) {
        // A remark is no rule.
        let mut lines = document.text.lines().map(str::trim_start);
        let speaks = lines.any(|line| !line.starts_with('#') && line.contains(KEYS));
        match document.node() {
            Ok(node) => {
                let read = self.document(path, &node);
                if speaks && read == Some(0) {
                    let why = format!("it is no ConfigMap {NAME} whose data has them");
                    self.broken(path, node.line, &why);
                }
            }
            // Of what is no YAML before it was rendered nobody expects rules; whether there are some is not known.
            Err(_) if speaks && document.text.contains("{{") => self.unread.push(path.to_owned()),
            Err(error) if speaks => {
                self.broken(path, error.line.unwrap_or(document.line), &error.message);
            }
            Err(_) => {}
        }
    }

    /// Something that may have held rules.
    fn broken(&mut self, path: &str, line: u32, why: &str) {
        self.problem(
            path,
            line,
            format!("rules for what is hidden cannot be read: {why}"),
            "Correct the file in Git; what was hidden before stays hidden until then.",
        );
        self.unread.push(path.to_owned());
    }

    /// Reads a document, and says how many of its keys are ours, if it is the ConfigMap.
    fn document(&mut self, path: &str, node: &Node) -> Option<usize> {
        let text = |node: Option<&Node>, name: &str| {
            let text = node.and_then(|node| node.get(name)).and_then(Node::text);
            text.unwrap_or_default().to_owned()
        };
        let kind = text(Some(node), "kind");
        let name = text(node.get("metadata"), "name");
        let is = |text: &str, wanted: &str| text.is_empty() || text == wanted;
        if !is(&kind, "ConfigMap") || !is(&name, NAME) {
            return None;
        }
        if kind.is_empty() || name.is_empty() {
            // With the wrong indent it has neither, and is no less meant to hide something.
            return node.get("data").map(|_| 0);
        }
        let Some(Kind::Map(data)) = node.get("data").map(|data| &data.kind) else {
            return Some(0);
        };
        let mut ours = 0;
        for (key, value) in data.iter().filter(|(key, _)| key.starts_with(KEYS)) {
            ours += 1;
            let Some(written) = value.text() else {
                self.broken(path, value.line, &format!("{key} is no text"));
                continue;
            };
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
                        None => {
                            self.problem(
                                path,
                                value.line,
                                format!("“{line}” names no field: write group/Kind: field.of.it"),
                                NEXT,
                            );
                            self.unread.push(path.to_owned());
                        }
                    }
                }
            } else {
                self.broken(path, value.line, &format!("there is no key {key}"));
            }
        }
        if self.rules.annotations.len().max(self.rules.fields.len()) > MOST {
            self.problem(
                path,
                node.line,
                format!("there are more than {MOST} rules of one kind"),
                NEXT,
            );
        }
        Some(ours)
    }

    fn problem(&mut self, path: &str, line: u32, message: String, next: &str) {
        self.problems.push(DefinitionProblem {
            key: None,
            path: path.to_owned(),
            line,
            field: format!("data.{FIELDS}"),
            message,
            next: next.to_owned(),
        });
    }
}

/// `group/Kind: spec.users[*].password`; the core group has no name: `/Kind` or `Kind`.
fn field(line: &str) -> Option<FieldRule> {
    let (kind, path) = line.split_once(':')?;
    let (group, kind) = kind.trim().split_once('/').unwrap_or(("", kind.trim()));
    let path = names(path.trim().trim_start_matches('.'))?;
    let named = !kind.is_empty() && !kind.contains(char::is_whitespace);
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

/// The names of `spec.users[*].key`, and of `data["license.txt"]`, where a name has dots in it.
fn names(mut path: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    loop {
        if let Some(rest) = path.strip_prefix("[*]") {
            names.push("*".to_owned());
            path = rest;
        } else if let Some(rest) = path.strip_prefix('[') {
            let quote = rest
                .chars()
                .next()
                .filter(|letter| "\"'".contains(*letter))?;
            let (name, rest) = rest.get(1..)?.split_once(quote)?;
            names.push(Some(name).filter(|name| !name.is_empty())?.to_owned());
            path = rest.strip_prefix(']')?;
        } else {
            let end = path.find(['.', '[']).unwrap_or(path.len());
            let (name, rest) = path.split_at_checked(end)?;
            let odd = |letter: char| letter.is_whitespace() || letter == ']';
            if name.is_empty() || name.contains(odd) {
                return None;
            }
            names.push(name.to_owned());
            path = rest;
        }
        match path.strip_prefix('.') {
            Some(rest) => path = rest,
            None if path.is_empty() => return Some(names),
            None if path.starts_with('[') => {}
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(text: &str) -> DefinitionFile {
        DefinitionFile {
            path: "argocd/cm.yaml".to_owned(),
            bytes: text.as_bytes().to_vec(),
        }
    }

    fn read(data: &str) -> (MaskingRules, Vec<String>) {
        let file = file(&format!(
            "kind: ConfigMap\napiVersion: v1\nmetadata: {{name: argocd-cm}}\ndata:\n{data}"
        ));
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
            "example.org/Database: spec[\"a",
            "example.org/Database: spec[\"\"]",
            "example.org/Database: spec[\"a\"]b",
            "example.org/Database: metadata[\"name\"]",
        ] {
            let (rules, problems) = read(&format!(
                "  resource.sensitive.mask.fields: |\n    {line}\n    example.org/Database: spec.b\n"
            ));
            assert_eq!(problems.len(), 1, "{line}: {problems:?}");
            assert!(problems[0].contains("names no field"), "{problems:?}");
            assert_eq!(rules.fields.len(), 1, "{line}");
        }
    }

    #[test]
    fn names_with_dots_stand_in_brackets() {
        let (rules, problems) = read(
            "  resource.sensitive.mask.fields: |\n    ConfigMap: data[\"license.txt\"]\n    ConfigMap: data['a b'].c[*][\"d\"]\n",
        );
        assert_eq!(problems, [] as [String; 0]);
        let paths = rules.fields.iter().map(|rule| rule.path.clone());
        assert_eq!(
            paths.collect::<Vec<_>>(),
            [
                vec!["data", "license.txt"],
                vec!["data", "a b", "c", "*", "d"]
            ]
        );
    }

    /// Rules that cannot be read are told, so that what they hid may stay hidden.
    #[test]
    fn attack_64_a_broken_file_of_rules_is_named() {
        let head = "kind: ConfigMap\nmetadata: {name: argocd-cm}\n";
        let rule = "resource.sensitive.mask.fields";
        for (broken, problems) in [
            (format!("{head}data:\n  {rule}: |\n bad\n   indent: [\n"), 1),
            (format!("{head}data:\n{rule}: |\n  ConfigMap: data.a\n"), 1),
            (format!("{head}data:\n  {rule}: [ConfigMap]\n"), 1),
            (
                format!(
                    "kind: ConfigMap\nmetadata:\nname: argocd-cm\ndata: {{{rule}: \"ConfigMap: data.a\"}}\n"
                ),
                1,
            ),
            (
                format!("{head}data:\n  {rule}s: |\n    ConfigMap: data.a\n"),
                1,
            ),
            (format!("{head}data:\n  {rule}: |\n    ConfigMap\n"), 1),
            (
                format!("{head}data: {{{{ .Values.a }}}}\n# x\nx: {rule}\n"),
                0,
            ),
            (format!("{head}data: {{{rule}: \0}}"), 1),
        ] {
            let files = [file(&broken)];
            assert_eq!(MaskingRules::unread(&files), ["argocd/cm.yaml"], "{broken}");
            let (rules, found) = MaskingRules::read(&files);
            assert_eq!(rules, NONE, "{broken}");
            assert_eq!(found.len(), problems, "{broken}: {found:?}");
        }
        for good in [
            format!("{head}data:\n  {rule}: |\n    ConfigMap: data.a\n"),
            format!("{head}# {rule} is not used\ndata: {{a: b}}\n"),
            format!("{head}data: {{a: b}}\n---\nkind: Other\nspec: {{text: {rule}}}\n"),
        ] {
            assert!(MaskingRules::unread(&[file(&good)]).is_empty(), "{good}");
        }
    }

    #[test]
    fn rules_that_are_added_hide_more_and_change_the_digest() {
        let (mut rules, _) = read("  resource.sensitive.mask.annotations: b\n");
        let (other, _) = read(
            "  resource.sensitive.mask.annotations: a, b\n  resource.sensitive.mask.fields: |\n    ConfigMap: data.a\n",
        );
        let before = rules.digest();
        rules.add(&other);
        assert_eq!(rules, other);
        assert_ne!(rules.digest(), before);
        rules.add(&other);
        assert_eq!(rules.digest(), other.digest());
    }
}
