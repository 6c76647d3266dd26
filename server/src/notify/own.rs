//! Routes and texts that sources have in Git, as far as they map to receivers here. Pure.
//!
//! A source has a say in the alerts of its own applications alone: what it routes narrows nothing for others, and its text
//! is sent only with messages that tell of nothing else. An address or a secret is never taken from Git.

use super::routing::check_quiet;
use super::template;
use engine::definition::{NoticeRoute, NoticeText, Notices};
use lockstep_types::alert::{Condition, Severity};
use lockstep_types::id::ReceiverId;
use lockstep_types::notify::{ReceiverView, Route};

/// A route of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnRoute {
    /// `alerts/shop.yaml:12`.
    pub place: String,
    /// `AlertRoute nights: degraded → on-call`.
    pub asks: String,
    /// Whose alerts go where; `None` with a problem.
    pub route: Option<(ReceiverId, Route)>,
    /// Why it comes to nothing here; empty when it is in force.
    pub problem: String,
}

/// A text of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnText {
    pub place: String,
    pub asks: String,
    pub receivers: Vec<ReceiverId>,
    pub text: String,
    pub problem: String,
}

/// The routes of one source.
pub(crate) fn own_routes(notices: &Notices, receivers: &[ReceiverView]) -> Vec<OwnRoute> {
    let of = |written: &NoticeRoute| {
        let what = match written.conditions.is_empty() {
            true => "every alert".to_owned(),
            false => written.conditions.join(", "),
        };
        let read = named(&written.receiver, receivers)
            .and_then(|receiver| route(written).map(|route| (receiver, route)));
        let (route, problem) = match read {
            Ok(route) => (Some(route), String::new()),
            Err(why) => (None, why),
        };
        OwnRoute {
            place: format!("{}:{}", written.path, written.line),
            asks: format!("AlertRoute {}: {what} → {}", written.name, written.receiver),
            route,
            problem,
        }
    };
    notices.routes.iter().map(of).collect()
}

/// The texts of one source.
pub(crate) fn own_texts(notices: &Notices, receivers: &[ReceiverView]) -> Vec<OwnText> {
    let of = |written: &NoticeText| {
        let found: Result<Vec<ReceiverId>, String> = written
            .receivers
            .iter()
            .map(|name| named(name, receivers))
            .collect();
        let tried = template::render(&written.text, &template::example(""));
        let (receivers, problem) = match (found, tried) {
            (Ok(receivers), Ok(_)) => (receivers, String::new()),
            (Err(why), _) => (Vec::new(), why),
            (_, Err(why)) => (Vec::new(), format!("its text cannot be made: {why}")),
        };
        OwnText {
            place: format!("{}:{}", written.path, written.line),
            asks: format!(
                "AlertTemplate {} → {}",
                written.name,
                written.receivers.join(", ")
            ),
            receivers,
            text: written.text.clone(),
            problem,
        }
    };
    notices.texts.iter().map(of).collect()
}

fn named(name: &str, receivers: &[ReceiverView]) -> Result<ReceiverId, String> {
    let mut found = receivers.iter().filter(|receiver| receiver.name == name);
    match (found.next(), found.next()) {
        (Some(receiver), None) => Ok(receiver.id),
        (None, _) => Err(format!(
            "there is no receiver “{name}”; add one of this name: address and secret are not taken from Git"
        )),
        (Some(_), Some(_)) => Err(format!(
            "there are several receivers “{name}”; give each a name of its own"
        )),
    }
}

