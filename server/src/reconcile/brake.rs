//! The brake on deletes (rule G16): at most twenty a minute on one cluster, and none at all by automation while
//! suspiciously many targets want to delete at once.
//!
//! Knows numbers and times only. Its memory is lost with the process, which errs on the side of a fresh minute.

use lockstep_types::id::TargetId;
use lockstep_types::time::Micros;
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use crate::runtime::activator::locked;

/// Deletes on one cluster within a minute.
pub const DELETES_PER_MINUTE: usize = 20;
/// Targets that plan to delete within five minutes before automation stops, if they are also a tenth of all.
pub const CROWD: usize = 5;
const CROWD_SECONDS: i64 = 300;

/// Counts deletes and plans to delete.
#[derive(Debug, Default)]
pub struct Brake {
    deletes: Mutex<HashMap<String, VecDeque<Micros>>>,
    plans: Mutex<HashMap<TargetId, Micros>>,
}

impl Brake {
    /// Counts one delete if the cluster's minute has room, else says in how many seconds to ask again.
    ///
    /// # Errors
    /// The seconds to wait.
    pub fn delete(&self, cluster: &str, now: Micros) -> Result<(), i64> {
        let mut deletes = locked(&self.deletes);
        let times = deletes.entry(cluster.to_owned()).or_default();
        while times
            .front()
            .is_some_and(|first| now.seconds_since(*first) >= 60)
        {
            times.pop_front();
        }
        match times.front() {
            Some(first) if times.len() >= DELETES_PER_MINUTE => Err(60 - now.seconds_since(*first)),
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
    }

    /// Notes that the newest plan of a target deletes (or no longer does).
    pub fn plans(&self, target: TargetId, deletes: bool, now: Micros) {
        let mut plans = locked(&self.plans);
        if deletes {
            plans.entry(target).or_insert(now);
        } else {
            plans.remove(&target);
        }
    }

    /// Why automation must not delete now, of `targets` in all.
    pub fn stops(&self, targets: usize, now: Micros) -> Option<String> {
        let plans = locked(&self.plans);
        let crowd = plans
            .values()
            .filter(|since| now.seconds_since(**since) < CROWD_SECONDS)
            .count();
        (crowd >= CROWD && crowd * 10 > targets)
            .then(|| format!("{crowd} of {targets} targets began to delete within five minutes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn twenty_deletes_a_minute_per_cluster() {
        let brake = Brake::default();
        let start = Micros(0);
        for _ in 0..DELETES_PER_MINUTE {
            assert_eq!(brake.delete("prod", start), Ok(()));
        }
        assert_eq!(brake.delete("prod", start.plus_seconds(10)), Err(50));
        assert_eq!(brake.delete("staging", start.plus_seconds(10)), Ok(()));
        assert_eq!(brake.delete("prod", start.plus_seconds(60)), Ok(()));
    }

    #[test]
    fn a_crowd_that_wants_to_delete_stops_automation() {
        let brake = Brake::default();
        let now = Micros(0);
        for number in 0..5u128 {
            assert_eq!(brake.stops(20, now), None);
            brake.plans(TargetId(Uuid::from_u128(number)), true, now);
        }
        assert!(
            brake
                .stops(20, now)
                .is_some_and(|why| why.starts_with("5 of 20"))
        );
        // Five of a hundred are no crowd, and neither are yesterday's.
        assert_eq!(brake.stops(100, now), None);
        assert_eq!(brake.stops(20, now.plus_seconds(300)), None);
        brake.plans(TargetId(Uuid::from_u128(0)), false, now);
        assert_eq!(brake.stops(20, now), None);
    }
}
