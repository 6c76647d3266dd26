//! Incidents, messages and what was told: once each, whatever ends the server.

use crate::database::Db;
use crate::fixture::{self, at};
use lockstep_types::alert::{Condition, IncidentSubject, Severity};
use lockstep_types::id::{IncidentId, ReceiverId, RouteId};
use lockstep_types::notify::{Channel, MessageState, ReceiverView, Route};
use server::store::incident::{self, NewIncident};
use server::store::message::{self, AT_ONCE_TO_ONE, DueMessage, NewMessage, News};
use server::store::{StoreError, receiver};
use uuid::Uuid;

on_both!(
    one_incident_is_open_per_subject_and_condition,
    nothing_is_told_twice,
    a_full_queue_gives_up_the_oldest_and_counts_it,
    kinds_do_not_push_each_other_out,
    a_receiver_that_keeps_state_is_told_in_order,
    one_that_hangs_holds_up_nobody_else,
    incidents_come_page_by_page_the_worst_first,
    what_is_long_over_is_forgotten,
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
    let over = incident::page(&db.store, "CLUSTER eu unreachable", true, None, 10)
        .await
        .unwrap();
    assert_eq!((over.len(), over[0].resolved_at), (1, Some(at(20))));
    let open = incident::page(&db.store, "eu", false, None, 10)
        .await
        .unwrap();
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
    let last = message::last_told(&db.store, at(11)).await.unwrap();
    assert_eq!(last, [(receiver, at(11))].into());
    let since = message::last_told(&db.store, at(12)).await.unwrap();
    assert!(since.is_empty());
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

async fn kinds_do_not_push_each_other_out(db: &Db) {
    queued(db, 1, &message("alert", false), 1).await;
    let mut status = message("status", true);
    status.kind = "status";
    queued(db, 2, &status, 1).await;
    assert_eq!(message::dropped(&db.store).await.unwrap(), 0);
    status.body = "newer".to_owned();
    let mut tx = db.store.begin_at(at(3)).await.unwrap();
    let made = message::queue(&mut tx, &status, 1).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(made.dropped, ["{}"], "the sender learns what was given up");
}

async fn a_receiver_that_keeps_state_is_told_in_order(db: &Db) {
    queued(db, 1, &message("trigger", true), 10).await;
    queued(db, 2, &message("resolve", true), 10).await;
    let take = async |seconds| {
        let mut tx = db.store.begin_at(at(seconds)).await.unwrap();
        let taken = message::take(&mut tx, 10).await.unwrap();
        tx.commit().await.unwrap();
        taken
    };
    let first = take(3).await;
    assert_eq!(first.len(), 1);
    assert!(take(4).await.is_empty(), "the first is still on its way");
    let mut tx = db.store.begin_at(at(5)).await.unwrap();
    message::again(&mut tx, first[0].id, at(60), "502")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let second = take(6).await;
    assert_eq!(second.len(), 1);
    assert_ne!(second[0].id, first[0].id);

    // The first, tried again, knows of the second until that one is given up.
    let later = || message::later(&db.store, Uuid::nil(), first[0].id);
    assert_eq!(later().await.unwrap().len(), 1);
    let mut tx = db.store.begin_at(at(7)).await.unwrap();
    message::end(&mut tx, second[0].id, MessageState::Failed, "404")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(later().await.unwrap().is_empty());
}

async fn one_that_hangs_holds_up_nobody_else(db: &Db) {
    for number in 0..40 {
        let mut status = message(&format!("status {number}"), true);
        status.kind = "status";
        queued(db, 1, &status, 100).await;
    }
    let alert = NewMessage {
        owner: Uuid::now_v7(),
        ..message("alert", false)
    };
    queued(db, 2, &alert, 100).await;
    let take = async |seconds| {
        let mut tx = db.store.begin_at(at(seconds)).await.unwrap();
        let taken = message::take(&mut tx, 10).await.unwrap();
        tx.commit().await.unwrap();
        taken
    };
    let of = |due: &[DueMessage]| due.iter().filter(|due| due.kind == "status").count();
    let first = take(3).await;
    assert_eq!((first.len(), of(&first)), (AT_ONCE_TO_ONE, AT_ONCE_TO_ONE));
    // None of them comes to an end, and the alert is not behind the other 37.
    let due = message::next_due(&db.store, at(3)).await.unwrap();
    assert_eq!(due, Some(at(2)));
    let second = take(4).await;
    assert_eq!((second.len(), second[0].owner), (1, alert.owner));
    assert_eq!(message::next_due(&db.store, at(4)).await.unwrap(), None);
    assert!(take(5).await.is_empty());
    // One ends, one begins.
    let mut tx = db.store.begin_at(at(6)).await.unwrap();
    let done = message::end(&mut tx, first[0].id, MessageState::Sent, "");
    done.await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(take(7).await.len(), 1);
    // Of whom nothing was written down for so long, nobody waits.
    assert_eq!(of(&take(200).await), AT_ONCE_TO_ONE);
}

async fn incidents_come_page_by_page_the_worst_first(db: &Db) {
    let mut tx = db.store.begin_at(at(10)).await.unwrap();
    for number in 0..3 {
        for condition in [Condition::HoldEnding, Condition::ClusterUnreachable] {
            let mut one = new(&format!("c{number}"));
            one.condition = condition;
            incident::open(&mut tx, &one).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    for resolved in [false, true] {
        let all = incident::page(&db.store, "", resolved, None, 10)
            .await
            .unwrap();
        assert_eq!(all.len(), 6);
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = incident::page(&db.store, "", resolved, after, 2)
                .await
                .unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            paged.extend(page);
        }
        assert_eq!(paged, all);
        if resolved {
            break;
        }
        assert!(
            all[..3]
                .iter()
                .all(|one| one.severity == Severity::Critical)
        );
        let ids: Vec<IncidentId> = all.iter().map(|one| one.id).collect();
        let mut tx = db.store.begin_at(at(20)).await.unwrap();
        incident::resolve(&mut tx, &ids).await.unwrap();
        tx.commit().await.unwrap();
    }
    let unknown = IncidentId(Uuid::nil());
    let gone = incident::page(&db.store, "", true, Some(unknown), 2).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
}

async fn what_is_long_over_is_forgotten(db: &Db) {
    let receiver = on_call(db).await;
    let (over, open) = (
        opened(db, "eu").await.unwrap(),
        opened(db, "us").await.unwrap(),
    );
    let (url, sha) = ("https://git.example/shop.git", fixture::revision('a'));
    let mut tx = db.store.begin_at(at(20)).await.unwrap();
    message::tell(
        &mut tx,
        receiver,
        &[(over, News::Opened), (open, News::Opened)],
    )
    .await
    .unwrap();
    incident::resolve(&mut tx, &[over]).await.unwrap();
    message::set_status(&mut tx, url, &sha, "lockstep/eu", "success", "live")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    message::prune(&db.store, at(20)).await.unwrap();
    assert_eq!(message::told(&db.store, &[over]).await.unwrap().len(), 1);
    message::prune(&db.store, at(21)).await.unwrap();
    let told = message::told(&db.store, &[over, open]).await.unwrap();
    assert_eq!(told, [(receiver, open, News::Opened)].into());
    let known = message::statuses(&db.store, url, &sha).await.unwrap();
    assert!(known.is_empty());
}

async fn attempts_cut_short_are_repeated_only_where_that_is_safe(db: &Db) {
    queued(db, 1, &message("status", true), 10).await;
    queued(db, 2, &message("mail", false), 10).await;
    let mut tx = db.store.begin_at(at(3)).await.unwrap();
    assert_eq!(message::take(&mut tx, 10).await.unwrap().len(), 2);
    tx.commit().await.unwrap();
    assert_eq!(message::next_due(&db.store, at(3)).await.unwrap(), None);

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
    assert_eq!(
        message::next_due(&db.store, at(5)).await.unwrap(),
        Some(at(60))
    );
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
    assert!(known["lockstep/eu"].says("success", "live"));
    assert_eq!(known["lockstep/eu"].given_up_at, None);

    // Only what was said last can be given up.
    for (state, words) in [("pending", "it waits"), ("success", "live")] {
        let mut tx = db.store.begin_at(at(2)).await.unwrap();
        message::give_up_status(&mut tx, url, &sha, "lockstep/eu", (state, words))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let known = message::statuses(&db.store, url, &sha).await.unwrap();
        let expected = (state == "success").then(|| at(2));
        assert_eq!(known["lockstep/eu"].given_up_at, expected);
    }
    let mut tx = db.store.begin_at(at(3)).await.unwrap();
    message::set_status(&mut tx, url, &sha, "lockstep/eu", "success", "live")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let known = message::statuses(&db.store, url, &sha).await.unwrap();
    assert_eq!(known["lockstep/eu"].given_up_at, None);
    let other = message::statuses(&db.store, url, &fixture::revision('b')).await;
    assert!(other.unwrap().is_empty());
}
