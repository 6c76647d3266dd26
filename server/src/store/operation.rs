//! Intents: what a person, a token or automation asked for. A button writes one and wakes a reconciler; it never
//! applies by itself. Each is taken at most once, across restarts and replicas.

use super::columns::{Column, json};
use super::entity::operation;
use super::error::Doing;
use super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::id::{OperationId, TargetId};
use lockstep_types::sync::{OperationKind, StartedBy};
use lockstep_types::sync_once::SyncOnce;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;
use uuid::Uuid;

/// An intent as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationRow {
    pub id: OperationId,
    pub kind: OperationKind,
    pub target: TargetId,
    /// Who asked, by display name.
    pub actor: String,
    pub started_by: StartedBy,
    pub idempotency_key: Option<String>,
    /// What else was said: revision, whether to prune.
    pub parameters: Value,
    pub created_at: Micros,
    /// When a reconciler took it.
    pub taken_at: Option<Micros>,
    pub ended_at: Option<Micros>,
    /// How it ended, in words.
    pub message: String,
}

impl OperationRow {
    /// The commit that it is for; `None`: whatever is tracked.
    pub fn asks_for(&self) -> Option<&str> {
        self.parameters.get("revision").and_then(Value::as_str)
    }

    /// Whether it is for a pin, which runs no hooks.
    pub fn is_for_pin(&self) -> bool {
        self.parameters.get("pin").is_some_and(|pin| !pin.is_null())
    }

    /// What a sync asks for this time only.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when it is not what this server writes: it is never taken for a whole sync.
    pub fn once(&self) -> Result<SyncOnce, StoreError> {
        match self.parameters.get("once") {
            None => Ok(SyncOnce::default()),
            Some(asked) => serde_json::from_value(asked.clone())
                .map_err(|_| Column("operation", "parameters").unreadable()),
        }
    }

    /// Names of windows and holds that are not waited for.
    pub fn overrides(&self) -> Vec<String> {
        let named = self.parameters.get("overrides").and_then(Value::as_array);
        let names = named.into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    }
}

/// An intent to write down.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOperation {
    pub kind: OperationKind,
    pub target: TargetId,
    pub actor: String,
    pub started_by: StartedBy,
    /// With the same key of the same actor there is only ever one operation.
    pub idempotency_key: Option<String>,
    pub parameters: Value,
}

/// What writing an intent down came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Inserted {
    New(OperationRow),
    /// The same key was used before; this is what it started.
    Known(OperationRow),
}

impl Inserted {
    /// The operation, new or not.
    pub fn operation(&self) -> &OperationRow {
        match self {
            Self::New(row) | Self::Known(row) => row,
        }
    }
}

fn kind_from(word: &str) -> Option<OperationKind> {
    use OperationKind::{Act, Leave, Refresh, Remove, Rollback, Sync, TakeOver, Terminate};
    [
        Sync, Refresh, Rollback, Terminate, TakeOver, Remove, Leave, Act,
    ]
    .into_iter()
    .find(|kind| kind.word() == word)
}

fn row(row: operation::Model) -> Result<OperationRow, StoreError> {
    Ok(OperationRow {
        id: Column("operation", "id").id(&row.id)?,
        kind: Column("operation", "kind").word(kind_from(&row.kind))?,
        target: Column("operation", "target_id").id(&row.target_id)?,
        actor: row.actor,
        started_by: Column("operation", "started_by").json(&row.started_by)?,
        idempotency_key: row.idempotency_key,
        parameters: Column("operation", "parameters").json(&row.parameters)?,
        created_at: Micros(row.created_at),
        taken_at: row.taken_at.map(Micros),
        ended_at: row.ended_at.map(Micros),
        message: row.message,
    })
}

/// Writes an intent down, once per key and actor.
///
/// # Errors
/// [`StoreError::Conflict`] when the key was used for something else.
pub async fn insert(tx: &mut Tx, new: &NewOperation) -> Result<Inserted, StoreError> {
    let doing = "write down an operation";
    let model = operation::Model {
        id: Uuid::now_v7().to_string(),
        kind: new.kind.word().to_owned(),
        target_id: new.target.to_string(),
        actor: new.actor.clone(),
        started_by: json("who began an operation", &new.started_by)?,
        idempotency_key: new.idempotency_key.clone(),
        parameters: json("the parameters of an operation", &new.parameters)?,
        created_at: tx.now().0,
        taken_at: None,
        ended_at: None,
        message: String::new(),
    };
    let once = OnConflict::columns([operation::Column::Actor, operation::Column::IdempotencyKey])
        .do_nothing()
        .to_owned();
    let written = operation::Entity::insert(model.clone().into_active_model())
        .on_conflict(once)
        .exec_without_returning(tx.db())
        .await
        .doing(doing)?;
    if written > 0 {
        return Ok(Inserted::New(row(model)?));
    }
    let known = operation::Entity::find()
        .filter(operation::Column::Actor.eq(new.actor.as_str()))
        .filter(operation::Column::IdempotencyKey.eq(new.idempotency_key.clone()))
        .one(tx.db())
        .await
        .doing(doing)?;
    let known =
        row(known.ok_or_else(|| StoreError::not_found("operation", "with this idempotency key"))?)?;
    // A revision may be another by now; what is wished for may not.
    let wishes = |parameters: &Value| {
        ["once", "prune"].map(|wish| parameters.get(wish).filter(|wish| !is_unset(wish)).cloned())
    };
    if known.kind != new.kind
        || known.target != new.target
        || wishes(&known.parameters) != wishes(&new.parameters)
    {
        return Err(StoreError::Conflict {
            subject: "the idempotency key".to_owned(),
            why: "it was used for another operation; use a new one".to_owned(),
        });
    }
    Ok(Inserted::Known(known))
}

