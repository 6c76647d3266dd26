//! What has a say in one rendered object: its own document, and for Kustomize the patches and settings of every
//! kustomization above it, the outermost first.

use super::lookup::{self, Step, find};
use super::{Files, Place, is_block};
use crate::definition::{DefinedSource, KustomizeOptions};
use crate::manifest::Manifest;
use crate::render::kustomize::NAMES as KUSTOMIZATIONS;
use crate::render::reader::{Reader, Target, join};
use crate::yaml::{self, Kind, Node};
use lockstep_types::resource::Origin;
use serde_json::Value;
use std::collections::BTreeSet;

mod settings;

/// Kustomizations above each other.
const MAX_DEPTH: usize = 50;
/// Kustomizations that are looked at.
const MAX_FOLDERS: usize = 500;

/// See the module.
pub(super) struct Layers {
    files: Files,
    /// Outermost first.
    layers: Vec<Layer>,
    origin: Origin,
    /// The definition changes what the files say.
    options: Value,
    /// Variables are put into the text.
    variables: bool,
    names: Vec<String>,
}

/// A place, and whether the lines of a text stand there one each.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub place: Place,
    pub lines: bool,
}

impl Spot {
    /// The place of a line of the value: 0 is the line of the key, 1 the first of a text of several lines.
    pub(super) fn at(&self, down: usize) -> Place {
        match &self.place {
            Place::File(Origin {
                path,
                line: Some(line),
            }) if self.lines => Place::File(Origin {
                path: path.clone(),
                line: Some(line.saturating_sub(1) + u32::try_from(down).unwrap_or(0))
                    .map(|line| line.max(1)),
            }),
            place => place.clone(),
        }
    }
}

/// One say.
struct Layer {
    path: String,
    says: Says,
}

enum Says {
    /// The object as somebody wrote it, or a part of it.
    Object(Node),
    /// A list of operations on it.
    Operations(Node),
    /// Images, replicas, labels … of a kustomization.
    Settings(Node),
    /// An entry of `configMapGenerator` or `secretGenerator`, with the folder it stands in.
    Generator(Node, String),
}

/// The object that is looked for.
struct Wanted<'m> {
    kind: &'m str,
    namespace: &'m str,
    /// As it was rendered, and as its file has it: prefixes, suffixes and hashes may have been added since.
    names: Vec<String>,
    path: &'m str,
}

impl Wanted<'_> {
    fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    fn is(&self, node: &Node) -> bool {
        self.is_kind(node) && name_of(node).is_some_and(|name| self.is_named(name))
    }

    fn is_kind(&self, node: &Node) -> bool {
        node.get("kind").and_then(Node::text) == Some(self.kind)
    }
}

fn name_of(node: &Node) -> Option<&str> {
    node.get("metadata")?.get("name")?.text()
}

/// The documents of a file, those within a `List` too.
fn objects<'n>(files: &'n Files, path: &str) -> Vec<&'n Node> {
    files
        .documents(path)
        .iter()
        .flat_map(|node| match node.get("items").map(|items| &items.kind) {
            Some(Kind::List(items)) => items.iter().collect(),
            _ => vec![node],
        })
        .collect()
}

/// The one of these names that a rendered name was made of: itself, else the longest within it.
fn made_of<'n>(rendered: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let within = names.filter(|name| !name.is_empty() && rendered.contains(name));
    within.max_by_key(|name| (*name == rendered, name.len()))
}

impl Layers {
    pub(super) fn of(
        reader: &Reader,
        source: &DefinedSource,
        manifest: &Manifest,
        origin: &Origin,
    ) -> Self {
        let kind = manifest.key.kind.as_str();
        let rendered = manifest.key.name.as_str();
        let mut files = Files::default();
        files.load(reader, &origin.path, "");
        let mut wanted = Wanted {
            kind,
            namespace: manifest.key.namespace.as_str(),
            names: vec![rendered.to_owned()],
            path: &origin.path,
        };
        let declared = objects(&files, &origin.path);
        let declared = declared.iter().filter(|node| wanted.is_kind(node));
        let generated = files.documents(&origin.path).first().into_iter();
        let generated = generated
            .flat_map(|node| items(node, generator(kind)))
            .filter_map(|entry| entry.get("name")?.text());
        let names = declared.filter_map(|node| name_of(node)).chain(generated);
        let before = made_of(rendered, names).map(str::to_owned);
        wanted.names.extend(before);
        let mut walk = Walk {
            reader,
            wanted,
            files,
            layers: Vec::new(),
            seen: BTreeSet::new(),
        };
        if source.helm.is_none() {
            walk.folder(&source.path, false, 0);
            let options = source.kustomize.iter();
            for name in options.flat_map(|options| &options.components) {
                if let Some(folder) = join(&source.path, name) {
                    walk.folder(&folder, true, 0);
                }
            }
        }
        let declares = |layer: &Layer| {
            layer.path == origin.path && matches!(layer.says, Says::Object(_) | Says::Generator(..))
        };
        if !walk.layers.iter().any(declares) {
            // Innermost; what was met on the way stands above it.
            let above = std::mem::take(&mut walk.layers);
            walk.object(&origin.path);
            walk.layers.extend(above);
        }
        let names = std::mem::take(&mut walk.wanted.names);
        let (files, mut layers) = (walk.files, walk.layers);
        layers.reverse();
        let options = source.kustomize.clone().unwrap_or_default();
        let on_top = options != KustomizeOptions::default() || !source.post_renderers.is_empty();
        Self {
            files,
            layers,
            origin: Origin {
                path: origin.path.clone(),
                line: None,
            },
            options: match on_top {
                true => serde_json::json!([options, source.post_renderers]),
                false => Value::Null,
            },
            variables: source.substitute.is_some(),
            names,
        }
    }

