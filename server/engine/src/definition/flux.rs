//! Flux's `Kustomization` with the `GitRepository` it reads from, read as they are.

pub(super) mod duration;
mod resolve;

pub(super) use resolve::{Sources, read_document};

use super::Wish;
use super::argument::{check_address, check_revision};
use super::collect::Ours;
use super::fields::Place;
use super::includes::{self, Included};
use super::signers::{self, PublicKeys, Verification};
use super::{
    DefinedSource, Dependency, Destination, DestinationCluster, HealthCheck, IgnoreDifference,
    KustomizeImage, KustomizeOptions, SourceKind, Substitution, SyncOptions, ValuesReference,
    repo_path,
};
use lockstep_types::application::{Dialect, SyncPolicy};
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::TargetRevision;

pub(super) const KUSTOMIZE_GROUP: &str = "kustomize.toolkit.fluxcd.io";
pub(super) const SOURCE_GROUP: &str = "source.toolkit.fluxcd.io";
/// Where Flux lives unless told otherwise.
pub(super) const DEFAULT_NAMESPACE: &str = "flux-system";

const TIMING: &str = "Lockstep follows changes by itself";

/// What a `GitRepository` says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Repository {
    pub kind: SourceKind,
    pub url: String,
    pub target_revision: TargetRevision,
    /// Folder that paths count from.
    pub folder: String,
    pub suspend: bool,
    /// Rules for files that are left out.
    pub excluded: String,
    /// Beginnings of paths of which one a file must have; empty: every file is there.
    pub only: Vec<String>,
    pub verify: Option<Verification>,
    pub include: Vec<Included>,
}

/// Reads everything but `metadata` of a `GitRepository`.
pub(super) fn repository(document: &Place<'_>, of: &Ours, keys: &PublicKeys) -> Repository {
    document.ignore("status", "it is Flux's own");
    let spec = document.at("spec");
    let url = spec.required("url");
    check_address(&spec, "url", &url);
    let reference = spec.at("ref");
    // The order in which Flux takes them. A branch wins over a tag of the same name anyway.
    let (commit, name) = (reference.text("commit"), reference.text("name"));
    let (tag, branch) = (reference.text("tag"), reference.text("branch"));
    let range = reference.text("semver");
    for (field, text) in [
        ("commit", &commit),
        ("name", &name),
        ("tag", &tag),
        ("branch", &branch),
        ("semver", &range),
    ] {
        check_revision(&reference, field, text);
    }
    let revision = if !commit.is_empty() {
        commit
    } else if !name.is_empty() {
        name
    } else if !range.is_empty() {
        format!("semver:{range}")
    } else if !tag.is_empty() {
        format!("refs/tags/{tag}")
    } else if branch.is_empty() {
        "master".to_owned()
    } else {
        branch
    };
    reference.done();
    let asked_by = format!(
        "GitRepository {}/{} ({}:{})",
        of.namespace, of.name, of.path, of.line
    );
    let follows_tag = ["refs/tags/", "semver:"]
        .iter()
        .any(|start| revision.starts_with(start));
    let verify = spec.at("verify");
    let verify = signers::of_repository(&verify, asked_by, &of.namespace, keys, follows_tag);
    let include = includes::read(&spec);
    spec.ignore_all(&["interval", "timeout"], TIMING);
    spec.ignore_all(
        &[
            "secretRef",
            "provider",
            "serviceAccountName",
            "proxySecretRef",
        ],
        "credentials are those of the source in Lockstep",
    );
    let excluded = spec.text("ignore");
    let only = sparse(&spec);
    spec.ignore(
        "recurseSubmodules",
        "submodules are not fetched; one in the path is an error",
    );
    let suspend = spec.flag("suspend").unwrap_or(false);
    spec.done();
    Repository {
        kind: SourceKind::Git,
        url,
        target_revision: TargetRevision(revision),
        folder: String::new(),
        suspend,
        excluded,
        only,
        verify,
        include,
    }
}

/// `sparseCheckout`: as in Flux a file is there when its path begins with one of them, letter by letter.
fn sparse(spec: &Place<'_>) -> Vec<String> {
    let mut only = Vec::new();
    for (index, written) in spec.texts("sparseCheckout").iter().enumerate() {
        match repo_path(written) {
            // The whole repository.
            Ok(path) if path.is_empty() => return Vec::new(),
            Ok(path) => only.push(path),
            Err(why) => {
                let field = format!("sparseCheckout[{index}]");
                spec.problem(&field, why, "Name a folder of the repository.");
            }
        }
    }
    only
}

/// Which source a definition names: kind, namespace, name. The namespace may be empty.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SourceRef {
    pub kind: String,
    pub namespace: String,
    pub name: String,
}

