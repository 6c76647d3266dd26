//! A message in the form of each service. Pure: from what is told to the requests that tell it.

use super::outgoing::Outgoing;
use super::secret::ReceiverSecret;
use hmac::{Hmac, Mac};
use lockstep_types::alert::{Condition, Severity};
use lockstep_types::id::MessageId;
use lockstep_types::notify::Channel;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeSet;

/// Where PagerDuty takes events, when no other address was given.
pub(crate) const PAGER_DUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// Services cut off or refuse longer texts.
const LONGEST: usize = 3_000;

/// A request to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// The requests of a message; none for mail, which is no request. Where a receiver keeps one alert per condition, those in
/// `newer` are left to the message that knows better.
pub(super) fn requests(
    channel: Channel,
    secret: &ReceiverSecret,
    message: &Outgoing,
    id: MessageId,
    owner: &str,
    newer: &BTreeSet<Condition>,
) -> Vec<Request> {
    let url = secret.address.clone();
    match channel {
        Channel::Webhook => vec![webhook(url, secret, message, id)],
        Channel::Slack => vec![plain(url, &json!({"text": slack(message)}))],
        Channel::Teams => vec![plain(url, &teams(message))],
        Channel::PagerDuty => pager_duty(url, secret, message, owner, newer),
        Channel::Email => Vec::new(),
    }
}

fn plain(url: String, body: &Value) -> Request {
    Request {
        method: Method::POST,
        url,
        headers: Vec::new(),
        body: body.to_string(),
    }
}

/// The message as it is, signed as Git hosts sign theirs. Its id is the same for every attempt.
fn webhook(url: String, secret: &ReceiverSecret, message: &Outgoing, id: MessageId) -> Request {
    let mut body = json!({ "id": id.to_string() });
    if let (Some(body), Ok(Value::Object(rest))) =
        (body.as_object_mut(), serde_json::to_value(message))
    {
        body.extend(rest);
    }
    let body = body.to_string();
    let mut headers = vec![("x-lockstep-delivery", id.to_string())];
    if !secret.secret.is_empty() {
        headers.push((
            "x-lockstep-signature-256",
            format!("sha256={}", sign(secret.secret.as_bytes(), body.as_bytes())),
        ));
    }
    Request {
        method: Method::POST,
        url,
        headers,
        body,
    }
}

/// HMAC-SHA-256 in hexadecimal.
fn sign(key: &[u8], body: &[u8]) -> String {
    // Keys of any length are taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new();
    };
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain("…".chars()).collect()
}

/// Names from Git and clusters must not become mentions or links.
fn slack(message: &Outgoing) -> String {
    let escaped = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    format!(
        "*{}*\n{}",
        escaped(&message.title).replace('*', "∗"),
        escaped(&shortened(&message.text))
    )
}

fn teams(message: &Outgoing) -> Value {
    let colour = match (message.opened, message.severity) {
        (0, _) => "Good",
        (_, Severity::Critical) => "Attention",
        (_, Severity::Warning) => "Warning",
        (_, Severity::Info) => "Default",
    };
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [
                    {"type": "TextBlock", "size": "Medium", "weight": "Bolder", "wrap": true, "color": colour, "text": message.title},
                    {"type": "TextBlock", "wrap": true, "text": shortened(&message.text).replace('\n', "\n\n")},
                ],
                "actions": [{"type": "Action.OpenUrl", "title": "Open in Lockstep", "url": message.link}],
            },
        }],
    })
}

/// All conditions that a message tells of. An earlier version wrote down only its incidents.
pub(super) fn conditions(message: &Outgoing) -> BTreeSet<Condition> {
    let named = message.items.iter().map(|item| item.condition);
    named.chain(message.conditions.iter().copied()).collect()
}

