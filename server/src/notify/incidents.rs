//! Opens and ends incidents as the conditions say, and queues the messages that the routes ask for.

use super::conditions::{OF_TARGETS, Seen, Verdict};
use super::flux::{Heeded, heeded};
use super::outgoing::compose;
use super::own::{OwnText, own_routes, own_texts};
use super::routing::{Known, due, left};
use super::subscriptions::{Asking, subscriptions};
use super::{LOG_SECONDS, Notifier, QUEUE, rules, template};
use crate::runtime::now;
use crate::store::application::ApplicationRow;
use crate::store::incident::NewIncident;
use crate::store::message::{NewMessage, News};
use crate::store::status::Axis;
use crate::store::target::Which;
use crate::store::{self, StoreError, incident, message, receiver};
use engine::definition::Definition;
use lockstep_types::alert::{Condition, Incident, IncidentSubject};
use lockstep_types::application::TargetSummary;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::id::{ApplicationId, IncidentId, ReceiverId, SourceId};
use lockstep_types::notify::{Channel, ReceiverView, Route};
use lockstep_types::reason::ReasonCode;
use lockstep_types::time::Micros;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Ends that were not told yet are looked for this far back.
const LATE_SECONDS: i64 = 24 * 3600;
/// For so long after a start they are looked for as far back as incidents are kept.
const CATCH_UP_SECONDS: i64 = 120;

/// A subject with one of its conditions, judged.
type Judged = (
    IncidentSubject,
    Condition,
    Verdict,
    BTreeMap<String, String>,
);

/// Applications with what Git says of them; one that cannot be read hides no other.
async fn defined(
    notifier: &Notifier,
) -> Result<HashMap<ApplicationId, (ApplicationRow, Option<Definition>)>, StoreError> {
    let rows = store::application::list(notifier.runtime.store(), false).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let definition = serde_json::from_str(&row.definition).ok();
            (row.id, (row, definition))
        })
        .collect())
}

/// Judges every condition of every subject; says when the next would be opened if nothing changed.
pub(super) async fn judge(notifier: &Notifier) -> Result<Option<Micros>, StoreError> {
    let db = notifier.runtime.store();
    let rules = rules(db).await?;
    let summaries = store::target::summaries(db, &Which::All).await?;
    let defined = defined(notifier).await?;
    let drift = incident::drift_since(db).await?;
    let out_of_sync = incident::holding_since(db, Axis::Sync, SyncStatus::OutOfSync.word()).await?;
    let synced = incident::ever(db, Axis::Sync, SyncStatus::Synced.word()).await?;
    let degraded = incident::holding_since(db, Axis::Health, HealthStatus::Degraded.word()).await?;
    let sources = store::source::list(db).await?;
    let open = incident::all_open(db).await?;
    let now = now();

    let mut judged: Vec<Judged> = Vec::new();
    let mut wide: BTreeMap<(IncidentSubject, Condition), (Micros, String)> = BTreeMap::new();
    for summary in &summaries {
        let id = summary.target.id;
        let definition = defined
            .get(&summary.target.application.id)
            .and_then(|(_, definition)| definition.as_ref());
        let labels = labels(summary, definition);
        let seen = Seen {
            summary,
            drift: drift.get(&id).copied(),
            out_of_sync_since: out_of_sync.get(&id).copied(),
            was_synced: synced.contains(&id),
            degraded_since: degraded.get(&id).copied(),
            compared: notifier.runtime.assessment(id).is_some(),
            started: notifier.started,
            now,
        };
        for condition in OF_TARGETS {
            let verdict = seen.judge(condition, &rules);
            let subject = IncidentSubject::Target(summary.target.clone());
            judged.push((subject, condition, verdict, labels.clone()));
        }
        if let Some((subject, condition, since, cause)) = of_many(summary, definition) {
            let entry = wide
                .entry((subject, condition))
                .or_insert_with(|| (since, cause));
            entry.0 = entry.0.min(since);
        }
    }
    for source in &sources {
        if !source.error.is_empty() {
            wide.entry((
                IncidentSubject::Source(source.name.clone()),
                Condition::RenderBroken,
            ))
            .or_insert_with(|| {
                let since = source.last_read.unwrap_or(source.created_at);
                (since, source.error.clone())
            });
        }
    }
    for ((subject, condition), (since, cause)) in wide {
        let labels = match &subject {
            IncidentSubject::Cluster(name) => [("cluster".to_owned(), name.clone())].into(),
            IncidentSubject::Source(name) => [("source".to_owned(), name.clone())].into(),
            IncidentSubject::Target(_) => BTreeMap::new(),
        };
        judged.push((subject, condition, Verdict::Holds { since, cause }, labels));
    }
    write(notifier, judged, &open, &rules, now).await
}

