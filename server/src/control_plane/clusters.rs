//! Clusters: registered rows together with what their connections say.

mod proof;
mod rebuild;
mod reestablish;

use super::allow::{allow, allow_named};
use super::registration::ClusterSecret;
use super::{Plane, checks, refuse};
use crate::runtime::ClusterHandle;
use crate::store;
use crate::store::audit::Act;
use crate::store::cluster::{ClusterFields, ClusterRow};
use crate::store::inventory::LeftoverRow;
use crate::store::target::Which;
use async_trait::async_trait;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::TargetSummary;
use lockstep_types::cluster::{ClusterView, Connection, Leftover, NewCluster};
use lockstep_types::id::ClusterId;
use lockstep_types::ports::{Answer, Clusters};
use lockstep_types::rebuild::RebuildView;
use lockstep_types::reestablish::{ReestablishRequest, ReestablishView};
use secrecy::SecretString;
use std::collections::HashMap;

/// Larger kubeconfigs are somebody's mistake.
const KUBECONFIG_BYTES: usize = 512 * 1024;

#[async_trait]
impl Clusters for Plane {
    async fn clusters(&self, actor: &Actor) -> Answer<Vec<ClusterView>> {
        allow(actor, Permission::SeeClusters)?;
        let db = self.runtime.store();
        let mut rows = store::cluster::list(db).await.map_err(refuse::store)?;
        rows.retain(|row| actor.may_on(Permission::SeeClusters, &row.name));
        let visible = self.visible(actor).await?;
        let mut targets: HashMap<String, Vec<TargetSummary>> = HashMap::new();
        for summary in store::target::summaries(db, &Which::All)
            .await
            .map_err(refuse::store)?
        {
            targets
                .entry(summary.target.cluster.clone())
                .or_default()
                .push(summary);
        }
        let mut leftovers: HashMap<String, Vec<LeftoverRow>> = HashMap::new();
        for row in store::inventory::leftovers(db, None)
            .await
            .map_err(refuse::store)?
        {
            leftovers.entry(row.cluster.clone()).or_default().push(row);
        }
        Ok(rows
            .into_iter()
            .map(|row| {
                let mut targets = targets.remove(&row.name).unwrap_or_default();
                targets.retain(|summary| visible.has(summary.target.application.id));
                let mut leftovers = leftovers.remove(&row.name).unwrap_or_default();
                leftovers.retain(|left| visible.has(left.application_id));
                self.cluster_view(row, targets, leftovers)
            })
            .collect())
    }

    async fn cluster(&self, actor: &Actor, name: &str) -> Answer<ClusterView> {
        let db = self.runtime.store();
        let row = self
            .seen_cluster(actor, Permission::SeeClusters, name)
            .await?;
        let visible = self.visible(actor).await?;
        let mut targets = store::target::summaries(db, &Which::Cluster(row.name.clone()))
            .await
            .map_err(refuse::store)?;
        targets.retain(|summary| visible.has(summary.target.application.id));
        let mut leftovers = store::inventory::leftovers(db, Some(&row.name))
            .await
            .map_err(refuse::store)?;
        leftovers.retain(|left| visible.has(left.application_id));
        Ok(self.cluster_view(row, targets, leftovers))
    }

    async fn rebuild(&self, actor: &Actor, name: &str) -> Answer<RebuildView> {
        let row = self.seen_cluster(actor, Permission::Cluster, name).await?;
        self.proof_of(actor, &row).await
    }

    async fn reestablishing(&self, actor: &Actor, name: &str) -> Answer<ReestablishView> {
        let row = self.seen_cluster(actor, Permission::Cluster, name).await?;
        self.view_of_reestablish(actor, &row).await
    }

    async fn reestablish(
        &self,
        actor: &Actor,
        name: &str,
        request: &ReestablishRequest,
    ) -> Answer<()> {
        let row = self.seen_cluster(actor, Permission::Cluster, name).await?;
        self.begin_reestablish(actor, &row, request).await
    }

    async fn stop_reestablish(&self, actor: &Actor, name: &str) -> Answer<()> {
        let row = self.seen_cluster(actor, Permission::Cluster, name).await?;
        self.stop_reestablish_of(actor, &row).await
    }

