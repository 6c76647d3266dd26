//! Other controllers that still sync the same objects: two writers would undo each other without end.
//!
//! Pure: it judges objects that others have read. An idle rival leaves no fresh traces, so its own definition is the
//! better evidence; a fresh trace is proof.

use lockstep_types::resource::ResourceKey;
use lockstep_types::time::Micros;
use serde_json::Value;

/// How fresh a trace must be: longer than the usual interval of a rival that works.
const RECENT_SECONDS: i64 = 600;

/// Field managers of controllers that sync from Git.
const MANAGERS: [(&str, &str); 5] = [
    ("argocd-controller", "Argo CD"),
    ("argocd-application-controller", "Argo CD"),
    ("kustomize-controller", "Flux"),
    ("helm-controller", "Flux"),
    ("fleetagent", "Fleet"),
];

/// A rival that wrote a live object a short while ago, as a sentence.
pub(super) fn recent_writer(key: &ResourceKey, body: &Value, now: Micros) -> Option<String> {
    let entries = body
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)?;
    let newest = entries
        .iter()
        .filter(|entry| {
            entry
                .get("subresource")
                .and_then(Value::as_str)
                .is_none_or(str::is_empty)
        })
        .filter_map(|entry| {
            let manager = entry.get("manager").and_then(Value::as_str)?;
            let (_, product) = MANAGERS.iter().find(|(name, _)| *name == manager)?;
            let at: jiff::Timestamp = entry.get("time").and_then(Value::as_str)?.parse().ok()?;
            let at = Micros::from(at);
            (now.seconds_since(at) < RECENT_SECONDS).then_some((at, manager, *product))
        })
        .max_by_key(|(at, _, _)| *at)?;
    let (at, manager, product) = newest;
    Some(format!(
        "{product} still writes {}: its field manager {manager} did so {} s ago. Stop {product} for these objects, then take over",
        key.short(),
        now.seconds_since(at).max(0)
    ))
}

/// Whether an Argo CD Application, as it is in a cluster, syncs by itself.
pub(super) fn argo_syncs(body: &Value) -> bool {
    let Some(automated) = body.pointer("/spec/syncPolicy/automated") else {
        return false;
    };
    automated.is_object() && automated.get("enabled").and_then(Value::as_bool) != Some(false)
}

/// Whether a Flux object, as it is in a cluster, reconciles.
pub(super) fn flux_syncs(body: &Value) -> bool {
    body.pointer("/spec/suspend").and_then(Value::as_bool) != Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fresh_trace_is_proof() {
        let key = ResourceKey::new("apps", "Deployment", "shop", "cart");
        let now = Micros::from("2026-01-01T00:10:00Z".parse::<jiff::Timestamp>().unwrap());
        let object = |manager: &str, time: &str, subresource: &str| json!({"metadata": {"managedFields": [{"manager": manager, "time": time, "subresource": subresource}]}});
        let said = recent_writer(
            &key,
            &object("kustomize-controller", "2026-01-01T00:09:30Z", ""),
            now,
        )
        .unwrap();
        assert!(
            said.contains("Flux still writes Deployment cart") && said.contains("30 s ago"),
            "{said}"
        );
        for (manager, time, subresource) in [
            ("kustomize-controller", "2025-12-31T00:00:00Z", ""),
            ("kubectl", "2026-01-01T00:09:30Z", ""),
            ("argocd-controller", "2026-01-01T00:09:30Z", "status"),
        ] {
            assert_eq!(
                recent_writer(&key, &object(manager, time, subresource), now),
                None,
                "{manager} {time}"
            );
        }
        assert_eq!(recent_writer(&key, &json!({}), now), None);
    }

    #[test]
    fn definitions_tell_whether_they_are_acted_on() {
        assert!(argo_syncs(
            &json!({"spec": {"syncPolicy": {"automated": {}}}})
        ));
        assert!(!argo_syncs(
            &json!({"spec": {"syncPolicy": {"automated": {"enabled": false}}}})
        ));
        assert!(!argo_syncs(&json!({"spec": {}})));
        assert!(flux_syncs(&json!({"spec": {}})));
        assert!(!flux_syncs(&json!({"spec": {"suspend": true}})));
    }
}
