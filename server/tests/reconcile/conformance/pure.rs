//! Scenarios that need no cluster: what the pure stages say of windows, health, annotations and definitions.

use super::rolled::rolled;
use super::table::{AnnotationCase, Case, DefinitionCase, HealthCase, Scenario, WindowCase};
use engine::definition::project::{Asked, Subject, Verdict};
use engine::definition::{DefinitionFile, Definitions, read};
use engine::health::health;
use engine::manifest::Manifest;
use engine::plan::hook::hook;
use engine::plan::options::options;
use engine::plan::{LiveFact, PruneWish, problems};
use lockstep_types::resource::Origin;
use serde_json::{Value, json};

/// What was expected and what was found instead, in words.
pub type Outcome = Result<(), (String, String)>;

/// Checks one scenario; those of the cluster are left to the cluster.
pub fn check(scenario: &Scenario) -> Outcome {
    match scenario.case() {
        Case::Cluster => Ok(()),
        Case::Windows(case) => windows(case),
        Case::Health(case) => healthy(case),
        Case::Annotations(case) => annotated(case),
        Case::Definition(case) => defined(case),
        Case::Rollout(case) => rolled(case),
    }
}

pub fn same(expected: &str, found: &str) -> Outcome {
    match expected == found {
        true => Ok(()),
        false => Err((expected.to_owned(), found.to_owned())),
    }
}

/// Each part stands in the sentence of its place, and there are no more sentences.
fn all_said(expected: &[String], found: &[String]) -> Outcome {
    let fits = expected.len() == found.len()
        && expected
            .iter()
            .zip(found)
            .all(|(part, found)| found.contains(part.as_str()));
    match fits {
        true => Ok(()),
        false => Err((format!("said: {expected:#?}"), format!("{found:#?}"))),
    }
}

fn definitions(documents: &[Value]) -> Definitions {
    let text: Vec<String> = documents.iter().map(Value::to_string).collect();
    let file = DefinitionFile {
        path: "file.yaml".to_owned(),
        bytes: text.join("\n---\n").into_bytes(),
    };
    read(&[file], "hub")
}

fn windows(case: &WindowCase) -> Outcome {
    let mut read = definitions(&[json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "web", "namespace": "argocd"}, "spec": {"syncWindows": case.project},
    })]);
    if let Some(problem) = read.problems.first() {
        return same(
            &case.says,
            &format!("{}: {}", problem.field, problem.message),
        );
    }
    let windows = read.projects.remove(0).sync_windows;
    let subject = Subject {
        application: "shop-eu",
        namespace: "shop",
        clusters: &["prod-eu", "in-cluster", "https://kubernetes.default.svc"],
    };
    let time = |text: &str| text.parse().expect("a time");
    let verdict = Verdict::of(&windows, &subject, time(&case.at));
    if let Some(began) = &case.began {
        let goes_on = verdict.lets_finish(time(began), Asked::ByItself);
        return same(&case.says, if goes_on { "goes on" } else { "stops" });
    }
    let found = match (
        verdict.permits(Asked::ByItself),
        verdict.permits(Asked::ByPerson),
    ) {
        (true, _) => "open",
        (false, true) => "people",
        (false, false) => "closed",
    };
    same(&case.says, found)?;
    let change = verdict
        .opens()
        .or(verdict.closes())
        .map(|at| at.to_string());
    match &case.until {
        Some(until) => same(until, &change.unwrap_or_default()),
        None => Ok(()),
    }
}

fn healthy(case: &HealthCase) -> Outcome {
    let mut body = case.object.clone();
    let (api, kind) = case.of.rsplit_once('/').expect("a version and a kind");
    body["apiVersion"] = json!(api);
    body["kind"] = json!(kind);
    let found = health(&body);
    let found = match found.message.as_str() {
        "" => found.status.word().to_owned(),
        message => format!("{}: {message}", found.status.word()),
    };
    match found == case.is || found.starts_with(&format!("{}: ", case.is)) {
        true => Ok(()),
        false => Err((case.is.clone(), found)),
    }
}

fn annotated(case: &AnnotationCase) -> Outcome {
    let body = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": "a", "namespace": "shop", "uid": "1",
            "annotations": case.annotations, "labels": case.labels,
        },
    });
    let found = meanings(&body);
    if found != case.mean {
        return Err((format!("{:?}", case.mean), format!("{found:?}")));
    }
    let origin = Origin {
        path: "manifests/a.yaml".to_owned(),
        line: Some(3),
    };
    let manifest = Manifest::new(body, Some(origin)).expect("an object");
    all_said(&case.said, &problems(&manifest))
}

/// What annotations and labels of an object mean, as far as they mean anything.
fn meanings(body: &Value) -> Vec<String> {
    let LiveFact::Present(facts) = LiveFact::of(body) else {
        return vec!["nothing: it is not known".to_owned()];
    };
    let own = options(body);
    let mut found = Vec::new();
    if facts.wave != 0 {
        found.push(format!("wave {}", facts.wave));
    }
    if let Some(hook) = hook(body) {
        let phases: Vec<String> = hook
            .phases
            .iter()
            .map(|phase| format!("{phase:?}"))
            .collect();
        let deletions: Vec<&str> = hook.deletions.iter().map(|one| one.word()).collect();
        if hook.skip {
            found.push("hook that is skipped".to_owned());
        } else {
            found.push(format!("hook {}", phases.join(" ")).trim().to_owned());
            found.push(format!("deleted {}", deletions.join(" ")));
        }
    }
    for (name, wish) in [("prune", &facts.prune), ("delete", &facts.delete)] {
        match wish {
            PruneWish::Unsaid => {}
            PruneWish::Allowed => found.push(format!("{name} allowed")),
            PruneWish::Confirm => found.push(format!("{name} asks")),
            PruneWish::Never(_) => found.push(format!("{name} never")),
        }
    }
    for (name, value) in [
        ("replace", own.replace),
        ("force", own.force),
        ("validate", own.validate),
        ("prune last", own.prune_last),
        ("skip dry run", own.skip_dry_run_on_missing),
    ] {
        found.extend(value.map(|value| format!("{name} {value}")));
    }
    found
}

fn defined(case: &DefinitionCase) -> Outcome {
    let read = definitions(&case.file);
    let definition = read.applications.first();
    if let Some(definition) = definition {
        let value = serde_json::to_value(definition).expect("JSON");
        for (pointer, wanted) in &case.reads {
            let found = value.pointer(pointer).unwrap_or(&Value::Null);
            if found != wanted {
                return Err((format!("{pointer}: {wanted}"), found.to_string()));
            }
        }
    } else if !case.reads.is_empty() {
        return Err(("a definition".to_owned(), format!("{:#?}", read.problems)));
    }
    let notes = definition
        .into_iter()
        .flat_map(|definition| &definition.ignored_fields);
    let found: Vec<String> = notes
        .map(|(field, why)| format!("{field}: {why}"))
        .chain(
            read.problems
                .iter()
                .map(|problem| format!("{}: {}", problem.field, problem.message)),
        )
        .collect();
    all_said(&case.said, &found)
}
