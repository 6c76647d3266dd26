//! Leaving out of a list what its reader may not see, in the database, so that pages stay full.

use super::entity::{commit_application, target};
use lockstep_types::id::ApplicationId;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition};
use std::collections::BTreeSet;

/// More ids than fit into a statement of SQLite beside everything else. Beyond them whoever asks filters by itself.
const MOST: usize = 30_000;

/// The applications that a list is limited to; `None`: all.
pub type Only<'a> = Option<&'a BTreeSet<ApplicationId>>;

/// Rows whose application, by this column, is among them.
pub(super) fn of_applications(column: impl ColumnTrait, only: Only<'_>) -> Condition {
    match ids(only) {
        Some(ids) => Condition::all().add(column.is_in(ids)),
        None => Condition::all(),
    }
}

/// Rows whose target, by this column, belongs to one of them.
pub(super) fn of_targets(column: impl ColumnTrait, only: Only<'_>) -> Condition {
    let Some(ids) = ids(only) else {
        return Condition::all();
    };
    let targets = Query::select()
        .column(target::Column::Id)
        .from(target::Entity)
        .and_where(Expr::col(target::Column::ApplicationId).is_in(ids))
        .to_owned();
    Condition::all().add(column.in_subquery(targets))
}

/// Commits, by their id, that touch one of them.
pub(super) fn of_commits(column: impl ColumnTrait, only: Only<'_>) -> Condition {
    let Some(ids) = ids(only) else {
        return Condition::all();
    };
    let touching = Query::select()
        .column(commit_application::Column::Sha)
        .from(commit_application::Entity)
        .and_where(Expr::col(commit_application::Column::ApplicationId).is_in(ids))
        .to_owned();
    Condition::all().add(column.in_subquery(touching))
}

fn ids(only: Only<'_>) -> Option<Vec<String>> {
    let only = only.filter(|only| only.len() <= MOST)?;
    Some(only.iter().map(ToString::to_string).collect())
}
