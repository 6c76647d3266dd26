//! The audit log as pages list it: newest first.

use super::super::columns::{Column, anywhere, big, number};
use super::super::entity::audit;
use super::super::error::Doing;
use super::super::visible::{few_targets, newest_of_each, of_targets};
use super::super::{Read, StoreError};
use super::{Act, AuditEntry};
use lockstep_types::Micros;
use lockstep_types::id::{ApplicationId, TargetId, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr, Order, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use std::collections::BTreeSet;

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Words over actor, action, subject and reason; all must match.
    pub filter: String,
    pub target: Option<TargetId>,
    /// Only entries before this number; the next page begins at the last one's. They are then in the order of numbers, else
    /// in that of time.
    pub before: Option<u64>,
    /// Only entries older than this.
    pub before_at: Option<Micros>,
    pub since: Option<Micros>,
    pub limit: u64,
    /// The heads of tracked branches instead of acts; see [`anchor`](super::anchor).
    pub anchors: bool,
    /// Only acts on targets of these applications, and those of this person.
    pub only: Option<(BTreeSet<ApplicationId>, UserId)>,
}

impl AuditQuery {
    /// Written out, not bound: so it fits the condition of the indexes that keep the two apart.
    fn kind(&self) -> &'static str {
        match self.anchors {
            true => "action = 'anchor'",
            false => "action <> 'anchor'",
        }
    }

    /// Nothing is asked for but what is older than a moment.
    fn is_plain(&self) -> bool {
        self.filter.trim().is_empty()
            && self.target.is_none()
            && self.before.is_none()
            && self.since.is_none()
    }
}

/// Entries that match, newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(db: &impl Read, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
    let select = match numbers_of_few(db, query).await? {
        Some(numbers) => audit::Entity::find()
            .filter(audit::Column::Seq.is_in(numbers))
            .order_by_desc(audit::Column::At)
            .order_by_desc(audit::Column::Seq),
        None => matching(query).limit(query.limit),
    };
    let rows = select
        .all(&db.executor())
        .await
        .doing("read the audit log")?;
    rows.into_iter().map(entry).collect()
}

/// The same, and what else happened in the moment of the last: a page may be longer than its limit, and the next one begins
/// before that moment.
///
/// # Errors
/// When the database cannot be read.
pub async fn page(db: &impl Read, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
    let mut found = list(db, query).await?;
    if let Some(last) = found.last() {
        let tied = matching(query)
            .filter(audit::Column::At.eq(last.at.0))
            .filter(audit::Column::Seq.lt(big(last.seq)));
        let tied = tied.all(&db.executor()).await.doing("read the audit log")?;
        for row in tied {
            found.push(entry(row)?);
        }
    }
    Ok(found)
}

fn matching(query: &AuditQuery) -> Select<audit::Entity> {
    let mut select = audit::Entity::find().filter(Expr::cust(query.kind()));
    if query.before.is_none() {
        select = select.order_by_desc(audit::Column::At);
    }
    select = select.order_by_desc(audit::Column::Seq);
    for word in query.filter.split_whitespace() {
        let mut any = Condition::any();
        for column in [
            audit::Column::Actor,
            audit::Column::Action,
            audit::Column::Subject,
            audit::Column::Reason,
        ] {
            let text = Expr::expr(Func::lower(Expr::col(column)));
            any = any.add(text.like(LikeExpr::new(anywhere(word)).escape('\\')));
        }
        select = select.filter(any);
    }
    if let Some(target) = query.target {
        select = select.filter(audit::Column::TargetId.eq(target.to_string()));
    }
    if let Some((only, person)) = &query.only {
        let on_targets = Condition::all()
            .add(audit::Column::TargetId.is_not_null())
            .add(of_targets(audit::Column::TargetId, Some(only)));
        select = select.filter(
            Condition::any()
                .add(on_targets)
                .add(audit::Column::ActorId.eq(person.to_string())),
        );
    }
    if let Some(before) = query.before {
        select = select.filter(audit::Column::Seq.lt(big(before)));
    }
    if let Some(before) = query.before_at {
        select = select.filter(audit::Column::At.lt(before.0));
    }
    if let Some(since) = query.since {
        select = select.filter(audit::Column::At.gte(since.0));
    }
    select
}

/// The entries that a person may see who has few targets; `None` when they have many, or more is asked for.
async fn numbers_of_few(
    db: &impl Read,
    query: &AuditQuery,
) -> Result<Option<Vec<i64>>, StoreError> {
    use audit::Column as C;
    let Some((only, person)) = query.only.as_ref().filter(|_| query.is_plain()) else {
        return Ok(None);
    };
    let Some(targets) = few_targets(db, Some(only)).await? else {
        return Ok(None);
    };
    let of = |column: C, value: &str| {
        let mut select = Query::select();
        select
            .columns([C::Seq, C::At])
            .from(audit::Entity)
            .and_where(Expr::cust(query.kind()))
            .and_where(Expr::col(column).eq(value))
            .order_by(C::At, Order::Desc)
            .order_by(C::Seq, Order::Desc);
        if let Some(before) = query.before_at {
            select.and_where(Expr::col(C::At).lt(before.0));
        }
        select
    };
    let own = of(C::ActorId, &person.to_string());
    let on_targets = targets.iter().map(|target| of(C::TargetId, target));
    let parts: Vec<SelectStatement> = on_targets.chain([own]).collect();
    let newest = newest_of_each(db, &parts, query.limit, |row| {
        Ok((row.try_get("", "at")?, row.try_get("", "seq")?))
    });
    let newest: BTreeSet<(i64, i64)> = newest.await.doing("read the audit log")?;
    Ok(Some(newest.into_iter().map(|(_, seq)| seq).collect()))
}

fn entry(row: audit::Model) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        seq: number(row.seq),
        at: Micros(row.at),
        act: Act {
            actor: row.actor,
            actor_id: Column("audit", "actor_id").maybe_id(row.actor_id.as_deref())?,
            token: Column("audit", "token_id").maybe_id(row.token_id.as_deref())?,
            action: row.action,
            subject: row.subject,
            target: Column("audit", "target_id").maybe_id(row.target_id.as_deref())?,
            reason: row.reason,
            detail: Column("audit", "detail").json(&row.detail)?,
        },
        previous_hash: row.previous_hash,
        hash: row.hash,
    })
}
