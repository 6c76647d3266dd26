//! Before a run's first write: the epoch moves on, in the database and in the cluster's Lease.
//!
//! A cluster that has seen a later epoch than the database knows tells that the database was restored from a backup, or
//! is a copy whose twin goes on. Then nothing is written: what goes to this cluster is only observed until a person
//! takes it over again. Sees one cluster at a time; knows no objects.

use crate::runtime::{ClusterHandle, Runtime};
use crate::store::audit::Act;
use crate::store::{self, StoreError};
use engine::apply::ApplyError;
use lockstep_types::source::Mode;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a cluster that does not answer is waited for before the run is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What one try came to.
enum Tried {
    Claimed,
    /// It may pass: the cluster does not answer.
    Passing(String),
    Refused(String),
}

/// Claims the cluster for one run. The inner error says in words why nothing may be written.
///
/// # Errors
/// When the database cannot be read or written.
pub(super) async fn claim(
    runtime: &Runtime,
    handle: &ClusterHandle,
) -> Result<Result<(), String>, StoreError> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match try_to_claim(runtime, handle).await? {
            Tried::Claimed => return Ok(Ok(())),
            Tried::Refused(why) => return Ok(Err(why)),
            Tried::Passing(why)
                if tokio::time::Instant::now() >= deadline || runtime.draining().is_cancelled() =>
            {
                return Ok(Err(why));
            }
            Tried::Passing(_) => tokio::time::sleep(Duration::from_secs(1)).await,
        }
    }
}

async fn try_to_claim(runtime: &Runtime, handle: &ClusterHandle) -> Result<Tried, StoreError> {
    let Some(applier) = handle.applier() else {
        return Ok(Tried::Passing(format!(
            "the cluster {} does not answer, so nothing was written",
            handle.name
        )));
    };
    let mut lease = handle.lease.lock().await;
    // What we knew when somebody else wrote the Lease in between: a newer epoch is theirs, not ours.
    let mut overtaken: Option<u64> = None;
    for _ in 0..2 {
        let known = match lease.take() {
            Some(known) => Some(known),
            None => match applier.epoch_lease(runtime.installation()).await {
                Ok(found) => found,
                Err(error) => return Ok(failed(&handle.name, &error)),
            },
        };
        let ours = match overtaken {
            Some(epoch) => epoch,
            None => store::installation::epoch(runtime.store()).await?,
        };
        if let Some(seen) = known.as_ref().filter(|seen| seen.epoch > ours) {
            observe(runtime, &handle.name, seen.epoch, ours).await?;
            return Ok(Tried::Refused(behind(&handle.name, seen.epoch, ours)));
        }
        let epoch = {
            let _alone = EPOCH.lock().await;
            let mut tx = runtime.store().begin().await?;
            let epoch = store::installation::advance_epoch(&mut tx).await?;
            tx.commit().await?;
            epoch
        };
        match applier
            .advance_epoch_lease(runtime.installation(), epoch, known.as_ref())
            .await
        {
            Ok(written) => {
                *lease = Some(written);
                return Ok(Tried::Claimed);
            }
            Err(ApplyError::PreconditionFailed { .. }) => {
                overtaken = Some(known.map_or(ours, |known| known.epoch));
            }
            Err(ApplyError::NotFound { .. }) => {}
            Err(error) => return Ok(failed(&handle.name, &error)),
        }
    }
    Ok(Tried::Refused(format!(
        "another server of this installation writes to the cluster {} at the same time; end one of the two",
        handle.name
    )))
}

/// The epoch is read and written in two steps: one at a time.
static EPOCH: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// After a person confirmed: the database takes over the epoch that the cluster has seen.
///
/// # Errors
/// When the database cannot be written. A cluster that does not answer is looked at again before the first write.
pub(crate) async fn accept(runtime: &Runtime, handle: &ClusterHandle) -> Result<(), StoreError> {
    let Some(applier) = handle.applier() else {
        return Ok(());
    };
    let mut lease = handle.lease.lock().await;
    let Ok(Some(seen)) = applier.epoch_lease(runtime.installation()).await else {
        return Ok(());
    };
    let ours = store::installation::epoch(runtime.store()).await?;
    if ours < seen.epoch {
        // One source was confirmed; nobody has looked at the others with this database.
        observe(runtime, &handle.name, seen.epoch, ours).await?;
        let _alone = EPOCH.lock().await;
        let mut tx = runtime.store().begin().await?;
        if store::installation::epoch(&tx).await? < seen.epoch {
            store::installation::set_epoch(&mut tx, seen.epoch).await?;
            tx.commit().await?;
        }
    }
    *lease = Some(seen);
    Ok(())
}

/// Credentials that may not hold a Lease still may write where they are allowed to: only a restored database goes
/// unnoticed then.
fn failed(cluster: &str, error: &ApplyError) -> Tried {
    let why = format!(
        "the Lease of Lockstep in the cluster {cluster} cannot be moved on, so nothing was written: {error}"
    );
    match error {
        ApplyError::Forbidden { message, .. } => {
            tracing::warn!(
                event.name = "cluster.no_lease", cluster.name = %cluster, error = %message,
                "a restored database would not be noticed on this cluster: the credential may not get, create and update leases in kube-system"
            );
            Tried::Claimed
        }
        ApplyError::Timeout { .. } | ApplyError::Unreachable { .. } => Tried::Passing(why),
        _ => Tried::Refused(why),
    }
}

fn behind(cluster: &str, seen: u64, ours: u64) -> String {
    format!(
        "the cluster {cluster} was last written to in epoch {seen}, and this database knows only epoch {ours}: it was restored from a backup, or another server with a copy of it is running. Nothing was written; the sources of this cluster are only observed until they are taken over again"
    )
}

/// Back to Observe: every source that has a target on the cluster.
async fn observe(runtime: &Runtime, cluster: &str, seen: u64, ours: u64) -> Result<(), StoreError> {
    let applications: BTreeSet<_> = store::target::list(runtime.store())
        .await?
        .into_iter()
        .filter(|target| target.cluster == cluster)
        .map(|target| target.application)
        .collect();
    let sources: BTreeSet<_> = store::application::list(runtime.store(), false)
        .await?
        .into_iter()
        .filter(|application| applications.contains(&application.id))
        .filter_map(|application| application.source)
        .collect();
    let mut tx = runtime.store().begin().await?;
    for source in sources {
        let row = store::source::get(&tx, source).await?;
        if row.mode == Mode::Managed {
            store::source::set_mode(&mut tx, source, Mode::Observe).await?;
            tx.record(Act::unattended("lockstep", "observe only", &row.name).with(
                serde_json::json!({"cluster": cluster, "epoch_of_cluster": seen, "epoch_of_database": ours}),
            ));
        }
    }
    tx.commit().await?;
    tracing::error!(event.name = "cluster.behind", cluster.name = %cluster, epoch.cluster = seen, epoch.database = ours, "the database is older than the cluster; nothing is written until a person takes over again");
    runtime.activator().activate_all();
    Ok(())
}
