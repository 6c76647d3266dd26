//! Which line of which file states each line of a rendered object.
//!
//! Nothing is guessed: a line of a file is named only where it says the very value that was rendered, looked for from the
//! outermost kustomization inwards, as Kustomize applies them. What no line says is ascribed to the file that declares
//! the object, and what the definition adds on top to the definition.

mod addition;
mod layers;
mod lookup;
mod reshape;
mod restate;

pub use addition::{Addition, appended};
pub use reshape::{Reshaped, Within};
pub use restate::{Overlaid, Wish, overlaid, restated};

use super::reader::Reader;
use crate::definition::DefinedSource;
use crate::manifest::Manifest;
use crate::source::Snapshot;
use crate::yaml::{self, Kind, Node};
use layers::Layers;
use lockstep_types::resource::Origin;
use lookup::{Step, value_at};
use serde_json::Value;
use std::collections::HashMap;

/// Longer objects are cut: nobody reads on.
const MOST_LINES: usize = 5_000;

/// A line of a rendered object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedLine {
    pub text: String,
    /// The field that it shows, as differences write it; empty for lines that only open a map or a list.
    pub path: String,
    pub place: Option<Place>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// With the line that says it, else the file that the object is declared in.
    File(Origin),
    /// Options of the definition that change what the files say.
    Definition,
}

/// The lines of `text`, which is the manifest as YAML, perhaps with masked values, each with the place that states it.
/// `origin` is the manifest's, as a path in the repository. Files that cannot be read explain nothing and are no error.
pub fn stated(
    snapshot: &Snapshot,
    source: &DefinedSource,
    manifest: &Manifest,
    origin: &Origin,
    text: &str,
) -> Vec<StatedLine> {
    let mut reader = Reader::new(snapshot.clone());
    reader.exclude(source);
    let layers = Layers::of(&reader, source, manifest, origin);
    let fields = fields(text);
    let mut lines: Vec<StatedLine> = text
        .lines()
        .take(MOST_LINES)
        .map(|text| StatedLine {
            text: text.to_owned(),
            path: String::new(),
            place: None,
        })
        .collect();
    for field in fields {
        let Some(value) = value_at(&manifest.body, &field.steps) else {
            continue;
        };
        let path = lookup::words(&manifest.body, &field.steps);
        let spot = layers.spot(&manifest.body, &field.steps, value);
        for (down, line) in (field.first..=field.last).enumerate() {
            let Some(shown) = lines.get_mut(line) else {
                break;
            };
            shown.path.clone_from(&path);
            shown.place = Some(spot.at(down));
        }
    }
    lines
}

/// Where one field of an object is stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedField {
    pub place: Place,
    /// The object's name in its file, before prefixes, suffixes and hashes.
    pub name: String,
    /// A kustomization generates the object from files and literals.
    pub generated: bool,
}

/// The place that states one field of an object, by its path as differences write it; `None` where the object has no such
/// field.
pub fn stated_field(
    snapshot: &Snapshot,
    source: &DefinedSource,
    manifest: &Manifest,
    origin: &Origin,
    path: &str,
) -> Option<StatedField> {
    let mut reader = Reader::new(snapshot.clone());
    reader.exclude(source);
    let steps = lookup::steps(&manifest.body, path)?;
    let value = value_at(&manifest.body, &steps)?;
    let layers = Layers::of(&reader, source, manifest, origin);
    Some(StatedField {
        place: layers.spot(&manifest.body, &steps, value).at(0),
        name: layers.name().to_owned(),
        generated: is_kustomization(origin),
    })
}

/// A path of a difference as the lines of [`stated`] write it; `None` where the object has no such place.
pub fn canonical_path(body: &Value, path: &str) -> Option<String> {
    lookup::steps(body, path).map(|steps| lookup::words(body, &steps))
}

/// What an object has at a path of a difference, and the same place as a JSON pointer.
pub fn value_at_path<'v>(body: &'v Value, path: &str) -> Option<(&'v Value, String)> {
    let steps = lookup::steps(body, path)?;
    Some((value_at(body, &steps)?, pointer(&steps)))
}

