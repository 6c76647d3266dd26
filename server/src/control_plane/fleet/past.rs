//! The fleet at an earlier time: the same rows and filters, over what was recorded then.

use super::super::{Plane, refuse};
use super::badness::badness;
use crate::store;
use lockstep_types::PortError;
use lockstep_types::application::TargetSummary;
use lockstep_types::health::Health;
use lockstep_types::id::TargetId;
use lockstep_types::past::{Past, StateThen, Turned};
use lockstep_types::revision::Revision;
use lockstep_types::time::Micros;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The render of each revision that a target was compared with.
type Renders = BTreeMap<(TargetId, Revision), String>;

impl Plane {
    /// Puts the targets back to how they stood `at`, and says what stood otherwise `until`. Those that were not there
    /// yet are left out; those whose application has left Git since are not found again.
    pub(super) async fn as_they_were(
        &self,
        summaries: &mut Vec<TargetSummary>,
        at: Micros,
        until: Option<Micros>,
        now: Micros,
    ) -> Result<Past, PortError> {
        if let Some(until) = until.filter(|until| *until <= at) {
            return Err(PortError::invalid(
                "until",
                format!(
                    "{} is not after {}; the later of the two times goes here",
                    until.rfc3339(),
                    at.rfc3339()
                ),
            ));
        }
        let db = self.runtime.store();
        let then = store::past::at(db, at, None).await.map_err(refuse::store)?;
        let later = store::past::at(db, until.unwrap_or(now), None)
            .await
            .map_err(refuse::store)?;
        let revisions: BTreeSet<&Revision> = then
            .values()
            .chain(later.values())
            .flat_map(|state| state.revision.iter().chain(&state.deployed))
            .collect();
        let renders = store::status::renders(db, &revisions)
            .await
            .map_err(refuse::store)?;
        let past = Past {
            at,
            until,
            recorded_since: store::status::first(db).await.map_err(refuse::store)?,
            turned: turned(summaries, &then, &later, &renders),
        };
        put_back(summaries, &then);
        Ok(past)
    }
}

/// Replaces what is true now by what was true then.
fn put_back(summaries: &mut Vec<TargetSummary>, then: &BTreeMap<TargetId, StateThen>) {
    summaries.retain_mut(|summary| match then.get(&summary.target.id) {
        Some(state) => {
            *summary = as_then(summary, state);
            true
        }
        None => false,
    });
}

/// A target as a list shows it, at that time. What was not recorded over time is empty, but for the mode and the number of
/// objects, which are those of today.
fn as_then(summary: &TargetSummary, state: &StateThen) -> TargetSummary {
    TargetSummary {
        target: summary.target.clone(),
        mode: summary.mode,
        sync: state.sync,
        health: Health::new(state.health, ""),
        reason: state.reason.clone(),
        drifted: state.drifted,
        out_of_sync: state.drifted,
        objects: summary.objects,
        revision: state.revision.clone(),
        deployed: state.deployed.clone(),
        images: Vec::new(),
        last_compared: None,
        running: None,
        phase: None,
        hold: None,
        pin: None,
    }
}

/// Targets that stood otherwise at the two times, what is worst at the second first. Commits of others that a target
/// renders the same are no difference.
fn turned(
    summaries: &[TargetSummary],
    then: &BTreeMap<TargetId, StateThen>,
    later: &BTreeMap<TargetId, StateThen>,
    renders: &Renders,
) -> Vec<Turned> {
    let mut turned: Vec<(u32, Turned)> = summaries
        .iter()
        .filter_map(|summary| {
            let id = summary.target.id;
            let (before, after) = (then.get(&id).cloned(), later.get(&id).cloned());
            let same = match (&before, &after) {
                (Some(before), Some(after)) => alike(id, before, after, renders),
                (before, after) => before.is_none() && after.is_none(),
            };
            if same {
                return None;
            }
            let worst = after
                .as_ref()
                .map_or(0, |after| badness(&as_then(summary, after)));
            let target = summary.target.clone();
            Some((
                worst,
                Turned {
                    target,
                    before,
                    after,
                },
            ))
        })
        .collect();
    turned.sort_by_key(|(worst, turned)| (Reverse(*worst), turned.target.clone()));
    turned.into_iter().map(|(_, turned)| turned).collect()
}

