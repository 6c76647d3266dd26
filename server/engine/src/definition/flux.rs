//! Flux's `Kustomization` with the `GitRepository` it reads from, read as they are.

use super::fields::Place;
use super::{
    DefinedSource, Destination, DestinationCluster, KustomizeImage, KustomizeOptions, repo_path,
};
use lockstep_types::application::{Dialect, SyncPolicy};
use lockstep_types::revision::TargetRevision;

pub(super) const KUSTOMIZE_GROUP: &str = "kustomize.toolkit.fluxcd.io";
pub(super) const SOURCE_GROUP: &str = "source.toolkit.fluxcd.io";
/// Where Flux lives unless told otherwise.
pub(super) const DEFAULT_NAMESPACE: &str = "flux-system";

const TIMING: &str = "Lockstep follows changes by itself";
const ORDER: &str = "order between applications is not kept yet";
const HEALTH: &str = "Lockstep judges the health of every object";

/// What a `GitRepository` says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Repository {
    pub url: String,
    pub target_revision: TargetRevision,
    pub suspend: bool,
}

/// Reads everything but `metadata` of a `GitRepository`.
pub(super) fn repository(document: &Place<'_>) -> Repository {
    document.ignore("status", "it is Flux's own");
    let spec = document.at("spec");
    let url = spec.required("url");
    let reference = spec.at("ref");
    reference.unsupported("semver", "Name a branch, a tag or a commit.");
    // The order in which Flux takes them. A branch wins over a tag of the same name anyway.
    let (commit, name) = (reference.text("commit"), reference.text("name"));
    let (tag, branch) = (reference.text("tag"), reference.text("branch"));
    let revision = if !commit.is_empty() {
        commit
    } else if !name.is_empty() {
        name
    } else if !tag.is_empty() {
        format!("refs/tags/{tag}")
    } else if branch.is_empty() {
        "master".to_owned()
    } else {
        branch
    };
    reference.done();
    spec.unsupported(
        "verify",
        "Signatures are not verified yet; remove the field only if that is acceptable.",
    );
    spec.unsupported("include", "Put the files into one repository.");
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
    spec.ignore_all(
        &["ignore", "sparseCheckout"],
        "files are taken by path alone",
    );
    spec.ignore(
        "recurseSubmodules",
        "submodules are not fetched; one in the path is an error",
    );
    let suspend = spec.flag("suspend").unwrap_or(false);
    spec.done();
    Repository {
        url,
        target_revision: TargetRevision(revision),
        suspend,
    }
}

/// Which source a `Kustomization` names: kind, namespace, name. The namespace may be empty.
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
}

/// Reads everything but `metadata` of a `Kustomization`.
pub(super) fn read(document: &Place<'_>) -> Spec {
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
    spec.unsupported(
        "postBuild",
        "Variables are not substituted yet; use Kustomize replacements or patches.",
    );
    spec.unsupported(
        "ignore",
        "Fields cannot be left out of the comparison this way yet.",
    );
    spec.ignore(
        "decryption",
        "secrets are not decrypted yet; encrypted objects are neither applied nor compared",
    );
    spec.ignore_all(&["interval", "retryInterval", "timeout"], TIMING);
    spec.ignore_all(&["wait", "healthChecks", "healthCheckExprs"], HEALTH);
    spec.ignore("dependsOn", ORDER);
    spec.ignore(
        "serviceAccountName",
        "Lockstep writes with the cluster's registered credential",
    );
    spec.ignore(
        "force",
        "objects are never deleted in order to change immutable fields",
    );
    spec.ignore(
        "deletionPolicy",
        "removing a definition never removes objects by itself",
    );
    spec.ignore(
        "ignoreMissingComponents",
        "a missing component is always an error here",
    );
    spec.ignore("buildMetadata", "origins are always known here");
    let target_namespace = spec.text("targetNamespace");
    let kustomize = kustomize(&spec, &target_namespace);
    let policy = SyncPolicy {
        automated: true,
        prune: spec.flag("prune").unwrap_or(false),
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
            ..DefinedSource::default()
        },
        destination: Destination {
            cluster: DestinationCluster::Home,
            namespace: target_namespace,
        },
        policy,
    }
}

fn kustomize(spec: &Place<'_>, target_namespace: &str) -> KustomizeOptions {
    let images = spec
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
        .collect();
    let common = spec.at("commonMetadata");
    let options = KustomizeOptions {
        namespace: target_namespace.to_owned(),
        name_prefix: spec.text("namePrefix"),
        name_suffix: spec.text("nameSuffix"),
        images,
        replicas: Vec::new(),
        common_labels: common.text_map("labels"),
        common_annotations: common.text_map("annotations"),
        // Common metadata never reaches selectors or templates.
        label_without_selector: true,
        label_include_templates: false,
        components: spec.texts("components"),
        patches: spec.values("patches"),
    };
    common.done();
    options
}
