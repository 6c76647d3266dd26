//! What is not the same in all environments, and whether Git asks for it. Pure.

use lockstep_types::parity::{ParityDifference, ParityKind, Versions};
use lockstep_types::revision::Revision;
use std::collections::{BTreeMap, BTreeSet};

/// What one target runs, and the place in Git that says so for it.
pub(super) struct Seen<'a> {
    pub versions: &'a Versions,
    pub place: String,
    /// The cluster equals what Git says: an older commit is one that changed nothing here.
    pub in_line: bool,
}

/// By kind and name: what each target has, environment by environment.
type Facts<'a> = BTreeMap<(ParityKind, &'a str), Vec<Vec<BTreeSet<String>>>>;

/// Differences between the targets of a row, unexpected ones first.
pub(super) fn differences(environments: &[Vec<Seen<'_>>]) -> Vec<ParityDifference> {
    let all = || environments.iter().flatten();
    if all().count() < 2 {
        return Vec::new();
    }
    let places: BTreeSet<&str> = all().map(|seen| seen.place.as_str()).collect();
    let own = places.len() > 1;
    let in_line = all().all(|seen| seen.in_line);
    let follows: BTreeSet<&str> = all().map(|seen| seen.versions.follows.as_str()).collect();
    let mut found: Vec<ParityDifference> = facts(environments)
        .into_iter()
        .filter_map(|((kind, name), by_environment)| {
            let each: BTreeSet<&BTreeSet<String>> = by_environment.iter().flatten().collect();
            if each.len() < 2 {
                return None;
            }
            let missing = each.iter().any(|values| values.is_empty());
            let (unexpected, why) = judged(kind, missing, (own, in_line), &follows);
            let values = by_environment
                .iter()
                .map(|targets| {
                    let union: BTreeSet<&String> = targets.iter().flatten().collect();
                    union.into_iter().cloned().collect()
                })
                .collect();
            Some(ParityDifference {
                kind,
                name: name.to_owned(),
                values,
                unexpected,
                why,
            })
        })
        .collect();
    found.sort_by(|one, other| {
        (!one.unexpected, one.kind, &one.name).cmp(&(!other.unexpected, other.kind, &other.name))
    });
    found
}

fn facts<'a>(environments: &[Vec<Seen<'a>>]) -> Facts<'a> {
    let mut facts: Facts<'a> = BTreeMap::new();
    let empty: Vec<Vec<BTreeSet<String>>> = environments
        .iter()
        .map(|targets| targets.iter().map(|_| BTreeSet::new()).collect())
        .collect();
    for (column, targets) in environments.iter().enumerate() {
        for (row, seen) in targets.iter().enumerate() {
            for (kind, name, value) in stated(seen.versions) {
                let place = facts.entry((kind, name)).or_insert_with(|| empty.clone());
                if let Some(values) = place.get_mut(column).and_then(|column| column.get_mut(row)) {
                    values.insert(value);
                }
            }
        }
    }
    facts
}

fn stated(versions: &Versions) -> Vec<(ParityKind, &str, String)> {
    let images = versions.images.iter().map(|image| {
        (
            ParityKind::Image,
            image.name.as_str(),
            image.version.clone(),
        )
    });
    let charts = versions.charts.iter().map(|chart| {
        (
            ParityKind::Chart,
            chart.name.as_str(),
            chart.version.clone(),
        )
    });
    let revision = versions
        .revision
        .as_ref()
        .map(|Revision(sha)| (ParityKind::Revision, "", sha.clone()));
    let replicas = versions.replicas.iter().map(|size| {
        (
            ParityKind::Replicas,
            size.workload.as_str(),
            size.number.to_string(),
        )
    });
    images
        .chain(charts)
        .chain(revision)
        .chain(replicas)
        .collect()
}

