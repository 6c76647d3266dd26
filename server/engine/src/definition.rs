//! Definitions: files of a root source become applications. Pure: bytes in, definitions and problems out.
//!
//! A broken document is a problem with file and line and never hides the good ones. Documents of other kinds
//! are none of our business. Knows no Git, cluster or database.

mod argo;
mod argument;
mod around;
mod artifacts;
mod built;
mod chart_sources;
mod collect;
mod concern;
mod customizations;
mod fields;
pub mod fleet;
mod flux;
mod flux_values;
mod helm_release;
mod image_rules;
mod includes;
mod key;
mod notices;
mod overrides;
mod parents;
pub mod project;
mod repositories;
pub mod set;
mod signers;
mod sync;

pub use around::referred_to;
pub use collect::{read, read_rendered, read_source};
pub use concern::{may_define, may_generate};
pub use customizations::{may_hold_scripts, read as health_scripts};
pub use fleet::Placement;
pub use image_rules::{
    Automation, ImageRule, ImageRules, RuleWrites, may_hold_image_rules, read as image_rules,
};
pub use key::DefinitionKey;
pub use notices::{
    EventSource, NoticeAlert, NoticeProvider, NoticeRoute, NoticeText, Notices, may_hold_notices,
    read as notices,
};
pub use overrides::{OverrideProblem, is_override_file, overridden, override_files};
pub use signers::Verification;
pub use sync::{Dependency, HealthCheck, Propagation, Retry, SyncOptions, Wish};

use lockstep_types::application::{Dialect, SourceSpec, SyncPolicy};
use lockstep_types::revision::TargetRevision;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A file of the root source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionFile {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// What the files of a root source hold. All lists are in the order of path and line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Definitions {
    pub applications: Vec<Definition>,
    /// Sets of applications; [`set::ApplicationSet::expand`] makes the applications.
    pub sets: Vec<set::ApplicationSet>,
    /// What may go where.
    pub projects: Vec<project::Project>,
    pub problems: Vec<DefinitionProblem>,
    /// Every document of ours that could be parsed, also those that only support applications, such as repositories.
    pub documents: Vec<DefinitionDocument>,
    /// Checks of health that an `argocd-cm` among the files gives Argo CD's applications.
    pub health_scripts: Vec<crate::check::UserCheck>,
    /// What an `argocd-cm` among the files has hidden beside Secrets.
    pub masking: crate::masking::MaskingRules,
    /// Flux's alerts and where they go.
    pub notices: Notices,
    /// Rules by which tags of images are written to Git.
    pub image_rules: ImageRules,
    /// Files that are patches of kustomizations or templates of charts: no definitions by themselves.
    pub material: Vec<String>,
    /// Files of which something could not be read at all: what is missing from them may be broken, and is not gone.
    pub unreadable: Vec<String>,
}

/// A document of one of the kinds that are read here, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DefinitionDocument {
    /// It comes to a cluster through what another definition renders, and is read from that render.
    pub rendered: bool,
    pub path: String,
    /// 1-based line of its first line.
    pub line: u32,
    pub group: String,
    pub kind: String,
    pub namespace: String,
    pub name: String,
}

/// An application as Git defines it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    pub key: DefinitionKey,
    pub dialect: Dialect,
    /// Of the definition itself, not of what it deploys.
    pub namespace: String,
    pub name: String,
    pub project: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    /// The only source, or the first of several.
    pub source: DefinedSource,
    /// Further sources in the order of the definition; their objects are added to those of the first.
    #[serde(default)]
    pub more_sources: Vec<DefinedSource>,
    pub destination: Destination,
    /// Which clusters it goes to and what it is there, when that is not simply `destination` and the rest.
    #[serde(default)]
    pub placement: Option<Box<Placement>>,
    /// Why it cannot be rendered as it is written; empty when it can.
    #[serde(default)]
    pub unrenderable: String,
    pub policy: SyncPolicy,
    /// How a sync goes about it.
    #[serde(default)]
    pub sync_options: SyncOptions,
    /// What must be ready first.
    #[serde(default)]
    pub depends_on: Vec<Dependency>,
    /// Health that the definition asks for besides that of the built-in rules.
    #[serde(default)]
    pub health_checks: Vec<HealthCheck>,
    /// Account to act as in the cluster, `namespace/name`; empty: the cluster's registered credential.
    #[serde(default)]
    pub service_account: String,
    /// The set that made it.
    #[serde(default)]
    pub set: Option<SetMember>,
    /// What its project permits; none where no project limits it.
    #[serde(default)]
    pub rules: Option<Box<project::Rules>>,
    /// What is hidden in its objects beside Secrets.
    #[serde(default)]
    pub masking: crate::masking::MaskingRules,
    /// Fields whose differences do not count.
    pub ignore_differences: Vec<IgnoreDifference>,
    /// File that holds it.
    pub path: String,
    /// 1-based line of the document's first line.
    pub line: u32,
    /// The document as written.
    pub yaml: String,
    /// Fields that were read and are not acted on, dotted, with why.
    pub ignored_fields: Vec<(String, String)>,
}

