use super::super::{Definition, DefinitionFile, Definitions, DestinationCluster, read_source};
use super::CandidateCluster;
use insta::assert_snapshot;
use lockstep_types::revision::TargetRevision;
use std::fmt::Write as _;

const URL: &str = "https://git.example.org/team/fleet.git";

fn files(files: &[(&str, &str)]) -> Vec<DefinitionFile> {
    files
        .iter()
        .map(|(path, text)| DefinitionFile {
            path: (*path).to_owned(),
            bytes: text.as_bytes().to_vec(),
        })
        .collect()
}

fn read(files: &[DefinitionFile]) -> Definitions {
    read_source(files, "home", URL, &TargetRevision("main".to_owned()))
}

fn cluster(name: &str, labels: &[(&str, &str)]) -> CandidateCluster {
    CandidateCluster {
        name: name.to_owned(),
        labels: labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

fn clusters() -> Vec<CandidateCluster> {
    vec![
        cluster("home", &[("env", "dev"), ("size", "1")]),
        cluster(
            "east",
            &[("env", "prod"), ("region", "east"), ("size", "3")],
        ),
        cluster(
            "west",
            &[("env", "prod"), ("region", "west"), ("size", "2")],
        ),
    ]
}

fn source(definition: &Definition) -> String {
    let source = &definition.source;
    let mut text = format!("{} {}", source.repo_url, source.target_revision.0);
    for (name, value) in [("chart", &source.chart), ("path", &source.path)] {
        if !value.is_empty() {
            let _ = write!(text, " {name} {value}");
        }
    }
    if let Some(helm) = &source.helm {
        let _ = write!(text, ", helm {} {}", helm.release_name, helm.values);
    }
    if source.kustomize.is_some() {
        text.push_str(", kustomize");
    }
    if let Some(directory) = &source.directory {
        let overlays = directory.overlays.clone().unwrap_or_default();
        let _ = write!(text, ", manifests {overlays:?}");
    }
    text
}

/// Definitions, where they go and what is wrong, as a person would list them.
fn listed(files: &[DefinitionFile]) -> String {
    let Definitions {
        applications,
        problems,
        ..
    } = read(files);
    let mut text = String::new();
    for definition in &applications {
        let policy = &definition.policy;
        let _ = writeln!(
            text,
            "{} ({}:{}) labels {:?} heal {} suspend {}",
            definition.key,
            definition.path,
            definition.line,
            definition.labels,
            policy.self_heal,
            policy.suspend
        );
        let _ = writeln!(text, "  says {}", source(definition));
        for dependency in &definition.depends_on {
            let _ = writeln!(text, "  after {}/{}", dependency.namespace, dependency.name);
        }
        for (field, why) in &definition.ignored_fields {
            let _ = writeln!(text, "  not used: {field}: {why}");
        }
        let placement = definition.placement.as_deref().unwrap();
        match placement.clusters("home", &clusters()) {
            Err((message, next)) => {
                let _ = writeln!(text, "  nowhere: {message} → {next}");
            }
            Ok(_) => {
                for cluster in clusters() {
                    let Some(placed) = placement.on(definition, "home", &cluster) else {
                        continue;
                    };
                    assert_eq!(
                        placed.destination.cluster,
                        DestinationCluster::Name(cluster.name.clone())
                    );
                    let _ = writeln!(
                        text,
                        "  {} in {}: {}",
                        cluster.name,
                        placed.destination.namespace,
                        if placed.unrenderable.is_empty() {
                            source(&placed)
                        } else {
                            format!("cannot be rendered: {}", placed.unrenderable)
                        }
                    );
                    let sync = &placed.sync_options;
                    if !sync.namespace_labels.is_empty() || !placed.service_account.is_empty() {
                        let _ = writeln!(
                            text,
                            "    namespace {:?} {:?}, {} s, as {}",
                            sync.namespace_labels,
                            sync.namespace_annotations,
                            sync.timeout_seconds,
                            placed.service_account
                        );
                    }
                    for rule in &placed.ignore_differences {
                        let _ = writeln!(
                            text,
                            "    ignores {}/{} {} {:?}",
                            rule.group, rule.kind, rule.name, rule.json_pointers
                        );
                    }
                }
            }
        }
    }
    for problem in &problems {
        let key = problem
            .key
            .as_ref()
            .map_or("-".to_owned(), ToString::to_string);
        let _ = writeln!(
            text,
            "{}:{} [{}] {} → {} ({key})",
            problem.path, problem.line, problem.field, problem.message, problem.next
        );
    }
    text
}

const REPO: &str = "apiVersion: fleet.cattle.io/v1alpha1
kind: GitRepo
metadata: {name: shop, namespace: fleet-default, labels: {team: cart}}
spec:
  repo: https://git.example.org/team/fleet
  branch: main
  paths: [apps/*]
  clientSecretName: token
  pollingInterval: 30s
  correctDrift: {enabled: true, force: true}
  targets:
  - name: large
    clusterSelector:
      matchLabels: {env: prod}
      matchExpressions: [{key: size, operator: In, values: ['3', '2']}]
";

#[test]
fn a_git_repo_makes_bundles_of_its_paths_for_clusters_by_label() {
    assert_snapshot!(listed(&files(&[
        ("repo.yaml", REPO),
        ("apps/web/Chart.yaml", "name: web\nversion: 1.0.0\n"),
        ("apps/web/templates/x.yaml", "kind: {{ .Values.kind }}\n"),
        ("apps/web/more.yaml", "replicas: 2\nlog: {level: info}\n"),
        (
            "apps/web/fleet.yaml",
            "defaultNamespace: shop
labels: {tier: front}
namespaceLabels: {a: b}
namespaceAnnotations: {c: d}
serviceAccount: deployer
helm:
  releaseName: web
  values: {replicas: 1, log: {format: json}, where: '${ .ClusterName }-${ .ClusterLabels.region }', labelled: global.fleet.clusterLabels.size, nothing: global.fleet.clusterLabels.none}
  valuesFiles: [more.yaml]
  templateValues: {zones: '[ ${ .ClusterLabels.region | quote } ]'}
  timeoutSeconds: 60
  atomic: true
diff:
  comparePatches:
  - {apiVersion: apps/v1, kind: Deployment, name: web, jsonPointers: [/spec/replicas], operations: [{op: remove, path: /spec/paused}, {op: ignore}]}
targetCustomizations:
- name: east
  clusterSelector: {matchLabels: {region: east}}
  helm: {values: {replicas: 9}}
  namespaceLabels: {e: f}
- name: later
  clusterSelector: {}
  defaultNamespace: elsewhere
dependsOn:
- name: shop-apps-plain
- selector: {matchLabels: {team: cart}}
rolloutStrategy: {maxUnavailable: 1}
"
        ),
        ("apps/plain/a.yaml", "kind: ConfigMap\n"),
        ("apps/plain/deep/fleet.yaml", "kustomize: {dir: base}\npaused: true\n"),
        ("apps/plain/deep/base/kustomization.yaml", "resources: []\n"),
        ("apps/empty/notes.json", "{}"),
        ("apps/custom/kustomization.yaml", "resources: []\n"),
        ("other/fleet.yaml", "namespace: never\n"),
    ])));
}

#[test]
fn without_a_git_repo_every_fleet_yaml_is_a_bundle_at_home() {
    assert_snapshot!(listed(&files(&[
        ("fleet.yaml", ""),
        ("a.yaml", "kind: ConfigMap\n"),
        (
            "remote/fleet.yaml",
            "helm: {repo: 'https://charts.example.org', chart: db, version: 1.x}\n"
        ),
        (
            "oci/fleet.yml",
            "helm: {chart: 'oci://registry.example.org/charts/db'}\n"
        ),
        (
            "archive/fleet.yaml",
            "helm: {chart: 'https://example.org/db-1.tgz'}\n"
        ),
        (
            "both/fleet.yaml",
            "helm: {chart: ./chart}\nkustomize: {dir: over}\n"
        ),
        ("local/fleet.yaml", "helm: {chart: ../charts/x}\n"),
        (
            "raw/fleet.yaml",
            "namespace: raw\nyaml: {overlays: [all]}\ntargetCustomizations:\n- {clusterName: home, yaml: {overlays: [small]}}\n"
        ),
        (
            "off/fleet.yaml",
            "targetCustomizations:\n- {clusterName: home, doNotDeploy: true}\n"
        ),
        ("object/fleet.yaml", "apiVersion: v1\nkind: ConfigMap\n"),
    ])));
}

#[test]
fn groups_declared_clusters_and_all_matches() {
    assert_snapshot!(listed(&files(&[
        (
            "fleet/repo.yaml",
            "apiVersion: fleet.cattle.io/v1alpha1
kind: GitRepo
metadata: {name: all}
spec:
  repo: git@git.example.org:team/fleet.git
  revision: v1
  paths: [a, b, c]
  targetNamespace: fixed
  serviceAccount: acc
  paused: true
  targets:
  - {clusterGroup: eastern, clusterSelector: {}}
---
apiVersion: fleet.cattle.io/v1alpha1
kind: ClusterGroup
metadata: {name: eastern, labels: {kind: region}}
spec: {selector: {matchLabels: {region: east}}}
---
apiVersion: fleet.cattle.io/v1alpha1
kind: Cluster
metadata: {name: west, namespace: fleet-default, labels: {extra: yes-it-is}, annotations: {tier: note}}
spec: {templateValues: {zone: {id: 7}}}
"
        ),
        (
            "a/fleet.yaml",
            "namespace: ignored\nhelm: {chart: c, values: {id: '${ .ClusterValues.zone.id }'}}\ntargetCustomizationMode: AllMatches\noverrideTargets: [{clusterSelector: {matchExpressions: [{key: extra, operator: Exists}]}}]\ntargetCustomizations:\n- {clusterSelector: {matchLabels: {env: prod}}, helm: {values: {env: prod}}}\n- {clusterGroupSelector: {matchLabels: {kind: region}}, helm: {values: {never: here}}}\n- {clusterSelector: {matchExpressions: [{key: env, operator: NotIn, values: [dev]}]}, helm: {values: {extra: '${ .ClusterAnnotations.tier }'}}}\n"
        ),
        ("b/x.yaml", "kind: ConfigMap\n"),
        (
            "c/fleet.yaml",
            "overrideTargets: [{clusterGroup: none}, {clusterSelector: {matchLabels: {env: qa}}}, {name: empty}]\n"
        ),
    ])));
}

#[test]
fn what_is_wrong_is_named_and_hides_nothing_else() {
    assert_snapshot!(listed(&files(&[
        (
            "repos.yaml",
            "apiVersion: fleet.cattle.io/v1alpha1
kind: GitRepo
metadata: {name: elsewhere}
spec: {repo: 'https://git.example.org/other'}
---
apiVersion: fleet.cattle.io/v1alpha1
kind: GitRepo
metadata: {name: here}
spec: {repo: 'https://git.example.org/team/fleet', branch: main, paths: [good, bad, worse, none, wrong, key], unknown: 1}
---
apiVersion: fleet.cattle.io/v1alpha1
kind: GitRepo
metadata: {}
spec: {}
---
apiVersion: fleet.cattle.io/v1alpha1
kind: GitRepo
metadata: {name: outside}
spec: {repo: 'https://git.example.org/team/fleet', paths: [../x]}
"
        ),
        ("good/fleet.yaml", "name: better\nnews: true\n"),
        ("bad/fleet.yaml", "a: b\na: c\n"),
        ("worse/fleet.yaml", "a: 1\n---\nb: 2\n"),
        (
            "wrong/fleet.yaml",
            "helm: {values: [1], valuesFiles: [none.yaml], valuesFrom: [{secretKeyRef: {name: s}}]}\ntargetCustomizationMode: Some\ndependsOn: [{}]\ndiff: {comparePatches: [{operations: [{op: remove}]}]}\ntargetCustomizations: [{clusterSelector: {matchExpressions: [{key: a, operator: Like}]}}]\nyaml: {overlays: [../x]}\n"
        ),
        ("key/fleet.yaml", "helm: {chart: c, values: {a: '${ .ClusterLabels.none }'}}\n"),
    ])));
}

/// Reads the folder `fleet-examples` of the corpus that `CORPUS` names.
#[test]
fn the_examples_of_fleet_are_read_whole() {
    let Some(root) = std::env::var_os("CORPUS").map(std::path::PathBuf::from) else {
        println!("skipped: CORPUS names no folder of repositories");
        return;
    };
    let root = root.join("fleet-examples");
    if !root.is_dir() {
        println!("skipped: there is no fleet-examples in CORPUS");
        return;
    }
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            if path.is_dir() && !name.starts_with(".git") {
                folders.push(path);
            } else if name.ends_with(".yaml") || name.ends_with(".yml") {
                found.push(DefinitionFile {
                    path: name,
                    bytes: std::fs::read(&path).unwrap(),
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let bundles = found
        .iter()
        .filter(|file| file.path.ends_with("fleet.yaml"))
        .count();
    println!("{}", listed(&found));
    let read = read(&found);
    assert_eq!((read.applications.len(), read.problems.len()), (bundles, 0));
}

/// Which partition each cluster is in, for bundles whose `fleet.yaml` says this of rollouts.
fn partitions(rollout: &str, names: &[(&str, &[(&str, &str)])]) -> String {
    let own = format!("rolloutStrategy: {rollout}\n");
    let read = read(&files(&[
        ("fleet.yaml", &own),
        ("a.yaml", "kind: ConfigMap\n"),
        (
            "group.yaml",
            "apiVersion: fleet.cattle.io/v1alpha1\nkind: ClusterGroup\nmetadata: {name: canaries, namespace: fleet-default}\nspec: {selector: {matchLabels: {canary: 'yes'}}}\n",
        ),
        (
            "repo.yaml",
            "apiVersion: fleet.cattle.io/v1alpha1\nkind: GitRepo\nmetadata: {name: all, namespace: fleet-default}\nspec: {repo: https://git.example.org/team/fleet, branch: main, targets: [{clusterSelector: {}}]}\n",
        ),
    ]));
    let mut text = String::new();
    for problem in &read.problems {
        let _ = writeln!(
            text,
            "{}:{} [{}] {} → {}",
            problem.path, problem.line, problem.field, problem.message, problem.next
        );
    }
    let clusters: Vec<CandidateCluster> = names
        .iter()
        .map(|(name, labels)| cluster(name, labels))
        .collect();
    for definition in &read.applications {
        let Some((rollout, places)) = definition
            .placement
            .as_ref()
            .and_then(|placement| placement.rollout("home", &clusters))
        else {
            text.push_str("no rollout\n");
            continue;
        };
        let _ = writeln!(
            text,
            "open {}, all {:?}",
            rollout.open_steps, rollout.at_once
        );
        for (index, step) in rollout.steps.iter().enumerate() {
            let own: Vec<&str> = places
                .iter()
                .filter(|(_, place)| **place == index)
                .map(|(name, _)| name.as_str())
                .collect();
            let _ = writeln!(
                text,
                "{} ({}), {} at once, {} unready: {}",
                step.name,
                step.selects,
                step.at_once,
                step.unready,
                own.join(" ")
            );
        }
    }
    text
}

#[test]
fn partitions_take_clusters_in_their_order_and_the_rest_comes_at_the_end() {
    let clusters: [(&str, &[(&str, &str)]); 6] = [
        ("a", &[("env", "dev")]),
        ("b", &[("env", "dev"), ("canary", "yes")]),
        ("c", &[("env", "prod")]),
        ("d", &[("env", "prod")]),
        ("e", &[("env", "prod")]),
        ("f", &[]),
    ];
    assert_snapshot!(partitions(
        "{maxUnavailable: 0, maxUnavailablePartitions: 1, autoPartitionSize: 40%, partitions: [{name: first, clusterGroup: canaries}, {clusterSelector: {matchLabels: {env: dev}}, maxUnavailable: 20%}, {name: named, clusterName: c}]}",
        &clusters
    ));
    assert_snapshot!(partitions("{}", &clusters));
    assert_snapshot!(partitions("{autoPartitionThreshold: 6}", &clusters));
}

#[test]
fn what_is_wrong_in_a_rollout_strategy_is_named() {
    assert_snapshot!(partitions(
        "{maxUnavailable: -1, maxUnavailablePartitions: half, autoPartitionSize: 0, autoPartitionThreshold: -5, brandNew: 1, partitions: [{name: nobody}, {clusterName: a, maxUnavailable: 300%}]}",
        &[]
    ));
}
