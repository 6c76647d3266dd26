//! What Git hosts know of commits.

use crate::store::entity::commit_status;
use crate::store::error::Doing;
use crate::store::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::revision::Revision;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use std::collections::BTreeMap;

/// What a Git host was told of a commit in one context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldStatus {
    pub state: String,
    pub description: String,
    /// It did not get through.
    pub given_up_at: Option<Micros>,
}

impl ToldStatus {
    /// Whether this is what it was told.
    pub fn says(&self, state: &str, description: &str) -> bool {
        self.state == state && self.description == description
    }
}

/// What a Git host was told of a commit, by context.
///
/// # Errors
/// When the database cannot be read.
pub async fn statuses(
    db: &impl Read,
    repo_url: &str,
    sha: &Revision,
) -> Result<BTreeMap<String, ToldStatus>, StoreError> {
    let rows = commit_status::Entity::find()
        .filter(commit_status::Column::RepoUrl.eq(repo_url))
        .filter(commit_status::Column::Sha.eq(sha.0.as_str()))
        .all(&db.executor())
        .await
        .doing("read commit statuses")?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let told = ToldStatus {
                state: row.state,
                description: row.description,
                given_up_at: row.given_up_at.map(Micros),
            };
            (row.context, told)
        })
        .collect())
}

/// Notes what a Git host is told of a commit.
///
/// # Errors
/// When the database cannot be written.
pub async fn set_status(
    tx: &mut Tx,
    repo_url: &str,
    sha: &Revision,
    context: &str,
    state: &str,
    description: &str,
) -> Result<(), StoreError> {
    use commit_status::Column as C;
    let row = commit_status::Model {
        repo_url: repo_url.to_owned(),
        sha: sha.0.clone(),
        context: context.to_owned(),
        state: state.to_owned(),
        description: description.to_owned(),
        at: tx.now().0,
        given_up_at: None,
    };
    commit_status::Entity::insert(row.into_active_model())
        .on_conflict(
            OnConflict::columns([C::RepoUrl, C::Sha, C::Context])
                .update_columns([C::State, C::Description, C::At, C::GivenUpAt])
                .to_owned(),
        )
        .exec_without_returning(tx.db())
        .await
        .doing("note a commit status")?;
    Ok(())
}

/// Notes that what a Git host was to be told did not get through, unless something newer was said since.
///
/// # Errors
/// When the database cannot be written.
pub async fn give_up_status(
    tx: &mut Tx,
    repo_url: &str,
    sha: &Revision,
    context: &str,
    (state, description): (&str, &str),
) -> Result<(), StoreError> {
    use commit_status::Column as C;
    commit_status::Entity::update_many()
        .col_expr(C::GivenUpAt, Expr::value(tx.now().0))
        .filter(C::RepoUrl.eq(repo_url))
        .filter(C::Sha.eq(sha.0.as_str()))
        .filter(C::Context.eq(context))
        .filter(C::State.eq(state))
        .filter(C::Description.eq(description))
        .exec(tx.db())
        .await
        .doing("note a commit status that was given up")?;
    Ok(())
}