/// What is not wished for may be written or left out.
fn is_unset(wish: &Value) -> bool {
    match wish {
        Value::Null | Value::Bool(false) => true,
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// One operation.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(db: &impl Read, id: OperationId) -> Result<OperationRow, StoreError> {
    let found = operation::Entity::find_by_id(id.to_string())
        .one(&db.executor())
        .await
        .doing("read an operation")?;
    row(found.ok_or_else(|| StoreError::not_found("operation", id))?)
}

/// What waits to be taken for a target, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn pending(db: &impl Read, target: TargetId) -> Result<Vec<OperationRow>, StoreError> {
    let rows = operation::Entity::find()
        .filter(operation::Column::TargetId.eq(target.to_string()))
        .filter(operation::Column::TakenAt.is_null())
        .filter(operation::Column::EndedAt.is_null())
        .order_by_asc(operation::Column::CreatedAt)
        .order_by_asc(operation::Column::Id)
        .all(&db.executor())
        .await;
    rows.doing("read waiting operations")?
        .into_iter()
        .map(row)
        .collect()
}

/// The newest operations of one kind on a target, newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn newest_of_kind(
    db: &impl Read,
    target: TargetId,
    kind: OperationKind,
    most: u64,
) -> Result<Vec<OperationRow>, StoreError> {
    let rows = operation::Entity::find()
        .filter(operation::Column::TargetId.eq(target.to_string()))
        .filter(operation::Column::Kind.eq(kind.word()))
        .order_by_desc(operation::Column::CreatedAt)
        .order_by_desc(operation::Column::Id)
        .limit(most)
        .all(&db.executor())
        .await;
    rows.doing("read operations of a kind")?
        .into_iter()
        .map(row)
        .collect()
}

/// Targets for which something waits.
///
/// # Errors
/// When the database cannot be read.
pub async fn targets_waiting(db: &impl Read) -> Result<Vec<TargetId>, StoreError> {
    let rows: Vec<String> = operation::Entity::find()
        .select_only()
        .column(operation::Column::TargetId)
        .filter(operation::Column::TakenAt.is_null())
        .filter(operation::Column::EndedAt.is_null())
        .distinct()
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("read waiting operations")?;
    rows.iter()
        .map(|id| Column("operation", "target_id").id(id))
        .collect()
}

/// What was taken and has not ended: at start, what a crash interrupted.
///
/// # Errors
/// When the database cannot be read.
pub async fn unfinished(db: &impl Read) -> Result<Vec<OperationRow>, StoreError> {
    let rows = operation::Entity::find()
        .filter(operation::Column::TakenAt.is_not_null())
        .filter(operation::Column::EndedAt.is_null())
        .order_by_asc(operation::Column::CreatedAt)
        .all(&db.executor())
        .await;
    rows.doing("read unfinished operations")?
        .into_iter()
        .map(row)
        .collect()
}

/// Takes an operation to carry it out; `false` when it was taken or ended before.
///
/// # Errors
/// When the database cannot be written.
pub async fn take(tx: &mut Tx, id: OperationId) -> Result<bool, StoreError> {
    let done = operation::Entity::update_many()
        .col_expr(operation::Column::TakenAt, Expr::value(tx.now().0))
        .filter(operation::Column::Id.eq(id.to_string()))
        .filter(operation::Column::TakenAt.is_null())
        .filter(operation::Column::EndedAt.is_null())
        .exec(tx.db())
        .await
        .doing("take an operation")?;
    Ok(done.rows_affected > 0)
}

/// Ends an operation, taken or not; `false` when it had ended before.
///
/// # Errors
/// When the database cannot be written.
pub async fn end(tx: &mut Tx, id: OperationId, message: &str) -> Result<bool, StoreError> {
    let done = operation::Entity::update_many()
        .col_expr(operation::Column::EndedAt, Expr::value(tx.now().0))
        .col_expr(operation::Column::Message, Expr::value(message))
        .filter(operation::Column::Id.eq(id.to_string()))
        .filter(operation::Column::EndedAt.is_null())
        .exec(tx.db())
        .await
        .doing("end an operation")?;
    Ok(done.rows_affected > 0)
}
