//! Lockstep's own kinds: which alerts of a source's applications go to a receiver, and in which words.

use super::Notices;
use crate::definition::fields::Place;
use crate::definition::flux::duration;
use std::collections::BTreeMap;

pub(super) const GROUP: &str = "lockstep.dev";
pub(super) const ROUTE: &str = "AlertRoute";
pub(super) const TEMPLATE: &str = "AlertTemplate";
/// Of one source.
const MOST: usize = 200;

/// An `AlertRoute`. Words and spans that only the server can read are kept as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRoute {
    pub name: String,
    pub path: String,
    /// 1-based line of the document.
    pub line: u32,
    /// Name of a receiver.
    pub receiver: String,
    /// Empty: all.
    pub conditions: Vec<String>,
    /// Empty: any.
    pub least: String,
    /// Patterns, all of which must fit.
    pub labels: BTreeMap<String, String>,
    /// `22:00-07:00 Europe/Berlin`; empty: never.
    pub quiet: String,
    /// Only what is still open so many seconds after its opening.
    pub after_seconds: u32,
}

/// An `AlertTemplate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeText {
    pub name: String,
    pub path: String,
    /// 1-based line of the document.
    pub line: u32,
    /// Names of receivers.
    pub receivers: Vec<String>,
    pub text: String,
}

/// Where a document is, and what it is called.
pub(super) struct At<'a> {
    pub path: &'a str,
    pub line: u32,
    pub name: &'a str,
}

impl Notices {
    pub(super) fn route(&mut self, spec: &Place<'_>, at: &At<'_>) {
        let after = spec.text("after");
        let seconds = match after.is_empty() {
            true => Some(0),
            false => duration::seconds(&after),
        };
        if seconds.is_none() {
            spec.problem(
                "after",
                "it is no span of time",
                "Write it as 15m or 1h30m.",
            );
        }
        let route = NoticeRoute {
            name: at.name.to_owned(),
            path: at.path.to_owned(),
            line: at.line,
            receiver: spec.required("receiver"),
            conditions: spec.texts("conditions"),
            least: spec.text("least"),
            labels: spec.text_map("labels"),
            quiet: spec.text("quiet"),
            after_seconds: seconds.unwrap_or_default(),
        };
        if self.routes.len() < MOST && seconds.is_some() && !route.receiver.is_empty() {
            self.routes.push(route);
        }
    }

    pub(super) fn template(&mut self, spec: &Place<'_>, at: &At<'_>) {
        let receivers = spec.texts("receivers");
        if receivers.is_empty() {
            spec.problem(
                "receivers",
                "it is missing",
                "Name the receivers that get this text.",
            );
        }
        let text = NoticeText {
            name: at.name.to_owned(),
            path: at.path.to_owned(),
            line: at.line,
            receivers,
            text: spec.required("text"),
        };
        if self.texts.len() < MOST && !text.receivers.is_empty() && !text.text.is_empty() {
            self.texts.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use crate::definition::DefinitionFile;

    const FILE: &str = "apiVersion: lockstep.dev/v1
kind: AlertRoute
metadata: {name: nights}
spec:
  receiver: on-call
  conditions: [degraded, sync-failed]
  least: warning
  labels: {cluster: prod-*}
  quiet: 22:00-07:00 Europe/Berlin
  after: 15m
---
apiVersion: lockstep.dev/v1
kind: AlertTemplate
metadata: {name: short}
spec:
  receivers: [on-call]
  text: |
    {{ title }}
";

    fn found(text: &str) -> (super::Notices, Vec<String>) {
        let file = DefinitionFile {
            path: "alerts.yaml".to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        let (notices, problems) = read([&file]);
        let words = problems
            .into_iter()
            .map(|problem| format!("{} {}", problem.line, problem.message));
        (notices, words.collect())
    }

    #[test]
    fn routes_and_texts_are_read_whole() {
        let (notices, problems) = found(FILE);
        assert_eq!(problems, [""; 0]);
        let (route, text) = (&notices.routes[0], &notices.texts[0]);
        assert_eq!(
            (route.line, route.receiver.as_str(), route.after_seconds),
            (1, "on-call", 900)
        );
        assert_eq!(route.labels["cluster"], "prod-*");
        assert_eq!((text.line, text.text.as_str()), (12, "{{ title }}\n"));
    }

    #[test]
    fn what_is_wrong_is_named_and_left_out() {
        for (from, to, said) in [
            (
                "  receiver: on-call\n",
                "",
                "AlertRoute nights: spec.receiver is missing",
            ),
            (
                "after: 15m",
                "after: soon",
                "AlertRoute nights: spec.after is no span of time",
            ),
            (
                "receivers: [on-call]",
                "receivers: []",
                "AlertTemplate short: spec.receivers is missing",
            ),
        ] {
            let (notices, problems) = found(&FILE.replace(from, to));
            assert!(problems[0].contains(said), "{problems:?}");
            assert_eq!(notices.routes.len() + notices.texts.len(), 1, "{from}");
        }
    }
}
