//! What people say of revisions on a target: good or bad. One word per revision; a later one replaces it.

use super::columns::Column;
use super::entity::revision_mark;
use super::error::Doing;
use super::{Read, StoreError, Tx, target};
use lockstep_types::Micros;
use lockstep_types::event::EventKind;
use lockstep_types::id::TargetId;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::{Judgement, RevisionMark};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

fn row(row: revision_mark::Model) -> Result<RevisionMark, StoreError> {
    Ok(RevisionMark {
        revision: Revision(row.revision),
        judgement: Column("revision_mark", "judgement")
            .word(Judgement::from_word(&row.judgement))?,
        by: row.owner,
        reason: row.reason,
        at: Micros(row.at),
    })
}

/// Marks a revision of a target, or takes the mark away with `None`.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such target.
pub async fn set(
    tx: &mut Tx,
    id: TargetId,
    revision: &Revision,
    judgement: Option<Judgement>,
    owner: &str,
    reason: &str,
) -> Result<(), StoreError> {
    use revision_mark::Column as C;
    let doing = "mark a revision";
    let marked = target::get(tx, id).await?;
    match judgement {
        Some(judgement) => {
            let model = revision_mark::Model {
                target_id: id.to_string(),
                revision: revision.0.clone(),
                judgement: judgement.word().to_owned(),
                owner: owner.to_owned(),
                reason: reason.to_owned(),
                at: tx.now().0,
            };
            let mut conflict = OnConflict::columns([C::TargetId, C::Revision]);
            conflict.update_columns([C::Judgement, C::Owner, C::Reason, C::At]);
            revision_mark::Entity::insert(model.into_active_model())
                .on_conflict(conflict)
                .exec_without_returning(tx.db())
                .await
                .doing(doing)?;
        }
        None => {
            revision_mark::Entity::delete_by_id((id.to_string(), revision.0.clone()))
                .exec(tx.db())
                .await
                .doing(doing)?;
        }
    }
    tx.announce(target::subject(&marked), EventKind::Changed);
    Ok(())
}

/// All marks of a target, the latest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_target(db: &impl Read, target: TargetId) -> Result<Vec<RevisionMark>, StoreError> {
    revision_mark::Entity::find()
        .filter(revision_mark::Column::TargetId.eq(target.to_string()))
        .order_by_desc(revision_mark::Column::At)
        .all(&db.executor())
        .await
        .doing("read what people say of revisions")?
        .into_iter()
        .map(row)
        .collect()
}