/// Whether a target stood alike at two times. The sentence that explains it does not count, nor what was deployed where
/// that was not recorded yet.
fn alike(target: TargetId, before: &StateThen, after: &StateThen, renders: &Renders) -> bool {
    let same = |before: &Option<Revision>, after: &Option<Revision>| {
        let render = |revision: &Option<Revision>| {
            let revision = revision.clone()?;
            renders.get(&(target, revision))
        };
        before == after
            || render(before).is_some_and(|render_before| render(after) == Some(render_before))
    };
    let unknown = before.deployed.is_none() || after.deployed.is_none();
    (before.sync, before.health, before.drifted) == (after.sync, after.health, after.drifted)
        && same(&before.revision, &after.revision)
        && (unknown || same(&before.deployed, &after.deployed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::example;
    use lockstep_types::diff::SyncStatus;
    use lockstep_types::health::HealthStatus;
    use lockstep_types::reason::{Reason, ReasonCode};

    fn reason(cause: &str) -> Reason {
        Reason {
            code: ReasonCode::Degraded,
            object: None,
            cause: cause.to_owned(),
            since: Micros(0),
            next: String::new(),
            stalled: false,
        }
    }

    fn state(sync: SyncStatus, health: HealthStatus, revision: &str) -> StateThen {
        StateThen {
            sync,
            health,
            reason: (health != HealthStatus::Healthy).then(|| reason("its image is missing")),
            revision: Some(Revision(revision.repeat(40))),
            deployed: None,
            drifted: 0,
        }
    }

    #[test]
    fn what_is_worst_now_stands_first_and_what_stood_alike_is_left_out() {
        let names = ["alike", "better", "new", "worse"];
        let summaries: Vec<TargetSummary> = names
            .iter()
            .map(|name| example::target(name, "shop", "eu"))
            .collect();
        let id = |at: usize| summaries[at].target.id;
        let well = state(SyncStatus::Synced, HealthStatus::Healthy, "a");
        let bad = state(SyncStatus::OutOfSync, HealthStatus::Degraded, "b");
        // The same render by a commit of somebody else, and nothing was known of deployments then.
        let mut alike = well.clone();
        alike.reason = Some(reason("said in other words"));
        alike.revision = Some(Revision("c".repeat(40)));
        alike.deployed = alike.revision.clone();
        let renders = ["a", "c"]
            .map(|digit| ((id(0), Revision(digit.repeat(40))), "render".to_owned()))
            .into();
        let then = BTreeMap::from([
            (id(0), well.clone()),
            (id(1), bad.clone()),
            (id(3), well.clone()),
        ]);
        let later = BTreeMap::from([
            (id(0), alike),
            (id(1), well.clone()),
            (id(2), well),
            (id(3), bad),
        ]);
        let found: Vec<String> = turned(&summaries, &then, &later, &renders)
            .iter()
            .map(|turned| {
                let word = |state: &Option<StateThen>| {
                    state.as_ref().map_or("absent", |state| state.health.word())
                };
                let name = &turned.target.application.name;
                format!("{name}: {} → {}", word(&turned.before), word(&turned.after))
            })
            .collect();
        assert_eq!(
            found,
            [
                "worse: Healthy → Degraded",
                "better: Degraded → Healthy",
                "new: absent → Healthy"
            ]
        );
    }

    #[test]
    fn a_target_shows_what_was_recorded_and_nothing_of_today() {
        let mut now = example::target("cart", "shop", "eu");
        now.images = vec!["cart:2".to_owned()];
        let mut absent = example::target("later", "shop", "eu");
        absent.drifted = 9;
        let mut summaries = vec![now.clone(), absent];
        let mut then = state(SyncStatus::OutOfSync, HealthStatus::Degraded, "a");
        then.drifted = 2;
        put_back(&mut summaries, &BTreeMap::from([(now.target.id, then)]));
        assert_eq!(summaries.len(), 1);
        let shown = &summaries[0];
        assert_eq!(shown.sync, SyncStatus::OutOfSync);
        let cause = shown.reason.as_ref().map(|reason| reason.cause.as_str());
        assert_eq!(cause, Some("its image is missing"));
        assert_eq!((shown.drifted, shown.images.len()), (2, 0));
        assert_eq!(shown.last_compared, None);
    }
}
