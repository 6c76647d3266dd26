//! Flux's `HelmRelease`, read as it is: a chart, its values and where it goes. No release is made in the cluster: the
//! chart is rendered and its objects are applied, compared and pruned like all others.

mod post_renderers;
mod resolve;

pub(super) use resolve::read_document;

use super::chart_sources::{self, ChartTemplate};
use super::fields::Place;
use super::flux::{self, SourceRef};
use super::flux_values::ConfigMaps;
use super::{
    Dependency, Destination, DestinationCluster, HealthCheck, HelmOptions, IgnoreDifference,
    KustomizeOptions, SyncOptions, ValuesReference,
};
use lockstep_types::application::SyncPolicy;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub(super) const GROUP: &str = "helm.toolkit.fluxcd.io";
pub(super) const KIND: &str = "HelmRelease";

/// Helm's own limit for the name of a release.
const LONGEST_NAME: usize = 53;
const NO_RELEASE: &str = "no release is kept in the cluster: Lockstep applies the objects itself";

/// How it names its chart.
pub(super) enum Wanted {
    Template(ChartTemplate),
    Reference(SourceRef),
}

/// What a `HelmRelease` says. The source is filled in by whoever knows the sources.
pub(super) struct Spec {
    pub wanted: Option<Wanted>,
    pub helm: HelmOptions,
    pub post_renderers: Vec<KustomizeOptions>,
    pub destination: Destination,
    pub policy: SyncPolicy,
    pub sync_options: SyncOptions,
    pub depends_on: Vec<Dependency>,
    pub health_checks: Vec<HealthCheck>,
    pub service_account: String,
    pub ignore_differences: Vec<IgnoreDifference>,
}

/// Reads everything but `metadata` of the `HelmRelease` `namespace/name`.
pub(super) fn read(
    document: &Place<'_>,
    namespace: &str,
    name: &str,
    config_maps: &ConfigMaps,
) -> Spec {
    document.ignore("status", "it is Flux's own");
    let spec = document.at("spec");
    let wanted = wanted(&spec);
    spec.unsupported("kubeConfig", "Register the cluster in Lockstep and put the definition into a source of its own for that cluster.");
    let mut post_renderers = post_renderers::read(&spec);
    post_renderers.extend(post_renderers::common(&spec));
    let target = spec.text("targetNamespace");
    let values = values(&spec, namespace, config_maps);
    let install = spec.at("install");
    let create_namespace = install.flag("createNamespace").unwrap_or(false);
    let skip_crds = install.text("crds") == "Skip" || install.flag("skipCRDs").unwrap_or(false);
    install.ignore_all(
        &[
            "remediation",
            "disableWait",
            "disableWaitForJobs",
            "timeout",
            "strategy",
            "replace",
            "serverSideApply",
        ],
        "Lockstep applies and retries by rules of its own",
    );
    install.done();
    let upgrade = spec.at("upgrade");
    upgrade.ignore(
        "crds",
        "definitions of kinds are applied like all other objects, at every sync",
    );
    upgrade.ignore_all(
        &[
            "remediation",
            "disableWait",
            "disableWaitForJobs",
            "disableHooks",
            "disableOpenAPIValidation",
            "disableSchemaValidation",
            "timeout",
            "strategy",
            "force",
            "preserveValues",
            "cleanupOnFail",
            "serverSideApply",
        ],
        "Lockstep applies and retries by rules of its own",
    );
    upgrade.done();
    spec.ignore_all(
        &[
            "rollback",
            "uninstall",
            "maxHistory",
            "storageNamespace",
            "persistentClient",
            "test",
        ],
        NO_RELEASE,
    );
    spec.ignore("interval", "Lockstep follows changes by itself");
    let drift = spec.at("driftDetection");
    let self_heal = drift.text("mode") == "enabled";
    let ignore_differences = flux::ignored(&drift, "ignore");
    drift.done();
    let given = spec.text("releaseName");
    let read = Spec {
        wanted,
        helm: HelmOptions {
            release_name: release_name(&given, &target, name),
            values,
            skip_crds,
            ..HelmOptions::default()
        },
        post_renderers,
        destination: Destination {
            cluster: DestinationCluster::Home,
            namespace: if target.is_empty() {
                namespace.to_owned()
            } else {
                target
            },
            assigns: false,
        },
        policy: SyncPolicy {
            automated: true,
            // What a newer chart leaves out is removed by an upgrade.
            prune: true,
            self_heal,
            allow_empty: false,
            create_namespace,
            suspend: spec.flag("suspend").unwrap_or(false),
        },
        sync_options: SyncOptions {
            timeout_seconds: flux::timeout(&spec),
            ..SyncOptions::default()
        },
        depends_on: flux::dependencies(&spec, namespace),
        health_checks: flux::check_expressions(&spec),
        service_account: flux::account(&spec, namespace),
        ignore_differences,
    };
    spec.done();
    read
}

