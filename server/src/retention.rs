//! Keeps to the policy by which bodies of history are let go. Unless somebody sets one, all are kept: bodies are shared by
//! content, and nobody should lose what they did not know would go.

use crate::store::{self, Read, Store, StoreError, Tx, installation};
use lockstep_types::Micros;
use lockstep_types::retention::{LetGo, NEWEST, Retention, RetentionView};

/// Where the policy, and what it did last, are among the facts.
const RULES: &str = "retention.rules";
const LAST: &str = "retention.last";
/// Runs and renders of one transaction: others write in between.
const AT_ONCE: u64 = 500;
const DAY_SECONDS: i64 = 24 * 3600;

/// The policy and what it did.
///
/// # Errors
/// When the database cannot be read.
pub async fn view(db: &impl Read) -> Result<RetentionView, StoreError> {
    let last = installation::get(db, LAST).await?;
    Ok(RetentionView {
        rules: rules(db).await?,
        last: last.and_then(|text| serde_json::from_str(&text).ok()),
    })
}

/// Sets the policy.
///
/// # Errors
/// When the database cannot be written.
pub async fn set(tx: &mut Tx, rules: Retention) -> Result<(), StoreError> {
    let text = written("how long bodies are kept", &rules)?;
    installation::set(tx, RULES, &text).await
}

/// Lets go what is older than the policy allows.
///
/// # Errors
/// When the database cannot be written. What went before stays gone; the rest follows the next time.
pub async fn keep(store: &Store, now: Micros) -> Result<LetGo, StoreError> {
    let mut gone = LetGo {
        at: now,
        runs: 0,
        renders: 0,
    };
    let Some(days) = rules(store).await?.days else {
        return Ok(gone);
    };
    let before = now.plus_seconds(-i64::from(days) * DAY_SECONDS);
    loop {
        let runs = store::retention::let_runs_go(store, before, NEWEST, AT_ONCE).await?;
        gone.runs += runs;
        if runs < AT_ONCE {
            break;
        }
    }
    loop {
        let renders = store::retention::let_renders_go(store, before, AT_ONCE).await?;
        gone.renders += renders;
        if renders < AT_ONCE {
            break;
        }
    }
    if gone.runs > 0 || gone.renders > 0 {
        let text = written("what was let go", &gone)?;
        let mut tx = store.begin().await?;
        installation::set(&mut tx, LAST, &text).await?;
        tx.commit().await?;
        tracing::info!(
            event.name = "retention.let_go",
            runs = gone.runs,
            renders = gone.renders,
            "bodies of old history were let go"
        );
    }
    Ok(gone)
}

/// What cannot be read is no leave to let something go.
async fn rules(db: &impl Read) -> Result<Retention, StoreError> {
    let text = installation::get(db, RULES).await?;
    Ok(text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default())
}

fn written<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Unwritable { what, source })
}