fn route(written: &NoticeRoute) -> Result<Route, String> {
    let conditions: Result<Vec<Condition>, String> = written
        .conditions
        .iter()
        .map(|word| {
            Condition::from_word(word).ok_or_else(|| {
                let all: Vec<&str> = Condition::ALL.iter().map(|it| it.word()).collect();
                format!("“{word}” is no condition; there are {}", all.join(", "))
            })
        })
        .collect();
    let least = match written.least.as_str() {
        "" => Severity::Info,
        word => Severity::from_word(word)
            .ok_or_else(|| format!("“{word}” is not info, warning or critical"))?,
    };
    Ok(Route {
        conditions: conditions?,
        least,
        labels: written.labels.clone().into_iter().collect(),
        quiet: check_quiet(&written.quiet)?,
        after_seconds: written.after_seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::notify::Channel;
    use lockstep_types::time::Micros;
    use uuid::Uuid;

    fn receiver(number: u128, name: &str) -> ReceiverView {
        ReceiverView {
            id: ReceiverId(Uuid::from_u128(number)),
            name: name.to_owned(),
            channel: Channel::Webhook,
            place: String::new(),
            template: String::new(),
            created_at: Micros(0),
        }
    }

    fn written() -> NoticeRoute {
        NoticeRoute {
            name: "nights".to_owned(),
            path: "a.yaml".to_owned(),
            line: 3,
            receiver: "on-call".to_owned(),
            conditions: vec!["degraded".to_owned()],
            least: "warning".to_owned(),
            labels: [("cluster".to_owned(), "prod-*".to_owned())].into(),
            quiet: "22:00-07:00".to_owned(),
            after_seconds: 900,
        }
    }

    fn with(route: NoticeRoute) -> OwnRoute {
        let receivers = [
            receiver(1, "on-call"),
            receiver(2, "twice"),
            receiver(3, "twice"),
        ];
        let notices = Notices {
            routes: vec![route],
            ..Notices::default()
        };
        own_routes(&notices, &receivers).remove(0)
    }

    #[test]
    fn a_route_that_maps_is_in_force() {
        let found = with(written());
        assert_eq!(
            (found.place.as_str(), found.asks.as_str()),
            ("a.yaml:3", "AlertRoute nights: degraded → on-call")
        );
        let (receiver, route) = found.route.unwrap();
        assert_eq!(receiver, ReceiverId(Uuid::from_u128(1)));
        assert_eq!(
            (route.conditions, route.least, route.after_seconds),
            (vec![Condition::Degraded], Severity::Warning, 900)
        );
        assert_eq!(route.quiet.map(|quiet| quiet.from), Some(22 * 60));
    }

    #[test]
    fn what_does_not_map_says_why() {
        let other = |change: fn(&mut NoticeRoute)| {
            let mut route = written();
            change(&mut route);
            with(route)
        };
        for (found, said) in [
            (
                other(|it| it.receiver = "nobody".to_owned()),
                "no receiver “nobody”",
            ),
            (
                other(|it| it.receiver = "twice".to_owned()),
                "several receivers “twice”",
            ),
            (
                other(|it| it.conditions = vec!["sad".to_owned()]),
                "“sad” is no condition",
            ),
            (
                other(|it| it.least = "loud".to_owned()),
                "“loud” is not info",
            ),
            (other(|it| it.quiet = "at night".to_owned()), "is not"),
        ] {
            assert!(found.route.is_none());
            assert!(found.problem.contains(said), "{said}: {}", found.problem);
        }
    }

    #[test]
    fn a_text_is_tried_before_it_is_in_force() {
        let text = |text: &str| {
            let notices = Notices {
                texts: vec![NoticeText {
                    name: "short".to_owned(),
                    path: "a.yaml".to_owned(),
                    line: 1,
                    receivers: vec!["on-call".to_owned()],
                    text: text.to_owned(),
                }],
                ..Notices::default()
            };
            own_texts(&notices, &[receiver(1, "on-call")]).remove(0)
        };
        assert_eq!(text("{{ opened }} open").problem, "");
        for (written, said) in [
            ("{{ nobody.name }}", "undefined"),
            (
                "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
                "too many steps",
            ),
        ] {
            let found = text(written);
            assert!(
                found.receivers.is_empty() && found.problem.contains(said),
                "{}",
                found.problem
            );
        }
    }
}