async fn write(
    notifier: &Notifier,
    judged: Vec<Judged>,
    open: &[Incident],
    rules: &lockstep_types::alert::AlertRules,
    now: Micros,
) -> Result<Option<Micros>, StoreError> {
    let known: HashMap<(String, Condition), IncidentId> = open
        .iter()
        .map(|incident| ((incident.subject.key(), incident.condition), incident.id))
        .collect();
    let (mut opening, mut lasting, mut next) = (Vec::new(), BTreeSet::new(), None::<Micros>);
    for (subject, condition, verdict, labels) in judged {
        let id = known.get(&(subject.key(), condition)).copied();
        match (verdict, id) {
            (Verdict::Holds { .. } | Verdict::Unsure, Some(id)) => {
                lasting.insert(id);
            }
            (Verdict::Holds { since, cause }, None) => {
                // For an end the dwell is the time before it, which its beginning has in it.
                let dwell = match condition {
                    Condition::HoldEnding => 0,
                    other => i64::from(rules.dwell(other)),
                };
                let at = since.plus_seconds(dwell);
                if at <= now {
                    opening.push(NewIncident {
                        subject,
                        condition,
                        cause,
                        labels,
                        since,
                    });
                } else {
                    next = Some(next.map_or(at, |next| next.min(at)));
                }
            }
            (Verdict::Over | Verdict::Unsure, _) => {}
        }
    }
    // What is no longer judged is no longer there.
    let over: Vec<IncidentId> = open
        .iter()
        .map(|incident| incident.id)
        .filter(|id| !lasting.contains(id))
        .collect();
    if opening.is_empty() && over.is_empty() {
        return Ok(next);
    }
    let mut tx = notifier.runtime.store().begin().await?;
    for new in &opening {
        incident::open(&mut tx, new).await?;
    }
    incident::resolve(&mut tx, &over).await?;
    tx.commit().await?;
    tracing::info!(
        event.name = "alerts.changed",
        opened = opening.len(),
        resolved = over.len(),
        "incidents changed"
    );
    Ok(next)
}

/// What concerns a whole cluster or repository is one incident, and not one per target.
fn of_many(
    summary: &TargetSummary,
    definition: Option<&Definition>,
) -> Option<(IncidentSubject, Condition, Micros, String)> {
    let reason = summary.reason.as_ref()?;
    let (subject, condition) = match reason.code {
        ReasonCode::ClusterUnreachable => (
            IncidentSubject::Cluster(summary.target.cluster.clone()),
            Condition::ClusterUnreachable,
        ),
        ReasonCode::FetchFailed => (
            IncidentSubject::Source(definition?.source.repo_url.clone()),
            Condition::RenderBroken,
        ),
        _ => return None,
    };
    Some((subject, condition, reason.since, reason.sentence()))
}

/// The labels of the definition, and where the target is.
fn labels(summary: &TargetSummary, definition: Option<&Definition>) -> BTreeMap<String, String> {
    let mut labels = definition.map_or_else(BTreeMap::new, |definition| definition.labels.clone());
    let target = &summary.target;
    for (key, value) in [
        ("application", &target.application.name),
        ("project", &target.application.project),
        ("cluster", &target.cluster),
    ] {
        labels.insert(key.to_owned(), value.clone());
    }
    labels
}

/// Queues what is due; says when the next message may be.
pub(super) async fn tell(notifier: &Notifier) -> Result<Option<Micros>, StoreError> {
    let db = notifier.runtime.store();
    let receivers = receiver::list(db).await?;
    if receivers.is_empty() {
        return Ok(None);
    }
    let now = now();
    let open = incident::all_open(db).await?;
    let mut incidents = open.clone();
    let back = if now.seconds_since(notifier.started) < CATCH_UP_SECONDS {
        LOG_SECONDS
    } else {
        LATE_SECONDS
    };
    incidents.extend(incident::resolved_since(db, now.plus_seconds(-back)).await?);
    let ids: Vec<IncidentId> = incidents.iter().map(|incident| incident.id).collect();
    let told = message::told(db, &ids).await?;
    let routes: Vec<_> = receiver::routes(db)
        .await?
        .into_iter()
        .map(|(_, receiver, route)| (receiver, route))
        .collect();
    let Asked {
        by_definitions,
        by_routes,
        sources,
        texts,
    } = asked(notifier, &receivers, &incidents).await?;
    let rules = rules(db).await?;
    let last_told =
        message::last_told(db, now.plus_seconds(-i64::from(rules.apart_seconds))).await?;
    let receiver_ids: Vec<ReceiverId> = receivers.iter().map(|receiver| receiver.id).collect();
    let due = due(&Known {
        incidents: &incidents,
        told: &told,
        receivers: &receiver_ids,
        routes: &routes,
        asked: &by_definitions,
        from_git: &by_routes,
        last_told: &last_told,
        rules: &rules,
        now,
    });
    let by_id: HashMap<IncidentId, &Incident> = incidents
        .iter()
        .map(|incident| (incident.id, incident))
        .collect();
    for (id, items) in due.messages {
        let Some(receiver) = receivers.iter().find(|receiver| receiver.id == id) else {
            continue;
        };
        let telling: Vec<(&Incident, News)> = items
            .iter()
            .filter_map(|(id, news)| Some((*by_id.get(id)?, *news)))
            .collect();
        let left = left(id, &open, &told, &items);
        let mut outgoing = compose(&notifier.runtime.settings().public_url, &telling, left);
        let mut note = String::new();
        let template = text_of(id, &items, &sources, &texts).unwrap_or(&receiver.template);
        if !template.is_empty() {
            match template::render(template, &outgoing) {
                Ok(text) => outgoing.text = text,
                Err(why) => note = format!("its template failed ({why}); the usual text is sent"),
            }
        }
        let new = new_message("alerts", receiver, &outgoing, note)?;
        let mut tx = db.begin().await?;
        message::tell(&mut tx, id, &items).await?;
        message::queue(&mut tx, &new, QUEUE).await?;
        tx.commit().await?;
    }
    Ok(due.next)
}

