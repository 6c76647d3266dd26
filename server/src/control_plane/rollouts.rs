//! Rollouts as the pages show them: each step with its members, how far they are, and what it waits for.

use super::allow::sees;
use super::{Plane, refuse};
use crate::runtime::memory::RolloutNow;
use crate::store::{self, StoreError};
use engine::rollout::{Member, Standing, Verdict};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::application::ApplicationRef;
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::rollout::{
    RolloutMember, RolloutPhase, RolloutStanding, RolloutStep, RolloutView,
};
use std::collections::{BTreeMap, BTreeSet};

/// Applications by their ids.
pub(super) type Known = BTreeMap<ApplicationId, ApplicationRef>;

impl Plane {
    /// The rollout that a target is a part of, without what the actor may not see.
    pub(super) async fn rollout_view(
        &self,
        actor: &Actor,
        target: TargetId,
    ) -> Result<Option<RolloutView>, PortError> {
        let Some(now) = self.runtime.memory().rollout_now(target) else {
            return Ok(None);
        };
        let memory = self.runtime.memory();
        let ids: BTreeSet<ApplicationId> = now
            .targets
            .iter()
            .filter_map(|target| memory.application_of(*target))
            .collect();
        let mut known = Known::new();
        for id in ids {
            match store::application::get(self.runtime.store(), id).await {
                Ok(row) if row.gone_at.is_none() => known.insert(id, row.as_ref()),
                // It left Git a moment ago.
                Ok(_) | Err(StoreError::NotFound { .. }) => None,
                Err(error) => return Err(refuse::store(error)),
            };
        }
        Ok(Some(self.shown_rollout(actor, &now, &known)))
    }

    /// A rollout for somebody.
    pub(super) fn shown_rollout(
        &self,
        actor: &Actor,
        now: &RolloutNow,
        known: &Known,
    ) -> RolloutView {
        let memory = self.runtime.memory();
        let applications: Vec<Option<ApplicationRef>> = now
            .targets
            .iter()
            .map(|target| {
                let application = known.get(&memory.application_of(*target)?)?;
                sees(actor, application).then(|| application.clone())
            })
            .collect();
        view(now, &applications)
    }
}

/// `applications` are those of the members; none: it is not to be seen, and not named either.
fn view(now: &RolloutNow, applications: &[Option<ApplicationRef>]) -> RolloutView {
    let is_seen = |index: usize| matches!(applications.get(index), Some(Some(_)));
    let words = |verdict: &Verdict| match verdict {
        Verdict::Waits(waits) => match waits.member {
            Some(other) if !is_seen(other) => {
                "It waits for an application that you may not see".to_owned()
            }
            _ => waits.words(&now.rollout, &now.members),
        },
        Verdict::Settled | Verdict::May => String::new(),
    };
    let all = || now.members.iter().zip(&now.verdicts).enumerate();
    let member = |index: usize, member: &Member, verdict: &Verdict| {
        let application = applications.get(index)?.clone()?;
        Some(RolloutMember {
            target: *now.targets.get(index)?,
            application,
            cluster: member.cluster.clone(),
            standing: standing(member.standing, verdict),
            said: match verdict {
                Verdict::Waits(_) => words(verdict),
                Verdict::Settled | Verdict::May => capital(&member.words),
            },
        })
    };
    let of = |step: Option<usize>| -> Vec<RolloutMember> {
        let mut members: Vec<RolloutMember> = all()
            .filter(|(_, (member, _))| member.step == step)
            .filter_map(|(index, (one, verdict))| member(index, one, verdict))
            .collect();
        members.sort_by(|one, other| {
            (&one.application.name, &one.cluster).cmp(&(&other.application.name, &other.cluster))
        });
        members
    };
    let steps = now
        .rollout
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| RolloutStep {
            name: step.name.clone(),
            selects: step.selects.clone(),
            at_once: step.at_once.to_string(),
            unready: step.unready.to_string(),
            members: of(Some(index)),
        })
        .collect();
    let in_steps = || all().filter(|(_, (member, _))| member.step.is_some());
    let stalled = in_steps().find_map(|(_, (_, verdict))| match verdict {
        Verdict::Waits(waits) if waits.is_stalled() => Some(verdict),
        _ => None,
    });
    let waiting = in_steps().find_map(|(_, (_, verdict))| match verdict {
        Verdict::Waits(_) => Some(verdict),
        _ => None,
    });
    let unready = in_steps().find(|(_, (member, _))| member.standing != Standing::Ready);
    let (state, said) = match (stalled, waiting, unready) {
        (Some(verdict), ..) => (RolloutPhase::Paused, words(verdict)),
        (None, Some(verdict), _) => (RolloutPhase::Rolling, words(verdict)),
        (None, None, Some((index, (member, _)))) => {
            let said = match is_seen(index) {
                true => format!("{} {}", member.title(), member.words),
                false => String::new(),
            };
            // The last of all: nobody comes after it.
            let state = match member.standing {
                Standing::Bad | Standing::Stuck => RolloutPhase::Paused,
                _ => RolloutPhase::Rolling,
            };
            (state, said)
        }
        (None, None, None) => (RolloutPhase::Done, String::new()),
    };
    RolloutView {
        title: now.title.clone(),
        state,
        said,
        steps,
        unselected: of(None),
    }
}

