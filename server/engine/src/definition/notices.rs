//! Who is to be told of what: Flux's `Provider` and `Alert`, read as they are, as
//! <https://fluxcd.io/flux/components/notification/> has them, and Lockstep's own `AlertRoute` and `AlertTemplate`.
//!
//! An address or a secret is never taken from Git: a provider stands for the receiver of its name. What becomes of the rest
//! is decided where receivers are known.

mod own;

pub use own::{NoticeRoute, NoticeText};

use super::collect::{MAX_FILE_BYTES, read_frame};
use super::fields::{Head, Place, Report, in_document};
use super::flux::DEFAULT_NAMESPACE;
use super::{DefinitionFile, DefinitionProblem};
use crate::yaml::{self, Kind, Node};
use std::collections::BTreeMap;

const GROUP: &str = "notification.toolkit.fluxcd.io";
const RECEIVER: &str = "addresses and secrets are those of the receiver in Lockstep";

/// What files ask for, in the order of path and line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notices {
    pub providers: Vec<NoticeProvider>,
    pub alerts: Vec<NoticeAlert>,
    pub routes: Vec<NoticeRoute>,
    pub texts: Vec<NoticeText>,
}

/// A `Provider`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeProvider {
    pub namespace: String,
    pub name: String,
    /// `slack`, `generic-hmac` …, as written.
    pub kind: String,
    pub suspend: bool,
}

/// An `Alert`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeAlert {
    pub namespace: String,
    pub name: String,
    pub path: String,
    /// 1-based line of the document.
    pub line: u32,
    /// Name of a provider in the same namespace.
    pub provider: String,
    /// `eventSeverity: error`.
    pub only_errors: bool,
    pub sources: Vec<EventSource>,
    /// Patterns, one of which must match; empty: none need to.
    pub include: Vec<String>,
    /// Patterns, none of which may match.
    pub exclude: Vec<String>,
    pub suspend: bool,
}

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSource {
    pub kind: String,
    pub namespace: String,
    /// `*`: all of the namespace.
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// 1-based.
    pub line: u32,
}

/// Whether an object can hold a notice.
pub fn may_hold_notices(group: &str, kind: &str) -> bool {
    group == GROUP && matches!(kind, "Provider" | "Alert")
        || group == own::GROUP && matches!(kind, own::ROUTE | own::TEMPLATE)
}

/// Notices of the files, and what is wrong with some. Files that cannot be read are left to others to name.
pub fn read<'f>(
    files: impl IntoIterator<Item = &'f DefinitionFile>,
) -> (Notices, Vec<DefinitionProblem>) {
    let (mut notices, mut problems) = (Notices::default(), Vec::new());
    for file in files {
        let holds = |bytes: &[u8]| {
            [GROUP, own::GROUP].into_iter().any(|group| {
                let mut windows = bytes.windows(group.len());
                windows.any(|window| window == group.as_bytes())
            })
        };
        let ending = file.path.rsplit_once('.').map_or("", |(_, ending)| ending);
        if file.bytes.len() > MAX_FILE_BYTES
            || !matches!(ending, "yaml" | "yml" | "json" | "")
            || !holds(&file.bytes)
        {
            continue;
        }
        let documents = yaml::text_of(&file.bytes).and_then(yaml::documents);
        for document in documents.unwrap_or_default() {
            let Ok(node) = document.node() else { continue };
            let line = document.line;
            match node.get("items").map(|items| &items.kind) {
                Some(Kind::List(items)) => {
                    for item in items {
                        notices.object(&file.path, item.line, item, &mut problems);
                    }
                }
                _ => notices.object(&file.path, line, &node, &mut problems),
            }
        }
    }
    (notices, problems)
}

impl Notices {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.providers.is_empty()
            && self.alerts.is_empty()
            && self.routes.is_empty()
            && self.texts.is_empty()
    }

    fn object(
        &mut self,
        path: &str,
        line: u32,
        node: &Node,
        problems: &mut Vec<DefinitionProblem>,
    ) {
        let head = Head::of(node, DEFAULT_NAMESPACE);
        if !may_hold_notices(&head.group, &head.kind) {
            return;
        }
        let (namespace, name) = (head.namespace.clone(), head.name.as_str());
        let report = Report::default();
        let place = Place::root(&report, node);
        read_frame(&place);
        place.ignore("status", "it is Flux's own");
        let spec = place.at("spec");
        let at = own::At { path, line, name };
        match head.kind.as_str() {
            own::ROUTE => self.route(&spec, &at),
            own::TEMPLATE => self.template(&spec, &at),
            "Provider" => self.providers.push(provider(&spec, namespace, name)),
            _ => self.alerts.push(NoticeAlert {
                path: path.to_owned(),
                line,
                ..alert(&spec, namespace, name)
            }),
        }
        spec.done();
        place.done();
        let (wrong, _) = report.into_parts();
        problems.extend(in_document(&head, path, line, wrong));
    }
}

fn provider(spec: &Place<'_>, namespace: String, name: &str) -> NoticeProvider {
    spec.ignore_all(
        &[
            "address",
            "secretRef",
            "certSecretRef",
            "proxy",
            "proxySecretRef",
            "channel",
            "username",
            "serviceAccountName",
            "interval",
            "timeout",
            "commitStatusExpr",
        ],
        RECEIVER,
    );
    NoticeProvider {
        namespace,
        name: name.to_owned(),
        kind: spec.required("type"),
        suspend: spec.flag("suspend").unwrap_or(false),
    }
}

