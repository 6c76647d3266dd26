use super::super::{DefinitionFile, read};
use super::*;
use lockstep_types::resource::ResourceKey;

pub(super) fn project_of(spec: &str) -> Project {
    let text = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: web, namespace: argocd}}\nspec:\n{spec}"
    );
    let file = DefinitionFile {
        path: "project.yaml".to_owned(),
        bytes: text.into_bytes(),
    };
    let mut read = read(&[file], "hub");
    assert_eq!(read.problems, []);
    read.projects.remove(0)
}

const WHOLE: &str = "  description: Shops
  sourceRepos: ['https://example.org/team/*', '!https://example.org/team/secret.git', 'git@example.org:shop/web.git']
  destinations:
  - {server: https://kubernetes.default.svc, namespace: web}
  - {name: prod-*, namespace: 'shop-*'}
  - {server: '*', namespace: '!kube-system'}
  clusterResourceWhitelist: [{group: '', kind: Namespace, name: 'shop-*'}, {group: rbac.authorization.k8s.io, kind: '*'}]
  clusterResourceBlacklist: [{group: rbac.authorization.k8s.io, kind: ClusterRoleBinding}]
  namespaceResourceBlacklist: [{group: '', kind: ResourceQuota}, {group: '*', kind: Job}]
  sourceNamespaces: [a]
  roles: [{name: ci, description: d, policies: ['p, a, b'], groups: [g], jwtTokens: [{iat: 1}]}]
  syncWindows: [{kind: allow, schedule: '0 9 * * 1-5', duration: 8h}]
  orphanedResources: {warn: false, ignore: [{group: apps, kind: Deploy*, name: 'tmp-*'}, {kind: Secret}]}
  destinationServiceAccounts: [{server: 'https://eu.*', namespace: shop-*, defaultServiceAccount: 'ops:shops'}, {server: '*', namespace: '*', defaultServiceAccount: deployer}]
  permitOnlyProjectScopedClusters: true
  sourceIntegrity: {git: {policies: []}}
  signatureKeys: [{keyID: 4AEE18F83AFDEB23}]
";

#[test]
fn the_whole_schema_is_read() {
    let project = project_of(WHOLE);
    assert_eq!(project.description, "Shops");
    assert_eq!(project.destinations.len(), 3);
    assert_eq!(project.cluster_allowed[0].name, "shop-*");
    assert_eq!(project.signature_keys, ["4AEE18F83AFDEB23"]);
    assert_eq!((project.sync_windows.len(), project.roles.len()), (1, 1));
    assert!(project.roles[0].get("jwtTokens").is_none());
    let fields: Vec<&str> = project
        .ignored_fields
        .iter()
        .map(|(field, _)| field.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "spec.permitOnlyProjectScopedClusters",
            "spec.roles",
            "spec.roles[0].jwtTokens",
            "spec.signatureKeys",
            "spec.sourceNamespaces",
            "spec.syncWindows[0].applications",
        ]
    );
}

/// As the documentation of Argo CD has it: first entry, account in the destination's namespace unless it names one.
#[test]
fn the_first_account_that_fits_is_acted_as() {
    let project = project_of(WHOLE);
    for (server, home, namespace, account) in [
        ("https://eu.example.org", false, "shop-a", "ops/shops"),
        ("https://eu.example.org/", false, "shop-a", "ops/shops"),
        ("https://eu.example.org", false, "web", "web/deployer"),
        ("https://us.example.org", false, "shop-a", "shop-a/deployer"),
        ("https://us.example.org", true, "", "default/deployer"),
    ] {
        let found = project.account(server, home, namespace);
        assert_eq!(found, Ok(Some(account.to_owned())), "{server} {namespace}");
    }
    assert_eq!(
        project_of("  sourceRepos: ['*']\n").account("a", true, "b"),
        Ok(None)
    );

    let bound = project_of(
        "  destinationServiceAccounts: [{server: 'https://kubernetes.default.svc', namespace: web, defaultServiceAccount: a}]\n",
    );
    assert_eq!(
        bound.account("https://x", true, "web"),
        Ok(Some("web/a".to_owned()))
    );
    for (server, home, namespace) in [
        ("https://x", false, "web"),
        ("https://x", true, "other"),
        ("https://x", true, ""),
    ] {
        let refused = bound.account(server, home, namespace).unwrap_err();
        assert_eq!(refused.rule, "spec.destinationServiceAccounts");
        assert!(
            refused
                .message
                .contains("nothing is written with other rights")
        );
    }
}

