//! What people say of a revision: a good one is offered to go back to, a bad one is not.

use super::super::definitions::Placement;
use super::super::{Plane, refuse};
use crate::store;
use crate::store::audit::Act;
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::Judgement;
use serde_json::json;

impl Plane {
    pub(super) async fn mark_revision(
        &self,
        actor: &Actor,
        placement: &Placement,
        revision: &Revision,
        judgement: Option<Judgement>,
        reason: &str,
    ) -> Result<(), PortError> {
        // A mark can always be taken back, also of what a force push took away.
        if judgement.is_some() {
            self.in_history(placement, revision).await?;
        }
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        let target = placement.target.id;
        store::mark::set(&mut tx, target, revision, judgement, &actor.name, reason)
            .await
            .map_err(refuse::store)?;
        let action = match judgement {
            Some(Judgement::Good) => "mark good",
            Some(Judgement::Bad) => "mark bad",
            None => "unmark",
        };
        tx.record(
            Act::by(actor, action, placement.words())
                .on(target)
                .because(reason)
                .with(json!({"revision": revision})),
        );
        tx.commit().await.map_err(refuse::store)?;
        Ok(())
    }
}
