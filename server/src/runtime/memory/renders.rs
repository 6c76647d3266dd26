//! The renders that were used last.

use engine::render::Complete;
use lockstep_types::Micros;
use std::collections::HashMap;
use std::sync::Arc;

/// Renders kept beside the database: what a burst of targets reads again and again.
const RENDERS: usize = 128;
/// After so long the database is told again that a render is in use: far less than any policy lets go after.
pub(crate) const NOTED_SECONDS: i64 = 6 * 3600;

/// By key; those that were not used for the longest time go first.
#[derive(Debug, Default)]
pub(super) struct Renders {
    clock: u64,
    by_key: HashMap<String, Known>,
}

#[derive(Debug)]
struct Known {
    used: u64,
    /// When the database was told last that it is in use.
    noted: Micros,
    render: Arc<Complete>,
}

impl Renders {
    pub(super) fn get(&mut self, key: &str) -> Option<Arc<Complete>> {
        self.clock += 1;
        let known = self.by_key.get_mut(key)?;
        known.used = self.clock;
        Some(Arc::clone(&known.render))
    }

    /// The same, and whether the database is to be told that it is in use. Only one of many who ask is to tell it.
    pub(super) fn put_to_use(&mut self, key: &str, now: Micros) -> Option<(Arc<Complete>, bool)> {
        let render = self.get(key)?;
        let known = self.by_key.get_mut(key)?;
        let due = now.seconds_since(known.noted) >= NOTED_SECONDS;
        if due {
            known.noted = now;
        }
        Some((render, due))
    }

    pub(super) fn put(&mut self, render: Arc<Complete>, now: Micros) {
        self.clock += 1;
        let known = Known {
            used: self.clock,
            noted: now,
            render,
        };
        self.by_key.insert(known.render.key.clone(), known);
        while self.by_key.len() > RENDERS {
            let oldest = self
                .by_key
                .iter()
                .min_by_key(|(_, known)| known.used)
                .map(|(key, _)| key.clone());
            match oldest {
                Some(key) => self.by_key.remove(&key),
                None => return,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(key: &str) -> Arc<Complete> {
        Arc::new(Complete {
            key: key.to_owned(),
            objects: Vec::new(),
            encrypted: Vec::new(),
            digest: String::new(),
            warnings: Vec::new(),
        })
    }

    #[test]
    fn renders_that_are_used_stay() {
        let mut renders = Renders::default();
        let now = Micros::from_seconds(0);
        renders.put(render("used"), now);
        for number in 0..RENDERS {
            renders.put(render(&number.to_string()), now);
            assert!(renders.get("used").is_some());
        }
        assert!(renders.get("0").is_none());
    }

    #[test]
    fn the_database_is_told_now_and_then_what_is_in_use() {
        let mut renders = Renders::default();
        renders.put(render("used"), Micros::from_seconds(0));
        let mut due = |second| {
            let known = renders.put_to_use("used", Micros::from_seconds(second));
            known.unwrap().1
        };
        assert!(!due(1));
        assert!(!due(NOTED_SECONDS - 1));
        assert!(due(NOTED_SECONDS));
        assert!(!due(NOTED_SECONDS), "one tells it");
        assert!(due(2 * NOTED_SECONDS));
        assert!(
            renders
                .put_to_use("other", Micros::from_seconds(0))
                .is_none()
        );
    }
}
