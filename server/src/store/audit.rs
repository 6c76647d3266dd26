//! The audit log: every act of a person or token, chained by hashes so that a changed or removed entry shows.
//!
//! Entries are written by [`Tx::record`](super::Tx::record) and appended when the transaction commits.

mod check;
mod list;

pub use check::{
    Broken, ChainCheck, Damage, ExpectedHead, Named, NoHead, check_against, check_chain,
};
pub use list::{AuditQuery, list, page};

use super::columns::{Column, ROWS_AT_ONCE, json};
use super::entity::{audit, audit_head};
use super::error::Doing;
use super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::account::Actor;
use lockstep_types::id::{TargetId, TokenId, UserId};
use lockstep_types::revision::{Revision, TargetRevision};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::net::IpAddr;

/// The action of entries that are no act: where a tracked branch is.
const ANCHOR: &str = "anchor";

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

tokio::task_local! {
    /// Where whoever asks is, while something is done for them.
    static CALLER: IpAddr;
}

/// Does something for a caller at this address: every act that is recorded meanwhile says so.
pub async fn asked_from<T>(address: IpAddr, work: impl Future<Output = T>) -> T {
    CALLER.scope(address.to_canonical(), work).await
}

impl Act {
    /// With the caller's address in its detail, where it has none yet.
    pub(crate) fn with_caller(mut self) -> Self {
        // Nobody asks for what the server does by itself.
        let Ok(address) = CALLER.try_with(|address| *address) else {
            return self;
        };
        if matches!(self.detail, Value::Null) {
            self.detail = serde_json::json!({});
        }
        if let Value::Object(fields) = &mut self.detail {
            fields
                .entry("address")
                .or_insert_with(|| Value::String(address.to_string()));
        }
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

/// The columns in a fixed order, as a JSON array: its texts are quoted, so no two different entries have the same text, and
/// what is absent differs from what is empty. The first element is a number; an array that begins with a text is free for
/// another way to compute digests, should one ever be needed.
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
    let mut rows = Vec::with_capacity(acts.len());
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
        rows.push(row.into_active_model());
    }
    for rows in rows.chunks(ROWS_AT_ONCE) {
        audit::Entity::insert_many(rows.to_vec())
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

/// Writes down where a tracked branch is, unless that is what was written last. Answers whether it was news.
///
/// One entry for each move, in the transaction that records the commits it brought: the chain then grows no faster than
/// Git, every act stands between the heads before and after it, and nothing has to be remembered until somebody acts.
///
/// # Errors
/// When the database cannot be read.
pub async fn anchor(
    tx: &mut Tx,
    repository: &str,
    tracked: &TargetRevision,
    head: &Revision,
) -> Result<bool, StoreError> {
    let subject = format!("{} of {repository}", tracked.name());
    let last = audit::Entity::find()
        .filter(Expr::cust("action = 'anchor'"))
        .filter(audit::Column::Subject.eq(subject.as_str()))
        .order_by_desc(audit::Column::Seq)
        .one(tx.db())
        .await
        .doing("read the audit log")?;
    if last.is_some_and(|last| last.reason == head.0) {
        return Ok(false);
    }
    let detail = serde_json::json!({"repository": repository, "revision": tracked, "commit": head});
    tx.record(
        Act::unattended("lockstep", ANCHOR, subject)
            .because(head.0.clone())
            .with(detail),
    );
    Ok(true)
}

/// The end of the chain as `NUMBER:DIGEST`, to be kept where nobody who has the database can change it; see
/// [`ExpectedHead`].
///
/// # Errors
/// When the database cannot be read.
pub async fn head(db: &impl Read) -> Result<String, StoreError> {
    let head = audit_head::Entity::find()
        .one(&db.executor())
        .await
        .doing("read the end of the audit log")?;
    Ok(head.map_or_else(
        || "0:".to_owned(),
        |head| format!("{}:{}", head.seq, head.hash),
    ))
}
