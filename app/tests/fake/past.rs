//! The made-up fleet at an earlier time: everything was well but one target.

use super::NOW;
use super::applications as apps;
use super::fleet::{ago, bump, pool, target_ref};
use lockstep_types::application::TargetRef;
use lockstep_types::diff::SyncStatus;
use lockstep_types::fleet::FleetView;
use lockstep_types::health::HealthStatus;
use lockstep_types::past::{Past, StateThen, StoodFor, TargetPast, Turned};
use lockstep_types::reason::{Reason, ReasonCode};
use lockstep_types::time::Micros;

fn well() -> StateThen {
    StateThen {
        sync: SyncStatus::Synced,
        health: HealthStatus::Healthy,
        reason: None,
        revision: Some(bump().revision),
        deployed: Some(bump().revision),
        drifted: 0,
    }
}

fn broken() -> StateThen {
    StateThen {
        health: HealthStatus::Degraded,
        reason: Some(Reason {
            code: ReasonCode::Degraded,
            object: None,
            cause: "2 of 3 pods cannot pull checkout:2.9.1".into(),
            since: ago(4),
            next: String::new(),
            stalled: true,
        }),
        revision: Some(pool().revision),
        deployed: Some(pool().revision),
        ..well()
    }
}

/// Makes of the present what was.
pub fn put_back(view: &mut FleetView, at: Micros, until: Option<Micros>) {
    view.needs_you.clear();
    view.since_last_visit = None;
    view.past = Some(Past {
        at,
        until,
        recorded_since: Some(ago(60 * 24 * 3)),
        turned: vec![
            Turned {
                target: target_ref("checkout", "shop", "prod-eu"),
                before: Some(well()),
                after: Some(broken()),
            },
            Turned {
                target: target_ref("payments", "shop", "prod-us"),
                before: None,
                after: Some(well()),
            },
        ],
    });
    for target in view
        .sections
        .iter_mut()
        .flat_map(|section| &mut section.rows)
        .flat_map(|row| row.cells.iter_mut().flatten())
    {
        target.sync = SyncStatus::Synced;
        target.health.status = HealthStatus::Healthy;
        target.reason = None;
        target.drifted = 0;
        target.last_compared = None;
        target.images.clear();
        (target.hold, target.pin, target.running, target.phase) = (None, None, None, None);
    }
}

/// One target; before the first record there was nothing.
pub fn of_target(target: TargetRef, at: Micros) -> TargetPast {
    let there = at > ago(60 * 24 * 3);
    TargetPast {
        at,
        then: there.then(well),
        now_is: broken(),
        commit: there.then(bump),
        deployed: None,
        run: apps::runs(&target).into_iter().nth(1).filter(|_| there),
        drift: Vec::new(),
        around: vec![
            StoodFor {
                from: at.plus_seconds(-7_200),
                to: Some(at.plus_seconds(1_200)),
                sync: SyncStatus::Synced,
                health: HealthStatus::Healthy,
            },
            StoodFor {
                from: at.plus_seconds(1_200),
                to: None,
                sync: SyncStatus::Synced,
                health: HealthStatus::Degraded,
            },
        ],
        recorded_since: Some(ago(60 * 24 * 3)),
        now: NOW,
        target,
    }
}
