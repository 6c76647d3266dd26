//! Who approved a commit: which commits their Git host is asked about, and what it answered.

use super::super::columns::{Column, ROWS_AT_ONCE, json};
use super::super::entity::commit_seen;
use super::super::error::Doing;
use super::super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::pull::CommitPull;
use lockstep_types::revision::Revision;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// A commit that its Git host is to be asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub sha: Revision,
    pub committed_at: Micros,
    pub seen_at: Micros,
    /// What it said before.
    pub pull: Option<CommitPull>,
}

/// Commits of a repository that are due, those first that are due since the shortest: what was pushed just now does not wait
/// behind what was there before.
///
/// # Errors
/// When the database cannot be read.
pub async fn approvals_due(
    db: &impl Read,
    repo_url: &str,
    now: Micros,
    limit: u64,
) -> Result<Vec<Due>, StoreError> {
    let rows = commit_seen::Entity::find()
        .filter(commit_seen::Column::RepoUrl.eq(repo_url))
        .filter(commit_seen::Column::AskAt.lte(now.0))
        .order_by_desc(commit_seen::Column::AskAt)
        .limit(limit)
        .all(&db.executor())
        .await
        .doing("read which approvals are due")?;
    rows.into_iter()
        .map(|row| {
            Ok(Due {
                pull: Column("commit_seen", "pull").maybe_json(row.pull.as_deref())?,
                sha: Revision(row.sha),
                committed_at: Micros(row.committed_at),
                seen_at: Micros(row.seen_at),
            })
        })
        .collect()
}

/// Notes what the host knows of a commit and when it is asked again. Nothing does not take away what it said before: a
/// merge also tells of the commits that it merged, about which some hosts say nothing when asked.
///
/// `with`: other commits of the same pull request, which get what is known unless they have one of their own.
///
/// # Errors
/// When the database cannot be written.
pub async fn note_pull(
    tx: &mut Tx,
    repo_url: &str,
    due: &Due,
    pull: Option<&CommitPull>,
    (ask_at, with): (Option<Micros>, &[Revision]),
) -> Result<(), StoreError> {
    use commit_seen::Column as C;
    let doing = "note who approved a commit";
    let ask = || Expr::value(ask_at.map(|at| at.0));
    let Some(pull) = pull else {
        commit_seen::Entity::update_many()
            .col_expr(C::AskAt, ask())
            .filter(C::RepoUrl.eq(repo_url))
            .filter(C::Sha.eq(due.sha.0.as_str()))
            .exec(tx.db())
            .await
            .doing(doing)?;
        return Ok(());
    };
    let text = json("a pull request", pull)?;
    let update = || {
        commit_seen::Entity::update_many()
            .col_expr(C::Pull, Expr::value(text.as_str()))
            .col_expr(C::Approved, Expr::value(pull.is_approved()))
            .col_expr(C::AskAt, ask())
            .filter(C::RepoUrl.eq(repo_url))
    };
    update()
        .filter(C::Sha.eq(due.sha.0.as_str()))
        .exec(tx.db())
        .await
        .doing(doing)?;
    for with in with.chunks(ROWS_AT_ONCE) {
        let unknown = Condition::any()
            .add(C::Pull.is_null())
            .add(C::Pull.eq(text.as_str()));
        update()
            .filter(C::Sha.is_in(with.iter().map(|sha| sha.0.as_str())))
            .filter(unknown)
            .exec(tx.db())
            .await
            .doing(doing)?;
    }
    if due.pull.as_ref() != Some(pull) {
        tx.announce(Subject::Source(repo_url.to_owned()), EventKind::Changed);
    }
    Ok(())
}
