//! What a sync to some revision would do on a target, planned by the very functions the reconciler uses, without
//! disturbing it: the live state that only the preview needs is watched under a name of its own.

use super::super::Plane;
use super::super::definitions::Placement;
use crate::reconcile::target::{Comparison, Loaded, TargetMemory, compare_for_view, load_for_view};
use crate::runtime::now;
use engine::plan::HookRuns;
use futures::StreamExt;
use lockstep_types::application::Pin;
use lockstep_types::id::{PinId, TargetId};
use lockstep_types::plan::{Plan, Step};
use lockstep_types::reason::ReasonCode;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::TargetPlan;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Plans made at once.
const AT_ONCE: usize = 4;
/// How long live state of objects that nothing declared so far may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// Said of a target whose first source is another repository.
const OTHER_SOURCE: &str = "it reads these files by another of its sources; what that changes is shown once the commit is there";
const LOOK: Duration = Duration::from_millis(150);

/// What each plan would do to which objects, for the digest of a preview. Ids of plans are not part of it: they change with
/// every look.
pub(in crate::control_plane) fn writes(targets: &[TargetPlan]) -> serde_json::Value {
    let step = |step: &Step| (step.action.word().to_owned(), step.key.to_string());
    let of = |plan: &Plan| -> Vec<(String, String)> {
        let steps = plan.steps.iter().filter(|step| step.action.writes());
        steps.map(step).collect()
    };
    let targets: Vec<_> = targets
        .iter()
        .map(|target| (target.target.id, target.plan.as_ref().map(of)))
        .collect();
    serde_json::json!(targets)
}

impl Plane {
    /// A plan per target, in order. One that cannot be told says why.
    pub(in crate::control_plane) async fn plans(
        &self,
        placements: &[Placement],
        url: &str,
        at: &Revision,
        by_pin: bool,
    ) -> Vec<TargetPlan> {
        let repository = self.runtime.repository_key(url);
        futures::stream::iter(placements.to_vec())
            .map(|placement| {
                let (plane, at) = (self.clone(), at.clone());
                let main = self.runtime.repository_key(placement.defined.repo_url());
                let other = (main != repository).then_some(OTHER_SOURCE);
                async move { plane.plan(&placement, &at, by_pin, other).await }
            })
            .buffered(AT_ONCE)
            .collect()
            .await
    }

    async fn plan(
        &self,
        placement: &Placement,
        at: &Revision,
        by_pin: bool,
        cannot: Option<&str>,
    ) -> TargetPlan {
        let policy = &placement.defined.definition.policy;
        let mut view = TargetPlan {
            target: placement.reference(),
            plan: None,
            error: String::new(),
            automated: policy.automated && !policy.suspend,
        };
        if let Some(why) = cannot {
            why.clone_into(&mut view.error);
            return view;
        }
        match self.planned(placement, at, by_pin).await {
            Ok(plan) => view.plan = Some(plan),
            Err(why) => view.error = why,
        }
        view
    }

    async fn planned(
        &self,
        placement: &Placement,
        at: &Revision,
        by_pin: bool,
    ) -> Result<Plan, String> {
        let loaded = load_for_view(&self.runtime, placement.target.id)
            .await
            .map_err(|error| error.to_string())?;
        let Some(loaded) = loaded else {
            return Err("it is no longer defined in Git".to_owned());
        };
        self.plan_of(loaded, at, by_pin).await
    }

    /// The plan of a target as it is loaded, or as it would be: its definition at a revision, against the live state.
    ///
    /// # Errors
    /// Why it cannot be told, in words.
    pub(in crate::control_plane) async fn plan_of(
        &self,
        mut loaded: Loaded,
        at: &Revision,
        by_pin: bool,
    ) -> Result<Plan, String> {
        // Another pin takes its place.
        if let Some(pin) = loaded.pin.as_ref().filter(|_| !by_pin) {
            return Err(format!(
                "it is pinned at {} by {} and stays there",
                pin.revision.short(),
                pin.owner
            ));
        }
        let own = loaded.row.id;
        loaded.row.id = TargetId(Uuid::new_v5(
            &own.0,
            format!("preview {}", Uuid::now_v7()).as_bytes(),
        ));
        loaded.pin = Some(standing_at(at));
        // A commit changes the first source alone; a pin takes the others back with it.
        loaded.others_stand = by_pin;
        let planned = self.compared(&loaded, by_pin).await;
        if let Some(handle) = self.runtime.cluster(&loaded.row.cluster) {
            handle.live.forget(loaded.row.id);
        }
        planned.map(|plan| Plan {
            target: own,
            ..plan
        })
    }

    async fn compared(&self, loaded: &Loaded, by_pin: bool) -> Result<Plan, String> {
        let mut memory = TargetMemory::default();
        // As it is run: a pin deletes nothing and runs no hooks.
        let (prune, hooks) = match by_pin {
            true => (false, HookRuns::Never),
            false => (loaded.definition.policy.prune, HookRuns::WithChanges),
        };
        let begun = Instant::now();
        loop {
            match compare_for_view(&self.runtime, loaded, &mut memory, now()).await {
                Comparison::Known(compared) => {
                    let (mut plan, violations) = compared.judged.plan(
                        &compared.subject(&self.runtime, loaded),
                        prune,
                        hooks,
                        None,
                    );
                    plan.report.extend(
                        violations
                            .into_iter()
                            .map(|violation| format!("The plan breaks a rule: {violation}")),
                    );
                    return Ok(plan);
                }
                // Objects that come back with the old state are not watched yet.
                Comparison::Unknown(cause)
                    if cause.code == ReasonCode::LiveUnknown && begun.elapsed() < PATIENCE => {}
                Comparison::Wait if begun.elapsed() < PATIENCE => {}
                Comparison::Unknown(cause) => {
                    return Err(super::refuse::with_next(&cause.cause, &cause.next));
                }
                Comparison::Wait => {
                    return Err(
                        "the cluster has not shown the last writes yet; try again".to_owned()
                    );
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The comparison goes to a pinned revision instead of the tracked one; this pin exists nowhere else.
fn standing_at(at: &Revision) -> Pin {
    let now = now();
    Pin {
        id: PinId(Uuid::nil()),
        revision: at.clone(),
        owner: String::new(),
        reason: String::new(),
        from: now,
        until: now.plus_seconds(3600),
        behind: 0,
        ended_waiting: false,
    }
}
