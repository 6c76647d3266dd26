//! Where a bundle goes, and what its definition is on one cluster. Pure: asked anew whenever labels change.

use super::super::Wish;
use super::super::{
    DefinedSource, Definition, DestinationCluster, DirectoryOptions, HelmOptions, KustomizeOptions,
    SourceKind, repo_path,
};
use super::options::BundleOptions;
use super::rollout::RolloutStrategy;
use super::selector::{ClusterMatch, LabelSelector};
use super::template::{self, Context};
use super::{ACCOUNT_NAMESPACE, DEFAULT_GROUP};
use crate::definition::helm_release::merge;
use lockstep_types::application::Dialect;
use lockstep_types::revision::TargetRevision;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Labels that Fleet's clusters have by themselves.
const NAME_LABELS: [&str; 2] = [
    "management.cattle.io/cluster-display-name",
    "management.cattle.io/cluster-name",
];

/// Everything that decides where a bundle goes and how.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Placement {
    /// The first that matches a cluster counts. Empty: the group `default`.
    pub targets: Vec<ClusterMatch>,
    pub options: BundleOptions,
    pub customizations: Vec<Customization>,
    /// All customizations that match are merged, instead of the first one alone.
    pub all_customizations: bool,
    /// Groups and clusters that Git declares.
    pub groups: Vec<ClusterGroup>,
    pub clusters: Vec<DeclaredCluster>,
    pub repo_url: String,
    pub target_revision: TargetRevision,
    /// The bundle's folder.
    pub path: String,
    /// What its folder holds, besides manifests.
    pub has_chart: bool,
    pub has_kustomization: bool,
    /// Name of the bundle.
    pub name: String,
    /// How a new state reaches its clusters; none: all at once.
    pub rollout: Option<RolloutStrategy>,
}

/// Other options for some of the clusters.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Customization {
    pub of: ClusterMatch,
    pub options: BundleOptions,
}

/// Fleet's `ClusterGroup`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClusterGroup {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub selector: Option<LabelSelector>,
}

/// Fleet's `Cluster` as Git declares it. It adds to a registered cluster of the same name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DeclaredCluster {
    pub name: String,
    pub namespace: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub template_values: Value,
}

/// A registered cluster, as far as placement knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CandidateCluster {
    pub name: String,
    pub labels: BTreeMap<String, String>,
}

impl Placement {
    /// Names of the clusters that the bundle goes to, in the order given.
    ///
    /// # Errors
    /// When it goes to none: what is wrong and what to do, in words.
    pub fn clusters(
        &self,
        home: &str,
        clusters: &[CandidateCluster],
    ) -> Result<Vec<String>, (String, String)> {
        let chosen: Vec<String> = clusters
            .iter()
            .filter(|cluster| self.options_on(home, cluster).is_some())
            .map(|cluster| cluster.name.clone())
            .collect();
        if !chosen.is_empty() {
            return Ok(chosen);
        }
        if self.means_home() {
            return Err(if home.is_empty() {
                (
                    "no targets are given, so the bundle means its home cluster, and the source names none".to_owned(),
                    "Give the source a home cluster, or write targets into the GitRepo.".to_owned(),
                )
            } else if clusters.iter().any(|cluster| cluster.name == home) {
                (
                    format!(
                        "a customization keeps the bundle off its home cluster {home} (doNotDeploy)"
                    ),
                    "Correct targetCustomizations in Git if that is not meant.".to_owned(),
                )
            } else {
                (
                    format!("the cluster “{home}” is not registered"),
                    "Register the cluster, or change the home cluster of the source.".to_owned(),
                )
            });
        }
        let wanted: Vec<String> = if self.targets.is_empty() {
            vec![format!("cluster group {DEFAULT_GROUP}")]
        } else {
            self.targets.iter().map(ToString::to_string).collect()
        };
        Err((
            format!(
                "no registered cluster is chosen by the targets ({})",
                wanted.join("; ")
            ),
            "Give a cluster these labels, or correct the targets in Git.".to_owned(),
        ))
    }

    /// The definition as it is on one cluster; `None` when it does not go there.
    pub fn on(
        &self,
        definition: &Definition,
        home: &str,
        cluster: &CandidateCluster,
    ) -> Option<Definition> {
        let options = self.options_on(home, cluster)?;
        let mut placed = definition.clone();
        placed.placement = None;
        placed.destination.cluster = DestinationCluster::Name(cluster.name.clone());
        let values = self.values(&options, &self.completed(cluster));
        self.apply(&mut placed, &options, values);
        Some(placed)
    }

