//! Leaving out of a list what its reader may not see, in the database, so that pages stay full.
//!
//! Of a few applications the newest rows of each are read and merged, which costs the same however long the log is. Of many
//! the log is walked from its new end: what they wrote stands close together there.

use super::entity::{commit_application, commit_seen, target};
use super::error::Doing;
use super::{Read, StoreError};
use lockstep_types::id::ApplicationId;
use sea_orm::sea_query::{Asterisk, BinOper, Expr, ExprTrait, Query, SelectStatement, UnionType};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};
use std::collections::BTreeSet;

/// More ids than fit into a statement of SQLite beside everything else. Beyond them whoever asks filters by itself.
const MOST: usize = 30_000;
/// So many are read one by one.
const FEW: usize = 64;

/// The applications that a list is limited to; `None`: all.
pub type Only<'a> = Option<&'a BTreeSet<ApplicationId>>;

/// Rows whose application, by this column, is among them.
pub(super) fn of_applications(column: impl ColumnTrait, only: Only<'_>) -> Condition {
    match ids(only) {
        Some(ids) => Condition::all().add(column.is_in(ids)),
        None => Condition::all(),
    }
}

/// Rows whose target, by this column, belongs to one of them. Each row is asked by itself: a list of targets would lead the
/// database to all their rows at once.
pub(super) fn of_targets(column: impl ColumnTrait, only: Only<'_>) -> Condition {
    let Some(ids) = ids(only) else {
        return Condition::all();
    };
    let theirs = Query::select()
        .expr(Expr::val(1))
        .from(target::Entity)
        .and_where(Expr::col((target::Entity, target::Column::Id)).equals(column.as_column_ref()))
        .and_where(Expr::col((target::Entity, target::Column::ApplicationId)).is_in(ids))
        .to_owned();
    Condition::all().add(Expr::exists(theirs))
}

/// Commits that touch one of them.
pub(super) fn of_commits(only: Only<'_>) -> Condition {
    use commit_application::Column as A;
    use commit_seen::Column as C;
    let Some(ids) = ids(only) else {
        return Condition::all();
    };
    // Not by the index: it would be asked once for each of many applications, and a commit touches few.
    let application = Expr::col((commit_application::Entity, A::ApplicationId))
        .binary(BinOper::Custom("||"), Expr::cust("''"));
    let touching = Query::select()
        .expr(Expr::val(1))
        .from(commit_application::Entity)
        .and_where(
            Expr::col((commit_application::Entity, A::RepoUrl))
                .equals((commit_seen::Entity, C::RepoUrl)),
        )
        .and_where(
            Expr::col((commit_application::Entity, A::Sha)).equals((commit_seen::Entity, C::Sha)),
        )
        .and_where(application.is_in(ids))
        .to_owned();
    Condition::all().add(Expr::exists(touching))
}

/// The applications, when they are few.
pub(super) fn few(only: Only<'_>) -> Option<Vec<String>> {
    ids(only).filter(|ids| ids.len() <= FEW)
}

/// The targets of the applications, when both are few.
pub(super) async fn few_targets(
    db: &impl Read,
    only: Only<'_>,
) -> Result<Option<Vec<String>>, StoreError> {
    let Some(ids) = few(only) else {
        return Ok(None);
    };
    let targets: Vec<String> = target::Entity::find()
        .select_only()
        .column(target::Column::Id)
        .filter(target::Column::ApplicationId.is_in(ids))
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("read the targets of applications")?;
    Ok((targets.len() <= FEW).then_some(targets))
}

/// All rows of these queries, the same row once. Each may have an order and a limit of its own.
pub(super) fn together(parts: Vec<SelectStatement>) -> Option<SelectStatement> {
    let whole = |part: SelectStatement| {
        Query::select()
            .column(Asterisk)
            .from_subquery(part, "part")
            .to_owned()
    };
    let mut parts = parts.into_iter();
    let mut all = whole(parts.next()?);
    for part in parts {
        all.union(UnionType::Distinct, whole(part));
    }
    Some(whole(all))
}

fn ids(only: Only<'_>) -> Option<Vec<String>> {
    let only = only.filter(|only| only.len() <= MOST)?;
    Some(only.iter().map(ToString::to_string).collect())
}
