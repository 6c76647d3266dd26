//! The fleet and what is wrong in it.

mod activity;
mod arrange;
mod badness;
mod logging;
mod matrix;
mod needs;
mod parity;
mod passport;
mod past;
mod place;
mod problems;
mod retention;
mod timeline;
mod upcoming;
mod verdict;
mod visit;

pub(super) use badness::badness;
pub(super) use place::scope;
pub(super) use visit::Visits;

use super::allow::{allow, allow_everywhere};
use super::commits::{Ancestry, Runs};
use super::{Plane, refuse};
use crate::{store, telemetry};
use async_trait::async_trait;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::activity::{ActivityQuery, ActivityView, CommitView};
use lockstep_types::drift::{DriftQuery, DriftRow};
use lockstep_types::fleet::{CommitRollout, FleetQuery, FleetView};
use lockstep_types::log_level::{LogLevelView, SetLogLevel};
use lockstep_types::parity::{ParityQuery, ParityView};
use lockstep_types::ports::{Answer, Fleet};
use lockstep_types::retention::{Retention, RetentionView};
use lockstep_types::revision::Revision;
use lockstep_types::source::Problem;
use lockstep_types::upcoming::{Upcoming, UpcomingQuery};

/// Rows of the drift ledger that are sent at once.
const DRIFT_ROWS: u64 = 1_000;

#[async_trait]
impl Fleet for Plane {
    async fn fleet(&self, actor: &Actor, query: &FleetQuery) -> Answer<FleetView> {
        allow(actor, Permission::Get)?;
        self.matrix(actor, query).await
    }

    async fn rollout(&self, actor: &Actor, commit: &str) -> Answer<CommitRollout> {
        allow(actor, Permission::Get)?;
        let defined = self.all_defined().await?;
        let located = self.locate(&commit.trim().to_lowercase(), &defined).await?;
        let visible = self.visible(actor).await?;
        let located = located
            .filter(|located| located.concerns(&visible))
            .ok_or_else(|| refuse::missing("commit", commit))?;
        let mut placements = self.all_placements().await?;
        placements.retain(|placement| visible.has(placement.target.application));
        let mut ancestry = Ancestry::new(self.runtime.mirrors());
        let targets = self
            .on_targets(&located, &placements, &mut ancestry, &mut Runs::default())
            .await?;
        let signature = self.signature(&located, &defined, &visible).await?;
        Ok(CommitRollout {
            commit: located.info,
            repo_url: located.url,
            targets,
            signature,
        })
    }

    async fn problems(&self, actor: &Actor) -> Answer<Vec<Problem>> {
        allow(actor, Permission::Get)?;
        self.all_problems(actor).await
    }

    async fn drift(&self, actor: &Actor, query: &DriftQuery) -> Answer<Vec<DriftRow>> {
        allow(actor, Permission::Get)?;
        let visible = self.visible(actor).await?;
        let db = self.runtime.store();
        let mut rows = store::drift::list_of(db, query, DRIFT_ROWS, visible.only())
            .await
            .map_err(refuse::store)?;
        rows.retain(|row| visible.has(row.target.application.id));
        Ok(rows)
    }

    async fn activity(&self, actor: &Actor, query: &ActivityQuery) -> Answer<ActivityView> {
        allow(actor, Permission::Get)?;
        self.timeline(actor, query).await
    }

    async fn commit(&self, actor: &Actor, repo: &str, revision: &Revision) -> Answer<CommitView> {
        allow(actor, Permission::Get)?;
        self.passport(actor, repo, revision).await
    }

    async fn upcoming(&self, actor: &Actor, query: &UpcomingQuery) -> Answer<Upcoming> {
        allow(actor, Permission::Get)?;
        self.upcoming_of(actor, query).await
    }

    async fn retention(&self, actor: &Actor) -> Answer<RetentionView> {
        allow(actor, Permission::Get)?;
        self.kept().await
    }

    async fn set_retention(&self, actor: &Actor, rules: Retention) -> Answer<()> {
        allow_everywhere(actor, Permission::Source)?;
        self.keep_for(actor, rules).await
    }

    async fn log_level(&self, actor: &Actor) -> Answer<LogLevelView> {
        allow_everywhere(actor, Permission::Account)?;
        Ok(telemetry::level())
    }

    async fn set_log_level(&self, actor: &Actor, wanted: &SetLogLevel) -> Answer<()> {
        allow_everywhere(actor, Permission::Account)?;
        self.log_at(actor, wanted).await
    }

    async fn parity(&self, actor: &Actor, query: &ParityQuery) -> Answer<ParityView> {
        allow(actor, Permission::Get)?;
        self.parity_of(actor, query).await
    }
}
