//! `strategy`: in which steps a new state reaches the applications of a set.

use super::super::Definition;
use super::super::fields::Place;
use super::selector::{Requirement, Selector};
use crate::rollout::{Amount, Course, Rollout, Step};
use serde_json::Value;
use std::collections::BTreeMap;

/// Steps of applications by their labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strategy {
    pub steps: Vec<SyncStep>,
    /// Applications that do not say whether they prune do.
    pub default_prune: bool,
}

/// An entry of `rollingSync.steps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncStep {
    /// Of the labels of the generated application.
    pub selector: Selector,
    pub max_update: Amount,
}

/// The strategy of a set; `None`: all applications at once.
pub(super) fn read(spec: &Place<'_>) -> Option<Strategy> {
    let at = spec.at("strategy");
    if !at.is_there() {
        return None;
    }
    let kind = at.text("type");
    let rolling = at.at("rollingSync");
    let steps = steps(&rolling);
    let default_prune = rolling.flag("defaultPrune").unwrap_or(false);
    rolling.done();
    let in_steps = match kind.as_str() {
        "" | "AllAtOnce" => false,
        "RollingSync" => true,
        other => {
            let message = format!("there is no strategy {other}");
            at.problem("type", &message, "Use AllAtOnce or RollingSync.");
            false
        }
    };
    if in_steps && steps.is_empty() {
        let why = "there are no steps, so all applications change at once, as with Argo CD";
        at.note("rollingSync", why);
    } else if !in_steps && rolling.is_there() {
        at.note("rollingSync", "its steps count only with type RollingSync");
    }
    let strategy = (in_steps && !steps.is_empty()).then_some(Strategy {
        steps,
        default_prune,
    });
    deletion(&at, strategy.is_some());
    at.done();
    strategy
}

fn deletion(at: &Place<'_>, in_steps: bool) {
    match at.text("deletionOrder").as_str() {
        "" => {}
        "AllAtOnce" => at.note("deletionOrder", KEPT),
        "Reverse" if in_steps => at.note("deletionOrder", KEPT),
        "Reverse" => {
            let message = "it is Reverse, and there are no steps of a RollingSync to reverse";
            let next = "Give the strategy steps, or use AllAtOnce.";
            at.problem("deletionOrder", message, next);
        }
        other => {
            let message = format!("there is no order {other}");
            at.problem("deletionOrder", &message, "Use AllAtOnce or Reverse.");
        }
    }
}

const KEPT: &str = "an application that is no longer generated keeps its objects until somebody removes them, in the order of their choice";

fn steps(rolling: &Place<'_>) -> Vec<SyncStep> {
    rolling
        .list("steps")
        .iter()
        .map(|entry| {
            for expression in entry.list("matchExpressions") {
                if let Some(Value::String(operator)) = expression.value("operator")
                    && matches!(operator.as_str(), "Exists" | "DoesNotExist")
                {
                    let message = format!("steps know no operator {operator}");
                    expression.problem("operator", &message, "Use In or NotIn.");
                }
            }
            if entry.has("matchLabels") {
                let message = "steps select by matchExpressions alone";
                entry.problem("matchLabels", message, "Write it as an expression with In.");
            }
            let max_update = match entry.value("maxUpdate") {
                None | Some(Value::Null) => Amount::ALL,
                Some(written) => Amount::read(&written).unwrap_or_else(|why| {
                    let next = "Write how many applications may change at once.";
                    entry.problem("maxUpdate", &format!("it {why}"), next);
                    Amount::NONE
                }),
            };
            SyncStep {
                // Also says that the entry is done.
                selector: Selector::read(entry),
                max_update,
            }
        })
        .collect()
}

impl Strategy {
    /// Takes an application into its step. A rollout syncs by itself what its steps select and nothing else, whatever
    /// the template says of automation, as with Argo CD; drift is put back where the template wants that.
    pub(super) fn apply(&self, definition: &mut Definition, says_prune: bool) -> Course {
        let mut selected = self
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.selector.matches(&definition.labels))
            .map(|(index, _)| index);
        let step = selected.next();
        if let (Some(first), Some(second)) = (step, selected.next()) {
            definition.ignored_fields.push((
                format!("ApplicationSet: strategy.rollingSync.steps[{second}]"),
                format!(
                    "it selects this application too; step {} does so first, and that one counts",
                    first + 1
                ),
            ));
        }
        let policy = &mut definition.policy;
        if step.is_none() && policy.automated {
            definition.ignored_fields.push((
                "syncPolicy.automated".to_owned(),
                "no step of the set's RollingSync selects this application, so people sync it"
                    .to_owned(),
            ));
        }
        policy.automated = step.is_some();
        if !says_prune {
            policy.prune = self.default_prune;
        }
        Course {
            rollout: self.rollout(),
            step,
        }
    }

    fn rollout(&self) -> Rollout {
        Rollout {
            steps: self
                .steps
                .iter()
                .zip(1..)
                .map(|(step, number)| Step {
                    name: format!("step {number}"),
                    selects: words(&step.selector.requirements, &step.selector.labels),
                    at_once: step.max_update,
                    unready: Amount::NONE,
                })
                .collect(),
            ..Rollout::default()
        }
    }
}

/// `env in dev, test; region not in eu`.
fn words(requirements: &[Requirement], labels: &BTreeMap<String, String>) -> String {
    let equal = labels.iter().map(|(key, value)| format!("{key}={value}"));
    let among = requirements.iter().map(|requirement| {
        let operator = match requirement.operator.as_str() {
            "NotIn" => "not in",
            _ => "in",
        };
        let values = requirement.values.join(", ");
        format!("{} {operator} {values}", requirement.key)
    });
    equal.chain(among).collect::<Vec<_>>().join("; ")
}