    /// The object's name in its file, before anything was added to it.
    pub(super) fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// Which place says `value` at `steps`.
    pub(super) fn spot(&self, body: &Value, steps: &[Step], value: &Value) -> Spot {
        let ask = |layer: &Layer| self.said(layer, body, steps, value);
        let renamed = || self.layers.iter().find_map(|layer| renamed(layer, value));
        // What only names the thing that a patch changes is said by whoever said it first.
        let said = match is_name(steps) {
            true if is_name_of_namespace(body, steps) => {
                renamed().or_else(|| self.layers.iter().rev().find_map(ask))
            }
            true => self.layers.iter().rev().find_map(ask),
            false => self.layers.iter().find_map(ask),
        };
        if let Some((path, line, lines)) = said {
            let line = Some(line);
            let place = Place::File(Origin { path, line });
            return Spot { place, lines };
        }
        let is_namespace = matches!(steps, [Step::Field(one), Step::Field(two)]
            if one == "metadata" && two == "namespace");
        let place = match is_namespace || holds(&self.options, value) {
            true => Place::Definition,
            false => Place::File(self.origin.clone()),
        };
        Spot {
            place,
            lines: false,
        }
    }

    fn said(
        &self,
        layer: &Layer,
        body: &Value,
        steps: &[Step],
        value: &Value,
    ) -> Option<(String, u32, bool)> {
        let line = match &layer.says {
            Says::Object(node) => {
                let found = find(node, body, steps)?;
                self.agrees(found, value).then_some(found.line)
            }
            Says::Operations(node) => self.operation(node, body, steps, value),
            Says::Settings(node) => settings::line(node, &self.names, steps, value),
            Says::Generator(node, folder) => {
                return settings::generated(&self.files, node, &layer.path, folder, steps, value);
            }
        }?;
        let lines = is_block(&self.files, &layer.path, line, value);
        Some((layer.path.clone(), line, lines))
    }

