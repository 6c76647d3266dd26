//! A long history: runs that are copies of one that the store wrote itself, and commits and acts through the store.

use super::{APPLICATIONS, Figure, WRITTEN};
use crate::database::Db;
use crate::fixture::{at, fields, plan, seen};
use lockstep_types::Micros;
use lockstep_types::id::{ApplicationId, TargetId, UserId};
use lockstep_types::plan::{Plan, PlanPhase, Step};
use lockstep_types::revision::{CommitInfo, Revision};
use lockstep_types::source::Mode;
use lockstep_types::sync::{StartedBy, StepOutcome, StepStatus, SyncPhase};
use sea_orm::ConnectionTrait;
use server::store::audit::Act;
use server::store::operation::NewOperation;
use server::store::{application, commit, operation, run, source, target};
use std::collections::BTreeSet;
use std::time::Instant;
use uuid::Uuid;

/// Rows of one transaction.
const BATCH: usize = 5_000;
/// Acts of one moment as a busy server has them. A page never tears a moment apart, so that those of a batch as above would all
/// be on one.
const MOMENT: usize = 100;
/// Objects of an application: a Deployment, a Service, an account and an Ingress.
const OBJECTS: u32 = 4;
/// Of so many commits one is approved: few, so that looking for them is the hard case.
const APPROVED: usize = 1000;
pub(super) const REPOSITORY: &str = "https://git.example.org/team/shop";

/// What the history is of.
pub(super) struct World {
    pub applications: Vec<ApplicationId>,
    pub targets: Vec<TargetId>,
    pub people: Vec<UserId>,
}

impl World {
    /// A moment of a log with one row a second.
    pub(super) fn moment(row: usize) -> Micros {
        at(i64::try_from(row).unwrap())
    }
}

pub(super) fn sha(row: usize) -> Revision {
    // Spread like those of Git.
    Revision(
        Uuid::new_v5(&Uuid::NAMESPACE_OID, &row.to_be_bytes())
            .simple()
            .to_string()
            + "00c0ffee",
    )
}

pub(super) async fn world(db: &Db) -> World {
    let mut tx = db.store.begin_at(at(0)).await.unwrap();
    let source = source::create(&mut tx, &fields("root")).await.unwrap().id;
    let seen: Vec<_> = (0..APPLICATIONS)
        .map(|number| seen(&format!("app-{number:04}")))
        .collect();
    application::reconcile(&mut tx, source, &sha(0), &seen)
        .await
        .unwrap();
    let mut targets = Vec::new();
    for seen in &seen {
        let target = target::ensure(&mut tx, seen.id, "prod-eu", Mode::Managed).await;
        targets.push(target.unwrap().id);
    }
    tx.commit().await.unwrap();
    let person = |number: usize| Uuid::new_v5(&Uuid::NAMESPACE_URL, &number.to_be_bytes());
    World {
        applications: seen.into_iter().map(|seen| seen.id).collect(),
        targets,
        people: (0..50).map(|number| UserId(person(number))).collect(),
    }
}

fn steps(target: TargetId) -> Plan {
    let mut plan = plan(target, &"d".repeat(64));
    let first = plan.steps.pop().unwrap();
    for (index, kind) in (0..OBJECTS).zip(["Deployment", "Service", "ServiceAccount", "Ingress"]) {
        let mut key = first.key.clone();
        kind.clone_into(&mut key.kind);
        plan.steps.push(Step {
            index,
            key,
            desired_hash: "h".repeat(64),
            ..first.clone()
        });
    }
    plan
}

fn info(row: usize) -> CommitInfo {
    CommitInfo {
        revision: sha(row),
        parents: vec![sha(row.wrapping_sub(1))],
        subject: format!(
            "Raise the connection pool of app-{:04} to {row}",
            row % APPLICATIONS
        ),
        body: String::new(),
        author: format!("Person {}", row % 50),
        author_email: format!("person-{}@example.org", row % 50),
        authored_at: World::moment(row),
        committer: "Host".to_owned(),
        committed_at: World::moment(row),
    }
}

/// Bytes of the whole database.
async fn bytes(db: &Db) -> f64 {
    let raw = db.raw().await;
    if db.is_sqlite() {
        raw.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)")
            .await
            .unwrap();
        let path = db.url.trim_start_matches("sqlite:");
        return std::fs::metadata(path).unwrap().len() as f64;
    }
    let backend = raw.get_database_backend();
    let text = "SELECT pg_database_size(current_database())";
    let row = raw
        .query_one_raw(sea_orm::Statement::from_string(backend, text))
        .await
        .unwrap();
    row.unwrap().try_get_by_index::<i64>(0).unwrap() as f64
}

