use super::*;
use crate::testing::Repository;
use lockstep_types::revision::PathChangeKind;

mod brought;
mod edits;
mod hostile;
mod signed;
mod undoing;
mod upkeep;

struct Bench {
    _dir: tempfile::TempDir,
    mirrors: Mirrors,
}

fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let mirrors = Mirrors::for_tests(dir.path().join("mirrors")).unwrap();
    Bench { _dir: dir, mirrors }
}

fn wanted(names: &[&str]) -> Vec<TargetRevision> {
    names
        .iter()
        .map(|name| TargetRevision((*name).to_owned()))
        .collect()
}

impl Bench {
    async fn fetch(&self, repository: &Repository, name: &str) -> Result<Revision, SourceError> {
        let names = wanted(&[name]);
        let mut found = self
            .mirrors
            .fetch(&repository.url(), &Credential::None, &names)
            .await?;
        found.remove(&names[0]).expect("an answer for every name")
    }
}

#[tokio::test]
async fn fetch_resolves_exact_names_and_reports_the_others() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a.yaml", "a: 1\n")]);
    repository.git(&["branch", "feature/main"]);
    repository.git(&["tag", "-a", "v1.0", "-m", "one"]);
    repository.write("a.yaml", "a: 2\n");
    let second = repository.commit("second");
    let names = wanted(&[
        "main",
        "",
        "HEAD",
        "feature/main",
        "v1.0",
        "refs/tags/v1.0",
        &first.0,
        &first.0[..8],
        "gone",
        "a..b",
    ]);
    let found = bench
        .mirrors
        .fetch(&repository.url(), &Credential::None, &names)
        .await
        .unwrap();
    let of = |name: &str| found[&TargetRevision(name.to_owned())].clone();
    for name in ["main", "", "HEAD"] {
        assert_eq!(of(name), Ok(second.clone()), "{name}");
    }
    for name in [
        "feature/main",
        "v1.0",
        "refs/tags/v1.0",
        &first.0,
        &first.0[..8],
    ] {
        assert_eq!(of(name), Ok(first.clone()), "{name}");
    }
    assert!(matches!(
        of("gone"),
        Err(SourceError::NoSuchRevision { .. })
    ));
    assert!(matches!(of("a..b"), Err(SourceError::RevisionName { .. })));
}

#[tokio::test]
async fn a_branch_that_is_gone_or_rewritten_takes_nothing_away() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a.yaml", "a: 1\n")]);
    repository.write("a.yaml", "a: 2\n");
    let second = repository.commit("second");
    assert_eq!(bench.fetch(&repository, "main").await, Ok(second.clone()));
    repository.git(&["reset", "--quiet", "--hard", &first.0]);
    repository.write("a.yaml", "a: 3\n");
    let rewritten = repository.commit("rewritten");
    assert_eq!(
        bench.fetch(&repository, "main").await,
        Ok(rewritten.clone())
    );
    repository.git(&["checkout", "--quiet", "-b", "main2"]);
    repository.git(&["branch", "-D", "main"]);
    // A folder where a branch was.
    repository.git(&["branch", "main/sub"]);
    assert!(matches!(
        bench.fetch(&repository, "main").await,
        Err(SourceError::NoSuchRevision { .. })
    ));
    assert_eq!(bench.fetch(&repository, "main/sub").await, Ok(rewritten));
    assert_eq!(
        bench
            .mirrors
            .files(&repository.url(), &second, "a.yaml")
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_bad_fetch_leaves_the_good_state() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a.yaml", "a: 1\n")]);
    bench.fetch(&repository, "main").await.unwrap();
    repository.write("a.yaml", "a: 2\n");
    repository.commit("second");
    let blob = repository.git(&["rev-parse", "HEAD:a.yaml"]);
    let object = repository
        .path()
        .join(".git/objects")
        .join(&blob[..2])
        .join(&blob[2..]);
    let bytes = std::fs::read(&object).unwrap();
    std::fs::remove_file(&object).unwrap();
    assert!(matches!(
        bench.fetch(&repository, "main").await,
        Err(SourceError::Unreachable { .. })
    ));
    let main = TargetRevision("main".to_owned());
    assert_eq!(
        bench.mirrors.resolved(&repository.url(), &main).await,
        Ok(first.clone())
    );
    assert_eq!(
        bench
            .mirrors
            .files(&repository.url(), &first, "")
            .await
            .unwrap()
            .len(),
        1
    );
    std::fs::write(&object, bytes).unwrap();
    assert_eq!(
        bench.fetch(&repository, "main").await,
        Ok(repository.head())
    );
}

