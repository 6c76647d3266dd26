//! Every field of the schemas, one at a time: it is read, it is said why it has no effect here, or it is a problem. None
//! is passed over in silence.

use super::super::*;
use crate::yaml::documents;
use serde_json::{Value, json};

/// The documents that all of it is set in, by kind.
fn base() -> Vec<(&'static str, Value)> {
    let object = |api: &str, kind: &str, namespace: &str, name: &str, spec: Value| json!({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec});
    let source = json!({"repoURL": "https://git.example.org/a", "path": "a"});
    let destination = json!({"server": "https://kubernetes.default.svc", "namespace": "web"});
    let flux = "flux-system";
    let git = "source.toolkit.fluxcd.io/v1";
    vec![
        (
            "Application",
            object(
                "argoproj.io/v1alpha1",
                "Application",
                "argocd",
                "shop",
                json!({
                    "project": "default",
                    "source": source,
                    "destination": destination,
                    "syncPolicy": {"automated": {}},
                }),
            ),
        ),
        (
            "AppProject",
            object(
                "argoproj.io/v1alpha1",
                "AppProject",
                "argocd",
                "team",
                json!({}),
            ),
        ),
        (
            "ApplicationSet",
            object(
                "argoproj.io/v1alpha1",
                "ApplicationSet",
                "argocd",
                "all",
                json!({
                    "generators": [{"list": {"elements": [{"name": "a"}]}}],
                    "template": {
                        "metadata": {"name": "{{name}}"},
                        "spec": {"project": "default", "source": source, "destination": destination},
                    },
                }),
            ),
        ),
        (
            "GitRepository",
            object(
                git,
                "GitRepository",
                flux,
                "main",
                json!({"url": "https://git.example.org/f"}),
            ),
        ),
        (
            "other GitRepository",
            object(
                git,
                "GitRepository",
                flux,
                "other",
                json!({"url": "https://git.example.org/o"}),
            ),
        ),
        (
            "Kustomization",
            object(
                "kustomize.toolkit.fluxcd.io/v1",
                "Kustomization",
                flux,
                "apps",
                json!({"path": "./apps", "prune": false, "sourceRef": {"kind": "GitRepository", "name": "main"}}),
            ),
        ),
        (
            "HelmRepository",
            object(
                git,
                "HelmRepository",
                flux,
                "charts",
                json!({"url": "https://charts.example.org"}),
            ),
        ),
        (
            "HelmRelease",
            object(
                "helm.toolkit.fluxcd.io/v2",
                "HelmRelease",
                flux,
                "web",
                json!({"chart": {"spec": {"chart": "web", "sourceRef": {"kind": "HelmRepository", "name": "charts"}}}}),
            ),
        ),
        (
            "OCIRepository",
            object(
                git,
                "OCIRepository",
                flux,
                "manifests",
                json!({"url": "oci://ghcr.io/team/web"}),
            ),
        ),
        (
            "Kustomization of the OCIRepository",
            object(
                "kustomize.toolkit.fluxcd.io/v1",
                "Kustomization",
                flux,
                "from-registry",
                json!({"path": "./", "prune": false, "sourceRef": {"kind": "OCIRepository", "name": "manifests"}}),
            ),
        ),
        (
            "ConfigMap",
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "values", "namespace": flux}, "data": {"a.yaml": "b: 1"}}),
        ),
        (
            "GitRepo",
            object(
                "fleet.cattle.io/v1alpha1",
                "GitRepo",
                "fleet-default",
                "fleet",
                json!({"repo": "https://git.example.org/root", "targets": [{"clusterSelector": {}}]}),
            ),
        ),
        ("fleet.yaml", json!({})),
    ]
}

