//! Random histories of one target against a model: whatever Git, people and others in the cluster do, nothing is deleted
//! that no plan named, no rule let through and no person said yes to; and the independent check of plans never disagrees
//! with the planner.
//!
//! `LOCKSTEP_HISTORIES` says how many (2,000 unless set; `make soak` runs 100,000), `LOCKSTEP_HISTORIES_SEED` where they
//! begin. A failure names its seed, which alone makes it happen again.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod git;
mod oracle;
mod outcome;
mod reconciler;
mod world;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reconciler::Reconciler;

/// Events of one history.
const EVENTS: usize = 45;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// What happened in all histories together, so that it can be seen that they test something.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub passes: u64,
    pub plans: u64,
    pub runs: u64,
    pub deletes: u64,
    pub held: u64,
    pub approved: u64,
    /// Approvals that were void because the plan was another one by then.
    pub void: u64,
    /// Deletes that the cluster refused: another object stood there by then.
    pub missed: u64,
    /// Plans with one thing changed that must not be, and that the check found.
    pub spoiled: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.passes += other.passes;
        self.plans += other.plans;
        self.runs += other.runs;
        self.deletes += other.deletes;
        self.held += other.held;
        self.approved += other.approved;
        self.void += other.void;
        self.missed += other.missed;
        self.spoiled += other.spoiled;
    }
}

fn history(seed: u64) -> Tally {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut reconciler = Reconciler::new(&mut chance);
    for _ in 0..EVENTS {
        reconciler.world.happens(&mut chance);
        for _ in 0..chance.random_range(1..=2) {
            reconciler.pass(&mut chance);
        }
    }
    reconciler.settle(&mut chance);
    reconciler.tally
}

#[test]
fn no_history_deletes_what_it_should_not() {
    let (first, many) = (
        number("LOCKSTEP_HISTORIES_SEED", 1),
        number("LOCKSTEP_HISTORIES", 2_000),
    );
    let lanes = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let told: Vec<_> = (0..lanes)
        .map(|lane| {
            std::thread::spawn(move || {
                let mut all = Tally::default();
                for seed in (first..first + many)
                    .skip(lane as usize)
                    .step_by(lanes as usize)
                {
                    match std::panic::catch_unwind(|| history(seed)) {
                        Ok(tally) => all.add(tally),
                        Err(_) => return Err(seed),
                    }
                }
                Ok(all)
            })
        })
        .collect();
    let mut all = Tally::default();
    for lane in told {
        match lane.join().unwrap() {
            Ok(tally) => all.add(tally),
            Err(seed) => panic!("the history of LOCKSTEP_HISTORIES_SEED={seed} broke a rule"),
        }
    }
    println!("{many} histories: {all:?}");
    // They must come to every place that matters.
    for (what, count) in [
        ("deletes", all.deletes),
        ("held prunes", all.held),
        ("approvals", all.approved),
        ("void approvals", all.void),
        ("deletes of replaced objects", all.missed),
        ("spoiled plans", all.spoiled),
    ] {
        assert!(
            count >= many / 40,
            "only {count} {what} in {many} histories"
        );
    }
}

/// The oracle is no decoration: its rules turn red, each in its own words, when a reconciler without them runs.
#[test]
fn every_rule_of_the_oracle_can_fail() {
    for (defect, words) in reconciler::DEFECTS {
        let found = (1..400_u64).any(|seed| {
            let outcome = std::panic::catch_unwind(|| {
                let mut chance = StdRng::seed_from_u64(seed);
                let mut reconciler = Reconciler::new(&mut chance);
                reconciler.defect = Some(defect);
                for _ in 0..EVENTS {
                    reconciler.world.happens(&mut chance);
                    reconciler.pass(&mut chance);
                    reconciler.pass(&mut chance);
                }
            });
            // Whatever else goes wrong is no finding of the oracle.
            outcome.is_err_and(|cause| {
                let said = cause.downcast_ref::<String>().map(String::as_str);
                let said = said.or_else(|| cause.downcast_ref::<&str>().copied());
                said.is_some_and(|said| said.contains(words))
            })
        });
        assert!(found, "a reconciler with the defect {defect:?} passed");
    }
}