#[tokio::test]
async fn reads_files_of_a_pinned_commit() {
    let bench = bench();
    let repository = Repository::new();
    repository.write("apps/a/x.yaml", "x: 1\n");
    repository.write("apps/a.txt", "no\n");
    repository.write("apps/a/deep/y.yaml", "y: 1\n");
    repository.link("apps/a/link", "../b");
    repository.write(
        "lfs.bin",
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    );
    let at = repository.commit("start");
    bench.fetch(&repository, "main").await.unwrap();
    let url = repository.url();
    let files = bench.mirrors.files(&url, &at, "apps/a/").await.unwrap();
    let shown: Vec<(&str, FileKind)> = files
        .iter()
        .map(|file| (file.path.as_str(), file.kind))
        .collect();
    assert_eq!(
        shown,
        [
            ("apps/a/deep/y.yaml", FileKind::File),
            ("apps/a/link", FileKind::Symlink),
            ("apps/a/x.yaml", FileKind::File)
        ]
    );
    assert_eq!(
        bench.mirrors.read(&url, &files[2].oid).await.unwrap(),
        b"x: 1\n"
    );
    assert!(matches!(
        bench.mirrors.files(&url, &at, "apps/c").await,
        Err(SourceError::NoSuchPath { .. })
    ));
    let snapshot = bench.mirrors.snapshot(&url, &at).await.unwrap();
    let lfs = snapshot.files("lfs.bin").unwrap();
    assert_eq!(
        snapshot.read(&lfs[0]),
        Err(SourceError::LfsPointer {
            path: "lfs.bin".to_owned()
        })
    );
    let unknown = Revision("0".repeat(40));
    assert!(matches!(
        bench.mirrors.files(&url, &unknown, "").await,
        Err(SourceError::UnknownCommit { .. })
    ));
    assert!(matches!(
        bench.mirrors.files("file:///never/fetched", &at, "").await,
        Err(SourceError::NotFetched { .. })
    ));
}

#[tokio::test]
async fn log_follows_paths_through_merges() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a/x", "1"), ("b/x", "1")]);
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.write("a/x", "side");
    let side = repository.commit("side: a\n\nWhy it is so.\n");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.write("b/x", "main");
    let main = repository.commit("main: b");
    repository.git(&["merge", "--quiet", "--no-ff", "side", "-m", "merge"]);
    let merge = repository.head();
    bench.fetch(&repository, "main").await.unwrap();
    let log = async |paths: &[&str], limit| {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let commits = bench
            .mirrors
            .log(&repository.url(), &merge, &paths, limit)
            .await
            .unwrap();
        commits
            .into_iter()
            .map(|commit| commit.revision)
            .collect::<Vec<_>>()
    };
    assert_eq!(log(&["a"], 10).await, [side.clone(), first.clone()]);
    assert_eq!(log(&["b/x"], 10).await, [main.clone(), first.clone()]);
    assert_eq!(
        log(&[], 10).await,
        [merge.clone(), main.clone(), side.clone(), first.clone()]
    );
    assert_eq!(log(&["a", "b"], 2).await, [merge.clone(), main]);
    assert_eq!(log(&["c"], 10).await, Vec::<Revision>::new());
    let info = bench
        .mirrors
        .commit(&repository.url(), &side)
        .await
        .unwrap();
    assert_eq!(
        (info.subject.as_str(), info.body.as_str()),
        ("side: a", "Why it is so.")
    );
    assert_eq!(
        (info.author.as_str(), info.author_email.as_str()),
        ("Maria Keller", "maria@example.org")
    );
    assert_eq!(info.parents, std::slice::from_ref(&first));
    for (older, newer, expected) in [
        (&first, &merge, true),
        (&merge, &merge, true),
        (&merge, &first, false),
    ] {
        assert_eq!(
            bench
                .mirrors
                .is_ancestor(&repository.url(), older, newer)
                .await,
            Ok(expected)
        );
    }
}

