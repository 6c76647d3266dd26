//! Sets up the log: text on a terminal, JSON lines elsewhere. What is logged is said by `LOCKSTEP_LOG`, and while the
//! process runs by [`set_level`].
//!
//! `tracing` keeps the subscriber; this keeps the handle with which its filter is changed.

use lockstep_types::log_level::{LogLevel, LogLevelView};
use std::io::IsTerminal;
use std::sync::{Mutex, OnceLock, PoisonError};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What is logged when the operator says nothing: our own steps, and only warnings of libraries.
const DEFAULT: &str = "warn,server=info,engine=info,lockstep=info";
/// Our own parts. Libraries stay as they were started: they know what goes over wires.
const OURS: [&str; 3] = ["server", "engine", "lockstep"];

/// Puts another filter in place of the one in force; false when there is no log any more.
type Replace = Box<dyn Fn(EnvFilter) -> bool + Send + Sync>;

/// The log of this process.
struct Log {
    /// As it was started.
    filter: String,
    level: Mutex<Option<LogLevel>>,
    replace: Replace,
}

static LOG: OnceLock<Log> = OnceLock::new();

/// There is no log whose level could be changed.
#[derive(Debug, thiserror::Error)]
#[error("the log of this process was not set up by Lockstep")]
pub struct NoLog;

impl Log {
    fn view(&self) -> LogLevelView {
        let level = *self.level.lock().unwrap_or_else(PoisonError::into_inner);
        LogLevelView {
            filter: with(&self.filter, level),
            level,
        }
    }

    fn set(&self, level: Option<LogLevel>) -> Result<(), NoLog> {
        let mut now = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        if !(self.replace)(EnvFilter::new(with(&self.filter, level))) {
            return Err(NoLog);
        }
        *now = level;
        Ok(())
    }
}

/// A filter with our own parts at a level. What is said last of a part counts.
fn with(filter: &str, level: Option<LogLevel>) -> String {
    let mut filter = filter.to_owned();
    for part in level
        .iter()
        .flat_map(|level| OURS.map(|part| (part, level)))
    {
        filter.push_str(&format!(",{}={}", part.0, part.1.word()));
    }
    filter
}

/// Installs the subscriber. A second call, as in tests, changes nothing.
pub fn start() {
    let asked = std::env::var("LOCKSTEP_LOG").ok();
    let filter = asked
        .filter(|text| EnvFilter::try_new(text).is_ok() && !text.trim().is_empty())
        .unwrap_or_else(|| DEFAULT.to_owned());
    let lines = !std::io::stderr().is_terminal();
    let (subscriber, replace) = built(&filter, lines, std::io::stderr);
    // `err` means a subscriber is there already.
    if subscriber.try_init().is_ok() {
        let _ = LOG.set(Log {
            filter,
            level: Mutex::new(None),
            replace,
        });
    }
}

/// A log that goes nowhere, so that tests can change its level.
#[cfg(test)]
pub(crate) fn start_into_nothing() {
    let (subscriber, replace) = built(DEFAULT, true, std::io::sink);
    let kept = tracing::Dispatch::new(subscriber);
    let _ = LOG.set(Log {
        filter: DEFAULT.to_owned(),
        level: Mutex::new(None),
        replace: Box::new(move |filter| {
            let _still_there = &kept;
            replace(filter)
        }),
    });
}

/// What is logged now; no filter where the log is not ours.
pub fn level() -> LogLevelView {
    LOG.get().map_or_else(LogLevelView::default, Log::view)
}

/// Has our own parts log at this level from now on; `None`: as the process was started.
///
/// # Errors
/// When the log is not ours.
pub fn set_level(level: Option<LogLevel>) -> Result<(), NoLog> {
    LOG.get().ok_or(NoLog)?.set(level)
}

/// What is logged, as JSON lines or as text, and where to; and how to change it.
fn built<W>(filter: &str, lines: bool, writer: W) -> (Box<dyn Subscriber + Send + Sync>, Replace)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt().with_writer(writer);
    let filter = EnvFilter::new(filter);
    match lines {
        false => {
            let builder = builder.with_env_filter(filter).with_filter_reloading();
            let handle = builder.reload_handle();
            (
                Box::new(builder.finish().with(harmless())),
                Box::new(move |filter| handle.reload(filter).is_ok()),
            )
        }
        true => {
            let builder = builder.json().flatten_event(true);
            let builder = builder.with_env_filter(filter).with_filter_reloading();
            let handle = builder.reload_handle();
            (
                Box::new(builder.finish().with(harmless())),
                Box::new(move |filter| handle.reload(filter).is_ok()),
            )
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
            let (subscriber, _) = built("trace,pgp::packet=trace", lines, std::io::sink);
            tracing::subscriber::with_default(subscriber, || {
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

    #[test]
    fn the_level_of_our_own_parts_changes_while_it_runs() {
        for lines in [false, true] {
            let (subscriber, replace) = built(DEFAULT, lines, std::io::sink);
            let log = Log {
                filter: DEFAULT.to_owned(),
                level: Mutex::new(None),
                replace,
            };
            tracing::subscriber::with_default(subscriber, || {
                let enabled = || {
                    [
                        tracing::enabled!(target: "server::notify", Level::DEBUG),
                        tracing::enabled!(target: "engine", Level::INFO),
                        tracing::enabled!(target: "kube", Level::WARN),
                        tracing::enabled!(target: "kube", Level::INFO),
                    ]
                };
                assert_eq!(enabled(), [false, true, true, false]);
                log.set(Some(LogLevel::Debug)).unwrap();
                assert_eq!(enabled(), [true, true, true, false]);
                assert_eq!(
                    log.view().filter,
                    format!("{DEFAULT},server=debug,engine=debug,lockstep=debug")
                );
                log.set(Some(LogLevel::Error)).unwrap();
                assert_eq!(enabled(), [false, false, true, false]);
                log.set(None).unwrap();
                assert_eq!(enabled(), [false, true, true, false]);
                let expected = LogLevelView {
                    level: None,
                    filter: DEFAULT.to_owned(),
                };
                assert_eq!(log.view(), expected);
            });
        }
    }
}
