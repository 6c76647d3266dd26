//! A made-up fleet behind the real ports: three clusters, two projects, one of everything that can be
//! wrong. The gallery shows it and the page tests assert on it. Times hang on [`NOW`].

mod access;
mod accounts;
mod alerting;
mod answers;
mod applications;
mod clusters;
mod editing;
mod fleet;
mod logs;
mod objects;
mod parity;
mod past;
mod rollbacks;
mod rollouts;
pub mod site;
mod upcoming;

use lockstep_types::Micros;
use lockstep_types::account::{Actor, Role};
use lockstep_types::id::UserId;
use lockstep_types::ports::ControlPlane;
use std::sync::Arc;
use uuid::Uuid;

/// The present of the made-up fleet.
pub const NOW: Micros = Micros(1_763_915_400_000_000);

/// Somebody with this role.
pub fn actor(role: Role) -> Actor {
    Actor {
        user: UserId(Uuid::from_u128(7)),
        name: "maria".into(),
        role,
        token: None,
        rights: Default::default(),
    }
}

/// All ports.
pub fn control_plane() -> ControlPlane {
    let fake = Arc::new(answers::Fake { empty: false });
    plane(fake)
}

/// All ports of a server that was just set up.
pub fn empty_control_plane() -> ControlPlane {
    plane(Arc::new(answers::Fake { empty: true }))
}

fn plane(fake: Arc<answers::Fake>) -> ControlPlane {
    ControlPlane {
        fleet: fake.clone(),
        applications: fake.clone(),
        objects: fake.clone(),
        syncs: fake.clone(),
        rollbacks: fake.clone(),
        editing: fake.clone(),
        clusters: fake.clone(),
        leftovers: fake.clone(),
        sources: fake.clone(),
        webhooks: fake.clone(),
        access: fake.clone(),
        alerts: fake.clone(),
        accounts: fake.clone(),
        events: fake,
        cage: lockstep_types::about::Cage::default(),
    }
}
