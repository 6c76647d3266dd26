//! The audit log: every act of a person or token, chained by hashes so that a changed or removed entry shows.
//!
//! Entries are written by [`Tx::record`](super::Tx::record) and appended when the transaction commits.

use super::columns::{Column, anywhere, big, json, number};
use super::entity::{audit, audit_head};
use super::error::Doing;
use super::visible::of_targets;
use super::{Read, StoreError};
use lockstep_types::Micros;
use lockstep_types::account::Actor;
use lockstep_types::id::{ApplicationId, TargetId, TokenId, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What somebody did.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// Display name, as it was then.
    pub actor: String,
    pub actor_id: Option<UserId>,
    pub token: Option<TokenId>,
    /// A short verb: `sync`, `approve`, `create user`.
    pub action: String,
    /// What it was done to, in words.
    pub subject: String,
    pub target: Option<TargetId>,
    pub reason: String,
    /// More, without secrets.
    pub detail: Value,
}

impl Act {
    /// An act of `actor`, without target, reason and detail.
    pub fn by(actor: &Actor, action: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            actor_id: Some(actor.user),
            token: actor.token,
            ..Self::unattended(actor.name.clone(), action, subject)
        }
    }

    /// An act of the server itself, or of somebody who has no account yet.
    pub fn unattended(
        actor: impl Into<String>,
        action: impl Into<String>,
        subject: impl Into<String>,
    ) -> Self {
        Self {
            actor: actor.into(),
            actor_id: None,
            token: None,
            action: action.into(),
            subject: subject.into(),
            target: None,
            reason: String::new(),
            detail: Value::Null,
        }
    }

    /// The same act, on a target.
    #[must_use]
    pub fn on(mut self, target: TargetId) -> Self {
        self.target = Some(target);
        self
    }

    /// The same act, with the reason that was given.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// The same act, with more about it. No secrets.
    #[must_use]
    pub fn with(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

/// An act in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    pub seq: u64,
    pub at: Micros,
    pub act: Act,
    pub previous_hash: String,
    pub hash: String,
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Words over actor, action, subject and reason; all must match.
    pub filter: String,
    pub target: Option<TargetId>,
    /// Only entries before this number; the next page begins at the last one's.
    pub before: Option<u64>,
    /// Only entries older than this.
    pub before_at: Option<Micros>,
    pub since: Option<Micros>,
    pub limit: u64,
    /// Only acts on targets of these applications, and those of this person.
    pub only: Option<(BTreeSet<ApplicationId>, UserId)>,
}

/// What checking the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainCheck {
    /// Entries that are as they were written.
    pub sound: u64,
    /// The first entry that is not, and why.
    pub broken: Option<(u64, String)>,
}

/// The columns in a fixed order, as JSON: no two different entries have the same text.
fn hash_of(row: &audit::Model) -> String {
    let fields = serde_json::json!([
        row.seq,
        row.at,
        row.actor,
        row.actor_id,
        row.token_id,
        row.action,
        row.subject,
        row.target_id,
        row.reason,
        row.detail,
        row.previous_hash
    ]);
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(fields.to_string()) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

pub(super) async fn append(
    db: &DatabaseTransaction,
    now: Micros,
    acts: Vec<Act>,
) -> Result<(), StoreError> {
    if acts.is_empty() {
        return Ok(());
    }
    let doing = "append to the audit log";
    let added = i64::try_from(acts.len()).unwrap_or(i64::MAX);
    // Locks the end of the chain until the commit: two entries never have the same predecessor.
    let take = Query::update()
        .table(audit_head::Entity)
        .value(
            audit_head::Column::Seq,
            Expr::col(audit_head::Column::Seq).add(added),
        )
        .returning(Query::returning().columns([audit_head::Column::Seq, audit_head::Column::Hash]))
        .take();
    let head = db
        .query_one(&take)
        .await
        .doing(doing)?
        .ok_or(Column("audit_head", "seq").unreadable())?;
    let last: i64 = head.try_get_by_index(0).doing(doing)?;
    let mut previous_hash: String = head.try_get_by_index(1).doing(doing)?;
    for (seq, act) in (last - added + 1..).zip(acts) {
        let mut row = audit::Model {
            seq,
            at: now.0,
            actor: act.actor,
            actor_id: act.actor_id.map(|id| id.to_string()),
            token_id: act.token.map(|id| id.to_string()),
            action: act.action,
            subject: act.subject,
            target_id: act.target.map(|id| id.to_string()),
            reason: act.reason,
            detail: json("an audit entry", &act.detail)?,
            previous_hash,
            hash: String::new(),
        };
        row.hash = hash_of(&row);
        previous_hash = row.hash.clone();
        audit::Entity::insert(row.into_active_model())
            .exec_without_returning(db)
            .await
            .doing(doing)?;
    }
    audit_head::Entity::update_many()
        .col_expr(audit_head::Column::Hash, Expr::value(previous_hash))
        .exec(db)
        .await
        .doing(doing)?;
    Ok(())
}

/// Entries that match, newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(db: &impl Read, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
    let mut select = audit::Entity::find()
        .order_by_desc(audit::Column::Seq)
        .limit(query.limit);
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
    let rows = select
        .all(&db.executor())
        .await
        .doing("read the audit log")?;
    rows.into_iter().map(entry).collect()
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

/// Reads the whole chain and computes every hash again.
///
/// # Errors
/// When the database cannot be read. A broken chain is an answer, not an error.
pub async fn check_chain(db: &impl Read) -> Result<ChainCheck, StoreError> {
    let doing = "check the audit log";
    let (mut sound, mut previous) = (0_i64, String::new());
    let broken = |sound: i64, why: &str| {
        Ok(ChainCheck {
            sound: number(sound),
            broken: Some((number(sound + 1), why.to_owned())),
        })
    };
    loop {
        let rows = audit::Entity::find()
            .filter(audit::Column::Seq.gt(sound))
            .order_by_asc(audit::Column::Seq)
            .limit(1000)
            .all(&db.executor())
            .await
            .doing(doing)?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if row.seq != sound + 1 {
                return broken(sound, "the entry is missing");
            }
            if row.previous_hash != previous {
                return broken(sound, "it does not follow from the entry before it");
            }
            if hash_of(&row) != row.hash {
                return broken(sound, "it was changed after it was written");
            }
            (sound, previous) = (row.seq, row.hash);
        }
    }
    let head = audit_head::Entity::find()
        .one(&db.executor())
        .await
        .doing(doing)?;
    match head {
        Some(head) if head.seq == sound && head.hash == previous => Ok(ChainCheck {
            sound: number(sound),
            broken: None,
        }),
        Some(head) if head.seq > sound => broken(sound, "the entry is missing"),
        _ => broken(sound, "the end of the log was changed"),
    }
}