    /// Whether the written value is the rendered one: the same, with variables filled in, or with the hash that
    /// Kustomize adds to the names of what it generates.
    fn agrees(&self, written: &Node, value: &Value) -> bool {
        if written.value() == *value {
            return true;
        }
        let (Some(written), Some(rendered)) = (written.text(), value.as_str()) else {
            return self.variables && written.text().is_some_and(|text| text.contains("${"));
        };
        if self.variables && written.contains("${") {
            return true;
        }
        let hash = rendered
            .strip_prefix(written)
            .and_then(|rest| rest.strip_prefix('-'));
        !written.is_empty()
            && hash.is_some_and(|hash| {
                hash.len() == 10 && hash.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
    }

    /// The last operation on the field, or on what it stands in.
    fn operation(&self, list: &Node, body: &Value, steps: &[Step], value: &Value) -> Option<u32> {
        let Kind::List(operations) = &list.kind else {
            return None;
        };
        operations.iter().rev().find_map(|operation| {
            let does = operation.get("op")?.text()?;
            if !matches!(does, "add" | "replace") {
                return None;
            }
            let pointer = operation.get("path")?.text()?;
            let written = operation.get("value")?;
            let names: Vec<String> = pointer
                .split('/')
                .skip(1)
                .map(|name| name.replace("~1", "/").replace("~0", "~"))
                .collect();
            let (above, rest) = steps.split_at_checked(names.len())?;
            let leads_here = names.iter().zip(above).all(|(name, step)| match step {
                Step::Field(field) => name == field,
                Step::Index(index) => name == "-" || name.parse() == Ok(*index),
            });
            let there = lookup::value_at(body, above).filter(|_| leads_here)?;
            // At the end of a list stands some item; it is this one only when it says the same of itself.
            if names.last().is_some_and(|name| name == "-") && written.value() != *there {
                return None;
            }
            let found = find(written, there, rest)?;
            self.agrees(found, value).then_some(found.line)
        })
    }
}

/// Version, kind and name of the object, and what names an item in its list.
fn is_name(steps: &[Step]) -> bool {
    match steps {
        [Step::Field(field)] => matches!(field.as_str(), "apiVersion" | "kind"),
        [Step::Field(one), Step::Field(two)] => one == "metadata" && two == "name",
        [.., Step::Index(_), Step::Field(name)] => lookup::NAMES.contains(&name.as_str()),
        _ => false,
    }
}

fn is_name_of_namespace(body: &Value, steps: &[Step]) -> bool {
    let [Step::Field(one), Step::Field(two)] = steps else {
        return false;
    };
    one == "metadata" && two == "name" && body.get("kind") == Some(&Value::from("Namespace"))
}

/// The kustomization that gives a Namespace its name: `namespace` renames the object of that kind itself.
fn renamed(layer: &Layer, value: &Value) -> Option<(String, u32, bool)> {
    let Says::Settings(node) = &layer.says else {
        return None;
    };
    let node = node.get("namespace")?;
    (node.value() == *value).then(|| (layer.path.clone(), node.line, false))
}

/// Whether options hold a value, alone or as the last part of an image. `null` holds nothing.
fn holds(options: &Value, value: &Value) -> bool {
    match options {
        Value::Array(items) => items.iter().any(|item| holds(item, value)),
        Value::Object(map) => map.values().any(|item| holds(item, value)),
        Value::Null => false,
        Value::Bool(_) => false,
        Value::String(text) if !text.is_empty() => value.as_str().is_some_and(|value| {
            value == text
                || value
                    .strip_suffix(text.as_str())
                    .is_some_and(|rest| rest.ends_with([':', '@']))
        }),
        Value::String(_) => false,
        Value::Number(_) => options == value,
    }
}

struct Walk<'w> {
    reader: &'w Reader,
    wanted: Wanted<'w>,
    files: Files,
    /// Innermost first.
    layers: Vec<Layer>,
    seen: BTreeSet<String>,
}

impl Walk<'_> {
    /// Adds what a kustomization has to say, if the object comes through it; `applies` where that is known.
    fn folder(&mut self, folder: &str, applies: bool, depth: usize) -> bool {
        let new = self.seen.len() < MAX_FOLDERS && self.seen.insert(folder.to_owned());
        if !new || depth > MAX_DEPTH {
            return false;
        }
        let Some(path) = self.kustomization_of(folder) else {
            return false;
        };
        self.files.load(self.reader, &path, folder);
        let Some(node) = self.files.documents(&path).first().cloned() else {
            return false;
        };
        let mut comes_through = applies;
        for name in texts(&node, "resources").chain(texts(&node, "bases")) {
            comes_through |= self.resource(folder, name, depth);
        }
        comes_through |= self.generators(&path, folder, &node);
        if !comes_through {
            return false;
        }
        for name in texts(&node, "components") {
            if let Some(folder) = join(folder, name) {
                self.folder(&folder, true, depth + 1);
            }
        }
        self.patches(&path, folder, &node);
        self.layers.push(Layer {
            path,
            says: Says::Settings(node),
        });
        true
    }

    fn kustomization_of(&self, folder: &str) -> Option<String> {
        KUSTOMIZATIONS.into_iter().find_map(|name| {
            let path = crate::render::kustomize::join_name(folder, name);
            match self.reader.find(&path, folder) {
                Ok(Target::File(_)) => Some(path),
                _ => None,
            }
        })
    }

    fn resource(&mut self, folder: &str, name: &str, depth: usize) -> bool {
        let Some(path) = join(folder, name) else {
            return false;
        };
        if path == self.wanted.path {
            self.object(&path);
            return true;
        }
        match self.reader.find(&path, "") {
            Ok(Target::Folder(folder)) => self.folder(&folder, false, depth + 1),
            _ => false,
        }
    }

    /// The object's document in its file: of several with the same name that of the same namespace.
    fn object(&mut self, path: &str) {
        self.files.load(self.reader, path, "");
        let documents = objects(&self.files, path).into_iter();
        let node = documents
            .filter(|node| self.wanted.is(node))
            .max_by_key(|node| {
                let namespace = node.get("metadata").and_then(|node| node.get("namespace"));
                let same = match namespace.and_then(Node::text) {
                    Some(namespace) if namespace == self.wanted.namespace => 2,
                    // It gets the one that it is deployed to.
                    None => 1,
                    Some(_) => 0,
                };
                (
                    name_of(node) == self.wanted.names.first().map(String::as_str),
                    same,
                )
            });
        if let Some(node) = node.cloned() {
            self.layers.push(Layer {
                path: path.to_owned(),
                says: Says::Object(node),
            });
        }
    }

