//! The mapping of known weaknesses to tests is whole: every class has tests that exist, every attack has one by its number.

use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapping {
    class: Vec<Class>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    name: String,
    advisories: Vec<String>,
    tests: Vec<String>,
    #[serde(default)]
    because: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, names);
        } else if path
            .extension()
            .is_some_and(|kind| kind == "rs" || kind == "mjs")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                let name = line
                    .trim_start_matches("async ")
                    .strip_prefix("fn ")
                    .and_then(|rest| rest.split(['(', '<']).next());
                match name {
                    Some(name) if is_test => {
                        names.insert(name.to_owned());
                        is_test = false;
                    }
                    Some(_) => {}
                    // Tests that run on both databases are made by a macro, and browser tests by a call with a title.
                    None if line.starts_with("test('attack_") => {
                        names.extend(line.split('\'').nth(1).map(str::to_owned));
                    }
                    None => {
                        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test")
                    }
                }
                if line.starts_with("async fn ") && line.contains("(db: &Db)") {
                    names.extend(name.map(str::to_owned));
                }
            }
        }
    }
}

fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in [
        "server/src",
        "server/tests",
        "server/engine/src",
        "server/engine/tests",
        "app",
        "end2end/tests",
    ] {
        read(&root().join(folder), &mut names);
    }
    assert!(names.len() > 500, "{} tests", names.len());
    names
}

#[test]
fn every_class_of_advisories_has_its_tests() {
    let text = std::fs::read_to_string(root().join("docs/advisories.toml")).unwrap();
    let mapping: Mapping = toml::from_str(&text).unwrap();
    assert_eq!(mapping.class.len(), 29);
    let known = tests();
    let mut advisories = BTreeSet::new();
    for class in &mapping.class {
        assert!(!class.advisories.is_empty(), "{}", class.name);
        assert!(
            !class.tests.is_empty() || class.because.len() > 20,
            "{}",
            class.name
        );
        for test in &class.tests {
            assert!(
                known.contains(test),
                "{}: there is no test {test}",
                class.name
            );
        }
        for advisory in &class.advisories {
            assert!(
                advisories.insert(advisory),
                "{advisory} stands in two classes"
            );
        }
    }
    assert!(advisories.len() > 90, "{} advisories", advisories.len());
}

/// The numbers in `attack_34_35_what`.
fn numbers(name: &str) -> impl Iterator<Item = u32> + '_ {
    name.strip_prefix("attack_")
        .into_iter()
        .flat_map(|rest| rest.split('_').map_while(|part| part.parse().ok()))
}

#[test]
fn every_attack_has_a_test_by_its_number() {
    let named: BTreeSet<u32> = tests()
        .iter()
        .flat_map(|name| numbers(name).collect::<Vec<_>>())
        .collect();
    let missing: Vec<u32> = (1..=70).filter(|number| !named.contains(number)).collect();
    assert_eq!(missing, [] as [u32; 0]);
}

/// What comes from clusters and Git instead of the wire, or is shown instead of refused: tests of the stages assert those,
/// and the canary looks through every answer and entry.
const FROM_INSIDE: [(u32, &str); 3] = [
    (
        36,
        "a hostile cluster is asked by the server, and nobody asks the server for it",
    ),
    (
        37,
        "what the cluster says is planted and looked for by the canary",
    ),
    (
        52,
        "a link is left out where it is read, and pages take no others",
    ),
];

/// Attacks on the server itself are asserted whole, by status, body, log and a server that goes on serving, and none is
/// left out of a run.
#[test]
fn attacks_from_outside_are_asserted_whole_and_none_is_ignored() {
    let whole = [
        "assert_refused(",
        "assert_without_effect(",
        "refused(&server",
        "refused(&world",
        "seen(&world",
    ];
    let (mut found, mut asserted) = (Vec::new(), BTreeSet::new());
    for folder in ["server", "app"] {
        sources(&root().join(folder), &mut found);
    }
    for (path, text) in &found {
        for (before, rest) in text
            .match_indices("fn attack_")
            .map(|(at, _)| text.split_at(at))
        {
            let body = rest.split("\n}\n").next().unwrap_or_default();
            let attributes = before.rsplit("\n\n").next().unwrap_or_default();
            assert!(
                !attributes.contains("#[ignore"),
                "{}: {body:.80}",
                path.display()
            );
            if whole.iter().any(|call| body.contains(call)) {
                let name = body.trim_start_matches("fn ").split('(').next();
                asserted.extend(name.into_iter().flat_map(numbers));
            }
        }
    }
    let missing: Vec<u32> = (33..=70)
        .filter(|number| !asserted.contains(number))
        .filter(|number| !FROM_INSIDE.iter().any(|(inside, _)| inside == number))
        .collect();
    assert_eq!(missing, [] as [u32; 0]);
}

/// Every test that the documents name exists.
#[test]
fn documents_name_tests_that_exist() {
    let known = tests();
    for file in [
        "docs/asvs.md",
        "docs/asvs-requirements.md",
        "docs/security.md",
    ] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let named: Vec<&str> = text
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|code| code.matches('_').count() >= 2 || code.starts_with("fuzz_"))
            .filter(|code| {
                code.chars().all(|letter| {
                    letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
                })
            })
            .collect();
        for test in named {
            assert!(known.contains(test), "{file}: there is no test {test}");
        }
    }
}

