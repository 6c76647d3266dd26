//! Argo CD's `Application`, read as it is.

mod policy;
mod source;

use super::fields::Place;
use super::{DefinedSource, Destination, DestinationCluster, IgnoreDifference, SyncOptions};
use crate::jq::Places;
use lockstep_types::application::SyncPolicy;
use std::collections::BTreeMap;

pub(super) const API_GROUP: &str = "argoproj.io";
pub(super) const KIND: &str = "Application";
/// Where Argo CD lives unless told otherwise.
pub(super) const DEFAULT_NAMESPACE: &str = "argocd";

const HOME_SERVER: &str = "https://kubernetes.default.svc";
const HOME_NAME: &str = "in-cluster";

const OTHER_CONTROLLER: &str = "it is for Argo CD's own controller";
const EDIT: &str = "Correct the definition in Git.";

const ANNOTATIONS: &str = "argocd.argoproj.io/";

/// What annotations of an application ask for.
pub(super) fn annotations(
    document: &Place<'_>,
    annotations: &BTreeMap<String, String>,
    spec: &mut Spec,
) {
    for (name, value) in annotations {
        let why = match name.strip_prefix(ANNOTATIONS) {
            Some("skip-reconcile") => {
                // As Go's ParseBool reads it.
                match value.as_str() {
                    "1" | "t" | "T" | "true" | "TRUE" | "True" => spec.policy.suspend = true,
                    "0" | "f" | "F" | "false" | "FALSE" | "False" => {}
                    _ => document.note(
                        &format!("metadata.annotations[{name}]"),
                        "its value is neither true nor false, and does not count",
                    ),
                }
                continue;
            }
            Some("manifest-generate-paths") => {
                "which commits matter is known from the files that are read"
            }
            Some("refresh") => "Lockstep follows changes by itself",
            Some("compare-options") => "every difference is judged by the rules of its field",
            _ => continue,
        };
        document.note(&format!("metadata.annotations[{name}]"), why);
    }
}

/// Reads one source by itself.
pub(super) fn read_source(place: &Place<'_>) -> DefinedSource {
    source::one(place)
}

/// What `spec` says.
pub(super) struct Spec {
    pub project: String,
    pub source: DefinedSource,
    pub more_sources: Vec<DefinedSource>,
    pub destination: Destination,
    pub policy: SyncPolicy,
    pub options: SyncOptions,
    pub ignore_differences: Vec<IgnoreDifference>,
}

/// Reads everything but `metadata` of a document.
pub(super) fn read(document: &Place<'_>) -> Spec {
    document.ignore_all(&["operation", "status"], OTHER_CONTROLLER);
    let spec = document.at("spec");
    if !spec.is_there() {
        document.problem("spec", "it is missing", "Add it to the definition.");
    }
    spec.unsupported(
        "sourceHydrator",
        "Point `source` at the hydrated branch instead.",
    );
    if spec.has("info") {
        spec.note("info", "the manifest shows it, and nothing depends on it");
    }
    for info in spec.list("info") {
        info.required("name");
        info.text("value");
        info.done();
    }
    spec.ignore("revisionHistoryLimit", "Lockstep keeps the whole history");
    let project = match spec.text("project") {
        project if project.is_empty() => "default".to_owned(),
        project => project,
    };
    let (source, more_sources) = source::sources(&spec);
    let destination = destination(&spec.at("destination"), spec.is_there());
    let (policy, options) = policy::read(&spec.at("syncPolicy"));
    let ignore_differences = spec
        .list("ignoreDifferences")
        .into_iter()
        .map(ignore_difference)
        .collect();
    spec.done();
    Spec {
        project,
        source,
        more_sources,
        destination,
        policy,
        options,
        ignore_differences,
    }
}

fn destination(place: &Place<'_>, expected: bool) -> Destination {
    let (server, name, namespace) = (
        place.text("server"),
        place.text("name"),
        place.text("namespace"),
    );
    let cluster = match (server.trim_end_matches('/'), name.as_str()) {
        ("", "") => {
            if expected {
                place.problem(
                    "server",
                    "neither server nor name says which cluster is meant",
                    "Name the cluster.",
                );
            }
            DestinationCluster::Home
        }
        (HOME_SERVER, "") | ("", HOME_NAME) => DestinationCluster::Home,
        ("", name) => DestinationCluster::Name(name.to_owned()),
        (server, "") => DestinationCluster::Server(server.to_owned()),
        _ => {
            place.problem(
                "name",
                "server and name are both given",
                "Keep one of the two.",
            );
            DestinationCluster::Home
        }
    };
    place.done();
    Destination {
        cluster,
        namespace,
        assigns: false,
    }
}

fn ignore_difference(place: Place<'_>) -> IgnoreDifference {
    let rule = IgnoreDifference {
        group: place.text("group"),
        kind: place.required("kind"),
        name: place.text("name"),
        namespace: place.text("namespace"),
        json_pointers: place.texts("jsonPointers"),
        jq_paths: place.texts("jqPathExpressions"),
        managers: place.texts("managedFieldsManagers"),
    };
    for (index, written) in rule.jq_paths.iter().enumerate() {
        if let Err(why) = Places::parse(written) {
            let field = format!("jqPathExpressions[{index}]");
            place.note(
                &field,
                &format!("it has no effect: {why}; use jsonPointers"),
            );
        }
    }
    if rule.json_pointers.is_empty() && rule.jq_paths.is_empty() && rule.managers.is_empty() {
        place.note("jsonPointers", "the rule names no fields and has no effect");
    }
    place.done();
    rule
}

/// Reads `metadata` except for the names.
pub(super) fn ignore_metadata(metadata: &Place<'_>) {
    metadata.ignore(
        "finalizers",
        "removing a definition never removes objects by itself",
    );
    metadata.ignore_all(
        &[
            "creationTimestamp",
            "generation",
            "managedFields",
            "ownerReferences",
            "resourceVersion",
            "uid",
        ],
        "it is set by a server, not by Git",
    );
}
