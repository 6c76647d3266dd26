//! How far a rollout is, as text: a line for the whole, then each step with its members.

use crate::table::{Table, plain};
use lockstep_types::rollout::RolloutView;

/// All of it.
pub(super) fn text(rollout: &RolloutView) -> String {
    let head = match rollout.said.as_str() {
        "" => format!("Rollout of {}: {}", rollout.title, rollout.state.word()),
        said => format!(
            "Rollout of {}: {}. {said}.",
            rollout.title,
            rollout.state.word()
        ),
    };
    let mut table = Table::new(&["STEP", "AT ONCE", "APPLICATION", "CLUSTER", "STATE", "WHY"]);
    for step in &rollout.steps {
        let name = match step.selects.as_str() {
            "" => step.name.clone(),
            selects => format!("{} ({selects})", step.name),
        };
        if step.members.is_empty() {
            let none = String::new;
            table.row([
                name.clone(),
                step.at_once.clone(),
                none(),
                none(),
                none(),
                none(),
            ]);
        }
        for member in &step.members {
            table.row([
                name.clone(),
                step.at_once.clone(),
                member.application.name.clone(),
                member.cluster.clone(),
                member.standing.word().to_owned(),
                member.said.clone(),
            ]);
        }
    }
    for member in &rollout.unselected {
        table.row([
            "-".to_owned(),
            "0".to_owned(),
            member.application.name.clone(),
            member.cluster.clone(),
            member.standing.word().to_owned(),
            member.said.clone(),
        ]);
    }
    format!("{}\n{}", plain(&head), table.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::application::ApplicationRef;
    use lockstep_types::rollout::{RolloutMember, RolloutPhase, RolloutStanding, RolloutStep};

    #[test]
    fn every_member_has_a_line_with_its_reason() {
        let member = |name: &str, standing, said: &str| RolloutMember {
            target: "00000000-0000-0000-0000-000000000001".parse().unwrap(),
            application: ApplicationRef {
                id: "00000000-0000-0000-0000-000000000002".parse().unwrap(),
                name: name.to_owned(),
                project: "shop".to_owned(),
            },
            cluster: "eu-1".to_owned(),
            standing,
            said: said.to_owned(),
        };
        let step = |name: &str, selects: &str, members| RolloutStep {
            name: name.to_owned(),
            selects: selects.to_owned(),
            at_once: "1".to_owned(),
            unready: "0".to_owned(),
            members,
        };
        let view = RolloutView {
            title: "ApplicationSet argocd/cart".to_owned(),
            state: RolloutPhase::Paused,
            said: "The rollout is paused: cart on eu-1 is Degraded".to_owned(),
            steps: vec![
                step(
                    "step 1",
                    "env in dev",
                    vec![member("cart", RolloutStanding::Failing, "Is Degraded")],
                ),
                step("step 2", "", Vec::new()),
            ],
            unselected: vec![member(
                "odd",
                RolloutStanding::Waiting,
                "No step selects it",
            )],
        };
        assert_eq!(
            text(&view),
            "Rollout of ApplicationSet argocd/cart: paused. The rollout is paused: cart on eu-1 is Degraded.\n\
             STEP                 AT ONCE  APPLICATION  CLUSTER  STATE    WHY\n\
             step 1 (env in dev)  1        cart         eu-1     failing  Is Degraded\n\
             step 2               1\n\
             -                    0        odd          eu-1     waiting  No step selects it\n"
        );
    }
}
