//! Alerts as Flux users write them, against receivers and incidents.

use super::*;
use engine::definition::{DefinitionFile, notices, read};
use lockstep_types::alert::IncidentSubject;
use lockstep_types::id::IncidentId;
use lockstep_types::time::Micros;
use std::collections::BTreeMap;
use uuid::Uuid;

fn file(text: &str) -> DefinitionFile {
    DefinitionFile {
        path: "clusters/prod/alerts.yaml".to_owned(),
        bytes: text.as_bytes().to_vec(),
    }
}

fn provider(name: &str, kind: &str, more: &str) -> String {
    format!(
        "apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Provider\nmetadata: {{name: {name}, namespace: flux-system}}\nspec: {{type: {kind}{more}}}\n---\n"
    )
}

fn alert(provider: &str, sources: &str, more: &str) -> String {
    format!(
        "apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Alert\nmetadata: {{name: on-call, namespace: flux-system}}\nspec:\n  providerRef: {{name: {provider}}}\n  eventSources: [{sources}]\n{more}---\n"
    )
}

fn receiver(number: u128, name: &str, channel: Channel) -> ReceiverView {
    ReceiverView {
        id: ReceiverId(Uuid::from_u128(number)),
        name: name.to_owned(),
        channel,
        place: String::new(),
        template: String::new(),
        created_at: Micros(0),
    }
}

fn all(text: &str) -> Vec<Heeded> {
    let (notices, problems) = notices([&file(text)]);
    assert_eq!(problems, []);
    let receivers = [
        receiver(1, "chat", Channel::Slack),
        receiver(2, "hook", Channel::Webhook),
    ];
    heeded(&notices, &receivers)
}

#[test]
fn alerts_map_to_receivers_or_say_why_not() {
    let every = "{kind: Kustomization, name: '*'}";
    for (text, expected) in [
        (
            provider("chat", "slack", "") + &alert("chat", every, ""),
            "",
        ),
        (
            provider("chat", "rocket", "") + &alert("chat", every, ""),
            "",
        ),
        (
            provider(
                "hook",
                "generic-hmac",
                ", address: 'https://x.example', secretRef: {name: x}",
            ) + &alert("hook", every, ""),
            "",
        ),
        (
            provider("chat", "msteams", "") + &alert("chat", every, ""),
            "there is no receiver “chat” of the kind Microsoft Teams; add one of this name: address and secret are not taken from Git",
        ),
        (
            provider("chat", "slack", "") + &alert("other", every, ""),
            "there is no Provider flux-system/other in this source, or it cannot be read",
        ),
        (
            provider("chat", "slack", ", suspend: true") + &alert("chat", every, ""),
            "the Provider chat is suspended",
        ),
        (
            provider("chat", "slack", "") + &alert("chat", every, "  suspend: true\n"),
            "it is suspended",
        ),
        (
            provider("chat", "telegram", "") + &alert("chat", every, ""),
            "a Provider of the type telegram has no receiver here",
        ),
        (
            provider("host", "github", "") + &alert("host", every, ""),
            "a Provider of the type github sets commit statuses: add the Git host below Git hosts instead",
        ),
        (
            provider("chat", "slack", "") + &alert("chat", every, "  exclusionList: ['(']\n"),
            "one of its patterns cannot be read, or is too large",
        ),
        (
            provider("chat", "slack", "")
                + &alert("chat", every, "  inclusionList: ['(a{1000}){1000}']\n"),
            "one of its patterns cannot be read, or is too large",
        ),
        (
            provider("chat", "slack", "") + &alert("chat", "{kind: GitRepository, name: '*'}", ""),
            "nothing is told of a GitRepository by itself: what it breaks is told with the applications that read it",
        ),
    ] {
        let found = all(&text);
        let [one] = found.as_slice() else {
            unreachable!("{found:#?}");
        };
        assert_eq!(one.problem, expected, "{text}");
        assert_eq!(one.receiver.is_some(), expected.is_empty(), "{text}");
    }
}

#[test]
fn each_event_source_has_its_line() {
    let two = "{kind: Kustomization, name: '*'}, {kind: HelmRelease, name: web, namespace: apps, matchLabels: {team: a}}";
    let text = provider("chat", "slack", "") + &alert("chat", two, "  eventSeverity: error\n");
    let said: Vec<String> = all(&text)
        .into_iter()
        .map(|one| format!("{} {}", one.place, one.asks))
        .collect();
    assert_eq!(
        said,
        [
            "clusters/prod/alerts.yaml:11 Alert flux-system/on-call: errors of Kustomization flux-system/* → chat",
            "clusters/prod/alerts.yaml:11 Alert flux-system/on-call: errors of HelmRelease apps/web team=a → chat",
        ]
    );
}

#[test]
fn an_alert_wants_what_its_event_sources_and_patterns_say() {
    let text = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: web, namespace: flux-system, labels: {team: a}}\nspec: {path: ./web, prune: true, interval: 1m, sourceRef: {kind: GitRepository, name: shop}}\n---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: shop, namespace: flux-system}\nspec: {url: 'https://git.example.org/team/shop', interval: 1m, ref: {branch: main}}\n";
    let definitions = read(&[file(text)], "prod").applications;
    let definition = definitions.first().unwrap();
    let incident = |condition: Condition, cause: &str| Incident {
        id: IncidentId(Uuid::from_u128(7)),
        subject: IncidentSubject::Source("shop".to_owned()),
        condition,
        severity: condition.severity(),
        cause: cause.to_owned(),
        labels: BTreeMap::new(),
        since: Micros(0),
        opened_at: Micros(0),
        resolved_at: None,
    };
    let failed = incident(Condition::SyncFailed, "timeout waiting for web");
    let drift = incident(Condition::Drift, "2 fields differ");
    for (source, more, incident, expected) in [
        ("{kind: Kustomization, name: '*'}", "", &failed, true),
        ("{kind: Kustomization, name: web}", "", &drift, true),
        ("{kind: Kustomization, name: we}", "", &failed, false),
        ("{kind: HelmRelease, name: web}", "", &failed, false),
        (
            "{kind: Kustomization, name: '*', namespace: apps}",
            "",
            &failed,
            false,
        ),
        (
            "{kind: Kustomization, name: '*', matchLabels: {team: a}}",
            "",
            &failed,
            true,
        ),
        (
            "{kind: Kustomization, name: '*', matchLabels: {team: b}}",
            "",
            &failed,
            false,
        ),
        (
            "{kind: Kustomization, name: '*'}",
            "  eventSeverity: error\n",
            &failed,
            true,
        ),
        (
            "{kind: Kustomization, name: '*'}",
            "  eventSeverity: error\n",
            &drift,
            false,
        ),
        (
            "{kind: Kustomization, name: '*'}",
            "  exclusionList: ['^timeout.*web$']\n",
            &failed,
            false,
        ),
        (
            "{kind: Kustomization, name: '*'}",
            "  exclusionList: ['^timeout.*web$']\n",
            &drift,
            true,
        ),
        (
            "{kind: Kustomization, name: '*'}",
            "  inclusionList: [timeout]\n",
            &failed,
            true,
        ),
        (
            "{kind: Kustomization, name: '*'}",
            "  inclusionList: [timeout]\n",
            &drift,
            false,
        ),
    ] {
        let text = provider("chat", "slack", "") + &alert("chat", source, more);
        let found = all(&text);
        let wants = found[0].wants(definition, incident);
        assert_eq!(wants, expected, "{source} {more} {:?}", incident.condition);
    }
}
