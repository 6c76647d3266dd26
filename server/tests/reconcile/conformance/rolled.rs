//! Scenarios of rollouts: a strategy as it is written, members as they stand, and whose turn it is.

use super::pure::{Outcome, same};
use super::table::RolloutCase;
use engine::definition::fleet::CandidateCluster;
use engine::definition::set::Known;
use engine::definition::{DefinitionFile, Definitions, read, read_source};
use engine::rollout::{Member, Rollout, Standing, Verdict, turns};
use lockstep_types::revision::TargetRevision;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const REPO: &str = "https://git.example.org/a.git";

/// Checks one.
pub fn rolled(case: &RolloutCase) -> Outcome {
    let members: Vec<Written> = case.members.iter().map(Written::read).collect();
    let (rollout, steps) = match (&case.strategy, &case.partitions) {
        (Some(strategy), None) => of_set(strategy, &members)?,
        (None, Some(strategy)) => of_bundle(strategy, &members)?,
        _ => {
            let wanted = "either a strategy or partitions".to_owned();
            return Err((wanted, format!("{case:?}")));
        }
    };
    let standing: Vec<Member> = members
        .iter()
        .map(|member| Member {
            name: "cart".to_owned(),
            cluster: member.name.clone(),
            step: steps.get(&member.name).copied().flatten(),
            standing: member.standing,
            words: member.standing.word().to_owned(),
        })
        .collect();
    let found: BTreeMap<&str, String> = standing
        .iter()
        .zip(turns(&rollout, &standing))
        .map(|(member, verdict)| {
            let said = match verdict {
                Verdict::Settled => "-".to_owned(),
                Verdict::May => "may".to_owned(),
                Verdict::Waits(waits) => waits.words(&rollout, &standing),
            };
            (member.cluster.as_str(), said)
        })
        .collect();
    for (name, wanted) in &case.says {
        let said = found.get(name.as_str()).map_or("nothing", String::as_str);
        let fits = said == wanted || (wanted.len() > 3 && said.contains(wanted.as_str()));
        if !fits {
            return Err((format!("{name}: {wanted}"), format!("{found:#?}")));
        }
    }
    same(&case.says.len().to_string(), &found.len().to_string())
}

/// `env=dev behind`.
struct Written {
    name: String,
    label: String,
    standing: Standing,
}

impl Written {
    fn read((name, text): (&String, &String)) -> Self {
        let (label, standing) = text.split_once(' ').expect("a label and a standing");
        let known = [
            Standing::Ready,
            Standing::Behind,
            Standing::Moving,
            Standing::Bad,
            Standing::Unseen,
        ];
        Self {
            name: name.clone(),
            label: label.strip_prefix("env=").expect("env=…").to_owned(),
            standing: known
                .into_iter()
                .find(|one| one.word() == standing)
                .expect("a standing that there is"),
        }
    }
}

/// A rollout, and the step of each member by its name.
type Placed = (Rollout, BTreeMap<String, Option<usize>>);

fn problems(read: &Definitions) -> Result<(), (String, String)> {
    match read.problems.first() {
        None => Ok(()),
        Some(problem) => Err((
            "no problem".to_owned(),
            format!("{}: {}", problem.field, problem.message),
        )),
    }
}

fn file(path: &str, document: &Value) -> DefinitionFile {
    DefinitionFile {
        path: path.to_owned(),
        bytes: document.to_string().into_bytes(),
    }
}

fn of_set(strategy: &Value, members: &[Written]) -> Result<Placed, (String, String)> {
    let elements: Vec<Value> = members
        .iter()
        .map(|member| json!({"name": member.name, "env": member.label}))
        .collect();
    let document = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
        "metadata": {"name": "cart", "namespace": "argocd"},
        "spec": {
            "generators": [{"list": {"elements": elements}}],
            "strategy": strategy,
            "template": {
                "metadata": {"name": "{{name}}", "labels": {"env": "{{env}}"}},
                "spec": {
                    "source": {"repoURL": REPO, "path": "a"},
                    "destination": {"name": "in-cluster"},
                },
            },
        },
    });
    let read = read(&[file("set.yaml", &document)], "hub");
    problems(&read)?;
    let mut rollout = None;
    let mut steps = BTreeMap::new();
    for definition in read.sets[0].expand(&Known::default()).members {
        let course = definition.set.and_then(|set| set.rollout);
        if let Some(course) = course {
            steps.insert(definition.name, course.step);
            rollout = Some(course.rollout);
        }
    }
    // All at once: one step without limits.
    Ok(match rollout {
        Some(rollout) => (rollout, steps),
        None => (
            everybody(),
            members
                .iter()
                .map(|member| (member.name.clone(), Some(0)))
                .collect(),
        ),
    })
}

fn everybody() -> Rollout {
    Rollout {
        steps: vec![engine::rollout::Step {
            name: "all".to_owned(),
            selects: String::new(),
            at_once: engine::rollout::Amount::ALL,
            unready: engine::rollout::Amount::ALL,
        }],
        ..Rollout::default()
    }
}

fn of_bundle(strategy: &Value, members: &[Written]) -> Result<Placed, (String, String)> {
    let repo = json!({
        "apiVersion": "fleet.cattle.io/v1alpha1", "kind": "GitRepo",
        "metadata": {"name": "shop", "namespace": "fleet-default"},
        "spec": {"repo": REPO, "paths": ["cart"], "targets": [{"clusterSelector": {}}]},
    });
    let own = json!({"rolloutStrategy": strategy});
    let files = [
        file("repo.yaml", &repo),
        file("cart/fleet.yaml", &own),
        file(
            "cart/a.yaml",
            &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}),
        ),
    ];
    let itself = read_bundle(&files);
    problems(&itself)?;
    let placement = itself
        .applications
        .first()
        .and_then(|definition| definition.placement.clone())
        .ok_or_else(|| ("a bundle".to_owned(), format!("{itself:#?}")))?;
    let clusters: Vec<CandidateCluster> = members
        .iter()
        .map(|member| CandidateCluster {
            name: member.name.clone(),
            labels: BTreeMap::from([("env".to_owned(), member.label.clone())]),
        })
        .collect();
    let (rollout, steps) = placement
        .rollout("hub", &clusters)
        .ok_or_else(|| ("a rollout".to_owned(), "none".to_owned()))?;
    let steps = steps.into_iter().map(|(name, step)| (name, Some(step)));
    Ok((rollout, steps.collect()))
}

/// As those of the repository that the GitRepo names.
fn read_bundle(files: &[DefinitionFile]) -> Definitions {
    let branch = TargetRevision("HEAD".to_owned());
    read_source(files, "hub", REPO, &branch)
}