/// One run as the reconciler writes it, then `count` copies spread over all targets, one a second.
pub(super) async fn runs(
    db: &Db,
    world: &World,
    count: usize,
    words: &impl Fn(&str) -> String,
) -> Vec<Figure> {
    let mut tx = db.store.begin_at(World::moment(0)).await.unwrap();
    let target = world.targets[0];
    let started_by = StartedBy::Person("Maria".to_owned());
    let new = NewOperation {
        started_by: started_by.clone(),
        ..crate::fixture::sync_of(target, None)
    };
    let asked = operation::insert(&mut tx, &new)
        .await
        .unwrap()
        .operation()
        .id;
    let new = run::NewRun {
        operation: asked,
        target,
        fence: 1,
        revision: sha(0),
        commit: Some(info(0)),
        started_by,
    };
    let made = run::create(&mut tx, &new).await.unwrap();
    let plan = steps(target);
    run::put_plan(&mut tx, made.id, 1, &plan, &"r".repeat(64))
        .await
        .unwrap();
    let outcome = |step: &Step| StepOutcome {
        index: step.index,
        key: step.key.clone(),
        action: step.action.clone(),
        phase: PlanPhase::Sync,
        wave: 0,
        status: StepStatus::Done,
        message: "configured".to_owned(),
        started_at: Some(World::moment(0)),
        ended_at: Some(World::moment(0)),
        uid: Some(Uuid::nil().to_string()),
    };
    let outcomes: Vec<_> = plan.steps.iter().map(outcome).collect();
    run::put_steps(&mut tx, made.id, 1, &outcomes)
        .await
        .unwrap();
    run::finish(
        &mut tx,
        made.id,
        1,
        SyncPhase::Succeeded,
        "4 objects applied",
    )
    .await
    .unwrap();
    operation::end(&mut tx, asked, "done").await.unwrap();
    tx.commit().await.unwrap();

    let before = bytes(db).await;
    let raw = db.raw().await;
    let since = Instant::now();
    // Rows 1 to `count`; ids in the shape of the store's.
    let (series, id, place) = if db.is_sqlite() {
        (
            "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})",
            "printf('%08x-0000-7000-{kind}-%012x', i, i)",
            "ids.place = n.i % {targets}",
        )
    } else {
        (
            "WITH n(i) AS (SELECT generate_series({from}::bigint, {to}::bigint))",
            "lpad(to_hex(i), 8, '0') || '-0000-7000-{kind}-' || lpad(to_hex(i), 12, '0')",
            "ids.place = n.i % {targets}",
        )
    };
    let run_id = id.replace("{kind}", "8000");
    let asked_id = id.replace("{kind}", "9000");
    raw.execute_unprepared("CREATE TABLE scale_ids (place BIGINT PRIMARY KEY, id TEXT)")
        .await
        .unwrap();
    for (place, target) in world.targets.iter().enumerate() {
        let insert = format!("INSERT INTO scale_ids VALUES ({place}, '{target}')");
        raw.execute_unprepared(&insert).await.unwrap();
    }
    let (made, start) = (made.id, World::moment(0).0);
    let statements = [
        format!(
            "INSERT INTO operation (id, kind, target_id, actor, started_by, idempotency_key, parameters, created_at, taken_at, ended_at, message) \
             {{series}} SELECT {asked_id}, o.kind, ids.id, o.actor, o.started_by, NULL, o.parameters, {start} + i * 1000000, {start} + i * 1000000, {start} + i * 1000000, o.message \
             FROM n JOIN scale_ids ids ON {place} CROSS JOIN operation o WHERE o.id = '{asked}'"
        ),
        format!(
            "INSERT INTO run (id, operation_id, target_id, attempt, phase, fence, revision, commit_info, started_by, plan_digest, render_key, counts, message, started_at, ended_at) \
             {{series}} SELECT {run_id}, {asked_id}, ids.id, 1, r.phase, r.fence, r.revision, r.commit_info, r.started_by, r.plan_digest, r.render_key, r.counts, r.message, {start} + i * 1000000, {start} + i * 1000000 + 500000 \
             FROM n JOIN scale_ids ids ON {place} CROSS JOIN run r WHERE r.id = '{made}'"
        ),
        format!(
            "INSERT INTO run_plan (run_id, plan) {{series}} SELECT {run_id}, p.plan FROM n CROSS JOIN run_plan p WHERE p.run_id = '{made}'"
        ),
        format!(
            "INSERT INTO step (run_id, position, object_key, action, wave, status, message, started_at, ended_at, phase, uid) \
             {{series}} SELECT {run_id}, s.position, s.object_key, s.action, s.wave, s.status, s.message, s.started_at, s.ended_at, s.phase, s.uid \
             FROM n CROSS JOIN step s WHERE s.run_id = '{made}'"
        ),
    ];
    let mut from = 1;
    while from <= count {
        let to = (from + BATCH - 1).min(count);
        let series = series
            .replace("{from}", &from.to_string())
            .replace("{to}", &to.to_string());
        for statement in &statements {
            let statement = statement
                .replace("{series}", &series)
                .replace("{targets}", &APPLICATIONS.to_string());
            raw.execute_unprepared(&statement).await.unwrap();
        }
        from = to + 1;
    }
    raw.execute_unprepared("DROP TABLE scale_ids")
        .await
        .unwrap();
    let seconds = since.elapsed().as_secs_f64();
    let taken = bytes(db).await - before;
    let rows = (count * (3 + OBJECTS as usize)) as f64;
    vec![
        Figure::plain(
            words(&format!(
                "{count} runs with plan and {OBJECTS} steps: bytes of each"
            )),
            taken / count as f64,
            "B",
        ),
        Figure::plain(
            words("rows of runs, copied in the database"),
            rows / seconds,
            "rows/s",
        ),
    ]
}

