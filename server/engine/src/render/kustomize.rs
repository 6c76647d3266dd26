//! Kustomize: which files a kustomization needs, found by walking it, and the overlay that adds what the
//! definition says. What is remote, outside or executable is refused before anything runs.

use super::plain::{self, Plain};
use super::plugins;
use super::reader::{Reader, Target, is_within, join, parent, shown};
use super::{RenderError, metadata, overlay};
use crate::definition::{DefinedSource, KustomizeOptions};
use crate::yaml;
use lockstep_types::application::Dialect;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// Bases within bases.
const MAX_DEPTH: usize = 50;
/// Kustomizations of one render.
const MAX_FOLDERS: usize = 2000;

/// A kustomization that can be built.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Built {
    /// Our own kustomization on top of the one in Git.
    pub overlay: Value,
    /// A kustomization for a folder that has none: where it goes and what it says.
    pub generated: Option<(String, Value)>,
    /// Nothing needs to go on top: the files can be built as they are.
    pub plain: Option<Plain>,
    /// Declares no resources, in so many words: an application without objects on purpose.
    pub empty: bool,
    /// Components whose folder does not exist, where the definition wants that ignored.
    pub left_out: Vec<String>,
}

/// Whether the folder has a kustomization.
pub(super) fn is_kustomization(reader: &Reader, folder: &str) -> Result<bool, RenderError> {
    Ok(kustomization_of(reader, folder)?.is_some())
}

/// Collects everything that the kustomization at `path` reads.
pub(super) fn collect(
    reader: &mut Reader,
    path: &str,
    source: &DefinedSource,
) -> Result<Built, RenderError> {
    let default = KustomizeOptions::default();
    let options = source.kustomize.as_ref().unwrap_or(&default);
    let (options, left_out) = without_missing(reader, path, options)?;
    let options = &options;
    let mut walk = Walk {
        reader,
        stack: Vec::new(),
        done: BTreeSet::new(),
        plain: Some(Plain::default()),
        plugins: None,
    };
    let mut generated = None;
    let mut empty = false;
    let mut component = false;
    if is_kustomization(walk.reader, path)? {
        let said = walk.folder(path)?;
        empty = said.is_empty_on_purpose;
        component = said.is_component;
    } else if source.dialect == Dialect::FluxKustomization {
        generated = Some((join_name(path, NAMES[0]), walk.generate(path)?));
    } else {
        let missing = join_name(path, NAMES[0]);
        return Err(RenderError::Missing {
            path: format!("the definition's kustomize, for {},", shown(path)),
            missing,
        });
    }
    for component in &options.components {
        walk.entry(path, "the definition", "components", component)?;
    }
    let plain = walk.plain.take().filter(|_| {
        *options == default
            && !component
            && source
                .substitute
                .as_ref()
                .is_none_or(|substitute| substitute.variables.is_empty())
    });
    let mut overlay = if metadata::is_ours(source) {
        overlay::build(walk.reader, path, &metadata::without(options))?
    } else {
        overlay::build(walk.reader, path, options)?
    };
    if component {
        overlay::list_as_component(&mut overlay);
    }
    Ok(Built {
        overlay,
        generated,
        plain,
        empty,
        left_out,
    })
}

/// The options without components that may be missing and are, and those components. Only what is not there at all may be
/// missing: a folder that is no component is an error as everywhere.
fn without_missing(
    reader: &Reader,
    path: &str,
    options: &KustomizeOptions,
) -> Result<(KustomizeOptions, Vec<String>), RenderError> {
    let mut options = options.clone();
    if !std::mem::take(&mut options.ignore_missing_components) {
        return Ok((options, Vec::new()));
    }
    let mut left_out = Vec::new();
    for name in std::mem::take(&mut options.components) {
        let inside = (!is_address(&name)).then(|| join(path, &name)).flatten();
        let is_missing = match inside {
            Some(inside) => reader.find(&inside, folder_bound(&inside, path))? == Target::Nothing,
            // What leads out of the repository is refused below.
            None => false,
        };
        if is_missing {
            left_out.push(name);
        } else {
            options.components.push(name);
        }
    }
    Ok((options, left_out))
}

