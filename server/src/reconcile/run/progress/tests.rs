use super::*;
use lockstep_types::id::TargetId;
use lockstep_types::plan::Method;
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::Revision;
use std::collections::BTreeMap;
use uuid::Uuid;

const NOW: Micros = Micros(1_000_000_000);

/// A run in a world where every request succeeds, and the test says what the cluster makes of it.
struct Run {
    plan: Plan,
    rows: Vec<StepOutcome>,
    cluster: BTreeMap<String, Look>,
    heals: bool,
    now: Micros,
    told: Vec<String>,
}

fn step(phase: PlanPhase, wave: i32, action: Action, name: &str) -> Step {
    Step {
        index: 0,
        key: ResourceKey::new("", "ConfigMap", "shop", name),
        api_version: "v1".to_owned(),
        hook: action.is_of_hook().then(Default::default),
        desired_hash: match action {
            Action::Prune | Action::HookCleanup(_) => String::new(),
            _ => format!("hash of {name}"),
        },
        action,
        phase,
        wave,
        uid: None,
        method: Default::default(),
        prune_last: false,
        changes: Vec::new(),
        impact: None,
        why: String::new(),
    }
}

/// One step a line: `PreSync 0 hook migrate`.
fn run(steps: &str) -> Run {
    let mut plan = Plan {
        target: TargetId(Uuid::nil()),
        revision: Revision("a".repeat(40)),
        steps: steps
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                let action = match words[2] {
                    "create" => Action::Create,
                    "unchanged" => Action::Unchanged,
                    "prune" => Action::Prune,
                    "hook" => Action::Hook,
                    "before" => Action::HookCleanup(HookDeletion::BeforeHookCreation),
                    "succeeded" => Action::HookCleanup(HookDeletion::HookSucceeded),
                    "failed" => Action::HookCleanup(HookDeletion::HookFailed),
                    other => panic!("{other}"),
                };
                let phase = PlanPhase::from_word(words[0]).unwrap();
                step(phase, words[1].parse().unwrap(), action, words[3])
            })
            .collect(),
        gate: Vec::new(),
        digest: String::new(),
        report: Vec::new(),
    };
    for (index, step) in (0..).zip(plan.steps.iter_mut()) {
        step.index = index;
    }
    Run {
        rows: outcome::at_first(&plan),
        plan,
        cluster: BTreeMap::new(),
        heals: false,
        now: NOW,
        told: Vec::new(),
    }
}

impl Run {
    fn is(&mut self, name: &str, look: Look) -> &mut Self {
        self.cluster.insert(name.to_owned(), look);
        self
    }

    /// Goes on until it waits or ends; tells what happened since the last call.
    fn go(&mut self) -> String {
        self.told.clear();
        for _ in 0..100 {
            let plan = self.plan.clone();
            let rows = self.rows.clone();
            let progress = Progress {
                plan: &plan,
                rows: &rows,
                fresh: None,
                heals: self.heals,
                stale: false,
                now: self.now,
                deadline: NOW.plus_seconds(3600),
            };
            let cluster = self.cluster.clone();
            let next = progress
                .next(&|step, _| cluster.get(&step.key.name).cloned().unwrap_or(Look::Ready));
            match next {
                Next::Do(batch) => {
                    let words: Vec<String> = batch
                        .iter()
                        .map(|step| format!("{} {}", step.action.word(), step.key.name))
                        .collect();
                    self.told.push(words.join(" + "));
                    for step in batch {
                        self.carry_out(step);
                    }
                }
                Next::Settle(outcomes) => {
                    for row in outcomes {
                        let at = usize::try_from(row.index).unwrap();
                        self.rows[at] = row;
                    }
                }
                Next::Wait(waiting) => {
                    self.told.push(format!("wait {}", waiting.step.key.name));
                    return self.told.join("; ");
                }
                Next::Look => panic!("nothing is stale"),
                Next::Changed(why) => return format!("changed: {why}"),
                Next::Applied => {
                    self.told.push("applied".to_owned());
                    return self.told.join("; ");
                }
                Next::Failed(why) => {
                    self.told.push(format!("failed: {why}"));
                    return self.told.join("; ");
                }
            }
        }
        panic!("it never ends: {:?}", self.told);
    }

    fn carry_out(&mut self, step: &Step) {
        let at = usize::try_from(step.index).unwrap();
        let open = step.action == Action::Hook;
        let status = if open {
            StepStatus::Running
        } else {
            StepStatus::Done
        };
        self.rows[at] = StepOutcome {
            uid: open.then(|| "uid".to_owned()),
            ..outcome::of(
                step,
                status,
                "",
                Some(self.now),
                (!open).then_some(self.now),
            )
        };
    }
}

fn waits() -> Look {
    Look::Waits("1 of 3 ready".to_owned())
}

fn fails() -> Look {
    Look::Failed("BackoffLimitExceeded".to_owned())
}

