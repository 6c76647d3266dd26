//! Reading fields one by one, so that whatever nobody asked for can be named afterwards.

use super::DefinitionProblem;
use crate::yaml::{Kind, Node};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldProblem {
    pub line: u32,
    pub field: String,
    pub message: String,
    pub next: String,
}

/// Problems and ignored fields of one document.
#[derive(Debug, Default)]
pub(super) struct Report {
    problems: RefCell<Vec<FieldProblem>>,
    ignored: RefCell<Vec<(String, String)>>,
}

impl Report {
    /// Problems by line, ignored fields by name.
    pub(super) fn into_parts(self) -> (Vec<FieldProblem>, Vec<(String, String)>) {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        let mut ignored = self.ignored.into_inner();
        ignored.sort();
        (problems, ignored)
    }
}

/// A place in a document; it may be absent, and then everything below is.
#[derive(Debug)]
pub(super) struct Place<'n> {
    report: &'n Report,
    node: Option<&'n Node>,
    path: String,
    line: u32,
    read: RefCell<BTreeSet<String>>,
}

impl<'n> Place<'n> {
    pub(super) fn root(report: &'n Report, node: &'n Node) -> Self {
        Self {
            report,
            node: Some(node),
            path: String::new(),
            line: node.line,
            read: RefCell::default(),
        }
    }

    pub(super) fn is_there(&self) -> bool {
        self.node.is_some()
    }

