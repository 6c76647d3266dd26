//! Root sources. A source from the configuration file is a read-only row that each start declares anew; one made by
//! API is created once. New ones start in Observe: taking over is a person's decision.

use super::columns::{Column, json};
use super::entity::{application, credential, source, target};
use super::error::Doing;
use super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::SourceId;
use lockstep_types::revision::{Revision, TargetRevision};
use lockstep_types::source::{Mode, Problem};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use uuid::Uuid;

/// A source as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRow {
    pub id: SourceId,
    pub name: String,
    pub repo_url: String,
    pub path: String,
    pub target_revision: TargetRevision,
    pub home_cluster: String,
    pub mode: Mode,
    /// What was read last.
    pub revision: Option<Revision>,
    pub last_read: Option<Micros>,
    /// Why it could not be read; empty when it could.
    pub error: String,
    /// Broken definitions found at `revision`.
    pub problems: Vec<Problem>,
    pub from_file: bool,
    pub created_at: Micros,
}

/// What a source is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFields {
    pub name: String,
    pub repo_url: String,
    pub path: String,
    pub target_revision: TargetRevision,
    pub home_cluster: String,
}

fn row(row: source::Model) -> Result<SourceRow, StoreError> {
    Ok(SourceRow {
        id: Column("source", "id").id(&row.id)?,
        name: row.name,
        repo_url: row.repo_url,
        path: row.path,
        target_revision: TargetRevision(row.target_revision),
        home_cluster: row.home_cluster,
        mode: Column("source", "mode").word(Mode::from_word(&row.mode))?,
        revision: row.revision.map(Revision),
        last_read: row.last_read.map(Micros),
        error: row.error,
        problems: Column("source", "problems").json(&row.problems)?,
        from_file: row.from_file,
        created_at: Micros(row.created_at),
    })
}

/// The namespace of ids that follow from a source's name. Immutable: the ids of applications hang on it.
const NAMED: Uuid = Uuid::from_u128(0x6c6f_636b_7374_4570_a5f0_736f_7572_6365);

/// The id of a source from the configuration file: the same name gives the same id in every database.
fn id_of(name: &str) -> SourceId {
    SourceId(Uuid::new_v5(&NAMED, name.as_bytes()))
}

async fn insert(
    tx: &mut Tx,
    fields: &SourceFields,
    id: SourceId,
    from_file: bool,
) -> Result<SourceRow, StoreError> {
    let model = source::Model {
        id: id.to_string(),
        name: fields.name.clone(),
        repo_url: fields.repo_url.clone(),
        path: fields.path.clone(),
        target_revision: fields.target_revision.0.clone(),
        home_cluster: fields.home_cluster.clone(),
        mode: Mode::Observe.word().to_owned(),
        revision: None,
        last_read: None,
        error: String::new(),
        problems: "[]".to_owned(),
        from_file,
        created_at: tx.now().0,
    };
    let added = model.clone().into_active_model();
    source::Entity::insert(added)
        .exec_without_returning(tx.db())
        .await
        .doing("register a source")?;
    tx.announce(Subject::Source(fields.name.clone()), EventKind::Started);
    row(model)
}

/// Registers a source by API.
///
/// # Errors
/// [`StoreError::Exists`] when the name is taken.
pub async fn create(tx: &mut Tx, fields: &SourceFields) -> Result<SourceRow, StoreError> {
    if by_name(tx, &fields.name).await?.is_some() {
        return Err(StoreError::Exists {
            subject: format!("the source {}", fields.name),
        });
    }
    insert(tx, fields, SourceId(Uuid::now_v7()), false).await
}

/// Registers or corrects a source from the configuration file. The file wins over a source of the same name made by
/// API. What was read before is forgotten when the place changed. The id of a new one follows from its name, so that
/// links survive a lost database.
///
/// # Errors
/// When the database cannot be written.
pub async fn declare(tx: &mut Tx, fields: &SourceFields) -> Result<SourceRow, StoreError> {
    let Some(known) = by_name(tx, &fields.name).await? else {
        return insert(tx, fields, id_of(&fields.name), true).await;
    };
    let same_place = known.repo_url == fields.repo_url
        && known.path == fields.path
        && known.target_revision == fields.target_revision;
    if same_place && known.from_file && known.home_cluster == fields.home_cluster {
        return Ok(known);
    }
    let mut update = source::Entity::update_many()
        .col_expr(
            source::Column::RepoUrl,
            Expr::value(fields.repo_url.clone()),
        )
        .col_expr(source::Column::Path, Expr::value(fields.path.clone()))
        .col_expr(
            source::Column::TargetRevision,
            Expr::value(fields.target_revision.0.clone()),
        )
        .col_expr(
            source::Column::HomeCluster,
            Expr::value(fields.home_cluster.clone()),
        )
        .col_expr(source::Column::FromFile, Expr::value(true))
        .filter(source::Column::Id.eq(known.id.to_string()));
    if !same_place {
        update = update.col_expr(source::Column::Revision, Expr::value(None::<String>));
    }
    update.exec(tx.db()).await.doing("correct a source")?;
    tx.announce(Subject::Source(fields.name.clone()), EventKind::Changed);
    get(tx, known.id).await
}

