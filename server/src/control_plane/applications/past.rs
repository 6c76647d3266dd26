//! One target at an earlier time: how it stood, what was tracked and deployed, what ran, what had drifted.

use super::super::definitions::Placement;
use super::super::{Plane, refuse};
use crate::runtime::now;
use crate::store;
use lockstep_types::PortError;
use lockstep_types::past::TargetPast;
use lockstep_types::revision::{CommitInfo, Revision};
use lockstep_types::time::Micros;

/// How far the stretches around the moment reach to either side, in seconds.
const AROUND: i64 = 12 * 3_600;

impl Plane {
    pub(super) async fn past_of(
        &self,
        placement: &Placement,
        at: Micros,
    ) -> Result<TargetPast, PortError> {
        let (db, now) = (self.runtime.store(), now());
        let target = placement.target.id;
        let state_at = async |moment| {
            let states = store::past::at(db, moment, Some(target)).await;
            states
                .map_err(refuse::store)
                .map(|mut states| states.remove(&target))
        };
        let then = state_at(at).await?;
        let now_is = state_at(now)
            .await?
            .ok_or_else(|| refuse::missing("recorded state of target", target))?;
        let (tracked, deployed) = then
            .as_ref()
            .map(|then| (then.revision.as_ref(), then.deployed.as_ref()))
            .unwrap_or_default();
        let other = deployed.filter(|deployed| Some(*deployed) != tracked);
        // Runs begin in the past: the newest that had begun is the one under way, or the last.
        let begun = store::run::of_target(db, target, Some(Micros(at.0.saturating_add(1))), 1)
            .await
            .map_err(refuse::store)?;
        Ok(TargetPast {
            target: placement.reference(),
            at,
            commit: self.commit_then(placement, tracked).await,
            deployed: self.commit_then(placement, other).await,
            run: begun.into_iter().next(),
            drift: store::drift::open_at(db, target, at)
                .await
                .map_err(refuse::store)?,
            around: store::past::stretches(
                db,
                target,
                at.plus_seconds(-AROUND),
                at.plus_seconds(AROUND).min(now),
            )
            .await
            .map_err(refuse::store)?,
            recorded_since: store::status::first(db).await.map_err(refuse::store)?,
            then,
            now_is,
            now,
        })
    }

    /// `None` also when the repository does not have it any more.
    async fn commit_then(
        &self,
        placement: &Placement,
        revision: Option<&Revision>,
    ) -> Option<CommitInfo> {
        let url = placement.defined.repo_url();
        self.runtime.mirrors().commit(url, revision?).await.ok()
    }
}