#[tokio::test]
async fn ancestors_are_looked_at_once_and_as_far_as_wanted() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a", "1")]);
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.write("b", "1");
    let side = repository.commit("side");
    repository.git(&["checkout", "--quiet", "main"]);
    repository.write("a", "2");
    let main = repository.commit("stop here");
    repository.git(&["merge", "--quiet", "--no-ff", "side", "-m", "merge"]);
    let merge = repository.head();
    bench.fetch(&repository, "main").await.unwrap();
    let walk = async |look: fn(&mut Vec<Revision>, &Revision, &[u8]) -> Next| {
        bench
            .mirrors
            .ancestors(&repository.url(), &merge, Vec::new(), look)
            .await
            .unwrap()
    };
    let all = walk(|seen, at, _| {
        seen.push(at.clone());
        Next::Parents
    });
    assert_eq!(
        all.await,
        [merge.clone(), main.clone(), side.clone(), first.clone()]
    );
    // The other branch still leads to the first one.
    let branch = walk(|seen, at, commit| {
        seen.push(at.clone());
        if commit.ends_with(b"stop here\n") {
            Next::Others
        } else {
            Next::Parents
        }
    });
    assert_eq!(
        branch.await,
        [merge.clone(), main.clone(), side, first.clone()]
    );
    let end = walk(|seen, at, commit| {
        seen.push(at.clone());
        if commit.ends_with(b"stop here\n") {
            Next::Nowhere
        } else {
            Next::Parents
        }
    });
    assert_eq!(end.await, [merge, main]);
}

#[tokio::test]
async fn blames_each_line_on_its_commit() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a.yaml", "one\ntwo\nthree\n")]);
    repository.write("a.yaml", "one\n2\nthree\n");
    let second = repository.commit("second");
    bench.fetch(&repository, "main").await.unwrap();
    let url = repository.url();
    let blame = async |path: &str, lines| bench.mirrors.blame(&url, &second, path, lines).await;
    let found = blame("a.yaml", 2..=9).await.unwrap();
    let shown: Vec<(u32, &Revision)> = found
        .iter()
        .map(|line| (line.line, &line.revision))
        .collect();
    assert_eq!(shown, [(2, &second), (3, &first)]);
    assert_eq!(blame("a.yaml", 20..=21).await, Ok(Vec::new()));
    assert!(matches!(
        blame("b.yaml", 1..=1).await,
        Err(SourceError::NoSuchPath { .. })
    ));
}

#[tokio::test]
async fn shows_what_changed_as_list_and_text() {
    let bench = bench();
    let (repository, first) = Repository::with(&[
        ("a/x", "one\ntwo\n"),
        ("a/gone", "1\n"),
        ("b", "1\n"),
        ("f", "file\n"),
    ]);
    repository.write("a/x", "one\nthree\n");
    repository.remove("a/gone");
    repository.write("a/new", "n\n");
    repository.write("b", "2\n");
    repository.remove("f");
    repository.write("f/inner", "now a folder\n");
    repository.write("a/bin", "\0\u{1}");
    let second = repository.commit("second");
    bench.fetch(&repository, "main").await.unwrap();
    let url = repository.url();
    let under = ["a".to_owned(), "f".to_owned()];
    let changed = bench
        .mirrors
        .changed(&url, Some(&first), &second, &under)
        .await
        .unwrap();
    let shown: Vec<(&str, PathChangeKind)> = changed
        .iter()
        .map(|change| (change.path.as_str(), change.kind))
        .collect();
    assert_eq!(
        shown,
        [
            ("a/bin", PathChangeKind::Added),
            ("a/gone", PathChangeKind::Deleted),
            ("a/new", PathChangeKind::Added),
            ("a/x", PathChangeKind::Modified),
            ("f", PathChangeKind::Deleted),
            ("f/inner", PathChangeKind::Added),
        ]
    );
    insta::assert_snapshot!(
        bench
            .mirrors
            .patch(&url, Some(&first), &second, &under, 200_000)
            .await
            .unwrap()
    );
    let short = bench
        .mirrors
        .patch(&url, Some(&first), &second, &under, 120)
        .await
        .unwrap();
    assert!(
        short.contains("cut after 120 bytes") && short.len() < 220,
        "{short}"
    );
    let all = bench
        .mirrors
        .changed(&url, None, &first, &[])
        .await
        .unwrap();
    assert_eq!(all.len(), 4);
}

#[tokio::test]
async fn expands_beginnings_and_keeps_commits() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a", "1")]);
    bench.fetch(&repository, "main").await.unwrap();
    let url = repository.url();
    assert_eq!(
        bench.mirrors.expand(&url, &first.0[..6]).await,
        Ok(Some(first.clone()))
    );
    assert_eq!(bench.mirrors.expand(&url, "0000000").await, Ok(None));
    assert!(bench.mirrors.expand(&url, "xyz").await.is_err());
    bench.mirrors.keep(&url, &first).await.unwrap();
    bench.mirrors.keep(&url, &first).await.unwrap();
}

