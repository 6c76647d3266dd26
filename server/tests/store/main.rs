//! The store suite. Every test of behaviour runs on SQLite and on PostgreSQL, each with a database of its own.
//!
//! PostgreSQL: `LOCKSTEP_TEST_POSTGRES` names a server and a role that may create databases; when it is unset the suite
//! starts a server of its own from the distribution's package and stops it at the end.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is wrong"
)]

/// Runs functions that take a fresh [`database::Db`] on both databases.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let db = crate::database::Db::sqlite().await;
                super::$name(&db).await;
                db.end().await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let db = crate::database::Db::postgres().await;
                super::$name(&db).await;
                db.end().await;
            })+
        }
    };
}

mod accounts;
mod alerts;
mod applications;
mod approvals;
mod attacks;
mod audit;
mod audit_chain;
mod commits;
mod database;
mod drift;
mod events;
mod fixture;
mod inventory;
mod leases;
mod migrating;
mod opening;
mod past;
mod policy;
mod postgres;
mod renders;
mod retention;
mod runs;
// Minutes to hours: `make bench B=B15` alone runs it.
#[cfg(feature = "scale")]
mod scale;
mod sources;
mod targets;
mod teams;
mod writers;
