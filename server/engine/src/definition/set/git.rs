//! The Git generator: directories, or the content of files.

use super::cluster::append_values;
use super::language::{Language, Stop};
use super::{GitItem, GitPlace, Need, Parameters, glob, plain};
use crate::yaml;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A Git generator without its kind.
pub(super) struct Git<'g> {
    pub place: GitPlace,
    pub directories: &'g [GitItem],
    pub files: &'g [GitItem],
    pub prefix: &'g str,
    pub values: &'g BTreeMap<String, String>,
}

const CORRECT_FILE: &str = "Correct the file, or exclude it from the generator.";

pub(super) fn parameters(git: &Git<'_>, language: &Language<'_>) -> Result<Vec<Parameters>, Stop> {
    let paths = match language.known.files.get(&git.place) {
        None => return Err(language.need(Need::Files(git.place.clone()))),
        Some(Err(error)) => {
            let message = format!("{} cannot be listed: {error}", git.place.repo_url);
            return Err(Stop::wrong(
                "git.repoURL",
                message,
                "Correct the address or revision, or give Lockstep a credential for it.",
            ));
        }
        Some(Ok(paths)) => paths,
    };
    if git.directories.is_empty() {
        files(git, paths, language)
    } else {
        directories(git, paths, language)
    }
}

/// Folders that hold a file at any depth; hidden ones and what is below them do not count.
fn directories(
    git: &Git<'_>,
    paths: &[String],
    language: &Language<'_>,
) -> Result<Vec<Parameters>, Stop> {
    let mut folders = BTreeSet::new();
    for path in paths {
        for (end, _) in path.match_indices('/') {
            let folder = &path[..end];
            if folder.split('/').any(|part| part.starts_with('.')) {
                break;
            }
            folders.insert(folder);
        }
    }
    let any = |path: &str, exclude: bool| {
        git.directories
            .iter()
            .filter(|item| item.exclude == exclude)
            .any(|item| glob::directory(&item.path, path))
    };
    let mut found = Gathered::default();
    for folder in folders {
        // Exclusion wins, whatever the order.
        if any(folder, false) && !any(folder, true) {
            let mut parameters = Parameters::new();
            place(&mut parameters, git.prefix, folder, None, language.go);
            found.add(git, parameters, language)?;
        }
    }
    found.finish()
}

fn files(
    git: &Git<'_>,
    paths: &[String],
    language: &Language<'_>,
) -> Result<Vec<Parameters>, Stop> {
    let any = |path: &str, exclude: bool| {
        git.files
            .iter()
            .filter(|item| item.exclude == exclude)
            .any(|item| glob::file(&item.path, path))
    };
    let chosen: BTreeSet<&String> = paths
        .iter()
        .filter(|path| any(path, false) && !any(path, true))
        .collect();
    let mut found = Gathered::default();
    for path in chosen {
        let key = (git.place.clone(), path.clone());
        let bytes = match language.known.contents.get(&key) {
            None => {
                language.need(Need::File(git.place.clone(), path.clone()));
                found.waiting = true;
                continue;
            }
            Some(Err(error)) => {
                let message = format!("{path} cannot be read: {error}");
                return Err(Stop::wrong("git.files", message, CORRECT_FILE));
            }
            Some(Ok(bytes)) => bytes,
        };
        for object in objects(path, bytes)? {
            let mut parameters = if language.go {
                object
            } else {
                plain::flat(&object)
                    .into_iter()
                    .map(|(key, value)| (key, Value::String(value)))
                    .collect()
            };
            let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
            place(&mut parameters, git.prefix, folder, Some(name), language.go);
            found.add(git, parameters, language)?;
        }
    }
    found.finish()
}

/// A file holds one map, or a list of them.
fn objects(path: &str, bytes: &[u8]) -> Result<Vec<Parameters>, Stop> {
    let wrong = |line: Option<u32>, message: &str| {
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        Stop::wrong(
            "git.files",
            format!("{path}{line}: {message}"),
            CORRECT_FILE,
        )
    };
    let text = yaml::text_of(bytes).map_err(|error| wrong(error.line, &error.message))?;
    let documents = yaml::documents(text).map_err(|error| wrong(error.line, &error.message))?;
    let Some(document) = documents.first() else {
        return Ok(vec![Parameters::new()]);
    };
    let refuse = || {
        wrong(
            Some(document.line),
            "it holds neither a map nor a list of maps",
        )
    };
    match document
        .value()
        .map_err(|error| wrong(error.line, &error.message))?
    {
        Value::Object(object) => Ok(vec![object]),
        Value::Null => Ok(vec![Parameters::new()]),
        Value::Array(items) => items
            .into_iter()
            .map(|item| match item {
                Value::Object(object) => Ok(object),
                Value::Null => Ok(Parameters::new()),
                _ => Err(refuse()),
            })
            .collect(),
        _ => Err(refuse()),
    }
}

/// The parameters that say where something lies.
fn place(parameters: &mut Parameters, prefix: &str, folder: &str, file: Option<&str>, go: bool) {
    let base = folder.rsplit('/').next().unwrap_or(folder);
    let mut parts = vec![
        ("basename", base.to_owned()),
        ("basenameNormalized", plain::normalized(base)),
    ];
    if let Some(file) = file {
        parts.push(("filename", file.to_owned()));
        parts.push(("filenameNormalized", plain::normalized(file)));
    }
    if go {
        let segments: Vec<&str> = folder.split('/').collect();
        let mut path = json!({ "path": folder, "segments": segments });
        for (name, value) in parts {
            path[name] = Value::String(value);
        }
        if prefix.is_empty() {
            parameters.insert("path".to_owned(), path);
        } else {
            parameters.insert(prefix.to_owned(), json!({ "path": path }));
        }
        return;
    }
    let name = if prefix.is_empty() {
        "path".to_owned()
    } else {
        format!("{prefix}.path")
    };
    for (index, segment) in folder.split('/').enumerate() {
        parameters.insert(
            format!("{name}[{index}]"),
            Value::String(segment.to_owned()),
        );
    }
    for (part, value) in parts {
        parameters.insert(format!("{name}.{part}"), Value::String(value));
    }
    parameters.insert(name, Value::String(folder.to_owned()));
}

/// Everything that is asked for is asked at once.
#[derive(Default)]
struct Gathered {
    found: Vec<Parameters>,
    waiting: bool,
}

impl Gathered {
    fn add(
        &mut self,
        git: &Git<'_>,
        mut parameters: Parameters,
        language: &Language<'_>,
    ) -> Result<(), Stop> {
        match append_values(git.values, &mut parameters, language) {
            Ok(()) => self.found.push(parameters),
            Err(Stop::Waiting) => self.waiting = true,
            Err(stop) => return Err(stop),
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Parameters>, Stop> {
        if self.waiting {
            Err(Stop::Waiting)
        } else {
            Ok(self.found)
        }
    }
}
