//! Definitions read from Git. A source's full list is reconciled in one transaction; a definition that is gone keeps its
//! row, for history, links and what it left behind in clusters.

use super::columns::{Column, ROWS_AT_ONCE, column, count};
use super::entity::{application, application_alias};
use super::error::Doing;
use super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::application::{ApplicationRef, Dialect};
use lockstep_types::id::{ApplicationId, SourceId};
use lockstep_types::revision::Revision;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use std::collections::{BTreeMap, BTreeSet};

/// An application as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplicationRow {
    pub id: ApplicationId,
    /// Text form of its definition key.
    pub key: String,
    /// `None` when the source was removed.
    pub source: Option<SourceId>,
    pub group: String,
    pub name: String,
    pub project: String,
    pub dialect: Dialect,
    /// The definition as JSON, in the form its writer chose.
    pub definition: String,
    pub path: String,
    pub line: u32,
    /// The revision of the source it was last read at.
    pub revision: Revision,
    /// The application that rendered this definition.
    pub parent: Option<ApplicationId>,
    pub first_seen: Micros,
    pub seen_at: Micros,
    /// Since when it is no longer defined.
    pub gone_at: Option<Micros>,
}

impl ApplicationRow {
    /// Enough to link to it.
    pub fn as_ref(&self) -> ApplicationRef {
        ApplicationRef {
            id: self.id,
            name: self.name.clone(),
            project: self.project.clone(),
        }
    }
}

/// A definition as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenApplication {
    /// Version 5 UUID of the key. A key that was adopted by a rename leads to the older application instead.
    pub id: ApplicationId,
    pub key: String,
    pub group: String,
    pub name: String,
    pub project: String,
    pub dialect: Dialect,
    pub definition: String,
    pub path: String,
    pub line: u32,
    pub parent: Option<ApplicationId>,
}

/// What reconciling a source changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reconciled {
    /// New here, or defined again after it was gone.
    pub added: Vec<ApplicationId>,
    /// Defined otherwise than before.
    pub changed: Vec<ApplicationId>,
    pub gone: Vec<ApplicationId>,
}

fn dialect_word(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::ArgoApplication => "argo-application",
        Dialect::FluxKustomization => "flux-kustomization",
        Dialect::FluxHelmRelease => "flux-helm-release",
        Dialect::FleetBundle => "fleet-bundle",
    }
}

fn dialect_from(word: &str) -> Option<Dialect> {
    [
        Dialect::ArgoApplication,
        Dialect::FluxKustomization,
        Dialect::FluxHelmRelease,
        Dialect::FleetBundle,
    ]
    .into_iter()
    .find(|dialect| dialect_word(*dialect) == word)
}

fn row(row: application::Model) -> Result<ApplicationRow, StoreError> {
    Ok(ApplicationRow {
        id: Column("application", "id").id(&row.id)?,
        key: row.key,
        source: Column("application", "source_id").maybe_id(row.source_id.as_deref())?,
        group: row.group_name,
        name: row.name,
        project: row.project,
        dialect: Column("application", "dialect").word(dialect_from(&row.dialect))?,
        definition: row.definition,
        path: row.path,
        line: count(row.line),
        revision: Revision(row.revision),
        parent: Column("application", "parent").maybe_id(row.parent.as_deref())?,
        first_seen: Micros(row.first_seen),
        seen_at: Micros(row.seen_at),
        gone_at: row.gone_at.map(Micros),
    })
}

fn model(
    id: ApplicationId,
    seen: &SeenApplication,
    source: SourceId,
    revision: &Revision,
    at: Micros,
) -> application::Model {
    application::Model {
        id: id.to_string(),
        key: seen.key.clone(),
        source_id: Some(source.to_string()),
        group_name: seen.group.clone(),
        name: seen.name.clone(),
        project: seen.project.clone(),
        dialect: dialect_word(seen.dialect).to_owned(),
        definition: seen.definition.clone(),
        path: seen.path.clone(),
        line: column(seen.line),
        revision: revision.0.clone(),
        parent: seen.parent.map(|parent| parent.to_string()),
        first_seen: at.0,
        seen_at: at.0,
        gone_at: None,
    }
}

/// Makes the rows of `source` say what it defines at `revision`: `seen` is the whole list, so what is missing from it
/// is marked gone. Only rows that differ are written. The caller announces what follows from it.
///
/// # Errors
/// When the database cannot be written.
pub async fn reconcile(
    tx: &mut Tx,
    source: SourceId,
    revision: &Revision,
    seen: &[SeenApplication],
) -> Result<Reconciled, StoreError> {
    let doing = "record the definitions of a source";
    let aliases = aliases(tx).await?;
    let id_of = |seen: &SeenApplication| aliases.get(&seen.key).copied().unwrap_or(seen.id);
    let mut known: BTreeMap<String, application::Model> = BTreeMap::new();
    let ids: Vec<String> = seen.iter().map(|seen| id_of(seen).to_string()).collect();
    for ids in ids.chunks(ROWS_AT_ONCE) {
        let rows = application::Entity::find()
            .filter(application::Column::Id.is_in(ids))
            .all(tx.db())
            .await;
        known.extend(
            rows.doing(doing)?
                .into_iter()
                .map(|row| (row.id.clone(), row)),
        );
    }
    let mut result = Reconciled::default();
    let mut rows = BTreeMap::new();
    for seen in seen {
        let id = id_of(seen);
        let mut new = model(id, seen, source, revision, tx.now());
        match known.get(&new.id) {
            None => result.added.push(id),
            Some(old) => {
                new.first_seen = old.first_seen;
                if old.gone_at.is_some() {
                    result.added.push(id);
                } else {
                    let unchanged = application::Model {
                        revision: old.revision.clone(),
                        seen_at: old.seen_at,
                        ..new.clone()
                    };
                    if unchanged == *old {
                        continue;
                    }
                    result.changed.push(id);
                }
            }
        }
        // One statement must not name a row twice; the last definition of a key wins.
        rows.insert(new.id.clone(), new);
    }
    let rows: Vec<_> = rows
        .into_values()
        .map(IntoActiveModel::into_active_model)
        .collect();
    for rows in rows.chunks(ROWS_AT_ONCE) {
        application::Entity::insert_many(rows.to_vec())
            .on_conflict(replace())
            .exec_without_returning(tx.db())
            .await
            .doing(doing)?;
    }
    result.gone = mark_gone(tx, source, &ids).await?;
    application::Entity::update_many()
        .col_expr(
            application::Column::Revision,
            Expr::value(revision.0.clone()),
        )
        .col_expr(application::Column::SeenAt, Expr::value(tx.now().0))
        .filter(application::Column::SourceId.eq(source.to_string()))
        .filter(application::Column::GoneAt.is_null())
        .filter(application::Column::Revision.ne(revision.0.as_str()))
        .exec(tx.db())
        .await
        .doing(doing)?;
    Ok(result)
}

