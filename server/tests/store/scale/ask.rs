//! What pages ask of a long history, each many times at other places.

use super::fill::{REPOSITORY, World, sha};
use super::{Figure, OF_PROJECT, PAGE};
use crate::database::Db;
use lockstep_types::Micros;
use lockstep_types::id::ApplicationId;
use server::store::audit::{self, AuditQuery};
use server::store::commit::{self, Wanted};
use server::store::{StoreError, run};
use std::collections::BTreeSet;
use std::time::Instant;

/// Times that each is asked. The first ones fill caches, as they do after a start.
const TIMES: usize = 300;
const FIRST: usize = 30;
/// As a page asks.
const LIMIT: u64 = 61;

/// Half of the rows back to three quarters, another place each time.
fn back(time: usize, rows: usize) -> Option<Micros> {
    let quarter = (rows / 4).max(1);
    (time > 0).then(|| World::moment(quarter + time.wrapping_mul(7_919) % quarter))
}

/// 99 of 100 are no slower.
async fn slowest(ask: impl AsyncFn(usize) -> Result<usize, StoreError>) -> (f64, usize) {
    let mut times = Vec::new();
    let mut most = 0;
    for time in 0..FIRST + TIMES {
        let since = Instant::now();
        let found = ask(time).await.unwrap();
        most = most.max(found);
        if time >= FIRST {
            times.push(since.elapsed().as_secs_f64() * 1000.0);
        }
    }
    times.sort_by(f64::total_cmp);
    (times[TIMES * 99 / 100], most)
}

pub(super) async fn pages(db: &Db, world: &World, words: &impl Fn(&str) -> String) -> Vec<Figure> {
    let db = &db.store;
    let newest = run::page(db, None, 1).await.unwrap();
    let runs = usize::try_from((newest[0].started_at.0 - World::moment(0).0) / 1_000_000).unwrap();
    let commits = commit::page(db, "", None, 1).await.unwrap();
    let commits =
        usize::try_from((commits[0].info.committed_at.0 - World::moment(0).0) / 1_000_000).unwrap();
    let act = AuditQuery {
        limit: 1,
        ..AuditQuery::default()
    };
    let newest = audit::list(db, &act).await.unwrap();
    let recorded = usize::try_from((newest[0].at.0 - World::moment(0).0) / 1_000_000).unwrap();
    let team = |time: usize, size: usize| -> BTreeSet<ApplicationId> {
        let all = world.applications.iter().cycle().skip(time * 13);
        all.take(size).copied().collect()
    };
    let acts = |before_at: Option<Micros>| AuditQuery {
        before_at,
        limit: LIMIT,
        ..AuditQuery::default()
    };
    let mut figures = Vec::new();
    let mut add = |what: &str, (millis, found): (f64, usize)| {
        assert!(found > 0, "{what}: nothing was found");
        figures.push(Figure::most(words(&format!("{what}, p99")), millis, PAGE));
    };

    for (where_, far) in [("first page", false), ("far back", true)] {
        let at = |time: usize, rows: usize| if far { back(time, rows) } else { None };
        add(
            &format!("commits, {where_}"),
            slowest(async |time| {
                let wanted = Wanted {
                    before: at(time, commits),
                    ..Wanted::default()
                };
                Ok(commit::page_of(db, &wanted, LIMIT).await?.len())
            })
            .await,
        );
        for (approved, name) in [(true, "approved"), (false, "not approved")] {
            add(
                &format!("commits that are {name}, {where_}"),
                slowest(async |time| {
                    let wanted = Wanted {
                        before: at(time, commits),
                        approved: Some(approved),
                        ..Wanted::default()
                    };
                    Ok(commit::page_of(db, &wanted, LIMIT).await?.len())
                })
                .await,
            );
        }
        add(
            &format!("runs, {where_}"),
            slowest(async |time| Ok(run::page(db, at(time, runs), LIMIT).await?.len())).await,
        );
        add(
            &format!("acts, {where_}"),
            slowest(async |time| Ok(audit::page(db, &acts(at(time, recorded))).await?.len())).await,
        );
        add(
            &format!("acts on a target, {where_}"),
            slowest(async |time| {
                let target = Some(world.targets[time * 7 % world.targets.len()]);
                let query = AuditQuery {
                    target,
                    ..acts(at(time, recorded))
                };
                Ok(audit::list(db, &query).await?.len())
            })
            .await,
        );
        add(
            &format!("runs of a target, {where_}"),
            slowest(async |time| {
                let target = world.targets[time % world.targets.len()];
                Ok(run::of_target(db, target, at(time, runs), LIMIT)
                    .await?
                    .len())
            })
            .await,
        );
        add(
            &format!("commits of an application, {where_}"),
            slowest(async |time| {
                let application = world.applications[time % world.applications.len()];
                Ok(
                    commit::of_application(db, application, at(time, commits), LIMIT)
                        .await?
                        .len(),
                )
            })
            .await,
        );
        for size in [1, OF_PROJECT, 10 * OF_PROJECT] {
            let who = format!("of a team with {size} applications, {where_}");
            add(
                &format!("commits {who}"),
                slowest(async |time| {
                    let only = team(time, size);
                    let wanted = Wanted {
                        before: at(time, commits),
                        only: Some(&only),
                        ..Wanted::default()
                    };
                    Ok(commit::page_of(db, &wanted, LIMIT).await?.len())
                })
                .await,
            );
            add(
                &format!("runs {who}"),
                slowest(async |time| {
                    let only = team(time, size);
                    Ok(run::page_of(db, at(time, runs), LIMIT, Some(&only))
                        .await?
                        .len())
                })
                .await,
            );
            add(
                &format!("acts {who}"),
                slowest(async |time| {
                    let only = Some((team(time, size), world.people[time % world.people.len()]));
                    let query = AuditQuery {
                        only,
                        ..acts(at(time, recorded))
                    };
                    Ok(audit::page(db, &query).await?.len())
                })
                .await,
            );
        }
    }
    add(
        "a commit by its beginning",
        slowest(async |time| {
            let sha = sha(time * 31 % commits.max(1));
            Ok(commit::by_prefix(db, &sha.0[..10]).await?.len())
        })
        .await,
    );
    add(
        "a commit",
        slowest(async |time| {
            let found = commit::get(db, REPOSITORY, &sha(time * 31 % commits.max(1))).await?;
            Ok(usize::from(found.is_some()))
        })
        .await,
    );
    add(
        "a run",
        slowest(async |time| {
            let page = run::page(db, back(time + 1, runs), 1).await?;
            let Some(first) = page.first() else {
                return Ok(0);
            };
            Ok(usize::from(
                run::summary(db, first.id).await?.ended_at.is_some(),
            ))
        })
        .await,
    );
    add(
        "commits since a visit",
        slowest(async |time| {
            let hours = 3600 * (1 + time % 24);
            let since = World::moment(commits.saturating_sub(hours));
            Ok(usize::try_from(commit::seen_since(db, since).await?).unwrap())
        })
        .await,
    );
    add(
        "runs that have not ended",
        slowest(async |_| Ok(run::open(db).await?.len() + 1)).await,
    );
    add(
        "commits that are to be asked about",
        slowest(async |_| {
            Ok(
                commit::approvals_due(db, REPOSITORY, World::moment(commits + 1), 10)
                    .await?
                    .len(),
            )
        })
        .await,
    );
    figures
}
