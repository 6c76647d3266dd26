//! The newest Warning event about the object behind a bad health: often the only place that says why.
//!
//! Asked for now and then and never waited for: a cluster that does not answer delays no pass.

use super::{Compared, TargetMemory};
use lockstep_types::health::HealthStatus;
use lockstep_types::resource::ObjectEvent;
use lockstep_types::time::Micros;
use std::time::Duration;

/// An event that is known is looked up again after this time.
const KNOWN_SECONDS: i64 = 60;
/// An event may come after the state it explains.
const SOON_SECONDS: i64 = 10;
/// So often is an event expected soon.
const SOON: u32 = 3;
const WITHIN: Duration = Duration::from_secs(2);
/// Characters that are shown of an event.
const LONGEST: usize = 240;

/// What was found about one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    uid: String,
    at: Micros,
    words: String,
    asked: u32,
}

impl Told {
    /// When an event is expected that did not come yet.
    pub(super) fn again(&self) -> Option<Micros> {
        (self.words.is_empty() && self.asked < SOON).then(|| self.at.plus_seconds(SOON_SECONDS))
    }
}

/// The newest Warning about the culprit in words; empty when there is none, or none that says more than is known.
pub(super) async fn newest(memory: &mut TargetMemory, compared: &Compared, now: Micros) -> String {
    let judged = &compared.judged;
    let bad = matches!(
        judged.health.status,
        HealthStatus::Degraded | HealthStatus::Progressing
    );
    let live = &compared.handle.live;
    let object = judged.culprit.as_ref().and_then(|key| live.peek(key));
    let (true, Some(object)) = (bad, object) else {
        memory.told = None;
        return String::new();
    };
    let asked = match &memory.told {
        Some(told) if told.uid == object.uid => {
            let rest = if told.words.is_empty() && told.asked < SOON {
                SOON_SECONDS
            } else {
                KNOWN_SECONDS
            };
            if now.seconds_since(told.at) < rest {
                return told.words.clone();
            }
            told.asked
        }
        _ => 0,
    };
    let events = tokio::time::timeout(WITHIN, live.events_of(&object.key, Some(&object.uid))).await;
    let words = match events {
        Ok(Ok(events)) => words(&events, &judged.health.message),
        // No right to read them, or no answer: there is nothing to tell.
        Ok(Err(_)) | Err(_) => String::new(),
    };
    memory.told = Some(Told {
        uid: object.uid.clone(),
        at: now,
        words: words.clone(),
        asked: asked.saturating_add(1),
    });
    words
}

fn words(events: &[ObjectEvent], known: &str) -> String {
    let Some(event) = events.iter().find(|event| event.kind == "Warning") else {
        return String::new();
    };
    let message = event
        .message
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let message = message.trim_end_matches('.');
    if message.is_empty() || known.contains(message) {
        return String::new();
    }
    let short: String = message.chars().take(LONGEST).collect();
    let cut = if short.len() < message.len() {
        "…"
    } else {
        ""
    };
    format!("{}: {short}{cut}", event.reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::resource::ResourceKey;

    fn event(kind: &str, message: &str) -> ObjectEvent {
        ObjectEvent {
            object: ResourceKey::new("", "Pod", "shop", "web"),
            kind: kind.to_owned(),
            reason: "FailedMount".to_owned(),
            message: message.to_owned(),
            count: 1,
            last_seen: Micros(0),
        }
    }

    #[test]
    fn the_newest_warning_is_told_if_it_says_more() {
        let events = [
            event("Normal", "Scheduled"),
            event("Warning", "secret \"x\"\n not found."),
            event("Warning", "older"),
        ];
        let told = "FailedMount: secret \"x\" not found";
        assert_eq!(words(&events, "1 of 3 pods is waiting"), told);
        assert_eq!(words(&events, "cannot start: secret \"x\" not found"), "");
        assert_eq!(words(&events[..1], ""), "");
        let long = words(&[event("Warning", &"x".repeat(1000))], "");
        assert_eq!(long.chars().count(), "FailedMount: ".len() + LONGEST + 1);
    }

    #[test]
    fn an_event_is_expected_for_a_while() {
        let told = |words: &str, asked| Told {
            uid: String::new(),
            at: Micros(0),
            words: words.to_owned(),
            asked,
        };
        assert_eq!(told("", 1).again(), Some(Micros(0).plus_seconds(10)));
        assert_eq!(told("", SOON).again(), None);
        assert_eq!(told("x", 1).again(), None);
    }
}
