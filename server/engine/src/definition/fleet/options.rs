//! What a bundle says about how it is rendered and applied, and how a customization changes that.

use super::super::IgnoreDifference;
use super::super::helm_release::merge;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The options of a bundle, or of one customization of it. Empty: nothing said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BundleOptions {
    pub default_namespace: String,
    /// For all objects.
    pub namespace: String,
    pub service_account: String,
    pub chart: ChartOptions,
    /// As written, relative to the bundle.
    pub kustomize_dir: String,
    /// Names of folders below `overlays/`, in the order of their use.
    pub overlays: Vec<String>,
    pub ignore_differences: Vec<IgnoreDifference>,
    pub namespace_labels: BTreeMap<String, String>,
    pub namespace_annotations: BTreeMap<String, String>,
    pub correct_drift: Option<bool>,
    /// Objects outlive the bundle.
    pub keep_resources: Option<bool>,
}

/// The section `helm`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChartOptions {
    /// A folder relative to the bundle, an address, or a name in `repo`.
    pub chart: String,
    pub repo: String,
    pub version: String,
    pub release_name: String,
    /// Inline values with those of `valuesFiles` over them; null when there are none.
    pub values: Value,
    /// Those of `valuesFrom`, over all others; null when there are none.
    pub values_from: Value,
    /// Templates by the key their result is set at.
    pub template_values: BTreeMap<String, String>,
    /// Values are taken as they are, `${ }` and all.
    pub plain_values: bool,
    pub skip_schema_validation: bool,
    /// 0: not given.
    pub timeout_seconds: u32,
}

impl BundleOptions {
    /// These options with a customization over them, as Fleet merges them: values and label maps key by key, lists one
    /// after the other, everything else replaced when it says something.
    pub fn customized(mut self, custom: &Self) -> Self {
        let over = |base: &mut String, custom: &str| {
            if !custom.is_empty() {
                *base = custom.to_owned();
            }
        };
        over(&mut self.default_namespace, &custom.default_namespace);
        over(&mut self.namespace, &custom.namespace);
        over(&mut self.service_account, &custom.service_account);
        over(&mut self.kustomize_dir, &custom.kustomize_dir);
        let (chart, with) = (&mut self.chart, &custom.chart);
        over(&mut chart.chart, &with.chart);
        over(&mut chart.repo, &with.repo);
        over(&mut chart.version, &with.version);
        over(&mut chart.release_name, &with.release_name);
        for (base, custom) in [
            (&mut chart.values, &with.values),
            (&mut chart.values_from, &with.values_from),
        ] {
            if !custom.is_null() {
                merge(base, custom.clone());
            }
        }
        chart.template_values.extend(with.template_values.clone());
        chart.plain_values |= with.plain_values;
        chart.skip_schema_validation |= with.skip_schema_validation;
        if with.timeout_seconds > 0 {
            chart.timeout_seconds = with.timeout_seconds;
        }
        self.overlays.extend(custom.overlays.iter().cloned());
        self.ignore_differences
            .extend(custom.ignore_differences.iter().cloned());
        self.namespace_labels
            .extend(custom.namespace_labels.clone());
        self.namespace_annotations
            .extend(custom.namespace_annotations.clone());
        self.keep_resources = custom.keep_resources.or(self.keep_resources);
        self.correct_drift = custom.correct_drift.or(self.correct_drift);
        self
    }
}
