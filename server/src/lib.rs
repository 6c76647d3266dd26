//! The server: configuration, database, accounts, HTTP, and the reconcilers that drive the engine's stages.
//!
//! Where to start reading: [`compose`] builds everything and names every task; [`http`] is what the outside sees;
//! the ports of `lockstep_types` are what it asks.
#![cfg(feature = "serve")]
// Layers and page handlers nest deeply in types.
#![recursion_limit = "256"]

pub mod access;
pub mod accounts;
pub mod authority;
pub mod backup;
pub mod command;
pub mod compose;
pub mod config;
pub mod control_plane;
pub mod events;
pub mod http;
pub mod installation;
pub mod notify;
pub mod reconcile;
pub mod retention;
pub mod rotation;
pub mod runtime;
mod sealed;
pub mod secrets;
pub mod sso;
pub mod store;
pub mod telemetry;
