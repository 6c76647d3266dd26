//! How many writes one cluster gets at once: grows by one per full window of good answers, halves when the server is
//! overloaded. The limits of the server are found, not configured.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The requests in flight to one cluster; shared by everything that writes to it.
pub struct Window {
    state: Mutex<State>,
    freed: Notify,
    most: f64,
}

struct State {
    limit: f64,
    in_flight: u32,
    /// Usual time of an answer.
    usual: Option<f64>,
    cut_at: Option<Instant>,
    closed_until: Option<Instant>,
}

const FIRST: f64 = 8.0;
/// One overload makes many requests fail; it halves the window once.
const CUT_EVERY: Duration = Duration::from_millis(500);
/// Answers this many times slower than usual say that the server queues.
const SLOW: f64 = 4.0;
const SLOW_AT_LEAST: f64 = 0.25;

impl Window {
    /// A window that never grows over `most`.
    pub fn new(most: u32) -> Arc<Self> {
        let most = f64::from(most.max(1));
        let state = State {
            limit: FIRST.min(most),
            in_flight: 0,
            usual: None,
            cut_at: None,
            closed_until: None,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            freed: Notify::new(),
            most,
        })
    }

    /// How many requests may be in flight now.
    pub fn limit(&self) -> u32 {
        self.state().whole_limit()
    }

    /// Waits for a place.
    pub async fn acquire(self: &Arc<Self>) -> Permit {
        loop {
            let freed = self.freed.notified();
            let closed_until = {
                let mut state = self.state();
                let closed = state.closed_until.filter(|until| *until > Instant::now());
                if closed.is_none() && state.in_flight < state.whole_limit() {
                    state.in_flight += 1;
                    return Permit {
                        window: Arc::clone(self),
                        begun: Instant::now(),
                    };
                }
                closed
            };
            match closed_until {
                Some(until) => tokio::time::sleep_until(until.into()).await,
                None => freed.await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the limit lies between 1 and a u32"
    )]
    fn whole_limit(&self) -> u32 {
        self.limit.floor() as u32
    }

    fn cut(&mut self) {
        let now = Instant::now();
        if self
            .cut_at
            .is_none_or(|at| now.duration_since(at) >= CUT_EVERY)
        {
            self.limit = (self.limit / 2.0).max(1.0);
            self.cut_at = Some(now);
        }
    }
}

/// A place in the window; given back when dropped.
pub struct Permit {
    window: Arc<Window>,
    begun: Instant,
}

impl Permit {
    /// The server answered.
    pub fn done(self) {
        let took = self.begun.elapsed().as_secs_f64();
        let mut state = self.window.state();
        let usual = state.usual.map_or(took, |usual| usual * 0.9 + took * 0.1);
        let slow = took > SLOW_AT_LEAST && state.usual.is_some_and(|usual| took > usual * SLOW);
        state.usual = Some(usual);
        if slow {
            state.cut();
        } else {
            state.limit = (state.limit + 1.0 / state.limit).min(self.window.most);
        }
    }

    /// The server turned the request away and wants to be left alone for a while.
    pub fn throttled(self, pause: Duration) {
        let mut state = self.window.state();
        state.cut();
        let until = Instant::now() + pause;
        state.closed_until = Some(state.closed_until.map_or(until, |known| known.max(until)));
    }

    /// No answer in time, or none at all.
    pub fn slow(self) {
        self.window.state().cut();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        {
            let mut state = self.window.state();
            state.in_flight = state.in_flight.saturating_sub(1);
        }
        self.window.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn grows_with_good_answers_and_halves_once_per_overload() {
        let window = Window::new(64);
        for _ in 0..200 {
            window.acquire().await.done();
        }
        let grown = window.limit();
        assert!(grown > 15, "{grown}");
        let permits = [
            window.acquire().await,
            window.acquire().await,
            window.acquire().await,
        ];
        for permit in permits {
            permit.slow();
        }
        assert_eq!(window.limit(), grown / 2);
    }

    #[tokio::test]
    async fn a_full_window_waits_for_a_place() {
        let window = Window::new(1);
        let first = window.acquire().await;
        let second = tokio::spawn({
            let window = Arc::clone(&window);
            async move { window.acquire().await.done() }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap();
    }

    #[tokio::test]
    async fn stays_closed_as_long_as_the_server_asks() {
        let window = Window::new(4);
        let pause = Duration::from_millis(50);
        let before = Instant::now();
        window.acquire().await.throttled(pause);
        window.acquire().await.done();
        assert!(before.elapsed() >= pause);
    }
}
