use super::*;
use crate::account::{Permission, Role};

struct Section<'a> {
    title: &'a str,
    /// Of the documentation.
    page: &'a str,
    default_role: Option<String>,
    policy: String,
    questions: Vec<&'a str>,
}

fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut asking = false;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            asking = false;
            sections.push(Section {
                title,
                page: "",
                default_role: None,
                policy: String::new(),
                questions: Vec::new(),
            });
        }
        let Some(section) = sections.last_mut() else {
            continue;
        };
        if line == "--" {
            asking = true;
        } else if asking && !line.is_empty() {
            section.questions.push(line);
        } else if let Some(page) = line.strip_prefix("page: ") {
            section.page = page;
        } else if let Some(role) = line.strip_prefix("default: ") {
            section.default_role = Some(role.to_owned());
        } else if !asking && !line.starts_with("## ") {
            section.policy.push_str(line);
            section.policy.push('\n');
        }
    }
    sections
}

fn read(text: &str, default_role: Option<&str>) -> Result<Policy, Vec<PolicyProblem>> {
    Policy::read(&PolicyText {
        files: vec![PolicyFile {
            name: "policy.csv".to_owned(),
            first_line: 1,
            text: text.to_owned(),
        }],
        default_role: default_role.map(str::to_owned),
        projects: Vec::new(),
    })
}

fn subjects(text: &str) -> Vec<&str> {
    let Some((user, groups)) = text.split_once(" (") else {
        return vec![text];
    };
    std::iter::once(user)
        .chain(groups.trim_end_matches(')').split(", "))
        .collect()
}

#[test]
fn decides_as_argo_cd_documents() {
    let mut cases = 0;
    for section in sections(include_str!("cases.txt")) {
        assert_ne!(section.page, "", "{} comes from nowhere", section.title);
        let policy = read(&section.policy, section.default_role.as_deref())
            .unwrap_or_else(|problems| panic!("{}: {problems:?}", section.title));
        for question in section.questions {
            let fields: Vec<&str> = question.split(" | ").collect();
            let [who, resource, action, object, verdict, by] = fields.as_slice() else {
                panic!("not a question: {question}")
            };
            let lines = policy.lines_of(&subjects(who));
            let words = asks_of_word(resource, action);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let said = lines.decide(resource, &words, object);
            let decided_by = match &said.line {
                None => "none".to_owned(),
                Some(line) if line.file == built_in_name() => "built-in".to_owned(),
                Some(line) => line.line.to_string(),
            };
            let found = if said.allowed { "allow" } else { "deny" };
            assert_eq!(
                (found, decided_by.as_str()),
                (*verdict, *by),
                "{}: {question}\n{}",
                section.title,
                said.why
            );
            cases += 1;
        }
    }
    assert!(cases >= 90, "{cases}");
}

#[test]
fn a_wrong_line_is_named_and_nothing_counts() {
    for (line, said) in [
        (
            "p, alice, applications, get, a/*",
            "six fields, and this one has 5",
        ),
        (
            "p, alice, applications, get, a/*, allow, x",
            "six fields, and this one has 7",
        ),
        (
            "p, alice, applications, get, a/*, maybe",
            "“maybe” is neither allow nor deny",
        ),
        (
            "p, alice, applications, get, , allow",
            "the object is empty",
        ),
        ("p, , applications, get, *, allow", "the subject is empty"),
        (
            "p, alice, applications, [z-a], *, allow",
            "the action “[z-a]” is no pattern",
        ),
        (
            "p, alice, applications, get, {a, allow",
            "the object “{a” is no pattern",
        ),
        ("g, alice", "a line “g” names"),
        ("g, alice, ", "a line “g” names"),
        ("g, alice, role:a, x", "a line “g” names"),
        ("g2, alice, role:a", "neither “p” nor “g”"),
        ("alice, applications, get", "neither “p” nor “g”"),
        (
            "p, \"alice, applications, get, *, allow",
            "a quotation mark is not closed",
        ),
        (
            "p, \"alice\"x, applications, get, *, allow",
            "behind a closed quotation mark",
        ),
        ("p, al\"ice, applications, get, *, allow", "within a field"),
        ("; drop table", "neither “p” nor “g”"),
    ] {
        let problems = read(&format!("g, bob, role:admin\n# fine\n{line}\n"), None).unwrap_err();
        assert_eq!(problems.len(), 1, "{line}");
        assert_eq!(
            (problems[0].file.as_str(), problems[0].line),
            ("policy.csv", 3),
            "{line}"
        );
        assert!(
            problems[0].message.contains(said),
            "{line}: {}",
            problems[0].message
        );
        assert!(!problems[0].next.is_empty());
    }
    let large = PolicyText {
        files: vec![PolicyFile {
            name: "p".into(),
            first_line: 1,
            text: "#".repeat(LARGEST + 1),
        }],
        ..PolicyText::default()
    };
    assert!(
        Policy::read(&large).unwrap_err()[0]
            .message
            .contains("bytes")
    );
}

