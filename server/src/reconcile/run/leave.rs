//! Forgets what an application left: our mark goes off every object, and then the object out of the inventory. One that
//! cannot be asked about stays listed.

use super::ownership;
use crate::reconcile::target::{Compared, Loaded};
use crate::runtime::Runtime;
use crate::store::operation::OperationRow;
use crate::store::{self, StoreError};
use engine::apply::{Deletion, Propagation, Unmarked};
use engine::plan::LiveFact;
use engine::tracking::TrackingId;
use lockstep_types::account::Permission;
use lockstep_types::event::EventKind;

/// Carries the request out. It is taken when it is done, not before: cut off in the middle, by another writer of the
/// target or by the end of the process, it still waits and is carried out again, which does no harm.
///
/// # Errors
/// When the database cannot be read or written, or another writer has claimed the target; what was let go by then is
/// forgotten.
pub(crate) async fn leave(
    runtime: &Runtime,
    loaded: &Loaded,
    compared: &Compared,
    request: &OperationRow,
) -> Result<(), StoreError> {
    let permission = Permission::Delete;
    let lost = super::removal::lost(runtime, loaded, &request.started_by, permission).await?;
    let said = match lost {
        Some(why) => why,
        None => match ownership::claim(runtime, &compared.handle).await? {
            Err(why) => why,
            Ok(()) => let_go(runtime, loaded, compared).await?,
        },
    };
    let mut tx = runtime.store().begin().await?;
    if !store::operation::take(&mut tx, request.id).await? {
        return Ok(());
    }
    store::operation::end(&mut tx, request.id, &said).await?;
    tx.announce(store::target::subject(&loaded.row), EventKind::Changed);
    tx.commit().await.map(|_| ())
}

/// How it went, in words.
async fn let_go(
    runtime: &Runtime,
    loaded: &Loaded,
    compared: &Compared,
) -> Result<String, StoreError> {
    let (mut left, mut problems) = (0_usize, Vec::new());
    for entry in &loaded.inventory {
        let forgets = match compared.judged.facts.get(&entry.key) {
            Some(LiveFact::Absent) => true,
            Some(LiveFact::Present(facts)) if entry.uid.as_deref() == Some(facts.uid.as_str()) => {
                match unmark(runtime, loaded, compared, entry, &facts.api_version).await {
                    Ok(()) => true,
                    Err(why) => {
                        problems.push(why);
                        false
                    }
                }
            }
            // Another object by now: it is not ours to touch, and nothing of ours is left.
            Some(LiveFact::Present(_)) => true,
            Some(LiveFact::Unknown(why)) => {
                problems.push(format!("{}: {why}", entry.key.short()));
                false
            }
            None => false,
        };
        if forgets {
            let mut tx = runtime.store().begin().await?;
            store::target::require_generation(&mut tx, loaded.row.id, loaded.generation).await?;
            store::inventory::drop_entry(&mut tx, loaded.row.id, &entry.key).await?;
            tx.commit().await?;
            left += 1;
        }
    }
    let stayed = match left {
        1 => "1 object was left as it is".to_owned(),
        many => format!("{many} objects were left as they are"),
    };
    Ok(match problems.first() {
        None => stayed,
        Some(first) => format!("{stayed}; {} could not be: {first}", problems.len()),
    })
}

async fn unmark(
    runtime: &Runtime,
    loaded: &Loaded,
    compared: &Compared,
    entry: &store::inventory::InventoryRow,
    api_version: &str,
) -> Result<(), String> {
    let Some(applier) = compared.handle.applier() else {
        return Err(format!(
            "the cluster {} does not answer",
            loaded.row.cluster
        ));
    };
    let tracking = TrackingId {
        installation: runtime.installation(),
        target_key: loaded.target_key.clone(),
        key: entry.key.clone(),
    };
    let marked = Deletion {
        key: entry.key.clone(),
        api_version: api_version.to_owned(),
        uid: entry.uid.clone().unwrap_or_default(),
        tracking_id: Some(tracking.text()),
        propagation: Propagation::Orphan,
    };
    match applier.unmark(&marked).await {
        Ok(Unmarked::Done | Unmarked::Gone | Unmarked::NotOurs) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