/// As files of a repository, each document on a line of its own.
fn read_all(documents: &[(&str, Value)]) -> Definitions {
    let mut files = Vec::new();
    for (kind, body) in documents {
        let path = match *kind {
            "fleet.yaml" => "app/fleet.yaml".to_owned(),
            kind => format!("definitions/{}.yaml", kind.replace(' ', "-")),
        };
        files.push((path, format!("{body}\n")));
    }
    for (path, text) in [
        ("app/prod.yaml", "c: 1\n"),
        (
            "app/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        ),
    ] {
        files.push((path.to_owned(), text.to_owned()));
    }
    let files: Vec<DefinitionFile> = files
        .into_iter()
        .map(|(path, text)| DefinitionFile {
            path,
            bytes: text.into_bytes(),
        })
        .collect();
    let main = TargetRevision("main".to_owned());
    read_source(&files, "home", "https://git.example.org/root", &main)
}

/// Everything that decides what happens.
fn facts(read: &Definitions) -> String {
    let mut read = read.clone();
    for application in &mut read.applications {
        application.yaml.clear();
        application.ignored_fields.clear();
    }
    for project in &mut read.projects {
        project.ignored_fields.clear();
    }
    let sets: Vec<_> = read
        .sets
        .iter()
        .map(|set| {
            let language = (set.go_template, set.strict);
            format!(
                "{:?} {} {} {language:?} {:?}",
                set.generators, set.template, set.template_patch, set.strategy
            )
        })
        .collect();
    format!("{:?} {sets:?} {:?}", read.applications, read.projects)
}

/// What is said of fields that have no effect.
fn notes(read: &Definitions) -> Vec<(String, String)> {
    let applications = read.applications.iter().map(|one| &one.ignored_fields);
    let sets = read.sets.iter().map(|one| &one.ignored_fields);
    let projects = read.projects.iter().map(|one| &one.ignored_fields);
    applications
        .chain(sets)
        .chain(projects)
        .flatten()
        .cloned()
        .collect()
}

/// Sets a value at `a.b[0].c`; lists grow.
fn set(body: &mut Value, path: &str, value: Value) {
    // `metadata.annotations[a.b/c]`
    if let Some(name) = path.strip_prefix("metadata.annotations[") {
        body["metadata"]["annotations"] = json!({ (name.trim_end_matches(']')): value });
        return;
    }
    let mut at = body;
    for part in path.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        at = &mut at[name];
        if let Some(index) = index {
            if at.is_null() {
                *at = json!([]);
            }
            let items = at.as_array_mut().unwrap();
            let index = index.min(items.len());
            if index == items.len() {
                items.push(Value::Null);
            }
            at = &mut items[index];
        }
    }
    *at = value;
}

/// What becomes of one field.
fn verdict(kind: &str, path: &str, value: &Value) -> String {
    let before = base();
    let mut after = base();
    let document = after.iter_mut().find(|(of, _)| *of == kind);
    set(&mut document.unwrap().1, path, value.clone());
    let (before, after) = (read_all(&before), read_all(&after));
    let known = notes(&before);
    let news = notes(&after)
        .into_iter()
        .filter(|note| !known.contains(note));
    let mut said: Vec<String> = after
        .problems
        .iter()
        .filter(|problem| !before.problems.contains(problem))
        .map(|problem| format!("problem: {}", problem.message))
        .collect();
    if said.is_empty() && facts(&before) != facts(&after) {
        said.push("read".to_owned());
    }
    said.extend(news.map(|(field, why)| format!("{field}: {why}")));
    said.dedup();
    if said.is_empty() {
        said.push("SILENT".to_owned());
    }
    said.join("; ")
}

#[test]
fn no_field_is_passed_over_in_silence() {
    assert_eq!(read_all(&base()).problems, []);
    let (mut table, mut silent) = (String::new(), String::new());
    let mut kind = "";
    for line in include_str!("schema.txt").lines() {
        let Some(field) = line.strip_prefix("  ") else {
            if !line.starts_with('#') {
                kind = line;
                table.push_str(&format!("{kind}\n"));
            }
            continue;
        };
        let (path, text) = field.split_once(": ").unwrap();
        let value = documents(text).unwrap()[0].value().unwrap();
        let verdict = verdict(kind, path, &value);
        if verdict.contains("SILENT") || verdict.contains("does not know this field") {
            silent.push_str(&format!("{kind} {path}: {verdict}\n"));
        }
        table.push_str(&format!("  {path} → {verdict}\n"));
    }
    assert_eq!(silent, "");
    insta::assert_snapshot!(table);
}
