//! `fleet.yaml`: what one folder says about itself.

use super::super::argument::{check_address, check_revision};
use super::super::fields::Place;
use super::super::flux_values::ConfigMaps;
use super::super::helm_release::{key_of, merge, taken};
use super::super::{Dependency, ValuesReference};
use super::folders::{Folders, join};
use super::options::{BundleOptions, ChartOptions};
use super::patches;
use super::placement::Customization;
use super::repository::correct_drift;
use super::rollout::{self, RolloutStrategy};
use super::selector::{ClusterMatch, LabelSelector};
use crate::yaml;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const NO_RELEASE: &str = "no release is kept in the cluster: Lockstep applies the objects itself";
const KEPT: &str = "what leaves Git stays in the cluster until somebody deletes it";

/// What a `fleet.yaml` says.
#[derive(Debug, Clone, Default)]
pub(super) struct Bundle {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub options: BundleOptions,
    pub customizations: Vec<Customization>,
    pub all_customizations: bool,
    /// Instead of those of the `GitRepo`.
    pub targets: Option<Vec<ClusterMatch>>,
    pub depends_on: Vec<Dependency>,
    /// Dependencies that are chosen by their labels.
    pub depends_on_labels: Vec<LabelSelector>,
    pub paused: bool,
    pub rollout: Option<RolloutStrategy>,
}

/// What the values of a bundle may come from.
pub(super) struct Around<'a> {
    pub folder: &'a str,
    pub namespace: &'a str,
    pub folders: &'a Folders<'a>,
    pub config_maps: &'a ConfigMaps,
}

pub(super) fn read(place: &Place<'_>, around: &Around<'_>) -> Bundle {
    let options = options(place, around);
    let mut customizations = Vec::new();
    for field in ["targets", "targetCustomizations"] {
        for entry in place.list(field) {
            customizations.push(Customization {
                of: ClusterMatch::read(&entry),
                options: self::options(&entry, around),
            });
            entry.done();
        }
    }
    let all_customizations = match place.text("targetCustomizationMode").as_str() {
        "" | "FirstMatch" => false,
        "AllMatches" => true,
        _ => {
            place.problem(
                "targetCustomizationMode",
                "it is no mode that Fleet knows",
                "Use FirstMatch or AllMatches.",
            );
            false
        }
    };
    let targets = place.has("overrideTargets").then(|| {
        place
            .list("overrideTargets")
            .iter()
            .map(|entry| {
                let target = ClusterMatch::read(entry);
                entry.done();
                target
            })
            .collect()
    });
    let (mut depends_on, mut depends_on_labels) = (Vec::new(), Vec::new());
    for entry in place.list("dependsOn") {
        let name = entry.text("name");
        let selector = LabelSelector::read(&entry, "selector");
        if name.is_empty() && selector.is_none() {
            entry.problem(
                "name",
                "neither name nor selector says which bundle is meant",
                "Name the bundle.",
            );
        }
        entry.ignore(
            "acceptedStates",
            "a dependency is ready when it is synced and healthy",
        );
        entry.done();
        if !name.is_empty() {
            depends_on.push(Dependency {
                namespace: around.namespace.to_owned(),
                name,
                ready_expr: String::new(),
            });
        }
        depends_on_labels.extend(selector);
    }
    place.ignore(
        "ignore",
        "health is judged by the built-in rules; conditions cannot be left out yet",
    );
    place.ignore_all(&["deleteNamespace", "deleteCRDResources"], KEPT);
    place.ignore("imageScans", "images are not written to Git");
    place.ignore("forceSyncGeneration", "Lockstep follows changes by itself");
    let bundle = Bundle {
        name: place.text("name"),
        labels: place.text_map("labels"),
        annotations: place.text_map("annotations"),
        options,
        customizations,
        all_customizations,
        targets,
        depends_on,
        depends_on_labels,
        paused: place.flag("paused").unwrap_or(false),
        rollout: rollout::read(place),
    };
    place.done();
    bundle
}

fn options(place: &Place<'_>, around: &Around<'_>) -> BundleOptions {
    place.unsupported(
        "downstreamResources",
        "Put the objects themselves into Git.",
    );
    let kustomize = place.at("kustomize");
    let kustomize_dir = kustomize.text("dir");
    kustomize.done();
    let raw = place.at("yaml");
    let overlays = raw.texts("overlays");
    raw.done();
    for (index, overlay) in overlays.iter().enumerate() {
        if overlay.is_empty() || overlay.contains("..") || overlay.starts_with('/') {
            place.problem(
                &format!("yaml.overlays[{index}]"),
                "it is no folder below overlays/",
                "Name a folder below overlays/.",
            );
        }
    }
    BundleOptions {
        default_namespace: place.text("defaultNamespace"),
        namespace: place.text("namespace"),
        service_account: place.text("serviceAccount"),
        chart: chart(&place.at("helm"), around),
        kustomize_dir,
        overlays,
        ignore_differences: patches::read(place),
        namespace_labels: place.text_map("namespaceLabels"),
        namespace_annotations: place.text_map("namespaceAnnotations"),
        correct_drift: correct_drift(place),
        keep_resources: place.flag("keepResources"),
    }
}

