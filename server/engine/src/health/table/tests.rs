//! The cases below `cases/`, each an object with what must be said of it.

use crate::health::health;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    case: String,
    object: Value,
    health: String,
    #[serde(default)]
    sentence: String,
}

const FILES: [(&str, &str); 7] = [
    ("kubernetes", include_str!("../cases/kubernetes.yaml")),
    ("cert_manager", include_str!("../cases/cert_manager.yaml")),
    ("argo", include_str!("../cases/argo.yaml")),
    ("flux", include_str!("../cases/flux.yaml")),
    ("crossplane", include_str!("../cases/crossplane.yaml")),
    ("gateway", include_str!("../cases/gateway.yaml")),
    ("others", include_str!("../cases/others.yaml")),
];

#[test]
fn every_case_is_judged_as_written() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (file, text) in FILES {
        let cases: Vec<Case> =
            serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut named = BTreeSet::new();
        for case in cases {
            count += 1;
            assert!(
                named.insert(case.case.clone()),
                "{file}: {} twice",
                case.case
            );
            let found = health(&case.object);
            if (found.status.word(), found.message.as_str())
                != (case.health.as_str(), case.sentence.as_str())
            {
                wrong.push(format!(
                    "{file}: {}: {} “{}”, not {} “{}”",
                    case.case,
                    found.status.word(),
                    found.message,
                    case.health,
                    case.sentence
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 80, "{count}");
}

/// A row that no object reaches is no rule.
#[test]
fn every_rule_names_kinds_once() {
    let mut seen = BTreeSet::new();
    for rule in super::RULES.iter().flat_map(|rules| rules.iter()) {
        assert!(!rule.rows.is_empty(), "{}", rule.group);
        for kind in rule.kinds {
            assert!(seen.insert((rule.group, *kind)), "{} {kind}", rule.group);
        }
    }
}