    async fn add_cluster(&self, actor: &Actor, new: &NewCluster) -> Answer<ClusterId> {
        allow(actor, Permission::Cluster)?;
        let name = checks::name("name", &new.name)?;
        allow_named(actor, Permission::Cluster, &name)?;
        checks::labels(&new.labels)?;
        if new.kubeconfig.len() > KUBECONFIG_BYTES {
            return Err(PortError::invalid(
                "kubeconfig",
                "it is larger than 512 KiB; give one with this cluster alone",
            ));
        }
        let kubeconfig = SecretString::from(new.kubeconfig.as_str());
        let policy = &self.registration.policy;
        let access = engine::live::read_kubeconfig(&kubeconfig, &new.context, policy)
            .await
            .map_err(|error| PortError::invalid("kubeconfig", error.to_string()))?;
        let fields = ClusterFields {
            name: name.clone(),
            labels: new.labels.clone(),
            server: access.server.clone(),
        };
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        let row = store::cluster::create(&mut tx, &fields)
            .await
            .map_err(refuse::store)?;
        let secret = ClusterSecret {
            kubeconfig,
            context: new.context.clone(),
        };
        let sealed = secret
            .seal(&self.registration.vault, row.id)
            .map_err(|error| refuse::internal(&error))?;
        store::credential::put(&mut tx, row.id.0, &sealed.key_id, &sealed.blob)
            .await
            .map_err(refuse::store)?;
        tx.record(
            Act::by(actor, "add cluster", &name).with(serde_json::json!({"server": access.server})),
        );
        tx.commit().await.map_err(refuse::store)?;
        self.runtime.activator().activate_all();
        Ok(row.id)
    }

    async fn remove_cluster(&self, actor: &Actor, name: &str, typed: &str) -> Answer<()> {
        allow(actor, Permission::ForgetCluster)?;
        let row = self
            .seen_cluster(actor, Permission::ForgetCluster, name)
            .await?;
        if row.from_file {
            return Err(PortError::Conflict(format!(
                "the cluster {name} comes from the configuration file; remove it there and restart the server"
            )));
        }
        checks::typed(typed, &row.name)?;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::cluster::delete(&mut tx, row.id)
            .await
            .map_err(refuse::store)?;
        tx.record(Act::by(actor, "remove cluster", &row.name));
        tx.commit().await.map_err(refuse::store)?;
        self.runtime.activator().activate_all();
        Ok(())
    }
}

impl Plane {
    /// A cluster on which the actor has a permission. One that may not be seen is not found.
    async fn seen_cluster(
        &self,
        actor: &Actor,
        permission: Permission,
        name: &str,
    ) -> Result<ClusterRow, PortError> {
        if !actor.may_on(Permission::SeeClusters, name) {
            return Err(refuse::missing("cluster", name));
        }
        let row = self.cluster_row(name).await?;
        allow_named(actor, permission, &row.name)?;
        Ok(row)
    }

    async fn cluster_row(&self, name: &str) -> Result<ClusterRow, PortError> {
        let row = store::cluster::by_name(self.runtime.store(), name)
            .await
            .map_err(refuse::store)?;
        row.ok_or_else(|| refuse::missing("cluster", name))
    }

    /// How a cluster is connected now.
    pub(super) fn connection(&self, row: &ClusterRow) -> Connection {
        match (
            self.runtime.cluster(&row.name),
            self.runtime.refusal(&row.name),
        ) {
            (Some(handle), _) => handle.live.connection().borrow().clone(),
            (None, Some(error)) => Connection::Unreachable {
                error,
                since: row.created_at,
                next_try: None,
            },
            (None, None) => Connection::Unknown,
        }
    }

    fn cluster_view(
        &self,
        row: ClusterRow,
        targets: Vec<TargetSummary>,
        leftovers: Vec<LeftoverRow>,
    ) -> ClusterView {
        let handle = self.runtime.cluster(&row.name);
        let stats = handle
            .as_ref()
            .map(|handle| handle.live.stats())
            .unwrap_or_default();
        let leftovers = leftovers
            .into_iter()
            .filter(|left| still_there(handle.as_deref(), left))
            .map(|left| Leftover {
                why: format!("{} is no longer defined in Git", left.application),
                key: left.entry.key,
                application: left.application,
                since: left.gone_at,
            })
            .collect();
        ClusterView {
            connection: self.connection(&row),
            version: handle
                .as_ref()
                .and_then(|handle| handle.live.facts())
                .map(|facts| facts.version)
                .unwrap_or_default(),
            latency_millis: stats.latency_millis,
            watches: stats.watches,
            objects_cached: stats.objects,
            bytes_cached: stats.bytes,
            last_compared: handle.as_ref().and_then(|handle| handle.live.current_at()),
            queue: self.runtime.busy(&row.name),
            id: row.id,
            name: row.name,
            labels: row.labels,
            server: row.server,
            from_file: row.from_file,
            targets,
            leftovers,
        }
    }
}

/// Not known to be gone or to be another object by now.
fn still_there(handle: Option<&ClusterHandle>, left: &LeftoverRow) -> bool {
    use engine::live::Lookup;
    match handle.map(|handle| handle.live.get(&left.entry.key)) {
        Some(Lookup::Absent) => false,
        Some(Lookup::Present(object)) => {
            left.entry.uid.as_ref().is_none_or(|uid| *uid == object.uid)
        }
        Some(Lookup::Unknown(_)) | None => true,
    }
}
