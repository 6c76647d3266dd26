//! The steps of a set, and which of them each application is in.

use super::*;
use insta::assert_snapshot;

/// Members with labels `env` and `region`, and whatever the template says of automation.
fn spec(strategy: &str, automation: &str) -> String {
    format!(
        "generators:
- list:
    elements:
    - {{name: dev-eu, env: dev, region: eu}}
    - {{name: dev-us, env: dev, region: us}}
    - {{name: prod-eu, env: prod, region: eu}}
    - {{name: lab, env: lab, region: eu}}
strategy: {strategy}
template:
  metadata: {{name: '{{{{name}}}}', labels: {{env: '{{{{env}}}}', region: '{{{{region}}}}'}}}}
  spec:
    source: {{repoURL: https://example.org/apps.git, path: x}}
    destination: {{name: staging}}
    syncPolicy: {automation}
"
    )
}

fn placed(strategy: &str, automation: &str) -> String {
    let mut text = String::new();
    let set = set(&spec(strategy, automation));
    for member in set.expand(&known()).members {
        let course = member.set.and_then(|set| set.rollout);
        let step = course.map_or_else(
            || "no rollout".to_owned(),
            |course| match course.step.map(|step| &course.rollout.steps[step]) {
                None => "no step".to_owned(),
                Some(step) => format!("{} ({}), {} at once", step.name, step.selects, step.at_once),
            },
        );
        let policy = &member.policy;
        let _ = writeln!(
            text,
            "{}: {step}; automated {}, prune {}, self-heal {}",
            member.name, policy.automated, policy.prune, policy.self_heal
        );
        for (field, why) in &member.ignored_fields {
            let _ = writeln!(text, "    {field}: {why}");
        }
    }
    text
}

const STEPS: &str = "{type: RollingSync, rollingSync: {steps: [
  {matchExpressions: [{key: env, operator: In, values: [dev]}, {key: region, operator: NotIn, values: [us]}]},
  {matchExpressions: [{key: env, operator: In, values: [dev]}], maxUpdate: 0},
  {matchExpressions: [{key: env, operator: In, values: [prod]}], maxUpdate: 10%}]}}";

#[test]
fn the_first_step_that_selects_an_application_is_its_own() {
    assert_snapshot!(placed(STEPS, "{}"));
}

#[test]
fn a_template_may_say_what_is_pruned_and_healed() {
    let defaults = STEPS.replace("rollingSync: {", "rollingSync: {defaultPrune: true, ");
    assert_snapshot!(placed(&defaults, "{automated: {selfHeal: true}}"));
    assert_eq!(
        placed(&defaults, "{automated: {prune: false}}")
            .matches("prune true")
            .count(),
        0
    );
}

#[test]
fn without_steps_all_applications_change_at_once() {
    for strategy in [
        "{type: AllAtOnce, deletionOrder: AllAtOnce}",
        "{type: RollingSync}",
        "{type: RollingSync, rollingSync: {steps: []}}",
        "{rollingSync: {steps: [{matchExpressions: []}]}}",
    ] {
        let text = placed(strategy, "{automated: {}}");
        assert_eq!(
            text.matches("no rollout; automated true").count(),
            4,
            "{text}"
        );
    }
}

#[test]
fn what_is_wrong_in_a_strategy_is_named_with_its_line() {
    let (sets, problems) = sets(&document(&spec(
        "
  type: Slowly
  deletionOrder: Backwards
  rollingSync:
    brandNew: 1
    steps:
    - matchExpressions: [{key: env, operator: Exists}]
      maxUpdate: -1
    - matchExpressions: [{key: env, operator: In}]
      maxUpdate: 101%
    - matchLabels: {env: dev}
      maxUpdate: ten
    - matchExpressions: [{operator: Is, values: [1]}]",
        "{}",
    )));
    assert_snapshot!(format!("{problems}{:#?}", sets[0].ignored_fields));
    assert!(sets[0].broken);
}