/// A message to a receiver, for the queue.
pub(super) fn new_message(
    kind: &'static str,
    receiver: &ReceiverView,
    outgoing: &super::Outgoing,
    note: String,
) -> Result<NewMessage, StoreError> {
    let body = serde_json::to_string(outgoing).map_err(|source| StoreError::Unwritable {
        what: "a message",
        source,
    })?;
    Ok(NewMessage {
        kind,
        owner: receiver.id.0,
        to: receiver.name.clone(),
        what: outgoing.title.clone(),
        body,
        note,
        tries_twice: receiver.channel == Channel::PagerDuty,
    })
}

/// What Git says of the alerts there are.
#[derive(Default)]
struct Asked {
    /// Who is to know of an incident, whatever the routes say.
    by_definitions: BTreeSet<(ReceiverId, IncidentId)>,
    /// Routes of the source that an incident's application is from.
    by_routes: BTreeMap<(ReceiverId, IncidentId), Vec<Route>>,
    /// Which source that is.
    sources: HashMap<IncidentId, SourceId>,
    texts: HashMap<SourceId, Vec<OwnText>>,
}

/// The text that a source has for a receiver, when a message tells of nothing but its applications.
fn text_of<'t>(
    receiver: ReceiverId,
    items: &[(IncidentId, News)],
    sources: &HashMap<IncidentId, SourceId>,
    texts: &'t HashMap<SourceId, Vec<OwnText>>,
) -> Option<&'t String> {
    let mut of = items.iter().map(|(incident, _)| sources.get(incident));
    let source = of.next()??;
    if !of.all(|other| other == Some(source)) {
        return None;
    }
    let own = texts.get(source)?;
    own.iter()
        .find(|text| text.receivers.contains(&receiver))
        .map(|text| &text.text)
}

/// Who is to know of an incident because Git says so: its application's definition, an alert of Flux, or a route.
async fn asked(
    notifier: &Notifier,
    receivers: &[ReceiverView],
    incidents: &[Incident],
) -> Result<Asked, StoreError> {
    let mut asked = Asked::default();
    let defined = defined(notifier).await?;
    let mut heeded_by: HashMap<SourceId, Vec<Heeded>> = HashMap::new();
    let mut routes_of: HashMap<SourceId, Vec<(ReceiverId, Route)>> = HashMap::new();
    for (source, notices) in notifier.runtime.memory().notices() {
        heeded_by.insert(source, heeded(&notices, receivers));
        let routes = own_routes(&notices, receivers).into_iter();
        routes_of.insert(source, routes.filter_map(|own| own.route).collect());
        asked.texts.insert(source, own_texts(&notices, receivers));
    }
    for incident in incidents {
        let IncidentSubject::Target(target) = &incident.subject else {
            continue;
        };
        let Some((row, Some(definition))) = defined.get(&target.application.id) else {
            continue;
        };
        for Asking {
            receiver,
            conditions,
            ..
        } in subscriptions(&definition.annotations, receivers)
        {
            if let Some(receiver) = receiver.filter(|_| conditions.contains(&incident.condition)) {
                asked.by_definitions.insert((receiver, incident.id));
            }
        }
        let Some(source) = row.source else { continue };
        asked.sources.insert(incident.id, source);
        for one in heeded_by.get(&source).into_iter().flatten() {
            if let Some(receiver) = one.receiver.filter(|_| one.wants(definition, incident)) {
                asked.by_definitions.insert((receiver, incident.id));
            }
        }
        for (receiver, route) in routes_of.get(&source).into_iter().flatten() {
            let routes = asked.by_routes.entry((*receiver, incident.id));
            routes.or_default().push(route.clone());
        }
    }
    Ok(asked)
}
