//! Surveys of clusters, as old as they may be: many viewers of one page ask a cluster once. And what the newest ones
//! found around targets whose project warns.

use super::Memory;
use crate::runtime::activator::locked;
use crate::runtime::{Runtime, now};
use engine::live::{RequestError, Survey};
use lockstep_types::id::TargetId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Cluster and namespace; none: the whole cluster.
type Place = (String, Option<String>);
type Kept = Arc<tokio::sync::Mutex<Option<Arc<Survey>>>>;

#[derive(Debug, Default)]
pub(super) struct Surveys {
    kept: Mutex<HashMap<Place, Kept>>,
    found: Mutex<HashMap<TargetId, u32>>,
}

/// Places that are remembered; with more of them all are forgotten.
const PLACES: usize = 512;

impl Memory {
    /// Notes how many orphans are around each target; those that are not named have not been looked at.
    pub(crate) fn note_orphans(&self, found: HashMap<TargetId, u32>) {
        *locked(&self.surveys.found) = found;
    }

    /// How many orphans the newest look found; `None`: nobody has looked.
    pub(crate) fn orphans(&self, target: TargetId) -> Option<u32> {
        locked(&self.surveys.found).get(&target).copied()
    }

    fn kept(&self, place: Place) -> Kept {
        let mut kept = locked(&self.surveys.kept);
        if kept.len() >= PLACES && !kept.contains_key(&place) {
            kept.clear();
        }
        Arc::clone(kept.entry(place).or_default())
    }
}

impl Runtime {
    /// What a cluster holds, in one namespace or everywhere, at most `age` ago. Who asks while another waits for the
    /// same gets the same answer.
    ///
    /// # Errors
    /// When the cluster is not being watched or does not answer.
    pub(crate) async fn survey(
        &self,
        cluster: &str,
        namespace: Option<&str>,
        age: Duration,
    ) -> Result<Arc<Survey>, RequestError> {
        let Some(handle) = self.cluster(cluster) else {
            let why = format!("cluster {cluster} is not being watched");
            return Err(RequestError::Unreachable(why));
        };
        let place = (cluster.to_owned(), namespace.map(str::to_owned));
        let kept = self.memory().kept(place);
        let mut kept = kept.lock().await;
        let oldest = now().plus_seconds(-i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
        if let Some(known) = kept.as_ref().filter(|known| known.at >= oldest) {
            return Ok(Arc::clone(known));
        }
        let survey = Arc::new(handle.live.survey(namespace).await?);
        *kept = Some(Arc::clone(&survey));
        Ok(survey)
    }
}