/// What a `Kustomization` says.
pub(super) struct Spec {
    /// `None` when the document leaves it to a patch of its parent.
    pub source_ref: Option<SourceRef>,
    /// Repository and revision are filled in by whoever knows the source.
    pub source: DefinedSource,
    pub destination: Destination,
    pub policy: SyncPolicy,
    pub sync_options: SyncOptions,
    pub depends_on: Vec<Dependency>,
    pub health_checks: Vec<HealthCheck>,
    pub service_account: String,
    pub ignore_differences: Vec<IgnoreDifference>,
}

/// Reads everything but `metadata` of a `Kustomization` in `namespace`.
pub(super) fn read(document: &Place<'_>, namespace: &str) -> Spec {
    document.ignore("status", "it is Flux's own");
    let spec = document.at("spec");
    let path = match repo_path(&spec.text("path")) {
        Ok(path) => path,
        Err(why) => {
            spec.problem("path", why, "Correct the definition in Git.");
            String::new()
        }
    };
    let source_ref = spec.has("sourceRef").then(|| {
        let place = spec.at("sourceRef");
        let read = SourceRef {
            kind: place.required("kind"),
            namespace: place.text("namespace"),
            name: place.required("name"),
        };
        place.ignore("apiVersion", "the kind says enough");
        place.done();
        read
    });
    spec.unsupported("kubeConfig", "Register the cluster in Lockstep and put the definition into a source of its own for that cluster.");
    let substitute = substitution(&spec, namespace);
    spec.ignore(
        "decryption",
        "secrets are not decrypted yet; encrypted objects are neither applied nor compared",
    );
    spec.ignore_all(&["interval", "retryInterval"], TIMING);
    let prune = spec.flag("prune").unwrap_or(false);
    let sync_options = SyncOptions {
        delete: deletion(&spec, prune),
        wait: spec.flag("wait").unwrap_or(false),
        force: spec.flag("force").unwrap_or(false),
        timeout_seconds: timeout(&spec),
        ..SyncOptions::default()
    };
    let depends_on = dependencies(&spec, namespace);
    let mut health_checks = checked_objects(&spec);
    health_checks.extend(check_expressions(&spec));
    not_acted_on(&spec);
    let service_account = account(&spec, namespace);
    let ignore_differences = ignored(&spec, "ignore");
    spec.ignore("buildMetadata", "origins are always known here");
    let target_namespace = spec.text("targetNamespace");
    let kustomize = kustomize(&spec, &target_namespace);
    let policy = SyncPolicy {
        automated: true,
        prune,
        self_heal: true,
        allow_empty: false,
        create_namespace: false,
        suspend: spec.flag("suspend").unwrap_or(false),
    };
    spec.done();
    Spec {
        source_ref,
        source: DefinedSource {
            path,
            dialect: Dialect::FluxKustomization,
            kustomize: Some(kustomize),
            substitute,
            ..DefinedSource::default()
        },
        destination: Destination {
            cluster: DestinationCluster::Home,
            namespace: target_namespace,
            assigns: false,
        },
        policy,
        sync_options,
        depends_on,
        health_checks,
        service_account,
        ignore_differences,
    }
}

/// Says of fields that are kept and have no effect yet that they have none.
fn not_acted_on(spec: &Place<'_>) {
    if spec.has("timeout") {
        spec.note("timeout", "syncs have limits of their own");
    }
}

/// Whether objects go when a person has the Kustomization removed. Without a word they are treated as `prune` treats
/// them; where Flux would leave them for that reason alone, a person is asked.
/// (fluxcd.io, Kustomization: deletion policy.)
fn deletion(spec: &Place<'_>, prune: bool) -> Wish {
    match spec.text("deletionPolicy").as_str() {
        "Orphan" => Wish::Never,
        "Delete" | "WaitForTermination" => Wish::Allowed,
        "" | "MirrorPrune" if prune => Wish::Allowed,
        "" | "MirrorPrune" => Wish::Confirm,
        other => {
            let message = format!(
                "{other} is no deletion policy; MirrorPrune, Delete, WaitForTermination and Orphan are. A person is asked"
            );
            spec.note("deletionPolicy", &message);
            Wish::Confirm
        }
    }
}

/// More than a year is a slip of the pen.
const LONGEST_SECONDS: u32 = 366 * 24 * 60 * 60;

/// `timeout` in seconds; 0 when there is none.
pub(super) fn timeout(spec: &Place<'_>) -> u32 {
    let written = spec.text("timeout");
    if written.is_empty() {
        return 0;
    }
    duration::seconds(&written)
        .filter(|seconds| (1..=LONGEST_SECONDS).contains(seconds))
        .unwrap_or_else(|| {
            let next = "Write it as in 5m or 1h30m.";
            spec.problem(
                "timeout",
                "it is no span of time between a second and a year",
                next,
            );
            0
        })
}

/// The account to act as, with its namespace.
pub(super) fn account(spec: &Place<'_>, namespace: &str) -> String {
    let name = spec.text("serviceAccountName");
    if name.is_empty() {
        return name;
    }
    format!("{namespace}/{name}")
}

