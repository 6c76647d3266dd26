//! Verifies a removal: that it applies nothing, runs no hooks but its own, deletes nothing that is to stay, and that a
//! person has said yes or is asked. Reads what decides this anew, on purpose.

use super::Checker;
use crate::definition::Wish;
use crate::plan::{LiveFact, PruneWish};
use lockstep_types::plan::{Action, PlanPhase, Step};

impl Checker<'_> {
    pub(super) fn removal(&mut self) {
        let removal = self.input.policy.removal;
        let steps: Vec<&Step> = self.plan.steps.iter().collect();
        for step in &steps {
            let key = &step.key;
            let of_removal = matches!(step.phase, PlanPhase::PreDelete | PlanPhase::PostDelete);
            if !removal && of_removal {
                self.violate(
                    "removal",
                    format!("{key} belongs to a removal, and this is a sync"),
                );
            }
            if !removal {
                continue;
            }
            // What is to be done once a hook has failed comes last of all.
            if step.action.is_of_hook() && !of_removal && step.phase != PlanPhase::SyncFail {
                self.violate(
                    "removal",
                    format!("the hook {key} of a sync would run with a removal"),
                );
            }
            if matches!(step.action, Action::Create | Action::Configure) {
                self.violate("removal", format!("{key} would be written by a removal"));
            }
            if step.action == Action::Prune
                && let Some(LiveFact::Present(facts)) = self.input.live.get(key)
            {
                let stays = match &facts.delete {
                    PruneWish::Never(_) => true,
                    PruneWish::Unsaid => self.input.policy.delete_wish == Wish::Never,
                    PruneWish::Allowed | PruneWish::Confirm => false,
                };
                if stays {
                    self.violate("wish", format!("{key} is to outlive its application"));
                }
            }
        }
        let writes = steps.iter().any(|step| step.action.writes());
        let approved = self.input.approved_digest == Some(self.plan.digest.as_str());
        let asks = self.plan.gate.iter().any(|finding| finding.rule == "G10");
        if removal && writes && !asks && !approved {
            self.violate(
                "G10",
                "what an application left would be deleted without a yes".to_owned(),
            );
        }
    }
}
