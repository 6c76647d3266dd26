//! What is asked of a cluster only when somebody looks: one object now, its Events.

use super::Live;
use super::kinds::{GroupKind, Resolve};
use super::object::time_of;
use super::request::{RequestError, escaped, get};
use lockstep_types::resource::{ObjectEvent, ResourceKey};
use lockstep_types::time::Micros;
use serde_json::Value;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(10);
const EVENTS: u32 = 200;

impl Live {
    /// Reads one object from the server, past the cache; `None` when it is not there.
    ///
    /// # Errors
    /// When the server does not answer, refuses, or does not serve the kind.
    pub async fn read_now(
        &self,
        key: &ResourceKey,
        api_version: &str,
    ) -> Result<Option<Value>, RequestError> {
        let client = self.reachable()?;
        let resource = self.resolve(api_version, &key.kind).or_else(|| {
            let kinds = self.known().kinds.clone()?;
            kinds.preferred(&GroupKind::of(key)).cloned()
        });
        let Some(resource) = resource else {
            return Err(RequestError::Unreachable(format!(
                "the cluster does not serve {} in {api_version}",
                key.kind
            )));
        };
        match get(&client, &resource.object(&key.namespace, &key.name), WITHIN).await {
            Ok(body) => Ok(Some(body)),
            Err(error) if error.code() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Kubernetes Events about one object, newest first, 200 at most.
    ///
    /// # Errors
    /// When the server does not answer or refuses.
    pub async fn events_of(
        &self,
        key: &ResourceKey,
        uid: Option<&str>,
    ) -> Result<Vec<ObjectEvent>, RequestError> {
        let client = self.reachable()?;
        // Events about cluster-scoped objects are kept in `default`.
        let namespace = if key.namespace.is_empty() {
            "default"
        } else {
            &key.namespace
        };
        let mut fields = format!(
            "involvedObject.name={},involvedObject.kind={}",
            key.name, key.kind
        );
        if let Some(uid) = uid {
            fields.push_str(&format!(",involvedObject.uid={uid}"));
        }
        let path = format!(
            "/api/v1/namespaces/{}/events?limit={EVENTS}&fieldSelector={}",
            escaped(namespace),
            escaped(&fields)
        );
        let list: Value = get(&client, &path, WITHIN).await?;
        let items = list
            .get("items")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let mut events: Vec<ObjectEvent> = items.map(|event| event_of(key, event)).collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.last_seen));
        Ok(events)
    }

    pub(super) fn reachable(&self) -> Result<kube::Client, RequestError> {
        self.client().ok_or_else(|| {
            RequestError::Unreachable(format!("cluster {} does not answer now", self.name()))
        })
    }
}

fn event_of(key: &ResourceKey, event: &Value) -> ObjectEvent {
    let text = |pointer: &str| {
        event
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let last_seen = [
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/eventTime",
        "/metadata/creationTimestamp",
    ]
    .iter()
    .find_map(|pointer| time_of(text(pointer)))
    .unwrap_or(Micros(0));
    let count = ["/series/count", "/count"]
        .iter()
        .find_map(|pointer| event.pointer(pointer).and_then(Value::as_u64));
    ObjectEvent {
        object: key.clone(),
        kind: text("/type").to_owned(),
        reason: text("/reason").to_owned(),
        message: text("/message").to_owned(),
        count: count
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(1)
            .max(1),
        last_seen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_events_of_both_ages() {
        let key = ResourceKey::new("", "Pod", "shop", "web");
        let old = json!({"type": "Warning", "reason": "BackOff", "message": "m", "count": 7, "lastTimestamp": "2026-01-01T00:00:10Z", "eventTime": null});
        let new = json!({"type": "Normal", "reason": "Scheduled", "message": "m", "lastTimestamp": null, "eventTime": "2026-01-01T00:00:20.000000Z"});
        let (old, new) = (event_of(&key, &old), event_of(&key, &new));
        assert_eq!((old.count, old.kind.as_str()), (7, "Warning"));
        assert_eq!(
            (new.count, new.last_seen.seconds_since(old.last_seen)),
            (1, 10)
        );
    }
}
