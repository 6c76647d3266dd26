//! A message as it is kept in the queue: what it tells, without any secret and not yet in anybody's form.

use crate::store::message::News;
use lockstep_types::alert::{Condition, Incident, IncidentSubject, Severity};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Incidents named in one message; the others are counted.
const NAMED: usize = 50;

/// What a message tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    /// One line.
    pub title: String,
    /// The whole text, as the template or Lockstep wrote it.
    pub text: String,
    pub opened: u32,
    pub resolved: u32,
    /// Incidents that [`Outgoing::items`] leaves out.
    pub left_out: u32,
    /// The worst of what was opened, or of what is over.
    pub severity: Severity,
    pub items: Vec<Item>,
    /// What it tells of, also in incidents that are left out.
    #[serde(default)]
    pub conditions: BTreeSet<Condition>,
    /// Still open by condition, among those that the receiver knows of.
    pub left: BTreeMap<Condition, u32>,
    /// The page of alerts.
    pub link: String,
}

/// One incident of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub id: String,
    /// `opened` or `resolved`.
    pub news: String,
    pub condition: Condition,
    pub title: String,
    pub severity: Severity,
    /// `shop / cart on prod-eu`.
    pub subject: String,
    pub cause: String,
    /// RFC 3339.
    pub since: String,
    pub opened_at: String,
    pub resolved_at: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub link: String,
}

/// Puts a message together. Opened before resolved, the worst first.
pub(super) fn compose(
    public_url: &str,
    told: &[(&Incident, News)],
    left: BTreeMap<Condition, u32>,
) -> Outgoing {
    let mut told: Vec<_> = told.to_vec();
    told.sort_by_key(|(incident, news)| {
        (
            *news,
            std::cmp::Reverse(incident.severity),
            incident.opened_at,
            incident.id,
        )
    });
    let count = |wanted: News| {
        let number = told.iter().filter(|(_, news)| *news == wanted).count();
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    let (opened, resolved) = (count(News::Opened), count(News::Resolved));
    let severity = told
        .iter()
        .filter(|(_, news)| opened == 0 || *news == News::Opened)
        .map(|(incident, _)| incident.severity)
        .max()
        .unwrap_or(Severity::Info);
    let items: Vec<Item> = told
        .iter()
        .take(NAMED)
        .map(|(incident, news)| item(public_url, incident, *news))
        .collect();
    let left_out = u32::try_from(told.len() - items.len()).unwrap_or(u32::MAX);
    let mut message = Outgoing {
        title: String::new(),
        text: String::new(),
        opened,
        resolved,
        left_out,
        severity,
        items,
        conditions: told
            .iter()
            .map(|(incident, _)| incident.condition)
            .collect(),
        left,
        link: format!("{public_url}/alerts"),
    };
    message.title = title(&message);
    message.text = text(&message);
    message
}

fn title(message: &Outgoing) -> String {
    if let ([one], 0) = (message.items.as_slice(), message.left_out) {
        return match one.news.as_str() {
            "resolved" => format!("Resolved: {}: {}", one.title, one.subject),
            _ => format!("{}: {}", one.title, one.subject),
        };
    }
    match (message.opened, message.resolved) {
        (opened, 0) => format!("{opened} alerts"),
        (0, resolved) => format!("{resolved} alerts resolved"),
        (opened, resolved) => format!("{opened} new alerts, {resolved} resolved"),
    }
}

/// The text that Lockstep writes when nobody gave another.
pub(super) fn text(message: &Outgoing) -> String {
    let mut lines = Vec::with_capacity(message.items.len() + 2);
    for item in &message.items {
        let head = match item.news.as_str() {
            "resolved" => "resolved".to_owned(),
            _ => item.severity.word().to_owned(),
        };
        let mut line = format!("[{head}] {}: {}", item.title, item.subject);
        if item.news != "resolved" {
            line.push_str(&format!(" since {}. {}", item.since, item.cause));
        }
        if !item.link.is_empty() {
            line.push_str(&format!("\n  {}", item.link));
        }
        lines.push(line);
    }
    if message.left_out > 0 {
        lines.push(format!("and {} more", message.left_out));
    }
    lines.push(format!("All alerts: {}", message.link));
    lines.join("\n")
}

fn item(public_url: &str, incident: &Incident, news: News) -> Item {
    Item {
        id: incident.id.to_string(),
        news: news.word().to_owned(),
        condition: incident.condition,
        title: incident.condition.title().to_owned(),
        severity: incident.severity,
        subject: incident.subject.words(),
        cause: incident.cause.clone(),
        since: incident.since.rfc3339(),
        opened_at: incident.opened_at.rfc3339(),
        resolved_at: incident.resolved_at.map(|at| at.rfc3339()),
        labels: incident.labels.clone(),
        link: link(public_url, incident),
    }
}

/// The page that shows what it is about; of a target as it stood when the alert was opened, so that who reads it in the
/// morning sees what was so at night.
fn link(public_url: &str, incident: &Incident) -> String {
    let Ok(mut url) = reqwest::Url::parse(public_url) else {
        return String::new();
    };
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear();
        match &incident.subject {
            IncidentSubject::Target(target) => {
                path.extend([
                    "apps",
                    &target.application.id.to_string(),
                    &target.application.name,
                ]);
            }
            IncidentSubject::Cluster(name) => {
                path.extend(["clusters", name]);
            }
            IncidentSubject::Source(_) => {
                path.push("problems");
            }
        }
    }
    if let IncidentSubject::Target(target) = &incident.subject {
        url.query_pairs_mut()
            .append_pair("cluster", &target.cluster)
            .append_pair("at", &incident.opened_at.exact());
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::Micros;
    use lockstep_types::application::{ApplicationRef, TargetRef};
    use lockstep_types::id::{ApplicationId, IncidentId, TargetId};
    use uuid::Uuid;

    #[test]
    fn a_link_leads_to_the_state_that_the_alert_is_about() {
        let incident = |subject| Incident {
            id: IncidentId(Uuid::nil()),
            subject,
            condition: Condition::Degraded,
            severity: Severity::Critical,
            cause: "2 of 3 pods".to_owned(),
            labels: BTreeMap::new(),
            since: Micros::from_seconds(60),
            opened_at: Micros(90_500_000),
            resolved_at: Some(Micros::from_seconds(900)),
        };
        let target = incident(IncidentSubject::Target(TargetRef {
            id: TargetId(Uuid::nil()),
            application: ApplicationRef {
                id: ApplicationId(Uuid::nil()),
                name: "cart".to_owned(),
                project: "shop".to_owned(),
            },
            cluster: "prod eu".to_owned(),
        }));
        let cluster = incident(IncidentSubject::Cluster("prod eu".to_owned()));
        let told = [
            (&target, News::Opened),
            (&target, News::Resolved),
            (&cluster, News::Opened),
        ];
        let message = compose("https://lockstep.example.org", &told, BTreeMap::new());
        let mut links: Vec<&str> = message
            .items
            .iter()
            .map(|item| item.link.as_str())
            .collect();
        links.sort_unstable();
        let at = "1970-01-01T00%3A01%3A30.5Z";
        let app = format!(
            "https://lockstep.example.org/apps/{}/cart?cluster=prod+eu&at={at}",
            Uuid::nil()
        );
        let expected = [
            &app,
            &app,
            "https://lockstep.example.org/clusters/prod%20eu",
        ];
        assert_eq!(links, expected);
        let when = Micros::read_past("1970-01-01T00:01:30.5Z", Micros::from_seconds(901));
        assert_eq!(
            when,
            Ok(target.opened_at),
            "what the link says is read again"
        );
    }
}
