use super::*;
use crate::definition::{DefinedSource, DirectoryOptions, HelmOptions, KustomizeOptions};
use crate::render::inputs::collect;
use crate::render::several::Lenders;
use crate::source::{Credential, Mirrors};
use crate::testing::Repository;
use lockstep_types::application::Dialect;
use lockstep_types::revision::{PathChangeKind, TargetRevision};
use proptest::prelude::*;

fn touched(reach: &Reach, path: &str) -> bool {
    reach.is_touched(&[PathChange {
        path: path.to_owned(),
        kind: PathChangeKind::Modified,
    }])
}

#[test]
fn what_was_looked_at_counts_and_nothing_else() {
    let mut reach = Reach::default();
    reach.look_up("shop/kustomization.yaml", Found::Leaf);
    reach.look_up("base", Found::Folder);
    reach.look_up("base/kustomization.yml", Found::Leaf);
    reach.list("values", Depth::Here);
    reach.list("chart", Depth::All);
    for (path, expected) in [
        ("shop/kustomization.yaml", true),
        // A folder where a file is looked for.
        ("shop/kustomization.yaml/x", true),
        ("shop/other.yaml", false),
        ("shop", true),
        ("base/kustomization.yml", true),
        ("base/unused.yaml", false),
        ("values/a.yaml", true),
        ("values/deep/a.yaml", false),
        ("values", true),
        ("chart/templates/deep/a.yaml", true),
        ("charts/a.yaml", false),
        ("README.md", false),
    ] {
        assert_eq!(touched(&reach, path), expected, "{path}");
    }
    let mut root = Reach::default();
    root.list("", Depth::Here);
    assert!(touched(&root, "a.yaml") && !touched(&root, "a/b.yaml"));
    root.list("", Depth::All);
    assert!(touched(&root, "a/b.yaml"));
}

const FOLDERS: [&str; 5] = ["", "a/", "a/b/", "base/", "c/"];
const NAMES: [&str; 10] = [
    ".sourceignore",
    "kustomization.yaml",
    "kustomization.yml",
    "Chart.yaml",
    "x.yaml",
    "y.json",
    "values.yaml",
    "values-1.yaml",
    "templates/t.yaml",
    "notes.txt",
];
const TEXTS: [&str; 9] = [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n",
    "resources: [x.yaml]\n",
    "resources: [../base]\ncomponents: [../c]\n",
    "resources: [b, x.yaml]\nconfigMapGenerator: [{name: n, files: [notes.txt]}]\n",
    "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "{}\n",
    "resources: []\npatches: [{path: values.yaml}]\n",
    "x.yaml\n!y.json\n",
];
const LINKS: [&str; 5] = ["x.yaml", "../base/x.yaml", "b", "../base", "nowhere"];

/// One change of the work tree: folder, name, and what becomes of it.
type Edit = (usize, usize, usize);

