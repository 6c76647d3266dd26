//! Label selectors, as Kubernetes reads them, over any text.

use super::super::fields::Place;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything matches the empty one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Selector {
    pub labels: BTreeMap<String, String>,
    pub requirements: Vec<Requirement>,
}

/// An entry of `matchExpressions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    pub values: Vec<String>,
}

impl Selector {
    pub(in super::super) fn read(place: &Place<'_>) -> Self {
        let labels = place.text_map("matchLabels");
        let requirements = place
            .list("matchExpressions")
            .into_iter()
            .map(|entry| {
                let requirement = Requirement {
                    key: entry.required("key"),
                    operator: entry.required("operator"),
                    values: entry.texts("values"),
                };
                let (known, wants) = match requirement.operator.as_str() {
                    "In" | "NotIn" => (true, true),
                    "Exists" | "DoesNotExist" => (true, false),
                    _ => (false, false),
                };
                if !known && !requirement.operator.is_empty() {
                    let message = format!("there is no operator {}", requirement.operator);
                    let next = "Use In, NotIn, Exists or DoesNotExist.";
                    entry.problem("operator", &message, next);
                } else if wants && requirement.values.is_empty() {
                    entry.problem(
                        "values",
                        "it is missing",
                        "Name the values to compare with.",
                    );
                } else if known && !wants && !requirement.values.is_empty() {
                    let message = format!("{} takes no values", requirement.operator);
                    entry.problem("values", &message, "Remove them.");
                }
                entry.done();
                requirement
            })
            .collect();
        place.done();
        Self {
            labels,
            requirements,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.requirements.is_empty()
    }

    /// Whether all of it holds.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let equal = self
            .labels
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value));
        equal
            && self.requirements.iter().all(|requirement| {
                let found = labels.get(&requirement.key);
                let among = found.is_some_and(|value| requirement.values.contains(value));
                match requirement.operator.as_str() {
                    "In" => among,
                    // A label that is not there is not among them.
                    "NotIn" => !among,
                    "Exists" => found.is_some(),
                    "DoesNotExist" => found.is_none(),
                    _ => false,
                }
            })
    }
}
