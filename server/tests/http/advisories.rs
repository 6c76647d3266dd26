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

/// Every test that the documents name exists.
#[test]
fn documents_name_tests_that_exist() {
    let known = tests();
    for file in ["docs/asvs.md", "docs/security.md"] {
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
