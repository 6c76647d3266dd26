//! The policy in force, and lists without what their reader may not see.

use crate::database::Db;
use crate::fixture::{at, key, target};
use lockstep_types::account::Role;
use lockstep_types::drift::{DriftQuery, DriftState};
use lockstep_types::event::Subject;
use lockstep_types::id::ApplicationId;
use lockstep_types::policy::{PolicyFile, PolicyProblem, PolicyText, TokenScope};
use lockstep_types::revision::Revision;
use serde_json::json;
use server::store::audit::{self, Act, AuditQuery};
use server::store::drift::{self, FoundDrift};
use server::store::policy::{self, PolicyRow};
use server::store::{commit, event, run, token, user};
use std::collections::BTreeSet;
use uuid::Uuid;

on_both!(
    what_is_in_force_comes_back_with_a_rising_number,
    a_token_keeps_what_it_is_limited_to,
    lists_leave_out_what_may_not_be_seen
);

async fn what_is_in_force_comes_back_with_a_rising_number(db: &Db) {
    assert_eq!(policy::get(&db.store).await.unwrap(), PolicyRow::default());
    assert_eq!(policy::version(&db.store).await.unwrap(), 0);
    let row = PolicyRow {
        version: 1,
        source: Some(lockstep_types::id::SourceId(Uuid::from_u128(5))),
        source_name: "root".to_owned(),
        body: Some(PolicyText {
            files: vec![PolicyFile {
                name: "policy.csv".to_owned(),
                first_line: 3,
                text: "g, a, role:admin\n".to_owned(),
            }],
            default_role: Some("role:readonly".to_owned()),
            projects: Vec::new(),
        }),
        revision: Revision("a".repeat(40)),
        since: Some(at(1)),
        tried: "b".repeat(40),
        read_at: Some(at(2)),
        problems: vec![PolicyProblem {
            file: "policy.csv".to_owned(),
            line: 9,
            message: "x".to_owned(),
            next: "y".to_owned(),
        }],
    };
    for (changed, version) in [(true, 1), (false, 1), (true, 2)] {
        let before = event::head(&db.store).await.unwrap();
        let mut tx = db.store.begin_at(at(1)).await.unwrap();
        policy::put(&mut tx, &row, changed).await.unwrap();
        tx.commit().await.unwrap();
        let found = policy::get(&db.store).await.unwrap();
        assert_eq!(
            found,
            PolicyRow {
                version,
                ..row.clone()
            }
        );
        assert_eq!(policy::version(&db.store).await.unwrap(), version);
        // Streams look at their rights again.
        let events = event::after(&db.store, before, 10).await.unwrap();
        assert!(events.iter().any(|event| event.subject == Subject::Account));
    }
}

async fn a_token_keeps_what_it_is_limited_to(db: &Db) {
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    let maria = user::create(&mut tx, "maria", Role::Operator, None)
        .await
        .unwrap()
        .id;
    let scope = TokenScope {
        role: Role::Viewer,
        projects: vec!["shop".to_owned()],
    };
    token::create(&mut tx, maria, "ci", "hash", None, Some(&scope))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let holder = token::holder(&db.store, "hash", at(2))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(holder.scope.as_ref(), Some(&scope));
    let listed = token::list(&db.store, Some(maria)).await.unwrap();
    assert_eq!(listed[0].scope, Some(scope));
}

async fn lists_leave_out_what_may_not_be_seen(db: &Db) {
    let id = target(&db.store).await;
    let row = server::store::target::get(&db.store, id).await.unwrap();
    let found = FoundDrift {
        key: key("web"),
        path: "spec.replicas".to_owned(),
        declared: Some(json!(2)),
        live: Some(json!(3)),
        manager: None,
        operation: None,
        origin: None,
    };
    let maria = lockstep_types::id::UserId(Uuid::from_u128(7));
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    drift::reconcile(&mut tx, id, &[found], false, |_| DriftState::Reverted)
        .await
        .unwrap();
    tx.record(Act::unattended("Git", "sync", "web").on(id));
    tx.record(Act::unattended("Git", "add source", "root"));
    tx.record(Act {
        actor_id: Some(maria),
        ..Act::unattended("maria", "log in", "here")
    });
    tx.commit().await.unwrap();
    let mine: BTreeSet<ApplicationId> = [row.application].into();
    let nobodys: BTreeSet<ApplicationId> = [ApplicationId(Uuid::nil())].into();
    let none = BTreeSet::new();
    for (only, expected) in [
        (None, 1),
        (Some(&mine), 1),
        (Some(&nobodys), 0),
        (Some(&none), 0),
    ] {
        let rows = drift::list_of(&db.store, &DriftQuery::default(), 10, only)
            .await
            .unwrap();
        assert_eq!(rows.len(), expected, "{only:?}");
        let runs = run::page_of(&db.store, None, 10, only).await.unwrap();
        assert!(runs.is_empty());
        let wanted = commit::Wanted {
            only,
            ..commit::Wanted::default()
        };
        let commits = commit::page_of(&db.store, &wanted, 10).await.unwrap();
        assert!(commits.is_empty());
        let query = AuditQuery {
            limit: 10,
            only: only.map(|only| (only.clone(), maria)),
            ..AuditQuery::default()
        };
        let acts = audit::list(&db.store, &query).await.unwrap();
        let acts: Vec<&str> = acts.iter().map(|entry| entry.act.action.as_str()).collect();
        match (only, expected) {
            (None, _) => assert_eq!(acts, ["log in", "add source", "sync"]),
            (_, 1) => assert_eq!(acts, ["log in", "sync"]),
            _ => assert_eq!(acts, ["log in"]),
        }
    }
}
