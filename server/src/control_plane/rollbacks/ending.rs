//! How a pause of writes ends when a person ends it. Pure.

use super::super::definitions::Placement;
use lockstep_types::PortError;
use lockstep_types::source::Mode;

/// How a pause ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Now,
    /// Its time is over; whether something waits for a yes is found out with the next comparison.
    Asks,
}

/// Without deploying, a pause of something that syncs by itself cannot just end: the next pass would deploy unseen.
pub(super) fn ending(
    placement: &Placement,
    deploy: bool,
    waits: bool,
) -> Result<Ending, PortError> {
    let policy = &placement.defined.definition.policy;
    let by_itself = placement.target.mode == Mode::Managed
        && (policy.automated || policy.self_heal)
        && !policy.suspend;
    match (deploy || !by_itself, waits) {
        (true, _) => Ok(Ending::Now),
        (false, false) => Ok(Ending::Asks),
        (false, true) => Err(PortError::Conflict(
            "it has ended, and what it held back waits for a yes: deploy it, or hold or pin the target again".to_owned(),
        )),
    }
}
