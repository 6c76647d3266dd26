//! The audit log and its chain.

use crate::database::Db;
use crate::fixture::at;
use lockstep_types::account::{Actor, Role};
use lockstep_types::id::{TargetId, UserId};
use serde_json::json;
use server::store::audit::{self, Act, AuditQuery};
use uuid::Uuid;

on_both!(acts_are_found, an_act_that_was_not_kept_leaves_no_hole);

pub async fn write(db: &Db, count: i64) {
    let maria = Actor {
        user: UserId(Uuid::from_u128(7)),
        name: "maria".to_owned(),
        role: Role::Admin,
        token: None,
        rights: Default::default(),
    };
    for number in 0..count {
        let mut tx = db.store.begin_at(at(number)).await.unwrap();
        let act = Act::by(&maria, "sync", format!("shop {number}"))
            .on(TargetId(Uuid::from_u128(
                u128::try_from(number % 2).unwrap(),
            )))
            .because("release")
            .with(json!({"number": number}));
        tx.record(act);
        tx.commit().await.unwrap();
    }
}

async fn acts_are_found(db: &Db) {
    write(db, 10).await;
    let (mut paged, mut before) = (Vec::new(), None);
    loop {
        let page = audit::list(
            &db.store,
            &AuditQuery {
                before,
                limit: 3,
                ..AuditQuery::default()
            },
        )
        .await
        .unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        paged.extend(page.into_iter().map(|entry| entry.seq));
    }
    assert_eq!(paged, (1..=10).rev().collect::<Vec<u64>>());
    let query = AuditQuery {
        limit: 100,
        ..AuditQuery::default()
    };
    let even = AuditQuery {
        target: Some(TargetId(Uuid::from_u128(0))),
        ..query.clone()
    };
    assert_eq!(audit::list(&db.store, &even).await.unwrap().len(), 5);
    for (filter, count) in [
        ("MARIA sync", 10),
        ("shop 7", 1),
        ("release", 10),
        ("maria delete", 0),
        ("%", 0),
    ] {
        let query = AuditQuery {
            filter: filter.to_owned(),
            ..query.clone()
        };
        assert_eq!(
            audit::list(&db.store, &query).await.unwrap().len(),
            count,
            "{filter}"
        );
    }
    let middle = AuditQuery {
        since: Some(at(3)),
        before_at: Some(at(6)),
        ..query
    };
    let middle = audit::list(&db.store, &middle).await.unwrap();
    assert_eq!(
        middle.iter().map(|entry| entry.at).collect::<Vec<_>>(),
        [at(5), at(4), at(3)]
    );
    assert_eq!(
        (middle[0].act.actor.as_str(), &middle[0].act.detail),
        ("maria", &json!({"number": 5}))
    );
}

async fn an_act_that_was_not_kept_leaves_no_hole(db: &Db) {
    write(db, 1).await;
    let mut tx = db.store.begin().await.unwrap();
    tx.record(Act::unattended("nobody", "nothing", "at all"));
    tx.roll_back().await.unwrap();
    let mut tx = db.store.begin().await.unwrap();
    tx.record(Act::unattended("lockstep", "first", "of two"));
    tx.record(Act::unattended("lockstep", "second", "of two"));
    tx.commit().await.unwrap();
    let chain = audit::check_chain(&db.store).await.unwrap();
    assert_eq!((chain.sound, chain.broken), (3, None));
}
