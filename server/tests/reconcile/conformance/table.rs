//! The table of scenarios as it is written: one file a topic.
//!
//! A scenario on the cluster has `steps`. Each step does something (commits files, runs kubectl, asks for a sync) and
//! says how things then come to be; what it expects is waited for. The other scenarios have one case each, of the pure
//! stages: `windows`, `health`, `annotations`, `definition` or `rollout`. In all texts `$NS`, `$REPO` and `$CLUSTER` stand for the
//! scenario's own namespace, its repository and the name of the cluster.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    pub topic: String,
    pub scenarios: Vec<Scenario>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub name: String,
    /// Product and page, with the section where there is one.
    pub follows: String,
    /// Where Lockstep differs on purpose, and why.
    #[serde(default)]
    pub differs: String,
    /// Fields of the Application's `spec` beside source and destination; `null`: there is no such application.
    #[serde(default = "by_itself")]
    pub shop: Value,
    /// Fields of the `spec` of a Flux Kustomization of that name instead.
    #[serde(default)]
    pub kustomization: Option<Value>,
    /// A `fleet.yaml` beside the manifests instead.
    #[serde(default)]
    pub bundle: Option<Value>,
    /// Further fields of the GitRepo's `spec` that leads to it.
    #[serde(default)]
    pub gitrepo: Value,
    #[serde(default)]
    pub steps: Vec<Step>,
    #[serde(default)]
    pub windows: Option<WindowCase>,
    #[serde(default)]
    pub health: Option<HealthCase>,
    #[serde(default)]
    pub annotations: Option<AnnotationCase>,
    #[serde(default)]
    pub definition: Option<DefinitionCase>,
    #[serde(default)]
    pub rollout: Option<RolloutCase>,
}

fn by_itself() -> Value {
    serde_json::json!({"syncPolicy": {"automated": {"prune": true}}})
}

/// What one step does and what then comes to be. What is not said is not looked at.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Manifests of the application by file name; see `objects`. `null` takes one out.
    pub commit: BTreeMap<String, Value>,
    /// Other files of the repository; `null` takes one out.
    pub files: BTreeMap<String, Option<String>>,
    /// The `spec` of the definition from now on, as in the scenario; `gone`: the definition leaves Git.
    pub define: Option<Value>,
    /// Command lines of kubectl in the scenario's namespace. Words in single quotes stay together.
    pub kubectl: Vec<String>,
    /// What a person asks for: `sync`, `sync with prune`, `terminate`, `approve`, `refuse`, `hold sync`, `hold heal`,
    /// `hold both`, `remove`, `leave`.
    pub ask: String,
    /// The application that is looked at from now on, by its name.
    pub of: String,
    /// The commit is not waited for: nothing can be compared.
    pub blind: bool,
    /// Seconds that it may take; 0: as long as others.
    pub within: u64,

    /// The newest run of this step is over, so, and there was no other.
    pub run: Option<String>,
    /// All runs of this step, oldest first, each over or waiting so.
    pub runs: Option<Vec<String>>,
    /// How far the newest run is, whichever step it began in.
    pub last: Option<String>,
    /// Part of what the newest run says.
    pub message: Option<String>,
    /// Who began it.
    pub by: Option<String>,
    /// What the server wrote since the last step that looked, in order; what stands in a list together has no order.
    pub writes: Option<Vec<Value>>,
    pub sync: Option<String>,
    /// `Degraded`, or `Degraded: part of the words`.
    pub health: Option<String>,
    /// `Held`, or `Held: part of the sentence`; `none`.
    pub reason: Option<String>,
    /// Objects that differ.
    pub differ: Option<u32>,
    /// Objects that were changed by others.
    pub drifted: Option<u32>,
    /// `configmap/a`.
    pub there: Vec<String>,
    pub gone: Vec<String>,
    /// How many objects of a kind the namespace has: `replicasets: 2`.
    pub count: BTreeMap<String, usize>,
    /// Fields of live objects by object and JSON pointer; `null`: not there.
    pub fields: BTreeMap<String, BTreeMap<String, Value>>,
    /// Parts of sentences that the application's changes say as warnings; an empty list: none is said.
    pub warns: Option<Vec<String>>,
    /// Rules of the gate that the newest run waits for, in order.
    pub gate: Option<Vec<String>>,
    /// Objects that keep the identity they had when this was first said.
    pub same: Vec<String>,
    /// Objects that have another identity than at the step before.
    pub anew: Vec<String>,
}

