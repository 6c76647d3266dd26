//! Flux's sources of charts: `HelmRepository`, `OCIRepository` and `HelmChart`, read as they are.

use super::argument::{check_address, check_revision};
use super::collect::Ours;
use super::fields::Place;
use super::flux::SourceRef;
use lockstep_types::revision::TargetRevision;
use std::collections::BTreeMap;

pub(super) const HELM_REPOSITORY: &str = "HelmRepository";
pub(super) const OCI_REPOSITORY: &str = "OCIRepository";
pub(super) const HELM_CHART: &str = "HelmChart";

const CREDENTIALS: &str = "credentials are those of the repository in Lockstep";
const TIMING: &str = "Lockstep follows changes by itself";

/// What one of them says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ChartSource {
    /// An index of charts, or a part of a registry that holds charts.
    Repository {
        url: String,
        oci: bool,
    },
    /// One chart in a registry.
    Artifact {
        url: String,
        revision: TargetRevision,
        /// Rules for files that are left out of manifests.
        excluded: String,
    },
    Chart(ChartTemplate),
}

/// One of them with what is not acted on in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoundSource {
    pub source: ChartSource,
    pub ignored: Vec<(String, String)>,
}

/// Which chart of which source.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ChartTemplate {
    /// Name in a Helm repository, path in a Git repository.
    pub chart: String,
    /// Version or range; empty: the newest.
    pub version: String,
    pub source: SourceRef,
    pub value_files: Vec<String>,
    pub ignore_missing_value_files: bool,
}

/// All of them, by kind, namespace and name; what was read twice or is broken is `None`.
pub(super) type ChartSources = BTreeMap<(String, String, String), Option<FoundSource>>;

/// Reads everything but `metadata` of one of the three kinds.
pub(super) fn read(document: &Place<'_>, kind: &str) -> ChartSource {
    document.ignore("status", "it is Flux's own");
    let spec = document.at("spec");
    let read = match kind {
        HELM_CHART => ChartSource::Chart(template(&spec)),
        OCI_REPOSITORY => artifact(&spec),
        _ => {
            let url = spec.required("url");
            check_address(&spec, "url", &url);
            let oci = spec.text("type") == "oci" || url.starts_with("oci://");
            ChartSource::Repository {
                url: plain_http(&spec, url),
                oci,
            }
        }
    };
    spec.ignore_all(&["interval", "timeout", "accessFrom"], TIMING);
    spec.ignore_all(
        &[
            "secretRef",
            "certSecretRef",
            "proxySecretRef",
            "serviceAccountName",
            "provider",
            "passCredentials",
        ],
        CREDENTIALS,
    );
    spec.ignore("suspend", "what is rendered already stays as it is");
    spec.unsupported(
        "verify",
        "Signatures are not verified yet; remove the field only if that is acceptable.",
    );
    spec.done();
    read
}

fn artifact(spec: &Place<'_>) -> ChartSource {
    let url = spec.required("url");
    check_address(spec, "url", &url);
    let reference = spec.at("ref");
    // It would choose another version than the one that Flux deploys.
    reference.unsupported(
        "semverFilter",
        "Name a range that holds only what is wanted.",
    );
    let digest = reference.text("digest");
    let (tag, range) = (reference.text("tag"), reference.text("semver"));
    check_revision(&reference, "tag", &tag);
    check_revision(&reference, "semver", &range);
    let is_digest = |text: &str| {
        text.strip_prefix("sha256:").is_some_and(|rest| {
            rest.len() == 64 && rest.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    if !digest.is_empty() && !is_digest(&digest) {
        let message = "it is no sha256: with 64 hexadecimal digits";
        reference.problem("digest", message, "Copy the digest of the manifest.");
    }
    reference.done();
    spec.ignore(
        "layerSelector",
        "the layer of the chart or of the manifests is found by its type",
    );
    // The order in which Flux takes them, and the tag that it means without a word.
    let revision = [digest, range, tag, "latest".to_owned()]
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_default();
    ChartSource::Artifact {
        url: plain_http(spec, url),
        revision: TargetRevision(revision),
        excluded: spec.text("ignore"),
    }
}

/// A registry that speaks HTTP without TLS says so in its address here.
fn plain_http(spec: &Place<'_>, url: String) -> String {
    let insecure = spec.flag("insecure") == Some(true);
    match url.strip_prefix("oci://") {
        Some(rest) if insecure => format!("oci+http://{rest}"),
        Some(_) => url,
        None => {
            if insecure {
                spec.note(
                    "insecure",
                    "it is for registries; addresses say it themselves",
                );
            }
            url
        }
    }
}

/// `spec` of a `HelmChart`, or `spec.chart.spec` of a `HelmRelease`.
pub(super) fn template(place: &Place<'_>) -> ChartTemplate {
    let source = place.at("sourceRef");
    let read = ChartTemplate {
        chart: place.required("chart"),
        version: place.text("version"),
        source: SourceRef {
            kind: source.required("kind"),
            namespace: source.text("namespace"),
            name: source.required("name"),
        },
        value_files: place.texts("valuesFiles"),
        ignore_missing_value_files: place.flag("ignoreMissingValuesFiles").unwrap_or(false),
    };
    check_address(place, "chart", &read.chart);
    check_revision(place, "version", &read.version);
    source.ignore("apiVersion", "the kind says enough");
    source.done();
    place.ignore_all(&["interval", "reconcileStrategy"], TIMING);
    place.unsupported(
        "verify",
        "Signatures are not verified yet; remove the field only if that is acceptable.",
    );
    read
}

/// The source behind a reference. What cannot be used is a problem of `field`.
pub(super) fn find<'s>(
    place: &Place<'_>,
    field: &str,
    document: &Ours,
    wanted: &SourceRef,
    sources: &'s ChartSources,
) -> Option<&'s FoundSource> {
    let namespace = if wanted.namespace.is_empty() {
        &document.namespace
    } else {
        &wanted.namespace
    };
    let key = (wanted.kind.clone(), namespace.clone(), wanted.name.clone());
    match sources.get(&key) {
        Some(Some(source)) => Some(source),
        Some(None) => {
            let message = format!(
                "the {} {namespace}/{} has problems of its own, or is defined differently in several files",
                wanted.kind, wanted.name
            );
            place.problem(field, &message, "Solve those first.");
            None
        }
        None => {
            let message = format!(
                "there is no {} {namespace}/{} in this source",
                wanted.kind, wanted.name
            );
            place.problem(
                field,
                &message,
                "Add it to the source's path, or correct the name.",
            );
            None
        }
    }
}
