//! Which clusters a target or a customization means: label selectors as Kubernetes has them, names and groups.

use super::super::fields::Place;
use super::placement::{CandidateCluster, ClusterGroup};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Kubernetes' `LabelSelector`. One that says nothing matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LabelSelector {
    pub labels: BTreeMap<String, String>,
    pub expressions: Vec<Expression>,
}

/// An entry of `matchExpressions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expression {
    pub key: String,
    pub operator: Operator,
    pub values: Vec<String>,
}

/// What an [`Expression`] asks of its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    In,
    /// Also true when the label is absent, as in Kubernetes.
    NotIn,
    Exists,
    DoesNotExist,
}

impl LabelSelector {
    /// Whether labels are as the selector wants them.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
            && self.expressions.iter().all(|expression| {
                let value = labels.get(&expression.key);
                match expression.operator {
                    Operator::In => value.is_some_and(|value| expression.values.contains(value)),
                    Operator::NotIn => {
                        !value.is_some_and(|value| expression.values.contains(value))
                    }
                    Operator::Exists => value.is_some(),
                    Operator::DoesNotExist => value.is_none(),
                }
            })
    }

    /// The selector below `name`; `None` when there is none, which is not the same as an empty one.
    pub(super) fn read(place: &Place<'_>, name: &str) -> Option<Self> {
        let selector = place.at(name);
        if !selector.is_there() {
            return None;
        }
        let labels = selector.text_map("matchLabels");
        let expressions = selector
            .list("matchExpressions")
            .into_iter()
            .filter_map(|entry| {
                let key = entry.required("key");
                let written = entry.required("operator");
                let values = entry.texts("values");
                entry.done();
                let operator = match written.as_str() {
                    "In" => Operator::In,
                    "NotIn" => Operator::NotIn,
                    "Exists" => Operator::Exists,
                    "DoesNotExist" => Operator::DoesNotExist,
                    "" => return None,
                    _ => {
                        entry.problem(
                            "operator",
                            "it is no operator of label selectors",
                            "Use In, NotIn, Exists or DoesNotExist.",
                        );
                        return None;
                    }
                };
                Some(Expression {
                    key,
                    operator,
                    values,
                })
            })
            .collect();
        selector.done();
        Some(Self {
            labels,
            expressions,
        })
    }
}

/// `env=prod, tier in (a, b)`, or `every cluster`.
impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = self
            .labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        parts.extend(self.expressions.iter().map(|expression| {
            let (key, values) = (&expression.key, expression.values.join(", "));
            match expression.operator {
                Operator::In => format!("{key} in ({values})"),
                Operator::NotIn => format!("{key} not in ({values})"),
                Operator::Exists => format!("{key} set"),
                Operator::DoesNotExist => format!("{key} not set"),
            }
        }));
        if parts.is_empty() {
            f.write_str("every cluster")
        } else {
            f.write_str(&parts.join(", "))
        }
    }
}

/// One way to choose clusters. All that is given must hold; one that gives nothing chooses none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClusterMatch {
    /// For people.
    pub name: String,
    pub cluster_name: String,
    pub selector: Option<LabelSelector>,
    pub group: String,
    pub group_selector: Option<LabelSelector>,
    /// What is chosen gets nothing.
    pub do_not_deploy: bool,
}

impl ClusterMatch {
    pub(super) fn read(place: &Place<'_>) -> Self {
        Self {
            name: place.text("name"),
            cluster_name: place.text("clusterName"),
            selector: LabelSelector::read(place, "clusterSelector"),
            group: place.text("clusterGroup"),
            group_selector: LabelSelector::read(place, "clusterGroupSelector"),
            do_not_deploy: place.flag("doNotDeploy").unwrap_or(false),
        }
    }

    pub(super) fn matches(&self, cluster: &CandidateCluster, groups: &[&ClusterGroup]) -> bool {
        let by_group = !self.group.is_empty() || self.group_selector.is_some();
        if self.cluster_name.is_empty() && self.selector.is_none() && !by_group {
            return false;
        }
        (self.cluster_name.is_empty() || self.cluster_name == cluster.name)
            && self
                .selector
                .as_ref()
                .is_none_or(|selector| selector.matches(&cluster.labels))
            && (!by_group
                || groups.iter().any(|group| {
                    (self.group.is_empty() || self.group == group.name)
                        && self
                            .group_selector
                            .as_ref()
                            .is_none_or(|selector| selector.matches(&group.labels))
                }))
    }
}

/// What it asks for, in words.
impl fmt::Display for ClusterMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.cluster_name.is_empty() {
            parts.push(format!("cluster {}", self.cluster_name));
        }
        parts.extend(self.selector.as_ref().map(ToString::to_string));
        if !self.group.is_empty() {
            parts.push(format!("cluster group {}", self.group));
        }
        if let Some(selector) = &self.group_selector {
            parts.push(format!("a cluster group with {selector}"));
        }
        if parts.is_empty() {
            parts.push("nothing, as it names no cluster".to_owned());
        }
        f.write_str(&parts.join(" and "))
    }
}