const WHOLE: &str = "
    PreSync 0 before migrate
    PreSync 0 hook migrate
    PreSync 0 succeeded migrate
    Sync 0 unchanged settings
    Sync 0 create web
    Sync 1 create front
    Sync 2 prune old
    PostSync 0 hook smoke
    SyncFail 0 hook tell
    SyncFail 0 failed migrate";

#[test]
fn every_wave_waits_for_the_one_before() {
    let mut run = run(WHOLE);
    assert_eq!(
        run.is("migrate", waits()).go(),
        "clean up before hook migrate; hook migrate; wait migrate"
    );
    assert_eq!(
        run.is("migrate", Look::Ready).is("web", waits()).go(),
        "clean up after success migrate; create web; wait web"
    );
    // What is not written is waited for too, and without PruneLast deletes wait for nothing.
    run.is("old", Look::Gone)
        .is("front", waits())
        .is("settings", waits());
    assert_eq!(run.is("web", Look::Ready).go(), "wait settings");
    assert_eq!(
        run.is("settings", Look::Ready).go(),
        "create front; prune old; wait front"
    );
    assert_eq!(
        run.is("front", Look::Ready).is("smoke", waits()).go(),
        "hook smoke; wait smoke"
    );
    assert_eq!(run.is("smoke", Look::Ready).go(), "applied");
    let skipped: Vec<&str> = run
        .rows
        .iter()
        .filter(|row| row.status == StepStatus::Skipped)
        .map(|row| row.key.name.as_str())
        .collect();
    assert_eq!(skipped, ["tell", "migrate"]);
}

#[test]
fn prune_last_waits_for_health() {
    let mut run = run("Sync 0 create web\nSync 1 prune old");
    run.plan.steps[1].prune_last = true;
    assert_eq!(run.is("web", waits()).go(), "create web; wait web");
    assert_eq!(run.is("web", Look::Ready).go(), "prune old; applied");
}

/// The request was answered, and the object takes its time.
#[test]
fn what_is_deleted_must_be_gone_before_the_run_is_over() {
    let mut run = run("Sync 0 prune old\nPostSync 0 hook smoke");
    run.rows[0].status = StepStatus::Running;
    run.rows[0].uid = Some("uid".to_owned());
    run.rows[0].started_at = Some(NOW);
    assert_eq!(run.is("old", waits()).go(), "wait old");
    run.is("smoke", Look::Ready);
    assert_eq!(run.is("old", Look::Gone).go(), "hook smoke; applied");
    assert_eq!(run.rows[0].status, StepStatus::Done);
    let mut late = self::run("Sync 0 prune old");
    late.rows[0] = StepOutcome {
        status: StepStatus::Running,
        uid: Some("uid".to_owned()),
        ..late.rows[0].clone()
    };
    late.now = NOW.plus_seconds(3600);
    let said = late.is("old", waits()).go();
    assert!(
        said.contains("ConfigMap old was waited for long enough"),
        "{said}"
    );
}

/// One object asks for it: the others do not wait.
#[test]
fn one_object_goes_last() {
    let mut run = run("Sync 0 create web\nSync 1 prune old\nSync 2 prune data");
    run.plan.steps[2].prune_last = true;
    run.is("web", waits()).is("old", Look::Gone);
    assert_eq!(run.go(), "create web; prune old; wait web");
    assert_eq!(run.is("web", Look::Ready).go(), "prune data; applied");
}

/// What was deleted in order to be made anew is made, also when the server ended in between.
#[test]
fn what_was_to_be_made_anew_is_made_although_it_is_gone() {
    for (method, expected) in [
        (Method::Recreate, "do job"),
        (Method::ApplyOrRecreate, "do job"),
        (
            Method::Replace,
            "ConfigMap job: the plan says to configure it, and now it would be to create",
        ),
    ] {
        let planned = |action: Action, uid: Option<&str>| Plan {
            steps: vec![Step {
                method,
                uid: uid.map(str::to_owned),
                ..step(PlanPhase::Sync, 0, action, "job")
            }],
            ..run("").plan
        };
        let plan = planned(Action::Configure, Some("old"));
        let mut rows = outcome::at_first(&plan);
        rows[0].status = StepStatus::Running;
        let fresh = planned(Action::Create, None);
        let progress = Progress {
            plan: &plan,
            rows: &rows,
            fresh: Some(&fresh),
            heals: false,
            stale: false,
            now: NOW,
            deadline: NOW.plus_seconds(1),
        };
        let said = match progress.next(&|_, _| Look::Ready) {
            Next::Do(batch) => format!("do {}", batch[0].key.name),
            Next::Changed(why) => why,
            other => format!("{other:?}"),
        };
        assert_eq!(said, expected);
    }
}

#[test]
fn putting_drift_back_waits_for_nothing_it_does_not_write() {
    let mut run = run("Sync 0 unchanged settings\nSync 1 create web");
    run.heals = true;
    assert_eq!(run.is("settings", waits()).go(), "create web; applied");
}

