//! Commits of tracked repositories with the applications they touch, for the timeline and for finding where a commit is.

mod pull;
mod render;

pub use pull::{Due, approvals_due, note_pull};
pub use render::{CommitRender, rendered, renders};

use super::columns::{Column, ROWS_AT_ONCE, anywhere, json};
use super::counted::counted;
use super::entity::{commit_application, commit_seen};
use super::error::Doing;
use super::visible::{Only, few, newest_of_each, of_commits};
use super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::id::ApplicationId;
use lockstep_types::pull::CommitPull;
use lockstep_types::revision::{CommitInfo, Revision};
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr, OnConflict, Order, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Select, Statement,
};
use std::collections::{BTreeMap, BTreeSet};

/// A commit and what it touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenCommit {
    pub repo_url: String,
    pub info: CommitInfo,
    /// Applications whose input paths it touches.
    pub applications: BTreeSet<ApplicationId>,
    pub seen_at: Micros,
    /// What the Git host knows of its review.
    pub pull: Option<CommitPull>,
}

/// Which commits to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Words that subject, author or SHA have, all of them.
    pub filter: &'a str,
    /// Only what is older.
    pub before: Option<Micros>,
    /// Only what somebody is known to have approved, or only the rest.
    pub approved: Option<bool>,
    /// Only what touches one of them.
    pub only: Only<'a>,
}

