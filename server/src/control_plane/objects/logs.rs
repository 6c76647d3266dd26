//! Which Pods an object of a target has, and the lines of their containers as one log.

use super::super::definitions::Placement;
use super::{Plane, refuse};
use engine::live::{Live, LogRequest};
use futures::stream::{BoxStream, StreamExt};
use lockstep_types::PortError;
use lockstep_types::log::{LogChoices, LogContainer, LogLine, LogPod, LogQuery, MOST_LINES};
use lockstep_types::ports::Answer;
use lockstep_types::resource::{ResourceKey, ResourceNode};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The annotation by which a Pod says which of its containers is meant when none is named.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

impl Plane {
    /// The cluster, and the Pods at or below an object of the target. What does not belong to the target is not found.
    pub(super) async fn pods(
        &self,
        placement: &Placement,
        object: Option<&ResourceKey>,
    ) -> Result<(Arc<Live>, LogChoices), PortError> {
        let nodes = self.nodes(placement).await?;
        if let Some(key) = object
            && nodes.iter().all(|node| node.key != *key)
        {
            return Err(refuse::missing("object", key));
        }
        let handle = self
            .runtime
            .cluster(&placement.target.cluster)
            .ok_or_else(|| {
                PortError::Conflict(format!(
                    "the cluster {} is not connected",
                    placement.target.cluster
                ))
            })?;
        let live = Arc::clone(&handle.live);
        let keys = below(&nodes, object);
        // The template of the newest says which container is the main one; all others are read from the cache.
        let main = match keys.first() {
            Some(newest) => match live.read_now(newest, "v1").await {
                Ok(body) => body.as_ref().and_then(main_container),
                Err(_) => None,
            },
            None => None,
        };
        let pods = keys
            .into_iter()
            .filter_map(|key| {
                let body = live.peek(key)?.body();
                pod(key, &body, main.as_deref())
            })
            .collect();
        Ok((live, LogChoices { pods }))
    }
}

/// The Pods at or below an object, newest first; without one all of them.
fn below<'n>(nodes: &'n [ResourceNode], object: Option<&ResourceKey>) -> Vec<&'n ResourceKey> {
    let parents: BTreeMap<&ResourceKey, &ResourceKey> = nodes
        .iter()
        .filter_map(|node| Some((&node.key, node.parent.as_ref()?)))
        .collect();
    let belongs = |key: &ResourceKey| {
        let Some(wanted) = object else {
            return true;
        };
        let mut at = key;
        // Owners that go in a circle are nobody's.
        let mut seen = BTreeSet::new();
        loop {
            if at == wanted {
                return true;
            }
            match parents.get(at) {
                Some(parent) if seen.insert(at) => at = parent,
                _ => return false,
            }
        }
    };
    let mut pods: Vec<&ResourceNode> = nodes
        .iter()
        .filter(|node| node.key.group.is_empty() && node.key.kind == "Pod")
        .filter(|node| belongs(&node.key))
        .collect();
    pods.sort_by_key(|node| (std::cmp::Reverse(node.created_at), &node.key));
    pods.into_iter().map(|node| &node.key).collect()
}

fn main_container(body: &Value) -> Option<String> {
    let named = body
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations"))
        .and_then(|annotations| annotations.get(DEFAULT_CONTAINER));
    named
        .or_else(|| body.pointer("/spec/containers/0/name"))
        .and_then(Value::as_str)
        .map(str::to_owned)
}

