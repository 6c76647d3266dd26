//! The loop every reconciler runs in: level-triggered, one pass at a time per key, by timer with jitter and by
//! activation, slower after failures.
//!
//! It knows nothing of what a pass does. A pass gets no hint of why it runs: it looks at the whole state, so a
//! lost or doubled wake-up does no harm. The caller owns the task, the permits and the cancellation.

use rand::Rng as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

/// Wakes one loop. Many activations before the next pass make one pass.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Asks for a pass soon.
    pub fn activate(&self) {
        self.0.notify_one();
    }

    /// Waits for the next activation; one that came before counts.
    pub async fn activated(&self) {
        self.0.notified().await;
    }
}

/// How often a loop passes.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two passes when nothing happens.
    pub interval: Duration,
    /// First wait after a failure; doubles up to `slowest`.
    pub fastest_retry: Duration,
    pub slowest: Duration,
    /// Least time between two passes, whatever wakes the loop.
    pub breath: Duration,
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// Until the next timer tick or activation.
    Settled,
    /// Sooner than the timer.
    Again(Duration),
    /// Backs off.
    Failed,
    /// The key is gone; the loop ends.
    Done,
}

/// The wait before the pass after `failures` failures in a row.
pub fn backoff(pace: &Pace, failures: u32) -> Duration {
    let factor = 2u32.saturating_pow(failures.saturating_sub(1).min(16));
    pace.fastest_retry.saturating_mul(factor).min(pace.slowest)
}

/// `base` give or take a tenth, so that many loops do not march in step.
pub fn jittered(base: Duration) -> Duration {
    let spread: f64 = rand::rng().random_range(0.9..1.1);
    base.mul_f64(spread)
}

/// Runs passes until cancelled or done. A pass starts only with a permit, so that a crowd of keys waits here, each
/// at most once; that waiting crowd is the queue.
pub async fn drive<F, Pass>(
    wake: Wake,
    pace: Pace,
    permits: Arc<Semaphore>,
    cancel: CancellationToken,
    mut pass: F,
) where
    F: FnMut() -> Pass,
    Pass: Future<Output = Passed>,
{
    let mut failures = 0u32;
    loop {
        let permit = tokio::select! {
            () = cancel.cancelled() => return,
            permit = permits.acquire() => match permit {
                Ok(permit) => permit,
                Err(_) => return,
            },
        };
        let passed = pass().await;
        drop(permit);
        let wait = match passed {
            Passed::Done => return,
            Passed::Settled => {
                failures = 0;
                jittered(pace.interval)
            }
            Passed::Again(after) => {
                failures = 0;
                after.min(pace.interval)
            }
            Passed::Failed => {
                failures = failures.saturating_add(1);
                jittered(backoff(&pace, failures))
            }
        };
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(pace.breath) => {}
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = wake.activated() => {}
            () = tokio::time::sleep(wait.saturating_sub(pace.breath)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn pace() -> Pace {
        Pace {
            interval: Duration::from_secs(3600),
            fastest_retry: Duration::from_secs(1),
            slowest: Duration::from_secs(300),
            breath: Duration::ZERO,
        }
    }

    #[test]
    fn failures_wait_longer_up_to_a_limit() {
        let waits: Vec<u64> = [1, 2, 3, 9, 10, 40]
            .map(|failures| backoff(&pace(), failures).as_secs())
            .to_vec();
        assert_eq!(waits, [1, 2, 4, 256, 300, 300]);
    }

    #[tokio::test]
    async fn passes_when_woken_and_ends_when_done() {
        let wake = Wake::default();
        let passes = Arc::new(AtomicU32::new(0));
        let seen = passes.clone();
        let waker = wake.clone();
        drive(
            wake,
            pace(),
            Arc::new(Semaphore::new(1)),
            CancellationToken::new(),
            move || {
                let number = seen.fetch_add(1, Ordering::SeqCst) + 1;
                // Twice, and in the middle of a pass: neither is lost, both make one more pass.
                waker.activate();
                waker.activate();
                async move {
                    if number == 3 {
                        Passed::Done
                    } else {
                        Passed::Settled
                    }
                }
            },
        )
        .await;
        assert_eq!(passes.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn cancelling_ends_a_waiting_loop() {
        let cancel = CancellationToken::new();
        let stopper = cancel.clone();
        drive(
            Wake::default(),
            pace(),
            Arc::new(Semaphore::new(1)),
            cancel,
            move || {
                stopper.cancel();
                async { Passed::Settled }
            },
        )
        .await;
    }
}
