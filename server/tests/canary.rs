//! The canary: known values planted wherever Lockstep is given a secret, and every output searched for them. Then each
//! place that hides values is switched off in turn, and the search must find something.
//!
//! A program of its own, because the switches are for a whole process. Needs the rig.
#![expect(
    clippy::expect_used,
    reason = "helpers of tests fail the test they serve"
)]

#[path = "canary/bird.rs"]
mod bird;
#[path = "canary/ears.rs"]
mod ears;
#[path = "reconcile/kubectl.rs"]
#[allow(dead_code, reason = "shared with the reconcile tests")]
mod kubectl;
#[path = "canary/paths.rs"]
mod paths;
#[path = "canary/plant.rs"]
mod plant;
#[path = "../src/control_plane/tests/routes/reading.rs"]
mod reading;
#[path = "canary/receiver.rs"]
mod receiver;
#[path = "reconcile/world.rs"]
#[allow(dead_code, reason = "shared with the reconcile tests")]
mod world;

use bird::Birds;
use ears::Ears;
use engine::masking::{Masking, switch_off};
use lockstep_types::source::Mode;
use std::time::Instant;
use world::{WITHIN, World};

const AUTOMATED: &str = "automated: {prune: true, selfHeal: false}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_64_65_no_output_holds_a_secret_and_each_masking_counts() {
    let ears = Ears::begin();
    let world = World::start("canary", Mode::Managed, AUTOMATED).await;
    let mut birds = Birds::default();
    let site = plant::site(&world).await;
    plant::in_git_and_cluster(&world, &mut birds).await;
    plant::by_api(&site, &mut birds).await;
    plant::refused_by_the_cluster(&world, &mut birds).await;
    assert!(birds.places().len() >= 12, "{:?}", birds.places());

    plant::until_told(&site).await;
    let (heard, unfit) = ears.everything(&world, &site).await;
    assert!(heard.len() > 300, "{} outputs", heard.len());
    for kind in [
        "/api/v1/",
        "/sfn/",
        "/apps/",
        "/commits/",
        "POST /",
        "lockstep ",
        "database",
        "log",
        "told",
        "debug",
    ] {
        let there = heard.iter().any(|(output, _)| output.starts_with(kind));
        assert!(there, "nothing is heard of {kind}");
    }
    for (output, text) in &heard {
        assert!(
            !text.is_empty() || output.contains("wal"),
            "{output} is empty"
        );
    }
    // The search itself works: what may be seen is found.
    assert!(
        heard
            .iter()
            .any(|(_, text)| text.contains("seen-by-everybody"))
    );
    let found = birds.sing_in(&heard);
    // Where an error is searched instead of an answer, nothing is proven.
    assert!(
        found.is_empty() && unfit.is_empty(),
        "{found:#?}\n{unfit:#?}"
    );

    // What a cluster refuses stays refused, and what it said of a run stays in its history: those come last.
    let places = [
        Masking::Values,
        Masking::Leaks,
        Masking::Copies,
        Masking::Addresses,
        Masking::Patches,
        Masking::LiveText,
        Masking::DeclaredText,
        Masking::Sides,
        Masking::Change,
        Masking::Files,
        Masking::Draft,
        Masking::Rules,
        Masking::OneSide,
        Masking::Answers,
    ];
    // What could not be compared is held by the tests of `engine::diff`: without its masking they find the values.
    let elsewhere = [Masking::NotCompared];
    assert!(
        Masking::ALL
            .iter()
            .all(|place| places.contains(place) || elsewhere.contains(place))
    );
    for place in places {
        ears.forget(&site);
        // What was compared while another place was off is kept until the next comparison.
        let deadline = Instant::now() + WITHIN;
        let before = loop {
            plant::again(&world, &site, Masking::Values, &birds).await;
            let before = birds.sing_in(&ears.answers(&world, &site).await);
            let compared = |found: &bird::Found| {
                found.output.contains("/resource?") || found.output.contains("/changes")
            };
            if !before.iter().any(compared) {
                break before;
            }
            assert!(Instant::now() < deadline, "before {place:?}: {before:#?}");
        };
        switch_off(Some(place));
        plant::again(&world, &site, place, &birds).await;
        let deadline = Instant::now() + WITHIN;
        loop {
            let mut found = birds.sing_in(&ears.answers(&world, &site).await);
            found.retain(|found| {
                let same =
                    |old: &bird::Found| old.output == found.output && old.place == found.place;
                !before.iter().any(same)
            });
            // Not in any output: another place may have left something in the history.
            let there = |found: &bird::Found| {
                let mut outputs = outputs_of(place).iter();
                outputs.any(|output| found.output.contains(output))
            };
            if found.iter().any(there) {
                break;
            }
            assert!(
                Instant::now() < deadline,
                "without {place:?} nothing is found in {:?}, only {found:#?}",
                outputs_of(place)
            );
        }
        switch_off(None);
    }
    world.end().await;
}

/// Where a value is heard when a place hides nothing.
fn outputs_of(place: Masking) -> &'static [&'static str] {
    match place {
        Masking::Values
        | Masking::Leaks
        | Masking::Copies
        | Masking::LiveText
        | Masking::DeclaredText
        | Masking::Rules => &["/resource?"],
        Masking::Sides | Masking::Change | Masking::OneSide | Masking::NotCompared => {
            &["/resource?", "/changes", "/compare?"]
        }
        Masking::Patches | Masking::Files => &["/commits/"],
        Masking::Draft => &["/edit"],
        Masking::Addresses => &["/sources", "log"],
        Masking::Answers => &["/runs/", "log"],
    }
}
