//! Connections: which registered clusters are watched, and what follows when one comes, goes or changes.
//!
//! Knows nothing of targets but their ids. A cluster that cannot be watched is noted with the reason; nothing of it
//! touches another one.

use super::driver::Wake;
use crate::runtime::{ClusterHandle, Runtime};
use crate::store::{self, StoreError};
use engine::apply::Window;
use engine::live::{Live, LiveSettings};
use lockstep_types::cluster::Connection;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::ClusterId;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Requests in flight to one cluster at most, once it has shown that it copes.
const WINDOW: u32 = 64;
/// Between two looks at what a connected cluster says of itself.
const LOOK: Duration = Duration::from_secs(30);

/// Starts, restarts and stops connections so that they are what is registered.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn reconcile(
    runtime: &Runtime,
) -> Result<Vec<store::cluster::ClusterRow>, StoreError> {
    let rows = store::cluster::list(runtime.store()).await?;
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    for handle in runtime.clusters() {
        if !names.contains(handle.name.as_str()) {
            stop(runtime, &handle);
        }
    }
    for row in &rows {
        ensure(runtime, row).await?;
    }
    Ok(rows)
}

async fn ensure(runtime: &Runtime, row: &store::cluster::ClusterRow) -> Result<(), StoreError> {
    let access = match runtime.access().cluster(&row.name).await {
        Ok(access) => access,
        Err(refused) => {
            if let Some(handle) = runtime.cluster(&row.name) {
                stop(runtime, &handle);
            }
            if runtime.registry().refuse(&row.name, refused.to_string()) {
                tracing::warn!(event.name = "cluster.refused", cluster.name = %row.name, error = %refused, "a cluster cannot be watched");
                announce(runtime, &row.name).await?;
            }
            return Ok(());
        }
    };
    let fingerprint = fingerprint(row, access.kubeconfig.expose_secret(), &access.context);
    if let Some(handle) = runtime.cluster(&row.name) {
        // A connection that was made while another cluster took the place still expects the one before.
        let outdated = row.identity.is_some() && handle.live.stranger() == row.identity;
        if handle.fingerprint == fingerprint && !outdated {
            return Ok(());
        }
        tracing::info!(event.name = "cluster.restarted", cluster.name = %row.name, "credentials or address changed; connecting anew");
        stop(runtime, &handle);
    }
    let cancel = runtime.cancelled().child_token();
    let settings = LiveSettings {
        name: row.name.clone(),
        kubeconfig: access.kubeconfig,
        context: access.context,
        policy: access.policy,
        expected_uid: row.identity.clone(),
        timing: runtime.settings().live,
    };
    let live = Live::start(settings, cancel.clone(), runtime.tasks());
    let handle = Arc::new(ClusterHandle {
        name: row.name.clone(),
        live,
        window: Window::new(WINDOW),
        cancel,
        fingerprint,
        lease: tokio::sync::Mutex::default(),
    });
    runtime.registry().put(Arc::clone(&handle));
    let wake = runtime.activator().cluster(&row.name);
    runtime
        .tasks()
        .spawn(follow_changes(runtime.clone(), Arc::clone(&handle)));
    runtime
        .tasks()
        .spawn(follow_connection(runtime.clone(), handle, row.id, wake));
    Ok(())
}

fn stop(runtime: &Runtime, handle: &ClusterHandle) {
    handle.cancel.cancel();
    runtime.registry().remove(&handle.name);
    runtime.activator().forget_cluster(&handle.name);
}

/// Connects to a cluster anew, by what is registered now.
pub(crate) fn reconnect(runtime: &Runtime, name: &str) {
    if let Some(handle) = runtime.cluster(name) {
        stop(runtime, &handle);
    }
    runtime.activator().activate_all();
}

/// Wakes the targets whose objects changed.
async fn follow_changes(runtime: Runtime, handle: Arc<ClusterHandle>) {
    let mut dirty = handle.live.dirty();
    loop {
        tokio::select! {
            () = handle.cancel.cancelled() => return,
            targets = dirty.next() => {
                for target in targets {
                    runtime.activator().activate_target(target);
                }
            }
        }
    }
}

/// Tells pages and targets when the connection changes, and remembers which cluster it is.
async fn follow_connection(
    runtime: Runtime,
    handle: Arc<ClusterHandle>,
    id: ClusterId,
    wake: Wake,
) {
    let mut connection = handle.live.connection();
    let mut shown: Option<Connection> = None;
    let mut known = false;
    loop {
        let now = connection.borrow_and_update().clone();
        let look = async {
            if !same_state(shown.as_ref(), &now) {
                log(&handle.name, &now);
                announce(&runtime, &handle.name).await?;
                wake_targets(&runtime, &handle.name);
            }
            if !known && now == Connection::Connected {
                known = identify(&runtime, &handle, id).await?;
            }
            Ok::<(), StoreError>(())
        };
        match look.await {
            Ok(()) => shown = Some(now),
            Err(error) => {
                tracing::warn!(event.name = "cluster.record_failed", cluster.name = %handle.name, error = %error, "the state of a cluster could not be recorded; it is tried again")
            }
        }
        tokio::select! {
            () = handle.cancel.cancelled() => return,
            () = wake.activated() => {}
            () = tokio::time::sleep(LOOK) => {}
            changed = connection.changed() => if changed.is_err() { return },
        }
    }
}

fn same_state(shown: Option<&Connection>, now: &Connection) -> bool {
    match (shown, now) {
        // The time of the next try moves all the time.
        (
            Some(Connection::Unreachable { error: one, .. }),
            Connection::Unreachable { error: other, .. },
        ) => one == other,
        (Some(shown), now) => shown == now,
        (None, _) => false,
    }
}

fn log(name: &str, connection: &Connection) {
    match connection {
        Connection::Connected => {
            tracing::info!(event.name = "cluster.connected", cluster.name = %name, "the cluster answers")
        }
        Connection::Unreachable { error, .. } => {
            tracing::warn!(event.name = "cluster.unreachable", cluster.name = %name, error = %error, "the cluster does not answer");
        }
        Connection::Unknown => {}
    }
}

async fn identify(
    runtime: &Runtime,
    handle: &ClusterHandle,
    id: ClusterId,
) -> Result<bool, StoreError> {
    let Some(uid) = handle.live.facts().and_then(|facts| facts.uid) else {
        return Ok(false);
    };
    let mut tx = runtime.store().begin().await?;
    store::cluster::set_identity(&mut tx, id, &uid).await?;
    tx.commit().await?;
    Ok(true)
}

async fn announce(runtime: &Runtime, name: &str) -> Result<(), StoreError> {
    let mut tx = runtime.store().begin().await?;
    tx.announce(Subject::Cluster(name.to_owned()), EventKind::Changed);
    tx.commit().await?;
    Ok(())
}

fn wake_targets(runtime: &Runtime, name: &str) {
    for target in runtime.memory().placed_on(name) {
        runtime.activator().activate_target(target);
    }
}

/// Tells one state of a registration from another without keeping its secret.
fn fingerprint(row: &store::cluster::ClusterRow, kubeconfig: &str, context: &str) -> String {
    let mut digest = Sha256::new();
    for part in [row.id.to_string().as_str(), kubeconfig, context] {
        digest.update(part.len().to_le_bytes());
        digest.update(part.as_bytes());
    }
    engine::manifest::hex(&digest.finalize())
}