/// A Pod whose containers have begun; `None` when none has.
fn pod(key: &ResourceKey, body: &Value, main: Option<&str>) -> Option<LogPod> {
    let of = |field: &str, init: bool| {
        body.pointer(&format!("/status/{field}"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|status| {
                Some(LogContainer {
                    name: status.get("name")?.as_str()?.to_owned(),
                    init,
                    restarts: status
                        .get("restartCount")
                        .and_then(Value::as_u64)
                        .and_then(|count| u32::try_from(count).ok())
                        .unwrap_or(0),
                })
            })
            .collect::<Vec<_>>()
    };
    let mut containers = of("containerStatuses", false);
    containers.extend(of("initContainerStatuses", true));
    let first = containers
        .iter()
        .find(|container| Some(container.name.as_str()) == main)
        .or_else(|| containers.first())?
        .name
        .clone();
    Some(LogPod {
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        containers,
        first,
    })
}

fn request(pod: &LogPod, container: &str, query: &LogQuery) -> LogRequest {
    LogRequest {
        namespace: pod.namespace.clone(),
        pod: pod.name.clone(),
        container: container.to_owned(),
        tail: query.tail,
        previous: query.previous,
        since_seconds: query.since_seconds,
        follow: query.follow,
    }
}

/// Lines of one container, and those of others that could not be read, in words.
type Read = Result<BoxStream<'static, Answer<LogLine>>, String>;

async fn open(live: &Live, pod: &LogPod, container: &str, query: &LogQuery) -> Read {
    let lines = live
        .log(&request(pod, container, query))
        .await
        .map_err(|error| format!("{} of {}: {error}", container, pod.name))?;
    let (pod, container) = (pod.name.clone(), container.to_owned());
    let lines = lines.map(move |line| match line {
        Ok(line) => Ok(LogLine {
            pod: pod.clone(),
            container: container.clone(),
            at: line.at,
            text: line.text,
        }),
        Err(error) => Err(PortError::Unavailable(format!(
            "{container} of {pod}: {error}"
        ))),
    });
    Ok(lines.boxed())
}

async fn all(live: &Live, meant: &[(&LogPod, &str)], query: &LogQuery) -> Vec<Read> {
    let opening = meant
        .iter()
        .map(|(pod, container)| open(live, pod, container, query));
    futures::future::join_all(opening).await
}

/// The last lines of all together, oldest first, and what could not be read.
pub(super) async fn newest(
    live: &Live,
    meant: &[(&LogPod, &str)],
    query: &LogQuery,
) -> (Vec<LogLine>, Vec<String>) {
    let (mut lines, mut missing) = (Vec::new(), Vec::new());
    for read in all(live, meant, query).await {
        match read {
            Ok(mut of_one) => {
                while let Some(line) = of_one.next().await {
                    match line {
                        Ok(line) => lines.push(line),
                        Err(error) => missing.push(error.to_string()),
                    }
                }
            }
            Err(why) => missing.push(why),
        }
    }
    (last(lines, query.tail), missing)
}

/// The last lines by their time; a line without one stays behind the line before it.
fn last(mut lines: Vec<LogLine>, tail: u32) -> Vec<LogLine> {
    let mut before = None;
    let mut timed: Vec<_> = lines
        .drain(..)
        .map(|line| {
            before = line.at.or(before);
            (before, line)
        })
        .collect();
    timed.sort_by_key(|(at, _)| *at);
    let tail = usize::try_from(tail.clamp(1, MOST_LINES)).unwrap_or(usize::MAX);
    let from = timed.len().saturating_sub(tail);
    timed.drain(..from);
    timed.into_iter().map(|(_, line)| line).collect()
}

/// The lines of all as they are written.
pub(super) async fn followed(
    live: &Live,
    meant: &[(&LogPod, &str)],
    query: &LogQuery,
) -> Answer<BoxStream<'static, Answer<LogLine>>> {
    let (mut open, mut why) = (Vec::new(), None);
    for read in all(live, meant, query).await {
        match read {
            Ok(lines) => open.push(lines),
            Err(error) => why = Some(error),
        }
    }
    match why {
        Some(why) if open.is_empty() => Err(PortError::Conflict(why)),
        _ => Ok(futures::stream::select_all(open).boxed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::health::Health;
    use lockstep_types::time::Micros;
    use serde_json::json;

    fn node(kind: &str, name: &str, parent: Option<(&str, &str)>, created: i64) -> ResourceNode {
        let key = |kind: &str, name: &str| {
            let group = if kind == "Pod" { "" } else { "apps" };
            ResourceKey::new(group, kind, "shop", name)
        };
        ResourceNode {
            key: key(kind, name),
            uid: None,
            parent: parent.map(|(kind, name)| key(kind, name)),
            declared: parent.is_none(),
            sync: None,
            health: Health::healthy(),
            created_at: Some(Micros(created)),
            detail: String::new(),
            cause: false,
        }
    }

    #[test]
    fn pods_are_found_below_their_owner_newest_first() {
        let nodes = [
            node("Deployment", "web", None, 1),
            node("ReplicaSet", "web-1", Some(("Deployment", "web")), 1),
            node("Pod", "web-1-a", Some(("ReplicaSet", "web-1")), 2),
            node("Pod", "web-1-b", Some(("ReplicaSet", "web-1")), 3),
            node("StatefulSet", "db", None, 1),
            node("Pod", "db-0", Some(("StatefulSet", "db")), 1),
        ];
        let names = |object: Option<&ResourceKey>| {
            below(&nodes, object)
                .into_iter()
                .map(|key| key.name.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(Some(&nodes[0].key)), ["web-1-b", "web-1-a"]);
        assert_eq!(names(Some(&nodes[5].key)), ["db-0"]);
        assert_eq!(names(None), ["web-1-b", "web-1-a", "db-0"]);
    }

    #[test]
    fn the_main_container_comes_first() {
        let key = ResourceKey::new("", "Pod", "shop", "web");
        let body = json!({"status": {
            "containerStatuses": [{"name": "proxy", "restartCount": 3}, {"name": "web", "restartCount": 0}],
            "initContainerStatuses": [{"name": "migrate", "restartCount": 1}],
        }});
        let found = pod(&key, &body, Some("web")).unwrap();
        assert_eq!(found.first, "web");
        let shown: Vec<_> = found
            .containers
            .iter()
            .map(|container| (container.name.as_str(), container.init, container.restarts))
            .collect();
        assert_eq!(
            shown,
            [("proxy", false, 3), ("web", false, 0), ("migrate", true, 1)]
        );
        assert_eq!(pod(&key, &body, Some("gone")).unwrap().first, "proxy");
        assert_eq!(pod(&key, &json!({"status": {}}), None), None);
        let annotated = json!({"metadata": {"annotations": {DEFAULT_CONTAINER: "b"}}, "spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
        assert_eq!(main_container(&annotated).as_deref(), Some("b"));
    }

    #[test]
    fn the_last_lines_of_several_are_in_order() {
        let line = |pod: &str, at: Option<i64>, text: &str| LogLine {
            pod: pod.to_owned(),
            container: "web".to_owned(),
            at: at.map(Micros),
            text: text.to_owned(),
        };
        let lines = vec![
            line("a", Some(1), "one"),
            line("a", Some(4), "four"),
            line("a", None, "  at main"),
            line("b", Some(2), "two"),
            line("b", Some(5), "five"),
        ];
        let texts: Vec<_> = last(lines, 4).into_iter().map(|line| line.text).collect();
        assert_eq!(texts, ["two", "four", "  at main", "five"]);
    }
}
