use super::*;
use insta::assert_snapshot;

const LIST: &str = "generators:
- list:
    elements: [{name: eu, server: https://1.2.3.4, autoSync: 'true'}]
";

#[test]
fn a_generators_template_wins_field_by_field() {
    let expansion = set(
        "generators:
- list:
    elements: [{name: eu, server: https://1.2.3.4}]
    template:
      metadata: {labels: {over: '{{name}}'}}
      spec:
        project: ''
        source:
          repoURL: ''
          path: '{{name}}-override'
          helm: {valuesObject: {a: 1}}
        destination: {}
template:
  metadata: {name: '{{name}}', labels: {under: x, over: y}}
  spec:
    project: web
    source: {repoURL: https://example.org/apps.git, targetRevision: main, path: default, helm: {valuesObject: {b: 2}}}
    destination: {server: '{{server}}'}
",
    )
    .expand(&known());
    assert_snapshot!(shown(&expansion) + &expansion.members[0].yaml);
}

#[test]
fn a_patch_is_merged_and_cannot_change_the_project() {
    let spec = format!(
        "{LIST}template:
  metadata: {{name: '{{{{name}}}}'}}
  spec:
    project: web
    source: {{repoURL: https://example.org/apps.git, path: x}}
    destination: {{server: '{{{{server}}}}'}}
templatePatch: |
  spec:
    project: other
    source:
      helm: {{valueFiles: [values-{{{{name}}}}.yaml]}}
    syncPolicy: {{automated: {{prune: {{{{autoSync}}}}}}}}
"
    );
    let expansion = set(&spec).expand(&known());
    assert_snapshot!(shown(&expansion) + &expansion.members[0].yaml);
    let json = spec.split("templatePatch").next().unwrap().to_owned()
        + "templatePatch: |\n  [{op: add, path: /spec/source/targetRevision, value: 'v-{{name}}'}]\n";
    let expansion = set(&json).expand(&known());
    assert_eq!(expansion.members[0].source.target_revision.0, "v-eu");
    let wrong = json.replace("/spec/source/targetRevision", "/nowhere/x");
    assert_snapshot!(
        "a_patch_that_cannot_be_applied",
        shown(&set(&wrong).expand(&known()))
    );
}

#[test]
fn a_broken_member_hides_no_other() {
    assert_snapshot!(expand(
        "generators:
- list: {elements: [{name: good, path: a}, {name: bad, path: ../x}, {name: '', path: a}]}
template:
  metadata:
    name: '{{name}}'
  spec:
    source:
      repoURL: https://example.org/apps.git
      path: '{{path}}'
    destination: {name: staging}
"
    ));
}

#[test]
fn go_templates_are_asked_for_together() {
    let set = set("goTemplate: true
goTemplateOptions: [missingkey=error]
generators:
- clusters: {selector: {matchLabels: {environment: staging}}, values: {where: 'at {{.server}}'}}
template:
  metadata: {name: '{{.nameNormalized}}'}
  spec:
    source: {repoURL: https://example.org/apps.git, path: x}
    destination: {server: '{{.server}}'}
");
    let mut known = known();
    let mut rounds = String::new();
    loop {
        let expansion = set.expand(&known);
        rounds += &shown(&expansion);
        if expansion.needs.is_empty() {
            break;
        }
        for need in expansion.needs {
            let Need::Texts(run) = need else {
                unreachable!()
            };
            let answers = run.texts.iter().map(|text| {
                text.replace("{{.server}}", "https://1.2.3.4")
                    .replace("{{.nameNormalized}}", "staging")
            });
            known.texts.insert(run.key(), Ok(answers.collect()));
        }
        rounds += "---\n";
    }
    assert_snapshot!(rounds);
}
