//! Which commits a revision contains.

use engine::source::Mirrors;
use lockstep_types::revision::Revision;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Commits of a history that are known at once; older ones are asked for one by one.
const KNOWN: u32 = 2_000;

/// Which commits a revision contains, asked once per revision.
#[derive(Debug)]
pub(in super::super) struct Ancestry {
    mirrors: Mirrors,
    known: HashMap<(String, Revision), Arc<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    commits: BTreeSet<Revision>,
    /// Nothing older is missing.
    complete: bool,
}

impl Ancestry {
    pub(in super::super) fn new(mirrors: &Mirrors) -> Self {
        Self {
            mirrors: mirrors.clone(),
            known: HashMap::new(),
        }
    }

    /// Whether `newer` contains `older`. What cannot be told is not claimed.
    pub(in super::super) async fn contains(
        &mut self,
        url: &str,
        newer: &Revision,
        older: &Revision,
    ) -> bool {
        if newer == older {
            return true;
        }
        let place = (url.to_owned(), newer.clone());
        let known = match self.known.get(&place) {
            Some(known) => Arc::clone(known),
            None => {
                let known = match self.mirrors.log(url, newer, &[], KNOWN).await {
                    Ok(log) => Known {
                        complete: u32::try_from(log.len()).is_ok_and(|length| length < KNOWN),
                        commits: log.into_iter().map(|commit| commit.revision).collect(),
                    },
                    Err(_) => Known::default(),
                };
                let known = Arc::new(known);
                self.known.insert(place, Arc::clone(&known));
                known
            }
        };
        if known.commits.contains(older) {
            return true;
        }
        !known.complete
            && self
                .mirrors
                .is_ancestor(url, older, newer)
                .await
                .unwrap_or(false)
    }
}
