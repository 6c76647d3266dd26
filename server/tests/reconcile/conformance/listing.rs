//! The list of scenarios for people: `docs/conformance.md`, held against the table.

use super::table::{Case, Topic};
use std::fmt::Write as _;
use std::path::PathBuf;

/// How many scenarios a topic has, all and on the cluster.
fn count(topic: &Topic) -> (usize, usize) {
    let on_cluster = topic
        .scenarios
        .iter()
        .filter(|scenario| matches!(scenario.case(), Case::Cluster));
    (topic.scenarios.len(), on_cluster.count())
}

/// One line a topic.
pub fn counts(topics: &[Topic]) -> String {
    let mut text = String::new();
    let (mut all, mut clusters) = (0, 0);
    for topic in topics {
        let (of_topic, on_cluster) = count(topic);
        let _ = writeln!(text, "{:<40}{of_topic:>4}{on_cluster:>4}", topic.topic);
        all += of_topic;
        clusters += on_cluster;
    }
    let _ = write!(
        text,
        "{:<40}{all:>4}{clusters:>4}",
        "all, and on the cluster"
    );
    text
}

/// The whole document.
fn document(topics: &[Topic]) -> String {
    let mut text = String::from(
        "# Conformance\n\n\
         What the documentation of Argo CD, Flux and Fleet says a definition means, as scenarios that `make test` runs: most\n\
         against a real API server, with the order of writes taken from its audit log. The scenarios themselves, each with\n\
         the page it follows, are in `server/tests/reconcile/conformance/`. This list is checked against them; with\n\
         `LOCKSTEP_WRITE_CONFORMANCE=1` the test writes it anew.\n\n\
         | Topic | Scenarios | On a cluster |\n|---|--:|--:|\n",
    );
    let (mut all, mut clusters) = (0, 0);
    for topic in topics {
        let (of_topic, on_cluster) = count(topic);
        let _ = writeln!(text, "| {} | {of_topic} | {on_cluster} |", topic.topic);
        all += of_topic;
        clusters += on_cluster;
    }
    let _ = writeln!(text, "| All | {all} | {clusters} |");
    text.push_str("\n## Different on purpose\n\n");
    for topic in topics {
        for scenario in topic.scenarios.iter().filter(|one| !one.differs.is_empty()) {
            let _ = writeln!(
                text,
                "- **{}: {}** ({}). {}",
                topic.topic, scenario.name, scenario.follows, scenario.differs
            );
        }
    }
    text.push_str("\n## All scenarios\n");
    for topic in topics {
        let _ = writeln!(text, "\n### {}\n", topic.topic);
        for scenario in &topic.scenarios {
            let _ = writeln!(text, "- {} ({})", scenario.name, scenario.follows);
        }
    }
    text
}

/// Holds the document against the table.
pub fn check(topics: &[Topic]) {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/conformance.md"
    ));
    let wanted = document(topics);
    if std::env::var_os("LOCKSTEP_WRITE_CONFORMANCE").is_some() {
        std::fs::write(&path, &wanted).expect("the document can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/conformance.md is not the list of the table; LOCKSTEP_WRITE_CONFORMANCE=1 writes it anew"
    );
}
