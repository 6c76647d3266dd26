//! What the local comparison says, held against dry runs that a Kubernetes 1.36 API server answered. The recording
//! holds the manifest, the live object and the server's prediction; it was made by applying manifests, editing them
//! as somebody else, and changing the manifests at random.

use super::*;
use crate::schema::tests::kubernetes;
use lockstep_types::diff::FieldChange;
use serde::Deserialize;

/// One recorded dry run.
#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    desired: Value,
    live: Value,
    predicted: Value,
    applied: Option<Value>,
}

/// How a comparison fared.
#[derive(Debug, Default)]
struct Tally {
    equal: u32,
    differing: u32,
    unsure: u32,
    wrong: Vec<String>,
    reasons: BTreeSet<String>,
}

impl Tally {
    fn summary(&self) -> String {
        let reasons: Vec<&str> = self.reasons.iter().map(String::as_str).collect();
        format!(
            "equal {}, differing {}, unsure {}:\n{}",
            self.equal,
            self.differing,
            self.unsure,
            reasons.join("\n")
        )
    }
}

fn list(diff: &Option<ResourceDiff>) -> String {
    let changes = diff
        .as_ref()
        .map(|diff| diff.changes.as_slice())
        .unwrap_or_default();
    let line = |change: &FieldChange| {
        format!(
            "    {:?} {}: {:?} -> {:?}",
            change.class, change.path, change.live, change.declared
        )
    };
    changes.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn judge(case: &Case, schema: &Schema, tally: &mut Tally) {
    let manifest = Manifest::new(case.desired.clone(), None).unwrap();
    let applied_hash = case.applied.as_ref().map(crate::manifest::hash_of);
    let context = CompareContext {
        applied_hash: applied_hash.as_deref(),
        applied: case.applied.as_ref(),
        ..CompareContext::default()
    };
    let truth = compare_predicted(&manifest, &case.live, &case.predicted, schema, &context);
    let changes = truth.as_ref().is_some_and(ResourceDiff::counts);
    match compare(Some(&manifest), Some(&case.live), schema, &context) {
        Compared::Unsure(why) => {
            tally.unsure += 1;
            tally.reasons.insert(format!("{} {why}", manifest.key.kind));
        }
        Compared::Exact(diff) => {
            let said = diff.as_ref().is_some_and(ResourceDiff::counts);
            match (said, changes) {
                (false, false) => tally.equal += 1,
                (true, true) => tally.differing += 1,
                _ => tally.wrong.push(format!(
                    "{}\n  said:\n{}\n  truth:\n{}",
                    case.name,
                    list(&diff),
                    list(&truth)
                )),
            }
        }
    }
}

#[test]
fn agrees_with_the_api_server() {
    let schema = kubernetes();
    let mut tally = Tally::default();
    for line in include_str!("fixtures/agreement.jsonl").lines() {
        judge(&serde_json::from_str(line).unwrap(), &schema, &mut tally);
    }
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n"));
    // Asking the server is always right and never cheap: the reasons for it are worth reading when they grow.
    insta::assert_snapshot!(tally.summary(), @"
    equal 64, differing 41, unsure 9:
    ConfigMap data.multi is null in Git, and what it becomes only the cluster can tell
    NetworkPolicy spec.podSelector is empty and left Git, and may stay
    Role rules is null in Git, and what it becomes only the cluster can tell
    RoleBinding subjects[0].namespace is null in Git, and what it becomes only the cluster can tell
    Secret data.l is null in Git, and what it becomes only the cluster can tell
    Service spec.ports[port=53,protocol=UDP].targetPort is null in Git, and what it becomes only the cluster can tell
    Service spec.selector.app is null in Git, and what it becomes only the cluster can tell
    ServiceAccount imagePullSecrets[0].name is null in Git, and what it becomes only the cluster can tell
    Widget spec.free.x is null in Git, and what it becomes only the cluster can tell
    ");
}