/// Whether it is unexpected, and why.
fn judged(
    kind: ParityKind,
    missing: bool,
    (own, in_line): (bool, bool),
    follows: &BTreeSet<&str>,
) -> (bool, String) {
    match kind {
        ParityKind::Image if missing => (true, "it does not run everywhere".to_owned()),
        ParityKind::Image => (true, "one image runs in several versions".to_owned()),
        ParityKind::Chart if missing => (true, "it is not installed everywhere".to_owned()),
        ParityKind::Chart => (
            true,
            "one chart is installed in several versions".to_owned(),
        ),
        ParityKind::Revision if follows.len() > 1 => {
            let each: Vec<&str> = follows.iter().copied().collect();
            (
                false,
                format!("the definitions follow {}", each.join(" and ")),
            )
        }
        ParityKind::Revision if in_line => (
            false,
            "each is in line, and newer commits change nothing there".to_owned(),
        ),
        ParityKind::Revision => (
            true,
            format!(
                "all follow {}, and not all have arrived",
                follows.iter().next().copied().unwrap_or_default()
            ),
        ),
        ParityKind::Replicas if own => (
            false,
            "each environment has files or options of its own".to_owned(),
        ),
        ParityKind::Replicas => (
            true,
            "all read the same files with the same options".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::parity::{ImageVersion, Replicas};

    fn runs(tag: &str, revision: &str, follows: &str, number: i64) -> Versions {
        Versions {
            images: vec![ImageVersion {
                name: "r/web".to_owned(),
                version: tag.to_owned(),
            }],
            charts: Vec::new(),
            revision: Some(Revision(revision.to_owned())),
            follows: follows.to_owned(),
            replicas: vec![Replicas {
                workload: "Deployment/web".to_owned(),
                number,
            }],
        }
    }

    fn told(environments: &[Vec<(&Versions, &str)>]) -> Vec<String> {
        let seen: Vec<Vec<Seen<'_>>> = environments
            .iter()
            .map(|targets| {
                targets
                    .iter()
                    .map(|(versions, place)| Seen {
                        versions,
                        place: place.trim_start_matches('~').to_owned(),
                        in_line: !place.starts_with('~'),
                    })
                    .collect()
            })
            .collect();
        differences(&seen)
            .into_iter()
            .map(|found| {
                let values: Vec<String> = found.values.iter().map(|each| each.join("+")).collect();
                let sign = if found.unexpected { "!" } else { "" };
                format!(
                    "{sign}{} {} {}",
                    found.kind.word(),
                    found.name,
                    values.join("|")
                )
            })
            .collect()
    }

    #[test]
    fn what_git_asks_for_is_expected() {
        let (staging, production) = (runs("2", "bb", "main", 1), runs("1", "aa", "main", 3));
        assert_eq!(
            told(&[
                vec![(&staging, "staging")],
                vec![(&production, "production")]
            ]),
            [
                "!image r/web 2|1",
                "revision  bb|aa",
                "replicas Deployment/web 1|3"
            ]
        );
        // A target that waits for a sync is not where the others are.
        let waits = runs("2", "aa", "main", 1);
        assert_eq!(
            told(&[vec![(&staging, "base")], vec![(&waits, "~base")]]),
            ["!revision  bb|aa"]
        );
        // By the same files nothing may differ; by tags of its own the revision may.
        let pinned = runs("2", "aa", "v1", 3);
        assert_eq!(
            told(&[vec![(&staging, "base")], vec![(&pinned, "base")]]),
            ["!replicas Deployment/web 1|3", "revision  bb|aa"]
        );
    }

    #[test]
    fn targets_of_one_environment_are_held_against_each_other_too() {
        let (one, other) = (runs("1", "aa", "main", 1), runs("2", "aa", "main", 1));
        assert_eq!(
            told(&[vec![(&one, "p")], vec![(&one, "p"), (&other, "p")]]),
            ["!image r/web 1|1+2"]
        );
        assert_eq!(told(&[vec![(&one, "p")], vec![(&one, "p")]]), [""; 0]);
        // What is not known is no difference.
        assert_eq!(told(&[vec![(&one, "p")], vec![]]), [""; 0]);
    }

    #[test]
    fn what_is_missing_somewhere_is_a_difference() {
        let one = runs("1", "aa", "main", 1);
        let without = Versions {
            images: Vec::new(),
            ..one.clone()
        };
        assert_eq!(
            told(&[vec![(&one, "p")], vec![(&without, "p")]]),
            ["!image r/web 1|"]
        );
    }
}