fn chart(helm: &Place<'_>, around: &Around<'_>) -> ChartOptions {
    let mut values = helm.value("values").unwrap_or(Value::Null);
    if !values.is_null() && !values.is_object() {
        helm.problem("values", "it must be a map", "Correct the file in Git.");
        values = Value::Null;
    }
    for (index, name) in helm.texts("valuesFiles").into_iter().enumerate() {
        match values_file(&name, around) {
            // Unlike Helm's own order: in Fleet the files win over inline values.
            Ok(found) => merge_maps(&mut values, found),
            Err(why) => helm.problem(
                &format!("valuesFiles[{index}]"),
                &why,
                "Correct the name or the file in Git.",
            ),
        }
    }
    let values_from = values_from(helm, around);
    let timeout = helm.number("timeoutSeconds").unwrap_or(0);
    helm.ignore_all(
        &[
            "force",
            "takeOwnership",
            "atomic",
            "maxHistory",
            "waitForJobs",
        ],
        NO_RELEASE,
    );
    helm.ignore("disableDNS", "templates never reach the network");
    helm.ignore(
        "disableDependencyUpdate",
        "dependencies are fetched as the chart names them",
    );
    let template_values = helm.text_map("templateValues");
    let chart = ChartOptions {
        chart: helm.text("chart"),
        repo: helm.text("repo"),
        version: helm.text("version"),
        release_name: helm.text("releaseName"),
        values,
        values_from,
        template_values,
        plain_values: helm.flag("disablePreProcess").unwrap_or(false),
        skip_schema_validation: helm.flag("skipSchemaValidation").unwrap_or(false),
        timeout_seconds: u32::try_from(timeout).unwrap_or(0),
    };
    check_address(helm, "chart", &chart.chart);
    check_address(helm, "repo", &chart.repo);
    check_revision(helm, "version", &chart.version);
    helm.done();
    chart
}

fn merge_maps(into: &mut Value, from: Value) {
    if into.is_null() {
        *into = Value::Object(Map::new());
    }
    merge(into, from);
}

fn values_file(written: &str, around: &Around<'_>) -> Result<Value, String> {
    if written.contains("://") {
        return Err("it is an address, and values are read from the repository only".to_owned());
    }
    let path =
        super::super::repo_path(&join(around.folder, written)).map_err(|why| why.to_owned())?;
    let file = around
        .folders
        .file(&path)
        .ok_or_else(|| format!("there is no file {path} among the YAML files of this source"))?;
    let broken = |error: yaml::YamlError| {
        let line = error.line.map_or(String::new(), |line| format!(":{line}"));
        format!("{path}{line}: {}", error.message)
    };
    let text = yaml::text_of(&file.bytes).map_err(broken)?;
    let value = match yaml::documents(text).map_err(broken)?.as_slice() {
        [] => Value::Null,
        [only] => only.value().map_err(broken)?,
        _ => return Err(format!("{path} holds several documents")),
    };
    match value {
        Value::Null => Ok(Value::Object(Map::new())),
        Value::Object(_) => Ok(value),
        _ => Err(format!("{path} does not hold a map")),
    }
}

/// Fleet takes these from the cluster; here they must be in Git, like everything that decides a render.
fn values_from(helm: &Place<'_>, around: &Around<'_>) -> Value {
    let mut all = Value::Null;
    for (index, entry) in helm.list("valuesFrom").into_iter().enumerate() {
        for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
            let named = entry.at(field);
            if !named.is_there() {
                continue;
            }
            let namespace = named.text("namespace");
            let reference = ValuesReference {
                kind: kind.to_owned(),
                namespace: if namespace.is_empty() {
                    "default".to_owned()
                } else {
                    namespace
                },
                name: named.required("name"),
                key: named.text("key"),
                ..ValuesReference::default()
            };
            named.done();
            let place = format!("valuesFrom[{index}].{field}");
            let Some(data) = around.config_maps.get(helm, &place, &reference) else {
                continue;
            };
            match taken(&reference, data.get(key_of(&reference)).map(String::as_str)) {
                Ok(values) => merge_maps(
                    &mut all,
                    values.unwrap_or_else(|| Value::Object(Map::new())),
                ),
                Err(why) => helm.problem(&place, &why, "Correct the file or the ConfigMap in Git."),
            }
        }
        entry.done();
    }
    all
}
