//! Rendered manifests by content. A render is written once under the key of its inputs; its objects share bodies with
//! every other render, so a year of history costs little more than what changed in it.

use super::columns::{Column, ROWS_AT_ONCE, column, count, json};
use super::entity::{object_body, render, render_object, run, target_revision};
use super::error::Doing;
use super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::id::TargetId;
use lockstep_types::resource::{Origin, ResourceKey};
use lockstep_types::revision::Revision;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeMap;

/// One object of a render.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    pub key: ResourceKey,
    pub api_version: String,
    /// Hash of the canonical body.
    pub hash: String,
    /// The canonical body; that of a Secret sealed, see [`crate::sealed`]. Once opened: mask before showing.
    pub body: Vec<u8>,
    pub origin: Option<Origin>,
}

/// Stores a complete render; nothing happens when it is there already.
///
/// # Errors
/// When the database cannot be written.
pub async fn put(
    tx: &mut Tx,
    key: &str,
    digest: &str,
    objects: &[StoredObject],
) -> Result<(), StoreError> {
    let doing = "store a render";
    let now = tx.now().0;
    let row = render::Model {
        key: key.to_owned(),
        digest: digest.to_owned(),
        warnings: "[]".to_owned(),
        rendered_at: now,
        used_at: now,
    };
    let written = render::Entity::insert(row.into_active_model())
        .on_conflict(
            OnConflict::column(render::Column::Key)
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(tx.db())
        .await
        .doing(doing)?;
    // Sorted, since two renders that share bodies may be stored at once and PostgreSQL locks in this order.
    let bodies: BTreeMap<&str, &[u8]> = objects
        .iter()
        .map(|object| (object.hash.as_str(), object.body.as_slice()))
        .collect();
    let bodies: Vec<_> = bodies
        .into_iter()
        .map(|(hash, body)| {
            object_body::Model {
                hash: hash.to_owned(),
                body: body.to_vec(),
            }
            .into_active_model()
        })
        .collect();
    for bodies in bodies.chunks(ROWS_AT_ONCE) {
        // “Do update” rather than “do nothing” keeps a body that is just being let go, and brings back one that a lost key
        // had sealed.
        object_body::Entity::insert_many(bodies.to_vec())
            .on_conflict(
                OnConflict::column(object_body::Column::Hash)
                    .update_column(object_body::Column::Body)
                    .to_owned(),
            )
            .exec_without_returning(tx.db())
            .await
            .doing(doing)?;
    }
    if written == 0 {
        return Ok(());
    }
    let rows: Vec<_> = (0_u32..)
        .zip(objects)
        .map(|(position, object)| {
            render_object::Model {
                render_key: key.to_owned(),
                position: column(position),
                object_key: object.key.to_string(),
                api_version: object.api_version.clone(),
                hash: object.hash.clone(),
                origin_path: object.origin.as_ref().map(|origin| origin.path.clone()),
                origin_line: object
                    .origin
                    .as_ref()
                    .and_then(|origin| origin.line)
                    .map(column),
            }
            .into_active_model()
        })
        .collect();
    for rows in rows.chunks(ROWS_AT_ONCE) {
        render_object::Entity::insert_many(rows.to_vec())
            .exec_without_returning(tx.db())
            .await
            .doing(doing)?;
    }
    Ok(())
}

/// When a render was used last, as far as it was noted; `None` when it is not stored.
///
/// # Errors
/// When the database cannot be read.
pub async fn used_at(db: &impl Read, key: &str) -> Result<Option<Micros>, StoreError> {
    let row = render::Entity::find_by_id(key)
        .one(&db.executor())
        .await
        .doing("look for a render")?;
    Ok(row.map(|row| Micros(row.used_at)))
}

/// Notes that a render is in use, so that retention leaves it; whether it is stored at all.
///
/// # Errors
/// When the database cannot be written.
pub async fn put_to_use(tx: &mut Tx, key: &str) -> Result<bool, StoreError> {
    let now = tx.now().0;
    let done = render::Entity::update_many()
        .col_expr(render::Column::UsedAt, Expr::value(now))
        .filter(render::Column::Key.eq(key))
        .exec(tx.db())
        .await
        .doing("note that a render is in use")?;
    Ok(done.rows_affected > 0)
}

/// Notes what is to be said of a render that was just stored.
///
/// # Errors
/// When the database cannot be written.
pub async fn warn(tx: &mut Tx, key: &str, warnings: &[String]) -> Result<(), StoreError> {
    if warnings.is_empty() {
        return Ok(());
    }
    render::Entity::update_many()
        .col_expr(
            render::Column::Warnings,
            Expr::value(json("the warnings of a render", &warnings)?),
        )
        .filter(render::Column::Key.eq(key))
        .exec(tx.db())
        .await
        .doing("store the warnings of a render")?;
    Ok(())
}

/// What is to be said of a render.
///
/// # Errors
/// When the database cannot be read.
pub async fn warnings(db: &impl Read, key: &str) -> Result<Vec<String>, StoreError> {
    let row = render::Entity::find_by_id(key)
        .one(&db.executor())
        .await
        .doing("read the warnings of a render")?;
    row.map_or_else(
        || Ok(Vec::new()),
        |row| Column("render", "warnings").json(&row.warnings),
    )
}

/// The digest of a render; `None` when it is not stored.
///
/// # Errors
/// When the database cannot be read.
pub async fn digest(db: &impl Read, key: &str) -> Result<Option<String>, StoreError> {
    let row = render::Entity::find_by_id(key)
        .one(&db.executor())
        .await
        .doing("look for a render")?;
    Ok(row.map(|row| row.digest))
}

/// The objects of a render in order; `None` when it is not stored.
///
/// # Errors
/// When the database cannot be read, or a body is missing.
pub async fn objects(db: &impl Read, key: &str) -> Result<Option<Vec<StoredObject>>, StoreError> {
    let doing = "read a render";
    if digest(db, key).await?.is_none() {
        return Ok(None);
    }
    let rows = render_object::Entity::find()
        .filter(render_object::Column::RenderKey.eq(key))
        .order_by_asc(render_object::Column::Position)
        .all(&db.executor())
        .await
        .doing(doing)?;
    let mut hashes: Vec<String> = rows.iter().map(|row| row.hash.clone()).collect();
    hashes.sort_unstable();
    hashes.dedup();
    let mut bodies = BTreeMap::new();
    for hashes in hashes.chunks(ROWS_AT_ONCE) {
        let found = object_body::Entity::find()
            .filter(object_body::Column::Hash.is_in(hashes))
            .all(&db.executor())
            .await;
        bodies.extend(
            found
                .doing(doing)?
                .into_iter()
                .map(|row| (row.hash, row.body)),
        );
    }
    let objects: Result<_, StoreError> = rows
        .into_iter()
        .map(|row| {
            let line = row.origin_line.map(count);
            Ok(StoredObject {
                key: Column("render_object", "object_key")
                    .word(ResourceKey::parse(&row.object_key))?,
                api_version: row.api_version,
                body: bodies
                    .get(&row.hash)
                    .cloned()
                    .ok_or(Column("render_object", "hash").unreadable())?,
                hash: row.hash,
                origin: row.origin_path.map(|path| Origin { path, line }),
            })
        })
        .collect();
    objects.map(Some)
}

/// The hashes of all stored Secrets.
///
/// # Errors
/// When the database cannot be read.
pub async fn hashes_of_secrets(db: &impl Read) -> Result<Vec<String>, StoreError> {
    render_object::Entity::find()
        .select_only()
        .column(render_object::Column::Hash)
        .filter(render_object::Column::ObjectKey.starts_with("/Secret:"))
        .distinct()
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("list the stored Secrets")
}

/// Bodies with their hashes, in the order of the hashes.
///
/// # Errors
/// When the database cannot be read.
pub async fn bodies(
    db: &impl Read,
    hashes: &[String],
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let found = object_body::Entity::find()
        .filter(object_body::Column::Hash.is_in(hashes))
        .order_by_asc(object_body::Column::Hash)
        .all(&db.executor())
        .await
        .doing("read manifests")?;
    Ok(found.into_iter().map(|row| (row.hash, row.body)).collect())
}

/// Puts a body in another form.
///
/// # Errors
/// When the database cannot be written.
pub async fn replace_body(tx: &mut Tx, hash: &str, body: Vec<u8>) -> Result<(), StoreError> {
    object_body::Entity::update_many()
        .col_expr(object_body::Column::Body, Expr::value(body))
        .filter(object_body::Column::Hash.eq(hash))
        .exec(tx.db())
        .await
        .doing("write a manifest")?;
    Ok(())
}

/// One body by its hash.
///
/// # Errors
/// When the database cannot be read.
pub async fn body(db: &impl Read, hash: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row = object_body::Entity::find_by_id(hash)
        .one(&db.executor())
        .await
        .doing("read a manifest")?;
    Ok(row.map(|row| row.body))
}

/// The render of a revision on a target: as a run applied it, else as it was last compared.
///
/// # Errors
/// When the database cannot be read.
pub async fn key_of(
    db: &impl Read,
    target: TargetId,
    revision: &Revision,
) -> Result<Option<String>, StoreError> {
    let doing = "find the render of a revision";
    let run = run::Entity::find()
        .filter(run::Column::TargetId.eq(target.to_string()))
        .filter(run::Column::Revision.eq(revision.0.as_str()))
        .filter(run::Column::RenderKey.is_not_null())
        .order_by_desc(run::Column::StartedAt)
        .one(&db.executor())
        .await
        .doing(doing)?;
    if let Some(key) = run.and_then(|run| run.render_key) {
        return Ok(Some(key));
    }
    let compared = target_revision::Entity::find_by_id((target.to_string(), revision.0.clone()))
        .one(&db.executor())
        .await;
    Ok(compared.doing(doing)?.and_then(|row| row.render_key))
}
