//! What checks said of objects, so that nothing is evaluated twice. Plain data.

use crate::health::health;
use lockstep_types::health::Health;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// Verdicts by the UID of their object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdicts(HashMap<String, Verdict>);

#[derive(Debug, Clone, PartialEq)]
struct Verdict {
    /// Of the check.
    digest: String,
    /// Of the object.
    version: String,
    health: Health,
}

impl Verdicts {
    /// Notes what a check said of an object in one of its versions.
    pub fn note(&mut self, uid: &str, version: &str, digest: &str, health: Health) {
        self.0.insert(
            uid.to_owned(),
            Verdict {
                digest: digest.to_owned(),
                version: version.to_owned(),
                health,
            },
        );
    }

    /// Whether this check has judged this version.
    pub fn knows(&self, uid: &str, version: &str, digest: &str) -> bool {
        self.0
            .get(uid)
            .is_some_and(|verdict| verdict.version == version && verdict.digest == digest)
    }

    /// Whether any version of an object was judged.
    pub fn has(&self, uid: &str) -> bool {
        self.0.contains_key(uid)
    }

    /// Forgets what one check said, so that it is asked again.
    pub fn forget(&mut self, digest: &str) {
        self.0.retain(|_, verdict| verdict.digest != digest);
    }

    /// Forgets all other objects.
    pub fn keep(&mut self, uids: &BTreeSet<&str>) {
        self.0.retain(|uid, _| uids.contains(uid.as_str()));
    }

    /// The health of an object: by its check where it has one, else by the rules of its kind. An object that goes is
    /// told to go, whatever a check says of it.
    pub fn health(&self, uid: &str, body: &Value) -> Health {
        match self.0.get(uid) {
            Some(verdict) if body.pointer("/metadata/deletionTimestamp").is_none() => {
                verdict.health.clone()
            }
            _ => health(body),
        }
    }
}