/// `count` rows of activity: seven acts to three commits, through the store, in batches.
pub(super) async fn activity(
    db: &Db,
    world: &World,
    count: usize,
    words: &impl Fn(&str) -> String,
) -> Vec<Figure> {
    let (commits, acts) = (count * 3 / 10, count - count * 3 / 10);
    let before = bytes(db).await;
    let since = Instant::now();
    for from in (0..commits).step_by(BATCH) {
        let batch: Vec<(CommitInfo, BTreeSet<ApplicationId>)> = (from..(from + BATCH).min(commits))
            .map(|row| {
                (
                    info(row),
                    BTreeSet::from([world.applications[row % APPLICATIONS]]),
                )
            })
            .collect();
        let mut tx = db
            .store
            .begin_at(World::moment(from + BATCH))
            .await
            .unwrap();
        commit::see(&mut tx, REPOSITORY, &batch).await.unwrap();
        tx.commit().await.unwrap();
    }
    let of_commits = since.elapsed().as_secs_f64();
    let after = bytes(db).await;
    // A tenth in large batches at the very beginning, where no page looks.
    let old = acts / 10;
    let of_old = recorded(db, world, (0, old), BATCH).await;
    let of_acts = recorded(db, world, (old, acts), MOMENT).await;
    let end = bytes(db).await;
    let raw = db.raw().await;
    let approve = format!(
        "UPDATE commit_seen SET approved = {}, pull = '{}' WHERE committed_at % {} = 0",
        if db.is_sqlite() { "1" } else { "true" },
        r#"{"number":7,"title":"Ship it","address":"https://git.example.org/team/shop/pulls/7","author":"maria","reviews":[{"person":"ana","verdict":"Approved","at":1800000000000000}]}"#,
        APPROVED * 1_000_000,
    );
    raw.execute_unprepared(&approve).await.unwrap();
    if !db.is_sqlite() {
        // As the database does by itself some minutes after so many rows.
        raw.execute_unprepared("ANALYZE").await.unwrap();
    }
    vec![
        // Each has a row that says which application it touches.
        Figure::least(
            words(&format!(
                "{commits} commits with their applications, {BATCH} at once"
            )),
            (commits * 2) as f64 / of_commits,
            WRITTEN,
        ),
        Figure::plain(
            words("bytes of a commit"),
            (after - before) / commits as f64,
            "B",
        ),
        Figure::least(
            words(&format!("{old} acts in the chain, {BATCH} at once")),
            old as f64 / of_old,
            WRITTEN,
        ),
        Figure::plain(
            words(&format!("{} acts more, {MOMENT} at once", acts - old)),
            (acts - old) as f64 / of_acts,
            "rows/s",
        ),
        Figure::plain(words("bytes of an act"), (end - after) / acts as f64, "B"),
    ]
}

/// Writes acts, so many at once; the seconds that it took.
async fn recorded(db: &Db, world: &World, (from, to): (usize, usize), at_once: usize) -> f64 {
    let since = Instant::now();
    for from in (from..to).step_by(at_once) {
        let mut tx = db.store.begin_at(World::moment(from)).await.unwrap();
        for row in from..(from + at_once).min(to) {
            tx.record(act(world, row));
        }
        tx.commit().await.unwrap();
    }
    since.elapsed().as_secs_f64()
}

fn act(world: &World, row: usize) -> Act {
    let person = row % world.people.len();
    let place = row * 7 % APPLICATIONS;
    let mut act = Act::unattended(
        format!("Person {person}"),
        ["sync", "hold", "approve", "log in"][row % 4],
        format!("shop/app-{place:04} on prod-eu"),
    );
    act.actor_id = Some(world.people[person]);
    if row % 4 != 3 {
        act = act
            .on(world.targets[place])
            .because("as asked for by the team");
    }
    act
}
