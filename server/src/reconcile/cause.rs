//! Why a target is not Synced and Healthy, before it is known since when.
//!
//! Knows words only: no store, no cluster, no clock.

use lockstep_types::reason::{Reason, ReasonCode};
use lockstep_types::resource::ResourceKey;
use lockstep_types::time::Micros;

/// A [`Reason`] without its beginning, which only the stored state knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub code: ReasonCode,
    /// Boxed: causes are errors of many functions, and most have none.
    pub object: Option<Box<ResourceKey>>,
    /// What is wrong, without a full stop.
    pub cause: String,
    /// What happens next or what a person can do, without a full stop.
    pub next: String,
    /// A person must act.
    pub stalled: bool,
}

impl Cause {
    /// A cause that resolves by itself or is retried.
    pub fn passing(code: ReasonCode, cause: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            code,
            object: None,
            cause: sentence(cause.into()),
            next: sentence(next.into()),
            stalled: false,
        }
    }

    /// A cause that needs a person.
    pub fn stalled(code: ReasonCode, cause: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            stalled: true,
            ..Self::passing(code, cause, next)
        }
    }

    /// The same about one object.
    pub fn about(mut self, object: Option<ResourceKey>) -> Self {
        self.object = object.map(Box::new);
        self
    }

    /// The reason to show. It began when the previous one did, as long as that was about the same thing: counts
    /// and retry times in the words may change without a new beginning.
    pub fn since(self, previous: Option<&Reason>, now: Micros) -> Reason {
        let kind = |key: &ResourceKey| (key.group.clone(), key.kind.clone());
        let since = previous
            .filter(|before| before.code == self.code)
            // Pods come and go while the trouble stays.
            .filter(|before| before.object.as_ref().map(kind) == self.object.as_deref().map(kind))
            .map_or(now, |before| before.since);
        Reason {
            code: self.code,
            object: self.object.map(|object| *object),
            cause: self.cause,
            since,
            next: self.next,
            stalled: self.stalled,
        }
    }
}

/// One line without white space or a full stop at its end.
fn sentence(text: String) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.trim_end_matches('.').to_owned()
}

/// `1 object`, `3 objects`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_stays_while_the_cause_stays() {
        let first = Cause::passing(ReasonCode::Behind, "3 objects differ.", "Press Sync")
            .since(None, Micros(10));
        assert_eq!(
            (first.since, first.cause.as_str()),
            (Micros(10), "3 objects differ")
        );
        let second = Cause::passing(ReasonCode::Behind, "2 objects differ", "Press Sync")
            .since(Some(&first), Micros(20));
        assert_eq!(second.since, Micros(10));
        let third = Cause::passing(ReasonCode::Drifted, "2 objects differ", "Press Sync")
            .since(Some(&second), Micros(30));
        assert_eq!(third.since, Micros(30));
        let other = Some(ResourceKey::new("", "Pod", "a", "b"));
        let fourth = Cause::passing(ReasonCode::Drifted, "2 objects differ", "Press Sync")
            .about(other)
            .since(Some(&third), Micros(40));
        assert_eq!(fourth.since, Micros(40));
    }

    #[test]
    fn many_lines_become_one() {
        let cause = Cause::stalled(ReasonCode::RenderFailed, "line one\n  line two.\n", "");
        assert_eq!(cause.cause, "line one line two");
    }
}
