//! The pages, one file per noun: each reads its address, asks its server functions, and lays out parts.

pub mod application;
pub mod fleet;
pub mod login;
pub mod not_found;
pub mod rollback;
pub mod setup;
pub mod activity;
pub mod approvals;
pub mod cluster;
pub mod clusters;
pub mod commit;
pub mod drift;
pub mod problems;
pub mod settings;
pub mod sync_run;