/// Writes commits down. A commit seen before keeps its time; applications are added to those known.
///
/// # Errors
/// When an application does not exist, or the database cannot be written.
pub async fn see(
    tx: &mut Tx,
    repo_url: &str,
    commits: &[(CommitInfo, BTreeSet<ApplicationId>)],
) -> Result<(), StoreError> {
    use commit_application::Column as A;
    use commit_seen::Column as C;
    let doing = "write commits down";
    let (mut rows, mut links) = (BTreeMap::new(), BTreeMap::new());
    for (info, applications) in commits {
        let sha = info.revision.0.clone();
        let search = format!(
            "{} {} {} {}",
            info.subject, info.author, info.author_email, sha
        )
        .to_lowercase();
        let row = commit_seen::Model {
            repo_url: repo_url.to_owned(),
            sha: sha.clone(),
            info: json("a commit", info)?,
            search,
            committed_at: info.committed_at.0,
            seen_at: tx.now().0,
            pull: None,
            approved: false,
            // The newest are asked for first; nobody gets ahead by a time that is to come.
            ask_at: Some(info.committed_at.min(tx.now()).0),
        };
        rows.insert(sha.clone(), row.into_active_model());
        for application in applications {
            let link = commit_application::Model {
                repo_url: repo_url.to_owned(),
                sha: sha.clone(),
                application_id: application.to_string(),
                committed_at: info.committed_at.0,
            };
            links.insert((sha.clone(), *application), link.into_active_model());
        }
    }
    let rows: Vec<_> = rows.into_values().collect();
    for rows in rows.chunks(ROWS_AT_ONCE) {
        commit_seen::Entity::insert_many(rows.to_vec())
            .on_conflict(
                OnConflict::columns([C::RepoUrl, C::Sha])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(tx.db())
            .await
            .doing(doing)?;
    }
    let links: Vec<_> = links.into_values().collect();
    for links in links.chunks(ROWS_AT_ONCE) {
        commit_application::Entity::insert_many(links.to_vec())
            .on_conflict(
                OnConflict::columns([A::RepoUrl, A::Sha, A::ApplicationId])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(tx.db())
            .await
            .doing(doing)?;
    }
    Ok(())
}

async fn commits(
    db: &impl Read,
    select: Select<commit_seen::Entity>,
) -> Result<Vec<SeenCommit>, StoreError> {
    let doing = "read commits";
    let rows = select.all(&db.executor()).await.doing(doing)?;
    let shas: Vec<&str> = rows.iter().map(|row| row.sha.as_str()).collect();
    // By their key, which begins with the repository; the same commit of another one is left over.
    let repositories: BTreeSet<&str> = rows.iter().map(|row| row.repo_url.as_str()).collect();
    let mut touched: BTreeMap<(String, String), BTreeSet<ApplicationId>> = BTreeMap::new();
    for shas in shas.chunks(ROWS_AT_ONCE) {
        let links = commit_application::Entity::find()
            .filter(commit_application::Column::RepoUrl.is_in(repositories.iter().copied()))
            .filter(commit_application::Column::Sha.is_in(shas.iter().copied()))
            .all(&db.executor())
            .await
            .doing(doing)?;
        for link in links {
            let id = Column("commit_application", "application_id").id(&link.application_id)?;
            touched
                .entry((link.repo_url, link.sha))
                .or_default()
                .insert(id);
        }
    }
    rows.into_iter()
        .map(|row| {
            let info = Column("commit_seen", "info").json(&row.info)?;
            let seen_at = Micros(row.seen_at);
            let pull = Column("commit_seen", "pull").maybe_json(row.pull.as_deref())?;
            let place = (row.repo_url, row.sha);
            let applications = touched.remove(&place).unwrap_or_default();
            Ok(SeenCommit {
                repo_url: place.0,
                info,
                applications,
                seen_at,
                pull,
            })
        })
        .collect()
}

fn newest_first() -> Select<commit_seen::Entity> {
    commit_seen::Entity::find()
        .order_by_desc(commit_seen::Column::CommittedAt)
        .order_by_desc(commit_seen::Column::Sha)
        .order_by_desc(commit_seen::Column::RepoUrl)
}

/// Commits before `before` whose subject, author or SHA has every word of `filter`, newest first. Commits of the same
/// time are never torn apart: a page may be longer than `limit`, and the next one begins before its last time.
///
/// # Errors
/// When the database cannot be read.
pub async fn page(
    db: &impl Read,
    filter: &str,
    before: Option<Micros>,
    limit: u64,
) -> Result<Vec<SeenCommit>, StoreError> {
    let wanted = Wanted {
        filter,
        before,
        ..Wanted::default()
    };
    page_of(db, &wanted, limit).await
}

/// The same, of some commits only.
///
/// # Errors
/// When the database cannot be read.
pub async fn page_of(
    db: &impl Read,
    wanted: &Wanted<'_>,
    limit: u64,
) -> Result<Vec<SeenCommit>, StoreError> {
    let mut select = newest_first().filter(of_commits(wanted.only));
    if let Some(approved) = wanted.approved {
        select = select.filter(commit_seen::Column::Approved.eq(approved));
    }
    for word in wanted.filter.split_whitespace() {
        let search = Expr::col(commit_seen::Column::Search);
        select = select.filter(search.like(LikeExpr::new(anywhere(word)).escape('\\')));
    }
    let plain = wanted.filter.trim().is_empty() && wanted.approved.is_none();
    let mut found = match few(wanted.only).filter(|_| plain) {
        Some(applications) => newest_of(db, &applications, wanted.before, limit).await?,
        None => {
            let mut first = select.clone().limit(limit);
            if let Some(before) = wanted.before {
                first = first.filter(commit_seen::Column::CommittedAt.lt(before.0));
            }
            commits(db, first).await?
        }
    };
    if let Some(at) = found.last().map(|last| last.info.committed_at) {
        let tied = commits(db, select.filter(commit_seen::Column::CommittedAt.eq(at.0))).await?;
        found.retain(|commit| commit.info.committed_at != at);
        found.extend(tied);
    }
    Ok(found)
}

/// Commits that touch an application, newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_application(
    db: &impl Read,
    application: ApplicationId,
    before: Option<Micros>,
    limit: u64,
) -> Result<Vec<SeenCommit>, StoreError> {
    newest_of(db, &[application.to_string()], before, limit).await
}

/// The newest commits that touch one of a few applications.
async fn newest_of(
    db: &impl Read,
    applications: &[String],
    before: Option<Micros>,
    limit: u64,
) -> Result<Vec<SeenCommit>, StoreError> {
    use commit_application::Column as A;
    let of_each = |application: &String| {
        let mut select = Query::select();
        select
            .columns([A::RepoUrl, A::Sha, A::CommittedAt])
            .from(commit_application::Entity)
            .and_where(Expr::col(A::ApplicationId).eq(application.as_str()))
            .order_by(A::CommittedAt, Order::Desc)
            .order_by(A::Sha, Order::Desc);
        if let Some(before) = before {
            select.and_where(Expr::col(A::CommittedAt).lt(before.0));
        }
        select
    };
    let parts: Vec<SelectStatement> = applications.iter().map(of_each).collect();
    let newest = newest_of_each(db, &parts, limit, |row| {
        let place: (String, String) = (row.try_get("", "repo_url")?, row.try_get("", "sha")?);
        Ok((row.try_get("", "committed_at")?, place))
    });
    let newest = newest.await.doing("read commits")?;
    let places: BTreeSet<(String, String)> = newest.into_iter().map(|(_, place)| place).collect();
    if places.is_empty() {
        return Ok(Vec::new());
    }
    // By their key; the same commit of another repository is left out behind it.
    let repositories: BTreeSet<&str> = places.iter().map(|(url, _)| url.as_str()).collect();
    let shas = places.iter().map(|(_, sha)| sha.as_str());
    let select = newest_first()
        .filter(commit_seen::Column::RepoUrl.is_in(repositories))
        .filter(commit_seen::Column::Sha.is_in(shas));
    let mut found = commits(db, select).await?;
    found.retain(|seen| {
        let place = (seen.repo_url.clone(), seen.info.revision.0.clone());
        places.contains(&place)
    });
    Ok(found)
}

/// One commit.
///
/// # Errors
/// When the database cannot be read.
pub async fn get(
    db: &impl Read,
    repo_url: &str,
    sha: &Revision,
) -> Result<Option<SeenCommit>, StoreError> {
    let select = commit_seen::Entity::find_by_id((repo_url.to_owned(), sha.0.clone()));
    Ok(commits(db, select).await?.pop())
}

/// Commits whose SHA begins so, of all repositories; at most ten. More than one means: ask for more digits.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_prefix(db: &impl Read, beginning: &str) -> Result<Vec<SeenCommit>, StoreError> {
    let beginning = beginning.to_ascii_lowercase();
    if beginning.is_empty() || !beginning.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Vec::new());
    }
    // A range of each repository; `g` follows every hexadecimal digit.
    let select = newest_first()
        .filter(commit_seen::Column::RepoUrl.is_in(repositories(db).await?))
        .filter(commit_seen::Column::Sha.gte(beginning.as_str()))
        .filter(commit_seen::Column::Sha.lt(format!("{beginning}g")))
        .limit(10);
    commits(db, select).await
}

