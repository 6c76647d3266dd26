//! Argo CD's `Application`, read as it is.

use super::fields::Place;
use super::{
    DefinedSource, Destination, DestinationCluster, DirectoryOptions, HelmOptions, HelmParameter,
    IgnoreDifference, KustomizeImage, KustomizeOptions, repo_path,
};
use lockstep_types::application::{Dialect, SyncPolicy};
use lockstep_types::revision::TargetRevision;

pub(super) const API_GROUP: &str = "argoproj.io";
pub(super) const KIND: &str = "Application";
/// Where Argo CD lives unless told otherwise.
pub(super) const DEFAULT_NAMESPACE: &str = "argocd";

const HOME_SERVER: &str = "https://kubernetes.default.svc";
const HOME_NAME: &str = "in-cluster";

const OTHER_CONTROLLER: &str = "it is for Argo CD's own controller";
const EDIT: &str = "Correct the definition in Git.";

/// What `spec` says.
pub(super) struct Spec {
    pub project: String,
    pub source: DefinedSource,
    pub destination: Destination,
    pub policy: SyncPolicy,
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
        "sources",
        "Give the application one `source`; several sources are not supported yet.",
    );
    spec.unsupported(
        "sourceHydrator",
        "Point `source` at the hydrated branch instead.",
    );
    spec.ignore("info", "it is only shown by Argo CD");
    spec.ignore("revisionHistoryLimit", "Lockstep keeps the whole history");
    let project = match spec.text("project") {
        project if project.is_empty() => "default".to_owned(),
        project => project,
    };
    let source = if spec.has("sources") && !spec.has("source") {
        empty_source()
    } else {
        if !spec.has("source") && spec.is_there() {
            spec.problem("source", "it is missing", "Add it to the definition.");
        }
        source(&spec.at("source"))
    };
    let destination = destination(&spec.at("destination"), spec.is_there());
    let policy = policy(&spec.at("syncPolicy"));
    let ignore_differences = spec
        .list("ignoreDifferences")
        .into_iter()
        .map(ignore_difference)
        .collect();
    spec.done();
    Spec {
        project,
        source,
        destination,
        policy,
        ignore_differences,
    }
}

fn empty_source() -> DefinedSource {
    DefinedSource {
        dialect: Dialect::ArgoApplication,
        ..DefinedSource::default()
    }
}

fn source(place: &Place<'_>) -> DefinedSource {
    if !place.is_there() {
        return empty_source();
    }
    let repo_url = place.required("repoURL");
    place.unsupported(
        "chart",
        "Charts from Helm repositories are not supported yet; put the chart into Git.",
    );
    place.unsupported("plugin", "Use a plain directory, Kustomize or Helm.");
    place.ignore_all(&["ref", "name"], "it matters only among several sources");
    place.ignore("tagPrefix", "version ranges are not supported yet");
    let path = match repo_path(&place.text("path")) {
        Ok(path) => path,
        Err(why) => {
            place.problem("path", why, EDIT);
            String::new()
        }
    };
    let target_revision = TargetRevision(place.text("targetRevision"));
    let helm = place.has("helm").then(|| helm(place.at("helm")));
    let kustomize = place
        .has("kustomize")
        .then(|| kustomize(place.at("kustomize")));
    let directory = place
        .has("directory")
        .then(|| directory(place.at("directory")));
    let given = [helm.is_some(), kustomize.is_some(), directory.is_some()]
        .into_iter()
        .filter(|given| *given)
        .count();
    if given > 1 {
        place.problem(
            "helm",
            "helm, kustomize and directory exclude each other",
            "Keep only one of them.",
        );
    }
    // `helm`, `kustomize` and `directory` were read above; what is left is unknown.
    place.done();
    DefinedSource {
        repo_url,
        path,
        target_revision,
        dialect: Dialect::ArgoApplication,
        helm,
        kustomize,
        directory,
        ..DefinedSource::default()
    }
}

fn helm(place: Place<'_>) -> HelmOptions {
    let parameters = place
        .list("parameters")
        .into_iter()
        .map(|parameter| {
            let read = HelmParameter {
                name: parameter.required("name"),
                value: parameter.text("value"),
                force_string: parameter.flag("forceString").unwrap_or(false),
            };
            parameter.done();
            read
        })
        .collect();
    let file_parameters = place
        .list("fileParameters")
        .into_iter()
        .map(|parameter| {
            let read = (parameter.required("name"), parameter.required("path"));
            parameter.done();
            read
        })
        .collect();
    // `valuesObject` wins over `values`. JSON is YAML.
    let written = place.text("values");
    let values = place
        .value("valuesObject")
        .map_or(written, |object| object.to_string());
    place.ignore("version", "Lockstep brings its own Helm");
    place.ignore("passCredentials", "charts are never fetched from elsewhere");
    place.ignore("skipTests", "tests are never applied");
    let options = HelmOptions {
        release_name: place.text("releaseName"),
        namespace: place.text("namespace"),
        values_from: Vec::new(),
        value_files: place.texts("valueFiles"),
        ignore_missing_value_files: place.flag("ignoreMissingValueFiles").unwrap_or(false),
        values,
        parameters,
        file_parameters,
        skip_crds: place.flag("skipCrds").unwrap_or(false),
        skip_schema_validation: place.flag("skipSchemaValidation").unwrap_or(false),
        kube_version: place.text("kubeVersion"),
        api_versions: place.texts("apiVersions"),
    };
    place.done();
    options
}

