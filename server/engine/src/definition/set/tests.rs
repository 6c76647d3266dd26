//! One set in, applications out. Values follow the examples of Argo CD's documentation.

use super::super::{DefinitionFile, DestinationCluster, read};
use super::*;
use std::fmt::Write as _;

mod generators;
mod strategy;
mod templates;

fn clusters() -> Vec<SetCluster> {
    let cluster = |name: &str, server: &str, labels: &[(&str, &str)], home| SetCluster {
        name: name.to_owned(),
        server: server.to_owned(),
        labels: labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        home,
    };
    vec![
        cluster("hub", "https://10.0.0.1", &[], true),
        cluster(
            "Prod_EU",
            "https://2.4.6.8",
            &[("environment", "production"), ("location", "germany")],
            false,
        ),
        cluster(
            "staging",
            "https://1.2.3.4",
            &[("environment", "staging"), ("use-kafka", "false")],
            false,
        ),
    ]
}

const FILES: [(&str, &str); 9] = [
    ("addons/argo-workflows/kustomization.yaml", ""),
    ("addons/exclude-me/kustomization.yaml", ""),
    ("addons/prometheus_operator/Chart.yaml", ""),
    ("addons/prometheus_operator/charts/x/Chart.yaml", ""),
    (".hidden/addons/x.yaml", ""),
    ("germany/app.yaml", ""),
    (
        "clusters/engineering/dev/config.json",
        r#"{"aws_account": "123456", "cluster": {"owner": "admin@example.org", "name": "engineering-dev", "address": "https://1.2.3.4", "zones": ["a", "b"]}, "replicas": 2}"#,
    ),
    (
        "clusters/engineering/prod/config.json",
        r#"{"aws_account": "654321", "cluster": {"owner": "admin@example.org", "name": "engineering-prod", "address": "https://2.4.6.8", "zones": []}, "replicas": 3}"#,
    ),
    (
        "clusters/list.yaml",
        "- {name: one, number: 1}\n- {name: two, number: 2}\n",
    ),
];

const FLEET: &str = "https://example.org/fleet.git";

fn known() -> Known {
    let place = GitPlace {
        repo_url: FLEET.to_owned(),
        revision: TargetRevision("HEAD".to_owned()),
    };
    Known {
        clusters: clusters(),
        files: BTreeMap::from([(
            place.clone(),
            Ok(FILES.iter().map(|(path, _)| (*path).to_owned()).collect()),
        )]),
        contents: FILES
            .iter()
            .map(|(path, text)| {
                (
                    (place.clone(), (*path).to_owned()),
                    Ok(text.as_bytes().to_vec()),
                )
            })
            .collect(),
        texts: BTreeMap::new(),
    }
}

fn sets(text: &str) -> (Vec<ApplicationSet>, String) {
    let file = DefinitionFile {
        path: "sets.yaml".to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    let read = read(&[file], "hub");
    let problems = read
        .problems
        .iter()
        .map(|problem| {
            format!(
                "! {}:{} {}\n    {} → {}\n",
                problem.path, problem.line, problem.field, problem.message, problem.next
            )
        })
        .collect();
    (read.sets, problems)
}

/// The set of this `spec`, with a template that uses `name` and `server` unless the spec has one.
fn set(spec: &str) -> ApplicationSet {
    let (mut sets, problems) = sets(&document(spec));
    assert_eq!(problems, "");
    sets.remove(0)
}

fn document(spec: &str) -> String {
    let spec: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: demo, namespace: argocd}}\nspec:\n{spec}"
    )
}

/// What comes out, for people.
fn shown(expansion: &Expansion) -> String {
    let mut text = String::new();
    for member in &expansion.members {
        let destination = match &member.destination.cluster {
            DestinationCluster::Home => "home",
            DestinationCluster::Name(name) => name,
            DestinationCluster::Server(server) => server,
        };
        let set = member.set.as_ref().unwrap();
        let _ = writeln!(
            text,
            "{} → {destination}/{} from {}@{} {}\n  row {}\n  {}",
            member.name,
            member.destination.namespace,
            member.source.repo_url,
            member.source.target_revision.name(),
            member.source.path,
            set.row,
            set.parameters,
        );
    }
    for problem in &expansion.problems {
        let _ = writeln!(
            text,
            "! {}:{} {}\n    {} → {}",
            problem.path, problem.line, problem.field, problem.message, problem.next
        );
    }
    for missing in &expansion.not_generated {
        let _ = writeln!(
            text,
            "- {} is not generated here: {}",
            missing.generator, missing.why
        );
    }
    for need in &expansion.needs {
        let _ = writeln!(text, "? {need:?}");
    }
    if !expansion.whole {
        text.push_str("not whole\n");
    }
    text
}

fn expand(spec: &str) -> String {
    shown(&set(spec).expand(&known()))
}