fn replace() -> OnConflict {
    use application::Column as C;
    OnConflict::column(C::Id)
        .update_columns([
            C::Key,
            C::SourceId,
            C::GroupName,
            C::Name,
            C::Project,
            C::Dialect,
            C::Definition,
            C::Path,
            C::Line,
            C::Revision,
            C::Parent,
            C::SeenAt,
            C::GoneAt,
        ])
        .to_owned()
}

async fn mark_gone(
    tx: &mut Tx,
    source: SourceId,
    seen: &[String],
) -> Result<Vec<ApplicationId>, StoreError> {
    let doing = "mark definitions gone";
    let seen: BTreeSet<&str> = seen.iter().map(String::as_str).collect();
    let present = by_source(tx, source).await?;
    let gone: Vec<ApplicationId> = present
        .iter()
        .map(|row| row.id)
        .filter(|id| !seen.contains(id.to_string().as_str()))
        .collect();
    for ids in gone.chunks(ROWS_AT_ONCE) {
        application::Entity::update_many()
            .col_expr(application::Column::GoneAt, Expr::value(tx.now().0))
            .filter(application::Column::Id.is_in(ids.iter().map(ToString::to_string)))
            .exec(tx.db())
            .await
            .doing(doing)?;
    }
    Ok(gone)
}

async fn aliases(db: &impl Read) -> Result<BTreeMap<String, ApplicationId>, StoreError> {
    let rows = application_alias::Entity::find()
        .all(&db.executor())
        .await
        .doing("read the aliases of applications")?;
    rows.into_iter()
        .map(|row| {
            Ok((
                row.key,
                Column("application_alias", "application_id").id(&row.application_id)?,
            ))
        })
        .collect()
}

/// Adopts a rename: the definition with `key` is this application from now on, so its history and links stay.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn adopt(tx: &mut Tx, id: ApplicationId, key: &str) -> Result<(), StoreError> {
    get(tx, id).await?;
    let row = application_alias::Model {
        key: key.to_owned(),
        application_id: id.to_string(),
    };
    application_alias::Entity::insert(row.into_active_model())
        .on_conflict(
            OnConflict::column(application_alias::Column::Key)
                .update_column(application_alias::Column::ApplicationId)
                .to_owned(),
        )
        .exec_without_returning(tx.db())
        .await
        .doing("adopt a renamed application")?;
    Ok(())
}

/// All applications by name; those that are gone only when asked for.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(db: &impl Read, with_gone: bool) -> Result<Vec<ApplicationRow>, StoreError> {
    let mut select = application::Entity::find()
        .order_by_asc(application::Column::Name)
        .order_by_asc(application::Column::Id);
    if !with_gone {
        select = select.filter(application::Column::GoneAt.is_null());
    }
    select
        .all(&db.executor())
        .await
        .doing("list applications")?
        .into_iter()
        .map(row)
        .collect()
}

/// One application, gone or not.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(db: &impl Read, id: ApplicationId) -> Result<ApplicationRow, StoreError> {
    let found = application::Entity::find_by_id(id.to_string())
        .one(&db.executor())
        .await;
    row(found
        .doing("read an application")?
        .ok_or_else(|| StoreError::not_found("application", id))?)
}

/// What `source` defines at present.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_source(
    db: &impl Read,
    source: SourceId,
) -> Result<Vec<ApplicationRow>, StoreError> {
    let rows = application::Entity::find()
        .filter(application::Column::SourceId.eq(source.to_string()))
        .filter(application::Column::GoneAt.is_null())
        .order_by_asc(application::Column::Name)
        .all(&db.executor())
        .await;
    rows.doing("list the applications of a source")?
        .into_iter()
        .map(row)
        .collect()
}

/// What is shown in one row of the fleet: the applications of a group that are not gone.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_group(
    db: &impl Read,
    project: &str,
    group: &str,
) -> Result<Vec<ApplicationRow>, StoreError> {
    let rows = application::Entity::find()
        .filter(application::Column::Project.eq(project))
        .filter(application::Column::GroupName.eq(group))
        .filter(application::Column::GoneAt.is_null())
        .order_by_asc(application::Column::Name)
        .all(&db.executor())
        .await;
    rows.doing("list the applications of a group")?
        .into_iter()
        .map(row)
        .collect()
}