/// Events API v2. One alert per condition, whose number rises and falls, and which ends when none is left: so a
/// thousand alerts at once page once.
fn pager_duty(
    url: String,
    secret: &ReceiverSecret,
    message: &Outgoing,
    owner: &str,
    newer: &BTreeSet<Condition>,
) -> Vec<Request> {
    conditions(message)
        .difference(newer)
        .copied()
        .map(|condition| {
            let of_it: Vec<_> = message
                .items
                .iter()
                .filter(|item| item.condition == condition)
                .collect();
            let left = message.left.get(&condition).copied().unwrap_or(0);
            let action = if left == 0 { "resolve" } else { "trigger" };
            let first = of_it.first().map_or("", |item| item.subject.as_str());
            let summary = match left {
                0 | 1 => format!("{}: {first}", condition.title()),
                many => format!("{}: {first} and others, {many} in all", condition.title()),
            };
            let severity = match condition.severity() {
                Severity::Critical => "critical",
                Severity::Warning => "warning",
                Severity::Info => "info",
            };
            let links: Vec<Value> = of_it
                .iter()
                .take(5)
                .map(|item| json!({"href": item.link, "text": item.subject}))
                .collect();
            plain(
                url.clone(),
                &json!({
                    "routing_key": secret.secret,
                    "event_action": action,
                    "dedup_key": format!("lockstep/{owner}/{}", condition.word()),
                    "client": "Lockstep",
                    "client_url": message.link,
                    "links": links,
                    "payload": {
                        "summary": summary.chars().take(1000).collect::<String>(),
                        "source": "lockstep",
                        "severity": severity,
                        "class": condition.word(),
                        "custom_details": {"text": shortened(&message.text)},
                    },
                }),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::example;
    use uuid::Uuid;

    fn made(channel: Channel) -> Vec<Request> {
        let secret = ReceiverSecret {
            address: "https://hooks.example.com/x".to_owned(),
            secret: "key".to_owned(),
            ..ReceiverSecret::default()
        };
        let mut message = example("https://lockstep.example.org");
        message.items[0].subject = "<!channel> & *co*".to_owned();
        message.title = "<!channel>".to_owned();
        requests(
            channel,
            &secret,
            &message,
            MessageId(Uuid::nil()),
            "r1",
            &BTreeSet::new(),
        )
    }

    fn body(request: &Request) -> Value {
        serde_json::from_str(&request.body).unwrap()
    }

    #[test]
    fn a_webhook_is_signed_over_its_whole_body() {
        let [request] = made(Channel::Webhook).try_into().unwrap();
        let expected = sign(b"key", request.body.as_bytes());
        assert!(
            request
                .headers
                .contains(&("x-lockstep-signature-256", format!("sha256={expected}")))
        );
        // RFC 4231, test case 2.
        assert_eq!(
            sign(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let body = body(&request);
        assert_eq!(body["items"][0]["condition"], "drift");
        assert_eq!(body["items"][1]["news"], "resolved");
        assert!(!request.body.contains("\"key\""));
    }

    #[test]
    fn slack_text_mentions_nobody() {
        let [request] = made(Channel::Slack).try_into().unwrap();
        let text = body(&request)["text"].as_str().unwrap().to_owned();
        assert!(text.starts_with("*&lt;!channel&gt;*\n"), "{text}");
        assert!(!text.contains("<!"));
    }

    #[test]
    fn teams_gets_an_adaptive_card() {
        let [request] = made(Channel::Teams).try_into().unwrap();
        let card = &body(&request)["attachments"][0];
        assert_eq!(
            card["contentType"],
            "application/vnd.microsoft.card.adaptive"
        );
        assert_eq!(
            card["content"]["actions"][0]["url"],
            "https://lockstep.example.org/alerts"
        );
    }

    #[test]
    fn pager_duty_has_one_alert_per_condition_that_ends_with_the_last() {
        let events: Vec<Value> = made(Channel::PagerDuty).iter().map(body).collect();
        let short: Vec<_> = events
            .iter()
            .map(|event| {
                (
                    event["event_action"].as_str().unwrap(),
                    event["dedup_key"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            short,
            [
                ("trigger", "lockstep/r1/drift"),
                ("resolve", "lockstep/r1/degraded")
            ]
        );
        assert_eq!(events[0]["payload"]["severity"], "warning");
        assert_eq!(events[0]["routing_key"], "key");

        let secret = ReceiverSecret::default();
        let message = example("https://lockstep.example.org");
        let id = MessageId(Uuid::nil());
        let newer = [Condition::Drift].into();
        let late = requests(Channel::PagerDuty, &secret, &message, id, "r1", &newer);
        assert_eq!(late.len(), 1, "a late trigger opens nothing again");
        assert_eq!(body(&late[0])["event_action"], "resolve");
    }
}
