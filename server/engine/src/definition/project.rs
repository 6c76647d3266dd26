//! Argo CD's `AppProject`: what its applications may use and where they may go.
//!
//! Pure. The reader is here, the rules are in [`permit`](Project::refuse_source).

mod accounts;
mod orphans;
mod permit;
mod signed;
mod windows;

pub use orphans::{Orphans, given};
pub use permit::{Refused, Rules};
pub use windows::{Asked, Subject, SyncWindow, Verdict, WindowKind};

use super::collect::{Ours, read_frame};
use super::fields::{FieldProblem, Place, Report};
use super::signers::PublicKeys;
use crate::signature::KeyText;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signed::integrity;
use std::collections::BTreeMap;

pub(super) const KIND: &str = "AppProject";
/// The project of every application that names none.
pub const DEFAULT: &str = "default";
/// The annotation by which a project asks for a second person before a rollback.
pub const ROLLBACK_APPROVAL: &str = "lockstep.dev/rollback-approval";

/// A project as Git defines it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Project {
    pub namespace: String,
    pub name: String,
    pub path: String,
    /// 1-based.
    pub line: u32,
    pub description: String,
    /// Globs of repository addresses; one with `!` denies.
    pub source_repos: Vec<String>,
    pub destinations: Vec<ProjectDestination>,
    /// Kinds without namespace: none unless listed.
    pub cluster_allowed: Vec<ProjectKind>,
    pub cluster_denied: Vec<ProjectKind>,
    /// Kinds with a namespace: all unless a list is given.
    pub namespaced_allowed: Option<Vec<ProjectKind>>,
    pub namespaced_denied: Vec<ProjectKind>,
    pub sync_windows: Vec<SyncWindow>,
    /// Roles as written, without tokens.
    pub roles: Vec<Value>,
    /// As whom its applications are written; the first entry that fits counts. Empty: by the cluster's credential.
    #[serde(default)]
    pub accounts: Vec<ProjectAccount>,
    /// Ids of keys that commits must be signed with.
    pub signature_keys: Vec<String>,
    /// Which repositories' commits must be signed with which keys; the first rule that names a repository counts.
    #[serde(default)]
    pub integrity: Vec<Integrity>,
    /// Whether objects that no application declares are looked for where its applications go; `None`: they are not.
    #[serde(default)]
    pub orphans: Option<Orphans>,
    /// Rollbacks of its applications need the yes of a second person.
    #[serde(default)]
    pub four_eyes: bool,
    /// The keys that ids can mean.
    #[serde(default)]
    pub keys: Vec<KeyText>,
    /// Fields that were read and are not acted on, dotted, with why.
    pub ignored_fields: Vec<(String, String)>,
    /// It could not be read whole. Nothing is permitted by it then.
    pub broken: bool,
}

impl Project {
    /// A project that an application names and nobody defines. It permits nothing.
    fn undefined(name: &str) -> Self {
        Self {
            namespace: String::new(),
            name: name.to_owned(),
            path: String::new(),
            line: 0,
            description: String::new(),
            source_repos: Vec::new(),
            destinations: Vec::new(),
            cluster_allowed: Vec::new(),
            cluster_denied: Vec::new(),
            namespaced_allowed: None,
            namespaced_denied: Vec::new(),
            sync_windows: Vec::new(),
            roles: Vec::new(),
            accounts: Vec::new(),
            signature_keys: Vec::new(),
            integrity: Vec::new(),
            orphans: None,
            // Nobody knows what it would ask for.
            four_eyes: true,
            keys: Vec::new(),
            ignored_fields: Vec::new(),
            broken: true,
        }
    }

    /// Whether it stands in a file, instead of only being named by an application.
    pub fn is_defined(&self) -> bool {
        !self.path.is_empty()
    }
}

/// A rule of `sourceIntegrity.git.policies`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Integrity {
    /// Globs of repository addresses.
    pub repos: Vec<String>,
    /// `none`, `head` or `strict`.
    pub mode: String,
    pub keys: Vec<String>,
}

/// Where applications of a project may go. Globs; one with `!` denies. Empty server or name: the other one counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProjectDestination {
    pub server: String,
    pub name: String,
    pub namespace: String,
}

/// An account of the cluster for destinations. Globs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProjectAccount {
    pub server: String,
    /// Empty: for applications that name no namespace.
    pub namespace: String,
    /// `name` in the destination's namespace, or `namespace:name`.
    pub account: String,
}