    /// 1-based line of the place itself.
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.child(name).is_some()
    }

    /// The map below `name`.
    pub(super) fn at(&self, name: &str) -> Place<'n> {
        let node = self.take(name);
        let place = self.place(self.dotted(name), node);
        match node.map(|node| &node.kind) {
            None | Some(Kind::Map(_)) => place,
            Some(_) => {
                place.wrong_type("a map");
                Place {
                    node: None,
                    ..place
                }
            }
        }
    }

    /// The maps in the list below `name`.
    pub(super) fn list(&self, name: &str) -> Vec<Place<'n>> {
        self.items(name)
            .into_iter()
            .map(|(path, node)| self.place(path, Some(node)))
            .collect()
    }

    /// The text below `name`; empty when absent.
    pub(super) fn text(&self, name: &str) -> String {
        let node = self.take(name);
        self.text_of(self.dotted(name), node)
    }

    /// As [`Place::text`]; absent or empty is a problem.
    pub(super) fn required(&self, name: &str) -> String {
        let before = self.report.problems.borrow().len();
        let text = self.text(name);
        if text.is_empty() && self.report.problems.borrow().len() == before {
            self.problem(name, "it is missing", "Add it to the definition.");
        }
        text
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        let node = self.take(name)?;
        match node.kind {
            Kind::Bool(value) => Some(value),
            _ => {
                self.place(self.dotted(name), Some(node))
                    .wrong_type("true or false");
                None
            }
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        let node = self.take(name)?;
        match &node.kind {
            Kind::Number(value) if value.as_i64().is_some() => value.as_i64(),
            _ => {
                self.place(self.dotted(name), Some(node))
                    .wrong_type("a whole number");
                None
            }
        }
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.items(name)
            .into_iter()
            .map(|(path, node)| self.text_of(path, Some(node)))
            .collect()
    }

    /// A map of texts, as labels are.
    pub(super) fn text_map(&self, name: &str) -> BTreeMap<String, String> {
        let place = self.at(name);
        let Some(Node {
            kind: Kind::Map(entries),
            ..
        }) = place.node
        else {
            return BTreeMap::new();
        };
        entries
            .iter()
            .filter(|(_, node)| node.kind != Kind::Null)
            .map(|(key, node)| {
                (
                    key.clone(),
                    place.text_of(format!("{}[{key}]", place.path), Some(node)),
                )
            })
            .collect()
    }

    /// Whatever is there.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        self.take(name).map(Node::value)
    }

    /// The values of a list, whatever they are.
    pub(super) fn values(&self, name: &str) -> Vec<Value> {
        self.items(name)
            .into_iter()
            .map(|(_, node)| node.value())
            .collect()
    }

    /// The field is known and has no effect here.
    pub(super) fn ignore(&self, name: &str, why: &str) {
        if self.take(name).is_some() {
            self.note(name, why);
        }
    }

    /// Several fields with the same reason.
    pub(super) fn ignore_all(&self, names: &[&str], why: &str) {
        for name in names {
            self.ignore(name, why);
        }
    }

    /// Puts a field, or an element of one, on the list of ignored ones.
    pub(super) fn note(&self, name: &str, why: &str) {
        self.report
            .ignored
            .borrow_mut()
            .push((self.dotted(name), why.to_owned()));
    }

    /// The field changes what is deployed and is not supported: better no application than a wrong one.
    pub(super) fn unsupported(&self, name: &str, next: &str) {
        if self.take(name).is_some() {
            self.problem(name, "it is not supported yet", next);
        }
    }

    pub(super) fn problem(&self, name: &str, message: &str, next: &str) {
        let line = self.line_of(name);
        self.report.problems.borrow_mut().push(FieldProblem {
            line,
            field: self.dotted(name),
            message: message.to_owned(),
            next: next.to_owned(),
        });
    }

    /// An element of a list that must be a map.
    pub(super) fn expect_map(&self) {
        if !matches!(self.node.map(|node| &node.kind), None | Some(Kind::Map(_))) {
            self.wrong_type("a map");
        }
    }

    /// Names every field that nobody has read.
    pub(super) fn done(&self) {
        let Some(Node {
            kind: Kind::Map(entries),
            ..
        }) = self.node
        else {
            return;
        };
        let read = self.read.borrow();
        for (name, node) in entries {
            if !read.contains(name) && node.kind != Kind::Null {
                self.note(name, "Lockstep does not know this field");
            }
        }
    }

    /// Line of `a.b[1]`, or of the innermost part that is there.
    fn line_of(&self, name: &str) -> u32 {
        let (mut node, mut line) = (self.node, self.line);
        for part in name.split(['.', '[']) {
            node = match (
                node.map(|node| &node.kind),
                part.strip_suffix(']').map(str::parse::<usize>),
            ) {
                (Some(Kind::List(items)), Some(Ok(index))) => items.get(index),
                _ => node.and_then(|node| node.get(part)),
            };
            let Some(found) = node else { break };
            line = found.line;
        }
        line
    }

    fn child(&self, name: &str) -> Option<&'n Node> {
        self.node?.get(name).filter(|node| node.kind != Kind::Null)
    }

    fn take(&self, name: &str) -> Option<&'n Node> {
        self.read.borrow_mut().insert(name.to_owned());
        self.child(name)
    }

    fn items(&self, name: &str) -> Vec<(String, &'n Node)> {
        let Some(node) = self.take(name) else {
            return Vec::new();
        };
        let path = self.dotted(name);
        match &node.kind {
            Kind::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| (format!("{path}[{index}]"), item))
                .collect(),
            _ => {
                self.place(path, Some(node)).wrong_type("a list");
                Vec::new()
            }
        }
    }

    fn text_of(&self, path: String, node: Option<&'n Node>) -> String {
        match node {
            None => String::new(),
            Some(Node {
                kind: Kind::Text(text),
                ..
            }) => text.clone(),
            Some(node) => {
                self.place(path, Some(node))
                    .wrong_type("text; put it in quotes");
                String::new()
            }
        }
    }

    fn wrong_type(&self, expected: &str) {
        let found = self.node.map_or("nothing", Node::words);
        self.report.problems.borrow_mut().push(FieldProblem {
            line: self.line,
            field: self.path.clone(),
            message: format!("it is {found} and must be {expected}"),
            next: "Correct the definition in Git.".to_owned(),
        });
    }

    fn place(&self, path: String, node: Option<&'n Node>) -> Place<'n> {
        let line = node.map_or(self.line, |node| node.line);
        Place {
            report: self.report,
            node,
            path,
            line,
            read: RefCell::default(),
        }
    }

    /// The place of a field in the document; without a name that of the map itself.
    pub(super) fn dotted(&self, name: &str) -> String {
        if name.is_empty() {
            self.path.clone()
        } else if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }
}
/// What a document says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) group: String,
    pub(super) kind: String,
    /// Its own, or the usual one.
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Head {
    pub(super) fn of(node: &Node, usual_namespace: &str) -> Self {
        let field = |name: &str| node.get(name).and_then(Node::text).unwrap_or_default();
        let metadata = |name: &str| {
            let metadata = node.get("metadata")?;
            metadata.get(name).and_then(Node::text)
        };
        let namespace = metadata("namespace").filter(|text| !text.is_empty());
        Self {
            group: crate::manifest::group_of(field("apiVersion")).to_owned(),
            kind: field("kind").to_owned(),
            namespace: namespace.unwrap_or(usual_namespace).to_owned(),
            name: metadata("name").unwrap_or_default().to_owned(),
        }
    }
}

/// Problems of fields as problems of the document that holds them, which begins at `line` of `path`.
pub(super) fn in_document(
    head: &Head,
    path: &str,
    line: u32,
    wrong: Vec<FieldProblem>,
) -> Vec<DefinitionProblem> {
    // Fields speak of themselves as “it”.
    let said = |message: &str| message.strip_prefix("it ").unwrap_or(message).to_owned();
    let problem = |wrong: FieldProblem| DefinitionProblem {
        key: None,
        path: path.to_owned(),
        line: wrong.line.max(line),
        message: format!(
            "{} {}: {} {}",
            head.kind,
            head.name,
            wrong.field,
            said(&wrong.message)
        ),
        field: wrong.field,
        next: wrong.next,
    };
    wrong.into_iter().map(problem).collect()
}
