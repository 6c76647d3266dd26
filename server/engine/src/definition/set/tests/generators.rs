use super::*;
use insta::assert_snapshot;

const TEMPLATE: &str = "
template:
  metadata: {name: '{{name}}-guestbook'}
  spec:
    project: web
    source: {repoURL: https://example.org/apps.git, targetRevision: HEAD, path: guestbook}
    destination: {server: '{{server}}', namespace: guestbook}
";

fn with_template(generators: &str) -> String {
    expand(&format!("{generators}{TEMPLATE}"))
}

#[test]
fn list() {
    assert_snapshot!(expand(
        "generators:
- list:
    elements:
    - {cluster: engineering-dev, url: https://1.2.3.4}
    - {cluster: engineering-prod, url: https://2.4.6.8, values: {tier: gold}}
    elementsYaml: |
      - {cluster: finance, url: https://9.8.7.6}
template:
  metadata: {name: '{{cluster}}-guestbook', labels: {'tier-{{cluster}}': '{{values.tier}}'}}
  spec:
    source: {repoURL: https://example.org/apps.git, targetRevision: HEAD, path: 'guestbook/{{cluster}}'}
    destination: {server: '{{url}}', namespace: guestbook}
"
    ));
}

#[test]
fn list_elements_that_are_no_text_need_go_templates() {
    assert_snapshot!(with_template(
        "generators:
- list: {elements: [{name: a, server: https://1.2.3.4, replicas: 3}]}
"
    ));
}

#[test]
fn clusters_all_and_by_label() {
    assert_snapshot!("all", with_template("generators: [{clusters: {}}]\n"));
    assert_snapshot!(
        "by_label",
        with_template(
            "generators:
- clusters:
    selector: {matchLabels: {argocd.argoproj.io/secret-type: cluster}, matchExpressions: [{key: environment, operator: NotIn, values: [production]}]}
    values: {revision: stable, where: '{{name}} in {{metadata.labels.environment}}'}
"
        )
    );
}

#[test]
fn git_directories() {
    assert_snapshot!(expand(&format!(
        "generators:
- git:
    repoURL: {FLEET}
    revision: HEAD
    directories: [{{path: addons/*}}, {{path: addons/exclude-me, exclude: true}}]
    values: {{team: 'team of {{{{path.basename}}}}'}}
template:
  metadata: {{name: '{{{{path.basenameNormalized}}}}'}}
  spec:
    source: {{repoURL: {FLEET}, targetRevision: HEAD, path: '{{{{path}}}}'}}
    destination: {{server: https://kubernetes.default.svc, namespace: '{{{{path.basename}}}}'}}
"
    )));
}

#[test]
fn git_files() {
    assert_snapshot!(expand(&format!(
        "generators:
- git:
    repoURL: {FLEET}
    revision: HEAD
    files: [{{path: 'clusters/**/config.json'}}]
    pathParamPrefix: cfg
template:
  metadata: {{name: '{{{{cluster.name}}}}-guestbook'}}
  spec:
    source: {{repoURL: {FLEET}, targetRevision: HEAD, path: '{{{{cfg.path}}}}'}}
    destination: {{server: '{{{{cluster.address}}}}', namespace: guestbook}}
"
    )));
    assert_snapshot!(
        "git_file_with_a_list",
        expand(&format!(
            "generators:
- git: {{repoURL: {FLEET}, revision: HEAD, files: [{{path: clusters/list.yaml}}]}}
template:
  metadata: {{name: '{{{{name}}}}-{{{{number}}}}'}}
  spec:
    source: {{repoURL: {FLEET}, targetRevision: HEAD, path: '{{{{path.filename}}}}'}}
    destination: {{name: staging, namespace: guestbook}}
"
        ))
    );
}

#[test]
fn what_is_not_known_is_asked_for() {
    let spec = format!(
        "generators:
- git: {{repoURL: https://example.org/other.git, revision: main, directories: [{{path: '*'}}]}}
- git: {{repoURL: {FLEET}, revision: HEAD, files: [{{path: clusters}}]}}
{TEMPLATE}"
    );
    let known = Known {
        contents: BTreeMap::new(),
        ..known()
    };
    assert_snapshot!(shown(&set(&spec).expand(&known)));
    let mut failed = known;
    failed.files.insert(
        GitPlace {
            repo_url: "https://example.org/other.git".to_owned(),
            revision: TargetRevision("main".to_owned()),
        },
        Err("the host does not answer".to_owned()),
    );
    let expansion = set(&spec).expand(&failed);
    assert!(!expansion.whole);
    assert_snapshot!(
        "a_listing_that_failed",
        shown(&Expansion {
            needs: Vec::new(),
            ..expansion
        })
    );
}

#[test]
fn matrix_of_directories_and_clusters() {
    assert_snapshot!(expand(&format!(
        "generators:
- matrix:
    generators:
    - git: {{repoURL: {FLEET}, revision: HEAD, directories: [{{path: addons/*}}, {{path: addons/exclude-me, exclude: true}}]}}
    - clusters:
        selector: {{matchExpressions: [{{key: environment, operator: Exists}}]}}
        values: {{folder: '{{{{path.basename}}}}'}}
template:
  metadata: {{name: '{{{{path.basenameNormalized}}}}-{{{{nameNormalized}}}}'}}
  spec:
    source: {{repoURL: {FLEET}, targetRevision: HEAD, path: '{{{{path}}}}'}}
    destination: {{server: '{{{{server}}}}', namespace: '{{{{path.basename}}}}'}}
"
    )));
}

#[test]
fn a_later_generator_of_a_matrix_uses_the_earlier_ones_parameters() {
    assert_snapshot!(expand(&format!(
        "generators:
- matrix:
    generators:
    - git: {{repoURL: {FLEET}, revision: HEAD, files: [{{path: clusters/engineering/*/config.json}}]}}
    - clusters: {{selector: {{matchLabels: {{location: germany}}}}, values: {{owner: '{{{{cluster.owner}}}}'}}}}
template:
  metadata: {{name: '{{{{path.basename}}}}-{{{{nameNormalized}}}}', annotations: {{owner: '{{{{values.owner}}}}'}}}}
  spec:
    source: {{repoURL: {FLEET}, targetRevision: HEAD, path: x}}
    destination: {{name: '{{{{name}}}}', namespace: guestbook}}
"
    )));
}

#[test]
fn merge_overrides_what_has_the_same_keys() {
    assert_snapshot!(expand(
        "generators:
- merge:
    mergeKeys: [server]
    generators:
    - clusters: {values: {kafka: 'true', redis: 'false'}}
    - clusters: {selector: {matchLabels: {use-kafka: 'false'}}, values: {kafka: 'false'}}
    - list: {elements: [{server: https://2.4.6.8, values.redis: 'true'}, {server: https://nowhere, values.redis: 'true'}]}
template:
  metadata: {name: '{{nameNormalized}}'}
  spec:
    source: {repoURL: https://example.org/apps.git, targetRevision: 'kafka-{{values.kafka}}-redis-{{values.redis}}', path: app}
    destination: {server: '{{server}}', namespace: default}
"
    ));
}

#[test]
fn merge_needs_keys_that_tell_apart() {
    assert_snapshot!(with_template(
        "generators:
- merge:
    mergeKeys: [environment]
    generators:
    - list: {elements: [{name: a, server: s1, environment: e}, {name: b, server: s2, environment: e}]}
    - list: {elements: []}
"
    ));
}

#[test]
fn selectors_on_generators_see_the_parameters() {
    assert_snapshot!(with_template(
        "generators:
- list: {elements: [{name: a, server: https://1.2.3.4, env: dev}, {name: b, server: https://2.4.6.8, env: prod}]}
  selector: {matchLabels: {env: prod}}
"
    ));
}

#[test]
fn generators_that_ask_a_service_are_said_to_be_elsewhere() {
    assert_snapshot!(with_template(
        "generators:
- pullRequest: {github: {owner: o, repo: r}}
- list: {elements: [{name: a, server: https://1.2.3.4}]}
- matrix:
    generators:
    - scmProvider: {github: {organization: o}}
    - clusters: {}
- plugin: {configMapRef: {name: x}}
- clusterDecisionResource: {configMapRef: x}
"
    ));
}

#[test]
fn a_list_of_all_clusters_is_one_set() {
    let set = set("goTemplate: true
generators: [{clusters: {flatList: true, selector: {matchLabels: {environment: staging}}}}]
template:
  metadata: {name: all}
  spec:
    source: {repoURL: https://example.org/apps.git, path: x}
    destination: {name: staging}
");
    assert_snapshot!(shown(&set.expand(&known())));
}

#[test]
fn names_that_come_twice_are_nobodys() {
    assert_snapshot!(with_template(
        "generators:
- list: {elements: [{name: a, server: https://1.2.3.4}, {name: a, server: https://2.4.6.8}, {name: b, server: https://2.4.6.8}, {name: 'B_', server: x}]}
"
    ));
}

#[test]
fn problems_name_their_field_and_line() {
    let (sets, problems) = sets(&document(
        "goTemplateOptions: [missingkey=never]
generators:
- {}
- git: {repoURL: x}
- matrix: {generators: [{list: {elements: [a]}}]}
- merge: {generators: [{clusters: {selector: {matchExpressions: [{key: a, operator: Is}]}}}, {list: {}, clusters: {}}]}
syncPolicy: {applicationsSync: never}
strategy: {type: RollingSync, rollingSync: {steps: []}}
brandNew: 1
",
    ));
    assert_snapshot!(format!("{problems}{:#?}", sets[0].ignored_fields));
    assert!(sets[0].broken && !sets[0].expand(&known()).whole);
}

/// Names of what comes out of a spec with Go parameters, none of which stands in the name.
fn parameters_of(generators: &str) -> Vec<Parameters> {
    let template = "\ntemplate: {metadata: {name: x}, spec: {source: {repoURL: https://example.org/x.git, path: x}, destination: {name: staging}}}\n";
    let set = set(&format!("goTemplate: true\n{generators}{template}"));
    let language = language::Language {
        go: true,
        strict: false,
        known: &known(),
        needs: std::cell::RefCell::default(),
    };
    generate::generate(&set.generators[0], None, &language).unwrap()
}

#[test]
fn paths_and_selectors_of_go_parameters_are_nested() {
    let git = format!(
        "git: {{repoURL: {FLEET}, revision: HEAD, directories: [{{path: clusters/*/*}}], PREFIX}}"
    );
    for (prefix, selector, pointer, expected) in [
        (
            "",
            "",
            "/path",
            vec!["clusters/engineering/dev", "clusters/engineering/prod"],
        ),
        (
            "pathParamPrefix: repo",
            "",
            "/repo/path",
            vec!["clusters/engineering/dev", "clusters/engineering/prod"],
        ),
        (
            "",
            "matchLabels: {path.basename: prod}",
            "/path",
            vec!["clusters/engineering/prod"],
        ),
        (
            "pathParamPrefix: repo",
            "matchExpressions: [{key: repo.path.segments.2, operator: NotIn, values: [prod]}]",
            "/repo/path",
            vec!["clusters/engineering/dev"],
        ),
        ("", "matchLabels: {nowhere: x}", "/path", vec![]),
    ] {
        let git = git.replace("PREFIX", prefix);
        // At the top, in a matrix and in a merge: a selector counts wherever its generator stands.
        let own = format!("{{{git}, selector: {{{selector}}}}}");
        let one = "{list: {elements: [{n: 1}]}}";
        let matrix = format!("{{matrix: {{generators: [{own}, {one}]}}}}");
        let merge = format!("{{merge: {{mergeKeys: [path, repo], generators: [{own}, {one}]}}}}");
        for generator in [own, matrix, merge] {
            let found = parameters_of(&format!("generators: [{generator}]"));
            let paths: Vec<Value> = found
                .into_iter()
                .map(|parameters| {
                    let path = Value::Object(parameters).pointer(pointer).cloned().unwrap();
                    assert_eq!(path["segments"].as_array().unwrap().len(), 3, "{generator}");
                    path["path"].clone()
                })
                .collect();
            assert_eq!(paths, expected, "{generator}");
        }
    }
}

#[test]
fn a_set_that_is_defined_twice_is_broken_and_not_gone() {
    let spec = format!("generators: [{{clusters: {{}}}}]\n{TEMPLATE}");
    let twice = format!("{}---\n{}", document(&spec), document(&spec));
    let (sets, problems) = sets(&twice);
    assert_eq!(sets.len(), 1);
    assert!(sets[0].broken && !sets[0].expand(&known()).whole);
    assert!(problems.contains("none of them is used"), "{problems}");
}
