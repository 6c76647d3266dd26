//! Many calls for one key make one at once and one at the end, so that no push is missed and a flood costs nothing.
//! Knows no clock: the caller says when it is.

use crate::runtime::activator::locked;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// When each key was let through last. Keys are those of known repositories, so that there are few.
#[derive(Debug, Default)]
pub(super) struct Debounce(Mutex<HashMap<String, Entry>>);

#[derive(Debug, Clone, Copy)]
struct Entry {
    last: Instant,
    planned: bool,
}

/// What to do for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Act at once.
    Now,
    /// Act after this time, then tell [`Debounce::fired`].
    After(Duration),
    /// Somebody will act anyway.
    Planned,
}

impl Debounce {
    pub(super) fn ask(&self, key: &str, now: Instant, apart: Duration) -> Verdict {
        let mut entries = locked(&self.0);
        let Some(entry) = entries.get_mut(key) else {
            let last = now;
            entries.insert(
                key.to_owned(),
                Entry {
                    last,
                    planned: false,
                },
            );
            return Verdict::Now;
        };
        let since = now.saturating_duration_since(entry.last);
        if entry.planned {
            Verdict::Planned
        } else if since >= apart {
            entry.last = now;
            Verdict::Now
        } else {
            entry.planned = true;
            Verdict::After(apart.saturating_sub(since))
        }
    }

    pub(super) fn fired(&self, key: &str, now: Instant) {
        if let Some(entry) = locked(&self.0).get_mut(key) {
            *entry = Entry {
                last: now,
                planned: false,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_at_once_and_one_at_the_end() {
        let (debounce, apart) = (Debounce::default(), Duration::from_secs(2));
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        assert_eq!(debounce.ask("a", at(0), apart), Verdict::Now);
        assert_eq!(debounce.ask("b", at(0), apart), Verdict::Now);
        let rest = Duration::from_millis(1500);
        assert_eq!(debounce.ask("a", at(500), apart), Verdict::After(rest));
        for millis in 501..600 {
            assert_eq!(debounce.ask("a", at(millis), apart), Verdict::Planned);
        }
        debounce.fired("a", at(2000));
        let rest = Duration::from_millis(1000);
        assert_eq!(debounce.ask("a", at(3000), apart), Verdict::After(rest));
        debounce.fired("a", at(4000));
        assert_eq!(debounce.ask("a", at(6000), apart), Verdict::Now);
    }
}
