//! What each target has written, or is about to write, into its cluster. Only what stands here may ever be deleted, so
//! the inventory is written ahead (old and new together, before the first write) and an entry is dropped only after the
//! cluster has said that the object is gone.

use super::columns::{Column, ROWS_AT_ONCE};
use super::entity::{application, inventory, target};
use super::error::Doing;
use super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::resource::ResourceKey;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QueryOrder, QuerySelect,
};

/// How far an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryState {
    /// Written down; whether the object was written is not known.
    Pending,
    /// The cluster confirmed the object.
    Applied,
}

impl EntryState {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Pending, Self::Applied]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// One object of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryRow {
    pub key: ResourceKey,
    pub api_version: String,
    /// Of the live object, once confirmed.
    pub uid: Option<String>,
    pub state: EntryState,
    /// Hash of the manifest that was last applied.
    pub applied_hash: Option<String>,
    pub updated_at: Micros,
}

/// An inventoried object whose definition has left Git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftoverRow {
    pub target: TargetId,
    pub application_id: ApplicationId,
    pub application: String,
    pub cluster: String,
    pub entry: InventoryRow,
    pub gone_at: Micros,
}

fn entry(row: inventory::Model) -> Result<InventoryRow, StoreError> {
    Ok(InventoryRow {
        key: Column("inventory", "object_key").word(ResourceKey::parse(&row.object_key))?,
        api_version: row.api_version,
        uid: row.uid,
        state: Column("inventory", "state").word(EntryState::from_word(&row.state))?,
        applied_hash: row.applied_hash,
        updated_at: Micros(row.updated_at),
    })
}

/// Adds what is about to be written (key and API version) as pending. What stands there already stays as it is: the
/// inventory is old and new together until each object is confirmed or gone. Commit before the first write.
///
/// # Errors
/// When the database cannot be written.
pub async fn write_ahead(
    tx: &mut Tx,
    target: TargetId,
    objects: &[(ResourceKey, String)],
) -> Result<(), StoreError> {
    let mut rows: Vec<inventory::Model> = objects
        .iter()
        .map(|(key, api_version)| inventory::Model {
            target_id: target.to_string(),
            object_key: key.to_string(),
            api_version: api_version.clone(),
            uid: None,
            state: EntryState::Pending.word().to_owned(),
            applied_hash: None,
            updated_at: tx.now().0,
        })
        .collect();
    rows.sort_by(|a, b| a.object_key.cmp(&b.object_key));
    let rows: Vec<_> = rows
        .into_iter()
        .map(IntoActiveModel::into_active_model)
        .collect();
    let keep = OnConflict::columns([inventory::Column::TargetId, inventory::Column::ObjectKey])
        .do_nothing()
        .to_owned();
    for rows in rows.chunks(ROWS_AT_ONCE) {
        inventory::Entity::insert_many(rows.to_vec())
            .on_conflict(keep.clone())
            .exec_without_returning(tx.db())
            .await
            .doing("write the inventory ahead")?;
    }
    Ok(())
}

/// Notes that the cluster confirmed an object.
///
/// # Errors
/// [`StoreError::NotFound`] when it was not written ahead.
pub async fn confirm(
    tx: &mut Tx,
    target: TargetId,
    key: &ResourceKey,
    uid: &str,
    api_version: &str,
    applied_hash: &str,
) -> Result<(), StoreError> {
    let done = inventory::Entity::update_many()
        .col_expr(inventory::Column::Uid, Expr::value(uid))
        .col_expr(inventory::Column::ApiVersion, Expr::value(api_version))
        .col_expr(
            inventory::Column::State,
            Expr::value(EntryState::Applied.word()),
        )
        .col_expr(inventory::Column::AppliedHash, Expr::value(applied_hash))
        .col_expr(inventory::Column::UpdatedAt, Expr::value(tx.now().0))
        .filter(inventory::Column::TargetId.eq(target.to_string()))
        .filter(inventory::Column::ObjectKey.eq(key.to_string()))
        .exec(tx.db())
        .await
        .doing("confirm an object of the inventory")?;
    if done.rows_affected == 0 {
        return Err(StoreError::not_found("inventory entry", key));
    }
    Ok(())
}

/// Drops an entry after the cluster has said that the object is deleted or not there; `false` when there was none.
///
/// # Errors
/// When the database cannot be written.
pub async fn drop_entry(
    tx: &mut Tx,
    target: TargetId,
    key: &ResourceKey,
) -> Result<bool, StoreError> {
    let done = inventory::Entity::delete_by_id((target.to_string(), key.to_string()))
        .exec(tx.db())
        .await;
    Ok(done
        .doing("drop an object from the inventory")?
        .rows_affected
        > 0)
}

