//! The ports: what pages, API and command line may ask, answered from the database, the repositories and the live
//! state that the reconcilers keep.
//!
//! Every method first asks whether the actor may. Reading methods change nothing; the others write an intent, an audit
//! entry and the events of both in one transaction, then wake a reconciler. Nothing here applies anything to a cluster,
//! and all that is written to Git are commits that a person has seen in full, or that a rule for images in Git asks for.
//!
//! One file per port, its parts beside it; what needs no I/O is in pure modules of their own.

mod access;
mod alerts;
mod allow;
mod applications;
mod checks;
mod clusters;
mod commits;
mod definitions;
mod drafts;
mod editing;
mod filter;
mod fleet;
mod held;
mod image_rules;
mod leftovers;
mod names;
mod objects;
mod patches;
mod paths;
mod proposals;
mod refuse;
mod registration;
mod rollbacks;
mod rollouts;
mod signing;
mod sources;
mod syncs;
mod webhooks;

#[cfg(test)]
mod example;
#[cfg(test)]
mod tests;

pub(crate) use commits::BROKEN;
pub(crate) use names::slug;
pub use registration::{ClusterSecret, GitLogin, GitSecret, Registration};

use crate::runtime::Runtime;
use lockstep_types::about::Cage;
use lockstep_types::ports::{Accounts, ControlPlane, Events};
use std::sync::Arc;

/// What all ports of this module share. Cheap to clone.
#[derive(Clone)]
struct Plane {
    runtime: Runtime,
    registration: Arc<Registration>,
    visits: Arc<fleet::Visits>,
    gatekeeper: Arc<webhooks::Gatekeeper>,
}

/// Follows the rules for images that Git holds; ends with the runtime.
pub fn start_image_rules(runtime: &Runtime, registration: Registration) {
    let plane = Plane {
        runtime: runtime.clone(),
        registration: Arc::new(registration),
        visits: Arc::default(),
        gatekeeper: Arc::default(),
    };
    runtime.tasks().spawn(image_rules::follow(plane));
}

/// Every port of the server in one value: those of this module, and the two that others implement.
pub fn ports(
    runtime: Runtime,
    registration: Registration,
    accounts: Arc<dyn Accounts>,
    events: Arc<dyn Events>,
) -> ControlPlane {
    let cage = runtime.renderer().sandbox().cage();
    let plane = Plane {
        runtime,
        registration: Arc::new(registration),
        visits: Arc::default(),
        gatekeeper: Arc::default(),
    };
    of(plane, accounts, events, cage)
}

fn of(
    plane: Plane,
    accounts: Arc<dyn Accounts>,
    events: Arc<dyn Events>,
    cage: Cage,
) -> ControlPlane {
    ControlPlane {
        fleet: Arc::new(plane.clone()),
        applications: Arc::new(plane.clone()),
        objects: Arc::new(plane.clone()),
        syncs: Arc::new(plane.clone()),
        rollbacks: Arc::new(plane.clone()),
        editing: Arc::new(plane.clone()),
        clusters: Arc::new(plane.clone()),
        leftovers: Arc::new(plane.clone()),
        sources: Arc::new(plane.clone()),
        webhooks: Arc::new(plane.clone()),
        access: Arc::new(plane.clone()),
        alerts: Arc::new(plane),
        accounts,
        events,
        cage,
    }
}