#[test]
fn project_roles_stay_within_their_project() {
    let role = |policies: &[&str]| ProjectRole {
        project: "shop".to_owned(),
        name: "dev".to_owned(),
        policies: policies.iter().map(|text| (*text).to_owned()).collect(),
        groups: vec!["my-org:shop".to_owned()],
        file: "projects/shop.yaml".to_owned(),
        line: 12,
    };
    let good = role(&[
        "p, proj:shop:dev, applications, sync, shop/*, allow",
        "p, proj:shop:dev, logs, get, shop/cart, allow",
    ]);
    assert_eq!(good.problems(), []);
    let policy = Policy::read(&PolicyText {
        projects: vec![good],
        ..PolicyText::default()
    })
    .unwrap();
    let lines = policy.lines_of(&["x", "my-org:shop"]);
    let said = lines.decide("applications", &["sync"], "shop/cart");
    assert!(said.allowed);
    assert_eq!(said.why, "allowed by projects/shop.yaml:12");
    assert!(lines.decide("projects", &["get"], "shop").allowed);
    assert!(!lines.decide("applications", &["sync"], "infra/dns").allowed);
    for (line, said) in [
        (
            "p, proj:shop:dev, applications, sync, */*, allow",
            "is not below the project shop",
        ),
        (
            "p, proj:shop:dev, applications, sync, *, allow",
            "is not below the project shop",
        ),
        (
            "p, proj:shop:dev, applications, sync, shop*/x, allow",
            "is not below the project shop",
        ),
        (
            "p, proj:infra:dev, applications, sync, shop/*, allow",
            "is not this role",
        ),
        (
            "p, role:admin, applications, sync, shop/*, allow",
            "is not this role",
        ),
        (
            "p, proj:shop:dev, accounts, update, shop/*, allow",
            "gives no rights to “accounts”",
        ),
        (
            "p, proj:shop:dev, *, sync, shop/*, allow",
            "gives no rights to “*”",
        ),
        ("g, proj:shop:dev, role:admin", "a line that begins with p"),
        ("# remark", "a line that begins with p"),
    ] {
        let problems = role(&[line]).problems();
        assert_eq!(problems.len(), 1, "{line}");
        assert!(
            problems[0].message.contains(said),
            "{line}: {}",
            problems[0].message
        );
    }
}

#[test]
fn without_a_policy_the_role_of_the_account_counts() {
    let rights = Rights::default();
    for (role, permission, expected) in [
        (Role::Viewer, Permission::Get, true),
        (Role::Viewer, Permission::Sync, false),
        (Role::Viewer, Permission::SeeClusters, true),
        (Role::Operator, Permission::Rollback, true),
        (Role::Operator, Permission::Source, false),
        (Role::Operator, Permission::Account, false),
        (Role::Admin, Permission::Policy, true),
    ] {
        assert_eq!(
            rights.decide(role, permission, ANYTHING).allowed,
            expected,
            "{permission:?}"
        );
    }
    for permission in Permission::ALL {
        assert!(rights.decide(Role::Admin, permission, "x/y").allowed);
        assert!(
            rights
                .decide(permission.least_role(), permission, "x/y")
                .allowed
        );
    }
    assert_eq!(Permission::Rollback.least_role(), Role::Operator);
    assert_eq!(Permission::Policy.least_role(), Role::Admin);
}

#[test]
fn an_administrator_cannot_be_locked_out_of_the_policy() {
    let policy = read("p, role:admin, *, *, *, deny\n", None).unwrap();
    let rights = Rights {
        policy: Some(policy.lines_of(&["ada", "role:admin"])),
        scope: None,
    };
    assert!(!rights.decide(Role::Admin, Permission::Sync, "a/b").allowed);
    assert!(
        rights
            .decide(Role::Admin, Permission::Policy, ANYTHING)
            .allowed
    );
    assert!(
        rights
            .decide(Role::Admin, Permission::Account, ANYTHING)
            .allowed
    );
    assert!(
        !rights
            .decide(Role::Operator, Permission::Policy, ANYTHING)
            .allowed
    );
}

