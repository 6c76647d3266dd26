//! Registered clusters. As with sources, those from the configuration file are declared at each start and read-only.
//! A cluster's kubeconfig is a sealed [`credential`](super::credential) under the cluster's id.

use super::columns::{Column, asked, json};
use super::entity::{cluster, credential};
use super::error::Doing;
use super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::ClusterId;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A cluster as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRow {
    pub id: ClusterId,
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub server: String,
    pub from_file: bool,
    /// UID of its `kube-system` namespace, once seen: another one behind the same name is another cluster.
    pub identity: Option<String>,
    pub created_at: Micros,
}

/// What a cluster is made of, apart from its credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFields {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub server: String,
}

fn row(row: cluster::Model) -> Result<ClusterRow, StoreError> {
    Ok(ClusterRow {
        id: Column("cluster", "id").id(&row.id)?,
        name: row.name,
        labels: Column("cluster", "labels").json(&row.labels)?,
        server: row.server,
        from_file: row.from_file,
        identity: row.identity,
        created_at: Micros(row.created_at),
    })
}

async fn insert(
    tx: &mut Tx,
    fields: &ClusterFields,
    from_file: bool,
) -> Result<ClusterRow, StoreError> {
    let model = cluster::Model {
        id: Uuid::now_v7().to_string(),
        name: fields.name.clone(),
        labels: json("the labels of a cluster", &fields.labels)?,
        server: fields.server.clone(),
        from_file,
        identity: None,
        created_at: tx.now().0,
    };
    let added = model.clone().into_active_model();
    cluster::Entity::insert(added)
        .exec_without_returning(tx.db())
        .await
        .doing("register a cluster")?;
    tx.announce(Subject::Cluster(fields.name.clone()), EventKind::Started);
    row(model)
}

/// Registers a cluster by API.
///
/// # Errors
/// [`StoreError::Exists`] when the name is taken.
pub async fn create(tx: &mut Tx, fields: &ClusterFields) -> Result<ClusterRow, StoreError> {
    if by_name(tx, &fields.name).await?.is_some() {
        return Err(StoreError::Exists {
            subject: format!("the cluster {}", fields.name),
        });
    }
    insert(tx, fields, false).await
}

/// Registers or corrects a cluster from the configuration file. The file wins over a cluster of the same name made by
/// API. The identity stays: a changed address must still lead to the same cluster.
///
/// # Errors
/// When the database cannot be written.
pub async fn declare(tx: &mut Tx, fields: &ClusterFields) -> Result<ClusterRow, StoreError> {
    let Some(known) = by_name(tx, &fields.name).await? else {
        return insert(tx, fields, true).await;
    };
    if known.from_file && known.labels == fields.labels && known.server == fields.server {
        return Ok(known);
    }
    cluster::Entity::update_many()
        .col_expr(
            cluster::Column::Labels,
            Expr::value(json("the labels of a cluster", &fields.labels)?),
        )
        .col_expr(cluster::Column::Server, Expr::value(fields.server.clone()))
        .col_expr(cluster::Column::FromFile, Expr::value(true))
        .filter(cluster::Column::Id.eq(known.id.to_string()))
        .exec(tx.db())
        .await
        .doing("correct a cluster")?;
    tx.announce(Subject::Cluster(fields.name.clone()), EventKind::Changed);
    get(tx, known.id).await
}

/// All clusters by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(db: &impl Read) -> Result<Vec<ClusterRow>, StoreError> {
    let rows = cluster::Entity::find()
        .order_by_asc(cluster::Column::Name)
        .all(&db.executor())
        .await;
    rows.doing("list clusters")?.into_iter().map(row).collect()
}

/// One cluster.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(db: &impl Read, id: ClusterId) -> Result<ClusterRow, StoreError> {
    let found = cluster::Entity::find_by_id(id.to_string())
        .one(&db.executor())
        .await
        .doing("read a cluster")?;
    row(found.ok_or_else(|| StoreError::not_found("cluster", id))?)
}

/// The cluster of this name.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_name(db: &impl Read, name: &str) -> Result<Option<ClusterRow>, StoreError> {
    let found = cluster::Entity::find()
        .filter(cluster::Column::Name.eq(asked(name)))
        .one(&db.executor())
        .await;
    found.doing("read a cluster")?.map(row).transpose()
}

/// Notes which cluster answers under this name. Once known it does not change by itself.
///
/// # Errors
/// [`StoreError::Conflict`] when another cluster answered before.
pub async fn set_identity(tx: &mut Tx, id: ClusterId, identity: &str) -> Result<(), StoreError> {
    let known = get(tx, id).await?;
    match known.identity.as_deref() {
        Some(same) if same == identity => return Ok(()),
        Some(_) => {
            return Err(StoreError::Conflict {
                subject: format!("the cluster {}", known.name),
                why: "another cluster answers at its address than before; re-establish it on its page if that is meant"
                    .to_owned(),
            });
        }
        None => {}
    }
    cluster::Entity::update_many()
        .col_expr(cluster::Column::Identity, Expr::value(identity))
        .filter(cluster::Column::Id.eq(known.id.to_string()))
        .exec(tx.db())
        .await
        .doing("note the identity of a cluster")?;
    tx.announce(Subject::Cluster(known.name), EventKind::Changed);
    Ok(())
}

/// Forgets a cluster and its credential. Its targets, their history and inventories stay: nothing in the cluster is
/// touched, and registering it again finds them.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn delete(tx: &mut Tx, id: ClusterId) -> Result<(), StoreError> {
    let known = get(tx, id).await?;
    credential::Entity::delete_by_id(id.to_string())
        .exec(tx.db())
        .await
        .doing("forget a credential")?;
    cluster::Entity::delete_by_id(id.to_string())
        .exec(tx.db())
        .await
        .doing("forget a cluster")?;
    tx.announce(Subject::Cluster(known.name), EventKind::Removed);
    Ok(())
}
