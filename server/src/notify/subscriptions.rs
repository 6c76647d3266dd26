//! What definitions in Git ask for: Argo CD's `notifications.argoproj.io/subscribe.<trigger>.<service>: recipient`,
//! read as far as it maps to conditions and receivers here. Pure.

use lockstep_types::alert::Condition;
use lockstep_types::id::ReceiverId;
use lockstep_types::notify::{Channel, ReceiverView};
use std::collections::BTreeMap;

const PREFIX: &str = "notifications.argoproj.io/subscribe.";

/// One subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asking {
    /// `on-health-degraded → slack/my-channel`.
    pub asks: String,
    pub conditions: Vec<Condition>,
    pub receiver: Option<ReceiverId>,
    /// Why it comes to nothing here; empty when it is in force.
    pub problem: String,
}

/// Reads the annotations of one application.
pub(crate) fn subscriptions(
    annotations: &BTreeMap<String, String>,
    receivers: &[ReceiverView],
) -> Vec<Asking> {
    annotations
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, value)))
        .flat_map(|(rest, value)| {
            let (trigger, service) = rest.split_once('.').unwrap_or(("", rest));
            let recipients: Vec<&str> = match value.trim() {
                "" => vec![""],
                value => value.split(';').map(str::trim).collect(),
            };
            recipients
                .into_iter()
                .map(|recipient| asking(trigger, service, recipient, receivers))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn asking(trigger: &str, service: &str, recipient: &str, receivers: &[ReceiverView]) -> Asking {
    let asks = match (trigger, recipient) {
        ("", recipient) => format!("every alert → {service}/{recipient}"),
        (trigger, "") => format!("{trigger} → {service}"),
        (trigger, recipient) => format!("{trigger} → {service}/{recipient}"),
    };
    let conditions = conditions(trigger);
    // A webhook of Argo CD is named by its service and often has no recipient.
    let name = if recipient.is_empty() {
        service
    } else {
        recipient
    };
    let channel = channel(service);
    let receiver = receivers
        .iter()
        .find(|receiver| receiver.name == name && receiver.channel == channel)
        .map(|receiver| receiver.id);
    let problem = match (conditions.is_empty(), receiver) {
        (true, _) => format!(
            "the trigger {trigger} has no alert here: deployments are told by commit statuses"
        ),
        (false, None) => format!(
            "there is no receiver “{name}” of the kind {}; add one of this name",
            channel.title()
        ),
        (false, Some(_)) => String::new(),
    };
    Asking {
        asks,
        conditions,
        receiver,
        problem,
    }
}

fn conditions(trigger: &str) -> Vec<Condition> {
    match trigger {
        "" => Condition::ALL.to_vec(),
        "on-health-degraded" => vec![Condition::Degraded],
        "on-sync-failed" => vec![Condition::SyncFailed],
        "on-sync-status-unknown" => vec![Condition::RenderBroken, Condition::Stale],
        "on-out-of-sync" | "on-sync-status-out-of-sync" => {
            vec![Condition::OutOfSync, Condition::Drift]
        }
        other => Condition::from_word(other.strip_prefix("on-").unwrap_or(other))
            .into_iter()
            .collect(),
    }
}

fn channel(service: &str) -> Channel {
    match service {
        "slack" | "mattermost" | "rocketchat" => Channel::Slack,
        "teams" | "teams-workflows" => Channel::Teams,
        "email" => Channel::Email,
        "pagerduty" | "pagerdutyv2" => Channel::PagerDuty,
        _ => Channel::Webhook,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::time::Micros;
    use uuid::Uuid;

    #[test]
    fn annotations_map_to_receivers_or_say_why_not() {
        let receiver = |number: u128, name: &str, channel| ReceiverView {
            id: ReceiverId(Uuid::from_u128(number)),
            name: name.to_owned(),
            channel,
            place: String::new(),
            template: String::new(),
            created_at: Micros(0),
        };
        let receivers = [
            receiver(1, "team-a", Channel::Slack),
            receiver(2, "hook", Channel::Webhook),
        ];
        let annotations: BTreeMap<String, String> = [
            (
                "notifications.argoproj.io/subscribe.on-health-degraded.slack",
                "team-a;team-b",
            ),
            (
                "notifications.argoproj.io/subscribe.on-deployed.slack",
                "team-a",
            ),
            (
                "notifications.argoproj.io/subscribe.on-sync-failed.hook",
                "",
            ),
            ("notifications.argoproj.io/subscribe.slack", "team-a"),
            ("other/x", "y"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        let read: Vec<String> = subscriptions(&annotations, &receivers)
            .into_iter()
            .map(|asking| {
                format!(
                    "{} [{}] {}",
                    asking.asks,
                    asking.conditions.len(),
                    asking.problem
                )
            })
            .collect();
        assert_eq!(
            read,
            [
                "on-deployed → slack/team-a [0] the trigger on-deployed has no alert here: deployments are told by commit statuses",
                "on-health-degraded → slack/team-a [1] ",
                "on-health-degraded → slack/team-b [1] there is no receiver “team-b” of the kind Slack, Mattermost; add one of this name",
                "on-sync-failed → hook [1] ",
                "every alert → slack/team-a [10] ",
            ]
        );
    }
}
