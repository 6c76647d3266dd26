//! Which files belong to whom. Pure.

use lockstep_types::revision::PathChange;

/// Whether a changed file is one of the inputs, or lies below one that is a folder. No inputs: nothing is touched; an
/// empty input is the whole repository.
pub(super) fn touches(changed: &[PathChange], inputs: &[String]) -> bool {
    changed
        .iter()
        .any(|change| inputs.iter().any(|input| covers(input, &change.path)))
}

/// Whether `path` is `input` or below it.
pub(super) fn covers(input: &str, path: &str) -> bool {
    let input = input.trim_matches('/');
    input.is_empty()
        || path == input
        || path
            .strip_prefix(input)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Both sets of inputs, each once, sorted; what a folder of the set already covers is left out.
pub(super) fn union(one: &[String], other: &[String]) -> Vec<String> {
    let mut all: Vec<String> = one.iter().chain(other).cloned().collect();
    all.sort();
    all.dedup();
    let kept: Vec<String> = all
        .iter()
        .filter(|path| {
            !all.iter()
                .any(|folder| folder != *path && covers(folder, path))
        })
        .cloned()
        .collect();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::revision::PathChangeKind;

    #[test]
    fn folders_cover_what_is_below_them() {
        for (input, path, covered) in [
            ("overlays/prod", "overlays/prod/a.yaml", true),
            ("overlays/prod", "overlays/production/a.yaml", false),
            ("overlays/prod/", "overlays/prod", true),
            ("", "anything", true),
            ("a.yaml", "a.yaml", true),
            ("a.yaml", "b/a.yaml", false),
        ] {
            assert_eq!(covers(input, path), covered, "{input} {path}");
        }
    }

    #[test]
    fn a_change_elsewhere_touches_nothing() {
        let changed = [PathChange {
            path: "base/a.yaml".to_owned(),
            kind: PathChangeKind::Modified,
        }];
        assert!(touches(
            &changed,
            &["overlays".to_owned(), "base".to_owned()]
        ));
        assert!(!touches(&changed, &["overlays".to_owned()]));
        assert!(!touches(&changed, &[]));
    }

    #[test]
    fn inputs_are_joined_once() {
        let text = |paths: &[&str]| {
            paths
                .iter()
                .map(|path| (*path).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            union(&text(&["b/c", "a"]), &text(&["a", "b"])),
            text(&["a", "b"])
        );
    }
}
