//! Commits that put, replace and remove files.

use super::*;

fn edit(path: &str, content: Option<&str>) -> FileEdit {
    FileEdit {
        path: path.to_owned(),
        content: content.map(|text| text.as_bytes().to_vec()),
    }
}

fn asked(head: &Revision, files: Vec<FileEdit>) -> CommitRequest {
    CommitRequest {
        branch: "main".to_owned(),
        expected_head: head.clone(),
        edit: TreeEdit::Files(files),
        message: "Add shop".to_owned(),
        author_name: "Maria Keller".to_owned(),
        author_email: "maria@example.org".to_owned(),
    }
}

#[tokio::test]
async fn files_are_put_replaced_and_removed_in_one_commit() {
    let bench = bench();
    let (repository, _) = Repository::with(&[("a/x", "1"), ("b", "1"), ("only/y", "1")]);
    repository.write("run.sh", "#!/bin/sh\n");
    repository.git(&["update-index", "--add", "run.sh"]);
    let script = repository.path().join("run.sh");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let head = repository.commit("second");
    bench.fetch(&repository, "main").await.unwrap();
    let url = repository.url();
    let files = vec![
        edit("new/deep/z.yaml", Some("z: 1\n")),
        edit("a/x", Some("2")),
        edit("run.sh", Some("#!/bin/sh\ntrue\n")),
        edit("only/y", None),
    ];
    let request = asked(&head, files);
    let prepared = bench
        .mirrors
        .prepare_commit(&url, request.clone())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(repository.head(), head, "preparing pushes nothing");
    assert_eq!(
        bench.mirrors.files(&url, &prepared, "new").await.unwrap()[0].path,
        "new/deep/z.yaml"
    );
    let outcome = bench
        .mirrors
        .push_commit(&url, &Credential::None, request)
        .await
        .unwrap();
    let PushOutcome::Pushed(made) = outcome else {
        unreachable!("{outcome:?}")
    };
    assert_eq!(repository.git(&["rev-parse", "main"]), made.0);
    assert_eq!(repository.git(&["rev-parse", "main^"]), head.0);
    let modes: Vec<String> = repository
        .git(&["ls-tree", "-r", "main"])
        .lines()
        .map(|line| format!("{} {}", &line[..6], line.rsplit('\t').next().unwrap()))
        .collect();
    assert_eq!(
        modes,
        [
            "100644 a/x",
            "100644 b",
            "100644 new/deep/z.yaml",
            "100755 run.sh"
        ]
    );
    assert_eq!(repository.git(&["show", "main:a/x"]), "2");
    let main = TargetRevision("main".to_owned());
    assert_eq!(bench.mirrors.resolved(&url, &main).await, Ok(made.clone()));
    let same = asked(&made, vec![edit("a/x", Some("2")), edit("nowhere", None)]);
    assert_eq!(
        bench
            .mirrors
            .push_commit(&url, &Credential::None, same)
            .await,
        Ok(PushOutcome::NothingToDo)
    );
}

#[tokio::test]
async fn an_edit_on_an_old_head_is_not_pushed() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a", "1")]);
    bench.fetch(&repository, "main").await.unwrap();
    repository.write("b", "1");
    let second = repository.commit("second");
    let outcome = bench
        .mirrors
        .push_commit(
            &repository.url(),
            &Credential::None,
            asked(&first, vec![edit("a", Some("2"))]),
        )
        .await;
    assert_eq!(outcome, Ok(PushOutcome::Moved(second.clone())));
    assert_eq!(repository.head(), second);
}

#[tokio::test]
async fn hostile_paths_are_refused() {
    let bench = bench();
    let (repository, _) = Repository::with(&[("a/x", "1"), ("file", "1")]);
    repository.link("link", "/etc");
    repository.link("a/to", "x");
    repository.commit("links");
    let module = repository.head();
    repository.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("160000,{module},module"),
    ]);
    repository.git(&["commit", "--quiet", "-m", "module"]);
    let head = repository.head();
    bench.fetch(&repository, "main").await.unwrap();
    let long = "a/".repeat(600);
    let large = "x".repeat(MAX_COMMITTED_BYTES + 1);
    for (path, content, why) in [
        ("", "1", "bytes"),
        (long.as_str(), "1", "bytes"),
        ("/etc/passwd", "1", "cannot be part of a path"),
        ("a//x", "1", "cannot be part of a path"),
        ("a/", "1", "cannot be part of a path"),
        ("../x", "1", "cannot be part of a path"),
        ("a/./x", "1", "cannot be part of a path"),
        (".git/config", "1", "cannot be part of a path"),
        ("a/.GIT/hooks/x", "1", "cannot be part of a path"),
        ("git~1/config", "1", "cannot be part of a path"),
        ("a\\x", "1", "cannot be part of a path"),
        ("a\nb", "1", "control characters"),
        ("link/passwd", "1", "link is a symbolic link"),
        ("a/to", "1", "it is a symbolic link"),
        ("module/x", "1", "module is a submodule"),
        ("module", "1", "it is a submodule"),
        ("file/x", "1", "file is a file"),
        ("a", "1", "it is a folder"),
        ("big", large.as_str(), "larger than 1 MiB"),
    ] {
        let request = asked(&head, vec![edit(path, Some(content))]);
        let answer = bench
            .mirrors
            .prepare_commit(&repository.url(), request)
            .await;
        assert!(
            matches!(&answer, Err(SourceError::Path { why: said, .. }) if said.contains(why)),
            "{path:?}: {answer:?}"
        );
    }
    let removal = asked(&head, vec![edit("a", None)]);
    let answer = bench
        .mirrors
        .prepare_commit(&repository.url(), removal)
        .await;
    assert!(
        matches!(answer, Err(SourceError::Path { .. })),
        "{answer:?}"
    );
}