fn request(repository: &Repository, paths: &[&str], from: &Revision) -> CommitRequest {
    CommitRequest {
        branch: "main".to_owned(),
        expected_head: repository.head(),
        edit: TreeEdit::Restore {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            from: from.clone(),
        },
        message: "Roll back shop\n\nReason: too slow".to_owned(),
        author_name: "Maria <Keller>\n".to_owned(),
        author_email: "maria@example.org".to_owned(),
    }
}

#[tokio::test]
async fn restore_commits_only_the_paths() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a/x", "1"), ("b/x", "1"), ("a/old/y", "1")]);
    repository.write("a/x", "2");
    repository.write("a/new", "2");
    repository.remove("a/old");
    repository.write("b/x", "2");
    let second = repository.commit("second");
    bench.fetch(&repository, "main").await.unwrap();
    let url = repository.url();
    let asked = request(&repository, &["a/x", "a/new", "a/old"], &first);
    let outcome = bench
        .mirrors
        .push_commit(&url, &Credential::None, asked)
        .await
        .unwrap();
    let PushOutcome::Pushed(made) = outcome else {
        unreachable!("{outcome:?}")
    };
    assert_eq!(repository.git(&["rev-parse", "main"]), made.0);
    assert_eq!(repository.git(&["rev-parse", "main^"]), second.0);
    assert_eq!(
        repository.git(&["ls-tree", "-r", "--name-only", "main"]),
        "a/old/y\na/x\nb/x"
    );
    assert_eq!(repository.git(&["show", "main:a/x"]), "1");
    assert_eq!(repository.git(&["show", "main:b/x"]), "2");
    assert_eq!(
        repository.git(&["log", "-1", "--format=%an|%ae|%s", "main"]),
        "Maria Keller|maria@example.org|Roll back shop"
    );
    let main = TargetRevision("main".to_owned());
    assert_eq!(bench.mirrors.resolved(&url, &main).await, Ok(made));
    repository.git(&["reset", "--quiet", "--hard"]);
    let again = request(&repository, &["a"], &first);
    assert_eq!(
        bench
            .mirrors
            .push_commit(&url, &Credential::None, again)
            .await,
        Ok(PushOutcome::NothingToDo)
    );
}

#[tokio::test]
async fn restore_tells_a_moved_branch_from_a_refusal() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a", "1")]);
    repository.write("a", "2");
    repository.commit("second");
    bench.fetch(&repository, "main").await.unwrap();
    let url = repository.url();
    let stale = request(&repository, &["a"], &first);
    repository.write("b", "1");
    let third = repository.commit("third");
    let outcome = bench
        .mirrors
        .push_commit(&url, &Credential::None, stale)
        .await;
    assert_eq!(outcome, Ok(PushOutcome::Moved(third.clone())));

    // What a host does for a protected branch.
    repository.git(&["config", "receive.denyCurrentBranch", "refuse"]);
    let refused = bench
        .mirrors
        .push_commit(
            &url,
            &Credential::None,
            request(&repository, &["a"], &first),
        )
        .await;
    let Ok(PushOutcome::Refused(message)) = refused else {
        unreachable!("{refused:?}")
    };
    assert!(
        message.contains("refusing to update checked out branch")
            && message.contains("[remote rejected]"),
        "{message}"
    );
    assert_eq!(repository.head(), third);
}

#[tokio::test]
async fn many_readers_share_a_mirror_while_it_is_fetched() {
    let bench = bench();
    let (repository, _) = Repository::with(&[("a", "0")]);
    bench.fetch(&repository, "main").await.unwrap();
    let url = repository.url();
    let mut tasks = tokio::task::JoinSet::new();
    for round in 1..=8 {
        repository.write("a", &round.to_string());
        let at = repository.commit("next");
        for _ in 0..4 {
            let (mirrors, url, at) = (bench.mirrors.clone(), url.clone(), at.clone());
            tasks.spawn(async move {
                let names = wanted(&["main"]);
                mirrors
                    .fetch(&url, &Credential::None, &names)
                    .await
                    .unwrap();
                mirrors.files(&url, &at, "a").await.unwrap();
                mirrors
                    .log(&url, &at, &["a".to_owned()], 100)
                    .await
                    .unwrap()
                    .len()
            });
        }
    }
    while let Some(count) = tasks.join_next().await {
        assert!(count.unwrap() >= 2);
    }
}
