//! Pages of somebody who may see a few applications are what is left of the whole log without the others, however uneven they
//! are.

use crate::database::Db;
use crate::fixture::{at, fields, seen, sync_of};
use lockstep_types::Micros;
use lockstep_types::id::{ApplicationId, TargetId, UserId};
use lockstep_types::revision::{CommitInfo, Revision};
use lockstep_types::source::Mode;
use server::store::audit::{self, Act, AuditQuery};
use server::store::run::{self, NewRun};
use server::store::{StoreError, application, commit, operation, source, target};
use std::collections::BTreeSet;
use uuid::Uuid;

on_both!(
    commits_of_a_team_page_without_gaps,
    runs_of_a_team_page_without_gaps,
    acts_of_a_team_page_without_gaps,
);

const APPLICATIONS: usize = 16;
const ROWS: usize = 240;
const REPOSITORY: &str = "https://git.example.org/team/shop";

/// One application has the newest rows, one the oldest, the others every seventh between them; some rows share a moment.
fn place(row: usize) -> usize {
    match row {
        0..40 => 1,
        180.. => 0,
        _ if row.is_multiple_of(7) => 2 + row / 7 % (APPLICATIONS - 2),
        _ => 3,
    }
}

fn moment(row: usize) -> i64 {
    i64::try_from(row - row % 3).unwrap() + 1000
}

async fn world(db: &Db) -> Vec<(ApplicationId, TargetId)> {
    let mut tx = db.store.begin_at(at(0)).await.unwrap();
    let source = source::create(&mut tx, &fields("root")).await.unwrap().id;
    let seen: Vec<_> = (0..APPLICATIONS)
        .map(|number| seen(&format!("app-{number:02}")))
        .collect();
    let head = Revision("a".repeat(40));
    let made = application::reconcile(&mut tx, source, &head, &seen).await;
    made.unwrap();
    let mut all = Vec::new();
    for seen in seen {
        let target = target::ensure(&mut tx, seen.id, "prod-eu", Mode::Managed).await;
        all.push((seen.id, target.unwrap().id));
    }
    tx.commit().await.unwrap();
    all
}

/// All places but the ones that these leave out.
fn team(world: &[(ApplicationId, TargetId)], without: &[usize]) -> BTreeSet<ApplicationId> {
    let all = world.iter().enumerate();
    let left = all.filter(|(place, _)| !without.contains(place));
    left.map(|(_, (application, _))| *application).collect()
}

const TEAMS: [&[usize]; 4] = [&[], &[0], &[3, 5], &[0, 1, 2, 3]];
const LIMITS: [u64; 3] = [5, 31, 61];

/// Turns pages until there are none; `page` answers with the names of rows and the moment of the last.
async fn turned<K>(
    page: impl AsyncFn(Option<Micros>) -> Result<Vec<(Micros, K)>, StoreError>,
    limit: u64,
) -> Vec<K> {
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let found = page(before).await.unwrap();
        let full = found.len() >= usize::try_from(limit).unwrap();
        before = found.last().map(|(at, _)| *at);
        all.extend(found.into_iter().map(|(_, row)| row));
        if !full {
            return all;
        }
    }
}

async fn commits_of_a_team_page_without_gaps(db: &Db) {
    let world = world(db).await;
    let sha = |row: usize| Revision(format!("{row:040x}"));
    let touched = |row: usize| BTreeSet::from([world[place(row)].0, world[row % 5].0]);
    let info = |row: usize| CommitInfo {
        revision: sha(row),
        ..crate::fixture::commit('a', moment(row), "Change")
    };
    let rows: Vec<_> = (0..ROWS).map(|row| (info(row), touched(row))).collect();
    let mut tx = db.store.begin_at(at(9000)).await.unwrap();
    commit::see(&mut tx, REPOSITORY, &rows).await.unwrap();
    tx.commit().await.unwrap();
    for without in TEAMS {
        let only = team(&world, without);
        let theirs = (0..ROWS)
            .rev()
            .filter(|row| !touched(*row).is_disjoint(&only));
        let theirs: Vec<Revision> = theirs.map(sha).collect();
        for limit in LIMITS {
            let all = turned(
                async |before| {
                    let wanted = commit::Wanted {
                        before,
                        only: Some(&only),
                        ..commit::Wanted::default()
                    };
                    let page = commit::page_of(&db.store, &wanted, limit).await?;
                    let rows = page.into_iter().map(|seen| seen.info);
                    Ok(rows
                        .map(|info| (info.committed_at, info.revision))
                        .collect())
                },
                limit,
            );
            assert_eq!(all.await, theirs, "without {without:?}, {limit} at once");
        }
    }
}

async fn runs_of_a_team_page_without_gaps(db: &Db) {
    let world = world(db).await;
    let mut made = Vec::new();
    for row in 0..ROWS {
        let (application, target) = world[place(row)];
        let mut tx = db.store.begin_at(at(moment(row))).await.unwrap();
        let asked = operation::insert(&mut tx, &sync_of(target, None)).await;
        let new = NewRun {
            operation: asked.unwrap().operation().id,
            target,
            fence: 1,
            revision: Revision("a".repeat(40)),
            commit: None,
            started_by: sync_of(target, None).started_by,
        };
        let run = run::create(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        made.push((run.started_at, run.id, application));
    }
    made.sort_by_key(|(at, id, _)| std::cmp::Reverse((*at, id.to_string())));
    for without in TEAMS {
        let only = team(&world, without);
        let theirs = made.iter().filter(|(.., of)| only.contains(of));
        let theirs: Vec<_> = theirs.map(|(_, id, _)| *id).collect();
        for limit in LIMITS {
            let all = turned(
                async |before| {
                    let page = run::page_of(&db.store, before, limit, Some(&only)).await?;
                    Ok(page
                        .into_iter()
                        .map(|run| (run.started_at, run.id))
                        .collect())
                },
                limit,
            );
            assert_eq!(all.await, theirs, "without {without:?}, {limit} at once");
        }
    }
}

async fn acts_of_a_team_page_without_gaps(db: &Db) {
    let world = world(db).await;
    let person = |row: usize| UserId(Uuid::from_u128(u128::try_from(row % 9).unwrap()));
    for row in 0..ROWS {
        let mut tx = db.store.begin_at(at(moment(row))).await.unwrap();
        let mut act = Act::unattended("Maria".to_owned(), "sync", format!("row {row}"));
        act.actor_id = Some(person(row));
        // Some are on nothing.
        if !row.is_multiple_of(4) {
            act = act.on(world[place(row)].1);
        }
        tx.record(act);
        tx.commit().await.unwrap();
    }
    for without in TEAMS {
        let only = team(&world, without);
        let may = |row: &usize| {
            let theirs = !row.is_multiple_of(4) && only.contains(&world[place(*row)].0);
            theirs || person(*row) == person(3)
        };
        let theirs = (0..ROWS).rev().filter(may);
        let theirs: Vec<String> = theirs.map(|row| format!("row {row}")).collect();
        for limit in LIMITS {
            let all = turned(
                async |before_at| {
                    let query = AuditQuery {
                        before_at,
                        limit,
                        only: Some((only.clone(), person(3))),
                        ..AuditQuery::default()
                    };
                    let page = audit::page(&db.store, &query).await?;
                    let acts = page.into_iter().map(|entry| (entry.at, entry.act.subject));
                    Ok(acts.collect())
                },
                limit,
            );
            assert_eq!(all.await, theirs, "without {without:?}, {limit} at once");
        }
    }
}
