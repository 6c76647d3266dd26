//! The pages, one file per noun: each reads its address, asks its server functions, and lays out parts.

pub mod accept;
pub mod activity;
pub mod alerts;
pub mod application;
pub mod approvals;
pub mod clusters;
pub mod commit;
pub mod drift;
pub mod edit;
pub mod fleet;
pub mod holds;
pub mod leftovers;
pub mod login;
pub mod not_found;
pub mod orphans;
pub mod parity;
pub mod preview;
pub mod problems;
pub mod promote;
pub mod rebuild;
pub mod reestablish;
pub mod rollback;
pub mod settings;
pub mod setup;
pub mod sync_run;