    fn generators(&mut self, path: &str, folder: &str, node: &Node) -> bool {
        let mut found = false;
        for entry in items(node, generator(self.wanted.kind)) {
            let name = entry.get("name").and_then(Node::text).unwrap_or_default();
            if !self.wanted.is_named(name) {
                continue;
            }
            for file in texts(entry, "files").chain(texts(entry, "envs")) {
                let file = file.split_once('=').map_or(file, |(_, file)| file);
                if let Some(file) = join(folder, file) {
                    self.files.load(self.reader, &file, folder);
                }
            }
            self.layers.push(Layer {
                path: path.to_owned(),
                says: Says::Generator(entry.clone(), folder.to_owned()),
            });
            found |= path == self.wanted.path;
        }
        found
    }

    /// Patches in the order in which they are applied: the last one is the outermost.
    fn patches(&mut self, path: &str, folder: &str, node: &Node) {
        for patch in items(node, "patchesStrategicMerge") {
            let Some(text) = patch.text() else { continue };
            if text.contains('\n') {
                self.inline(path, patch, text, None);
            } else {
                self.file(folder, text, None);
            }
        }
        for field in ["patches", "patchesJson6902"] {
            for entry in items(node, field) {
                let target = entry.get("target");
                let written = entry.get("patch");
                if let Some((patch, text)) = written.and_then(|patch| Some((patch, patch.text()?)))
                {
                    self.inline(path, patch, text, target);
                } else if let Some(name) = entry.get("path").and_then(Node::text) {
                    self.file(folder, name, target);
                }
            }
        }
    }

    fn file(&mut self, folder: &str, name: &str, target: Option<&Node>) {
        let Some(path) = join(folder, name) else {
            return;
        };
        self.files.load(self.reader, &path, folder);
        for node in self.files.documents(&path).to_vec() {
            self.patch(&path, node, target);
        }
    }

    /// A patch that stands within the kustomization, line for line unless it is written on one.
    fn inline(&mut self, path: &str, patch: &Node, text: &str, target: Option<&Node>) {
        let block = is_block(&self.files, path, patch.line, &Value::from(text));
        let documents = yaml::documents(text).unwrap_or_default();
        for mut node in documents.iter().filter_map(|document| document.node().ok()) {
            if block {
                node.shift(patch.line.saturating_sub(1));
            } else {
                pin(&mut node, patch.line);
            }
            self.patch(path, node, target);
        }
    }

    fn patch(&mut self, path: &str, node: Node, target: Option<&Node>) {
        let meant = match target {
            Some(target) => self.selects(target),
            None => self.wanted.is(&node),
        };
        if !meant {
            return;
        }
        let says = match node.kind {
            Kind::List(_) => Says::Operations(node),
            _ => Says::Object(node),
        };
        let path = path.to_owned();
        self.layers.push(Layer { path, says });
    }

    /// Kind and name of a patch's target; names are patterns, and only those without signs of one are held against it.
    fn selects(&self, target: &Node) -> bool {
        let kind = target.get("kind").and_then(Node::text);
        let name = target.get("name").and_then(Node::text).unwrap_or_default();
        let pattern = name.contains(['*', '.', '|', '(', '[', '^', '$', '+', '?']);
        kind.is_none_or(|kind| kind == self.wanted.kind)
            && (name.is_empty() || pattern || self.wanted.is_named(name))
    }
}

/// The field of a kustomization that makes objects of a kind.
fn generator(kind: &str) -> &'static str {
    match kind {
        "ConfigMap" => "configMapGenerator",
        "Secret" => "secretGenerator",
        _ => "",
    }
}

fn pin(node: &mut Node, line: u32) {
    node.line = line;
    match &mut node.kind {
        Kind::List(items) => items.iter_mut().for_each(|item| pin(item, line)),
        Kind::Map(entries) => entries.iter_mut().for_each(|(_, item)| pin(item, line)),
        _ => {}
    }
}

fn items<'n>(node: &'n Node, field: &str) -> impl Iterator<Item = &'n Node> + use<'n> {
    match node.get(field).map(|list| &list.kind) {
        Some(Kind::List(items)) => items.iter(),
        _ => [].iter(),
    }
}

fn texts<'n>(node: &'n Node, field: &str) -> impl Iterator<Item = &'n str> + use<'n> {
    items(node, field).filter_map(Node::text)
}
