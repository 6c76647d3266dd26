//! Rollbacks that wait for a second person: each bound to one target and one preview by digest, for a while, for one use.

use super::columns::{Column, column, count, json};
use super::entity::rollback_ask;
use super::error::Doing;
use super::{Read, Store, StoreError, Tx, target};
use lockstep_types::Micros;
use lockstep_types::application::TargetRef;
use lockstep_types::ask::{AskWay, RollbackAsk};
use lockstep_types::event::EventKind;
use lockstep_types::id::{AskId, TargetId, UserId};
use lockstep_types::revision::Revision;
use lockstep_types::rollback::RollbackPreview;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The ending of a question that who asked it took back.
pub const WITHDRAWN: &str = "withdrawn";
/// The ending of a question that was about something else by the time of the yes.
pub const STALE: &str = "stale";

/// A question to write down.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAsk<'a> {
    pub way: AskWay,
    pub to: &'a Revision,
    pub digest: &'a str,
    pub hours: u32,
    pub reason: &'a str,
    pub overrides: &'a [String],
    pub projects: &'a [String],
    pub by: (&'a str, UserId),
    pub preview: &'a RollbackPreview,
    pub until: Micros,
}

/// A question as stored, decided or not.
#[derive(Debug, Clone, PartialEq)]
pub struct AskRow {
    pub ask: RollbackAsk,
    /// Who asked: the account, whatever it is called by now.
    pub by: UserId,
    pub decided_at: Option<Micros>,
    pub decided_by: Option<String>,
    pub yes: Option<bool>,
    /// What became of it, in words; empty while it waits, and when it was cut off.
    pub ending: String,
}

fn row(row: &rollback_ask::Model, target: TargetRef) -> Result<AskRow, StoreError> {
    let at = |name| Column("rollback_ask", name);
    Ok(AskRow {
        ask: RollbackAsk {
            id: at("id").id(&row.id)?,
            target,
            way: at("way").word(AskWay::from_word(&row.way))?,
            to: Revision(row.revision.clone()),
            digest: row.digest.clone(),
            by: row.actor.clone(),
            reason: row.reason.clone(),
            hours: count(row.hours),
            overrides: at("overrides").json(&row.overrides)?,
            projects: at("projects").json(&row.projects)?,
            asked_at: Micros(row.asked_at),
            until: Micros(row.until_at),
        },
        by: at("actor_id").id(&row.actor_id)?,
        decided_at: row.decided_at.map(Micros),
        decided_by: row.decided_by.clone(),
        yes: row.yes,
        ending: row.ending.clone(),
    })
}

async fn announce(tx: &mut Tx, target: TargetId) -> Result<(), StoreError> {
    let row = target::get(tx, target).await?;
    tx.announce(target::subject(&row), EventKind::Changed);
    Ok(())
}

fn undecided(now: Micros) -> Select<rollback_ask::Entity> {
    rollback_ask::Entity::find()
        .filter(rollback_ask::Column::DecidedAt.is_null())
        .filter(rollback_ask::Column::UntilAt.gt(now.0))
        .order_by_asc(rollback_ask::Column::AskedAt)
        .order_by_asc(rollback_ask::Column::Id)
}

/// Asks. The same person asking for the same once more, undecided, stays one question.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such target.
pub async fn ask(
    tx: &mut Tx,
    target: TargetId,
    new: &NewAsk<'_>,
) -> Result<(AskId, Micros), StoreError> {
    let doing = "ask for a second person";
    let same = undecided(tx.now())
        .filter(rollback_ask::Column::TargetId.eq(target.to_string()))
        .filter(rollback_ask::Column::Way.eq(new.way.word()))
        .filter(rollback_ask::Column::Digest.eq(new.digest))
        .filter(rollback_ask::Column::ActorId.eq(new.by.1.to_string()))
        .filter(rollback_ask::Column::Hours.eq(column(new.hours)))
        .filter(rollback_ask::Column::Reason.eq(new.reason))
        .filter(rollback_ask::Column::Overrides.eq(json("overrides", &new.overrides)?));
    if let Some(same) = same.one(tx.db()).await.doing(doing)? {
        let id = Column("rollback_ask", "id").id(&same.id)?;
        return Ok((id, Micros(same.until_at)));
    }
    let id = AskId(Uuid::now_v7());
    let model = rollback_ask::Model {
        id: id.to_string(),
        target_id: target.to_string(),
        way: new.way.word().to_owned(),
        revision: new.to.0.clone(),
        digest: new.digest.to_owned(),
        hours: column(new.hours),
        reason: new.reason.to_owned(),
        overrides: json("overrides", &new.overrides)?,
        projects: json("projects", &new.projects)?,
        actor: new.by.0.to_owned(),
        actor_id: new.by.1.to_string(),
        preview: json("the preview of a rollback", new.preview)?,
        asked_at: tx.now().0,
        until_at: new.until.0,
        decided_at: None,
        decided_by: None,
        yes: None,
        ending: String::new(),
    };
    rollback_ask::Entity::insert(model.into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing(doing)?;
    announce(tx, target).await?;
    Ok((id, new.until))
}

/// What waits for a second person with what was shown, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn waiting(
    db: &impl Read,
    now: Micros,
) -> Result<Vec<(AskRow, RollbackPreview)>, StoreError> {
    let found = undecided(now)
        .all(&db.executor())
        .await
        .doing("list rollbacks that wait")?;
    let id_of = |model: &rollback_ask::Model| -> Result<TargetId, StoreError> {
        Column("rollback_ask", "target_id").id(&model.target_id)
    };
    let targets: BTreeSet<TargetId> = found.iter().map(id_of).collect::<Result<_, _>>()?;
    let refs = target::refs(db, &targets).await?;
    found
        .iter()
        .map(|model| {
            let target = refs.get(&id_of(model)?).cloned();
            let target = target.ok_or(Column("rollback_ask", "target_id").unreadable())?;
            let preview = Column("rollback_ask", "preview").json(&model.preview)?;
            Ok((row(model, target)?, preview))
        })
        .collect()
}

