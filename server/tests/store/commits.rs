//! Commits of tracked repositories.

use crate::database::Db;
use crate::fixture::{applications, at, commit, revision};
use lockstep_types::activity::RenderOutcome;
use lockstep_types::pull::{CommitPull, PullReview, ReviewVerdict};
use lockstep_types::revision::{CommitInfo, Revision};
use server::store::commit;
use std::collections::{BTreeMap, BTreeSet};

on_both!(
    commits_are_kept_and_found,
    commits_page_without_gaps,
    what_a_commit_made_render_is_noted,
    approvals_are_asked_for_newest_first_and_kept,
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

fn pull(number: u64, approved_by: Option<&str>) -> CommitPull {
    CommitPull {
        number,
        title: "Ship it".to_owned(),
        address: "https://git.example/shop/pulls/7".to_owned(),
        author: "maria".to_owned(),
        reviews: approved_by
            .map(|person| PullReview {
                person: person.to_owned(),
                verdict: ReviewVerdict::Approved,
                at: Some(at(50)),
            })
            .into_iter()
            .collect(),
    }
}

/// SHAs of which an approval is known, or is not, newest first.
async fn approved(db: &Db, approved: bool) -> Vec<Revision> {
    let wanted = commit::Wanted {
        approved: Some(approved),
        ..commit::Wanted::default()
    };
    let page = commit::page_of(&db.store, &wanted, 10).await.unwrap();
    page.into_iter().map(|seen| seen.info.revision).collect()
}

async fn approvals_are_asked_for_newest_first_and_kept(db: &Db) {
    let mut tx = db.store.begin_at(at(100)).await.unwrap();
    let list: Vec<_> = [('a', 10), ('b', 20), ('c', 30), ('d', 900)]
        .into_iter()
        .map(|(digit, second)| (commit(digit, second, "Change"), BTreeSet::new()))
        .collect();
    commit::see(&mut tx, SHOP, &list).await.unwrap();
    commit::see(&mut tx, MAIL, &list).await.unwrap();
    tx.commit().await.unwrap();
    let due = |now: i64, limit: u64| commit::approvals_due(&db.store, SHOP, at(now), limit);
    let shas =
        |due: &[commit::Due]| -> Vec<Revision> { due.iter().map(|due| due.sha.clone()).collect() };
    // A commit from the future is as new as when it was seen.
    let all = due(100, 10).await.unwrap();
    assert_eq!(shas(&all), ['d', 'c', 'b', 'a'].map(revision));
    assert_eq!(due(99, 10).await.unwrap().len(), 3);
    assert_eq!(shas(&due(100, 2).await.unwrap()), ['d', 'c'].map(revision));

    // The merge tells of what it merged; nothing takes nothing away.
    let merge = pull(7, Some("jon"));
    let mut tx = db.store.begin_at(at(101)).await.unwrap();
    let with = [revision('a'), revision('c'), revision('f')];
    commit::note_pull(&mut tx, SHOP, &all[1], Some(&merge), (Some(at(200)), &with))
        .await
        .unwrap();
    commit::note_pull(&mut tx, SHOP, &all[0], None, (None, &[]))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shas(&due(101, 10).await.unwrap()), [revision('b')]);
    let again = due(200, 10).await.unwrap();
    let known = |due: &commit::Due| (due.sha.clone(), due.pull.clone());
    assert_eq!(again.len(), 3);
    assert!(
        again[..2]
            .iter()
            .all(|due| due.pull.as_ref() == Some(&merge))
    );
    assert_eq!(approved(db, true).await, ['c', 'a'].map(revision));
    let mut tx = db.store.begin_at(at(201)).await.unwrap();
    commit::note_pull(&mut tx, SHOP, &again[0], None, (Some(at(300)), &[]))
        .await
        .unwrap();
    // What others know of another pull request stays theirs.
    let other = pull(8, None);
    commit::note_pull(&mut tx, SHOP, &again[2], Some(&other), (None, &with))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let again = due(300, 10).await.unwrap();
    assert_eq!(
        again.iter().map(known).collect::<BTreeMap<_, _>>(),
        BTreeMap::from(['a', 'c'].map(|digit| (revision(digit), Some(merge.clone()))))
    );
    assert_eq!(approved(db, true).await, ['c', 'a'].map(revision));
    // Those of the other repository are still all there.
    assert_eq!(approved(db, false).await.len(), 6);

    // A dismissed approval is none.
    let mut tx = db.store.begin_at(at(301)).await.unwrap();
    for due in &again {
        commit::note_pull(&mut tx, SHOP, due, Some(&pull(7, None)), (None, &[]))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(approved(db, true).await, []);
    assert_eq!(due(9_999, 10).await.unwrap(), []);
    let kept = commit::get(&db.store, SHOP, &revision('a')).await.unwrap();
    assert_eq!(kept.unwrap().pull, Some(pull(7, None)));
}
