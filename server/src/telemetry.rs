//! Sets up the log: text on a terminal, JSON lines elsewhere, level by `LOCKSTEP_LOG`.
//!
//! Owns nothing afterwards: `tracing` keeps the subscriber.

use std::io::IsTerminal;
use tracing::Metadata;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::SubscriberExt;
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
        builder.finish().with(harmless()).try_init()
    } else {
        builder
            .json()
            .flatten_event(true)
            .finish()
            .with(harmless())
            .try_init()
    };
}

/// The library that reads OpenPGP keys writes private ones into its own log, whatever level is asked for elsewhere.
fn harmless() -> FilterFn {
    FilterFn::new(|about: &Metadata| {
        let target = about.target();
        target != "pgp" && !target.starts_with("pgp::")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn the_library_of_keys_never_speaks() {
        let everything = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("trace,pgp::packet=trace"))
            .with_writer(std::io::sink)
            .finish()
            .with(harmless());
        tracing::subscriber::with_default(everything, || {
            assert!(tracing::enabled!(target: "server", Level::TRACE));
            assert!(tracing::enabled!(target: "pgpass", Level::TRACE));
            for level_of_key in [
                tracing::enabled!(target: "pgp", Level::ERROR),
                tracing::enabled!(target: "pgp::packet::secret_key_parser", Level::DEBUG),
                tracing::enabled!(target: "pgp::packet", Level::TRACE),
            ] {
                assert!(!level_of_key);
            }
        });
    }
}
