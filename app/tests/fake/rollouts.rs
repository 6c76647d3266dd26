//! A rollout of the made-up fleet that stands still.

use super::fleet::{self, CLUSTERS, target_ref};
use lockstep_types::rollout::{
    RolloutMember, RolloutPhase, RolloutStanding, RolloutStep, RolloutView,
};

/// Paused by its first step.
pub fn rollout(title: String) -> RolloutView {
    let member = |cluster: &str, standing, said: &str| RolloutMember {
        target: target_ref("checkout", "shop", cluster).id,
        application: fleet::application("checkout", "shop"),
        cluster: cluster.into(),
        standing,
        said: said.into(),
    };
    let step = |name: &str, selects: &str, at_once: &str, members| RolloutStep {
        name: name.into(),
        selects: selects.into(),
        at_once: at_once.into(),
        unready: "0".into(),
        members,
    };
    let paused = "The rollout is paused: checkout on staging-eu is Degraded: 1 of 3 pods cannot pull checkout:2.9.1";
    RolloutView {
        title,
        state: RolloutPhase::Paused,
        said: paused.into(),
        steps: vec![
            step(
                "step 1",
                "env in staging",
                "100%",
                vec![member(
                    CLUSTERS[0],
                    RolloutStanding::Failing,
                    "Is Degraded: 1 of 3 pods cannot pull checkout:2.9.1",
                )],
            ),
            step(
                "step 2",
                "env in production",
                "25%",
                CLUSTERS[1..]
                    .iter()
                    .map(|cluster| member(cluster, RolloutStanding::Waiting, paused))
                    .collect(),
            ),
        ],
        unselected: Vec::new(),
    }
}
