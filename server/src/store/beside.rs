//! Revisions of the further sources of an application, beside the revision of its first one: of each run, and as last
//! compared with each revision. Applications with one source have no rows here.

use super::columns::{Column, ROWS_AT_ONCE, json};
use super::entity::source_revision;
use super::error::Doing;
use super::{Read, StoreError, Tx};
use lockstep_types::id::{RunId, TargetId};
use lockstep_types::revision::{Revision, SourceRevision};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use std::collections::BTreeMap;

/// Notes what a run applies. Never changes afterwards.
///
/// # Errors
/// When the database cannot be written.
pub async fn note_run(
    tx: &mut Tx,
    target: TargetId,
    run: RunId,
    beside: &[SourceRevision],
) -> Result<(), StoreError> {
    note(tx, target, subject_of_run(run), beside).await
}

/// Notes with what a revision of the first source was compared last.
///
/// # Errors
/// When the database cannot be written.
pub async fn note_revision(
    tx: &mut Tx,
    target: TargetId,
    revision: &Revision,
    beside: &[SourceRevision],
) -> Result<(), StoreError> {
    note(tx, target, revision.0.clone(), beside).await
}

async fn note(
    tx: &mut Tx,
    target: TargetId,
    subject: String,
    beside: &[SourceRevision],
) -> Result<(), StoreError> {
    if beside.is_empty() {
        return Ok(());
    }
    let row = source_revision::Model {
        target_id: target.to_string(),
        subject,
        sources: json("revisions of further sources", &beside)?,
    };
    source_revision::Entity::insert(row.into_active_model())
        .on_conflict(
            OnConflict::columns([
                source_revision::Column::TargetId,
                source_revision::Column::Subject,
            ])
            .update_column(source_revision::Column::Sources)
            .to_owned(),
        )
        .exec_without_returning(tx.db())
        .await
        .doing("note revisions of further sources")?;
    Ok(())
}

/// The further revisions as last compared with one of the first source; empty when there are none.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_revision(
    db: &impl Read,
    target: TargetId,
    revision: &Revision,
) -> Result<Vec<SourceRevision>, StoreError> {
    let key = (target.to_string(), revision.0.clone());
    let row = source_revision::Entity::find_by_id(key)
        .one(&db.executor())
        .await
        .doing("read revisions of further sources")?;
    row.map_or_else(|| Ok(Vec::new()), |row| read(&row))
}

/// The further revisions of runs of a target; runs without any are left out.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_runs(
    db: &impl Read,
    target: TargetId,
    runs: &[RunId],
) -> Result<BTreeMap<RunId, Vec<SourceRevision>>, StoreError> {
    let by_subject: BTreeMap<String, RunId> = runs
        .iter()
        .map(|run| (subject_of_run(*run), *run))
        .collect();
    let subjects: Vec<&String> = by_subject.keys().collect();
    let mut found = BTreeMap::new();
    for subjects in subjects.chunks(ROWS_AT_ONCE) {
        let rows = source_revision::Entity::find()
            .filter(source_revision::Column::TargetId.eq(target.to_string()))
            .filter(source_revision::Column::Subject.is_in(subjects.iter().map(|one| one.as_str())))
            .all(&db.executor())
            .await
            .doing("read revisions of further sources")?;
        for row in rows {
            if let Some(run) = by_subject.get(&row.subject) {
                found.insert(*run, read(&row)?);
            }
        }
    }
    Ok(found)
}

fn read(row: &source_revision::Model) -> Result<Vec<SourceRevision>, StoreError> {
    Column("source_revision", "sources").json(&row.sources)
}

/// No commit id looks like this.
fn subject_of_run(run: RunId) -> String {
    format!("run {run}")
}