/// All sources by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(db: &impl Read) -> Result<Vec<SourceRow>, StoreError> {
    let rows = source::Entity::find()
        .order_by_asc(source::Column::Name)
        .all(&db.executor())
        .await;
    rows.doing("list sources")?.into_iter().map(row).collect()
}

/// One source.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(db: &impl Read, id: SourceId) -> Result<SourceRow, StoreError> {
    let found = source::Entity::find_by_id(id.to_string())
        .one(&db.executor())
        .await
        .doing("read a source")?;
    row(found.ok_or_else(|| StoreError::not_found("source", id))?)
}

/// The source of this name.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_name(db: &impl Read, name: &str) -> Result<Option<SourceRow>, StoreError> {
    let found = source::Entity::find()
        .filter(source::Column::Name.eq(name))
        .one(&db.executor())
        .await;
    found.doing("read a source")?.map(row).transpose()
}

async fn update(
    tx: &mut Tx,
    id: SourceId,
    set: impl FnOnce(sea_orm::UpdateMany<source::Entity>) -> sea_orm::UpdateMany<source::Entity>,
) -> Result<(), StoreError> {
    let known = get(tx, id).await?;
    set(source::Entity::update_many())
        .filter(source::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing("change a source")?;
    tx.announce(Subject::Source(known.name), EventKind::Changed);
    Ok(())
}

/// Sets the mode of a source and of all its targets.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_mode(tx: &mut Tx, id: SourceId, mode: Mode) -> Result<(), StoreError> {
    update(tx, id, |update| {
        update.col_expr(source::Column::Mode, Expr::value(mode.word()))
    })
    .await?;
    let of_source = Query::select()
        .column(application::Column::Id)
        .from(application::Entity)
        .and_where(Expr::col(application::Column::SourceId).eq(id.to_string()))
        .take();
    target::Entity::update_many()
        .col_expr(target::Column::Mode, Expr::value(mode.word()))
        .col_expr(target::Column::ChangedAt, Expr::value(tx.now().0))
        .filter(target::Column::ApplicationId.in_subquery(of_source))
        .exec(tx.db())
        .await
        .doing("set the mode of targets")?;
    Ok(())
}

/// Notes a successful read: its revision, and the definitions that are broken at it.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_read(
    tx: &mut Tx,
    id: SourceId,
    revision: &Revision,
    problems: &[Problem],
) -> Result<(), StoreError> {
    let (now, problems) = (tx.now(), json("the problems of a source", &problems)?);
    update(tx, id, |update| {
        update
            .col_expr(source::Column::Revision, Expr::value(revision.0.clone()))
            .col_expr(source::Column::LastRead, Expr::value(now.0))
            .col_expr(source::Column::Error, Expr::value(""))
            .col_expr(source::Column::Problems, Expr::value(problems))
    })
    .await
}

/// Moves the time of the last read, without an event: nothing else has changed.
///
/// # Errors
/// When the database cannot be written.
pub async fn touch_read(store: &super::Store, id: SourceId, at: Micros) -> Result<(), StoreError> {
    source::Entity::update_many()
        .col_expr(source::Column::LastRead, Expr::value(at.0))
        .filter(source::Column::Id.eq(id.to_string()))
        .exec(store.writer())
        .await
        .doing("note the last read of a source")?;
    Ok(())
}

/// Notes why a source could not be read; what was read before stays.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_error(tx: &mut Tx, id: SourceId, error: &str) -> Result<(), StoreError> {
    update(tx, id, |update| {
        update.col_expr(source::Column::Error, Expr::value(error))
    })
    .await
}

/// Forgets a source and its credential. Its applications are marked gone; they, their history and inventories stay.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn delete(tx: &mut Tx, id: SourceId) -> Result<(), StoreError> {
    let known = get(tx, id).await?;
    let text = id.to_string();
    application::Entity::update_many()
        .col_expr(application::Column::GoneAt, Expr::value(tx.now().0))
        .filter(application::Column::SourceId.eq(text.as_str()))
        .filter(application::Column::GoneAt.is_null())
        .exec(tx.db())
        .await
        .doing("mark the applications of a source gone")?;
    credential::Entity::delete_by_id(text.as_str())
        .exec(tx.db())
        .await
        .doing("forget a credential")?;
    source::Entity::delete_by_id(text)
        .exec(tx.db())
        .await
        .doing("forget a source")?;
    tx.announce(Subject::Source(known.name), EventKind::Removed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::id_of;

    #[test]
    fn ids_from_the_file_follow_the_name_and_never_change() {
        assert_ne!(id_of("root"), id_of("other"));
        assert_eq!(
            id_of("root").to_string(),
            "e712e759-c695-565c-a133-6eba40659fe3"
        );
    }
}