/// Notes that an object was found as another manifest than the applied one declares it: what differs from now on is
/// drift, although that manifest was never applied. Nothing happens to an entry that is not applied.
///
/// # Errors
/// When the database fails.
pub async fn found_as(
    tx: &mut Tx,
    target: TargetId,
    key: &ResourceKey,
    hash: &str,
) -> Result<(), StoreError> {
    inventory::Entity::update_many()
        .col_expr(inventory::Column::AppliedHash, Expr::value(hash))
        .col_expr(inventory::Column::UpdatedAt, Expr::value(tx.now().0))
        .filter(inventory::Column::TargetId.eq(target.to_string()))
        .filter(inventory::Column::ObjectKey.eq(key.to_string()))
        .filter(inventory::Column::State.eq(EntryState::Applied.word()))
        .exec(tx.db())
        .await
        .doing("note how an object was found")?;
    Ok(())
}

/// The inventory of a target.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_target(db: &impl Read, target: TargetId) -> Result<Vec<InventoryRow>, StoreError> {
    let rows = inventory::Entity::find()
        .filter(inventory::Column::TargetId.eq(target.to_string()))
        .order_by_asc(inventory::Column::ObjectKey)
        .all(&db.executor())
        .await;
    rows.doing("read an inventory")?
        .into_iter()
        .map(entry)
        .collect()
}

fn to_target() -> sea_orm::RelationDef {
    inventory::Entity::belongs_to(target::Entity)
        .from(inventory::Column::TargetId)
        .to(target::Column::Id)
        .into()
}

fn to_application() -> sea_orm::RelationDef {
    target::Entity::belongs_to(application::Entity)
        .from(target::Column::ApplicationId)
        .to(application::Column::Id)
        .into()
}

/// Which targets of a cluster have this object: more than one is a conflict.
///
/// # Errors
/// When the database cannot be read.
pub async fn holders(
    db: &impl Read,
    cluster: &str,
    key: &ResourceKey,
) -> Result<Vec<TargetId>, StoreError> {
    let rows: Vec<String> = inventory::Entity::find()
        .join(JoinType::InnerJoin, to_target())
        .filter(inventory::Column::ObjectKey.eq(key.to_string()))
        .filter(target::Column::Cluster.eq(cluster))
        .order_by_asc(inventory::Column::TargetId)
        .select_only()
        .column(inventory::Column::TargetId)
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("find who has an object")?;
    rows.iter()
        .map(|id| Column("inventory", "target_id").id(id))
        .collect()
}

/// Every target that has an inventory, with its cluster; those of applications that are gone too.
///
/// # Errors
/// When the database cannot be read.
pub async fn targets(db: &impl Read) -> Result<Vec<(TargetId, String)>, StoreError> {
    let rows: Vec<(String, String)> = inventory::Entity::find()
        .join(JoinType::InnerJoin, to_target())
        .select_only()
        .column(inventory::Column::TargetId)
        .column(target::Column::Cluster)
        .distinct()
        .order_by_asc(inventory::Column::TargetId)
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("list the targets that have an inventory")?;
    rows.into_iter()
        .map(|(id, cluster)| Ok((Column("inventory", "target_id").id(&id)?, cluster)))
        .collect()
}

/// Objects whose application is no longer defined; on one cluster, or everywhere.
///
/// # Errors
/// When the database cannot be read.
pub async fn leftovers(
    db: &impl Read,
    cluster: Option<&str>,
) -> Result<Vec<LeftoverRow>, StoreError> {
    let mut select = inventory::Entity::find()
        .join(JoinType::InnerJoin, to_target())
        .join(JoinType::InnerJoin, to_application())
        .filter(application::Column::GoneAt.is_not_null())
        .order_by_asc(inventory::Column::TargetId)
        .order_by_asc(inventory::Column::ObjectKey);
    if let Some(cluster) = cluster {
        select = select.filter(target::Column::Cluster.eq(cluster));
    }
    let rows = select
        .column_as(application::Column::Name, "application")
        .column_as(application::Column::GoneAt, "gone_at")
        .column_as(application::Column::Id, "application_id")
        .column_as(target::Column::Cluster, "cluster")
        .into_model::<Left>()
        .all(&db.executor())
        .await
        .doing("list what was left behind")?;
    rows.into_iter()
        .map(|row| {
            Ok(LeftoverRow {
                target: Column("inventory", "target_id").id(&row.target_id)?,
                application_id: Column("target", "application_id").id(&row.application_id)?,
                application: row.application,
                cluster: row.cluster,
                gone_at: Micros(row.gone_at),
                entry: entry(inventory::Model {
                    target_id: row.target_id,
                    object_key: row.object_key,
                    api_version: row.api_version,
                    uid: row.uid,
                    state: row.state,
                    applied_hash: row.applied_hash,
                    updated_at: row.updated_at,
                })?,
            })
        })
        .collect()
}

#[derive(sea_orm::FromQueryResult)]
struct Left {
    target_id: String,
    application_id: String,
    object_key: String,
    api_version: String,
    uid: Option<String>,
    state: String,
    applied_hash: Option<String>,
    updated_at: i64,
    application: String,
    gone_at: i64,
    cluster: String,
}
