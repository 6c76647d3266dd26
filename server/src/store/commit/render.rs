//! What a commit made render again. Targets that it could not concern have no row.

use crate::store::columns::{Column, column, count};
use crate::store::entity::commit_render;
use crate::store::error::Doing;
use crate::store::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::activity::RenderOutcome;
use lockstep_types::id::TargetId;
use lockstep_types::revision::Revision;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

/// How one target took a commit over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRender {
    pub target: TargetId,
    pub outcome: RenderOutcome,
    /// Of the renderer; 0 when it did not run.
    pub millis: u32,
    /// Why there is no render; empty otherwise.
    pub message: String,
    pub at: Micros,
}

/// Notes how a target took a commit over; what is noted later counts.
///
/// # Errors
/// When there is no such target, or the database cannot be written.
pub async fn rendered(
    tx: &mut Tx,
    repo_url: &str,
    sha: &Revision,
    target: TargetId,
    outcome: RenderOutcome,
    millis: u32,
    message: &str,
) -> Result<(), StoreError> {
    use commit_render::Column as C;
    let row = commit_render::Model {
        repo_url: repo_url.to_owned(),
        sha: sha.0.clone(),
        target_id: target.to_string(),
        outcome: outcome.word().to_owned(),
        millis: column(millis),
        message: message.to_owned(),
        at: tx.now().0,
    };
    commit_render::Entity::insert(row.into_active_model())
        .on_conflict(
            OnConflict::columns([C::RepoUrl, C::Sha, C::TargetId])
                .update_columns([C::Outcome, C::Millis, C::Message, C::At])
                .to_owned(),
        )
        .exec_without_returning(tx.db())
        .await
        .doing("note what a commit made render")?;
    Ok(())
}

/// What a commit made render, in the order in which it was done.
///
/// # Errors
/// When the database cannot be read.
pub async fn renders(
    db: &impl Read,
    repo_url: &str,
    sha: &Revision,
) -> Result<Vec<CommitRender>, StoreError> {
    let rows = commit_render::Entity::find()
        .filter(commit_render::Column::RepoUrl.eq(repo_url))
        .filter(commit_render::Column::Sha.eq(sha.0.as_str()))
        .order_by_asc(commit_render::Column::At)
        .order_by_asc(commit_render::Column::TargetId)
        .all(&db.executor())
        .await
        .doing("read what a commit made render")?;
    rows.into_iter()
        .map(|row| {
            let outcome = RenderOutcome::from_word(&row.outcome);
            Ok(CommitRender {
                target: Column("commit_render", "target_id").id(&row.target_id)?,
                outcome: Column("commit_render", "outcome").word(outcome)?,
                millis: count(row.millis),
                message: row.message,
                at: Micros(row.at),
            })
        })
        .collect()
}
