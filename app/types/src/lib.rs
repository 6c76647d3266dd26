//! The vocabulary of Lockstep: plain data and the ports through which pages, API and CLI ask the server.
//!
//! This crate does no I/O, reads no clock and knows no cluster, Git or database. Everything in it
//! crosses the wire, so there is no `usize`; times are [`Micros`].
//!
//! Start with [`application`] (what is placed where), [`diff`] and [`plan`] (what differs and what
//! would be done), [`sync`] (what was done) and [`ports`] (how to ask).

pub mod about;
pub mod accept;
pub mod access;
pub mod account;
pub mod action;
pub mod activity;
pub mod alert;
pub mod application;
pub mod ask;
pub mod blame;
pub mod cluster;
pub mod diff;
pub mod drift;
pub mod edit;
pub mod error;
pub mod event;
pub mod fleet;
pub mod health;
pub mod id;
pub mod image;
pub mod leftover;
pub mod log;
pub mod log_level;
pub mod login;
pub mod notify;
pub mod orphan;
pub mod parity;
pub mod past;
pub mod plan;
pub mod policy;
pub mod ports;
pub mod proposal;
pub mod pull;
pub mod reason;
pub mod rebuild;
pub mod reestablish;
pub mod resource;
pub mod retention;
pub mod revision;
pub mod rollback;
pub mod rollout;
pub mod set;
pub mod source;
pub mod sync;
pub mod sync_once;
pub mod time;
pub mod upcoming;
pub mod webhook;
pub mod window;

pub use error::PortError;
pub use time::Micros;
