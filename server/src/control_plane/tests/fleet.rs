use super::bench::{App, Bench, actor};
use crate::store;
use lockstep_types::PortError;
use lockstep_types::account::Role;
use lockstep_types::activity::{ActivityEntry, ActivityQuery};
use lockstep_types::application::HoldKind;
use lockstep_types::diff::SyncStatus;
use lockstep_types::fleet::{FleetQuery, FleetView, NeedsYou, RolloutState};
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::log_level::{LogLevel, SetLogLevel};
use lockstep_types::ports::{Fleet, Rollbacks};
use lockstep_types::reason::{Reason, ReasonCode};
use lockstep_types::revision::Revision;
use lockstep_types::time::Micros;
use std::collections::BTreeSet;

fn text(view: &FleetView) -> Vec<String> {
    let mut lines = Vec::new();
    for section in &view.sections {
        for row in &section.rows {
            let cells: Vec<usize> = row.cells.iter().map(Vec::len).collect();
            lines.push(format!(
                "{}: {} {cells:?} {}",
                section.title,
                row.group,
                row.origin.rsplit(" · ").next().unwrap()
            ));
        }
    }
    lines
}

async fn see(bench: &Bench, filter: &str) -> FleetView {
    let query = FleetQuery {
        filter: filter.to_owned(),
        show_all: false,
        ..FleetQuery::default()
    };
    bench
        .plane
        .fleet(&actor(Role::Viewer), &query)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_matrix_shows_groups_over_clusters_and_what_is_wrong_first() {
    let bench = Bench::new().await;
    let head = bench.commits().pop().unwrap();
    let grouped = |name, cluster| App {
        group: "cart",
        ..App::new(name, cluster)
    };
    let targets = bench
        .define(&[
            grouped("cart-a", "prod-eu"),
            grouped("cart-b", "prod-us"),
            App::new("web", "prod-us"),
            App::new("old-prod-us", "prod-us"),
        ])
        .await;
    for target in &targets {
        bench.record(*target, &head, |_| {}).await;
    }
    bench
        .record(targets[2], &head, |state| {
            state.health = Health::new(HealthStatus::Degraded, "1 of 3 ready");
            state.reason = Some(Reason {
                code: ReasonCode::Degraded,
                object: None,
                cause: "1 of 3 ready".to_owned(),
                since: Micros(1),
                next: String::new(),
                stalled: true,
            });
        })
        .await;
    let view = see(&bench, "").await;
    assert_eq!(
        text(&view),
        [
            "Needs attention: web [0, 1] apps/cart",
            "shop: cart [1, 1] apps/cart",
            // The cluster in the name is not part of what people call it.
            "shop: old [0, 1] apps/cart",
        ]
    );
    let columns: Vec<&str> = view
        .columns
        .iter()
        .map(|column| column.cluster.as_str())
        .collect();
    assert_eq!(columns, ["prod-eu", "prod-us"]);
    assert_eq!(
        (
            view.verdict.targets,
            view.verdict.synced,
            view.verdict.degraded,
            view.verdict.healthy
        ),
        (4, 4, 1, 3)
    );
    assert!(
        matches!(view.needs_you.as_slice(), [NeedsYou::Failing { cause, .. }] if cause == "1 of 3 ready."),
        "{:?}",
        view.needs_you
    );
    assert_eq!(view.head, store::event::head(bench.store()).await.unwrap());

    assert_eq!(
        text(&see(&bench, "health:degraded").await),
        ["Needs attention: web [0, 1] apps/cart"]
    );
    assert_eq!(
        text(&see(&bench, "cluster:*-eu image:1.4").await),
        ["shop: cart [1, 0] apps/cart"]
    );
    // Numbers are of the whole fleet, whatever is filtered.
    assert_eq!(see(&bench, "health:degraded").await.verdict.targets, 4);
    let wrong = see(&bench, "colour:red").await;
    assert!(wrong.filter_error.is_some_and(|(offset, _)| offset == 0));
    assert_eq!(wrong.sections.len(), view.sections.len());
}

#[tokio::test]
async fn a_commit_is_live_waiting_or_failed_per_target() {
    let bench = Bench::new().await;
    let commits = bench.commits();
    let targets = bench
        .define(&[App::new("a", "prod-eu"), App::new("b", "prod-us")])
        .await;
    bench.record(targets[0], &commits[2], |_| {}).await;
    bench.record(targets[1], &commits[0], |_| {}).await;
    bench
        .record(targets[1], &commits[2], |state| {
            state.sync = SyncStatus::OutOfSync;
            state.reason = Some(Reason {
                code: ReasonCode::Behind,
                object: None,
                cause: "1 object differs".to_owned(),
                since: Micros(1),
                next: "Press Sync".to_owned(),
                stalled: false,
            });
        })
        .await;
    let found = bench
        .plane
        .rollout(&actor(Role::Viewer), &commits[1].0[..8])
        .await
        .unwrap();
    assert_eq!(found.commit.subject, "two");
    let states: Vec<_> = found
        .targets
        .iter()
        .map(|on| (on.target.cluster.as_str(), on.state, on.why.as_str()))
        .collect();
    assert_eq!(
        states,
        [
            ("prod-eu", RolloutState::Live, ""),
            (
                "prod-us",
                RolloutState::Waiting,
                "1 object differs. Press Sync."
            )
        ]
    );
    // The filter says the same, and shows the targets it concerns.
    let view = see(&bench, &commits[1].0).await;
    assert_eq!(view.commit.map(|rollout| rollout.targets.len()), Some(2));
    assert_eq!(
        view.sections
            .iter()
            .map(|section| section.rows.len())
            .sum::<usize>(),
        2
    );
    let unknown = see(&bench, "commit:0123456").await;
    assert!(unknown.filter_error.is_some_and(|(offset, _)| offset == 7));
    let word = see(&bench, "abcdef0").await;
    assert_eq!((word.filter_error, word.sections.len()), (None, 0));

    let passport = bench
        .plane
        .commit(&actor(Role::Viewer), &repo(&bench).await, &commits[1])
        .await
        .unwrap();
    assert_eq!(passport.files.len(), 2);
    assert!(
        passport.patch.contains("+  greeting: two"),
        "{}",
        passport.patch
    );
    assert_eq!(
        (passport.targets.len(), passport.lead_time_seconds),
        (2, None)
    );
}

async fn repo(bench: &Bench) -> String {
    let query = ActivityQuery {
        kind: "commit".to_owned(),
        ..ActivityQuery::default()
    };
    seen(bench).await;
    let view = bench
        .plane
        .activity(&actor(Role::Viewer), &query)
        .await
        .unwrap();
    match view.entries.first() {
        Some(ActivityEntry::Commit { repo, .. }) => repo.clone(),
        other => unreachable!("{other:?}"),
    }
}

/// Records the commits as the reconciler of the repository does.
async fn seen(bench: &Bench) {
    let mirrors = bench.plane.runtime.mirrors();
    let (url, head) = (bench.repository.url(), bench.commits().pop().unwrap());
    let log = mirrors.log(&url, &head, &[], 100).await.unwrap();
    let defined = bench.plane.all_defined().await.unwrap();
    let commits: Vec<_> = log
        .into_iter()
        .map(|commit| (commit, defined.keys().copied().collect::<BTreeSet<_>>()))
        .collect();
    let mut tx = bench.store().begin().await.unwrap();
    store::commit::see(&mut tx, &bench.plane.runtime.repository_key(&url), &commits)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_timeline_joins_commits_and_acts_and_pages_by_time() {
    let bench = Bench::new().await;
    let target = bench.define(&[App::new("cart", "prod-eu")]).await.remove(0);
    bench.record(target, &bench.commits()[2], |_| {}).await;
    seen(&bench).await;
    bench
        .plane
        .hold(
            &actor(Role::Operator),
            target,
            HoldKind::Both,
            "load test",
            4,
        )
        .await
        .unwrap();
    let ask = |filter: &str, before: Option<Micros>, limit: u32| ActivityQuery {
        filter: filter.to_owned(),
        before,
        limit,
        ..ActivityQuery::default()
    };
    let viewer = actor(Role::Viewer);
    let all = bench
        .plane
        .activity(&viewer, &ask("", None, 50))
        .await
        .unwrap();
    let words: Vec<String> = all
        .entries
        .iter()
        .map(|entry| match entry {
            ActivityEntry::Commit {
                commit, targets, ..
            } => format!("{} on {}", commit.subject, targets.len()),
            ActivityEntry::Run(run) => run.phase.word().to_owned(),
            ActivityEntry::Action {
                actor,
                action,
                reason,
                ..
            } => format!("{actor} {action}: {reason}"),
        })
        .collect();
    assert_eq!(
        words,
        [
            "maria hold: load test",
            "three on 1",
            "two on 1",
            "one on 1"
        ]
    );
    assert_eq!(all.next, None);
    let first = bench
        .plane
        .activity(&viewer, &ask("", None, 2))
        .await
        .unwrap();
    assert_eq!(first.entries.len(), 2);
    let second = bench
        .plane
        .activity(&viewer, &ask("", first.next, 50))
        .await
        .unwrap();
    assert_eq!(second.entries.len(), 2);
    assert_eq!(
        bench
            .plane
            .activity(&viewer, &ask("prod-eu load", None, 50))
            .await
            .unwrap()
            .entries
            .len(),
        1
    );
    for (kind, approval, expected) in [
        ("x", "", None),
        ("", "x", None),
        ("sync", "none", None),
        ("", "none", Some(3)),
        ("commit", "none", Some(3)),
        ("commit", "known", Some(0)),
    ] {
        let query = ActivityQuery {
            kind: kind.to_owned(),
            approval: approval.to_owned(),
            ..ActivityQuery::default()
        };
        let view = bench.plane.activity(&viewer, &query).await;
        let found = view.ok().map(|view| view.entries.len());
        assert_eq!(found, expected, "{kind} {approval}");
    }
}

#[tokio::test]
async fn the_level_of_the_log_is_set_by_administrators_and_noted() {
    crate::telemetry::start_into_nothing();
    let bench = Bench::new().await;
    let wanted = SetLogLevel {
        level: Some(LogLevel::Trace),
    };
    for role in [Role::Viewer, Role::Operator] {
        let refused = bench.plane.set_log_level(&actor(role), &wanted).await;
        assert!(
            matches!(refused, Err(PortError::Denied { .. })),
            "{refused:?}"
        );
        assert!(bench.plane.log_level(&actor(role)).await.is_err());
    }
    let admin = actor(Role::Admin);
    for wanted in [wanted, SetLogLevel::default()] {
        bench.plane.set_log_level(&admin, &wanted).await.unwrap();
    }
    let view = bench.plane.log_level(&admin).await.unwrap();
    assert!(
        view.filter.starts_with("warn,server=info"),
        "{}",
        view.filter
    );
    let query = store::audit::AuditQuery {
        limit: 10,
        ..Default::default()
    };
    let log = store::audit::list(bench.store(), &query).await.unwrap();
    let acts: Vec<&str> = log.iter().map(|entry| entry.act.subject.as_str()).collect();
    assert_eq!(
        acts,
        [
            "level of the log: as it was started",
            "level of the log: trace"
        ]
    );
}

#[tokio::test]
async fn problems_name_stage_and_place_once() {
    let bench = Bench::new().await;
    let targets = bench
        .define(&[
            App::new("a", "prod-eu"),
            App::new("b", "prod-us"),
            App::new("c", "prod-us"),
        ])
        .await;
    for (target, code) in targets.iter().zip([
        ReasonCode::FetchFailed,
        ReasonCode::FetchFailed,
        ReasonCode::RenderFailed,
    ]) {
        bench
            .record(*target, &Revision("a".repeat(40)), |state| {
                state.sync = SyncStatus::Unknown;
                state.reason = Some(Reason {
                    code,
                    object: None,
                    cause: "the host does not answer".to_owned(),
                    since: Micros(1),
                    next: "It is tried again".to_owned(),
                    stalled: false,
                });
            })
            .await;
    }
    let problems = bench.plane.problems(&actor(Role::Viewer)).await.unwrap();
    let found: Vec<_> = problems
        .iter()
        .map(|problem| (problem.stage.as_str(), problem.path.as_str(), problem.line))
        .collect();
    // Two targets of one host that is down are one problem.
    assert_eq!(
        found,
        [
            ("fetch", "definitions/a.yaml", Some(1)),
            ("render", "apps/cart", None)
        ]
    );
}
