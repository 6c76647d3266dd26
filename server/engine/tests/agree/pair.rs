//! A manifest, a live object, and what the server's own dry run of applying the one to the other says.

use crate::hand::{self, FORCE, Made};
use crate::plan::{Plan, Wanted};
use crate::table::Place;
use crate::world::{World, type_of};
use engine::apply::{ApplyError, ApplyOptions};
use engine::diff::{self, CompareContext, Compared};
use engine::manifest::Manifest;
use engine::schema::Schema;
use lockstep_types::diff::{DiffClass, FieldChange, ResourceDiff};
use serde_json::Value;

pub struct Pair {
    pub title: String,
    pub manifest: Manifest,
    /// As the comparison sees it.
    pub live: Value,
    /// As it was when the server was asked.
    pub asked: Value,
    pub answer: Answer,
    made: Made,
    pub hooked: bool,
    seen: bool,
    pub asks: bool,
    pub described: bool,
    follows: Vec<String>,
}

/// What the server says of applying.
#[derive(Debug)]
pub enum Answer {
    Predicted(Value),
    /// It would not be applied at all.
    Refused(String),
}

/// What the server would change, as far as it counts.
#[derive(Debug, Clone, PartialEq)]
pub enum Truth {
    Changes(Vec<String>),
    Refused,
}

/// How the prediction fared.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    Right,
    Asks(String),
    Wrong(String),
}

/// Others write to the same objects: ask until nobody did in between.
const TRIES: usize = 12;

/// The pairs of one live object.
pub async fn of(world: &World, plan: &Plan) -> Vec<Pair> {
    let fail = |error: String| -> ! { panic!("{}: {error}", plan.title) };
    let made = match hand::make(world, plan).await {
        Ok(made) => made,
        Err(_) if plan.varied => return Vec::new(),
        Err(error) => fail(error),
    };
    let start = world.placed(&plan.start, plan.place);
    let (path, _) = world.path(&start, type_of(&start).0);
    for _ in 0..TRIES {
        let before = world.get(&path).await.unwrap_or_else(|error| fail(error));
        let mut pairs = Vec::new();
        for wanted in &plan.git {
            pairs.push(one(world, plan, wanted, &made, &before).await);
        }
        let after = world.get(&path).await.unwrap_or_else(|error| fail(error));
        if before["metadata"]["resourceVersion"] != after["metadata"]["resourceVersion"] {
            continue;
        }
        for pair in &mut pairs {
            pair.read(world, plan, &path)
                .await
                .unwrap_or_else(|error| fail(error));
        }
        return pairs;
    }
    fail("somebody changes it all the time".to_owned())
}

async fn one(world: &World, plan: &Plan, wanted: &Wanted, made: &Made, live: &Value) -> Pair {
    let title = format!("{}: {}", plan.title, wanted.what);
    let body = world.placed(&wanted.body, plan.place);
    let manifest = Manifest::new(body, None).unwrap_or_else(|error| panic!("{title}: {error}"));
    let mut pair = Pair {
        title,
        manifest,
        live: made.stale.clone().unwrap_or_else(|| live.clone()),
        asked: made.stale.clone().unwrap_or_else(|| live.clone()),
        answer: Answer::Refused(String::new()),
        made: made.clone(),
        hooked: plan.place == Place::Hooked,
        seen: plan.place == Place::Hooked && !plan.unseen,
        asks: plan.asks,
        described: plan.schema,
        follows: plan.follows.clone(),
    };
    let sent = diff::for_apply(&pair.manifest, Some(live), &pair.context());
    let sent = Manifest::new(sent, None).unwrap_or_else(|error| panic!("{}: {error}", pair.title));
    let options = ApplyOptions {
        lax: plan.lax,
        ..FORCE
    };
    pair.answer = match world.applier.dry_run(&sent, &options).await {
        Ok(predicted) => Answer::Predicted(predicted),
        Err(error @ (ApplyError::Timeout { .. } | ApplyError::Unreachable { .. })) => {
            panic!("{}: {error}", pair.title)
        }
        Err(error) => Answer::Refused(error.to_string()),
    };
    pair
}

impl Pair {
    /// Reads the live object once more, where Git says another version or somebody reads another one.
    async fn read(&mut self, world: &World, plan: &Plan, made: &str) -> Result<(), String> {
        let (path, _) = world.path(&self.manifest.body, &self.manifest.api_version);
        if path != made {
            self.asked = world.get(&path).await?;
            self.live = self.asked.clone();
        }
        if let Some(version) = &plan.read {
            let (path, _) = world.path(&self.manifest.body, version);
            self.live = world.get(&path).await?;
        }
        Ok(())
    }

    /// What the reconciler would know.
    fn context(&self) -> CompareContext<'_> {
        CompareContext {
            applied_hash: self
                .made
                .applied
                .as_ref()
                .map(|applied| applied.hash.as_str()),
            applied_resource_version: self.made.version.as_deref(),
            applied: self.made.applied.as_ref().map(|applied| &*applied.body),
            hpa_targets: Some(&self.made.hpa),
            mutated: self.seen,
            ..CompareContext::default()
        }
    }

    /// The server's word.
    pub fn truth(&self, schema: &Schema) -> Truth {
        match &self.answer {
            Answer::Refused(_) => Truth::Refused,
            Answer::Predicted(predicted) => {
                let found = diff::compare_predicted(
                    &self.manifest,
                    &self.asked,
                    predicted,
                    schema,
                    &self.context(),
                );
                Truth::Changes(counting(found.as_ref()))
            }
        }
    }

    /// Our own word against it.
    pub fn judge(&self, schema: &Schema, nothing: &Schema, truth: &Truth) -> Verdict {
        let schema = if self.described { schema } else { nothing };
        let found = match diff::compare(
            Some(&self.manifest),
            Some(&self.live),
            schema,
            &self.context(),
        ) {
            Compared::Unsure(why) => return Verdict::Asks(why),
            Compared::Exact(found) => found,
        };
        let said = counting(found.as_ref());
        let real = match truth {
            // Whoever says that it differs finds out; whoever says that all is well never does.
            Truth::Refused if said.is_empty() => {
                return Verdict::Wrong("equal, and the server refuses it".to_owned());
            }
            Truth::Refused => return Verdict::Right,
            Truth::Changes(real) => real,
        };
        let covers = |one: &[String], other: &[String]| {
            one.iter()
                .all(|path| other.iter().any(|other| related(path, other)))
        };
        let follows = |path: &&String| {
            let names = path.split(['.', '[', '"']);
            names
                .into_iter()
                .any(|name| self.follows.iter().any(|follows| follows == name))
        };
        let own: Vec<String> = if said.is_empty() {
            real.clone()
        } else {
            real.iter().filter(|path| !follows(path)).cloned().collect()
        };
        if covers(&said, real) && covers(&own, &said) {
            return Verdict::Right;
        }
        Verdict::Wrong(format!("said {said:?}, and it changes {real:?}"))
    }
}

/// The places that are a reason to sync.
fn counting(found: Option<&ResourceDiff>) -> Vec<String> {
    let counts =
        |change: &&FieldChange| matches!(change.class, DiffClass::NotYetSynced | DiffClass::Drift);
    let changes = found
        .map(|found| found.changes.as_slice())
        .unwrap_or_default();
    changes
        .iter()
        .filter(counts)
        .map(|change| change.path.clone())
        .collect()
}

/// Whether one place is the other, or stands below it.
fn related(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() {
        (one, other)
    } else {
        (other, one)
    };
    long.strip_prefix(short)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