/// The rows of the checklist: what is asked, and whether a test or an exception answers it.
#[test]
fn every_row_of_the_checklist_has_a_test_or_an_exception() {
    let read = |name: &str| std::fs::read_to_string(root().join("docs").join(name)).unwrap();
    let each = read("asvs-requirements.md");
    let text = [read("asvs.md"), each.clone()].concat();
    let known = tests();
    let rows = text.lines().filter(|line| {
        let section = line.strip_prefix("| ");
        section.is_some_and(|section| section.starts_with(|first: char| first.is_ascii_digit()))
    });
    let (mut count, mut empty) = (0, Vec::new());
    for row in rows {
        count += 1;
        let named = |code: &str| known.contains(code) || code.starts_with("make ");
        let tests = row.rsplit('|').nth(1).unwrap_or_default();
        let tested = tests.split('`').skip(1).step_by(2).any(named);
        if !tested && !row.contains("*Exception*: ") {
            empty.push(row);
        }
    }
    assert!(count > 200, "{count} rows");
    // Levels 1 and 2 have so many requirements, and each stands in one row.
    let numbers: Vec<&str> = each
        .lines()
        .filter_map(|row| row.strip_prefix("| ")?.split('|').next())
        .flat_map(|numbers| numbers.split(','))
        .map(str::trim)
        .filter(|number| number.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    let different: BTreeSet<&&str> = numbers.iter().collect();
    assert_eq!((numbers.len(), different.len()), (253, 253));
    assert!(empty.is_empty(), "neither test nor exception: {empty:#?}");
}

#[test]
fn unsafe_code_is_denied_in_every_package() {
    let read = |path: &str| -> toml::Table {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        toml::from_str(&text).unwrap()
    };
    let whole = read("Cargo.toml");
    let workspace = &whole["workspace"];
    assert_eq!(
        workspace["lints"]["rust"]["unsafe_code"].as_str(),
        Some("deny")
    );
    let members = workspace["members"].as_array().unwrap();
    for member in members.iter().filter_map(toml::Value::as_str) {
        let package = read(&format!("{member}/Cargo.toml"));
        let inherits = package
            .get("lints")
            .and_then(|lints| lints["workspace"].as_bool());
        assert_eq!(inherits, Some(true), "{member}");
    }
    assert!(members.len() >= 7);
}

/// Every source file below a folder.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

fn of_the_server() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in [
        "server/src",
        "server/engine/src",
        "app/src",
        "app/types/src",
    ] {
        sources(&root().join(folder), &mut found);
    }
    assert!(found.len() > 300, "{} files", found.len());
    found
}

/// Generators that are seeded once, or are no secret's, are named nowhere but where nothing depends on them.
#[test]
fn random_values_come_from_the_operating_system() {
    // Pauses between attempts, and the password of nobody, whose hash unknown names are held against.
    let excused = [
        ("server/src/reconcile/driver.rs", "rand::rng("),
        ("server/engine/src/live/backoff.rs", "RandomState"),
        ("server/src/accounts/password.rs", "rand::random"),
    ];
    let mut from_the_system = 0;
    for (path, text) in of_the_server() {
        from_the_system += text.matches("OsRng").count();
        for other in [
            "thread_rng",
            "SmallRng",
            "StdRng",
            "fastrand",
            "rand::random",
            "rand::rng(",
            "RandomState",
        ] {
            let excused = excused
                .iter()
                .any(|(file, word)| path.ends_with(file) && *word == other);
            assert!(
                !text.contains(other) || excused,
                "{}: {other}",
                path.display()
            );
        }
    }
    assert!(from_the_system > 6, "{from_the_system}");
}

#[test]
fn every_kind_of_entry_is_in_the_documentation() {
    let text = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let mut kinds = BTreeSet::new();
    for (_, source) in of_the_server() {
        for rest in source.split("event.name = \"").skip(1) {
            let name = rest.split('"').next().unwrap_or_default();
            kinds.insert(name.split('.').next().unwrap_or_default().to_owned());
        }
    }
    assert!(kinds.len() >= 15, "{kinds:?}");
    for kind in kinds {
        assert!(
            text.contains(&format!("`{kind}.*`")),
            "{kind} is not in docs/security.md"
        );
    }
}

#[test]
fn the_documentation_has_the_limits_of_the_code() {
    let text = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let limits = server::config::SessionLimits::default();
    let idle = limits.idle.as_secs() / 3600;
    let absolute = limits.absolute.as_secs() / 86_400;
    let session = format!(
        "ends {idle} hours after its last use and {absolute} days after its login (`session.idle_minutes`, `session.absolute_hours`)"
    );
    assert!(text.contains(&session), "{session}");
    let number = |path: &str, name: &str| -> u64 {
        let source = std::fs::read_to_string(root().join(path)).unwrap();
        let line = source
            .lines()
            .find(|line| line.contains(&format!("const {name}: ")));
        let value = line.and_then(|line| line.split(" = ").nth(1)).unwrap();
        let digits = value.trim_start_matches("Duration::from_secs(");
        let factors = digits.trim_end_matches([';', ')']).split(" * ");
        factors
            .map(|factor| factor.parse::<u64>().unwrap())
            .product()
    };
    let login = "server/src/accounts/login.rs";
    let guesses = number(login, "GUESSES");
    let minutes = number(login, "WINDOW_SECONDS") / 60;
    let names = number(login, "NAMES");
    let answer = number("server/src/http.rs", "LONGEST_ANSWER");
    let body = number("server/src/http.rs", "LARGEST_BODY") >> 20;
    let address = number("server/src/http/headers.rs", "LONGEST_ADDRESS") >> 10;
    let headers = number("server/src/http/headers.rs", "LONGEST_HEADERS") >> 10;
    let streams = number("server/src/http/stream.rs", "PER_USER");
    for said in [
        format!("guessed at {guesses} times in {minutes} minutes from one address"),
        format!("an address may fail with {names} names"),
        format!("An answer has {answer} seconds, a body {body} MiB"),
        format!("an address {address} KiB, headers {headers} KiB"),
        format!("One person has {streams} open streams"),
    ] {
        assert!(text.contains(&said), "{said}");
    }
}
