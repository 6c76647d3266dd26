//! Fleet's documents: `GitRepo`, and the `ClusterGroup`s and `Cluster`s that some keep in Git.

use super::super::argument::{check_address, check_revision};
use super::super::collect::read_frame;
use super::super::fields::{FieldProblem, Place, Report};
use super::super::repo_path;
use super::placement::{ClusterGroup, DeclaredCluster};
use super::selector::{ClusterMatch, LabelSelector};
use crate::yaml::Node;
use lockstep_types::revision::TargetRevision;
use serde_json::Value;
use std::collections::BTreeMap;

/// The branch of a `GitRepo` that names none.
const DEFAULT_BRANCH: &str = "master";
const NOT_NEEDED: &str = "credentials are kept in Lockstep, per address";

/// What a `GitRepo` says.
#[derive(Debug, Clone, Default)]
pub(super) struct Repository {
    pub url: String,
    pub target_revision: TargetRevision,
    /// In normal form; never empty.
    pub paths: Vec<String>,
    pub targets: Vec<ClusterMatch>,
    pub target_namespace: String,
    pub service_account: String,
    pub paused: bool,
    pub correct_drift: Option<bool>,
    /// Objects of all its bundles outlive them.
    pub keep_resources: Option<bool>,
    pub labels: BTreeMap<String, String>,
    pub ignored: Vec<(String, String)>,
}

/// Reads a `GitRepo`.
pub(super) fn repository(node: &Node) -> (Repository, Vec<FieldProblem>) {
    let report = Report::default();
    let document = Place::root(&report, node);
    let (labels, _) = read_frame(&document);
    document.ignore("status", "it is Fleet's own");
    let spec = document.at("spec");
    let (branch, revision) = (spec.text("branch"), spec.text("revision"));
    check_revision(&spec, "branch", &branch);
    check_revision(&spec, "revision", &revision);
    let asked = [revision, branch, DEFAULT_BRANCH.to_owned()];
    let mut paths = Vec::new();
    for (index, written) in spec.texts("paths").iter().enumerate() {
        match repo_path(written) {
            Ok(path) => paths.push(path),
            Err(why) => spec.problem(
                &format!("paths[{index}]"),
                why,
                "Name a folder of the repository.",
            ),
        }
    }
    for bundle in spec.list("bundles") {
        if let Ok(path) = repo_path(&bundle.required("base")) {
            paths.push(path);
        }
        bundle.unsupported(
            "options",
            "Name the file fleet.yaml and leave the options out.",
        );
        bundle.done();
    }
    if paths.is_empty() {
        paths.push(String::new());
    }
    let url = spec.required("repo");
    check_address(&spec, "repo", &url);
    let read = Repository {
        url,
        target_revision: TargetRevision(
            asked
                .into_iter()
                .find(|name| !name.is_empty())
                .unwrap_or_default(),
        ),
        paths,
        targets: spec
            .list("targets")
            .iter()
            .map(|place| {
                let target = ClusterMatch::read(place);
                place.done();
                target
            })
            .collect(),
        target_namespace: spec.text("targetNamespace"),
        service_account: spec.text("serviceAccount"),
        paused: spec.flag("paused").unwrap_or(false),
        correct_drift: correct_drift(&spec),
        keep_resources: spec.flag("keepResources"),
        labels,
        ignored: Vec::new(),
    };
    spec.ignore_all(
        &[
            "clientSecretName",
            "helmSecretName",
            "helmSecretNameForPaths",
            "helmRepoURLRegex",
            "caBundle",
            "insecureSkipTLSVerify",
            "webhookSecret",
        ],
        NOT_NEEDED,
    );
    spec.ignore_all(
        &["pollingInterval", "disablePolling", "forceSyncGeneration"],
        "Lockstep follows changes by itself",
    );
    spec.ignore_all(
        &["deleteNamespace"],
        "what leaves Git stays in the cluster until somebody deletes it",
    );
    spec.ignore_all(
        &["imageScanInterval", "imageScanCommit"],
        "images are not written to Git",
    );
    spec.ignore("ociRegistry", "bundles are not kept in a registry");
    spec.done();
    document.done();
    let (problems, ignored) = report.into_parts();
    (Repository { ignored, ..read }, problems)
}

/// `correctDrift`; its finer points have no meaning without a Helm release.
pub(super) fn correct_drift(place: &Place<'_>) -> Option<bool> {
    let drift = place.at("correctDrift");
    if !drift.is_there() {
        return None;
    }
    let enabled = drift.flag("enabled").unwrap_or(false);
    drift.ignore_all(
        &["force", "keepFailHistory"],
        "no release is kept in the cluster: Lockstep applies the objects itself",
    );
    drift.done();
    Some(enabled)
}

/// Reads a `ClusterGroup`.
pub(super) fn group(node: &Node, name: &str) -> (ClusterGroup, Vec<FieldProblem>) {
    let report = Report::default();
    let document = Place::root(&report, node);
    let (labels, _) = read_frame(&document);
    document.ignore("status", "it is Fleet's own");
    let spec = document.at("spec");
    let group = ClusterGroup {
        name: name.to_owned(),
        labels,
        selector: LabelSelector::read(&spec, "selector"),
    };
    spec.done();
    (group, report.into_parts().0)
}

/// Reads a `Cluster`, as far as it says something about placement.
pub(super) fn cluster(
    node: &Node,
    namespace: &str,
    name: &str,
) -> (DeclaredCluster, Vec<FieldProblem>) {
    let report = Report::default();
    let document = Place::root(&report, node);
    let (labels, annotations) = read_frame(&document);
    let spec = document.at("spec");
    let cluster = DeclaredCluster {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        labels,
        annotations,
        template_values: spec.value("templateValues").unwrap_or(Value::Null),
    };
    (cluster, report.into_parts().0)
}
