//! How much this process writes into its log.

use super::super::{Plane, refuse};
use crate::store::audit::Act;
use crate::telemetry;
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::log_level::{LogLevel, SetLogLevel};

impl Plane {
    pub(super) async fn log_at(
        &self,
        actor: &Actor,
        wanted: &SetLogLevel,
    ) -> Result<(), PortError> {
        let word = wanted.level.map_or("as it was started", LogLevel::word);
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        tx.record(Act::by(actor, "set", format!("level of the log: {word}")));
        telemetry::set_level(wanted.level)
            .map_err(|error| PortError::Conflict(error.to_string()))?;
        tx.commit().await.map(|_| ()).map_err(refuse::store)
    }
}
