//! Logs of containers: which there are, which are wanted, and their lines.

use crate::resource::ResourceKey;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// Pods whose logs are shown together at most.
pub const MOST_PODS: usize = 20;

/// Lines that can be asked for at most, of each container.
pub const MOST_LINES: u32 = 5000;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogQuery {
    /// A Pod, or what has Pods below it; `None`: all Pods of the target.
    pub object: Option<ResourceKey>,
    /// Only the Pod of this name; empty: all of the object's, [`MOST_PODS`] at most.
    pub pod: String,
    /// Empty: the one that the Pod says is looked at first, else its first.
    pub container: String,
    /// Of the run before the present one.
    pub previous: bool,
    /// Not older than so many seconds; `None`: as old as there are.
    pub since_seconds: Option<u32>,
    /// The last lines of each container, [`MOST_LINES`] at most.
    pub tail: u32,
    /// Go on with what is written from now on.
    pub follow: bool,
}

impl Default for LogQuery {
    fn default() -> Self {
        Self {
            object: None,
            pod: String::new(),
            container: String::new(),
            previous: false,
            since_seconds: None,
            tail: 200,
            follow: false,
        }
    }
}

/// The Pods of an object and their containers, to choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogChoices {
    /// Newest first.
    pub pods: Vec<LogPod>,
}

/// A Pod with its containers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPod {
    pub namespace: String,
    pub name: String,
    /// The containers proper, then those that run before them.
    pub containers: Vec<LogContainer>,
    /// The container that is meant when none is named.
    pub first: String,
}

/// A container that has run or runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogContainer {
    pub name: String,
    /// It runs before the others.
    pub init: bool,
    pub restarts: u32,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    pub pod: String,
    pub container: String,
    /// When the container wrote it, by the clock of its node.
    pub at: Option<Micros>,
    /// Without its line end; what is longer than 16 KiB is cut and ends with `…`.
    pub text: String,
}

/// A look at logs: what there is to choose, and the last lines of what was chosen, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogView {
    pub choices: LogChoices,
    pub lines: Vec<LogLine>,
    /// Why lines of some Pods are missing, a sentence part each.
    pub missing: Vec<String>,
}

impl LogChoices {
    /// The Pods and containers that a query means. Several Pods are looked at by the container of one name.
    ///
    /// # Errors
    /// In words, when there is no such Pod or container.
    pub fn meant(&self, query: &LogQuery) -> Result<Vec<(&LogPod, &str)>, String> {
        let pods: Vec<&LogPod> = self
            .pods
            .iter()
            .filter(|pod| query.pod.is_empty() || pod.name == query.pod)
            .take(MOST_PODS)
            .collect();
        if pods.is_empty() {
            return Err(if query.pod.is_empty() {
                "it has no Pods with logs now".to_owned()
            } else {
                format!("it has no Pod {} with logs now", query.pod)
            });
        }
        let meant: Vec<(&LogPod, &str)> = pods
            .iter()
            .filter_map(|pod| {
                let name = match query.container.as_str() {
                    "" => pod.first.as_str(),
                    wanted => wanted,
                };
                pod.containers
                    .iter()
                    .find(|container| container.name == name)
                    .map(|container| (*pod, container.name.as_str()))
            })
            .collect();
        if meant.is_empty() {
            return Err(format!("no Pod of it has a container {}", query.container));
        }
        Ok(meant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, containers: &[&str]) -> LogPod {
        LogPod {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
            containers: containers
                .iter()
                .map(|name| LogContainer {
                    name: (*name).to_owned(),
                    ..LogContainer::default()
                })
                .collect(),
            first: containers.first().copied().unwrap_or_default().to_owned(),
        }
    }

    #[test]
    fn a_query_means_pods_and_containers() {
        let choices = LogChoices {
            pods: vec![pod("web-2", &["web", "proxy"]), pod("web-1", &["web"])],
        };
        let meant = |pod: &str, container: &str| {
            let query = LogQuery {
                pod: pod.to_owned(),
                container: container.to_owned(),
                ..LogQuery::default()
            };
            choices.meant(&query).map(|found| {
                found
                    .into_iter()
                    .map(|(pod, container)| format!("{}/{container}", pod.name))
                    .collect::<Vec<_>>()
                    .join(" ")
            })
        };
        assert_eq!(meant("", "").as_deref(), Ok("web-2/web web-1/web"));
        assert_eq!(meant("", "proxy").as_deref(), Ok("web-2/proxy"));
        assert_eq!(meant("web-1", "").as_deref(), Ok("web-1/web"));
        assert_eq!(
            meant("web-1", "proxy"),
            Err("no Pod of it has a container proxy".to_owned())
        );
        assert_eq!(
            meant("gone", ""),
            Err("it has no Pod gone with logs now".to_owned())
        );
    }
}