fn kustomize(place: Place<'_>) -> KustomizeOptions {
    let images = place
        .texts("images")
        .iter()
        .map(|image| argo_image(image))
        .collect();
    let replicas = place
        .list("replicas")
        .into_iter()
        .map(|replica| {
            let read = (
                replica.required("name"),
                replica.number("count").unwrap_or(0),
            );
            replica.done();
            read
        })
        .collect();
    place.unsupported("commonAnnotationsEnvsubst", "Write the annotations out.");
    place.ignore("version", "Lockstep brings its own Kustomize");
    place.ignore_all(
        &["kubeVersion", "apiVersions"],
        "charts inside kustomizations are not rendered",
    );
    place.ignore_all(
        &["forceCommonLabels", "forceCommonAnnotations"],
        "labels and annotations always win here",
    );
    place.ignore(
        "ignoreMissingComponents",
        "a missing component is always an error here",
    );
    let options = KustomizeOptions {
        namespace: place.text("namespace"),
        name_prefix: place.text("namePrefix"),
        name_suffix: place.text("nameSuffix"),
        images,
        replicas,
        common_labels: place.text_map("commonLabels"),
        common_annotations: place.text_map("commonAnnotations"),
        label_without_selector: place.flag("labelWithoutSelector").unwrap_or(false),
        label_include_templates: place.flag("labelIncludeTemplates").unwrap_or(false),
        components: place.texts("components"),
        patches: place.values("patches"),
    };
    place.done();
    options
}

/// `[old=]name[:tag][@digest]`.
fn argo_image(text: &str) -> KustomizeImage {
    let (name, image) = match text.split_once('=') {
        Some((name, image)) => (Some(name.to_owned()), image),
        None => (None, text),
    };
    let (image, digest) = image.split_once('@').unwrap_or((image, ""));
    // A colon before a slash is a port.
    let (image, tag) = match image.rsplit_once(':') {
        Some((image, tag)) if !tag.contains('/') => (image, tag),
        _ => (image, ""),
    };
    KustomizeImage {
        new_name: if name.is_some() {
            image.to_owned()
        } else {
            String::new()
        },
        name: name.unwrap_or_else(|| image.to_owned()),
        new_tag: tag.to_owned(),
        digest: digest.to_owned(),
    }
}

fn directory(place: Place<'_>) -> DirectoryOptions {
    let jsonnet = place.at("jsonnet");
    for name in ["extVars", "tlas", "libs"] {
        jsonnet.unsupported(
            name,
            "Render the Jsonnet files and put the result into Git.",
        );
    }
    jsonnet.done();
    place.unsupported(
        "disableExtensionFilter",
        "Give manifests the ending .yaml, .yml or .json.",
    );
    let options = DirectoryOptions {
        recurse: place.flag("recurse").unwrap_or(false),
        include: place.text("include"),
        exclude: place.text("exclude"),
    };
    place.done();
    options
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
    Destination { cluster, namespace }
}

fn policy(place: &Place<'_>) -> SyncPolicy {
    let automated = place.at("automated");
    // `automated: {}` and `enabled: null` both mean on.
    let on = automated.is_there() && automated.flag("enabled").unwrap_or(true);
    let mut policy = SyncPolicy {
        automated: on,
        prune: automated.flag("prune").unwrap_or(false),
        self_heal: automated.flag("selfHeal").unwrap_or(false),
        allow_empty: automated.flag("allowEmpty").unwrap_or(false),
        create_namespace: false,
        suspend: false,
    };
    automated.done();
    for (index, option) in place.texts("syncOptions").into_iter().enumerate() {
        let name = format!("syncOptions[{index}]");
        match option
            .split_once('=')
            .map(|(key, value)| (key.trim(), value.trim()))
        {
            Some(("CreateNamespace", value)) => {
                policy.create_namespace = value.eq_ignore_ascii_case("true")
            }
            Some(("ServerSideApply" | "ApplyOutOfSyncOnly" | "PruneLast", "true")) => {}
            Some((key, _)) => place.note(&name, &format!("{key} is not acted on yet")),
            None => place.problem(&name, "it must have the form Key=value", EDIT),
        }
    }
    place.ignore("retry", "Lockstep retries with a backoff of its own");
    place.ignore(
        "managedNamespaceMetadata",
        "labels of created namespaces are not set yet",
    );
    place.done();
    policy
}

fn ignore_difference(place: Place<'_>) -> IgnoreDifference {
    let rule = IgnoreDifference {
        group: place.text("group"),
        kind: place.required("kind"),
        name: place.text("name"),
        namespace: place.text("namespace"),
        json_pointers: place.texts("jsonPointers"),
        jq_paths: Vec::new(),
        managers: place.texts("managedFieldsManagers"),
    };
    place.ignore(
        "jqPathExpressions",
        "jq expressions are not evaluated yet; use jsonPointers",
    );
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
