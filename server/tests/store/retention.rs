//! Bodies of old history go by the policy; the record and what is named stay.

use crate::database::Db;
use crate::fixture::{at, key, operation, plan, revision, target};
use crate::renders::{bodies, object, put};
use lockstep_types::id::{RunId, TargetId};
use lockstep_types::plan::{Action, PlanPhase};
use lockstep_types::retention::{NEWEST, Retention};
use lockstep_types::rollback::Judgement;
use lockstep_types::sync::{StartedBy, StepOutcome, StepStatus, SyncPhase};
use server::store::run::{self, NewRun};
use server::store::{mark, pin, render, target as targets};

on_both!(
    nothing_goes_without_a_policy,
    bodies_of_old_runs_go_and_the_record_stays,
    what_is_named_stays_whole,
    renders_that_nothing_names_go,
    a_render_that_is_put_to_use_meanwhile_stays,
);

const DAY: i64 = 24 * 3600;

/// A run of a revision with its render, ended at a second.
async fn ran(db: &Db, target: TargetId, digit: char, second: i64) -> RunId {
    let name = format!("render-{digit}-{second}");
    put(
        db,
        second,
        &name,
        &[object("web", "shared"), object("own", &name)],
    )
    .await;
    let operation = operation(&db.store, target).await;
    let mut tx = db.store.begin_at(at(second)).await.unwrap();
    let new = NewRun {
        operation,
        target,
        fence: 1,
        revision: revision(digit),
        commit: None,
        started_by: StartedBy::Person("maria".to_owned()),
    };
    let made = run::create(&mut tx, &new).await.unwrap();
    let plan = plan(target, &format!("digest-{second}"));
    run::put_plan(&mut tx, made.id, 1, &plan, &name)
        .await
        .unwrap();
    let step = StepOutcome {
        index: 0,
        key: key("web"),
        action: Action::Create,
        status: StepStatus::Done,
        message: "created, says the cluster".to_owned(),
        started_at: Some(at(second)),
        ended_at: Some(at(second)),
        phase: PlanPhase::Sync,
        wave: 0,
        uid: None,
    };
    run::put_steps(&mut tx, made.id, 1, &[step]).await.unwrap();
    run::finish(
        &mut tx,
        made.id,
        1,
        SyncPhase::Succeeded,
        "1 object applied",
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    made.id
}

async fn keep(db: &Db, days: Option<u32>) {
    let mut tx = db.store.begin().await.unwrap();
    server::retention::set(&mut tx, Retention { days })
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// Whether a run has its plan, what was said of its step, and its manifests.
async fn whole(db: &Db, id: RunId) -> (bool, bool, bool) {
    let row = run::get(&db.store, id).await.unwrap();
    let plan = run::plan(&db.store, id).await.unwrap();
    let steps = run::steps(&db.store, id).await.unwrap();
    let rendered = row.render_key.expect("the name of the render is record");
    let rendered = render::objects(&db.store, &rendered).await.unwrap();
    (
        plan.is_some(),
        !steps[0].message.is_empty(),
        rendered.is_some(),
    )
}

const WHOLE: (bool, bool, bool) = (true, true, true);
const GONE: (bool, bool, bool) = (false, false, false);

async fn nothing_goes_without_a_policy(db: &Db) {
    let id = target(&db.store).await;
    let mut runs = Vec::new();
    for second in 1..=i64::from(NEWEST) + 5 {
        runs.push(ran(db, id, 'b', second).await);
    }
    let gone = server::retention::keep(&db.store, at(5000 * DAY))
        .await
        .unwrap();
    assert_eq!((gone.runs, gone.renders), (0, 0));
    for run in runs {
        assert_eq!(whole(db, run).await, WHOLE);
    }
    let view = server::retention::view(&db.store).await.unwrap();
    assert_eq!((view.rules.days, view.last), (None, None));
}

async fn bodies_of_old_runs_go_and_the_record_stays(db: &Db) {
    let id = target(&db.store).await;
    let old = ran(db, id, 'b', 1).await;
    let before = run::get(&db.store, old).await.unwrap();
    let mut newest = Vec::new();
    for second in 2..=i64::from(NEWEST) + 1 {
        newest.push(ran(db, id, 'c', second).await);
    }
    keep(db, Some(10)).await;
    let early = server::retention::keep(&db.store, at(10 * DAY))
        .await
        .unwrap();
    assert_eq!(
        (early.runs, early.renders),
        (0, 0),
        "not a second too early"
    );
    let held = bodies(db).await;
    let gone = server::retention::keep(&db.store, at(11 * DAY))
        .await
        .unwrap();
    assert_eq!((gone.runs, gone.renders), (1, 1));
    assert_eq!(whole(db, old).await, GONE);
    assert_eq!(bodies(db).await, held - 1, "what others have too stays");
    for run in newest {
        assert_eq!(whole(db, run).await, WHOLE, "the newest stay at any age");
    }
    // The record is as it was.
    let after = run::get(&db.store, old).await.unwrap();
    assert!(after.bodies_gone_at.is_some());
    let without = run::RunRow {
        bodies_gone_at: None,
        ..after
    };
    assert_eq!(without, before);
    let steps = run::steps(&db.store, old).await.unwrap();
    assert_eq!(
        (steps[0].key.clone(), steps[0].status, steps[0].ended_at),
        (key("web"), StepStatus::Done, Some(at(1)))
    );
    assert_eq!(
        run::summary(&db.store, old).await.unwrap().counts,
        before.counts
    );
    let view = server::retention::view(&db.store).await.unwrap();
    assert_eq!(view.last, Some(gone));
    let again = server::retention::keep(&db.store, at(12 * DAY))
        .await
        .unwrap();
    assert_eq!((again.runs, again.renders), (0, 0));
    assert_eq!(
        server::retention::view(&db.store).await.unwrap().last,
        Some(gone)
    );
}

async fn what_is_named_stays_whole(db: &Db) {
    let id = target(&db.store).await;
    let marked = ran(db, id, 'b', 1).await;
    let pinned = ran(db, id, 'c', 2).await;
    let deployed = ran(db, id, 'd', 3).await;
    let nothing = ran(db, id, 'e', 4).await;
    for second in 5..=i64::from(NEWEST) + 4 {
        ran(db, id, 'f', second).await;
    }
    let mut tx = db.store.begin_at(at(100)).await.unwrap();
    let bad = Some(Judgement::Bad);
    mark::set(&mut tx, id, &revision('b'), bad, "maria", "it lost carts")
        .await
        .unwrap();
    let until = at(900 * DAY);
    let why = "until it is mended";
    let pin = pin::insert(&mut tx, id, &revision('c'), "maria", why, until)
        .await
        .unwrap();
    let generation = targets::claim(&mut tx, id).await.unwrap();
    let now = targets::Deployed {
        revision: revision('d'),
        render_key: "another".to_owned(),
        images: Vec::new(),
    };
    targets::set_deployed(&mut tx, id, generation, &now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    keep(db, Some(10)).await;
    let gone = server::retention::keep(&db.store, at(99 * DAY))
        .await
        .unwrap();
    assert_eq!((gone.runs, gone.renders), (1, 1));
    assert_eq!(whole(db, nothing).await, GONE);
    for run in [marked, pinned, deployed] {
        assert_eq!(whole(db, run).await, WHOLE);
    }
    // With its name it loses its place.
    let mut tx = db.store.begin_at(at(200)).await.unwrap();
    mark::set(&mut tx, id, &revision('b'), None, "maria", "")
        .await
        .unwrap();
    pin::end(&mut tx, pin.id, "maria").await.unwrap();
    tx.commit().await.unwrap();
    let gone = server::retention::keep(&db.store, at(99 * DAY))
        .await
        .unwrap();
    assert_eq!((gone.runs, gone.renders), (2, 2));
    assert_eq!(whole(db, deployed).await, WHOLE);
}

async fn renders_that_nothing_names_go(db: &Db) {
    let id = target(&db.store).await;
    for name in ["compared", "compared-later", "deployed", "nothing"] {
        put(db, 1, name, &[object("web", "shared"), object("own", name)]).await;
    }
    put(db, 20 * DAY, "new", &[object("own", "new")]).await;
    // Compared and left, long ago and of late; then another is deployed.
    for (second, digit, name) in [(2, 'b', "compared"), (15 * DAY, 'c', "compared-later")] {
        let mut tx = db.store.begin_at(at(second)).await.unwrap();
        let generation = targets::claim(&mut tx, id).await.unwrap();
        let state = targets::TargetState {
            revision: Some(revision(digit)),
            render_key: Some(name.to_owned()),
            ..targets::TargetState::unknown()
        };
        targets::record(&mut tx, id, generation, &state)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = db.store.begin_at(at(16 * DAY)).await.unwrap();
    let generation = targets::claim(&mut tx, id).await.unwrap();
    let now = targets::Deployed {
        revision: revision('d'),
        render_key: "deployed".to_owned(),
        images: Vec::new(),
    };
    targets::set_deployed(&mut tx, id, generation, &now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    keep(db, Some(10)).await;
    let gone = server::retention::keep(&db.store, at(21 * DAY))
        .await
        .unwrap();
    assert_eq!(gone.renders, 2);
    for (name, there) in [
        ("compared", false),
        ("nothing", false),
        ("compared-later", true),
        ("deployed", true),
        ("new", true),
    ] {
        let found = render::objects(&db.store, name).await.unwrap();
        assert_eq!(found.is_some(), there, "{name}");
    }
    assert_eq!(bodies(db).await, 4, "what another render has too stays");
}

async fn a_render_that_is_put_to_use_meanwhile_stays(db: &Db) {
    put(db, 1, "used", &[object("own", "used")]).await;
    put(db, 1, "unused", &[object("own", "unused")]).await;
    keep(db, Some(10)).await;
    // Whoever puts it to use is not through yet when what is old is looked for.
    let mut tx = db.store.begin_at(at(20 * DAY)).await.unwrap();
    assert!(render::put_to_use(&mut tx, "used").await.unwrap());
    assert!(!render::put_to_use(&mut tx, "never").await.unwrap());
    let store = db.store.clone();
    let gone = tokio::spawn(async move { server::retention::keep(&store, at(21 * DAY)).await });
    if !db.is_sqlite() {
        // SQLite lets it begin only now; PostgreSQL has it find the render and wait for its row.
        db.until_somebody_waits().await;
    }
    tx.commit().await.unwrap();
    let gone = gone.await.unwrap().unwrap();
    assert_eq!(gone.renders, 1);
    for (name, there) in [("used", true), ("unused", false)] {
        let found = render::objects(&db.store, name).await.unwrap();
        assert_eq!(found.is_some(), there, "{name}");
    }
    let used = render::used_at(&db.store, "used").await.unwrap();
    assert_eq!(used, Some(at(20 * DAY)));
}
