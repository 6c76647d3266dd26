//! What patches of Git show of a repository whose files become Secrets.

use super::bench::Bench;
use lockstep_types::revision::{PathChange, PathChangeKind};

const KUSTOMIZATION: &str = "resources: [config.yaml]\nsecretGenerator:\n- name: a\n  files: [password.txt, key=deep/er.txt]\n  envs: [app.properties]\npatches:\n- {path: patch.yaml, target: {kind: Secret, name: a}}\n";

#[tokio::test]
async fn attack_64_files_that_make_secrets_are_hidden() {
    let bench = Bench::new().await;
    let repository = &bench.repository;
    let from = bench.commits().pop().unwrap();
    let files = [
        ("apps/cart/kustomization.yaml", KUSTOMIZATION),
        ("apps/cart/password.txt", "hunter2\n"),
        ("apps/cart/deep/er.txt", "hunter2\n"),
        ("apps/cart/app.properties", "password=hunter2\n"),
        ("apps/cart/patch.yaml", "immutable: true\nnote: hunter2\n"),
        (
            "apps/cart/operations.yaml",
            "- {op: add, path: /data/a, value: hunter2}\n",
        ),
        (
            "apps/cart/flow\u{1}.yaml",
            "{apiVersion: v1, kind: Secret,\n data: {\n a: hunter2}}\n",
        ),
        ("apps/cart/shown.txt", "shown\n"),
        ("apps/other/password.txt", "shown too\n"),
    ];
    let change = |path: &str, kind| PathChange {
        path: path.to_owned(),
        kind,
    };
    for (path, text) in files {
        repository.write(path, text);
    }
    repository.commit("with secrets");
    let with = bench.fetch("main").await;
    let added: Vec<PathChange> = files
        .iter()
        .map(|(path, _)| change(path, PathChangeKind::Added))
        .collect();
    let url = repository.url();
    let patch = bench.plane.patch(&url, Some(&from), &with, &added);
    let patch = patch.await.unwrap();
    assert!(!patch.contains("hunter2"), "{patch}");
    assert_eq!(
        patch.matches("its lines are not shown").count(),
        7,
        "{patch}"
    );
    assert!(
        patch.contains("+shown\n") && patch.contains("+shown too\n"),
        "{patch}"
    );

    // The kustomization is gone in the very commit: on the other side it still says what they were.
    for (path, _) in files {
        repository.remove(path);
    }
    repository.commit("without");
    let without = bench.fetch("main").await;
    let removed: Vec<PathChange> = files
        .iter()
        .map(|(path, _)| change(path, PathChangeKind::Deleted))
        .collect();
    let patch = bench.plane.patch(&url, Some(&with), &without, &removed);
    let patch = patch.await.unwrap();
    assert!(!patch.contains("hunter2"), "{patch}");
    assert!(patch.contains("-shown\n"), "{patch}");
}
