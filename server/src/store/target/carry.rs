//! Takes a verdict over to a newer revision that cannot have changed it, for many targets at once.

use super::{TargetRow, row, subject};
use crate::store::columns::ROWS_AT_ONCE;
use crate::store::entity::{hold, operation, pin, run, target};
use crate::store::error::Doing;
use crate::store::status::{self, Axis};
use crate::store::{StoreError, Tx};
use lockstep_types::diff::SyncStatus;
use lockstep_types::event::EventKind;
use lockstep_types::health::HealthStatus;
use lockstep_types::id::TargetId;
use lockstep_types::revision::Revision;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

/// Moves those targets from one revision to another that are Synced at it and of which there is nothing to say: no run,
/// request, pin or hold. Gives them, and whether what is deployed moved too. The others look for themselves.
///
/// The claim of the writer is not needed: a row changes only if it still says what the caller knows, and what it says
/// afterwards is what a comparison would have found.
///
/// # Errors
/// When the database cannot be written.
pub async fn carry(
    tx: &mut Tx,
    targets: &[TargetId],
    from: &Revision,
    to: &Revision,
) -> Result<Vec<(TargetId, bool)>, StoreError> {
    let doing = "carry the state of targets over";
    let mut found: Vec<TargetRow> = Vec::new();
    for ids in targets.chunks(ROWS_AT_ONCE) {
        let rows = target::Entity::find()
            .filter(target::Column::Id.is_in(ids.iter().map(ToString::to_string)))
            .filter(target::Column::Revision.eq(from.0.as_str()))
            .filter(target::Column::Sync.eq(SyncStatus::Synced.word()))
            .filter(target::Column::Reason.is_null())
            .filter(target::Column::Id.not_in_subquery(open(
                run::Entity,
                run::Column::TargetId,
                run::Column::EndedAt,
            )))
            .filter(target::Column::Id.not_in_subquery(open(
                operation::Entity,
                operation::Column::TargetId,
                operation::Column::EndedAt,
            )))
            .filter(target::Column::Id.not_in_subquery(open(
                pin::Entity,
                pin::Column::TargetId,
                pin::Column::EndedAt,
            )))
            .filter(target::Column::Id.not_in_subquery(open(
                hold::Entity,
                hold::Column::TargetId,
                hold::Column::EndedAt,
            )))
            .all(tx.db())
            .await
            .doing(doing)?;
        for model in rows {
            found.push(row(model)?);
        }
    }
    let mut carried = Vec::with_capacity(found.len());
    for one in found {
        let deployed = one.deployed.as_ref() == Some(from);
        let mut update = target::Entity::update_many()
            .col_expr(target::Column::Revision, Expr::value(to.0.as_str()))
            .col_expr(target::Column::ChangedAt, Expr::value(tx.now().0));
        if deployed {
            update = update.col_expr(target::Column::Deployed, Expr::value(to.0.as_str()));
        }
        let changed = update
            .filter(target::Column::Id.eq(one.id.to_string()))
            .filter(target::Column::Revision.eq(from.0.as_str()))
            .exec(tx.db())
            .await
            .doing(doing)?;
        if changed.rows_affected == 0 {
            continue;
        }
        status::turn(tx, one.id, Axis::Revision, &to.0, None).await?;
        if deployed {
            status::turn(tx, one.id, Axis::Deployed, &to.0, None).await?;
        }
        let good = one.state.health.status == HealthStatus::Healthy;
        status::at_revision(tx, one.id, to, one.state.render_key.as_deref(), good).await?;
        tx.announce(subject(&one), EventKind::Changed);
        carried.push((one.id, deployed));
    }
    Ok(carried)
}

/// Targets with a row that has not ended.
fn open<E: EntityTrait>(entity: E, target: E::Column, ended: E::Column) -> SelectStatement {
    Query::select()
        .column(target)
        .from(entity)
        .and_where(Expr::col(ended).is_null())
        .take()
}
