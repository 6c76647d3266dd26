//! Sets up the log: text on a terminal, JSON lines elsewhere, level by `LOCKSTEP_LOG`.
//!
//! Owns nothing afterwards: `tracing` keeps the subscriber.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// What is logged when the operator says nothing: our own steps, and only warnings of libraries.
const DEFAULT: &str = "warn,server=info,engine=info,lockstep=info";

/// Installs the subscriber. A second call, as in tests, changes nothing.
pub fn start() {
    let filter =
        EnvFilter::try_from_env("LOCKSTEP_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // `err` means a subscriber is there already.
    let _ = if std::io::stderr().is_terminal() {
        builder.finish().try_init()
    } else {
        builder.json().flatten_event(true).finish().try_init()
    };
}
