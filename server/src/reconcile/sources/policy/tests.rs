use super::*;
use lockstep_types::revision::TargetRevision;
use lockstep_types::source::Mode;
use lockstep_types::time::Micros;

fn source(path: &str) -> SourceRow {
    SourceRow {
        id: SourceId(uuid::Uuid::from_u128(1)),
        name: "root".to_owned(),
        repo_url: "https://git.example.com/root.git".to_owned(),
        path: path.to_owned(),
        target_revision: TargetRevision("main".to_owned()),
        home_cluster: "eu".to_owned(),
        mode: Mode::Observe,
        from_file: false,
        revision: None,
        last_read: None,
        error: String::new(),
        problems: Vec::new(),
        created_at: Micros(0),
    }
}

fn found(path: &str, files: &[(&str, &str)]) -> Found {
    let files: Vec<File> = files
        .iter()
        .map(|(path, text)| File {
            path: (*path).to_owned(),
            bytes: text.as_bytes().to_vec(),
        })
        .collect();
    Found::of(&source(path), &files)
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-rbac-cm\ndata:\n  policy.default: role:readonly\n  scopes: '[groups, email]'\n  policy.csv: |\n    # who\n    g, maria, role:operator\n  policy.overlay.csv: |\n    p, jon, applications, sync, shop/*, allow\n";

#[test]
fn reads_the_config_map_with_the_lines_of_its_file() {
    let found = found("", &[("rbac.yaml", MAP), ("other.yaml", "kind: Secret\n")]);
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    assert_eq!(found.text.default_role.as_deref(), Some("role:readonly"));
    let places: Vec<_> = found
        .text
        .files
        .iter()
        .map(|file| (file.name.as_str(), file.first_line))
        .collect();
    assert_eq!(
        places,
        [
            ("rbac.yaml (policy.csv)", 9),
            ("rbac.yaml (policy.overlay.csv)", 12)
        ]
    );
    let policy = Policy::read(&found.text).unwrap();
    let verdict = policy
        .lines_of(&["jon"])
        .decide("applications", &["sync"], "shop/cart");
    assert_eq!(verdict.why, "allowed by rbac.yaml (policy.overlay.csv):12");
}

#[test]
fn reads_the_plain_file_below_the_path_of_the_source() {
    let files = [
        ("fleet/.lockstep/policy.csv", "g, maria, role:operator\n"),
        ("fleet/.lockstep/policy.default", "role:viewer\n"),
    ];
    let read = found("fleet", &files);
    assert!(read.problems.is_empty());
    assert_eq!(read.text.files[0].name, "fleet/.lockstep/policy.csv");
    assert_eq!(read.text.default_role.as_deref(), Some("role:viewer"));
    let elsewhere = found("", &files);
    assert!(elsewhere.problems[0].message.contains("holds no policy"));
}

#[test]
fn what_cannot_be_used_is_told_with_its_line() {
    for (files, line, said) in [
        (
            vec![("a.yaml", MAP.replace("g, maria, role:operator", "g, maria"))],
            10,
            "a line “g”",
        ),
        (
            vec![("a.yaml", MAP.to_owned()), ("b.yaml", MAP.to_owned())],
            1,
            "in several places: here and in b.yaml",
        ),
        (
            vec![("a.yaml", MAP.to_owned()), (PLAIN, String::new())],
            1,
            "in several places",
        ),
        (
            vec![(
                "a.yaml",
                MAP.replace("scopes: '[groups, email]'", "policy.matchMode: regex"),
            )],
            7,
            "globs only",
        ),
        (
            vec![(
                "a.yaml",
                "kind: ConfigMap\nmetadata: {name: argocd-rbac-cm}\ndata:\n  policy.csv: [a]\n"
                    .to_owned(),
            )],
            4,
            "is a list",
        ),
        (
            vec![(
                "a.yaml",
                "kind: ConfigMap\nmetadata: {name: argocd-rbac-cm\n".to_owned(),
            )],
            0,
            "",
        ),
        (
            vec![(PLAIN, "# fine\np, a, b\n".to_owned())],
            2,
            "six fields",
        ),
        (vec![], 1, "holds no policy"),
    ] {
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        let found = found("", &files);
        let problem = found
            .problems
            .first()
            .unwrap_or_else(|| panic!("{files:?}"));
        assert!(problem.message.contains(said), "{}", problem.message);
        assert!(line == 0 || problem.line == line, "{problem:?}");
    }
}

const PROJECT: &str = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: shop}\nspec:\n  sourceRepos: ['*']\n  destinations: [{server: '*', namespace: '*'}]\n  roles:\n  - name: dev\n    policies:\n    - p, proj:shop:dev, applications, sync, shop/*, allow\n    groups: [my-org:shop]\n";

#[test]
fn a_project_role_that_breaks_stays_as_it_was_and_holds_up_nobody() {
    let mut good = found(
        "",
        &[(PLAIN, "g, a, role:viewer\n"), ("shop.yaml", PROJECT)],
    );
    good.keep_project_roles(None);
    assert!(good.notes.is_empty(), "{:?}", good.notes);
    assert_eq!(good.text.projects.len(), 1);
    let escaped = PROJECT.replace("sync, shop/*", "sync, */*");
    let mut bad = found("", &[(PLAIN, ""), ("shop.yaml", &escaped)]);
    bad.keep_project_roles(Some(&good.text));
    assert!(bad.problems.is_empty());
    assert_eq!(bad.notes.len(), 1);
    assert_eq!(bad.text.projects, good.text.projects);
    let mut new = found("", &[(PLAIN, ""), ("shop.yaml", &escaped)]);
    new.keep_project_roles(None);
    assert!(new.text.projects.is_empty());
}

#[test]
fn the_audit_log_gets_the_lines_that_came_and_went() {
    let one = found("", &[(PLAIN, "g, a, role:admin\n# x\ng, b, role:viewer\n")]).text;
    let two = found("", &[(PLAIN, "g, b, role:viewer\ng, c, role:viewer\n")]).text;
    assert_eq!(
        difference(Some(&one), &two),
        (
            vec!["g, c, role:viewer".to_owned()],
            vec!["g, a, role:admin".to_owned()]
        )
    );
}
