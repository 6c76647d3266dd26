//! The whole loop against a real API server and a real repository: commit to cluster, drift, prune, observe, restart.
//!
//! Needs the rig: `LOCKSTEP_RIG` names its `rig.json`. Each test has its own namespace, repository and database, so that
//! they run side by side.

#[path = "reconcile/accepting.rs"]
mod accepting;
#[path = "reconcile/acting.rs"]
mod acting;
#[path = "reconcile/alerts.rs"]
mod alerts;
#[path = "reconcile/approved.rs"]
mod approved;
#[path = "reconcile/broken.rs"]
mod broken;
#[path = "reconcile/charts.rs"]
mod charts;
#[path = "reconcile/conformance.rs"]
mod conformance;
#[path = "reconcile/cost.rs"]
mod cost;
#[path = "reconcile/delivery.rs"]
mod delivery;
#[path = "reconcile/drift.rs"]
mod drift;
#[path = "reconcile/editing.rs"]
mod editing;
#[path = "reconcile/fleet.rs"]
mod fleet;
#[path = "reconcile/health.rs"]
mod health;
#[path = "reconcile/hooks.rs"]
mod hooks;
#[path = "reconcile/ignored.rs"]
mod ignored;
#[path = "reconcile/images.rs"]
mod images;
#[path = "reconcile/impersonation.rs"]
mod impersonation;
#[path = "reconcile/interruption.rs"]
mod interruption;
#[path = "reconcile/keeping.rs"]
mod keeping;
#[path = "reconcile/kubectl.rs"]
mod kubectl;
#[path = "reconcile/options.rs"]
mod options;
#[path = "reconcile/orphans.rs"]
mod orphans;
#[path = "reconcile/ownership.rs"]
mod ownership;
#[path = "reconcile/projects.rs"]
mod projects;
#[path = "reconcile/promoting.rs"]
mod promoting;
#[path = "reconcile/pulls.rs"]
mod pulls;
#[path = "reconcile/reestablish.rs"]
mod reestablish;
#[path = "reconcile/remaking.rs"]
mod remaking;
#[path = "reconcile/removal.rs"]
mod removal;
#[path = "reconcile/roles.rs"]
mod roles;
#[path = "reconcile/rolling_back.rs"]
mod rolling_back;
#[path = "reconcile/rolling_out.rs"]
mod rolling_out;
#[path = "reconcile/selecting.rs"]
mod selecting;
#[path = "reconcile/sets.rs"]
mod sets;
#[path = "reconcile/sets_everywhere.rs"]
mod sets_everywhere;
#[path = "reconcile/several.rs"]
mod several;
#[path = "reconcile/signed.rs"]
mod signed;
#[path = "reconcile/statuses.rs"]
mod statuses;
#[path = "reconcile/unsteady.rs"]
mod unsteady;
#[path = "reconcile/watching.rs"]
mod watching;
#[path = "reconcile/webhook.rs"]
mod webhook;
#[path = "reconcile/windows.rs"]
mod windows;
#[path = "reconcile/world.rs"]
mod world;

const AUTOMATED: &str = "automated: {prune: true, selfHeal: false}";
const HEALING: &str = "automated: {prune: true, selfHeal: true}";