pub(super) fn join_name(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

fn kustomization_of(reader: &Reader, folder: &str) -> Result<Option<String>, RenderError> {
    let mut found = Vec::new();
    for name in NAMES {
        let path = join_name(folder, name);
        if let Target::File(_) = reader.find(&path, folder)? {
            found.push(path);
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        several => Err(RenderError::Invalid {
            path: shown(folder).to_owned(),
            line: None,
            message: format!("it has several kustomizations: {}", several.join(", ")),
        }),
    }
}

struct Said {
    is_empty_on_purpose: bool,
    /// It may only be listed among components.
    is_component: bool,
}

struct Walk<'r> {
    reader: &'r mut Reader,
    /// Folders being walked, outermost first.
    stack: Vec<String>,
    /// Folders that were walked, and whether as plugins.
    done: BTreeSet<(bool, String)>,
    /// As long as nothing was met that changes names or makes objects.
    plain: Option<Plain>,
    /// The field under which everything is a plugin of the kustomization further out.
    plugins: Option<&'static str>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &str) -> Result<Said, RenderError> {
        let nothing = Said {
            is_empty_on_purpose: false,
            is_component: false,
        };
        if self.stack.iter().any(|outer| outer == folder) {
            let path = join_name(folder, NAMES[0]);
            let message = format!(
                "kustomizations lead in a circle: {} → {folder}",
                self.stack.join(" → ")
            );
            return Err(RenderError::Invalid {
                path,
                line: None,
                message,
            });
        }
        let done = (self.plugins.is_some(), folder.to_owned());
        if self.done.contains(&done) {
            return Ok(nothing);
        }
        if self.stack.len() >= MAX_DEPTH || self.done.len() >= MAX_FOLDERS {
            let why = format!(
                "more than {MAX_DEPTH} levels or {MAX_FOLDERS} kustomizations hang together"
            );
            return Err(RenderError::Refused {
                path: shown(folder).to_owned(),
                why,
            });
        }
        let Some(file) = kustomization_of(self.reader, folder)? else {
            return Err(RenderError::Missing {
                path: shown(folder).to_owned(),
                missing: join_name(folder, NAMES[0]),
            });
        };
        self.stack.push(folder.to_owned());
        let said = self.kustomization(folder, &file)?;
        self.stack.pop();
        self.done.insert(done);
        Ok(said)
    }

    fn kustomization(&mut self, folder: &str, file: &str) -> Result<Said, RenderError> {
        let Target::File(found) = self.reader.find(file, folder)? else {
            return Err(RenderError::Missing {
                path: shown(folder).to_owned(),
                missing: file.to_owned(),
            });
        };
        let bytes = self.reader.read(&found)?;
        self.reader.need(file, found);
        let invalid = |error: yaml::YamlError| RenderError::Invalid {
            path: file.to_owned(),
            line: error.line,
            message: error.message,
        };
        let text = yaml::text_of(&bytes).map_err(invalid)?;
        let documents = yaml::documents(text).map_err(invalid)?;
        let body = match documents.as_slice() {
            [one] => one.value().map_err(invalid)?,
            [] => {
                return Err(RenderError::Nothing {
                    path: file.to_owned(),
                    why: "the kustomization is empty".to_owned(),
                });
            }
            _ => {
                let message = "a kustomization is a single document".to_owned();
                return Err(RenderError::Invalid {
                    path: file.to_owned(),
                    line: None,
                    message,
                });
            }
        };
        if !plain::keeps_names(&body) {
            self.plain = None;
        }
        if let Some(field) = self.plugins {
            plugins::refuse_programs(file, field, &bytes)?;
            plugins::refuse_functions(file, field, &body)?;
        }
        self.fields(folder, file, &body)?;
        let names_nothing = [
            "bases",
            "components",
            "configMapGenerator",
            "generators",
            "resources",
            "secretGenerator",
        ]
        .iter()
        .all(|field| {
            body.get(field)
                .and_then(Value::as_array)
                .is_none_or(Vec::is_empty)
        });
        let says_so = body.get("resources").is_some_and(Value::is_array);
        Ok(Said {
            is_empty_on_purpose: names_nothing && says_so,
            is_component: body.get("kind").and_then(Value::as_str) == Some("Component"),
        })
    }

    fn fields(&mut self, folder: &str, file: &str, body: &Value) -> Result<(), RenderError> {
        for field in ["helmCharts", "helmChartInflationGenerator"] {
            if body.get(field).is_some_and(|value| !value.is_null()) {
                let why = format!(
                    "{field} fetches charts while rendering, which is never done; use a Helm application, or commit the rendered chart"
                );
                return Err(RenderError::Refused {
                    path: file.to_owned(),
                    why,
                });
            }
        }
        for field in ["resources", "bases", "components"] {
            for name in texts(body, field) {
                self.entry(folder, file, field, name)?;
            }
        }
        for field in plugins::FIELDS {
            for name in texts(body, field) {
                if is_inline(name) {
                    plugins::check(file, field, name.as_bytes())?;
                } else {
                    let outer = self.plugins.replace(field);
                    self.entry(folder, file, field, name)?;
                    self.plugins = outer;
                }
            }
        }
        for field in ["configurations", "crds"] {
            for name in texts(body, field) {
                self.file(folder, file, field, name)?;
            }
        }
        for name in texts(body, "patchesStrategicMerge") {
            if !is_inline(name) {
                self.file(folder, file, "patchesStrategicMerge", name)?;
            }
        }
        for field in ["patches", "patchesJson6902", "replacements"] {
            for item in items(body, field) {
                if let Some(name) = item
                    .get("path")
                    .and_then(Value::as_str)
                    .filter(|name| !name.is_empty())
                {
                    self.file(folder, file, field, name)?;
                }
            }
        }
        if let Some(name) = body.pointer("/openapi/path").and_then(Value::as_str) {
            self.file(folder, file, "openapi.path", name)?;
        }
        for field in ["configMapGenerator", "secretGenerator"] {
            for item in items(body, field) {
                // `name=file`, or a file that gives its own name.
                for name in texts(item, "files") {
                    self.file(
                        folder,
                        file,
                        field,
                        name.split_once('=').map_or(name, |(_, name)| name),
                    )?;
                }
                for name in texts(item, "envs").chain(item.get("env").and_then(Value::as_str)) {
                    self.file(folder, file, field, name)?;
                }
            }
        }
        Ok(())
    }

    /// A folder or a file of manifests.
    fn entry(
        &mut self,
        folder: &str,
        file: &str,
        field: &str,
        name: &str,
    ) -> Result<(), RenderError> {
        let refuse = |why: &str| refused(file, field, name, why);
        // Kustomize takes these for addresses even where a folder has such a name.
        if is_address(name) {
            return refuse(REMOTE);
        }
        let Some(path) = join(folder, name) else {
            return if is_remote(name) {
                refuse(REMOTE)
            } else {
                refuse("it is no path inside the repository")
            };
        };
        match self.reader.find(&path, folder_bound(&path, folder))? {
            Target::Folder(_) => self.folder(&path).map(drop),
            Target::File(found) => {
                if !is_within(&path, folder) {
                    return refuse("files must be in or below the folder of their kustomization");
                }
                let bytes = self.reader.read(&found)?;
                match self.plugins {
                    Some(field) => plugins::check(&path, field, &bytes)?,
                    None => plugins::refuse_programs(file, field, &bytes)?,
                }
                self.is_resource(&path);
                self.reader.need(&path, found);
                Ok(())
            }
            Target::Nothing if is_remote(name) => refuse(REMOTE),
            Target::Nothing => Err(RenderError::Missing {
                path: file.to_owned(),
                missing: path,
            }),
        }
    }

    fn is_resource(&mut self, path: &str) {
        if let Some(plain) = &mut self.plain {
            plain.resources.insert(path.to_owned());
        }
    }

    fn file(
        &mut self,
        folder: &str,
        file: &str,
        field: &str,
        name: &str,
    ) -> Result<(), RenderError> {
        let refuse = |why: &str| refused(file, field, name, why);
        let path = match join(folder, name) {
            Some(path) if is_within(&path, folder) => path,
            _ if name.contains("://") => return refuse(REMOTE),
            _ => return refuse("files must be in or below the folder of their kustomization"),
        };
        match self.reader.find(&path, folder)? {
            Target::File(found) => {
                if let Some(field) = self.plugins {
                    plugins::refuse_programs(&path, field, &self.reader.read(&found)?)?;
                }
                self.reader.need(&path, found);
                Ok(())
            }
            Target::Folder(_) => refuse("it is a folder"),
            Target::Nothing if is_remote(name) => refuse(REMOTE),
            Target::Nothing => Err(RenderError::Missing {
                path: file.to_owned(),
                missing: path,
            }),
        }
    }

    /// What Flux does for a folder without kustomization: every manifest below, and folders that have one of
    /// their own as a whole.
    fn generate(&mut self, folder: &str) -> Result<Value, RenderError> {
        let all = self.reader.all(folder)?;
        let mut own: BTreeSet<String> = BTreeSet::new();
        for staged in &all {
            let (above, name) = (
                parent(&staged.path),
                staged.path.rsplit('/').next().unwrap_or_default(),
            );
            if NAMES.contains(&name) {
                own.insert(above.to_owned());
            }
        }
        // The outermost ones; what is below is theirs.
        let outermost: Vec<&String> = own
            .iter()
            .filter(|inner| {
                !own.iter()
                    .any(|outer| outer != *inner && is_within(inner, outer))
            })
            .collect();
        let mut names = Vec::new();
        for inner in &outermost {
            self.folder(inner)?;
            names.push(relative(inner, folder));
        }
        for staged in &all {
            let is_manifest = staged.path.ends_with(".yaml") || staged.path.ends_with(".yml");
            if is_manifest && !outermost.iter().any(|inner| is_within(&staged.path, inner)) {
                let bytes = self.reader.read(&staged.file)?;
                plugins::refuse_programs(&staged.path, "resources", &bytes)?;
                self.is_resource(&staged.path);
                names.push(relative(&staged.path, folder));
                self.reader.need(&staged.path, staged.file.clone());
            }
        }
        if names.is_empty() {
            let why = "there is no kustomization and no file that ends in .yaml or .yml".to_owned();
            return Err(RenderError::Nothing {
                path: shown(folder).to_owned(),
                why,
            });
        }
        names.sort();
        Ok(
            json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": names}),
        )
    }
}