#[test]
fn accounts_that_are_none_are_problems() {
    for (entry, field) in [
        (
            "{server: '*', defaultServiceAccount: '*'}",
            "defaultServiceAccount",
        ),
        (
            "{server: '*', defaultServiceAccount: 'a:b:c'}",
            "defaultServiceAccount",
        ),
        (
            "{server: '*', defaultServiceAccount: 'a/b'}",
            "defaultServiceAccount",
        ),
        ("{server: '*'}", "defaultServiceAccount"),
        ("{server: '!x', defaultServiceAccount: a}", "server"),
        ("{defaultServiceAccount: a}", "server"),
    ] {
        let text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: web}}\nspec:\n  destinationServiceAccounts: [{entry}]\n"
        );
        let file = DefinitionFile {
            path: "project.yaml".to_owned(),
            bytes: text.into_bytes(),
        };
        let read = read(&[file], "hub");
        let fields: Vec<&str> = read
            .problems
            .iter()
            .map(|problem| problem.field.as_str())
            .collect();
        assert_eq!(
            fields,
            [format!("spec.destinationServiceAccounts[0].{field}")],
            "{entry}"
        );
        assert!(read.projects[0].broken);
    }
}

#[test]
fn repositories_are_permitted_by_globs_and_denied_by_marks() {
    let project = project_of(WHOLE);
    for (repository, permitted) in [
        ("https://example.org/team/shop.git", true),
        ("https://example.org/team/shop", true),
        ("HTTPS://Example.org/team/shop/", true),
        ("https://example.org/team/secret", false),
        ("https://example.org/team/a/b.git", false),
        ("https://example.org/other/shop.git", false),
        ("ssh://git@example.org/shop/web", true),
        ("git@example.org:shop/web", true),
    ] {
        let refused = project.refuse_source(repository);
        assert_eq!(refused.is_none(), permitted, "{repository}: {refused:?}");
    }
    let all = project_of("  sourceRepos: ['*']\n");
    assert_eq!(all.refuse_source("oci://registry.example.org/a/b"), None);
    let none = project_of("  description: nothing is permitted\n");
    let refused = none.refuse_source("https://example.org/a.git").unwrap();
    assert_eq!(
        (refused.rule.as_str(), refused.message.as_str()),
        (
            "spec.sourceRepos",
            "the project web does not permit the repository https://example.org/a.git (project.yaml:1 spec.sourceRepos)"
        )
    );
}

/// Charts that a chart is made of: registries are written with and without their scheme.
#[test]
fn places_of_charts_are_permitted_in_either_spelling() {
    for (source_repos, place, permitted) in [
        ("['*']", "oci://registry.example.org/charts", true),
        (
            "[registry.example.org/charts]",
            "oci://registry.example.org/charts",
            true,
        ),
        (
            "['oci://registry.example.org/*']",
            "oci://registry.example.org/charts",
            true,
        ),
        (
            "['*', '!oci://registry.example.org/**']",
            "oci://registry.example.org/charts",
            false,
        ),
        (
            "['*', '!registry.example.org/**']",
            "oci://registry.example.org/charts",
            false,
        ),
        (
            "['https://charts.example.org']",
            "https://charts.example.org/",
            true,
        ),
        (
            "['https://charts.example.org']",
            "https://elsewhere.example.org",
            false,
        ),
        ("[]", "https://charts.example.org", false),
    ] {
        let project = project_of(&format!("  sourceRepos: {source_repos}\n"));
        let refused = project.refuse_chart(place);
        assert_eq!(
            refused.is_none(),
            permitted,
            "{source_repos} {place}: {refused:?}"
        );
    }
}

#[test]
fn destinations_are_permitted_by_server_or_name_and_namespace() {
    let project = project_of(WHOLE);
    for (cluster, server, home, namespace, permitted) in [
        ("hub", "https://10.0.0.1:6443", true, "web", true),
        ("hub", "https://10.0.0.1:6443", true, "kube-system", false),
        ("prod-eu", "https://eu.example.org", false, "shop-a", true),
        (
            "prod-eu",
            "https://eu.example.org",
            false,
            "kube-system",
            false,
        ),
    ] {
        let refused = project.refuse_destination(cluster, server, home, namespace);
        assert_eq!(
            refused.is_none(),
            permitted,
            "{cluster} {namespace}: {refused:?}"
        );
    }
    let narrow = project_of("  destinations: [{name: prod-*, namespace: 'shop-*'}]\n");
    for (cluster, namespace, permitted) in [
        ("prod-eu", "shop-a", true),
        ("prod-eu", "web", false),
        ("staging", "shop-a", false),
    ] {
        let refused = narrow.refuse_destination(cluster, "https://x", false, namespace);
        assert_eq!(refused.is_none(), permitted, "{cluster} {namespace}");
    }
}

