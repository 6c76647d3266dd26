//! The audit log against somebody who has the database: refusals while the triggers stand, findings when they do not.

use crate::audit::write;
use crate::database::Db;
use crate::fixture::revision;
use lockstep_types::revision::TargetRevision;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use server::store::audit::{self, Act, AuditQuery, ChainCheck, Damage, ExpectedHead};

on_both!(
    entries_cannot_be_changed_or_removed,
    every_tampering_is_found_and_named,
    any_change_of_any_column_is_found,
    a_noted_head_contradicts_a_cut_or_rewritten_log,
    a_log_longer_than_a_page_is_walked_while_it_grows,
    heads_of_branches_are_written_once_and_kept_apart,
);

/// As somebody who owns the database: nothing refuses any more.
async fn disarm(db: &Db) -> DatabaseConnection {
    let raw = db.raw().await;
    let triggers: &[&str] = if db.is_sqlite() {
        &[
            "DROP TRIGGER audit_no_update",
            "DROP TRIGGER audit_no_delete",
            "DROP TRIGGER audit_no_replace",
            "DROP TRIGGER audit_head_forward",
            "DROP TRIGGER audit_head_no_delete",
            "DROP TRIGGER audit_head_no_replace",
        ]
    } else {
        &[
            "DROP TRIGGER audit_only_grows ON audit",
            "DROP TRIGGER audit_head_forward ON audit_head",
            "DROP TRIGGER audit_head_no_delete ON audit_head",
        ]
    };
    for trigger in triggers {
        raw.execute_unprepared(trigger).await.unwrap();
    }
    raw
}

async fn checked(db: &Db) -> ChainCheck {
    audit::check_chain(&db.store).await.unwrap()
}

async fn sound(db: &Db, entries: u64) {
    let check = checked(db).await;
    assert_eq!((check.sound, &check.broken), (entries, &None));
}