/// What the sync windows of a project say at a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowCase {
    pub project: Vec<Value>,
    pub at: String,
    /// When a sync began that is under way.
    #[serde(default)]
    pub began: Option<String>,
    /// `open`, `closed`, `people`: closed, but people may; with `began`: `goes on` or `stops`.
    pub says: String,
    /// The next change.
    #[serde(default)]
    pub until: Option<String>,
}

/// The health of one object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthCase {
    /// `apps/v1/Deployment`.
    pub of: String,
    pub object: Value,
    pub is: String,
}

/// What is said about the annotations and labels of one object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnotationCase {
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What they mean: wave, hook phases, wishes, one `key value` each.
    #[serde(default)]
    pub mean: Vec<String>,
    /// Parts of the sentences that are said of them, in order; all of them.
    #[serde(default)]
    pub said: Vec<String>,
}

/// What is read from one file of definitions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefinitionCase {
    /// Documents of the file.
    pub file: Vec<Value>,
    /// JSON pointers into the definition that is read, with their values.
    #[serde(default)]
    pub reads: BTreeMap<String, Value>,
    /// Parts of what is said of it, in order; all of it.
    #[serde(default)]
    pub said: Vec<String>,
}

/// Whose turn it is in a rollout.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolloutCase {
    /// The `strategy` of an ApplicationSet of these members.
    #[serde(default)]
    pub strategy: Option<Value>,
    /// The `rolloutStrategy` of a bundle for clusters of these names instead.
    #[serde(default)]
    pub partitions: Option<Value>,
    /// A label and how it stands, by name: `env=dev behind`.
    pub members: BTreeMap<String, String>,
    /// `may` sync now, `-`: nothing is to be begun, or a part of why it waits; of every member.
    pub says: BTreeMap<String, String>,
}

/// Where a scenario runs.
#[derive(Debug)]
pub enum Case<'s> {
    Cluster,
    Windows(&'s WindowCase),
    Health(&'s HealthCase),
    Annotations(&'s AnnotationCase),
    Definition(&'s DefinitionCase),
    Rollout(&'s RolloutCase),
}

impl Scenario {
    pub fn case(&self) -> Case<'_> {
        let mut cases = Vec::new();
        if !self.steps.is_empty() {
            cases.push(Case::Cluster);
        }
        cases.extend(self.windows.as_ref().map(Case::Windows));
        cases.extend(self.health.as_ref().map(Case::Health));
        cases.extend(self.annotations.as_ref().map(Case::Annotations));
        cases.extend(self.definition.as_ref().map(Case::Definition));
        cases.extend(self.rollout.as_ref().map(Case::Rollout));
        assert_eq!(cases.len(), 1, "{}: it needs one case, or steps", self.name);
        cases.remove(0)
    }
}

impl Topic {
    pub fn full_name(&self, scenario: &Scenario) -> String {
        format!("{}: {}", self.topic, scenario.name)
    }
}

/// All topics, in the order of their files.
pub fn read() -> Vec<Topic> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reconcile/conformance");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of the table")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    let text = |path| std::fs::read_to_string(path).expect("a file of the table");
    files
        .iter()
        .map(|path| parse(&path.display().to_string(), &text(path)))
        .collect()
}

/// One topic.
pub fn parse(file: &str, text: &str) -> Topic {
    let documents = engine::yaml::documents(text).expect(file);
    assert_eq!(documents.len(), 1, "{file} has one document");
    let value = documents[0].value().expect(file);
    serde_json::from_value(value).expect(file)
}
