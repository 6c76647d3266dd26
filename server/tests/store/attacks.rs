//! What people type reaches both databases as text and as nothing else.

use crate::database::Db;
use crate::fixture::{self, at};
use lockstep_types::account::{Actor, Role};
use lockstep_types::alert::{Condition, IncidentSubject};
use lockstep_types::id::UserId;
use server::store::audit::{self, Act, AuditQuery};
use server::store::incident::{self, NewIncident};
use server::store::{cluster, commit, login, user};
use uuid::Uuid;

on_both!(attack_69_what_is_typed_is_text_in_both_databases);

/// A filter, and which of the planted texts it finds.
const FILTERS: &[(&str, &[usize])] = &[
    ("", &[0, 1, 2, 3, 4]),
    ("'", &[0]),
    ("' OR 1=1--", &[0]),
    ("'; DROP TABLE audit; --", &[]),
    ("\"; DELETE FROM audit; --", &[]),
    ("%", &[1]),
    ("%%", &[]),
    ("100%", &[1]),
    ("_", &[2]),
    ("a_b", &[2]),
    ("\\", &[3]),
    ("c\\d", &[3]),
    ("\\%", &[]),
    ("$1", &[]),
    ("?", &[]),
    (":1", &[]),
    ("\0", &[]),
    ("x\0", &[]),
    ("\u{202e}", &[]),
    ("\u{fffd}", &[]),
    ("💩", &[4]),
    ("e'\\x27'", &[]),
];

const PLANTED: [&str; 5] = ["' OR 1=1--", "100% of it", "a_b", "c\\d", "💩"];

async fn plant(db: &Db) {
    let maria = Actor {
        user: UserId(Uuid::from_u128(7)),
        name: "maria".to_owned(),
        role: Role::Admin,
        token: None,
        rights: Default::default(),
    };
    for text in PLANTED {
        let mut tx = db.store.begin_at(at(1)).await.unwrap();
        tx.record(Act::by(&maria, "sync", text));
        let new = NewIncident {
            subject: IncidentSubject::Cluster(text.to_owned()),
            condition: Condition::ClusterUnreachable,
            cause: "away".to_owned(),
            labels: Default::default(),
            since: at(1),
        };
        incident::open(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn attack_69_what_is_typed_is_text_in_both_databases(db: &Db) {
    fixture::target(&db.store).await;
    plant(db).await;
    for (filter, found) in FILTERS {
        let mut wanted: Vec<&str> = found.iter().map(|index| PLANTED[*index]).collect();
        wanted.sort_unstable();
        let query = AuditQuery {
            filter: (*filter).to_owned(),
            limit: 50,
            ..AuditQuery::default()
        };
        let acts = audit::list(&db.store, &query).await;
        let acts = acts.unwrap_or_else(|error| panic!("{filter:?} breaks the audit log: {error}"));
        let mut acts: Vec<&str> = acts
            .iter()
            .map(|entry| entry.act.subject.as_str())
            .collect();
        acts.sort_unstable();
        assert_eq!(acts, wanted, "{filter:?} in the audit log");

        let incidents = incident::page(&db.store, filter, false, None, 50).await;
        let incidents =
            incidents.unwrap_or_else(|error| panic!("{filter:?} breaks incidents: {error}"));
        let mut names: Vec<&str> = incidents
            .iter()
            .filter_map(|incident| match &incident.subject {
                IncidentSubject::Cluster(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        names.sort_unstable();
        assert_eq!(names, wanted, "{filter:?} among incidents");

        assert!(
            commit::by_prefix(&db.store, filter)
                .await
                .unwrap()
                .is_empty()
        );
        let nobody = user::by_name(&db.store, filter).await;
        assert!(matches!(nobody, Ok(None)), "{filter:?}: {nobody:?}");
        let nowhere = cluster::by_name(&db.store, filter).await;
        assert!(matches!(nowhere, Ok(None)), "{filter:?}: {nowhere:?}");
        let counted = login::failures(&db.store, filter, "198.51.100.7", at(0), 60).await;
        assert!(counted.is_ok(), "{filter:?}: {counted:?}");
    }
    // All that there was is there, and both go on being written.
    plant(db).await;
    let query = AuditQuery {
        limit: 50,
        ..AuditQuery::default()
    };
    assert_eq!(audit::list(&db.store, &query).await.unwrap().len(), 10);
}