/// Which set made an application, and from what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetMember {
    /// Kind as users know it and name: `ApplicationSet argocd/addons`.
    pub set: String,
    /// Equal for members that differ only in their destination: they fill one row of the matrix.
    pub row: String,
    /// The generator's parameters.
    pub parameters: serde_json::Value,
    /// Its place in the steps of the set, when the set has some.
    #[serde(default)]
    pub rollout: Option<Box<crate::rollout::Course>>,
}

/// What a source's address leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SourceKind {
    #[default]
    Git,
    /// An index of charts over HTTP.
    HelmRepository,
    /// An OCI registry: charts, or manifests as an artifact.
    Oci,
}

/// What to render, and how.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DefinedSource {
    #[serde(default)]
    pub kind: SourceKind,
    pub repo_url: String,
    /// Chart in the Helm repository or registry; then the target revision is a version or a range of versions.
    #[serde(default)]
    pub chart: String,
    /// What value files of the other sources call it: `$name/path/values.yaml`. Empty: nothing.
    #[serde(default)]
    pub reference: String,
    /// It gives no objects of its own.
    #[serde(default)]
    pub only_lends: bool,
    /// Without leading or trailing slash; empty for the root of the repository.
    pub path: String,
    pub target_revision: TargetRevision,
    /// Decides what a folder without renderer files means.
    pub dialect: Dialect,
    pub helm: Option<HelmOptions>,
    pub kustomize: Option<KustomizeOptions>,
    pub directory: Option<DirectoryOptions>,
    /// Kustomize steps over what was rendered, in their order.
    #[serde(default)]
    pub post_renderers: Vec<KustomizeOptions>,
    /// Rules in the form of `.gitignore` for files of the repository that do not exist for this source. `None`: all of
    /// them exist; a text, also an empty one: Flux's own rules and `.sourceignore` files count besides.
    #[serde(default)]
    pub excluded: Option<String>,
    /// Beginnings of paths of which one a file of the repository must have to exist for this source; empty: all exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Variables put into the rendered text.
    #[serde(default)]
    pub substitute: Option<Substitution>,
    /// Signatures that its commits must carry.
    #[serde(default)]
    pub verify: Option<Verification>,
    /// Files of other sources that stand among its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<Include>,
}

/// Files of another source that stand among those of one, as Flux's `include` copies them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Include {
    /// Place of the other source in the definition, the first one being 0. It comes after the one that includes it.
    pub source: usize,
    /// Folder or file there; empty: all of it.
    pub from: String,
    /// Where it stands here; never empty.
    pub to: String,
}

/// Values for variables, and where more of them come from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Substitution {
    /// Win over those of `from`.
    pub variables: BTreeMap<String, String>,
    /// In their order; later ones win.
    pub from: Vec<ValuesReference>,
}

/// A ConfigMap or Secret that holds values. It is looked for among the files of the root source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ValuesReference {
    /// `ConfigMap` or `Secret`.
    pub kind: String,
    pub namespace: String,
    pub name: String,
    /// Empty: `values.yaml`.
    pub key: String,
    /// Dotted path that the value is set at; empty: the value is a whole document.
    pub target_path: String,
    /// Missing is no error.
    pub optional: bool,
    /// The value is taken as it is, not parsed.
    pub literal: bool,
}

impl DefinedSource {
    /// The part that users see.
    pub fn spec(&self) -> SourceSpec {
        let renderer = if self.helm.is_some() {
            "helm"
        } else if self.kustomize.is_some() {
            "kustomize"
        } else if self.directory.is_some() {
            "directory"
        } else {
            ""
        };
        SourceSpec {
            repo_url: self.repo_url.clone(),
            path: self.path.clone(),
            target_revision: self.target_revision.clone(),
            renderer: renderer.to_owned(),
        }
    }
}