/// As with Argo CD: only the default project is there without being defined.
#[test]
fn attack_59_an_application_of_a_project_that_is_not_defined_writes_nothing() {
    let web = project_of("  sourceRepos: ['*']\n  destinations: [{server: '*', namespace: '*'}]\n");
    let given = |project: &str, projects: &[Project]| {
        let text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shop, namespace: argocd}}\nspec:\n  project: {project}\n  source: {{repoURL: 'https://example.org/a.git', path: a}}\n  destination: {{name: hub, namespace: web}}\n"
        );
        let file = DefinitionFile {
            path: "apps/shop.yaml".to_owned(),
            bytes: text.into_bytes(),
        };
        let mut definition = read(&[file], "hub").applications.remove(0);
        Rules::give(&mut definition, projects);
        definition.rules
    };
    for (name, projects) in [
        ("shop", &[][..]),
        ("shop", std::slice::from_ref(&web)),
        ("Web", std::slice::from_ref(&web)),
        ("'web '", std::slice::from_ref(&web)),
        ("'*'", std::slice::from_ref(&web)),
    ] {
        let rules = given(name, projects).unwrap_or_else(|| panic!("{name} limits nothing"));
        let refused = rules.refused.expect("a refusal");
        assert!(
            refused
                .message
                .ends_with("is not defined in this source (apps/shop.yaml:1 spec.project)"),
            "{refused:?}"
        );
        assert!(!rules.project.is_defined());
        // Nor does it permit anything by itself.
        let config_map = ResourceKey::new("", "ConfigMap", "web", "a");
        let project = &rules.project;
        assert!(project.refuse_source("https://example.org/a.git").is_some());
        assert!(project.refuse_destination("hub", "", true, "web").is_some());
        assert!(project.refuse_kind(&config_map, false).is_some());
    }
    let found = given("web", std::slice::from_ref(&web)).expect("rules");
    assert!(found.project.is_defined());
    assert_eq!(found.refused, None);
    assert!(given("default", std::slice::from_ref(&web)).is_none());
    assert!(given("''", &[]).is_none(), "no name is the default project");
}

#[test]
fn kinds_are_judged_by_their_scope() {
    let project = project_of(WHOLE);
    let key = |group: &str, kind: &str, namespace: &str, name: &str| {
        ResourceKey::new(group, kind, namespace, name)
    };
    for (key, permitted) in [
        (key("", "ConfigMap", "web", "a"), true),
        (key("", "ResourceQuota", "web", "a"), false),
        (key("batch", "Job", "web", "a"), false),
        (key("", "Namespace", "", "shop-a"), true),
        (key("", "Namespace", "", "kube-system"), false),
        (
            key("rbac.authorization.k8s.io", "ClusterRole", "", "a"),
            true,
        ),
        (
            key("rbac.authorization.k8s.io", "ClusterRoleBinding", "", "a"),
            false,
        ),
        (
            key("apiextensions.k8s.io", "CustomResourceDefinition", "", "a"),
            false,
        ),
    ] {
        let refused = project.refuse_kind(&key, !key.namespace.is_empty());
        assert_eq!(refused.is_none(), permitted, "{key}: {refused:?}");
    }
    let narrow = project_of("  namespaceResourceWhitelist: [{group: apps, kind: '*'}]\n");
    assert!(
        narrow
            .refuse_kind(&key("", "ConfigMap", "web", "a"), true)
            .is_some()
    );
    assert!(
        narrow
            .refuse_kind(&key("apps", "Deployment", "web", "a"), true)
            .is_none()
    );
}