#[test]
fn a_token_never_exceeds_its_owner_or_its_scope() {
    let scope = |role, projects: &[&str]| Rights {
        policy: None,
        scope: Some(TokenScope {
            role,
            projects: projects.iter().map(|name| (*name).to_owned()).collect(),
        }),
    };
    for (owner, rights, permission, object, expected) in [
        (
            Role::Viewer,
            scope(Role::Admin, &[]),
            Permission::Sync,
            "shop/cart",
            false,
        ),
        (
            Role::Admin,
            scope(Role::Viewer, &[]),
            Permission::Sync,
            "shop/cart",
            false,
        ),
        (
            Role::Admin,
            scope(Role::Viewer, &[]),
            Permission::Get,
            "shop/cart",
            true,
        ),
        (
            Role::Admin,
            scope(Role::Operator, &["shop", "team-*"]),
            Permission::Sync,
            "shop/cart",
            true,
        ),
        (
            Role::Admin,
            scope(Role::Operator, &["shop", "team-*"]),
            Permission::Sync,
            "team-a/x",
            true,
        ),
        (
            Role::Admin,
            scope(Role::Operator, &["shop"]),
            Permission::Sync,
            "infra/dns",
            false,
        ),
        (
            Role::Admin,
            scope(Role::Operator, &["shop"]),
            Permission::Get,
            "infra/dns",
            false,
        ),
        (
            Role::Admin,
            scope(Role::Operator, &["shop"]),
            Permission::Sync,
            ANYTHING,
            true,
        ),
        (
            Role::Admin,
            scope(Role::Admin, &["shop"]),
            Permission::Cluster,
            ANYTHING,
            false,
        ),
        (
            Role::Admin,
            scope(Role::Admin, &["shop"]),
            Permission::Policy,
            ANYTHING,
            false,
        ),
        (
            Role::Admin,
            scope(Role::Admin, &["shop"]),
            Permission::SeeClusters,
            "eu",
            true,
        ),
    ] {
        let said = rights.decide(owner, permission, object);
        assert_eq!(
            said.allowed, expected,
            "{owner:?} {permission:?} {object} {}",
            said.why
        );
    }
}

#[test]
fn whether_there_is_anything() {
    let policy = read(
        "p, a, applications, sync, shop/*, allow\np, b, applications, sync, *, deny\np, b, applications, sync, shop/*, allow\n",
        None,
    )
    .unwrap();
    assert!(
        policy
            .lines_of(&["a"])
            .decide("applications", &["sync"], ANYTHING)
            .allowed
    );
    assert!(
        !policy
            .lines_of(&["b"])
            .decide("applications", &["sync"], ANYTHING)
            .allowed
    );
    assert!(
        !policy
            .lines_of(&["c"])
            .decide("applications", &["sync"], ANYTHING)
            .allowed
    );
}

#[test]
fn whether_nothing_is_left_out() {
    for (lines, expected) in [
        ("p, a, applications, get, *, allow", true),
        ("p, a, applications, get, */*, allow", true),
        ("p, a, *, *, *, allow", true),
        ("p, a, applications, get, shop/*, allow", false),
        (
            "p, a, applications, get, *, allow\np, a, applications, *, secret/*, deny",
            false,
        ),
        ("p, a, logs, get, *, allow", false),
        ("g, a, role:readonly", true),
    ] {
        let lines = read(lines, None).unwrap().lines_of(&["a"]);
        let rights = Rights {
            policy: Some(lines),
            scope: None,
        };
        assert_eq!(rights.on_all(Role::Viewer, Permission::Get), expected);
        let scope = TokenScope {
            role: Role::Viewer,
            projects: vec!["shop".to_owned()],
        };
        assert!(
            !Rights {
                scope: Some(scope),
                ..rights
            }
            .on_all(Role::Viewer, Permission::Get)
        );
    }
    let floor = read(
        "p, a, applications, get, secret/*, deny",
        Some("role:readonly"),
    )
    .unwrap();
    let rights = Rights {
        policy: Some(floor.lines_of(&["a"])),
        scope: None,
    };
    assert!(rights.on_all(Role::Viewer, Permission::Get));
}

#[test]
fn questions_are_typed_in_several_ways() {
    for (typed, resource, action) in [
        ("sync", "applications", "sync"),
        ("accept drift", "applications", "accept-drift"),
        ("accept-drift", "applications", "accept-drift"),
        ("logs", "logs", "get"),
        ("account", "accounts", "update"),
        ("clusters/get", "clusters", "get"),
        (
            "action/apps/Deployment/restart",
            "applications",
            "action/apps/Deployment/restart",
        ),
        (
            "applications/delete//Pod/a/b",
            "applications",
            "delete//Pod/a/b",
        ),
    ] {
        assert_eq!(
            parse_question(typed),
            (resource.to_owned(), action.to_owned()),
            "{typed}"
        );
    }
}

#[test]
fn attack_57_every_permission_has_a_word_and_a_place_in_the_table() {
    let mut words = BTreeSet::new();
    for permission in Permission::ALL {
        assert!(words.insert(permission.word()), "{permission:?}");
        let (resource, actions) = asks(permission);
        assert!(!resource.is_empty() && !actions.is_empty());
    }
}

/// The table that people read is the one that decides.
#[test]
fn the_documented_table_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/access.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("| Permission |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let expected: Vec<String> = Permission::ALL
        .into_iter()
        .map(|permission| {
            let (resource, actions) = asks(permission);
            let (word, role) = (permission.word(), permission.least_role().word());
            format!("| {word} | {resource} | {} | {role} |", actions.join(", "))
        })
        .collect();
    assert_eq!(rows, expected);
}