/// All repositories that commits were seen in. From one to the next by the key: their commits are not read.
async fn repositories(db: &impl Read) -> Result<Vec<String>, StoreError> {
    let doing = "list repositories";
    let executor = db.executor();
    let text = "WITH RECURSIVE each(url) AS (SELECT min(repo_url) FROM commit_seen UNION ALL \
         SELECT (SELECT min(repo_url) FROM commit_seen WHERE repo_url > each.url) FROM each WHERE each.url IS NOT NULL) \
         SELECT url FROM each WHERE url IS NOT NULL";
    let query = Statement::from_string(executor.get_database_backend(), text);
    let rows = executor.query_all_raw(query).await.doing(doing)?;
    let urls: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get("", "url")).collect();
    urls.doing(doing)
}

/// Commits first seen since `since`; counting ends at [`MOST_COUNTED`](super::MOST_COUNTED).
///
/// # Errors
/// When the database cannot be read.
pub async fn seen_since(db: &impl Read, since: Micros) -> Result<u32, StoreError> {
    let seen = Query::select()
        .expr(Expr::val(1))
        .from(commit_seen::Entity)
        .and_where(Expr::col(commit_seen::Column::SeenAt).gte(since.0))
        .to_owned();
    counted(db, seen).await.doing("count commits")
}
