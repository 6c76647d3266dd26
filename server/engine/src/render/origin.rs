//! Which file, and where possible which line, declares a rendered object.

use super::objects::Document;
use super::stage::Staged;
use super::{RenderError, overlay};
use crate::source::Snapshot;
use crate::yaml;
use lockstep_types::resource::Origin;
use serde_json::Value;
use std::collections::HashMap;

/// Documents of the input files by kind and name, read when first asked for.
pub(super) struct Lines<'s> {
    snapshot: &'s Snapshot,
    files: HashMap<&'s str, &'s Staged>,
    read: HashMap<String, Vec<(String, String, u32)>>,
}

impl<'s> Lines<'s> {
    pub(super) fn new(snapshot: &'s Snapshot, files: &'s [Staged]) -> Self {
        let files = files
            .iter()
            .map(|staged| (staged.path.as_str(), staged))
            .collect();
        Self {
            snapshot,
            files,
            read: HashMap::new(),
        }
    }

    /// The line of an object in a file. Prefixes and suffixes may have changed its name since.
    fn find(&mut self, path: &str, kind: &str, name: &str) -> Option<u32> {
        if !self.read.contains_key(path) {
            let documents = self.documents(path).unwrap_or_default();
            self.read.insert(path.to_owned(), documents);
        }
        let same_kind: Vec<&(String, String, u32)> = self
            .read
            .get(path)?
            .iter()
            .filter(|(of, _, _)| of == kind)
            .collect();
        let exact = same_kind.iter().find(|(_, of, _)| of == name);
        let close = || {
            same_kind
                .iter()
                .find(|(_, of, _)| !of.is_empty() && name.contains(of.as_str()))
        };
        exact.or_else(close).map(|(_, _, line)| *line)
    }

    fn documents(&self, path: &str) -> Option<Vec<(String, String, u32)>> {
        let bytes = self.snapshot.read(&self.files.get(path)?.file).ok()?;
        let mut found = Vec::new();
        for document in yaml::documents(yaml::text_of(&bytes).ok()?).ok()? {
            let Ok(body) = document.value() else { continue };
            let text = |pointer: &str| {
                body.pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            found.push((text("/kind"), text("/metadata/name"), document.line));
        }
        Some(found)
    }

    /// Takes Kustomize's annotation out of an object and turns it into an origin.
    pub(super) fn take(&mut self, body: &mut Value, path: &str) -> Option<Origin> {
        let annotation = take_annotation(body, overlay::ORIGIN)?;
        let said = yaml::documents(&annotation).ok()?.first()?.value().ok()?;
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        // Resources have a path; what a generator made has the kustomization it is configured in.
        let written = text("path").or_else(|| text("configuredIn"))?;
        let file = super::reader::join(overlay::FOLDER, written)?;
        let file = file
            .strip_prefix("files/")
            .map_or_else(|| path.to_owned(), str::to_owned);
        let of = |pointer: &str| {
            body.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let line = self.find(&file, &of("/kind"), &of("/metadata/name"));
        Some(Origin { path: file, line })
    }
}

pub(super) fn take_annotation(body: &mut Value, name: &str) -> Option<String> {
    let metadata = body.get_mut("metadata")?.as_object_mut()?;
    let annotations = metadata.get_mut("annotations")?.as_object_mut()?;
    let value = annotations.remove(name);
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
    match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Splits what a renderer printed. `source` is told the text before each document and gives its file.
pub(super) fn printed(
    text: &str,
    subject: &str,
    source: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Document>, RenderError> {
    let in_document = |path: Option<&String>, error: yaml::YamlError| RenderError::Invalid {
        path: path.cloned().unwrap_or_else(|| subject.to_owned()),
        // A line of the rendered text helps nobody who looks at the file.
        line: None,
        message: error.message,
    };
    let mut found = Vec::new();
    for document in yaml::documents(text).map_err(|error| in_document(None, error))? {
        let path = source(document.text);
        let body = document
            .value()
            .map_err(|error| in_document(path.as_ref(), error))?;
        if !body.is_null() {
            found.push(Document {
                body,
                origin: path.map(|path| Origin { path, line: None }),
            });
        }
    }
    Ok(found)
}
