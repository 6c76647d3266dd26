//! The conformance set: what the documentation of Argo CD, Flux and Fleet says a definition means, as a table of
//! scenarios that run against a real API server, and beside them those that need none.
//!
//! The table is in `conformance/*.yaml`, one file a topic; [`table`] says how it is read. Every scenario names the
//! documentation it follows, and where Lockstep differs on purpose, why. Scenarios run side by side in lanes, each lane
//! with one server for all of its scenarios, each scenario with a namespace and a repository of its own. What was
//! applied and deleted, and in which order, is taken from the API server's audit log and from the step log of the run,
//! never from the plan.

#[path = "conformance/act.rs"]
mod act;
#[path = "conformance/audit.rs"]
mod audit;
#[path = "conformance/expect.rs"]
mod expect;
#[path = "conformance/lane.rs"]
mod lane;
#[path = "conformance/listing.rs"]
mod listing;
#[path = "conformance/objects.rs"]
mod objects;
#[path = "conformance/pure.rs"]
mod pure;
#[path = "conformance/rolled.rs"]
mod rolled;
#[path = "conformance/table.rs"]
mod table;

use lane::{Lane, Place};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Instant;
use table::{Case, Scenario, Topic};

/// Scenarios that run at once; waiting is most of what they do.
const LANES: usize = 8;

/// A scenario that did not come out as its table says.
#[derive(Debug)]
struct Failure {
    scenario: String,
    /// 1-based; 0 for a scenario without steps.
    step: usize,
    expected: String,
    found: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}, step {}\n    expected: {}\n    found:    {}",
            self.scenario, self.step, self.expected, self.found
        )
    }
}

/// Runs scenarios on the cluster; gives what failed, and the seconds each took.
fn run_all(scenarios: Vec<(String, Scenario)>) -> (Vec<Failure>, Vec<(String, u64)>) {
    let place = Place::new();
    let lanes = LANES.min(scenarios.len());
    let waiting = Mutex::new(VecDeque::from(scenarios));
    let (mut failures, mut times) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes)
            .map(|number| {
                let (place, waiting) = (&place, &waiting);
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_multi_thread()
                        .worker_threads(2)
                        .enable_all()
                        .build()
                        .expect("a runtime");
                    runtime.block_on(one_lane(place, waiting, number))
                })
            })
            .collect();
        for lane in lanes {
            let (failed, took) = lane.join().expect("a lane");
            failures.extend(failed);
            times.extend(took);
        }
    });
    place.clear();
    failures.sort_by(|one, other| one.scenario.cmp(&other.scenario));
    (failures, times)
}

async fn one_lane(
    place: &Place,
    waiting: &Mutex<VecDeque<(String, Scenario)>>,
    number: usize,
) -> (Vec<Failure>, Vec<(String, u64)>) {
    let mut lane = Lane::start(place, number).await;
    let (mut failures, mut times) = (Vec::new(), Vec::new());
    loop {
        let next = waiting.lock().expect("the queue").pop_front();
        let Some((name, scenario)) = next else { break };
        let begun = Instant::now();
        failures.extend(lane.run(&name, &scenario).await.err());
        times.push((name, begun.elapsed().as_secs()));
    }
    lane.leave().await;
    (failures, times)
}

fn of_cluster(topics: &[Topic]) -> Vec<(String, Scenario)> {
    let only = std::env::var("LOCKSTEP_CONFORMANCE").unwrap_or_default();
    topics
        .iter()
        .flat_map(|topic| topic.scenarios.iter().map(move |one| (topic, one)))
        .filter(|(_, scenario)| matches!(scenario.case(), Case::Cluster))
        .map(|(topic, scenario)| (topic.full_name(scenario), scenario.clone()))
        .filter(|(name, _)| name.contains(&only))
        .collect()
}

fn report(failures: &[Failure]) -> String {
    let all: Vec<String> = failures.iter().map(ToString::to_string).collect();
    format!("{} scenarios failed:\n{}", all.len(), all.join("\n"))
}

#[test]
fn every_scenario_comes_out_on_the_cluster_as_documented() {
    let topics = table::read();
    let scenarios = of_cluster(&topics);
    println!("{}", listing::counts(&topics));
    let begun = Instant::now();
    let (failures, mut times) = run_all(scenarios);
    times.sort_by_key(|(_, seconds)| std::cmp::Reverse(*seconds));
    println!(
        "{} scenarios on the cluster in {} s; the longest: {:?}",
        times.len(),
        begun.elapsed().as_secs(),
        times.iter().take(8).collect::<Vec<_>>()
    );
    assert!(failures.is_empty(), "{}", report(&failures));
}

#[test]
fn every_scenario_without_a_cluster_comes_out_as_documented() {
    let mut failures = Vec::new();
    for topic in table::read() {
        for scenario in &topic.scenarios {
            if let Err((expected, found)) = pure::check(scenario) {
                failures.push(Failure {
                    scenario: topic.full_name(scenario),
                    step: 0,
                    expected,
                    found,
                });
            }
        }
    }
    assert!(failures.is_empty(), "{}", report(&failures));
}

#[test]
fn the_table_is_large_enough_and_every_scenario_says_what_it_follows() {
    let topics = table::read();
    let mut names = BTreeMap::new();
    let (mut all, mut on_cluster) = (0, 0);
    for topic in &topics {
        for scenario in &topic.scenarios {
            let name = topic.full_name(scenario);
            let product = scenario.follows.split(',').next().unwrap_or_default();
            assert!(
                ["Argo CD", "Flux", "Fleet", "Helm", "Kubernetes"].contains(&product)
                    && scenario.follows.len() > product.len() + 2,
                "{name} follows {:?}: that is no page of a product",
                scenario.follows
            );
            assert_eq!(
                names.insert(name.clone(), ()),
                None,
                "{name} is there twice"
            );
            all += 1;
            on_cluster += usize::from(matches!(scenario.case(), Case::Cluster));
        }
    }
    assert!(all >= 150, "{all} scenarios");
    assert!(on_cluster >= 60, "{on_cluster} scenarios on the cluster");
}

#[test]
fn the_list_of_scenarios_in_the_documentation_is_that_of_the_table() {
    listing::check(&table::read());
}

/// The runner itself: what it is told wrong it reports, with scenario, step, what was expected and what was found.
#[test]
fn a_wrong_expectation_is_reported() {
    let scenarios = table::parse("self", include_str!("conformance/wrong/wrong.yaml")).scenarios;
    let named = scenarios
        .into_iter()
        .map(|scenario| (scenario.name.clone(), scenario))
        .collect();
    let (failures, _) = run_all(named);
    let said: Vec<String> = failures.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(said.join("\n"));
}
