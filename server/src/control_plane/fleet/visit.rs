//! What happened while a person was away. A visit lasts as long as somebody keeps looking; the newest event that was
//! shown is kept with the account, so that the next visit knows where the last one ended.

use super::super::{Plane, refuse};
use crate::store;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::fleet::SinceLastVisit;
use lockstep_types::id::UserId;
use lockstep_types::time::Micros;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// After so long without a look, the next one is another visit.
const VISIT_SECONDS: i64 = 1800;
/// Between two notes of what was shown.
const NOTE_SECONDS: i64 = 60;

/// Visits under way, by person. Lost with the process, which ends them.
#[derive(Debug, Default)]
pub(in super::super) struct Visits(Mutex<HashMap<UserId, Visit>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Visit {
    /// When the visit before it ended; `None` at the first one.
    since: Option<Micros>,
    last_look: Micros,
    noted: Micros,
}

/// What a look means for the visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    since: Option<Micros>,
    note: bool,
}

impl Visits {
    /// Goes on with a visit; `None` when a new one begins.
    fn look(&self, user: UserId, now: Micros) -> Option<Look> {
        let mut visits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        visits.retain(|_, visit| now.seconds_since(visit.last_look) < VISIT_SECONDS);
        let visit = visits.get_mut(&user)?;
        visit.last_look = now;
        let note = now.seconds_since(visit.noted) >= NOTE_SECONDS;
        if note {
            visit.noted = now;
        }
        Some(Look {
            since: visit.since,
            note,
        })
    }

    fn begin(&self, user: UserId, since: Option<Micros>, now: Micros) {
        let visit = Visit {
            since,
            last_look: now,
            noted: now,
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(user, visit);
    }
}

impl Plane {
    /// Notes that the actor looks at everything up to `head`, and answers with what is new since the last visit.
    /// Programs with tokens do not visit.
    pub(super) async fn visited(
        &self,
        actor: &Actor,
        head: u64,
        now: Micros,
    ) -> Result<Option<SinceLastVisit>, PortError> {
        if actor.token.is_some() {
            return Ok(None);
        }
        let db = self.runtime.store();
        let (since, note) = match self.visits.look(actor.user, now) {
            Some(look) => (look.since, look.note),
            None => {
                let since = self.last_shown(actor).await?;
                self.visits.begin(actor.user, since, now);
                (since, true)
            }
        };
        if note {
            store::user::saw(db, actor.user, head, now)
                .await
                .map_err(refuse::store)?;
        }
        // The counts are about everything.
        let Some(since) = since.filter(|_| actor.may_on_all(Permission::Get)) else {
            return Ok(None);
        };
        let runs = store::run::counts_since(db, since)
            .await
            .map_err(refuse::store)?;
        let commits = store::commit::seen_since(db, since)
            .await
            .map_err(refuse::store)?;
        let new_drift = store::drift::opened_since(db, since)
            .await
            .map_err(refuse::store)?;
        Ok(Some(SinceLastVisit {
            since,
            commits,
            syncs: runs.syncs,
            failures: runs.failures,
            new_drift,
            more: runs.more || commits.max(new_drift) >= store::MOST_COUNTED,
            heals: runs.heals,
            rollbacks: runs.rollbacks,
        }))
    }

    /// When the newest event happened that this person was shown.
    async fn last_shown(&self, actor: &Actor) -> Result<Option<Micros>, PortError> {
        let db = self.runtime.store();
        let row = match store::user::get(db, actor.user).await {
            Ok(row) => row,
            // The server's own command line acts without an account.
            Err(store::StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(refuse::store(error)),
        };
        if row.last_seen_seq == 0 {
            return Ok(None);
        }
        let events = store::event::after(db, row.last_seen_seq - 1, 1)
            .await
            .map_err(refuse::store)?;
        Ok(events.first().map(|event| event.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::example;

    #[test]
    fn a_visit_goes_on_while_somebody_looks() {
        let visits = Visits::default();
        let user = UserId(example::id("maria"));
        let start = Micros::from_seconds(10_000);
        assert_eq!(visits.look(user, start), None);
        visits.begin(user, Some(Micros(5)), start);
        let since = Some(Micros(5));
        assert_eq!(
            visits.look(user, start.plus_seconds(30)),
            Some(Look { since, note: false })
        );
        assert_eq!(
            visits.look(user, start.plus_seconds(90)),
            Some(Look { since, note: true })
        );
        assert_eq!(
            visits.look(user, start.plus_seconds(91)),
            Some(Look { since, note: false })
        );
        assert_eq!(
            visits.look(user, start.plus_seconds(91 + VISIT_SECONDS)),
            None
        );
    }
}
