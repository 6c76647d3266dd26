//! The policy in force: where it is read from, what it says, and what was wrong with the newest revision. One row, so that
//! a restart has the last good policy before any repository was fetched.

use super::columns::{Column, big, json, maybe_json, number};
use super::entity::policy;
use super::error::Doing;
use super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::SourceId;
use lockstep_types::policy::{PolicyProblem, PolicyText};
use lockstep_types::revision::Revision;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};

const ONLY: i32 = 1;

/// The policy as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow {
    /// Rises with every change of what is in force.
    pub version: u64,
    /// The source that holds the policy; `None`: none is in force.
    pub source: Option<SourceId>,
    pub source_name: String,
    /// What is in force; `None` until the source was read once without a problem.
    pub body: Option<PolicyText>,
    /// The commit of `body`.
    pub revision: Revision,
    pub since: Option<Micros>,
    /// The commit that was read last.
    pub tried: String,
    pub read_at: Option<Micros>,
    /// What is wrong with the commit that was read last. The policy before it stays in force.
    pub problems: Vec<PolicyProblem>,
}

impl Default for PolicyRow {
    fn default() -> Self {
        Self {
            version: 0,
            source: None,
            source_name: String::new(),
            body: None,
            revision: Revision(String::new()),
            since: None,
            tried: String::new(),
            read_at: None,
            problems: Vec::new(),
        }
    }
}

/// The number of the policy in force; 0 before there ever was one.
///
/// # Errors
/// When the database cannot be read.
pub async fn version(db: &impl Read) -> Result<u64, StoreError> {
    let found: Option<i64> = policy::Entity::find_by_id(ONLY)
        .select_only()
        .column(policy::Column::Version)
        .into_tuple()
        .one(&db.executor())
        .await
        .doing("read the number of the policy")?;
    Ok(found.map_or(0, number))
}

/// The policy; empty before there ever was one.
///
/// # Errors
/// When the database cannot be read.
pub async fn get(db: &impl Read) -> Result<PolicyRow, StoreError> {
    let found = policy::Entity::find_by_id(ONLY)
        .one(&db.executor())
        .await
        .doing("read the policy")?;
    let Some(row) = found else {
        return Ok(PolicyRow::default());
    };
    Ok(PolicyRow {
        version: number(row.version),
        source: Column("policy", "source_id").maybe_id(row.source_id.as_deref())?,
        source_name: row.source_name,
        body: Column("policy", "body").maybe_json(row.body.as_deref())?,
        revision: Revision(row.revision),
        since: row.since.map(Micros),
        tried: row.tried,
        read_at: row.read_at.map(Micros),
        problems: Column("policy", "problems").json(&row.problems)?,
    })
}

/// The policy to be changed in this transaction: nobody else changes it meanwhile.
///
/// # Errors
/// When the database cannot be read.
pub async fn get_to_change(tx: &mut Tx) -> Result<PolicyRow, StoreError> {
    policy::Entity::update_many()
        .col_expr(policy::Column::Id, Expr::value(ONLY))
        .filter(policy::Column::Id.eq(ONLY))
        .exec(tx.db())
        .await
        .doing("take the policy")?;
    get(tx).await
}

/// Writes the policy after [`get_to_change`]. Its number rises, and everybody's rights are looked at again, when `changed`.
///
/// # Errors
/// When the database cannot be written.
pub async fn put(tx: &mut Tx, row: &PolicyRow, changed: bool) -> Result<(), StoreError> {
    let version = version(tx).await? + u64::from(changed);
    let model = policy::Model {
        id: ONLY,
        version: big(version),
        source_id: row.source.map(|id| id.to_string()),
        source_name: row.source_name.clone(),
        body: maybe_json("the policy", row.body.as_ref())?,
        revision: row.revision.0.clone(),
        since: row.since.map(|at| at.0),
        tried: row.tried.clone(),
        read_at: row.read_at.map(|at| at.0),
        problems: json("the problems of the policy", &row.problems)?,
    };
    policy::Entity::insert(model.into_active_model())
        .on_conflict(
            OnConflict::column(policy::Column::Id)
                .update_columns([
                    policy::Column::Version,
                    policy::Column::SourceId,
                    policy::Column::SourceName,
                    policy::Column::Body,
                    policy::Column::Revision,
                    policy::Column::Since,
                    policy::Column::Tried,
                    policy::Column::ReadAt,
                    policy::Column::Problems,
                ])
                .to_owned(),
        )
        .exec_without_returning(tx.db())
        .await
        .doing("write the policy")?;
    tx.announce(Subject::Account, EventKind::Changed);
    Ok(())
}
