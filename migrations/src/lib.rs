//! The database schema, as steps forward and back. A step that was released is never edited: write another one.
//!
//! Times are BIGINT microseconds, ids and JSON are text: both databases then sort and compare alike. Every step
//! runs in one transaction, so a start that is killed half-way leaves the schema as it was.

mod m20261123_080000_create_installation;
mod m20261123_080100_create_sources_and_clusters;
mod m20261123_080200_create_applications;
mod m20261123_080300_create_renders;
mod m20261123_080400_create_runs;
mod m20261123_080500_create_accounts;
mod m20261126_010000_add_phases_to_steps;
mod m20261126_030000_create_source_revisions;
mod m20261126_040000_create_commit_render;
mod m20261127_040000_create_policy;
mod m20261127_050000_create_alerts;
mod m20261127_060000_add_hold_kind;
mod m20261127_063000_create_sign_on;
mod m20261128_030000_keep_statuses_given_up;
mod m20261128_040000_guard_audit_log;
mod m20261128_050000_keep_deployed_over_time;
mod m20261128_060000_create_revision_mark;
mod m20261128_070000_comment_on_pull_requests;
mod m20261128_080000_know_who_approved;
mod m20261128_090000_find_the_newest_of_each;
mod m20261128_100000_let_bodies_go;
mod m20261128_110000_find_commits_by_repository;
mod m20261128_130000_bring_clusters_back;
mod m20261128_140000_ask_a_second_person;
mod m20261128_150000_sync_once;
mod schema;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

/// All steps, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_080000_create_installation::Migration),
            Box::new(m20261123_080100_create_sources_and_clusters::Migration),
            Box::new(m20261123_080200_create_applications::Migration),
            Box::new(m20261123_080300_create_renders::Migration),
            Box::new(m20261123_080400_create_runs::Migration),
            Box::new(m20261123_080500_create_accounts::Migration),
            Box::new(m20261126_010000_add_phases_to_steps::Migration),
            Box::new(m20261126_030000_create_source_revisions::Migration),
            Box::new(m20261126_040000_create_commit_render::Migration),
            Box::new(m20261127_040000_create_policy::Migration),
            Box::new(m20261127_050000_create_alerts::Migration),
            Box::new(m20261127_060000_add_hold_kind::Migration),
            Box::new(m20261127_063000_create_sign_on::Migration),
            Box::new(m20261128_030000_keep_statuses_given_up::Migration),
            Box::new(m20261128_040000_guard_audit_log::Migration),
            Box::new(m20261128_050000_keep_deployed_over_time::Migration),
            Box::new(m20261128_060000_create_revision_mark::Migration),
            Box::new(m20261128_070000_comment_on_pull_requests::Migration),
            Box::new(m20261128_080000_know_who_approved::Migration),
            Box::new(m20261128_090000_find_the_newest_of_each::Migration),
            Box::new(m20261128_100000_let_bodies_go::Migration),
            Box::new(m20261128_110000_find_commits_by_repository::Migration),
            Box::new(m20261128_130000_bring_clusters_back::Migration),
            Box::new(m20261128_140000_ask_a_second_person::Migration),
            Box::new(m20261128_150000_sync_once::Migration),
        ]
    }
}