/// `spec.source.helm`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HelmOptions {
    pub release_name: String,
    /// Overrides the destination's namespace for templates.
    pub namespace: String,
    /// Values kept elsewhere, under the files and inline values.
    #[serde(default)]
    pub values_from: Vec<ValuesReference>,
    /// Relative to the chart, or from the repository's root when they begin with a slash; globs allowed.
    pub value_files: Vec<String>,
    pub ignore_missing_value_files: bool,
    /// YAML text, after the files.
    pub values: String,
    pub parameters: Vec<HelmParameter>,
    /// Name and path of files whose content becomes the value.
    pub file_parameters: Vec<(String, String)>,
    pub skip_crds: bool,
    pub skip_schema_validation: bool,
    pub kube_version: String,
    pub api_versions: Vec<String>,
}

/// One `--set`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelmParameter {
    pub name: String,
    pub value: String,
    pub force_string: bool,
}

/// What a definition adds on top of the kustomization in Git, in Kustomize's own terms.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct KustomizeOptions {
    pub namespace: String,
    pub name_prefix: String,
    pub name_suffix: String,
    /// As Argo CD writes them: `[old=]name[:tag][@digest]`.
    pub images: Vec<KustomizeImage>,
    /// Name and count.
    pub replicas: Vec<(String, i64)>,
    pub common_labels: BTreeMap<String, String>,
    pub common_annotations: BTreeMap<String, String>,
    /// Variables of Argo CD's build environment count in the values of common annotations.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub annotations_are_filled: bool,
    /// Common labels stay out of selectors.
    pub label_without_selector: bool,
    pub label_include_templates: bool,
    /// Relative to the path.
    pub components: Vec<String>,
    /// Components whose folder does not exist are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_missing_components: bool,
    /// Entries of Kustomize's `patches`, as written.
    pub patches: Vec<serde_json::Value>,
}

/// An entry of Kustomize's `images`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KustomizeImage {
    pub name: String,
    pub new_name: String,
    pub new_tag: String,
    pub digest: String,
}

/// `spec.source.directory`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DirectoryOptions {
    pub recurse: bool,
    /// Glob on the path below the source's path; empty for all. Braces group.
    pub include: String,
    pub exclude: String,
    /// The folder is read by Fleet's rules, with these folders below `overlays/` laid over it in their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlays: Option<Vec<String>>,
}

/// An entry of `spec.ignoreDifferences`. Empty parts match everything; `*` too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IgnoreDifference {
    pub group: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
    pub json_pointers: Vec<String>,
    /// As [`crate::jq`] reads them; others have no effect.
    #[serde(default)]
    pub jq_paths: Vec<String>,
    /// Fields owned by these field managers.
    pub managers: Vec<String>,
}

/// Where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    pub cluster: DestinationCluster,
    /// For objects that name none; empty when the definition gives none.
    pub namespace: String,
    /// Every object goes there, whatever namespace it names, and none may lie outside of namespaces.
    #[serde(default)]
    pub assigns: bool,
}

impl Definition {
    /// Whether the namespace of its objects is made when it is missing: Fleet's agent always makes a bundle's.
    pub fn makes_namespaces(&self) -> bool {
        self.policy.create_namespace || self.dialect == Dialect::FleetBundle
    }
}

impl Destination {
    /// The namespace of objects that name none.
    pub fn usual_namespace(&self) -> &str {
        match self.namespace.as_str() {
            "" => "default",
            namespace => namespace,
        }
    }
}

/// How a definition names a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DestinationCluster {
    /// The home cluster of the root source.
    Home,
    /// By registered name.
    Name(String),
    /// By address of the API server.
    Server(String),
}

/// Why a document is not an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionProblem {
    /// The definition that could not be read, when its name could be: it is broken, not gone.
    pub key: Option<DefinitionKey>,
    pub path: String,
    /// 1-based.
    pub line: u32,
    /// Dotted; empty when no field is to blame.
    pub field: String,
    pub message: String,
    /// What to do.
    pub next: String,
}

/// `path` counted from `folder`; either may be empty.
fn below(folder: &str, path: &str) -> String {
    match (folder.is_empty(), path.is_empty()) {
        (true, _) => path.to_owned(),
        (false, true) => folder.to_owned(),
        (false, false) => format!("{folder}/{path}"),
    }
}

/// A path inside a repository in normal form: without `./`, doubled, leading or trailing slashes.
fn repo_path(written: &str) -> Result<String, &'static str> {
    if written.len() > 4096 || written.chars().any(char::is_control) {
        return Err("it is too long or holds control characters");
    }
    let parts: Vec<&str> = written
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.contains(&"..") {
        return Err("it leaves the repository");
    }
    Ok(parts.join("/"))
}
