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
#[path = "canary/plant.rs"]
mod plant;
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

    let heard = ears.everything(&world, &site).await;
    assert!(heard.len() > 60, "{} outputs", heard.len());
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
    assert!(found.is_empty(), "{found:#?}");

    // Answers come last: what a cluster said of a run stays in its history.
    let places = [
        Masking::Values,
        Masking::Leaks,
        Masking::Copies,
        Masking::Addresses,
        Masking::Patches,
        Masking::Answers,
    ];
    assert!(Masking::ALL.iter().all(|place| places.contains(place)));
    for place in places {
        ears.forget(&site);
        // What was compared while another place was off is kept until the next comparison.
        let deadline = Instant::now() + WITHIN;
        let before = loop {
            plant::again(&world, &site, Masking::Values, &birds).await;
            let before = birds.sing_in(&ears.everything(&world, &site).await);
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
            let found = birds.sing_in(&ears.everything(&world, &site).await);
            let is_new = |found: &bird::Found| {
                let same =
                    |old: &bird::Found| old.output == found.output && old.place == found.place;
                !before.iter().any(same)
            };
            if found.iter().any(is_new) {
                break;
            }
            assert!(
                Instant::now() < deadline,
                "without {place:?} nothing is found"
            );
        }
        switch_off(None);
    }
    world.end().await;
}