fn alert(spec: &Place<'_>, namespace: String, name: &str) -> NoticeAlert {
    let reference = spec.at("providerRef");
    let provider = reference.required("name");
    reference.done();
    let severity = spec.text("eventSeverity");
    if !matches!(severity.as_str(), "" | "info" | "error") {
        spec.problem(
            "eventSeverity",
            "it must be info or error",
            "Correct the definition in Git.",
        );
    }
    spec.ignore_all(
        &["eventMetadata", "summary"],
        "the text is that of the receiver's template in Lockstep",
    );
    let sources = spec.list("eventSources").into_iter().map(|source| {
        source.ignore("apiVersion", "the kind is enough");
        let own = source.text("namespace");
        let read = EventSource {
            kind: source.required("kind"),
            name: source.required("name"),
            namespace: if own.is_empty() {
                namespace.clone()
            } else {
                own
            },
            labels: source.text_map("matchLabels"),
            line: source.line(),
        };
        source.done();
        read
    });
    NoticeAlert {
        sources: sources.collect(),
        namespace: namespace.clone(),
        name: name.to_owned(),
        path: String::new(),
        line: 0,
        provider,
        only_errors: severity == "error",
        include: spec.texts("inclusionList"),
        exclude: spec.texts("exclusionList"),
        suspend: spec.flag("suspend").unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: slack, namespace: flux-system}
spec:
  type: slack
  channel: general
  address: https://hooks.example.org/xyz
  secretRef: {name: slack-url}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: on-call, namespace: flux-system}
spec:
  providerRef: {name: slack}
  eventSeverity: error
  eventSources:
    - {kind: Kustomization, name: '*'}
    - {kind: HelmRelease, name: podinfo, namespace: apps, matchLabels: {team: a}}
  exclusionList: ['waiting.*socket']
  inclusionList: []
  suspend: true
";

    fn read_text(text: &str) -> (Notices, Vec<String>) {
        let file = DefinitionFile {
            path: "clusters/alerts.yaml".to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        let (notices, problems) = read([&file]);
        let words = |problem: DefinitionProblem| {
            format!("{}:{} {}", problem.path, problem.line, problem.message)
        };
        (notices, problems.into_iter().map(words).collect())
    }

    #[test]
    fn providers_and_alerts_are_read_as_they_are() {
        let (notices, problems) = read_text(FILE);
        assert_eq!(problems, [""; 0]);
        let [provider] = notices.providers.as_slice() else {
            unreachable!("{notices:#?}");
        };
        assert_eq!(
            (provider.name.as_str(), provider.kind.as_str()),
            ("slack", "slack")
        );
        let [alert] = notices.alerts.as_slice() else {
            unreachable!("{notices:#?}");
        };
        assert_eq!(
            (alert.path.as_str(), alert.line),
            ("clusters/alerts.yaml", 10)
        );
        assert_eq!(
            (alert.provider.as_str(), alert.only_errors, alert.suspend),
            ("slack", true, true)
        );
        assert_eq!(alert.exclude, ["waiting.*socket"]);
        let sources: Vec<_> = alert
            .sources
            .iter()
            .map(|source| {
                (
                    source.kind.as_str(),
                    source.namespace.as_str(),
                    source.name.as_str(),
                    source.line,
                )
            })
            .collect();
        assert_eq!(
            sources,
            [
                ("Kustomization", "flux-system", "*", 17),
                ("HelmRelease", "apps", "podinfo", 18),
            ]
        );
        assert_eq!(alert.sources[1].labels["team"], "a");
    }

    #[test]
    fn what_is_wrong_is_named_with_file_and_line() {
        for (from, to, expected) in [
            (
                "  type: slack\n",
                "",
                "clusters/alerts.yaml:4 Provider slack: spec.type is missing",
            ),
            (
                "eventSeverity: error",
                "eventSeverity: loud",
                "clusters/alerts.yaml:15 Alert on-call: spec.eventSeverity must be info or error",
            ),
            (
                "suspend: true",
                "suspend: perhaps",
                "clusters/alerts.yaml:21 Alert on-call: spec.suspend is text and must be true or false",
            ),
        ] {
            let (_, problems) = read_text(&FILE.replace(from, to));
            assert_eq!(problems, [expected], "{to}");
        }
        // Others' kinds, and what is no YAML, are not for here.
        for text in [
            FILE.replace("Provider", "Receiver")
                .replace("Alert", "Receiver"),
            format!("{GROUP}: [\n"),
            FILE.replace("notification.toolkit", "other.toolkit"),
        ] {
            assert_eq!(read_text(&text), (Notices::default(), Vec::new()));
        }
    }

    #[test]
    fn a_list_holds_many() {
        let (notices, _) = read_text(
            "apiVersion: v1\nkind: List\nitems:\n- apiVersion: notification.toolkit.fluxcd.io/v1\n  kind: Provider\n  metadata: {name: a}\n  spec: {type: generic}\n",
        );
        assert_eq!(notices.providers[0].namespace, "flux-system");
        assert!(!notices.is_empty());
    }
}
