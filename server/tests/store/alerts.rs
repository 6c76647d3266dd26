//! Incidents, messages and what was told: once each, whatever ends the server.

use crate::database::Db;
use crate::fixture::{self, at};
use lockstep_types::alert::{Condition, IncidentSubject, Severity};
use lockstep_types::id::{IncidentId, ReceiverId, RouteId};
use lockstep_types::notify::{Channel, MessageState, ReceiverView, Route};
use server::store::incident::{self, NewIncident};
use server::store::message::{self, NewMessage, News};
use server::store::{StoreError, receiver};
use uuid::Uuid;

on_both!(
    one_incident_is_open_per_subject_and_condition,
    nothing_is_told_twice,
    a_full_queue_gives_up_the_oldest_and_counts_it,
    attempts_cut_short_are_repeated_only_where_that_is_safe,
    a_removed_receiver_takes_its_routes_along,
    statuses_are_remembered_by_context,
);

fn new(name: &str) -> NewIncident {
    NewIncident {
        subject: IncidentSubject::Cluster(name.to_owned()),
        condition: Condition::ClusterUnreachable,
        cause: "It does not answer.".to_owned(),
        labels: [("cluster".to_owned(), name.to_owned())].into(),
        since: at(1),
    }
}

fn message(what: &str, tries_twice: bool) -> NewMessage {
    NewMessage {
        kind: "alerts",
        owner: Uuid::nil(),
        to: "on-call".to_owned(),
        what: what.to_owned(),
        body: "{}".to_owned(),
        note: String::new(),
        tries_twice,
    }
}

async fn opened(db: &Db, name: &str) -> Option<IncidentId> {
    let mut tx = db.store.begin_at(at(10)).await.unwrap();
    let made = incident::open(&mut tx, &new(name)).await.unwrap();
    tx.commit().await.unwrap();
    made.map(|incident| incident.id)
}

async fn on_call(db: &Db) -> ReceiverId {
    let view = ReceiverView {
        id: ReceiverId(Uuid::now_v7()),
        name: "on-call".to_owned(),
        channel: Channel::Slack,
        place: "https://hooks.example.com".to_owned(),
        template: String::new(),
        created_at: at(0),
    };
    let mut tx = db.store.begin_at(at(0)).await.unwrap();
    receiver::add(&mut tx, &view).await.unwrap();
    tx.commit().await.unwrap();
    view.id
}

async fn queued(db: &Db, seconds: i64, new: &NewMessage, limit: u64) {
    let mut tx = db.store.begin_at(at(seconds)).await.unwrap();
    message::queue(&mut tx, new, limit).await.unwrap();
    tx.commit().await.unwrap();
}

async fn one_incident_is_open_per_subject_and_condition(db: &Db) {
    let first = opened(db, "eu").await.unwrap();
    assert_eq!(opened(db, "eu").await, None);
    opened(db, "us").await.unwrap();
    assert_eq!(incident::count_open(&db.store).await.unwrap(), 2);

    let mut tx = db.store.begin_at(at(20)).await.unwrap();
    incident::resolve(&mut tx, &[first]).await.unwrap();
    tx.commit().await.unwrap();
    let over = incident::page(&db.store, "CLUSTER eu unreachable", true, 10)
        .await
        .unwrap();
    assert_eq!((over.len(), over[0].resolved_at), (1, Some(at(20))));
    let open = incident::page(&db.store, "eu", false, 10).await.unwrap();
    assert!(open.is_empty());
    assert_eq!(
        incident::resolved_since(&db.store, at(21)).await.unwrap(),
        []
    );

    let again = opened(db, "eu").await.unwrap();
    assert_ne!(again, first, "another time is another incident");
}

