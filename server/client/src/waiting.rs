//! Waiting for a commit: how long, on which clusters, and when it is over. Pure; server and command line share it.

use lockstep_types::cluster::ClusterView;
use lockstep_types::fleet::{CommitRollout, RolloutState};
use std::collections::BTreeMap;
use std::time::Duration;

/// Where a commit stands on all the clusters that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// On every target that reads what it changed, and there is one.
    Live,
    /// On one of them the run that carried it failed, or nothing can be rendered of it.
    Failed,
    /// On its way, or nothing reads what it changed (yet).
    Waiting,
}

/// Where it stands, all in all.
pub fn standing(rollout: &CommitRollout) -> Standing {
    let states = || rollout.targets.iter().map(|place| place.state);
    if states().any(|state| state == RolloutState::Failed) {
        Standing::Failed
    } else if !rollout.targets.is_empty() && states().all(|state| state == RolloutState::Live) {
        Standing::Live
    } else {
        Standing::Waiting
    }
}

/// Clusters by label: `env=prod,region=eu`, all of them; `name=` is the cluster's own name. Empty selects every cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector(BTreeMap<String, String>);

impl Selector {
    /// Reads `key=value` pairs with commas between them.
    ///
    /// # Errors
    /// In words, when a part is not a pair.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim);
        parts
            .filter(|part| !part.is_empty())
            .map(|part| match part.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    Ok((key.trim().to_owned(), value.trim().to_owned()))
                }
                _ => Err("write label=value, with commas between several, as env=prod".to_owned()),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether every cluster is meant.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this cluster is meant.
    pub fn selects(&self, cluster: &ClusterView) -> bool {
        self.0.iter().all(|(key, value)| {
            cluster.labels.get(key) == Some(value) || (key == "name" && cluster.name == *value)
        })
    }
}

/// Reads `90`, `90s`, `10m` or `1h`.
///
/// # Errors
/// In words, when it is none of them.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time as 90s, 10m or 1h".to_owned();
    let text = text.trim();
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 's')) => (text.get(..at), 1),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 'h')) => (text.get(..at), 3600),
        _ => (Some(text), 1),
    };
    let number: u32 = digits.unwrap_or_default().parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(u64::from(number) * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("10m", 600),
            ("1h", 3600),
            ("0", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "m", "-1", "1.5h", "10 minutes", "ü", "5000000000"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn labels_select_clusters() {
        let cluster = |name: &str, env: &str| -> ClusterView {
            serde_json::from_value(serde_json::json!({
                "id": uuid::Uuid::nil(), "name": name, "labels": {"env": env, "region": "eu"}, "server": "",
                "connection": "Connected", "version": "", "latency_millis": null, "watches": 0,
                "objects_cached": 0, "bytes_cached": 0, "last_compared": null, "queue": 0,
                "from_file": true, "targets": [], "leftovers": []
            }))
            .unwrap()
        };
        let (prod, staging) = (cluster("prod-eu", "prod"), cluster("staging-eu", "staging"));
        let selects = |text: &str| {
            let selector = Selector::parse(text).unwrap();
            (selector.selects(&prod), selector.selects(&staging))
        };
        assert_eq!(selects(""), (true, true));
        assert_eq!(selects("env=prod"), (true, false));
        assert_eq!(selects("env=prod, region=eu"), (true, false));
        assert_eq!(selects("env=prod,region=us"), (false, false));
        assert_eq!(selects("name=staging-eu"), (false, true));
        assert!(Selector::parse("prod").is_err() && Selector::parse("=prod").is_err());
    }
}
