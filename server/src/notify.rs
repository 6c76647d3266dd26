//! Tells people and Git hosts: incidents of what lasts too long, messages about them, commit statuses, and comments on
//! pull requests.
//!
//! It stands behind the reconcilers and never in their way: it reads what they have published, wakes with the event log
//! and by the clock, and a receiver that is slow delays nobody but itself. Every pass looks at the whole state, and what
//! was told is written in the same transaction as the message that tells it, so that a restart repeats nothing.
//!
//! [`conditions`] and [`routing`] decide and are pure; [`incidents`], [`statuses`] and [`comments`] write down what they
//! decide; [`approvals`] asks the same hosts who approved a commit; [`deliver`] empties the queue by way of [`channel`],
//! [`mail`] and [`host`].

mod approvals;
mod channel;
mod comments;
mod conditions;
mod deliver;
mod flux;
mod host;
mod incidents;
mod mail;
mod outgoing;
mod own;
mod pull;
mod routing;
mod secret;
mod statuses;
mod subscriptions;
mod template;

pub(crate) use channel::PAGER_DUTY;
pub(crate) use flux::heeded;
pub(crate) use host::PullRequest;
pub(crate) use mail::{mailboxes, server as mail_server};
pub use outgoing::{Item, Outgoing};
pub(crate) use own::{own_routes, own_texts};
pub(crate) use pull::open_pull_request;
pub use routing::{check_labels, check_quiet};
pub use secret::ReceiverSecret;
pub(crate) use subscriptions::subscriptions;
pub(crate) use template::{example, render};

use crate::runtime::{Runtime, now};
use crate::secrets::Vault;
use crate::store::{StoreError, installation, message, pull_comment};
use lockstep_types::alert::AlertRules;
use lockstep_types::ports::Fleet;
use lockstep_types::time::Micros;
use std::sync::Arc;
use std::time::Duration;

/// Between two passes, at least.
const APART: Duration = Duration::from_millis(500);
/// Between two passes when nothing happens.
const LOOK: Duration = Duration::from_secs(30);
/// Between two looks at what is old enough to be forgotten.
const PRUNE_SECONDS: i64 = 3600;
/// The log of messages and of incidents that are over reaches back so far.
const LOG_SECONDS: i64 = 30 * 24 * 3600;
/// Where the rules are among the facts.
const RULES: &str = "alerts.rules";
/// Messages of each kind that may wait; beyond that the oldest are given up.
pub(crate) const QUEUE: u64 = 1000;

/// What all parts need.
#[derive(Clone)]
pub(crate) struct Notifier {
    pub(crate) runtime: Runtime,
    pub(crate) vault: Vault,
    fleet: Arc<dyn Fleet>,
    started: Micros,
}

/// Starts telling; ends with the runtime.
pub fn start(runtime: &Runtime, vault: Vault, fleet: Arc<dyn Fleet>) {
    let notifier = Notifier {
        runtime: runtime.clone(),
        vault,
        fleet,
        started: now(),
    };
    let tasks = runtime.tasks();
    tasks.spawn(deliver::run(notifier.clone()));
    tasks.spawn(comments::run(notifier.clone()));
    tasks.spawn(approvals::run(notifier.clone()));
    tasks.spawn(follow(notifier));
}

/// The rules as they are set.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn rules(db: &impl crate::store::Read) -> Result<AlertRules, StoreError> {
    let text = installation::get(db, RULES).await?;
    Ok(text.and_then(|text| kept(&text)).unwrap_or_default())
}

/// Reads rules as they are kept; what another version kept beside them is left out.
fn kept(text: &str) -> Option<AlertRules> {
    let mut value: serde_json::Value = serde_json::from_str(text).ok()?;
    let known = serde_json::to_value(AlertRules::default()).ok()?;
    value
        .as_object_mut()?
        .retain(|name, _| known.get(name).is_some());
    serde_json::from_value(value).ok()
}

/// Sets the rules.
///
/// # Errors
/// When the database cannot be written.
pub(crate) async fn set_rules(
    tx: &mut crate::store::Tx,
    rules: &AlertRules,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(rules).map_err(|source| StoreError::Unwritable {
        what: "the rules of alerts",
        source,
    })?;
    installation::set(tx, RULES, &text).await?;
    tx.announce(
        lockstep_types::event::Subject::Alerts,
        lockstep_types::event::EventKind::Changed,
    );
    Ok(())
}

async fn follow(notifier: Notifier) {
    let mut committed = notifier.runtime.store().committed();
    let cancel = notifier.runtime.cancelled().clone();
    let mut pruned: Option<Micros> = None;
    loop {
        let before = now();
        if pruned.is_none_or(|at| before.seconds_since(at) >= PRUNE_SECONDS) {
            let old = before.plus_seconds(-LOG_SECONDS);
            match forget(&notifier, old).await {
                Ok(()) => pruned = Some(before),
                Err(error) => tracing::warn!(
                    event.name = "notify.prune",
                    error = &error as &dyn std::error::Error,
                    "old alerts could not be forgotten; trying again"
                ),
            }
        }
        let due = match pass(&notifier).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(
                    event.name = "notify.pass",
                    error = &error as &dyn std::error::Error,
                    "alerts could not be judged; trying again"
                );
                None
            }
        };
        let sleep = due.map_or(LOOK, |due| until(before, due).clamp(APART, LOOK));
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(sleep) => {}
            _ = committed.changed() => {}
        }
        // A burst of events is one pass.
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(APART) => {}
        }
        committed.mark_unchanged();
    }
}

/// Forgets what was over before `before`.
async fn forget(notifier: &Notifier, before: Micros) -> Result<(), StoreError> {
    let db = notifier.runtime.store();
    message::prune(db, before).await?;
    pull_comment::prune(db, before).await
}

fn until(from: Micros, to: Micros) -> Duration {
    Duration::from_micros(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0))
}

/// Judges everything once; says when it is worth looking again without an event.
async fn pass(notifier: &Notifier) -> Result<Option<Micros>, StoreError> {
    let judged = incidents::judge(notifier).await?;
    let planned = incidents::tell(notifier).await?;
    statuses::look(notifier).await?;
    Ok(judged.into_iter().chain(planned).min())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::alert::Condition;

    #[test]
    fn rules_of_another_version_are_read_as_far_as_they_are_known() {
        let text = r#"{"dwell":{"drift":2},"gather_seconds":1,"apart_seconds":7,"muted":["a"]}"#;
        let rules = kept(text).unwrap();
        assert_eq!((rules.gather_seconds, rules.apart_seconds), (1, 7));
        assert_eq!(rules.dwell(Condition::Drift), 2);
        assert_eq!(kept(r#"{"dwell":{}}"#), None);
        assert!(
            serde_json::from_str::<AlertRules>(text).is_err(),
            "a request is refused"
        );
    }
}