/// `signatureKeys` and `sourceIntegrity`, as Argo CD's documentation on Git signature verification has them.
#[test]
fn what_commits_must_carry_depends_on_the_repository() {
    let text = format!(
        "  sourceIntegrity:\n    git:\n      policies:\n      - {{repos: [{{url: 'https://git.example.org/free/*'}}], gpg: {{mode: none}}}}\n      - {{repos: [{{url: 'https://git.example.org/old/*'}}], gpg: {{mode: strict, keys: [CAD47CF53D697048]}}}}\n      - {{repos: [{{url: 'https://git.example.org/*'}}, {{url: '!https://git.example.org/open/*'}}], gpg: {{mode: head, keys: [CAD47CF53D697048, '1111111111111111']}}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: argocd-gpg-keys-cm, namespace: argocd}}\ndata:\n  CAD47CF53D697048: |\n    {}\n  60B0CA0759660164: |\n    {}\n",
        include_str!("../../signature/tests/maria.asc")
            .trim_end()
            .replace('\n', "\n    "),
        include_str!("../../signature/tests/jonas.asc")
            .trim_end()
            .replace('\n', "\n    "),
    );
    let project = project_of(&text);
    assert_eq!(project.keys.len(), 1, "only those that are named");
    assert!(
        project
            .ignored_fields
            .iter()
            .any(|(_, why)| why.contains("1111111111111111")),
        "{:?}",
        project.ignored_fields
    );
    let asked = |url: &str| project.verification(url);
    assert_eq!(asked("https://git.example.org/free/a.git"), None);
    assert_eq!(asked("https://elsewhere.example.org/a.git"), None);
    assert_eq!(asked("https://git.example.org/open/a.git"), None);
    let strict = asked("https://git.example.org/old/a.git").unwrap();
    assert!(strict.head && strict.earlier && !strict.tag);
    let head = asked("https://git.example.org/shop/a.git").unwrap();
    assert!(head.head && !head.tag && !head.earlier);
    assert_eq!(head.only, ["CAD47CF53D697048", "1111111111111111"]);
    assert_eq!(
        head.asked_by,
        "sourceIntegrity of the project web (project.yaml:1)"
    );
}

/// Whatever stands in a policy or is asked of it: an answer, and never a slow one.
#[test]
fn fuzz_policies() {
    use lockstep_types::policy::{Policy, PolicyFile, PolicyText, ProjectRole};
    let seeds = [
        "p, role:a, applications, *, \"{shop,infra}/*\", allow\ng, maria, role:a\np, maria, *, action/[a-z]*/?, **, deny\n",
        "p, proj:shop:dev, applications, sync, shop/*, allow\n# x\ng, \"a\"\"b\", role:admin\n",
        "g, a, b\ng, b, a\np, a, applications, {a,{b,c}}*, *\\*, deny",
    ];
    crate::fuzzing::run("policies", &seeds.map(str::as_bytes), |bytes| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let role = ProjectRole {
            project: "shop".to_owned(),
            name: "dev".to_owned(),
            policies: text.lines().map(str::to_owned).collect(),
            groups: vec![text.clone()],
            file: "shop.yaml".to_owned(),
            line: 1,
        };
        let _ = role.problems();
        let file = PolicyFile {
            name: "policy.csv".to_owned(),
            first_line: u32::MAX - 2,
            text: text.clone(),
        };
        let read = Policy::read(&PolicyText {
            files: vec![file],
            default_role: text.lines().next().map(str::to_owned),
            projects: Vec::new(),
        });
        if let Ok(policy) = read {
            for subject in ["maria", "a", text.as_str()] {
                let lines = policy.lines_of(&[subject]);
                let _ = lines.decide("applications", &["sync", text.as_str()], &text);
            }
        }
    });
}

#[test]
fn a_second_person_is_asked_for_by_an_annotation_and_never_by_a_guess() {
    for (annotation, four_eyes, problems) in [
        ("{}", false, 0),
        ("{lockstep.dev/rollback-approval: none}", false, 0),
        ("{lockstep.dev/rollback-approval: second-person}", true, 0),
        ("{lockstep.dev/rollback-approval: Second-Person}", true, 1),
        ("{lockstep.dev/rollback-approval: 'yes'}", true, 1),
    ] {
        let text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: web, annotations: {annotation}}}\nspec: {{}}\n"
        );
        let file = DefinitionFile {
            path: "project.yaml".to_owned(),
            bytes: text.into_bytes(),
        };
        let found = read(&[file], "");
        assert_eq!(found.problems.len(), problems, "{annotation}");
        assert_eq!(found.projects[0].four_eyes, four_eyes, "{annotation}");
        // What cannot be read permits nothing.
        assert_eq!(found.projects[0].broken, problems > 0, "{annotation}");
    }
}