fn wanted(spec: &Place<'_>) -> Option<Wanted> {
    match (spec.has("chart"), spec.has("chartRef")) {
        (true, false) => {
            let chart = spec.at("chart");
            chart.ignore("metadata", "no HelmChart object is made");
            let place = chart.at("spec");
            let template = chart_sources::template(&place);
            place.done();
            chart.done();
            Some(Wanted::Template(template))
        }
        (false, true) => {
            let place = spec.at("chartRef");
            let reference = SourceRef {
                kind: place.required("kind"),
                namespace: place.text("namespace"),
                name: place.required("name"),
            };
            place.ignore("apiVersion", "the kind says enough");
            place.done();
            Some(Wanted::Reference(reference))
        }
        (true, true) => {
            spec.problem(
                "chartRef",
                "chart and chartRef exclude each other",
                "Keep one of the two.",
            );
            None
        }
        (false, false) => {
            spec.problem(
                "chart",
                "neither chart nor chartRef says what to render",
                "Name the chart.",
            );
            None
        }
    }
}

/// `[targetNamespace-]name` unless given; a name that Helm would refuse is cut, with a hash of the whole at its end.
pub(super) fn release_name(given: &str, target_namespace: &str, name: &str) -> String {
    let whole = match (given, target_namespace) {
        ("", "") => name.to_owned(),
        ("", namespace) => format!("{namespace}-{name}"),
        (given, _) => given.to_owned(),
    };
    if whole.len() <= LONGEST_NAME {
        return whole;
    }
    let hash: String = Sha256::digest(whole.as_bytes())
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let kept: String = whole.chars().take(LONGEST_NAME - 1 - hash.len()).collect();
    format!("{kept}-{hash}")
}

/// `valuesFrom` in their order, and `values` over them, as JSON text; empty when there are none.
fn values(spec: &Place<'_>, namespace: &str, config_maps: &ConfigMaps) -> String {
    let mut all = Value::Object(Map::new());
    for (index, entry) in spec.list("valuesFrom").into_iter().enumerate() {
        let reference = ValuesReference {
            kind: entry.required("kind"),
            namespace: namespace.to_owned(),
            name: entry.required("name"),
            key: entry.text("valuesKey"),
            target_path: entry.text("targetPath"),
            optional: entry.flag("optional").unwrap_or(false),
            literal: entry.flag("literal").unwrap_or(false),
        };
        entry.done();
        let field = format!("valuesFrom[{index}]");
        if let Some(data) = config_maps.get(spec, &field, &reference) {
            match taken(&reference, data.get(key_of(&reference)).map(String::as_str)) {
                Ok(Some(values)) => merge(&mut all, values),
                Ok(None) => spec.note(&field, "left out, as it is optional and has no such key"),
                Err(why) => spec.problem(
                    &field,
                    &why,
                    "Correct the definition or the ConfigMap in Git.",
                ),
            }
        }
    }
    if let Some(values) = spec.value("values").filter(|values| !values.is_null()) {
        if values.is_object() {
            merge(&mut all, values);
        } else {
            spec.problem(
                "values",
                "it must be a map",
                "Correct the definition in Git.",
            );
        }
    }
    match &all {
        Value::Object(entries) if entries.is_empty() => String::new(),
        // JSON is YAML.
        all => all.to_string(),
    }
}

pub(super) fn key_of(reference: &ValuesReference) -> &str {
    match reference.key.as_str() {
        "" => "values.yaml",
        key => key,
    }
}

/// The values of one reference, in place.
pub(super) fn taken(
    reference: &ValuesReference,
    text: Option<&str>,
) -> Result<Option<Value>, String> {
    let Some(text) = text else {
        return if reference.optional {
            Ok(None)
        } else {
            Err(format!(
                "{} has no key {}",
                reference.name,
                key_of(reference)
            ))
        };
    };
    if reference.literal && !reference.target_path.is_empty() {
        return at_path(&reference.target_path, Value::String(text.to_owned())).map(Some);
    }
    let document = crate::yaml::documents(text).map_err(|error| error.message)?;
    let value = match document.as_slice() {
        [] => Value::Null,
        [only] => only.value().map_err(|error| error.message)?,
        _ => return Err("it holds several documents".to_owned()),
    };
    if !reference.target_path.is_empty() {
        return at_path(&reference.target_path, value).map(Some);
    }
    match value {
        Value::Null => Ok(Some(Value::Object(Map::new()))),
        Value::Object(_) => Ok(Some(value)),
        _ => Err(format!("{} does not hold a map", key_of(reference))),
    }
}

/// `a.b` with a value at its end.
fn at_path(path: &str, value: Value) -> Result<Value, String> {
    if path.contains(['[', ']', '{', '}', ',', '\\']) || path.split('.').any(str::is_empty) {
        return Err(format!(
            "targetPath {path} is more than names with dots between, which is not supported yet"
        ));
    }
    Ok(path.rsplit('.').fold(value, |value, name| {
        Value::Object(Map::from_iter([(name.to_owned(), value)]))
    }))
}

/// Maps are merged, everything else is replaced.
pub(super) fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

#[cfg(test)]
mod tests;