    /// Fills in what the definition says apart from any cluster: nothing is customized, templates stay as written.
    pub(super) fn describe(&self, definition: &mut Definition) {
        let mut values = self.options.chart.values.clone();
        if !self.options.chart.values_from.is_null() {
            merge(&mut values, self.options.chart.values_from.clone());
        }
        self.apply(definition, &self.options, Ok(values));
        definition.unrenderable = String::new();
    }

    fn means_home(&self) -> bool {
        self.targets.is_empty() && !self.groups.iter().any(|group| group.name == DEFAULT_GROUP)
    }

    /// Whether the bundle goes to a cluster.
    pub(super) fn goes_to(&self, home: &str, cluster: &CandidateCluster) -> bool {
        self.options_on(home, cluster).is_some()
    }

    /// Whether a part of a definition means a cluster.
    pub(super) fn means(&self, of: &ClusterMatch, cluster: &CandidateCluster) -> bool {
        let cluster = self.completed(cluster);
        of.matches(&cluster, &self.groups_of(&cluster))
    }

    /// The groups that a cluster with these labels is in.
    fn groups_of(&self, cluster: &CandidateCluster) -> Vec<&ClusterGroup> {
        let selects = |group: &&ClusterGroup| {
            group
                .selector
                .as_ref()
                .is_some_and(|selector| selector.matches(&cluster.labels))
        };
        self.groups.iter().filter(selects).collect()
    }

    /// The cluster with the labels that Git declares for it under its own.
    fn completed(&self, cluster: &CandidateCluster) -> CandidateCluster {
        let mut labels: BTreeMap<String, String> = NAME_LABELS
            .iter()
            .map(|label| ((*label).to_owned(), cluster.name.clone()))
            .collect();
        if let Some(declared) = self.declared(&cluster.name) {
            labels.extend(declared.labels.clone());
        }
        labels.extend(cluster.labels.clone());
        CandidateCluster {
            name: cluster.name.clone(),
            labels,
        }
    }

    fn declared(&self, name: &str) -> Option<&DeclaredCluster> {
        self.clusters.iter().find(|declared| declared.name == name)
    }

    fn options_on(&self, home: &str, cluster: &CandidateCluster) -> Option<BundleOptions> {
        let cluster = self.completed(cluster);
        let groups = self.groups_of(&cluster);
        if self.means_home() {
            if cluster.name != home {
                return None;
            }
        } else if self.targets.is_empty() {
            groups.iter().find(|group| group.name == DEFAULT_GROUP)?;
        } else {
            let target = self
                .targets
                .iter()
                .find(|target| target.matches(&cluster, &groups))?;
            if target.do_not_deploy {
                return None;
            }
        }
        let mut options = self.options.clone();
        let most = if self.all_customizations {
            usize::MAX
        } else {
            1
        };
        for customization in self
            .customizations
            .iter()
            .filter(|customization| customization.of.matches(&cluster, &groups))
            .take(most)
        {
            if customization.of.do_not_deploy {
                return None;
            }
            options = options.customized(&customization.options);
        }
        Some(options)
    }

    fn values(&self, options: &BundleOptions, cluster: &CandidateCluster) -> Result<Value, String> {
        let chart = &options.chart;
        let mut values = chart.values.clone();
        template::labels(&mut values, &cluster.labels);
        if !chart.plain_values {
            let nothing = DeclaredCluster::default();
            let declared = self.declared(&cluster.name).unwrap_or(&nothing);
            let template_values = match &declared.template_values {
                Value::Null => Value::Object(Map::new()),
                values => values.clone(),
            };
            let context = Context::from([
                ("ClusterName", json!(cluster.name)),
                ("ClusterNamespace", json!(declared.namespace)),
                ("ClusterLabels", json!(cluster.labels)),
                ("ClusterAnnotations", json!(declared.annotations)),
                ("ClusterValues", template_values),
            ]);
            values = template::fill(&values, &context)?;
            for (key, text) in &chart.template_values {
                let filled = template::fill_text(text, &context)
                    .map_err(|why| format!("helm.templateValues.{key}: {why}"))?;
                // The whole value is replaced, not merged, as Fleet does.
                if values.is_null() {
                    values = Value::Object(Map::new());
                }
                if let Some(entries) = values.as_object_mut() {
                    entries.insert(key.clone(), filled);
                }
            }
        }
        if !chart.values_from.is_null() {
            merge(&mut values, chart.values_from.clone());
        }
        Ok(values)
    }