async fn run(raw: &DatabaseConnection, statements: &str) {
    for statement in statements.split(';') {
        let done = raw.execute_unprepared(statement).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

async fn entries_cannot_be_changed_or_removed(db: &Db) {
    write(db, 3).await;
    let raw = db.raw().await;
    let mut attempts = vec![
        "UPDATE audit SET reason = 'none' WHERE seq = 2",
        "UPDATE audit SET hash = hash",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM audit",
        "UPDATE audit_head SET seq = seq - 1",
        "DELETE FROM audit_head",
    ];
    if db.is_sqlite() {
        attempts.push(
            "INSERT OR REPLACE INTO audit SELECT seq, at, 'eve', actor_id, token_id, action, subject, target_id, reason, detail, \
             previous_hash, hash FROM audit WHERE seq = 2",
        );
        attempts.push("INSERT OR REPLACE INTO audit_head SELECT id, 1, hash FROM audit_head");
    } else {
        attempts.push("TRUNCATE audit");
        attempts.push("TRUNCATE audit_head");
    }
    for attempt in attempts {
        let refused = raw.execute_unprepared(attempt).await.unwrap_err();
        let message = refused.to_string();
        assert!(
            message.contains("the audit log only grows"),
            "{attempt}: {message}"
        );
    }
    sound(db, 3).await;
    write(db, 2).await;
    sound(db, 5).await;
}

/// Ways to tamper, each with its undoing, the entry that is named, what is said of it, and which entry stands there.
const TAMPERINGS: &[(&str, &str, u64, Damage, Option<i64>)] = &[
    (
        "UPDATE audit SET reason = 'none' WHERE seq = 3",
        "UPDATE audit SET reason = 'release' WHERE seq = 3",
        3,
        Damage::Changed,
        Some(3),
    ),
    (
        "UPDATE audit SET previous_hash = 'x' WHERE seq = 4",
        "UPDATE audit SET previous_hash = (SELECT hash FROM audit AS a WHERE a.seq = 3) WHERE seq = 4",
        4,
        Damage::Changed,
        Some(4),
    ),
    (
        "UPDATE audit SET seq = 60 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 60",
        3,
        Damage::Moved { to: 60 },
        Some(4),
    ),
    (
        "UPDATE audit SET seq = 60 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 60",
        "UPDATE audit SET seq = 60 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 60",
        3,
        Damage::Moved { to: 4 },
        Some(3),
    ),
    (
        "UPDATE audit_head SET hash = 'x'",
        "UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE seq = 8)",
        9,
        Damage::End,
        None,
    ),
    (
        "UPDATE audit_head SET seq = 10",
        "UPDATE audit_head SET seq = 8",
        9,
        Damage::Missing { to: 10 },
        None,
    ),
    (
        "UPDATE audit_head SET seq = 6",
        "UPDATE audit_head SET seq = 8",
        9,
        Damage::End,
        None,
    ),
    (
        "INSERT INTO audit SELECT 0, at, actor, actor_id, token_id, action, subject, target_id, reason, detail, previous_hash, hash \
         FROM audit WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 0",
        1,
        Damage::PutIn,
        Some(0),
    ),
    (
        "DELETE FROM audit WHERE seq = 8",
        "SELECT 1",
        8,
        Damage::Missing { to: 8 },
        None,
    ),
    (
        "DELETE FROM audit WHERE seq IN (4, 5)",
        "SELECT 1",
        4,
        Damage::Missing { to: 5 },
        Some(6),
    ),
    (
        "DELETE FROM audit_head",
        "SELECT 1",
        4,
        Damage::Missing { to: 5 },
        Some(6),
    ),
];

async fn every_tampering_is_found_and_named(db: &Db) {
    write(db, 8).await;
    sound(db, 8).await;
    let raw = disarm(db).await;
    for (tamper, undo, seq, damage, found) in TAMPERINGS {
        run(&raw, tamper).await;
        let broken = checked(db).await.broken.unwrap();
        assert_eq!((broken.seq, &broken.damage), (*seq, damage), "{tamper}");
        let there = broken.found.as_ref().and_then(|found| found.seq);
        assert_eq!(there, *found, "{tamper}");
        let before = broken.before.as_ref().and_then(|before| before.seq);
        assert_eq!(before.unwrap_or(0), i64::try_from(*seq).unwrap() - 1);
        run(&raw, undo).await;
    }
    let broken = checked(db).await.broken.unwrap();
    assert_eq!(broken.to_string(), "entries 4 to 5: they are missing");
    assert_eq!(
        broken.before.unwrap().to_string(),
        "entry 3, 2027-01-15T08:00:02Z, maria: sync shop 2"
    );
    run(&raw, "DELETE FROM audit").await;
    let broken = checked(db).await.broken.unwrap();
    assert_eq!((broken.seq, broken.damage), (1, Damage::End));
}

/// Each column of each row in turn, to several other values and to another row's.
async fn any_change_of_any_column_is_found(db: &Db) {
    write(db, 4).await;
    let mut tx = db.store.begin().await.unwrap();
    tx.record(Act::unattended("", "", ""));
    tx.commit().await.unwrap();
    let raw = disarm(db).await;
    run(&raw, "CREATE TABLE kept AS SELECT * FROM audit").await;
    let mut changes = 0;
    for row in 1..=5 {
        for column in [
            "seq",
            "at",
            "actor",
            "actor_id",
            "token_id",
            "action",
            "subject",
            "target_id",
            "reason",
            "detail",
            "previous_hash",
            "hash",
        ] {
            let mut values = vec![format!(
                "(SELECT kept.{column} FROM kept WHERE kept.seq = {})",
                row % 5 + 1
            )];
            if matches!(column, "seq" | "at") {
                values.extend(["0", "-1", "9223372036854775807"].map(str::to_owned));
                if db.is_sqlite() {
                    values.extend(["1.5", "'text'", "x'31'"].map(str::to_owned));
                }
            } else {
                values.extend(["''", "' '", "'x'", "'null'"].map(str::to_owned));
                values.push(format!("upper({column})"));
                values.push(format!("{column} || ' '"));
            }
            if matches!(column, "actor_id" | "token_id" | "target_id") {
                values.push("NULL".to_owned());
            }
            for value in values {
                let difference = format!(
                    "audit.{column} <> kept.{column} OR (audit.{column} IS NULL) <> (kept.{column} IS NULL)"
                );
                let change = format!("UPDATE audit SET {column} = {value} WHERE seq = {row}");
                // The number of another row is taken: that is another kind of tampering.
                if raw.execute_unprepared(&change).await.is_err() {
                    assert_eq!(column, "seq", "{change}");
                    continue;
                }
                let differs = raw
                    .query_one_raw(sea_orm::Statement::from_string(
                        raw.get_database_backend(),
                        format!("SELECT 1 FROM kept LEFT JOIN audit ON audit.seq = kept.seq WHERE audit.seq IS NULL OR {difference}"),
                    ))
                    .await
                    .unwrap()
                    .is_some();
                let check = checked(db).await;
                assert_eq!(check.broken.is_some(), differs, "{change}: {check:?}");
                if let Some(broken) = check.broken {
                    let first = match (column, value.as_str()) {
                        ("seq", "0" | "-1") => 1,
                        ("seq", "1.5") => row.min(2),
                        _ => row,
                    };
                    assert_eq!(broken.seq, first, "{change}: {broken:?}");
                    changes += 1;
                } else {
                    continue;
                }
                run(
                    &raw,
                    "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept",
                )
                .await;
            }
        }
    }
    assert!(changes > 200, "{changes}");
    sound(db, 5).await;
}

async fn against(db: &Db, head: &str) -> Option<(u64, Damage)> {
    let head: ExpectedHead = head.parse().unwrap();
    let check = audit::check_against(&db.store, Some(&head)).await.unwrap();
    check.broken.map(|broken| (broken.seq, broken.damage))
}

async fn a_noted_head_contradicts_a_cut_or_rewritten_log(db: &Db) {
    assert_eq!(against(db, "0:").await, None);
    write(db, 6).await;
    let digest = checked(db).await.head;
    let head = format!("6:{digest}");
    for noted in [&head, &digest] {
        assert_eq!(against(db, noted).await, None, "{noted}");
    }
    write(db, 1).await;
    assert_eq!(against(db, &head).await, None, "the log has only grown");

    // Cut, and the end noted in the database with it: the chain alone cannot tell.
    let raw = disarm(db).await;
    run(
        &raw,
        "DELETE FROM audit WHERE seq > 4; UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)",
    )
    .await;
    sound(db, 4).await;
    assert_eq!(against(db, &head).await, Some((5, Damage::Cut { to: 6 })));
    assert_eq!(against(db, &digest).await, Some((5, Damage::Unknown)));

    // Written anew with digests of its own, and longer than it was.
    run(
        &raw,
        "DELETE FROM audit WHERE seq > 2; UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit WHERE seq = 2)",
    )
    .await;
    let other = Act::unattended("eve", "nothing", "at all");
    for _ in 0..8 {
        let mut tx = db.store.begin().await.unwrap();
        tx.record(other.clone());
        tx.commit().await.unwrap();
    }
    sound(db, 10).await;
    assert_eq!(against(db, &head).await, Some((6, Damage::Rewritten)));
    assert_eq!(against(db, &digest).await, Some((11, Damage::Unknown)));
}

async fn a_log_longer_than_a_page_is_walked_while_it_grows(db: &Db) {
    let mut tx = db.store.begin().await.unwrap();
    for number in 0..1100 {
        tx.record(Act::unattended("lockstep", "count", number.to_string()));
    }
    tx.commit().await.unwrap();
    let store = db.store.clone();
    let writer = tokio::spawn(async move {
        for number in 0..20 {
            let mut tx = store.begin().await.unwrap();
            tx.record(Act::unattended("lockstep", "grow", number.to_string()));
            tx.commit().await.unwrap();
        }
    });
    while !writer.is_finished() {
        let check = checked(db).await;
        assert_eq!(check.broken, None);
        assert!(check.sound >= 1100, "{}", check.sound);
    }
    writer.await.unwrap();
    sound(db, 1120).await;
}

async fn heads_of_branches_are_written_once_and_kept_apart(db: &Db) {
    write(db, 2).await;
    for (branch, digit, news) in [
        ("main", 'a', true),
        ("main", 'a', false),
        ("", 'a', true),
        ("main", 'b', true),
        ("", 'a', false),
        // A branch that was forced back.
        ("main", 'a', true),
    ] {
        let mut tx = db.store.begin().await.unwrap();
        let tracked = TargetRevision(branch.to_owned());
        let head = revision(digit);
        let new = audit::anchor(&mut tx, "https://git.example/shop.git", &tracked, &head);
        assert_eq!(new.await.unwrap(), news, "{branch} {digit}");
        tx.commit().await.unwrap();
    }
    write(db, 1).await;
    let list = async |anchors: bool| {
        let query = AuditQuery {
            anchors,
            limit: 10,
            // In the order of their numbers; what is written here is dated as it comes.
            before: Some(100),
            ..AuditQuery::default()
        };
        let entries = audit::list(&db.store, &query).await.unwrap();
        let said = entries
            .into_iter()
            .map(|entry| format!("{} {} {}", entry.seq, entry.act.subject, entry.act.reason));
        said.collect::<Vec<String>>()
    };
    let (a, b) = (revision('a').0, revision('b').0);
    assert_eq!(
        list(true).await,
        [
            format!("6 main of https://git.example/shop.git {a}"),
            format!("5 main of https://git.example/shop.git {b}"),
            format!("4 HEAD of https://git.example/shop.git {a}"),
            format!("3 main of https://git.example/shop.git {a}"),
        ]
    );
    assert_eq!(
        list(false).await,
        ["7 shop 0 release", "2 shop 1 release", "1 shop 0 release"]
    );
    let check = checked(db).await;
    assert_eq!((check.sound, check.anchors, check.broken), (7, 4, None));
    assert_eq!(
        audit::head(&db.store).await.unwrap(),
        format!("7:{}", check.head)
    );
}