const REMOTE: &str = "remote bases and files are never fetched; copy it into the repository";

fn relative(path: &str, folder: &str) -> String {
    format!(
        "./{}",
        path.get(folder.len()..)
            .unwrap_or_default()
            .trim_start_matches('/')
    )
}

/// Links on the way to a base may lead anywhere the base itself is; links to files stay at home.
fn folder_bound<'a>(path: &'a str, folder: &'a str) -> &'a str {
    if is_within(path, folder) {
        folder
    } else {
        parent(path)
    }
}

fn is_inline(text: &str) -> bool {
    text.contains('\n') || text.contains(": ")
}

fn is_remote(name: &str) -> bool {
    let first = name.split(['/', ':']).next().unwrap_or_default();
    name.contains("://")
        || name.contains("?ref=")
        || name.contains("//")
        || name.starts_with("git@")
        || name.starts_with("git::")
        || name.starts_with("file:")
        || (name.contains('/') && first.contains('.') && !matches!(first, "." | ".."))
}

/// What Kustomize takes for the address of a repository before it looks for a folder of that name.
fn is_address(name: &str) -> bool {
    name.contains("://")
        || name.contains("?ref=")
        || name.contains("?version=")
        || ["git@", "git::", "file:", "github.com/", "github.com:"]
            .iter()
            .any(|beginning| name.starts_with(beginning))
}

fn refused(file: &str, field: &str, name: &str, why: &str) -> Result<(), RenderError> {
    Err(RenderError::Refused {
        path: file.to_owned(),
        why: format!("{field}: {}: {why}", escaped(name)),
    })
}

fn escaped(name: &str) -> String {
    name.escape_debug().take(300).collect()
}

fn items<'v>(body: &'v Value, field: &str) -> impl Iterator<Item = &'v Value> {
    body.get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn texts<'v>(body: &'v Value, field: &str) -> impl Iterator<Item = &'v str> {
    items(body, field).filter_map(Value::as_str)
}
