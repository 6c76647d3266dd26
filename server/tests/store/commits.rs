//! Commits of tracked repositories.

use crate::database::Db;
use crate::fixture::{applications, at, commit, revision};
use lockstep_types::activity::RenderOutcome;
use lockstep_types::revision::CommitInfo;
use server::store::commit;
use std::collections::BTreeSet;

on_both!(
    commits_are_kept_and_found,
    commits_page_without_gaps,
    what_a_commit_made_render_is_noted,
);

const SHOP: &str = "https://git.example/shop.git";
const MAIL: &str = "https://git.example/mail.git";

async fn commits_are_kept_and_found(db: &Db) {
    let (_, ids) = applications(&db.store, &["shop", "cart"]).await;
    let mut tx = db.store.begin_at(at(100)).await.unwrap();
    let bump = commit('a', 1, "Bump checkout to 2.9.1");
    commit::see(
        &mut tx,
        SHOP,
        &[
            (bump.clone(), BTreeSet::from([ids[0]])),
            (bump.clone(), BTreeSet::new()),
        ],
    )
    .await
    .unwrap();
    commit::see(&mut tx, MAIL, &[(commit('b', 2, "Fix"), BTreeSet::new())])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.store.begin_at(at(200)).await.unwrap();
    commit::see(&mut tx, SHOP, &[(bump.clone(), BTreeSet::from([ids[1]]))])
        .await
        .unwrap();
    commit::see(&mut tx, SHOP, &[]).await.unwrap();
    tx.commit().await.unwrap();

    let found = commit::get(&db.store, SHOP, &revision('a'))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.info, found.seen_at),
        (bump, at(100)),
        "seen again is not new"
    );
    assert_eq!(found.applications, BTreeSet::from([ids[0], ids[1]]));
    assert_eq!(
        commit::get(&db.store, MAIL, &revision('a')).await.unwrap(),
        None
    );
    for (beginning, count) in [
        ("aaa", 1),
        ("AAA", 1),
        ("b", 1),
        ("c", 0),
        ("", 0),
        ("a%", 0),
    ] {
        assert_eq!(
            commit::by_prefix(&db.store, beginning).await.unwrap().len(),
            count,
            "{beginning}"
        );
    }
    for (filter, count) in [
        ("checkout maria", 1),
        ("MARIA@example.org", 2),
        ("aaaa", 1),
        ("checkout fix", 0),
    ] {
        assert_eq!(
            commit::page(&db.store, filter, None, 10)
                .await
                .unwrap()
                .len(),
            count,
            "{filter}"
        );
    }
    assert_eq!(
        commit::of_application(&db.store, ids[1], None, 10)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        commit::of_application(&db.store, ids[1], Some(at(1)), 10)
            .await
            .unwrap()
            .len(),
        0
    );
    assert_eq!(commit::seen_since(&db.store, at(100)).await.unwrap(), 2);
    assert_eq!(commit::seen_since(&db.store, at(101)).await.unwrap(), 0);
}

async fn commits_page_without_gaps(db: &Db) {
    let digits: Vec<char> = "0123456789abcdef".chars().collect();
    // Four of each second: time alone does not tell them apart.
    let mut second = 0;
    let list: Vec<(CommitInfo, _)> = digits
        .iter()
        .enumerate()
        .map(|(position, digit)| {
            second = i64::try_from(position / 4).unwrap();
            (commit(*digit, second, "Change"), BTreeSet::new())
        })
        .collect();
    let mut tx = db.store.begin().await.unwrap();
    commit::see(&mut tx, SHOP, &list).await.unwrap();
    tx.commit().await.unwrap();
    let (mut paged, mut before) = (Vec::new(), None);
    loop {
        let page = commit::page(&db.store, "", before, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.info.committed_at);
        paged.extend(page.into_iter().map(|commit| commit.info.revision));
    }
    let expected: Vec<_> = digits.iter().rev().map(|digit| revision(*digit)).collect();
    assert_eq!(paged, expected);
}

async fn what_a_commit_made_render_is_noted(db: &Db) {
    let id = crate::fixture::target(&db.store).await;
    for (second, outcome, millis, why) in [
        (1, RenderOutcome::Failed, 0, "a.yaml:3 is no YAML"),
        (2, RenderOutcome::Rendered, 42, ""),
    ] {
        let mut tx = db.store.begin_at(at(second)).await.unwrap();
        commit::rendered(&mut tx, SHOP, &revision('a'), id, outcome, millis, why)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let found = commit::renders(&db.store, SHOP, &revision('a'))
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (
            found[0].target,
            found[0].outcome,
            found[0].millis,
            found[0].at
        ),
        (id, RenderOutcome::Rendered, 42, at(2))
    );
    assert!(found[0].message.is_empty());
    assert!(
        commit::renders(&db.store, SHOP, &revision('b'))
            .await
            .unwrap()
            .is_empty()
    );
}
