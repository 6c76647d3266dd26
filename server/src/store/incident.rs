//! Incidents: at most one open per subject and condition.

use super::columns::{Column, ROWS_AT_ONCE, anywhere, json};
use super::entity::{drift, incident, status_interval};
use super::error::Doing;
use super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::alert::{Condition, Incident, IncidentSubject, Severity};
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::{IncidentId, TargetId};
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, LikeExpr};
use sea_orm::{
    ColumnTrait, Condition as Cond, EntityTrait, IntoActiveModel, Order, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A condition that has lasted long enough.
#[derive(Debug, Clone, PartialEq)]
pub struct NewIncident {
    pub subject: IncidentSubject,
    pub condition: Condition,
    pub cause: String,
    pub labels: BTreeMap<String, String>,
    pub since: Micros,
}

fn row(row: incident::Model) -> Result<Incident, StoreError> {
    Ok(Incident {
        id: Column("incident", "id").id(&row.id)?,
        subject: Column("incident", "subject").json(&row.subject)?,
        condition: Column("incident", "condition").word(Condition::from_word(&row.condition))?,
        severity: Column("incident", "severity").word(Severity::from_word(&row.severity))?,
        cause: row.cause,
        labels: Column("incident", "labels").json(&row.labels)?,
        since: Micros(row.since_at),
        opened_at: Micros(row.opened_at),
        resolved_at: row.resolved_at.map(Micros),
    })
}

async fn list(
    db: &impl Read,
    select: Select<incident::Entity>,
) -> Result<Vec<Incident>, StoreError> {
    let rows = select.all(&db.executor()).await.doing("read incidents")?;
    rows.into_iter().map(row).collect()
}

/// Opens an incident; `None` when it is open already.
///
/// # Errors
/// When the database cannot be written.
pub async fn open(tx: &mut Tx, new: &NewIncident) -> Result<Option<Incident>, StoreError> {
    let key = new.subject.key();
    let known = incident::Entity::find()
        .filter(incident::Column::SubjectKey.eq(key.as_str()))
        .filter(incident::Column::Condition.eq(new.condition.word()))
        .filter(incident::Column::ResolvedAt.is_null())
        .count(tx.db())
        .await
        .doing("open an incident")?;
    if known > 0 {
        return Ok(None);
    }
    let search = format!(
        "{} {} {} {}",
        new.subject.words(),
        new.condition.word(),
        new.condition.severity().word(),
        new.cause
    );
    let model = incident::Model {
        id: Uuid::now_v7().to_string(),
        subject_key: key,
        condition: new.condition.word().to_owned(),
        severity: new.condition.severity().word().to_owned(),
        subject: json("the subject of an incident", &new.subject)?,
        cause: new.cause.clone(),
        labels: json("the labels of an incident", &new.labels)?,
        search: search.to_lowercase(),
        since_at: new.since.0,
        opened_at: tx.now().0,
        resolved_at: None,
    };
    incident::Entity::insert(model.clone().into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing("open an incident")?;
    tx.announce(Subject::Alerts, EventKind::Changed);
    row(model).map(Some)
}

/// Ends incidents. Those that are over already stay as they are.
///
/// # Errors
/// When the database cannot be written.
pub async fn resolve(tx: &mut Tx, ids: &[IncidentId]) -> Result<(), StoreError> {
    for ids in ids.chunks(ROWS_AT_ONCE) {
        incident::Entity::update_many()
            .col_expr(incident::Column::ResolvedAt, Expr::value(tx.now().0))
            .filter(incident::Column::Id.is_in(ids.iter().map(ToString::to_string)))
            .filter(incident::Column::ResolvedAt.is_null())
            .exec(tx.db())
            .await
            .doing("end incidents")?;
        tx.announce(Subject::Alerts, EventKind::Changed);
    }
    Ok(())
}

/// All open incidents.
///
/// # Errors
/// When the database cannot be read.
pub async fn all_open(db: &impl Read) -> Result<Vec<Incident>, StoreError> {
    let select = incident::Entity::find()
        .filter(incident::Column::ResolvedAt.is_null())
        .order_by_asc(incident::Column::OpenedAt);
    list(db, select).await
}

/// How many are open.
///
/// # Errors
/// When the database cannot be read.
pub async fn count_open(db: &impl Read) -> Result<u32, StoreError> {
    let count = incident::Entity::find()
        .filter(incident::Column::ResolvedAt.is_null())
        .count(&db.executor())
        .await
        .doing("count incidents")?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// How bad it is as a number, the worst first.
fn rank() -> Expr {
    let is = |severity: Severity| incident::Column::Severity.eq(severity.word());
    CaseStatement::new()
        .case(is(Severity::Critical), 0)
        .case(is(Severity::Warning), 1)
        .finally(2)
        .into()
}

/// What comes after an incident in the order of [`page`].
async fn behind(db: &impl Read, after: IncidentId, resolved: bool) -> Result<Cond, StoreError> {
    use incident::Column as C;
    let last = incident::Entity::find_by_id(after.to_string())
        .one(&db.executor())
        .await
        .doing("read incidents")?
        .ok_or_else(|| StoreError::NotFound {
            subject: format!("incident {after}"),
        })?;
    if resolved {
        // One that is open stands before all that are over.
        let at = last.resolved_at.unwrap_or(i64::MAX);
        let same = Cond::all().add(C::ResolvedAt.eq(at)).add(C::Id.lt(last.id));
        return Ok(Cond::any().add(C::ResolvedAt.lt(at)).add(same));
    }
    let severity = Column("incident", "severity").word(Severity::from_word(&last.severity))?;
    let better = [Severity::Info, Severity::Warning, Severity::Critical]
        .into_iter()
        .filter(|other| *other < severity)
        .map(Severity::word);
    let same_time = Cond::all()
        .add(C::OpenedAt.eq(last.opened_at))
        .add(C::Id.gt(last.id));
    let same = Cond::all().add(C::Severity.eq(severity.word())).add(
        Cond::any()
            .add(C::OpenedAt.gt(last.opened_at))
            .add(same_time),
    );
    Ok(Cond::any().add(C::Severity.is_in(better)).add(same))
}

/// Incidents that hold every word, after one of them: the worst and then the oldest first when open, the newest first when
/// over.
///
/// # Errors
/// When the database cannot be read; [`StoreError::NotFound`] when `after` is no longer known.
pub async fn page(
    db: &impl Read,
    filter: &str,
    resolved: bool,
    after: Option<IncidentId>,
    limit: u64,
) -> Result<Vec<Incident>, StoreError> {
    let mut select = incident::Entity::find().limit(limit);
    for word in filter.split_whitespace() {
        let like = LikeExpr::new(anywhere(word)).escape('\\');
        select = select.filter(Expr::col(incident::Column::Search).like(like));
    }
    if let Some(after) = after {
        select = select.filter(behind(db, after, resolved).await?);
    }
    let select = if resolved {
        select
            .filter(incident::Column::ResolvedAt.is_not_null())
            .order_by_desc(incident::Column::ResolvedAt)
            .order_by_desc(incident::Column::Id)
    } else {
        select
            .filter(incident::Column::ResolvedAt.is_null())
            .order_by(rank(), Order::Asc)
            .order_by_asc(incident::Column::OpenedAt)
            .order_by_asc(incident::Column::Id)
    };
    list(db, select).await
}

/// Incidents that ended at `since` or later.
///
/// # Errors
/// When the database cannot be read.
pub async fn resolved_since(db: &impl Read, since: Micros) -> Result<Vec<Incident>, StoreError> {
    let select = incident::Entity::find()
        .filter(incident::Column::ResolvedAt.gte(since.0))
        .order_by_asc(incident::Column::ResolvedAt);
    list(db, select).await
}

/// Per target: since when drift is open that somebody made after the first comparison, and of how many fields.
///
/// # Errors
/// When the database cannot be read.
pub async fn drift_since(db: &impl Read) -> Result<BTreeMap<TargetId, (Micros, u32)>, StoreError> {
    let rows: Vec<(String, i64)> = drift::Entity::find()
        .filter(drift::Column::ClosedAt.is_null())
        .filter(drift::Column::Baseline.eq(false))
        .select_only()
        .columns([drift::Column::TargetId, drift::Column::OpenedAt])
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("read open drift")?;
    let mut found: BTreeMap<TargetId, (Micros, u32)> = BTreeMap::new();
    for (target, at) in rows {
        let target = Column("drift", "target_id").id(&target)?;
        let entry = found.entry(target).or_insert((Micros(at), 0));
        entry.0 = entry.0.min(Micros(at));
        entry.1 += 1;
    }
    Ok(found)
}

/// Per target: since when a value of an axis holds.
///
/// # Errors
/// When the database cannot be read.
pub async fn holding_since(
    db: &impl Read,
    axis: super::status::Axis,
    value: &str,
) -> Result<BTreeMap<TargetId, Micros>, StoreError> {
    let rows: Vec<(String, i64)> = status_interval::Entity::find()
        .filter(status_interval::Column::Axis.eq(axis.word()))
        .filter(status_interval::Column::Value.eq(value))
        .filter(status_interval::Column::ToAt.is_null())
        .select_only()
        .columns([
            status_interval::Column::TargetId,
            status_interval::Column::FromAt,
        ])
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("read how long states hold")?;
    rows.into_iter()
        .map(|(id, at)| Ok((Column("status_interval", "target_id").id(&id)?, Micros(at))))
        .collect()
}

/// Targets that have had a value of an axis at any time.
///
/// # Errors
/// When the database cannot be read.
pub async fn ever(
    db: &impl Read,
    axis: super::status::Axis,
    value: &str,
) -> Result<BTreeSet<TargetId>, StoreError> {
    let rows: Vec<String> = status_interval::Entity::find()
        .filter(status_interval::Column::Axis.eq(axis.word()))
        .filter(status_interval::Column::Value.eq(value))
        .select_only()
        .column(status_interval::Column::TargetId)
        .distinct()
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("read which states there were")?;
    rows.iter()
        .map(|id| Column("status_interval", "target_id").id(id))
        .collect()
}
