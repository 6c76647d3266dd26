//! Sets up the log: text on a terminal, JSON lines elsewhere, level by `LOCKSTEP_LOG`.
//!
//! Owns nothing afterwards: `tracing` keeps the subscriber.

use std::io::IsTerminal;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What is logged when the operator says nothing: our own steps, and only warnings of libraries.
const DEFAULT: &str = "warn,server=info,engine=info,lockstep=info";

/// Installs the subscriber. A second call, as in tests, changes nothing.
pub fn start() {
    let filter =
        EnvFilter::try_from_env("LOCKSTEP_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let lines = !std::io::stderr().is_terminal();
    // `err` means a subscriber is there already.
    let _ = built(filter, lines, std::io::stderr).try_init();
}

/// What is logged, as JSON lines or as text, and where to.
fn built<W>(filter: EnvFilter, lines: bool, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    match lines {
        false => Box::new(builder.finish().with(harmless())),
        true => {
            let builder = builder.json().flatten_event(true);
            Box::new(builder.finish().with(harmless()))
        }
    }
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
        for lines in [false, true] {
            let filter = EnvFilter::new("trace,pgp::packet=trace");
            tracing::subscriber::with_default(built(filter, lines, std::io::sink), || {
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
}