/// One question.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(db: &impl Read, id: AskId) -> Result<AskRow, StoreError> {
    let found = rollback_ask::Entity::find_by_id(id.to_string())
        .one(&db.executor())
        .await
        .doing("read a rollback that waits")?
        .ok_or_else(|| StoreError::not_found("rollback", id))?;
    let target = Column("rollback_ask", "target_id").id(&found.target_id)?;
    let refs = target::refs(db, &BTreeSet::from([target])).await?;
    let target = refs.get(&target).cloned();
    row(
        &found,
        target.ok_or(Column("rollback_ask", "target_id").unreadable())?,
    )
}

/// Somebody decides; only one ever does, and only in time. What was shown goes.
///
/// # Errors
/// [`StoreError::Conflict`] when it is another question by now, was decided before, or its time is over.
pub async fn decide(
    tx: &mut Tx,
    id: AskId,
    digest: &str,
    (yes, by): (bool, &str),
    ending: &str,
) -> Result<(), StoreError> {
    let now = tx.now();
    let done = rollback_ask::Entity::update_many()
        .col_expr(rollback_ask::Column::DecidedAt, Expr::value(now.0))
        .col_expr(rollback_ask::Column::DecidedBy, Expr::value(by))
        .col_expr(rollback_ask::Column::Yes, Expr::value(yes))
        .col_expr(rollback_ask::Column::Ending, Expr::value(ending))
        .col_expr(rollback_ask::Column::Preview, Expr::value(""))
        .filter(rollback_ask::Column::Id.eq(id.to_string()))
        .filter(rollback_ask::Column::Digest.eq(digest))
        .filter(rollback_ask::Column::DecidedAt.is_null())
        .filter(rollback_ask::Column::UntilAt.gt(now.0))
        .exec(tx.db())
        .await
        .doing("decide about a rollback")?;
    let found = get(tx, id).await?;
    if done.rows_affected > 0 {
        return announce(tx, found.ask.target.id).await;
    }
    let why = if found.ask.digest != digest {
        "it is another one than was shown; look at it again".to_owned()
    } else if let Some(by) = found.decided_by {
        match (found.yes, found.ending.as_str()) {
            (Some(true), _) => format!("it was approved by {by} already"),
            (_, STALE) => {
                format!(
                    "it was out of date when {by} wanted to say yes; it has to be asked for again"
                )
            }
            (_, WITHDRAWN) => format!("it was withdrawn by {by} already"),
            _ => format!("it was rejected by {by} already"),
        }
    } else {
        format!("its time was over at {}", found.ask.until.rfc3339())
    };
    Err(StoreError::Conflict {
        subject: "this rollback".to_owned(),
        why,
    })
}

/// Lets go what was shown with questions whose time is over. The record stays. Answers how many there were.
///
/// # Errors
/// When the database cannot be written.
pub async fn let_previews_go(store: &Store, now: Micros) -> Result<u64, StoreError> {
    let tx = store.begin().await?;
    let done = rollback_ask::Entity::update_many()
        .col_expr(rollback_ask::Column::Preview, Expr::value(""))
        .filter(rollback_ask::Column::UntilAt.lte(now.0))
        .filter(rollback_ask::Column::Preview.ne(""))
        .exec(tx.db())
        .await
        .doing("let go what was shown with old questions")?;
    tx.commit().await?;
    Ok(done.rows_affected)
}

/// Notes what became of a yes.
///
/// # Errors
/// When the database cannot be written.
pub async fn ended(tx: &mut Tx, id: AskId, ending: &str) -> Result<(), StoreError> {
    rollback_ask::Entity::update_many()
        .col_expr(rollback_ask::Column::Ending, Expr::value(ending))
        .filter(rollback_ask::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing("note what became of a rollback")?;
    Ok(())
}
