//! The only place that knows the order of the stages: commit, render, observe, diff, plan, check, apply, health, record.
//!
//! One loop per repository ([`sources`]), per cluster ([`clusters`]) and per target ([`target`]), all of them
//! level-triggered: a pass looks at the whole state, takes no hint of what changed, and is the same whether a timer or
//! an activation began it ([`driver`]). What to do with a target is decided by a pure function ([`decide`]); carrying it
//! out is [`run`]. The [`supervisor`] starts and stops the loops.
//!
//! A cluster or repository that is down delays nobody else: every cluster has its own permits and tasks, fetches and
//! renders have their own limits and deadlines.

mod account;
pub(crate) mod acting;
pub mod brake;
pub mod cause;
mod charts;
pub mod clusters;
pub mod decide;
pub mod definitions;
pub mod desired;
pub mod driver;
pub mod explain;
pub(crate) mod inputs;
pub mod ledger;
pub(crate) mod orphans;
pub mod permit;
pub mod preview;
pub(crate) mod reestablish;
pub mod removal;
pub mod render;
pub mod revisions;
mod rollouts;
pub mod run;
pub mod sources;
pub mod supervisor;
pub mod target;
pub(crate) mod vouched;
pub mod windows;

pub(crate) use removal::why_left;
pub(crate) use run::ownership::accept as accept_epoch;

use crate::runtime::Settings;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Limits that all repositories and clusters share.
#[derive(Debug)]
pub struct Limits {
    pub(crate) fetches: Arc<Semaphore>,
    pub(crate) renders: Arc<Semaphore>,
    /// Children that evaluate users' health checks.
    pub(crate) checks: Arc<Semaphore>,
    /// The same for targets whose checks did not keep to their limits, so that no other queues behind them.
    pub(crate) slow_checks: Arc<Semaphore>,
    /// The list of a source's definitions is written whole, by its reader and by every application that renders
    /// children: one at a time, or one would take the other's children for gone.
    pub(crate) definitions: tokio::sync::Mutex<()>,
}

impl Limits {
    /// As the settings say.
    pub fn new(settings: &Settings) -> Self {
        Self {
            fetches: Arc::new(Semaphore::new(settings.fetches.max(1))),
            renders: Arc::new(Semaphore::new(settings.renders.max(1))),
            checks: Arc::new(Semaphore::new(settings.renders.max(1))),
            slow_checks: Arc::new(Semaphore::new(1)),
            definitions: tokio::sync::Mutex::new(()),
        }
    }
}
