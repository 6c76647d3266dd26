//! The renders that were used last.

use engine::render::Complete;
use std::collections::HashMap;
use std::sync::Arc;

/// Renders kept beside the database: what a burst of targets reads again and again.
const RENDERS: usize = 128;

/// By key; those that were not used for the longest time go first.
#[derive(Debug, Default)]
pub(super) struct Renders {
    clock: u64,
    by_key: HashMap<String, (u64, Arc<Complete>)>,
}

impl Renders {
    pub(super) fn get(&mut self, key: &str) -> Option<Arc<Complete>> {
        self.clock += 1;
        let clock = self.clock;
        let (used, render) = self.by_key.get_mut(key)?;
        *used = clock;
        Some(Arc::clone(render))
    }

    pub(super) fn put(&mut self, render: Arc<Complete>) {
        self.clock += 1;
        self.by_key.insert(render.key.clone(), (self.clock, render));
        while self.by_key.len() > RENDERS {
            let oldest = self
                .by_key
                .iter()
                .min_by_key(|(_, (used, _))| *used)
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

    #[test]
    fn renders_that_are_used_stay() {
        let mut renders = Renders::default();
        let render = |key: &str| {
            Arc::new(Complete {
                key: key.to_owned(),
                objects: Vec::new(),
                encrypted: Vec::new(),
                digest: String::new(),
                warnings: Vec::new(),
            })
        };
        renders.put(render("used"));
        for number in 0..RENDERS {
            renders.put(render(&number.to_string()));
            assert!(renders.get("used").is_some());
        }
        assert!(renders.get("0").is_none());
    }
}
