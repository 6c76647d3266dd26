//! The model of everything outside: Git, the cluster, the clock, people. Knows nothing of plans.

use super::git::{Declared, Git, NAMES, Objects};
use engine::tracking::{TRACKING_ANNOTATION, TrackingId};
use lockstep_types::resource::ResourceKey;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub const INSTALLATION: Uuid = Uuid::from_u128(7);
pub const TARGET_KEY: &str = "root/ArgoApplication/argocd/shop@prod";

/// An object in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    pub uid: u32,
    pub version: u32,
    pub tracking: Option<String>,
    pub wish: u8,
}

/// Whose mark an object carries.
pub fn mark(name: &str, target: &str) -> String {
    TrackingId {
        installation: INSTALLATION,
        target_key: target.to_owned(),
        key: ResourceKey::parse(name).unwrap(),
    }
    .text()
}

pub struct World {
    pub git: Git,
    pub cluster: BTreeMap<&'static str, Live>,
    /// Nothing of the cluster is known.
    pub down: bool,
    /// Objects whose kind cannot be listed now.
    pub hidden: BTreeSet<&'static str>,
    /// The next second render comes out otherwise.
    pub unsteady: bool,
    /// In seconds.
    pub now: i64,
    /// A person asked for a sync, with prune or without.
    pub asked: Option<bool>,
    /// A person looks at what waits and says yes.
    pub willing: bool,
    /// Writes end after so many; a crash.
    pub crash_after: Option<usize>,
    uids: u32,
    versions: u32,
}

fn some<'n>(chance: &mut StdRng, names: &[&'n str]) -> Option<&'n str> {
    (!names.is_empty()).then(|| names[chance.random_range(0..names.len())])
}

impl World {
    pub fn new(chance: &mut StdRng) -> Self {
        let mut objects = Objects::new();
        for name in NAMES {
            if chance.random_bool(0.6) {
                let wish = if chance.random_bool(0.1) {
                    chance.random_range(1..=2)
                } else {
                    0
                };
                objects.insert(name, Declared { version: 1, wish });
            }
        }
        Self {
            git: Git::new(objects),
            cluster: BTreeMap::new(),
            down: false,
            hidden: BTreeSet::new(),
            unsteady: false,
            now: 1_000_000,
            asked: None,
            willing: false,
            crash_after: None,
            uids: 0,
            versions: 1,
        }
    }

    pub fn uid(&mut self) -> u32 {
        self.uids += 1;
        self.uids
    }

    fn version(&mut self) -> u32 {
        self.versions += 1;
        self.versions
    }

    /// One event.
    pub fn happens(&mut self, chance: &mut StdRng) {
        self.now += chance.random_range(1..40);
        match chance.random_range(0..100) {
            0..30 => self.commit(chance),
            30..35 => {
                let parent = Some(self.git.head);
                self.git.commit(None, parent);
            }
            35..38 => {
                let parent = Some(self.git.head);
                self.git.commit(Some(Objects::new()), parent);
            }
            38..44 => self.rewrite(chance),
            44..48 => self.down = !self.down,
            48..53 => {
                self.hidden.clear();
                if chance.random_bool(0.6) {
                    self.hidden.extend(some(chance, &NAMES));
                }
            }
            53..73 => self.drift(chance),
            73..83 => self.asked = Some(chance.random_bool(0.7)),
            83..92 => self.willing = true,
            92..95 => self.unsteady = true,
            95..98 => self.crash_after = Some(chance.random_range(0..4)),
            _ => self.now += chance.random_range(60..3_000),
        }
    }

    fn commit(&mut self, chance: &mut StdRng) {
        let mut objects = self.git.last_good();
        let there: Vec<&str> = objects.keys().copied().collect();
        let absent: Vec<&str> = NAMES
            .iter()
            .copied()
            .filter(|name| !there.contains(name))
            .collect();
        let take = match chance.random_range(0..10) {
            0..4 => 0,
            4..8 => 1,
            _ => chance.random_range(2..6),
        };
        for _ in 0..take {
            if let Some(name) = some(chance, &there) {
                objects.remove(name);
            }
        }
        // A rename is one out and one in.
        if chance.random_bool(0.5)
            && let Some(name) = some(chance, &absent)
        {
            let version = self.version();
            objects.insert(name, Declared { version, wish: 0 });
        }
        if chance.random_bool(0.6)
            && let Some(name) = some(chance, &there)
            && let Some(declared) = objects.get_mut(name)
        {
            declared.version = self.versions + 1;
            self.versions += 1;
        }
        let parent = Some(self.git.head);
        self.git.commit(Some(objects), parent);
    }

    /// A forced push: back to something earlier, or to a history of its own.
    fn rewrite(&mut self, chance: &mut StdRng) {
        if chance.random_bool(0.5) {
            self.git.head = chance.random_range(0..self.git.commits.len());
        } else {
            let mut objects = self.git.last_good();
            let there: Vec<&str> = objects.keys().copied().collect();
            if let Some(name) = some(chance, &there) {
                objects.remove(name);
            }
            self.git.commit(Some(objects), None);
        }
    }

    /// Somebody else changes the cluster.
    pub fn drift(&mut self, chance: &mut StdRng) {
        let there: Vec<&str> = self.cluster.keys().copied().collect();
        let Some(name) = some(chance, &there) else {
            return;
        };
        let name = NAMES.iter().copied().find(|known| *known == name).unwrap();
        let (uid, version) = (self.uid(), self.version());
        let Some(live) = self.cluster.get_mut(name) else {
            return;
        };
        match chance.random_range(0..8) {
            0..3 => live.version = version,
            3 => {
                self.cluster.remove(name);
            }
            // Deleted and made anew by hand, once without our mark and once with it.
            4 => {
                *live = Live {
                    uid,
                    version,
                    tracking: None,
                    wish: 0,
                }
            }
            5 => live.uid = uid,
            6 => {
                live.tracking =
                    some(chance, &["other/a@prod", "shop"]).map(|other| mark(name, other))
            }
            _ => live.wish = chance.random_range(0..3),
        }
    }

    /// Somebody deletes an object and makes it anew, our mark and all.
    pub fn remake(&mut self, name: &str) {
        let uid = self.uid();
        if let Some(live) = self.cluster.get_mut(name) {
            live.uid = uid;
        }
    }

    /// The body of a live object as the API server would give it.
    pub fn body(&self, name: &str) -> Option<Value> {
        let live = self.cluster.get(name)?;
        let mut annotations = annotations(live.wish);
        if let Some(tracking) = &live.tracking {
            annotations[TRACKING_ANNOTATION] = json!(tracking);
        }
        let mut body = manifest(name, live.version, annotations);
        body["metadata"]["uid"] = json!(live.uid.to_string());
        Some(body)
    }
}

/// What an object says about being pruned.
pub fn annotations(wish: u8) -> Value {
    match wish {
        1 => json!({"argocd.argoproj.io/sync-options": "Prune=confirm"}),
        2 => json!({"argocd.argoproj.io/sync-options": "Prune=false"}),
        _ => json!({}),
    }
}

pub fn manifest(name: &str, version: u32, annotations: Value) -> Value {
    let key = ResourceKey::parse(name).unwrap();
    let api_version = match key.group.as_str() {
        "" => "v1".to_owned(),
        group => format!("{group}/v1"),
    };
    json!({
        "apiVersion": api_version, "kind": key.kind,
        "metadata": {"name": key.name, "namespace": key.namespace, "annotations": annotations},
        "data": {"version": version.to_string()},
    })
}
