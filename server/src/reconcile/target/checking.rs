//! Lets the checks that users wrote judge the objects of one target, every version of an object once.
//!
//! The checks run in children of their own, a few at a time over all targets; what they say is remembered until the
//! object or the check changes.

use super::{Loaded, TargetMemory};
use crate::runtime::{ClusterHandle, Runtime};
use engine::check::{self, Job, UserCheck, Verdicts};
use engine::definition::HealthCheck;
use engine::health;
use engine::live::{LiveObject, Lookup};
use lockstep_types::application::Dialect;
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::resource::ResourceKey;
use lockstep_types::time::Micros;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long a check that did not keep to its limits is left alone.
pub(super) const REST_SECONDS: i64 = 60;

/// The checks of a target and what they said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checked {
    checks: Arc<Vec<UserCheck>>,
    verdicts: Arc<Verdicts>,
}

/// Checks that did not keep to their limits, until when, and what is said meanwhile.
pub(crate) type Stopped = BTreeMap<String, (Micros, Health)>;

impl Checked {
    /// The health of an object by its check, if it has one, else by the rules of its kind.
    pub(crate) fn health(&self, key: &ResourceKey, uid: &str, body: &Value) -> Health {
        if self.checks.is_empty() || check::chosen(&self.checks, key).is_none() {
            return health::health(body);
        }
        if !self.verdicts.has(uid) && body.pointer("/metadata/deletionTimestamp").is_none() {
            return Health::new(
                HealthStatus::Progressing,
                "its health check has not looked at it yet",
            );
        }
        self.verdicts.health(uid, body)
    }

    /// Whether the object has a check that has not judged its newest version.
    pub(crate) fn is_behind(&self, key: &ResourceKey, object: &LiveObject) -> bool {
        !self.checks.is_empty()
            && !object.deleting
            && check::chosen(&self.checks, key)
                .and_then(|place| self.checks.get(place))
                .is_some_and(|check| {
                    !self
                        .verdicts
                        .knows(&object.uid, &object.resource_version, &check.digest())
                })
    }
}

/// The checks that count for a target.
fn checks(runtime: &Runtime, loaded: &Loaded) -> Vec<UserCheck> {
    let mut checks = check::of_definition(&loaded.definition);
    // They are Argo CD's, for what Argo CD deploys.
    if loaded.definition.dialect == Dialect::ArgoApplication {
        checks.extend(
            runtime
                .memory()
                .health_scripts(loaded.source.id)
                .iter()
                .cloned(),
        );
    }
    checks
}

/// When the first check that was stopped is asked again.
pub(super) fn again(memory: &TargetMemory, now: Micros) -> Option<Micros> {
    let checks = memory.stopped.values().map(|(until, _)| *until);
    let dependencies = memory.ready.values().filter_map(|said| said.rests);
    checks
        .chain(dependencies)
        .filter(|until| *until > now)
        .min()
}

/// Has everything judged that was not judged in its present version. One that was stopped is asked again when it has
/// rested, though nothing has changed: it may have met a busy machine only.
pub(super) async fn run<'a>(
    runtime: &Runtime,
    loaded: &'a Loaded,
    memory: &mut TargetMemory,
    handle: &ClusterHandle,
    declared: impl Iterator<Item = &'a ResourceKey>,
    now: Micros,
) -> Checked {
    let checks = checks(runtime, loaded);
    if checks.is_empty() {
        memory.verdicts = Arc::default();
        return Checked::default();
    }
    let digests: Vec<String> = checks.iter().map(UserCheck::digest).collect();
    let rested: Vec<String> = memory
        .stopped
        .extract_if(.., |_, (until, _)| *until <= now)
        .map(|(digest, _)| digest)
        .collect();
    let mut found: Vec<(usize, Arc<LiveObject>)> = Vec::new();
    let also = loaded
        .definition
        .health_checks
        .iter()
        .filter_map(|check| match check {
            HealthCheck::Object(key) => Some(key),
            HealthCheck::Expressions { .. } => None,
        });
    for key in declared.chain(also) {
        if let Some(place) = check::chosen(&checks, key)
            && let Lookup::Present(object) = handle.live.get(key)
            && !object.deleting
        {
            found.push((place, object));
        }
    }
    let verdicts = Arc::make_mut(&mut memory.verdicts);
    for digest in &rested {
        verdicts.forget(digest);
    }
    let present: BTreeSet<&str> = found
        .iter()
        .map(|(_, object)| object.uid.as_str())
        .collect();
    verdicts.keep(&present);
    let mut asked: Vec<(&str, Arc<LiveObject>)> = Vec::new();
    let mut jobs: Vec<Job> = Vec::new();
    for (place, object) in &found {
        let digest = digests.get(*place).map(String::as_str).unwrap_or_default();
        let (uid, version) = (&object.uid, &object.resource_version);
        if verdicts.knows(uid, version, digest) {
            continue;
        }
        if let Some((_, health)) = memory.stopped.get(digest) {
            verdicts.note(uid, version, digest, health.clone());
            continue;
        }
        asked.push((digest, Arc::clone(object)));
        jobs.push(Job {
            check: *place,
            object: without_secrets(object.body()),
            other: Value::Null,
        });
    }
    if !jobs.is_empty() {
        let limits = runtime.limits();
        let lane = if memory.strayed {
            &limits.slow_checks
        } else {
            &limits.checks
        };
        let Ok(_permit) = lane.acquire().await else {
            return Checked::default();
        };
        let answers = check::evaluate(runtime.renderer().sandbox(), &checks, &jobs).await;
        memory.strayed = answers.iter().any(|answer| answer.stopped);
        for ((digest, object), answer) in asked.into_iter().zip(answers) {
            let (uid, version) = (&object.uid, &object.resource_version);
            if answer.stopped {
                let until = now.plus_seconds(REST_SECONDS);
                let rests = (until, answer.health.clone());
                memory.stopped.insert(digest.to_owned(), rests);
            }
            verdicts.note(uid, version, digest, answer.health);
        }
    }
    Checked {
        checks: Arc::new(checks),
        verdicts: Arc::clone(&memory.verdicts),
    }
}

/// The object as checks see it: what they say is shown to everybody, so the values of a Secret are empty.
fn without_secrets(mut body: Value) -> Value {
    let is = |name: &str, value: &str| body.get(name).and_then(Value::as_str) == Some(value);
    if is("kind", "Secret") && is("apiVersion", "v1") {
        for field in ["data", "stringData"] {
            for value in body
                .get_mut(field)
                .and_then(Value::as_object_mut)
                .into_iter()
                .flat_map(serde_json::Map::values_mut)
            {
                *value = Value::String(String::new());
            }
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn checks_see_the_keys_of_a_secret_and_no_value() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {"password": "aHVudGVyMg=="}, "stringData": {"token": "x"}});
        assert_eq!(
            without_secrets(secret),
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"password": ""}, "stringData": {"token": ""}})
        );
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}});
        assert_eq!(without_secrets(config.clone()), config);
    }
}
