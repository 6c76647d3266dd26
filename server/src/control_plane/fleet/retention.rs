//! How long bodies of history are kept.

use super::super::{Plane, refuse};
use crate::retention;
use crate::store::audit::Act;
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::retention::{Retention, RetentionView};

impl Plane {
    pub(super) async fn kept(&self) -> Result<RetentionView, PortError> {
        let view = retention::view(self.runtime.store()).await;
        view.map_err(refuse::store)
    }

    pub(super) async fn keep_for(&self, actor: &Actor, rules: Retention) -> Result<(), PortError> {
        if !rules.is_sound() {
            return Err(PortError::invalid(
                "days",
                format!(
                    "write {} to {}, or leave it out to keep everything for ever",
                    Retention::LEAST,
                    Retention::MOST
                ),
            ));
        }
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        retention::set(&mut tx, rules)
            .await
            .map_err(refuse::store)?;
        let subject = format!("bodies of history are kept {}", rules.words());
        tx.record(Act::by(actor, "set", subject));
        tx.commit().await.map(|_| ()).map_err(refuse::store)
    }
}
