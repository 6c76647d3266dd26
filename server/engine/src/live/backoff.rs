//! Pauses between tries. Pure but for the waiting itself.

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

    /// Waits before the next try, as long as the server asks for (30 s at most); a reconnect ends the wait.
    pub(super) async fn wait(&mut self, error: &RequestError, epoch: &mut watch::Receiver<u64>) {
        let asked = match error {
            RequestError::Status {
                retry_after: Some(seconds),
                ..
            } => Duration::from_secs(u64::from(*seconds)),
            _ => Duration::ZERO,
        };
        let pause = self.next().max(asked.min(Duration::from_secs(30)));
        let _ = tokio::time::timeout(pause, epoch.changed()).await;
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
}
