//! What the browser may ask of the server: one server function per question, under `/sfn`.
//!
//! Each takes its [`crate::context::Desk`] first, calls one port, and returns its answer; authorisation is
//! the port's. Those that change something are plain forms (`ActionForm`), so they work without WASM;
//! those that read take JSON.

pub mod accepts;
pub mod access;
pub mod accounts;
pub mod alerts;
pub mod applications;
pub mod clusters;
pub mod edits;
pub mod fleet;
pub mod leftovers;
pub mod logins;
pub mod logs;
pub mod parity;
pub mod rollbacks;
pub mod session;
pub mod sources;
pub mod syncs;
pub mod webhooks;
