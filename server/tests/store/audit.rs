//! The audit log and its chain.

use crate::database::Db;
use crate::fixture::at;
use lockstep_types::account::{Actor, Role};
use lockstep_types::id::{TargetId, UserId};
use sea_orm::ConnectionTrait;
use serde_json::json;
use server::store::audit::{self, Act, AuditQuery};
use uuid::Uuid;

on_both!(
    the_chain_shows_every_tampering,
    acts_are_found,
    an_act_that_was_not_kept_leaves_no_hole
);

async fn write(db: &Db, count: i64) {
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

async fn the_chain_shows_every_tampering(db: &Db) {
    write(db, 6).await;
    let sound = audit::check_chain(&db.store).await.unwrap();
    assert_eq!((sound.sound, sound.broken), (6, None));
    let raw = db.raw().await;
    for (tamper, undo, entry, why) in [
        (
            "UPDATE audit SET reason = 'none' WHERE seq = 3",
            "UPDATE audit SET reason = 'release' WHERE seq = 3",
            3,
            "it was changed after it was written",
        ),
        (
            "UPDATE audit SET at = at + 1 WHERE seq = 1",
            "UPDATE audit SET at = at - 1 WHERE seq = 1",
            1,
            "it was changed after it was written",
        ),
        (
            "UPDATE audit SET previous_hash = 'x' WHERE seq = 4",
            "UPDATE audit SET previous_hash = (SELECT hash FROM audit AS a WHERE a.seq = 3) WHERE seq = 4",
            4,
            "it does not follow from the entry before it",
        ),
        (
            "UPDATE audit SET seq = 60 WHERE seq = 6",
            "UPDATE audit SET seq = 6 WHERE seq = 60",
            6,
            "the entry is missing",
        ),
        (
            "UPDATE audit_head SET hash = 'x'",
            "UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE seq = 6)",
            7,
            "the end of the log was changed",
        ),
        (
            "DELETE FROM audit WHERE seq = 6",
            "SELECT 1",
            6,
            "the entry is missing",
        ),
    ] {
        raw.execute_unprepared(tamper).await.unwrap();
        let found = audit::check_chain(&db.store).await.unwrap();
        assert_eq!(found.broken, Some((entry, why.to_owned())), "{tamper}");
        raw.execute_unprepared(undo).await.unwrap();
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
