use super::bench::{App, Bench, actor};
use crate::store;
use lockstep_types::PortError;
use lockstep_types::account::Role;
use lockstep_types::application::HistoryView;
use lockstep_types::diff::SyncStatus;
use lockstep_types::fleet::{FleetQuery, FleetView};
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::ports::{Applications, Fleet, Rollbacks};
use lockstep_types::revision::Revision;
use lockstep_types::rollback::{Judgement, MarkRequest};
use lockstep_types::time::Micros;

/// A moment between two records.
fn between() -> Micros {
    let now = crate::runtime::now();
    // The next record gets a later microsecond than this one.
    Micros(now.0 + 1)
}

async fn see(bench: &Bench, filter: &str, at: Option<Micros>, until: Option<Micros>) -> FleetView {
    let query = FleetQuery {
        filter: filter.to_owned(),
        show_all: true,
        at,
        until,
    };
    let viewer = actor(Role::Viewer);
    bench.plane.fleet(&viewer, &query).await.unwrap()
}

#[tokio::test]
async fn the_fleet_is_shown_and_filtered_as_it_was() {
    let bench = Bench::new().await;
    let commits = bench.commits();
    let targets = bench
        .define(&[App::new("cart", "prod-eu"), App::new("web", "prod-us")])
        .await;
    let before = between();
    for target in &targets {
        bench.record(*target, &commits[1], |_| {}).await;
    }
    let well = between();
    bench
        .record(targets[1], &commits[2], |state| {
            state.health = Health::new(HealthStatus::Degraded, "1 of 3 ready");
        })
        .await;
    let broken = between();
    bench.record(targets[1], &commits[2], |_| {}).await;

    let view = see(&bench, "", Some(well), None).await;
    assert_eq!((view.verdict.targets, view.verdict.healthy), (2, 2));
    assert!(view.needs_you.is_empty() && view.since_last_visit.is_none());
    let past = view.past.unwrap();
    let turned: Vec<&str> = past
        .turned
        .iter()
        .map(|turned| turned.target.application.name.as_str())
        .collect();
    // Its health is what it was; the commit is another.
    assert_eq!(turned, ["web"]);
    let state = past.turned[0].before.clone().unwrap();
    assert_eq!(state.deployed.as_ref(), Some(&commits[1]));
    assert_eq!(
        past.turned[0].after.clone().unwrap().revision.as_ref(),
        Some(&commits[2])
    );

    let sick = see(&bench, "health:degraded", Some(broken), None).await;
    let names: Vec<&str> = sick
        .sections
        .iter()
        .flat_map(|section| &section.rows)
        .map(|row| row.group.as_str())
        .collect();
    assert_eq!(names, ["web"]);
    assert_eq!(
        sick.sections[0].rows[0]
            .commit
            .as_ref()
            .map(|commit| &commit.revision),
        Some(&commits[2])
    );
    assert!(
        see(&bench, "health:degraded", None, None)
            .await
            .sections
            .is_empty()
    );

    let pair = see(&bench, "", Some(well), Some(broken))
        .await
        .past
        .unwrap();
    assert_eq!(
        pair.turned[0].after.clone().unwrap().health,
        HealthStatus::Degraded
    );
    let query = FleetQuery {
        at: Some(broken),
        until: Some(well),
        ..FleetQuery::default()
    };
    let wrong = bench.plane.fleet(&actor(Role::Viewer), &query).await;
    assert!(
        matches!(&wrong, Err(PortError::Invalid { field, .. }) if field == "until"),
        "{wrong:?}"
    );

    let first = see(&bench, "", Some(before), None).await;
    assert_eq!(first.verdict.sync_unknown, 2);
    let target = bench
        .plane
        .past(&actor(Role::Viewer), targets[1], broken)
        .await
        .unwrap();
    assert_eq!(
        target.then.map(|then| then.health),
        Some(HealthStatus::Degraded)
    );
    assert_eq!(target.now_is.sync, SyncStatus::Synced);
    assert_eq!(
        target.commit.map(|commit| commit.revision),
        Some(commits[2].clone())
    );
}

async fn marks(bench: &Bench, target: lockstep_types::id::TargetId) -> Vec<String> {
    let viewer = actor(Role::Viewer);
    let HistoryView { marks, .. } = bench.plane.history(&viewer, target, None).await.unwrap();
    marks
        .iter()
        .map(|mark| format!("{} by {}: {}", mark.judgement.word(), mark.by, mark.reason))
        .collect()
}

#[tokio::test]
async fn what_people_say_of_a_revision_decides_what_is_offered() {
    let bench = Bench::new().await;
    let commits = bench.commits();
    let targets = bench.define(&[App::new("cart", "prod-eu")]).await;
    for commit in &commits {
        bench.record(targets[0], commit, |_| {}).await;
    }
    let operator = actor(Role::Operator);
    let offered = async || -> Vec<(String, bool)> {
        let candidates = bench.plane.candidates(&operator, targets[0]).await.unwrap();
        candidates
            .into_iter()
            .filter(|candidate| candidate.healthy)
            .map(|candidate| (candidate.commit.subject, candidate.last_healthy))
            .collect()
    };
    let both = [("two".to_owned(), true), ("one".to_owned(), false)];
    assert_eq!(offered().await, both);

    let say = |revision: &Revision, judgement| MarkRequest {
        target: targets[0],
        revision: Revision(revision.0.chars().take(12).collect()),
        judgement,
        reason: "orders were lost".to_owned(),
    };
    let bad = say(&commits[1], Some(Judgement::Bad));
    let viewer = bench.plane.mark(&actor(Role::Viewer), &bad).await;
    assert!(
        matches!(viewer, Err(PortError::Denied { .. })),
        "{viewer:?}"
    );
    bench.plane.mark(&operator, &bad).await.unwrap();
    assert_eq!(
        marks(&bench, targets[0]).await,
        ["bad by maria: orders were lost"]
    );
    assert_eq!(offered().await, [("one".to_owned(), true)]);

    bench
        .plane
        .mark(&operator, &say(&commits[1], None))
        .await
        .unwrap();
    assert_eq!(offered().await, both);
    let nowhere = say(&Revision("f".repeat(40)), Some(Judgement::Good));
    let missing = bench.plane.mark(&operator, &nowhere).await;
    assert!(
        matches!(missing, Err(PortError::NotFound(_))),
        "{missing:?}"
    );
    let query = store::audit::AuditQuery {
        limit: 10,
        ..Default::default()
    };
    let log = store::audit::list(bench.store(), &query).await.unwrap();
    let acts: Vec<&str> = log.iter().map(|entry| entry.act.action.as_str()).collect();
    assert_eq!(acts, ["unmark", "mark bad"]);
}