#[test]
fn a_failed_hook_ends_the_sync_and_runs_what_is_for_that() {
    let mut run = run(WHOLE);
    run.is("migrate", fails()).is("tell", waits());
    assert_eq!(
        run.go(),
        "clean up before hook migrate; hook migrate; hook tell; wait tell"
    );
    assert_eq!(
        run.is("tell", Look::Ready).go(),
        "clean up after failure migrate; failed: the hook ConfigMap migrate (PreSync) failed: BackoffLimitExceeded"
    );
    let of = |name: &str| run.rows.iter().find(|row| row.key.name == name).unwrap();
    assert_eq!(of("web").status, StepStatus::Skipped);
    assert_eq!(of("web").message, "not started: an earlier step failed");
}

#[test]
fn what_stays_in_a_bad_state_fails_its_wave() {
    let mut run = run(WHOLE);
    run.is("web", fails());
    assert!(
        run.go().ends_with(
            "hook tell; failed: ConfigMap web is applied and not healthy: BackoffLimitExceeded"
        ),
        "{:?}",
        run.told
    );
}

#[test]
fn a_hook_that_fails_after_a_failure_is_said_too() {
    let mut run = run(WHOLE);
    run.is("migrate", fails()).is("tell", fails());
    let told = run.go();
    assert!(
        told.contains("and then the hook ConfigMap tell (SyncFail) failed"),
        "{told}"
    );
}

#[test]
fn a_run_is_given_up_in_the_end() {
    let mut run = run(WHOLE);
    run.is("migrate", waits());
    run.go();
    run.now = NOW.plus_seconds(3600);
    let told = run.is("tell", Look::Ready).go();
    assert!(
        told.contains("was waited for long enough: 1 of 3 ready"),
        "{told}"
    );
}

#[test]
fn a_hook_that_vanished_has_not_succeeded() {
    let mut run = run("PreSync 0 hook migrate\nSync 0 create web");
    assert_eq!(
        run.is("migrate", Look::Gone).go(),
        "hook migrate; failed: the hook ConfigMap migrate was deleted before its end was seen"
    );
}

/// After a cut-off only what is still as planned is carried out.
#[test]
fn what_is_left_must_be_what_was_planned() {
    let before = run("PreSync 0 hook migrate\nSync 0 create a\nSync 0 create b\nSync 1 prune old");
    type Now<'a> = &'a [(&'a str, Action, Option<&'a str>)];
    let cases: [(&str, Now<'_>, &str); 5] = [
        (
            "nothing happened",
            &[
                ("a", Action::Create, None),
                ("b", Action::Create, None),
                ("old", Action::Prune, None),
            ],
            "do a b",
        ),
        (
            "one is there",
            &[
                ("a", Action::Unchanged, Some("1")),
                ("b", Action::Create, None),
                ("old", Action::Prune, None),
            ],
            "settle a",
        ),
        (
            "somebody made it",
            &[
                ("a", Action::Configure, Some("1")),
                ("b", Action::Create, None),
            ],
            "ConfigMap a: the plan says to create it, and now it would be to configure",
        ),
        (
            "not known",
            &[
                ("a", Action::Skip("403".to_owned()), None),
                ("b", Action::Create, None),
            ],
            "ConfigMap a: 403",
        ),
        (
            "left Git",
            &[("b", Action::Create, None)],
            "ConfigMap a: it is not declared any more",
        ),
    ];
    for (name, now, expected) in cases {
        let mut rows = before.rows.clone();
        rows[0].status = StepStatus::Done;
        let mut fresh = before.plan.clone();
        fresh.steps = now
            .iter()
            .map(|(name, action, uid)| Step {
                uid: uid.map(str::to_owned),
                ..step(PlanPhase::Sync, 0, action.clone(), name)
            })
            .collect();
        let progress = Progress {
            plan: &before.plan,
            rows: &rows,
            fresh: Some(&fresh),
            heals: false,
            stale: false,
            now: NOW,
            deadline: NOW.plus_seconds(1),
        };
        let said = match progress.next(&|_, _| Look::Ready) {
            Next::Do(batch) => {
                let names: Vec<&str> = batch.iter().map(|step| step.key.name.as_str()).collect();
                format!("do {}", names.join(" "))
            }
            Next::Settle(rows) => format!("settle {}", rows[0].key.name),
            Next::Changed(why) => why,
            other => format!("{other:?}"),
        };
        assert_eq!(said, expected, "{name}");
    }
}

/// A hook whose object is made is not made again; one whose request may not have been sent is.
#[test]
fn a_hook_is_made_once() {
    let mut run = run("PreSync 0 hook migrate");
    run.go();
    let mut cut = self::run("PreSync 0 hook migrate");
    cut.rows[0].status = StepStatus::Running;
    cut.rows[0].started_at = Some(NOW);
    cut.is("migrate", waits());
    assert_eq!(cut.go(), "hook migrate; wait migrate");
    cut.rows[0].uid = Some("uid".to_owned());
    assert_eq!(cut.go(), "wait migrate");
}
