//! Taking one commit back.

use super::*;

const SHOP: &str = "replicas: 2\nimage: web:1.0\nport: 80\nlevel: info\ncolour: red\nowner: team\n";

fn shop(replacements: &[(&str, &str)]) -> String {
    let replace = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
    replacements.iter().fold(SHOP.to_owned(), replace)
}

/// What is done to each file, as text.
fn said(undo: &Undo) -> Vec<String> {
    let files = undo.files.iter().map(|file| match &file.content {
        Some(content) => format!("{} = {}", file.path, String::from_utf8_lossy(content)),
        None => format!("{} is removed", file.path),
    });
    files.chain(undo.conflicts.iter().cloned()).collect()
}

#[tokio::test]
async fn what_others_changed_since_stays_and_nothing_is_guessed() {
    let bench = bench();
    let (repository, _) = Repository::with(&[
        ("app/shop.yaml", SHOP),
        ("app/gone.yaml", "a: 1\n"),
        ("other/x", "1"),
    ]);
    repository.write("app/shop.yaml", &shop(&[("replicas: 2", "replicas: 9")]));
    repository.write("app/new.yaml", "b: 1\n");
    repository.write("app/late.yaml", "c: 1\n");
    repository.write("other/x", "2");
    repository.remove("app/gone.yaml");
    let bad = repository.commit("bad");
    bench.fetch(&repository, "main").await.unwrap();
    let url = repository.url();
    let paths = ["app".to_owned()];
    let undo = async |head: &Revision| bench.mirrors.undo(&url, &bad, head, &paths).await.unwrap();

    let direct = undo(&bad).await;
    assert_eq!(
        said(&direct),
        [
            "app/gone.yaml = a: 1\n".to_owned(),
            "app/late.yaml is removed".to_owned(),
            "app/new.yaml is removed".to_owned(),
            format!("app/shop.yaml = {SHOP}"),
        ]
    );
    assert_eq!(direct.left, ["other/x"]);

    // Elsewhere in the file, and the same file removed or changed.
    repository.write(
        "app/shop.yaml",
        &shop(&[
            ("replicas: 2", "replicas: 9"),
            ("owner: team", "owner: maria"),
        ]),
    );
    repository.write("app/gone.yaml", "another: 1\n");
    repository.write("app/late.yaml", "c: 2\n");
    repository.remove("app/new.yaml");
    let later = repository.commit("later");
    bench.fetch(&repository, "main").await.unwrap();
    assert_eq!(
        said(&undo(&later).await),
        [
            format!(
                "app/shop.yaml = {}",
                shop(&[("owner: team", "owner: maria")])
            ),
            "app/gone.yaml: the commit removed it, and another one is there now".to_owned(),
            "app/late.yaml: the commit added it, and it was changed since".to_owned(),
        ]
    );

    repository.write("app/shop.yaml", &shop(&[("replicas: 2", "replicas: 4")]));
    let same = repository.commit("the same line");
    bench.fetch(&repository, "main").await.unwrap();
    let conflicts = undo(&same).await.conflicts;
    assert!(
        conflicts.contains(&"app/shop.yaml: the same lines were changed since".to_owned()),
        "{conflicts:?}"
    );

    // Back already: nothing is left to do.
    repository.write("app/shop.yaml", SHOP);
    repository.write("app/gone.yaml", "a: 1\n");
    repository.remove("app/late.yaml");
    let back = repository.commit("back by hand");
    bench.fetch(&repository, "main").await.unwrap();
    assert_eq!(said(&undo(&back).await), Vec::<String>::new());
}

#[tokio::test]
async fn a_merge_is_taken_back_as_what_it_brought() {
    let bench = bench();
    let (repository, _) = Repository::with(&[("app/a", "1\n"), ("app/b", "1\n")]);
    repository.git(&["checkout", "-q", "-b", "feature"]);
    repository.write("app/a", "2\n");
    repository.commit("on the branch");
    repository.git(&["checkout", "-q", "main"]);
    repository.write("app/b", "2\n");
    repository.commit("meanwhile");
    repository.git(&["merge", "-q", "--no-ff", "-m", "Merge feature", "feature"]);
    let merge = repository.head();
    bench.fetch(&repository, "main").await.unwrap();
    let undo = bench
        .mirrors
        .undo(&repository.url(), &merge, &merge, &["app".to_owned()])
        .await
        .unwrap();
    assert_eq!(said(&undo), ["app/a = 1\n"]);
}

#[tokio::test]
async fn what_cannot_be_put_back_as_it_was_is_a_conflict() {
    let bench = bench();
    let (repository, _) = Repository::with(&[
        ("app/script", "#!/bin/sh\n"),
        ("app/data", "a\0b\n"),
        ("app/folder/x", "1\n"),
    ]);
    repository.git(&["update-index", "--add", "app/script"]);
    let mode = |bits| {
        let path = repository.path().join("app/script");
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(bits)).unwrap();
    };
    mode(0o755);
    repository.write("app/data", "a\0c\n");
    repository.remove("app/folder");
    repository.write("app/folder", "a file now\n");
    let bad = repository.commit("bad");
    repository.write("app/data", "a\0d\n");
    let head = repository.commit("later");
    bench.fetch(&repository, "main").await.unwrap();
    let paths = ["app".to_owned()];
    let undo = bench
        .mirrors
        .undo(&repository.url(), &bad, &head, &paths)
        .await
        .unwrap();
    assert_eq!(
        undo.conflicts,
        [
            "app/data: it is no text, and it was changed since",
            "app/folder/x: a file stands where its folder would",
            "app/script: whether it may be executed would change",
        ]
    );
    // Back by hand: the mode alone counts, too.
    mode(0o644);
    repository.write("app/data", "a\0b\n");
    let back = repository.commit("back");
    bench.fetch(&repository, "main").await.unwrap();
    let undo = bench
        .mirrors
        .undo(&repository.url(), &bad, &back, &paths)
        .await
        .unwrap();
    assert_eq!((undo.back, undo.conflicts.len()), (2, 1));
}
