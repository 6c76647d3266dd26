use super::*;

fn file(text: &str) -> DefinitionFile {
    DefinitionFile {
        path: "rules.yaml".to_owned(),
        bytes: text.as_bytes().to_vec(),
    }
}

const OWN: &str = "apiVersion: lockstep.dev/v1
kind: ImageRule
metadata: {name: web}
spec:
  image: registry.example.org/team/web
  semver: '>=1.0.0 <2.0.0'
  applications: [shop/web-staging]
  clusters: ['staging-*']
  way: commit
  interval: 1m30s
";

const FLUX: &str = "apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: apps, namespace: team}
spec: {url: 'https://git.example.org/apps.git', ref: {branch: main}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: web, namespace: team}
spec:
  image: r.example.org/web
  interval: 10m
  secretRef: {name: login}
  exclusionList: ['^dev-']
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: web, namespace: team}
spec:
  imageRepositoryRef: {name: web}
  filterTags: {pattern: '^main-(?P<ts>\\d+)$', extract: $ts}
  policy: {numerical: {order: asc}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: all, namespace: team}
spec:
  interval: 30m
  sourceRef: {kind: GitRepository, name: apps}
  git:
    checkout: {ref: {branch: main}}
    commit: {author: {name: bot, email: bot@example.org}}
    push: {branch: updates}
  update: {path: ./clusters/prod, strategy: Setters}
";

#[test]
fn an_own_rule_is_read_whole() {
    let (found, problems) = read([&file(OWN)]);
    assert_eq!(problems, []);
    let [rule] = found.rules.as_slice() else {
        unreachable!("{found:#?}");
    };
    assert_eq!(
        (rule.title.as_str(), rule.line, rule.interval),
        ("ImageRule web", 1, 90)
    );
    assert_eq!(rule.choice.words(), "highest version in >=1.0.0 <2.0.0");
    assert_eq!(
        rule.writes,
        RuleWrites::Targets {
            applications: vec!["shop/web-staging".to_owned()],
            clusters: vec!["staging-*".to_owned()],
            propose: false,
        }
    );
    // A pull request is what happens unless a commit is asked for.
    let (found, _) = read([&file(&OWN.replace("  way: commit\n", ""))]);
    assert!(
        matches!(
            &found.rules[0].writes,
            RuleWrites::Targets { propose: true, .. }
        ),
        "{found:#?}"
    );
}

#[test]
fn flux_kinds_come_together_by_name() {
    let (found, problems) = read([&file(FLUX)]);
    assert_eq!(problems, []);
    let (rule, automation) = (&found.rules[0], &found.automations[0]);
    assert_eq!(
        (rule.image.as_str(), rule.interval, rule.problem.as_str()),
        ("r.example.org/web", 600, "")
    );
    assert_eq!(rule.choice.exclude, ["^dev-"]);
    let chooser = rule.choice.chooser().unwrap();
    assert_eq!(
        chooser.newest(["main-9", "main-10", "dev-11"]),
        Some("main-10")
    );
    assert_eq!(
        (
            automation.repo_url.as_str(),
            automation.branch.as_str(),
            automation.push_branch.as_str(),
            automation.folder.as_str(),
            automation.interval
        ),
        (
            "https://git.example.org/apps.git",
            "main",
            "updates",
            "clusters/prod",
            1800
        )
    );
    // The repository of the bootstrap is the source itself.
    let bootstrap = FLUX.replace(
        "GitRepository, name: apps",
        "GitRepository, name: flux-system",
    );
    let (found, _) = read([&file(&bootstrap)]);
    assert_eq!(
        (
            found.automations[0].problem.as_str(),
            found.automations[0].repo_url.as_str()
        ),
        ("", "")
    );
}

#[test]
fn what_is_wrong_is_named_and_in_force_is_nothing_of_it() {
    for (text, wrong, field) in [
        (OWN, "registry.example.org/team/web", "spec.image"),
        (OWN, "[shop/web-staging]", "spec.applications"),
        (OWN, "1m30s", "spec.interval"),
        (OWN, "way: commit", "spec.way"),
        (OWN, "'>=1.0.0 <2.0.0'", "spec.pattern"),
        (FLUX, "{numerical: {order: asc}}", "spec.policy"),
        (FLUX, "order: asc", "spec.policy.numerical.order"),
        (FLUX, "./clusters/prod", "spec.update.path"),
        (FLUX, "'^main-(?P<ts>\\d+)$'", "spec.filterTags"),
    ] {
        let other = match wrong {
            "registry.example.org/team/web" => "web:1.0",
            "[shop/web-staging]" => "[]",
            "1m30s" => "soon",
            "way: commit" => "way: mail",
            "{numerical: {order: asc}}" => "{}",
            "order: asc" => "order: up",
            "./clusters/prod" => "../x",
            "'^main-(?P<ts>\\d+)$'" => "'('",
            _ => "a b c",
        };
        let (found, problems) = read([&file(&text.replace(wrong, other))]);
        assert_eq!(problems.len(), 1, "{wrong}: {problems:#?}");
        assert_eq!(problems[0].field, field);
        let broken = found
            .rules
            .iter()
            .map(|rule| &rule.problem)
            .chain(found.automations.iter().map(|one| &one.problem))
            .any(|problem| problem.contains("Problems"));
        assert!(broken, "{wrong}: {found:#?}");
    }
    let (found, _) = read([&file(&FLUX.replace("kind: ImageRepository", "kind: Other"))]);
    assert!(
        found.rules[0]
            .problem
            .contains("no ImageRepository team/web"),
        "{}",
        found.rules[0].problem
    );
    let (found, _) = read([&file(
        &FLUX.replace("kind: GitRepository\n", "kind: Other\n"),
    )]);
    assert!(
        found.automations[0]
            .problem
            .contains("no GitRepository team/apps"),
        "{}",
        found.automations[0].problem
    );
}