async fn nothing_is_told_twice(db: &Db) {
    let receiver = on_call(db).await;
    let incident = opened(db, "eu").await.unwrap();
    let told = [(incident, News::Opened)];
    let mut tx = db.store.begin_at(at(11)).await.unwrap();
    message::tell(&mut tx, receiver, &told).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.store.begin_at(at(12)).await.unwrap();
    assert!(message::tell(&mut tx, receiver, &told).await.is_err());
    tx.roll_back().await.unwrap();
    let known = message::told(&db.store, &[incident]).await.unwrap();
    assert_eq!(known, [(receiver, incident, News::Opened)].into());
    let last = message::last_told(&db.store).await.unwrap();
    assert_eq!(last, [(receiver, at(11))].into());
}

async fn a_full_queue_gives_up_the_oldest_and_counts_it(db: &Db) {
    for (seconds, what) in [(1, "one"), (2, "two"), (3, "three")] {
        queued(db, seconds, &message(what, false), 2).await;
    }
    let log = message::log(&db.store, 10).await.unwrap();
    let short: Vec<_> = log
        .iter()
        .map(|line| (line.what.as_str(), line.state))
        .collect();
    assert_eq!(
        short,
        [
            ("three", MessageState::Queued),
            ("two", MessageState::Queued),
            ("one", MessageState::Dropped)
        ]
    );
    assert_eq!(message::dropped(&db.store).await.unwrap(), 1);
}

async fn attempts_cut_short_are_repeated_only_where_that_is_safe(db: &Db) {
    queued(db, 1, &message("status", true), 10).await;
    queued(db, 2, &message("mail", false), 10).await;
    let mut tx = db.store.begin_at(at(3)).await.unwrap();
    assert_eq!(message::take(&mut tx, 10).await.unwrap().len(), 2);
    tx.commit().await.unwrap();
    assert_eq!(message::next_due(&db.store).await.unwrap(), None);

    let mut tx = db.store.begin_at(at(4)).await.unwrap();
    message::cut_short(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let log = message::log(&db.store, 10).await.unwrap();
    let states: Vec<_> = log
        .iter()
        .map(|line| (line.what.as_str(), line.state))
        .collect();
    assert_eq!(
        states,
        [
            ("mail", MessageState::Unsure),
            ("status", MessageState::Queued)
        ]
    );

    // A later attempt counts on; one that is not due yet is left alone.
    let mut tx = db.store.begin_at(at(5)).await.unwrap();
    let due = message::take(&mut tx, 10).await.unwrap();
    assert_eq!((due.len(), due[0].attempts), (1, 2));
    message::again(&mut tx, due[0].id, at(60), "502")
        .await
        .unwrap();
    assert!(message::take(&mut tx, 10).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    assert_eq!(message::next_due(&db.store).await.unwrap(), Some(at(60)));
}

async fn a_removed_receiver_takes_its_routes_along(db: &Db) {
    let id = on_call(db).await;
    let route = Route {
        conditions: vec![Condition::Drift],
        least: Severity::Warning,
        labels: Vec::new(),
        quiet: None,
        after_seconds: 60,
    };
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    receiver::add_route(&mut tx, RouteId(Uuid::now_v7()), id, &route)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(receiver::routes(&db.store).await.unwrap()[0].2, route);
    let mut tx = db.store.begin_at(at(2)).await.unwrap();
    receiver::remove(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    assert!(receiver::routes(&db.store).await.unwrap().is_empty());
    let mut tx = db.store.begin_at(at(3)).await.unwrap();
    let gone = receiver::remove(&mut tx, id).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
}

async fn statuses_are_remembered_by_context(db: &Db) {
    let (url, sha) = ("https://git.example/shop.git", fixture::revision('a'));
    for (state, words) in [("pending", "it waits"), ("success", "live")] {
        let mut tx = db.store.begin_at(at(1)).await.unwrap();
        message::set_status(&mut tx, url, &sha, "lockstep/eu", state, words)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let known = message::statuses(&db.store, url, &sha).await.unwrap();
    assert_eq!(
        known["lockstep/eu"],
        ("success".to_owned(), "live".to_owned())
    );
    let other = message::statuses(&db.store, url, &fixture::revision('b')).await;
    assert!(other.unwrap().is_empty());
}