/// A kind of objects. Globs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProjectKind {
    pub group: String,
    pub kind: String,
    /// Of the object; empty: any. Only for kinds without namespace.
    pub name: String,
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;

/// The project with what is wrong in it.
pub(super) fn read(document: &Ours, keys: &PublicKeys) -> (Project, Vec<FieldProblem>) {
    let report = Report::default();
    let place = Place::root(&report, &document.node);
    let (_, annotations) = read_frame(&place);
    place.ignore("status", "it is for Argo CD's own controller");
    let spec = place.at("spec");
    if !spec.is_there() {
        place.problem("spec", "it is missing", "Add it to the definition.");
    }
    let mut project = Project {
        namespace: document.namespace.clone(),
        name: document.name.clone(),
        path: document.path.clone(),
        line: document.line,
        description: spec.text("description"),
        source_repos: spec.texts("sourceRepos"),
        destinations: spec.list("destinations").iter().map(destination).collect(),
        cluster_allowed: kinds(&spec, "clusterResourceWhitelist"),
        cluster_denied: kinds(&spec, "clusterResourceBlacklist"),
        namespaced_allowed: spec
            .has("namespaceResourceWhitelist")
            .then(|| kinds(&spec, "namespaceResourceWhitelist")),
        namespaced_denied: kinds(&spec, "namespaceResourceBlacklist"),
        sync_windows: spec
            .list("syncWindows")
            .iter()
            .filter_map(windows::read)
            .collect(),
        roles: roles(&spec),
        accounts: accounts::read(&spec),
        signature_keys: spec
            .list("signatureKeys")
            .iter()
            .map(|key| {
                let id = key.required("keyID");
                key.done();
                id
            })
            .collect(),
        integrity: integrity(&spec),
        orphans: orphans::read(&spec),
        four_eyes: second_person(&place, &annotations),
        keys: Vec::new(),
        ignored_fields: Vec::new(),
        broken: false,
    };
    project.find_keys(&spec, keys);
    notes(&spec);
    spec.done();
    place.done();
    let (problems, ignored_fields) = report.into_parts();
    project.broken = !problems.is_empty();
    project.ignored_fields = ignored_fields;
    (project, problems)
}

/// Whether rollbacks need a second person; a word that is not understood is a problem, so that nobody is let through by a
/// slip of the pen.
fn second_person(place: &Place<'_>, annotations: &BTreeMap<String, String>) -> bool {
    match annotations.get(ROLLBACK_APPROVAL).map(String::as_str) {
        None | Some("none") => false,
        Some("second-person") => true,
        Some(other) => {
            let message = format!("“{other}” is neither second-person nor none");
            let field = format!("metadata.annotations[{ROLLBACK_APPROVAL}]");
            place.problem(&field, &message, "Write one of them.");
            true
        }
    }
}

fn notes(spec: &Place<'_>) {
    if spec.has("roles") {
        spec.note("roles", "they count where this source holds the policy");
    }
    spec.ignore(
        "sourceNamespaces",
        "definitions are read from Git, whatever namespace they name",
    );
    spec.ignore(
        "permitOnlyProjectScopedClusters",
        "registered clusters belong to no project here; destinations decide",
    );
}

fn destination(entry: &Place<'_>) -> ProjectDestination {
    let destination = ProjectDestination {
        server: entry.text("server"),
        name: entry.text("name"),
        namespace: entry.text("namespace"),
    };
    if destination.server.is_empty() && destination.name.is_empty() {
        let message = "neither server nor name says which cluster is meant";
        entry.problem("server", message, "Name the cluster, or write '*'.");
    }
    entry.done();
    destination
}

fn kinds(spec: &Place<'_>, name: &str) -> Vec<ProjectKind> {
    spec.list(name)
        .iter()
        .map(|entry| {
            let kind = ProjectKind {
                group: entry.text("group"),
                kind: entry.text("kind"),
                name: entry.text("name"),
            };
            entry.done();
            kind
        })
        .collect()
}

/// Tokens are left out: they are nothing to keep.
fn roles(spec: &Place<'_>) -> Vec<Value> {
    spec.list("roles")
        .iter()
        .map(|role| {
            role.ignore("jwtTokens", "tokens are made by Lockstep itself");
            let read = serde_json::json!({
                "name": role.required("name"),
                "description": role.text("description"),
                "policies": role.texts("policies"),
                "groups": role.texts("groups"),
            });
            role.done();
            read
        })
        .collect()
}
