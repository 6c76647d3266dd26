//! What was said last of each pull request, so that the same is not said twice.

use super::entity::pull_comment;
use super::error::Doing;
use super::{Read, Store, StoreError, Tx};
use lockstep_types::Micros;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use std::collections::BTreeMap;

/// What was said of one pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Commits that were looked at: of the pull request, and of the branch that it is for.
    pub head: String,
    pub base: String,
    /// Of the text; empty: none was due.
    pub digest: String,
    /// Everything could be told.
    pub sure: bool,
    pub at: Micros,
    /// It did not get through.
    pub given_up_at: Option<Micros>,
}

/// What was said of a repository's pull requests, by number.
///
/// # Errors
/// When the database cannot be read.
pub async fn said(db: &impl Read, repo_url: &str) -> Result<BTreeMap<i64, Said>, StoreError> {
    let rows = pull_comment::Entity::find()
        .filter(pull_comment::Column::RepoUrl.eq(repo_url))
        .all(&db.executor())
        .await
        .doing("read comments on pull requests")?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let said = Said {
                head: row.head,
                base: row.base,
                digest: row.digest,
                sure: row.sure,
                at: Micros(row.at),
                given_up_at: row.given_up_at.map(Micros),
            };
            (row.number, said)
        })
        .collect())
}

/// Notes what is said of a pull request; the time is that of the transaction.
///
/// # Errors
/// When the database cannot be written.
pub async fn say(tx: &mut Tx, repo_url: &str, number: i64, said: &Said) -> Result<(), StoreError> {
    use pull_comment::Column as C;
    let row = pull_comment::Model {
        repo_url: repo_url.to_owned(),
        number,
        head: said.head.clone(),
        base: said.base.clone(),
        digest: said.digest.clone(),
        sure: said.sure,
        at: tx.now().0,
        given_up_at: said.given_up_at.map(|at| at.0),
    };
    pull_comment::Entity::insert(row.into_active_model())
        .on_conflict(
            OnConflict::columns([C::RepoUrl, C::Number])
                .update_columns([C::Head, C::Base, C::Digest, C::Sure, C::At, C::GivenUpAt])
                .to_owned(),
        )
        .exec_without_returning(tx.db())
        .await
        .doing("note a comment on a pull request")?;
    Ok(())
}

/// Notes that a text did not get through, unless something newer was said since.
///
/// # Errors
/// When the database cannot be written.
pub async fn give_up(
    tx: &mut Tx,
    repo_url: &str,
    number: i64,
    digest: &str,
) -> Result<(), StoreError> {
    use pull_comment::Column as C;
    pull_comment::Entity::update_many()
        .col_expr(C::GivenUpAt, Expr::value(tx.now().0))
        .filter(C::RepoUrl.eq(repo_url))
        .filter(C::Number.eq(number))
        .filter(C::Digest.eq(digest))
        .exec(tx.db())
        .await
        .doing("note a comment that was given up")?;
    Ok(())
}

/// Forgets what was said before `before`: open pull requests are looked at more often than that.
///
/// # Errors
/// When the database cannot be written.
pub async fn prune(store: &Store, before: Micros) -> Result<(), StoreError> {
    pull_comment::Entity::delete_many()
        .filter(pull_comment::Column::At.lt(before.0))
        .exec(store.writer())
        .await
        .doing("prune comments on pull requests")?;
    Ok(())
}
