//! Leaving out of a list what its reader may not see, in the database, so that pages stay full.
//!
//! Of a few applications the newest rows of each are read and merged, which costs the same however long the log is. Of many
//! the log is walked from its new end: what they wrote stands close together there.

use super::entity::{commit_application, commit_seen, target};
use super::error::Doing;
use super::{Read, StoreError};
use lockstep_types::id::ApplicationId;
use sea_orm::sea_query::{Asterisk, BinOper, Expr, ExprTrait, Query, SelectStatement, UnionType};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryResult,
    QuerySelect,
};
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

/// The newest rows over several lists, each row once: its moment and what else tells it apart.
///
/// `parts` select what `read` reads, newest first. Of each only a share is read; whoever fills it and could give more to the
/// page is asked again for the whole page. So a page of many equal lists costs little more than that of one.
pub(super) async fn newest_of_each<K: Ord>(
    db: &impl Read,
    parts: &[SelectStatement],
    limit: u64,
    read: impl Fn(&QueryResult) -> Result<(i64, K), DbErr>,
) -> Result<BTreeSet<(i64, K)>, DbErr> {
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let share = share(page, parts.len());
    let mut found = BTreeSet::new();
    // How many rows of each, and the moment of the last.
    let mut ends = vec![(0, i64::MAX); parts.len()];
    let all: Vec<usize> = (0..parts.len()).collect();
    for row in rows_of(db, parts, &all, share).await? {
        let part: i32 = row.try_get("", PART)?;
        let (at, rest) = read(&row)?;
        let part = usize::try_from(part).ok();
        if let Some((rows, oldest)) = part.and_then(|part| ends.get_mut(part)) {
            *rows += 1;
            *oldest = Ord::min(at, *oldest);
        }
        found.insert((at, rest));
    }
    let last = found.iter().rev().nth(page.saturating_sub(1));
    let last = last.map_or(i64::MIN, |(at, _)| *at);
    let more: Vec<usize> = all
        .into_iter()
        .filter(|part| share < page && ends[*part].0 >= share && ends[*part].1 >= last)
        .collect();
    for row in rows_of(db, parts, &more, page).await? {
        found.insert(read(&row)?);
    }
    while found.len() > page {
        found.pop_first();
    }
    Ok(found)
}

/// The column that says which list a row is of.
const PART: &str = "part";

/// Rows that are read of each of so many lists at first: some times what an even page has of it.
fn share(page: usize, parts: usize) -> usize {
    (4 * page.div_ceil(parts.max(1))).max(8).min(page)
}

async fn rows_of(
    db: &impl Read,
    parts: &[SelectStatement],
    which: &[usize],
    limit: usize,
) -> Result<Vec<QueryResult>, DbErr> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let of = |part: usize| {
        let mut select = parts.get(part)?.clone();
        select
            .limit(limit)
            .expr_as(Expr::cust(part.to_string()), PART);
        // A limit of its own needs a query of its own.
        let whole = Query::select()
            .column(Asterisk)
            .from_subquery(select, "newest")
            .to_owned();
        Some(whole)
    };
    let mut selects = which.iter().filter_map(|part| of(*part));
    let Some(mut all) = selects.next() else {
        return Ok(Vec::new());
    };
    for select in selects {
        all.union(UnionType::All, select);
    }
    db.executor().query_all(&all).await
}

fn ids(only: Only<'_>) -> Option<Vec<String>> {
    let only = only.filter(|only| only.len() <= MOST)?;
    Some(only.iter().map(ToString::to_string).collect())
}