/// The file without a field or an item of a list, and the line that is gone.
pub fn without(text: &str, object: &Within<'_>, path: &str) -> Option<Reshaped> {
    reshape::without(text, object, path)
}

/// An object as its file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedObject {
    pub name: String,
    /// A kustomization generates it from files and literals.
    pub generated: bool,
}

/// How the file of an object names it.
pub fn stated_object(
    snapshot: &Snapshot,
    source: &DefinedSource,
    manifest: &Manifest,
    origin: &Origin,
) -> StatedObject {
    let mut reader = Reader::new(snapshot.clone());
    reader.exclude(source);
    let layers = Layers::of(&reader, source, manifest, origin);
    StatedObject {
        name: layers.name().to_owned(),
        generated: is_kustomization(origin),
    }
}

fn is_kustomization(origin: &Origin) -> bool {
    let file = origin.path.rsplit('/').next().unwrap_or_default();
    super::kustomize::NAMES.contains(&file)
}

fn pointer(steps: &[Step]) -> String {
    let each = steps.iter().map(|step| match step {
        Step::Field(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        Step::Index(index) => format!("/{index}"),
    });
    each.collect()
}

/// A leaf of the text and the lines (0-based) that it takes.
struct Field {
    steps: Vec<Step>,
    first: usize,
    last: usize,
}

/// Leaves in the order of the text.
fn fields(text: &str) -> Vec<Field> {
    let node = yaml::documents(text)
        .ok()
        .and_then(|documents| documents.first()?.node().ok());
    let Some(node) = node else { return Vec::new() };
    let mut found = Vec::new();
    leaves(&node, &mut Vec::new(), &mut found);
    found
}

fn leaves(node: &Node, at: &mut Vec<Step>, found: &mut Vec<Field>) {
    match &node.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            for (name, below) in entries {
                at.push(Step::Field(name.clone()));
                leaves(below, at, found);
                at.pop();
            }
        }
        Kind::List(items) if !items.is_empty() => {
            for (index, below) in items.iter().enumerate() {
                at.push(Step::Index(index));
                leaves(below, at, found);
                at.pop();
            }
        }
        kind => {
            let line = usize::try_from(node.line.saturating_sub(1)).unwrap_or(usize::MAX);
            // A text of several lines is written as a block: below the line of its key, where the text begins.
            let block = match kind {
                Kind::Text(text) if text.contains('\n') => text.lines().count(),
                _ => 0,
            };
            found.push(Field {
                steps: at.clone(),
                first: line.saturating_sub(usize::from(block > 0)),
                last: line + block.saturating_sub(1),
            });
        }
    }
}

/// Documents of files, read once.
#[derive(Default)]
struct Files {
    read: HashMap<String, Vec<Node>>,
    texts: HashMap<String, String>,
}

impl Files {
    fn load(&mut self, reader: &Reader, path: &str, bound: &str) {
        if self.texts.contains_key(path) {
            return;
        }
        let text = match reader.find(path, bound) {
            Ok(super::reader::Target::File(file)) => reader.read(&file).ok(),
            _ => None,
        };
        let text = text
            .and_then(|bytes| yaml::text_of(&bytes).ok().map(str::to_owned))
            .unwrap_or_default();
        let documents = yaml::documents(&text).unwrap_or_default();
        let nodes = documents
            .iter()
            .filter_map(|document| document.node().ok())
            .collect();
        self.read.insert(path.to_owned(), nodes);
        self.texts.insert(path.to_owned(), text);
    }

    fn documents(&self, path: &str) -> &[Node] {
        self.read.get(path).map(Vec::as_slice).unwrap_or_default()
    }

    fn whole(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    fn line(&self, path: &str, line: u32) -> Option<&str> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        self.texts.get(path)?.lines().nth(index)
    }
}

/// Whether the lines of a text of several lines stand in the file one each, the first of them on this line.
fn is_block(files: &Files, path: &str, line: u32, value: &Value) -> bool {
    let text = value.as_str().filter(|text| text.contains('\n'));
    let first = text.and_then(|text| text.lines().next());
    match (first, files.line(path, line)) {
        (Some(first), Some(written)) => written.trim() == first.trim(),
        _ => false,
    }
}
