//! Letting go of the bodies of history that is old: the plans of runs, what was said of their steps, and manifests. What a
//! target stands on, a pin, a mark and the newest runs name is kept whole, and no record goes: a run keeps who, what, when, why,
//! its counts and its outcome, and the names and outcomes of its steps.

use super::columns::ROWS_AT_ONCE;
use super::entity::{
    object_body, pin, render, render_object, revision_mark, run, run_plan, step, target,
    target_revision,
};
use super::error::Doing;
use super::{Store, StoreError, Tx};
use lockstep_types::Micros;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

/// Another run of the same target.
const NEWER: &str = "newer";

/// Lets go the bodies of at most `limit` runs that ended before `before`, the oldest first. Answers how many runs there were.
///
/// # Errors
/// When the database cannot be written.
pub async fn let_runs_go(
    store: &Store,
    before: Micros,
    newest: u32,
    limit: u64,
) -> Result<u64, StoreError> {
    let doing = "let old plans go";
    let tx = store.begin().await?;
    let ids = texts(&tx, &old_runs(before, newest, limit), "id").await?;
    for ids in ids.chunks(ROWS_AT_ONCE) {
        run_plan::Entity::delete_many()
            .filter(run_plan::Column::RunId.is_in(ids))
            .exec(tx.db())
            .await
            .doing(doing)?;
        step::Entity::update_many()
            .col_expr(step::Column::Message, Expr::value(""))
            .filter(step::Column::RunId.is_in(ids))
            .exec(tx.db())
            .await
            .doing(doing)?;
        run::Entity::update_many()
            .col_expr(run::Column::BodiesGoneAt, Expr::value(tx.now().0))
            .filter(run::Column::Id.is_in(ids))
            .exec(tx.db())
            .await
            .doing(doing)?;
    }
    tx.commit().await?;
    Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
}

/// Lets go at most `limit` renders that were made before `before` and that nothing names any more: no target, no run with its
/// bodies, no mark, no pin, and no comparison or use since. Then the manifests that no other render has. Answers how many renders
/// there were.
///
/// # Errors
/// When the database cannot be written.
pub async fn let_renders_go(store: &Store, before: Micros, limit: u64) -> Result<u64, StoreError> {
    let doing = "let old renders go";
    let tx = store.begin().await?;
    let keys = texts(&tx, &old_renders(before, limit), "key").await?;
    let (mut hashes, mut gone) = (Vec::new(), 0);
    for keys in keys.chunks(ROWS_AT_ONCE) {
        let found: Vec<String> = render_object::Entity::find()
            .select_only()
            .column(render_object::Column::Hash)
            .filter(render_object::Column::RenderKey.is_in(keys))
            .into_tuple()
            .all(tx.db())
            .await
            .doing(doing)?;
        hashes.extend(found);
        // Once more in the statement itself: somebody may have put one to use since it was found.
        let done = render::Entity::delete_many()
            .filter(render::Column::Key.is_in(keys))
            .filter(render::Column::UsedAt.lt(before.0))
            .exec(tx.db())
            .await
            .doing(doing)?;
        gone += done.rows_affected;
    }
    // Sorted, since PostgreSQL locks in this order.
    hashes.sort_unstable();
    hashes.dedup();
    for hashes in hashes.chunks(ROWS_AT_ONCE) {
        let held = Query::select()
            .expr(Expr::val(1))
            .from(render_object::Entity)
            .and_where(
                Expr::col((render_object::Entity, render_object::Column::Hash))
                    .equals((object_body::Entity, object_body::Column::Hash)),
            )
            .take();
        let orphans = Query::delete()
            .from_table(object_body::Entity)
            .and_where(Expr::col(object_body::Column::Hash).is_in(hashes))
            .and_where(Expr::exists(held).not())
            .take();
        tx.db().execute(&orphans).await.doing(doing)?;
    }
    tx.commit().await?;
    Ok(gone)
}

async fn texts(tx: &Tx, select: &SelectStatement, column: &str) -> Result<Vec<String>, StoreError> {
    let doing = "look for what is old";
    let rows = tx.db().query_all(select).await.doing(doing)?;
    let texts: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get("", column)).collect();
    texts.doing(doing)
}

