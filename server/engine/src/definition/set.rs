//! Argo CD's `ApplicationSet`: generators of parameters, and a template that turns each set of them into an
//! application.
//!
//! Pure. What it cannot know by itself (files of other repositories, what a Go template gives) it asks for: an
//! [`Expansion`] with needs is not finished, and is made again when they are [`Known`].

mod cluster;
mod combine;
mod expand;
mod generate;
mod git;
mod glob;
mod language;
mod list;
mod member;
mod plain;
mod read;
mod row;
mod selector;
mod strategy;

pub use expand::{Expansion, NotGenerated};
pub use language::TemplateRun;
pub use selector::{Requirement, Selector};
pub use strategy::{Strategy, SyncStep};

pub(super) use read::read;

use crate::yaml::Node;
use lockstep_types::revision::TargetRevision;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub(super) const KIND: &str = "ApplicationSet";

/// More applications than any set has; a matrix that gives more is a mistake.
const MOST: usize = 10_000;

/// One set of parameters.
pub type Parameters = Map<String, Value>;

/// A set as Git defines it.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplicationSet {
    pub namespace: String,
    pub name: String,
    /// File that holds it.
    pub path: String,
    /// 1-based line of the document's first line.
    pub line: u32,
    /// The document as written.
    pub yaml: String,
    pub generators: Vec<Generator>,
    /// An `Application` without `apiVersion` and `kind`.
    pub template: Value,
    /// YAML or a JSON patch over each application, as text of the template language; empty: none.
    pub template_patch: String,
    /// Go templates; else plain `{{name}}`.
    pub go_template: bool,
    /// A Go template that looks up a parameter that is not there fails (`missingkey=error`).
    pub strict: bool,
    /// The steps in which a new state reaches its applications; none: all at once.
    pub strategy: Option<Strategy>,
    /// Fields that were read and are not acted on, dotted, with why.
    pub ignored_fields: Vec<(String, String)>,
    /// It could not be read whole; its applications stay as they were last read.
    pub broken: bool,
    document: Node,
}

/// One entry of `generators`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    pub source: ParameterSource,
    /// Only sets of parameters that it matches count.
    pub selector: Option<Selector>,
    /// Wins over the template of the set, field by field.
    pub template: Option<Value>,
    /// Dotted place in the document.
    pub field: String,
}

/// Where parameters come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ParameterSource {
    List {
        elements: Vec<Value>,
        /// A list of further elements as YAML text.
        elements_yaml: String,
    },
    Clusters {
        selector: Selector,
        values: BTreeMap<String, String>,
        /// One set of parameters with the list of all clusters.
        flat_list: bool,
    },
    Git {
        repo_url: String,
        revision: TargetRevision,
        directories: Vec<GitItem>,
        files: Vec<GitItem>,
        path_param_prefix: String,
        values: BTreeMap<String, String>,
    },
    Matrix(Vec<Generator>),
    Merge {
        keys: Vec<String>,
        generators: Vec<Generator>,
    },
    /// A generator that asks a service that Lockstep does not speak with.
    Elsewhere {
        kind: String,
    },
}

/// A pattern of paths in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitItem {
    pub path: String,
    pub exclude: bool,
}

/// A registered cluster, as generators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetCluster {
    pub name: String,
    /// Address of its API server.
    pub server: String,
    pub labels: BTreeMap<String, String>,
    /// The home cluster of the root source.
    pub home: bool,
}

/// A repository at a revision, as a generator writes them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitPlace {
    pub repo_url: String,
    pub revision: TargetRevision,
}

/// What an expansion lacks.
#[derive(Debug, Clone, PartialEq)]
pub enum Need {
    /// Paths of all files.
    Files(GitPlace),
    /// The bytes of one file.
    File(GitPlace, String),
    /// The texts of a Go template.
    Texts(TemplateRun),
}

/// What is known of the world. An error is an answer too: what depends on it is not generated.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub clusters: Vec<SetCluster>,
    pub files: BTreeMap<GitPlace, Result<Vec<String>, String>>,
    pub contents: BTreeMap<(GitPlace, String), Result<Vec<u8>, String>>,
    /// By [`TemplateRun::key`]; one text for each of the run.
    pub texts: BTreeMap<String, Result<Vec<String>, String>>,
}

impl ApplicationSet {
    /// As people know it: `ApplicationSet argocd/addons`.
    pub fn title(&self) -> String {
        format!("{KIND} {}/{}", self.namespace, self.name)
    }
}

impl super::SetMember {
    /// The parameters with dotted names, values as text.
    pub fn flat_parameters(&self) -> BTreeMap<String, String> {
        self.parameters
            .as_object()
            .map(plain::flat)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