    fn apply(
        &self,
        definition: &mut Definition,
        options: &BundleOptions,
        values: Result<Value, String>,
    ) {
        let made = values.and_then(|values| self.source(options, &values));
        match made {
            Ok(source) => {
                definition.source = source;
                definition.unrenderable = String::new();
            }
            Err(why) => {
                definition.source = self.plain_source();
                definition.unrenderable = why;
            }
        }
        definition.destination.namespace = [
            options.namespace.as_str(),
            options.default_namespace.as_str(),
            "default",
        ]
        .into_iter()
        .find(|namespace| !namespace.is_empty())
        .unwrap_or_default()
        .to_owned();
        definition.destination.assigns = !options.namespace.is_empty();
        definition.policy.self_heal = options.correct_drift.unwrap_or(false);
        definition.ignore_differences = options.ignore_differences.clone();
        let sync = &mut definition.sync_options;
        sync.namespace_labels = options.namespace_labels.clone();
        sync.namespace_annotations = options.namespace_annotations.clone();
        sync.timeout_seconds = options.chart.timeout_seconds;
        if options.keep_resources == Some(true) {
            sync.delete = Wish::Never;
        }
        if !options.service_account.is_empty() {
            definition.service_account = format!("{ACCOUNT_NAMESPACE}/{}", options.service_account);
        }
    }

    fn plain_source(&self) -> DefinedSource {
        DefinedSource {
            repo_url: self.repo_url.clone(),
            path: self.path.clone(),
            target_revision: self.target_revision.clone(),
            dialect: Dialect::FleetBundle,
            ..DefinedSource::default()
        }
    }

    /// What to render with these options.
    fn source(&self, options: &BundleOptions, values: &Value) -> Result<DefinedSource, String> {
        let chart = &options.chart;
        let mut source = self.plain_source();
        let helm = HelmOptions {
            release_name: if chart.release_name.is_empty() {
                self.name.clone()
            } else {
                chart.release_name.clone()
            },
            values: match values {
                Value::Null => String::new(),
                Value::Object(entries) if entries.is_empty() => String::new(),
                // JSON is YAML.
                values => values.to_string(),
            },
            skip_schema_validation: chart.skip_schema_validation,
            ..HelmOptions::default()
        };
        let below = |written: &str| {
            repo_path(&format!("{}/{written}", self.path))
                .map_err(|why| format!("the folder {written} cannot be used: {why}"))
        };
        let is_chart = self.has_chart || !chart.chart.is_empty() || !chart.repo.is_empty();
        if is_chart && !options.kustomize_dir.is_empty() {
            return Err(format!(
                "the kustomization {} changes what a chart renders, and that is not done yet; put the change into the chart's values",
                options.kustomize_dir
            ));
        }
        if !chart.repo.is_empty() || chart.chart.starts_with("oci://") {
            let (repo, name) = match chart.repo.as_str() {
                "" => chart
                    .chart
                    .rsplit_once('/')
                    .unwrap_or((chart.chart.as_str(), "")),
                repo => (repo, chart.chart.as_str()),
            };
            if name.is_empty() {
                return Err("helm.chart is missing: it names the chart in helm.repo".to_owned());
            }
            source.kind = if repo.starts_with("oci://") {
                SourceKind::Oci
            } else {
                SourceKind::HelmRepository
            };
            source.repo_url = repo.to_owned();
            source.chart = name.to_owned();
            source.path = String::new();
            source.target_revision = TargetRevision(match chart.version.as_str() {
                "" => "*".to_owned(),
                version => version.to_owned(),
            });
            source.helm = Some(helm);
        } else if chart.chart.contains("://") || chart.chart.starts_with("git::") {
            return Err(format!(
                "the chart {} lies at an address of its own, and charts are fetched from Helm repositories and registries only; name its repository in helm.repo and the chart in helm.chart, or commit the chart",
                chart.chart
            ));
        } else if is_chart {
            source.path = below(&chart.chart)?;
            source.helm = Some(helm);
        } else if !options.kustomize_dir.is_empty() || self.has_kustomization {
            source.path = below(&options.kustomize_dir)?;
            source.kustomize = Some(KustomizeOptions::default());
        } else {
            source.directory = Some(DirectoryOptions {
                recurse: true,
                overlays: Some(options.overlays.clone()),
                ..DirectoryOptions::default()
            });
        }
        Ok(source)
    }
}