fn old_runs(before: Micros, newest: u32, limit: u64) -> SelectStatement {
    use run::Column as R;
    let of_run = |column: R| Expr::col((run::Entity, column));
    // Fewer runs than that: there is no such start, and nothing is before it.
    let oldest_kept = Query::select()
        .column((NEWER, R::StartedAt))
        .from_as(run::Entity, NEWER)
        .and_where(Expr::col((NEWER, R::TargetId)).equals((run::Entity, R::TargetId)))
        .order_by((NEWER, R::StartedAt), Order::Desc)
        .limit(1)
        .offset(u64::from(newest.saturating_sub(1)))
        .take();
    let stands_on = Query::select()
        .expr(Expr::val(1))
        .from(target::Entity)
        .and_where(
            Expr::col((target::Entity, target::Column::Id)).equals((run::Entity, R::TargetId)),
        )
        .and_where(
            Expr::col((target::Entity, target::Column::Revision))
                .equals((run::Entity, R::Revision))
                .or(Expr::col((target::Entity, target::Column::Deployed))
                    .equals((run::Entity, R::Revision)))
                .or(Expr::col((target::Entity, target::Column::RenderKey))
                    .equals((run::Entity, R::RenderKey)))
                .or(Expr::col((target::Entity, target::Column::DeployedRender))
                    .equals((run::Entity, R::RenderKey))),
        )
        .take();
    Query::select()
        .column((run::Entity, R::Id))
        .from(run::Entity)
        .and_where(of_run(R::BodiesGoneAt).is_null())
        .and_where(of_run(R::EndedAt).lt(before.0))
        .and_where(of_run(R::StartedAt).lt(Expr::SubQuery(None, Box::new(oldest_kept.into()))))
        .and_where(Expr::exists(stands_on).not())
        .and_where(
            Expr::exists(marked(
                (run::Entity, R::TargetId),
                (run::Entity, R::Revision),
            ))
            .not(),
        )
        .and_where(
            Expr::exists(pinned(
                (run::Entity, R::TargetId),
                (run::Entity, R::Revision),
            ))
            .not(),
        )
        .order_by((run::Entity, R::EndedAt), Order::Asc)
        .limit(limit)
        .take()
}

/// Somebody has called this revision of a target good or bad.
fn marked<E: EntityTrait, C: ColumnTrait>(target: (E, C), revision: (E, C)) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(revision_mark::Entity)
        .and_where(
            Expr::col((revision_mark::Entity, revision_mark::Column::TargetId)).equals(target),
        )
        .and_where(
            Expr::col((revision_mark::Entity, revision_mark::Column::Revision)).equals(revision),
        )
        .take()
}

/// The target stays at this revision.
fn pinned<E: EntityTrait, C: ColumnTrait>(target: (E, C), revision: (E, C)) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(pin::Entity)
        .and_where(Expr::col((pin::Entity, pin::Column::TargetId)).equals(target))
        .and_where(Expr::col((pin::Entity, pin::Column::Revision)).equals(revision))
        .and_where(Expr::col((pin::Entity, pin::Column::EndedAt)).is_null())
        .take()
}

fn old_renders(before: Micros, limit: u64) -> SelectStatement {
    use render::Column::Key;
    use target_revision::Column as V;
    let names = |of: (target::Entity, target::Column)| {
        Query::select()
            .expr(Expr::val(1))
            .from(target::Entity)
            .and_where(Expr::col(of).equals((render::Entity, Key)))
            .take()
    };
    let of_run = Query::select()
        .expr(Expr::val(1))
        .from(run::Entity)
        .and_where(Expr::col((run::Entity, run::Column::RenderKey)).equals((render::Entity, Key)))
        .and_where(Expr::col((run::Entity, run::Column::BodiesGoneAt)).is_null())
        .take();
    let revision = (
        (target_revision::Entity, V::TargetId),
        (target_revision::Entity, V::Revision),
    );
    let of_revision = Query::select()
        .expr(Expr::val(1))
        .from(target_revision::Entity)
        .and_where(Expr::col((target_revision::Entity, V::RenderKey)).equals((render::Entity, Key)))
        .and_where(
            Expr::col((target_revision::Entity, V::LastAt))
                .gte(before.0)
                .or(Expr::exists(marked(revision.0, revision.1)))
                .or(Expr::exists(pinned(revision.0, revision.1))),
        )
        .take();
    Query::select()
        .column((render::Entity, Key))
        .from(render::Entity)
        .and_where(Expr::col((render::Entity, render::Column::UsedAt)).lt(before.0))
        .and_where(Expr::exists(names((target::Entity, target::Column::RenderKey))).not())
        .and_where(Expr::exists(names((target::Entity, target::Column::DeployedRender))).not())
        .and_where(Expr::exists(of_run).not())
        .and_where(Expr::exists(of_revision).not())
        .order_by((render::Entity, render::Column::UsedAt), Order::Asc)
        .limit(limit)
        .take()
}