fn edits(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Edit>> {
    let what = 0..TEXTS.len() + LINKS.len() + 3;
    prop::collection::vec((0..FOLDERS.len(), 0..NAMES.len(), what), count)
}

fn apply(repository: &Repository, (folder, name, what): Edit) {
    let path = format!("{}{}", FOLDERS[folder], NAMES[name]);
    let full = repository.path().join(&path);
    let there = full.symlink_metadata().is_ok();
    // Something else on the way stays.
    let way = full.parent().unwrap();
    let blocked = way
        .ancestors()
        .take_while(|above| above.starts_with(repository.path()))
        .any(|above| above.is_symlink() || above.is_file());
    if blocked {
        return;
    }
    if there {
        repository.remove(&path);
    }
    if let Some(text) = TEXTS.get(what) {
        repository.write(&path, text);
    } else if let Some(target) = LINKS.get(what - TEXTS.len()) {
        repository.link(&path, target);
    } else if what == TEXTS.len() + LINKS.len() {
        // A folder where a file is expected.
        repository.write(&format!("{path}/inner.yaml"), TEXTS[0]);
    }
}

fn sources() -> Vec<DefinedSource> {
    let mut all = Vec::new();
    for path in ["", "a", "a/b", "base", "c"] {
        let plain = DefinedSource {
            path: path.to_owned(),
            ..DefinedSource::default()
        };
        for recurse in [false, true] {
            all.push(DefinedSource {
                directory: Some(DirectoryOptions {
                    recurse,
                    exclude: "notes*".to_owned(),
                    ..DirectoryOptions::default()
                }),
                ..plain.clone()
            });
        }
        for value_files in [
            vec!["/c/values*.yaml"],
            vec!["values-1.yaml", "../base/values.yaml"],
        ] {
            all.push(DefinedSource {
                helm: Some(HelmOptions {
                    value_files: value_files.into_iter().map(str::to_owned).collect(),
                    ignore_missing_value_files: true,
                    ..HelmOptions::default()
                }),
                ..plain.clone()
            });
        }
        all.push(DefinedSource {
            kustomize: Some(KustomizeOptions::default()),
            ..plain.clone()
        });
        all.push(DefinedSource {
            dialect: Dialect::FluxKustomization,
            ..plain.clone()
        });
        all.push(DefinedSource {
            dialect: Dialect::FluxKustomization,
            excluded: Some("b/\n".to_owned()),
            ..plain.clone()
        });
        all.push(plain);
    }
    all
}

/// Counts what was compared, so that a test that compares nothing is noticed.
#[derive(Debug, Default)]
struct Seen {
    touched: usize,
    untouched: usize,
}

async fn check(start: &[Edit], steps: &[Vec<Edit>]) -> Seen {
    let repository = Repository::new();
    for folder in FOLDERS {
        repository.write(&format!("{folder}x.yaml"), TEXTS[0]);
    }
    repository.write("a/kustomization.yaml", TEXTS[3]);
    repository.write("base/kustomization.yaml", TEXTS[2]);
    for edit in start {
        apply(&repository, *edit);
    }
    let mut commits = vec![repository.commit("start")];
    for step in steps {
        for edit in step {
            apply(&repository, *edit);
        }
        commits.push(repository.commit("step"));
    }
    let dir = tempfile::tempdir().unwrap();
    let mirrors = Mirrors::for_tests(dir.path().join("mirrors")).unwrap();
    let url = repository.url();
    let main = TargetRevision("main".to_owned());
    mirrors
        .fetch(&url, &Credential::None, std::slice::from_ref(&main))
        .await
        .unwrap();
    let mut seen = Seen::default();
    for pair in commits.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        let changes = mirrors
            .changed(&url, Some(before), after, &[])
            .await
            .unwrap();
        for source in sources() {
            let at = |revision| mirrors.snapshot(&url, revision);
            let Ok((work, files, _, reach)) = collect(
                at(before).await.unwrap(),
                &source,
                "shop",
                &Lenders::default(),
            ) else {
                // What could not be rendered is always looked at again.
                continue;
            };
            if reach.is_touched(&changes) {
                seen.touched += 1;
                continue;
            }
            seen.untouched += 1;
            let (now, now_files, _, now_reach) = collect(
                at(after).await.unwrap(),
                &source,
                "shop",
                &Lenders::default(),
            )
            .unwrap();
            assert_eq!(
                (&work, &files),
                (&now, &now_files),
                "{source:?} {changes:?}"
            );
            // Of a folder whose last file went it does not matter that it was one.
            let names = |reach: &Reach| {
                let looked_up: Vec<String> = reach.looked_up.keys().cloned().collect();
                (looked_up, reach.listed.clone(), reach.everything)
            };
            assert_eq!(names(&reach), names(&now_reach));
        }
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_not_touched_has_the_same_inputs(
        start in edits(0..12),
        steps in prop::collection::vec(edits(1..3), 4..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build().unwrap();
        runtime.block_on(check(&start, &steps));
    }
}

#[tokio::test]
async fn a_commit_touches_few_of_many() {
    // One value file: only the applications that read it, by glob or by listing.
    let step = vec![(4, 7, 0)];
    let seen = check(&[], &[step]).await;
    assert!(
        seen.touched > 0 && seen.untouched > 2 * seen.touched,
        "{seen:?}"
    );
}