/// `dependsOn`. Names without namespace mean the definition's own.
pub(super) fn dependencies(spec: &Place<'_>, namespace: &str) -> Vec<Dependency> {
    spec.list("dependsOn")
        .into_iter()
        .map(|entry| {
            let read = Dependency {
                name: entry.required("name"),
                namespace: or(entry.text("namespace"), namespace),
                ready_expr: entry.text("readyExpr"),
            };
            entry.done();
            read
        })
        .collect()
}

fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() {
        otherwise.to_owned()
    } else {
        text
    }
}

fn checked_objects(spec: &Place<'_>) -> Vec<HealthCheck> {
    spec.list("healthChecks")
        .into_iter()
        .map(|entry| {
            let version = entry.text("apiVersion");
            let key = ResourceKey::new(
                crate::manifest::group_of(&version),
                entry.required("kind"),
                entry.text("namespace"),
                entry.required("name"),
            );
            entry.done();
            HealthCheck::Object(key)
        })
        .collect()
}

/// `healthCheckExprs`.
pub(super) fn check_expressions(spec: &Place<'_>) -> Vec<HealthCheck> {
    spec.list("healthCheckExprs")
        .into_iter()
        .map(|entry| {
            let read = HealthCheck::Expressions {
                api_version: entry.required("apiVersion"),
                kind: entry.required("kind"),
                current: entry.required("current"),
                failed: entry.text("failed"),
                in_progress: entry.text("inProgress"),
                line: entry.line(),
            };
            entry.done();
            read
        })
        .collect()
}

/// Lists of `{paths, target}`: fields whose differences do not count.
pub(super) fn ignored(spec: &Place<'_>, name: &str) -> Vec<IgnoreDifference> {
    spec.list(name)
        .into_iter()
        .map(|entry| {
            let json_pointers = entry.texts("paths");
            let target = entry.at("target");
            for selector in ["labelSelector", "annotationSelector"] {
                target.unsupported(selector, "Name the kind and the object instead.");
            }
            target.ignore("version", "all versions of a kind are one here");
            let of = |field: &str| {
                let text = target.text(field);
                // Flux takes patterns; only plain names mean the same here.
                if text.contains(['*', '+', '?', '[', '(', '|', '^', '$', '\\']) {
                    target.problem(
                        field,
                        "it is a pattern, which is not supported yet",
                        "Write one entry for each name.",
                    );
                }
                text
            };
            let read = IgnoreDifference {
                group: of("group"),
                kind: of("kind"),
                name: of("name"),
                namespace: of("namespace"),
                json_pointers,
                ..IgnoreDifference::default()
            };
            target.done();
            entry.done();
            read
        })
        .collect()
}

fn substitution(spec: &Place<'_>, namespace: &str) -> Option<Substitution> {
    if !spec.has("postBuild") {
        return None;
    }
    let place = spec.at("postBuild");
    let variables = place.text_map("substitute");
    for name in variables.keys() {
        if !is_variable(name) {
            let field = format!("substitute[{name}]");
            let next = "Use letters, digits and underscores only.";
            place.problem(&field, "it is no name of a variable", next);
        }
    }
    let from = place
        .list("substituteFrom")
        .into_iter()
        .map(|entry| {
            let read = ValuesReference {
                kind: entry.required("kind"),
                namespace: namespace.to_owned(),
                name: entry.required("name"),
                optional: entry.flag("optional").unwrap_or(false),
                ..ValuesReference::default()
            };
            entry.done();
            read
        })
        .collect();
    place.ignore(
        "substituteStrategy",
        "a variable without value and default is always an error here",
    );
    place.done();
    Some(Substitution { variables, from })
}

/// Whether Flux takes it as the name of a variable.
pub(super) fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn kustomize(spec: &Place<'_>, target_namespace: &str) -> KustomizeOptions {
    let images = images(spec);
    let common = spec.at("commonMetadata");
    let options = KustomizeOptions {
        namespace: target_namespace.to_owned(),
        name_prefix: spec.text("namePrefix"),
        name_suffix: spec.text("nameSuffix"),
        images,
        replicas: Vec::new(),
        common_labels: common.text_map("labels"),
        common_annotations: common.text_map("annotations"),
        annotations_are_filled: false,
        // Common metadata never reaches selectors or templates.
        label_without_selector: true,
        label_include_templates: false,
        components: spec.texts("components"),
        ignore_missing_components: spec.flag("ignoreMissingComponents").unwrap_or(false),
        patches: spec.values("patches"),
    };
    common.done();
    options
}

/// Entries of `images`, as Kustomize has them.
pub(super) fn images(place: &Place<'_>) -> Vec<KustomizeImage> {
    place
        .list("images")
        .into_iter()
        .map(|image| {
            let read = KustomizeImage {
                name: image.required("name"),
                new_name: image.text("newName"),
                new_tag: image.text("newTag"),
                digest: image.text("digest"),
            };
            image.done();
            read
        })
        .collect()
}