fn standing(standing: Standing, verdict: &Verdict) -> RolloutStanding {
    match (standing, verdict) {
        (_, Verdict::Waits(_)) => RolloutStanding::Waiting,
        (Standing::Ready, _) => RolloutStanding::Ready,
        (Standing::Behind, _) => RolloutStanding::Next,
        (Standing::Moving, _) => RolloutStanding::UnderWay,
        (Standing::Bad, _) => RolloutStanding::Failing,
        (Standing::Unseen, _) => RolloutStanding::NotCompared,
        (Standing::Stuck, _) => RolloutStanding::Waiting,
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::rollout::{Amount, Rollout, Step, turns};
    use std::sync::Arc;
    use uuid::Uuid;

    fn now(standings: [(Standing, &str); 3]) -> RolloutNow {
        let step = |number: usize| Step {
            name: format!("step {number}"),
            selects: String::new(),
            at_once: Amount::ALL,
            unready: Amount::NONE,
        };
        let rollout = Rollout {
            steps: vec![step(1), step(2)],
            ..Rollout::default()
        };
        let members: Vec<Member> = standings
            .iter()
            .zip([Some(0), Some(1), None])
            .enumerate()
            .map(|(index, ((standing, words), step))| Member {
                name: format!("cart-{index}"),
                cluster: "eu".to_owned(),
                step,
                standing: *standing,
                words: (*words).to_owned(),
            })
            .collect();
        RolloutNow {
            title: "ApplicationSet argocd/cart".to_owned(),
            verdicts: turns(&rollout, &members),
            rollout: Arc::new(rollout),
            targets: (0..3)
                .map(|number| TargetId(Uuid::from_u128(number)))
                .collect(),
            projects: vec!["shop".to_owned(); members.len()],
            members,
        }
    }

    fn applications(seen: [bool; 3]) -> Vec<Option<ApplicationRef>> {
        (0..3)
            .zip(seen)
            .map(|(number, seen)| {
                seen.then(|| ApplicationRef {
                    id: ApplicationId(Uuid::from_u128(number)),
                    name: format!("cart-{number}"),
                    project: "shop".to_owned(),
                })
            })
            .collect()
    }

    #[test]
    fn a_paused_rollout_names_its_cause() {
        let now = now([
            (Standing::Bad, "is Degraded: no image"),
            (Standing::Behind, "is OutOfSync"),
            (Standing::Behind, "is OutOfSync"),
        ]);
        let shown = view(&now, &applications([true; 3]));
        assert_eq!(shown.state, RolloutPhase::Paused);
        assert_eq!(
            shown.said,
            "The rollout is paused: cart-0 on eu is Degraded: no image"
        );
        let first = &shown.steps[0].members[0];
        assert_eq!(first.standing, RolloutStanding::Failing);
        assert_eq!(first.said, "Is Degraded: no image");
        let second = &shown.steps[1].members[0];
        assert_eq!(second.standing, RolloutStanding::Waiting);
        assert_eq!(second.said, shown.said);
        assert_eq!(shown.unselected[0].standing, RolloutStanding::Waiting);
    }

    #[test]
    fn who_may_not_be_seen_is_not_named() {
        let now = now([
            (Standing::Bad, "is Degraded: no image"),
            (Standing::Behind, "is OutOfSync"),
            (Standing::Ready, ""),
        ]);
        let shown = view(&now, &applications([false, true, true]));
        assert_eq!(shown.state, RolloutPhase::Paused);
        assert!(!format!("{shown:?}").contains("cart-0"), "{shown:?}");
        assert!(!format!("{shown:?}").contains("no image"), "{shown:?}");
    }

    #[test]
    fn everybody_ready_is_done_and_the_last_one_under_way_is_not() {
        let all_ready = now([
            (Standing::Ready, ""),
            (Standing::Ready, ""),
            (Standing::Ready, ""),
        ]);
        let shown = view(&all_ready, &applications([true; 3]));
        assert_eq!((shown.state, shown.said.as_str()), (RolloutPhase::Done, ""));
        let last = now([
            (Standing::Ready, ""),
            (Standing::Moving, "is syncing abc1234"),
            (Standing::Ready, ""),
        ]);
        let shown = view(&last, &applications([true; 3]));
        assert_eq!(shown.state, RolloutPhase::Rolling);
        assert_eq!(shown.said, "cart-1 on eu is syncing abc1234");
    }
}
