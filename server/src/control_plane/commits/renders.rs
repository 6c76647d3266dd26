//! What a commit made render again, target by target, and what it left alone.

use super::super::definitions::Placement;
use super::super::{Plane, refuse};
use super::Located;
use crate::store;
use lockstep_types::PortError;
use lockstep_types::activity::{CommitRender, RenderOutcome};
use lockstep_types::application::TargetRef;
use lockstep_types::fleet::{CommitOnTarget, RolloutState};
use lockstep_types::revision::PathChange;
use std::collections::HashMap;

impl Plane {
    /// Both lists, by application and cluster. `targets` says where the commit is, `files` what it changed.
    pub(in super::super) async fn renders(
        &self,
        located: &Located,
        placements: &[Placement],
        targets: &[CommitOnTarget],
        files: &[PathChange],
    ) -> Result<(Vec<CommitRender>, Vec<TargetRef>), PortError> {
        let sha = &located.info.revision;
        let noted: HashMap<_, _> = store::commit::renders(self.runtime.store(), &located.key, sha)
            .await
            .map_err(refuse::store)?
            .into_iter()
            .map(|render| (render.target, render))
            .collect();
        let mut renders = Vec::new();
        let mut untouched = Vec::new();
        for placement in placements {
            let repository = &placement.defined.definition.source.repo_url;
            if self.runtime.repository_key(repository) != located.key {
                continue;
            }
            let target = placement.reference();
            if let Some(found) = noted.get(&target.id) {
                renders.push(CommitRender {
                    outcome: found.outcome,
                    millis: found.millis,
                    why: found.message.clone(),
                    at: Some(found.at),
                    target,
                });
                continue;
            }
            // What was looked at says more than the folder that it lies in.
            let may_touch = self
                .runtime
                .memory()
                .collected_of(target.id)
                .is_none_or(|known| known.inputs.reach().is_touched(files));
            let on = targets
                .iter()
                .find(|on| may_touch && on.target.id == target.id);
            match on {
                None => untouched.push(target),
                Some(on) => renders.push(CommitRender {
                    outcome: silent(on),
                    millis: 0,
                    why: String::new(),
                    at: None,
                    target,
                }),
            }
        }
        let by_name = |one: &TargetRef| (one.application.name.clone(), one.cluster.clone());
        renders.sort_by_key(|render| by_name(&render.target));
        untouched.sort_by_key(by_name);
        Ok((renders, untouched))
    }
}

/// Of a target that reads what the commit touches and of which nothing is noted at exactly this commit.
fn silent(on: &CommitOnTarget) -> RenderOutcome {
    match on.state {
        RolloutState::Live | RolloutState::Failed => RenderOutcome::WithAnother,
        _ => RenderOutcome::NotYet,
    }
}
