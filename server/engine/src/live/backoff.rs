//! Pauses between tries. Pure but for the waiting itself.

use super::limits::LONGEST_WAIT;
use super::request::RequestError;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;
use tokio::sync::watch;

/// Growing pauses between tries, 0.8 to 30 s with jitter.
#[derive(Default)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// After a success.
    pub(super) fn reset(&mut self) {
        self.tries = 0;
    }

    fn next(&mut self) -> Duration {
        let seconds = (0.8 * f64::from(2_u32.saturating_pow(self.tries.min(6)))).min(30.0);
        self.tries = self.tries.saturating_add(1);
        Duration::from_secs_f64(seconds).mul_f64(jitter())
    }

    /// Waits before the next try, as long as the server asks for ([`LONGEST_WAIT`] at most); a reconnect ends the wait.
    pub(super) async fn wait(&mut self, error: &RequestError, epoch: &mut watch::Receiver<u64>) {
        let pause = self.after(error);
        let _ = tokio::time::timeout(pause, epoch.changed()).await;
    }

    fn after(&mut self, error: &RequestError) -> Duration {
        let asked = match error {
            RequestError::Status {
                retry_after: Some(seconds),
                ..
            } => Duration::from_secs(u64::from(*seconds)),
            _ => Duration::ZERO,
        };
        let longest = Duration::from_secs(u64::from(LONGEST_WAIT));
        self.next().max(asked.min(longest))
    }

    /// The next pause; a reconnect ends it.
    pub(super) async fn pause(&mut self, epoch: &mut watch::Receiver<u64>) {
        let _ = tokio::time::timeout(self.next(), epoch.changed()).await;
    }
}

/// 0.75 to 1.25, so that many clients do not ask in step.
pub(super) fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    0.75 + 0.5 * f64::from(u32::try_from(random & 0xFFFF).unwrap_or(0)) / 65_535.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_minute() {
        let mut backoff = Backoff::default();
        let pauses: Vec<f64> = (0..9).map(|_| backoff.next().as_secs_f64()).collect();
        assert!((0.6..=1.0).contains(&pauses[0]), "{pauses:?}");
        assert!((22.5..=37.5).contains(&pauses[8]), "{pauses:?}");
    }

    #[test]
    fn attack_36_a_pause_of_a_day_is_not_waited() {
        for (asked, waited) in [(5, 5), (86_400, 30), (u32::MAX, 30)] {
            let error = RequestError::Status {
                code: 429,
                reason: String::new(),
                message: String::new(),
                retry_after: Some(asked),
            };
            assert_eq!(
                Backoff::default().after(&error),
                Duration::from_secs(waited)
            );
        }
    }
}
