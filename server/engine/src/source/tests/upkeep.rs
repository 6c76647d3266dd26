//! Mirrors that were left in disorder.

use super::*;
use std::path::Path;

/// The one mirror of a bench.
fn mirror_folder(bench: &Bench) -> PathBuf {
    let folder = bench._dir.path().join("mirrors");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.join("lockstep-url").exists() && path.extension().is_none())
        .unwrap()
}

#[tokio::test]
async fn locks_that_nobody_holds_do_not_stop_a_fetch() {
    let bench = bench();
    let (repository, _) = Repository::with(&[("a", "1")]);
    bench.fetch(&repository, "main").await.unwrap();
    let dir = mirror_folder(&bench);
    let at = std::fs::read_dir(dir.join("refs/lockstep/at"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let locks = [
        at.with_extension("lock"),
        dir.join("packed-refs.lock"),
        dir.join("objects/pack/tmp_pack_abc"),
    ];
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    for lock in &locks {
        let file = std::fs::File::create(lock).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    repository.write("a", "2");
    let second = repository.commit("second");
    assert_eq!(bench.fetch(&repository, "main").await, Ok(second));
    assert!(locks.iter().all(|lock| !lock.exists()));

    // A fetch whose caller went away was ended a moment ago; what history keeps may be written just now.
    let kept = dir.join("refs/lockstep/keep/abc.lock");
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    for lock in locks.iter().chain([&kept]) {
        std::fs::File::create(lock).unwrap();
    }
    repository.write("a", "3");
    let third = repository.commit("third");
    assert_eq!(bench.fetch(&repository, "main").await, Ok(third));
    assert!(locks.iter().all(|lock| !lock.exists()));
    assert!(kept.exists());
}

/// Every file below `objects`.
fn objects(mirror: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![mirror.join("objects")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test]
async fn a_damaged_mirror_is_made_anew_with_what_history_names() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a", "1")]);
    bench.fetch(&repository, "main").await.unwrap();
    bench.mirrors.keep(&repository.url(), &first).await.unwrap();
    let dir = mirror_folder(&bench);
    let before = objects(&dir);
    // The host forgets the first commit; what comes next is lost on our disk.
    repository.git(&["checkout", "--quiet", "--orphan", "fresh"]);
    repository.write("a", "2");
    let second = repository.commit("second");
    repository.git(&["branch", "--force", "main", "fresh"]);
    assert_eq!(bench.fetch(&repository, "main").await, Ok(second.clone()));
    let mut damaged = 0;
    for path in objects(&dir)
        .into_iter()
        .filter(|path| !before.contains(path))
    {
        std::fs::remove_file(path).unwrap();
        damaged += 1;
    }
    assert!(damaged > 0);
    // As after a restart.
    let bench = Bench {
        mirrors: Mirrors::for_tests(bench._dir.path().join("mirrors")).unwrap(),
        ..bench
    };

    assert_eq!(bench.fetch(&repository, "main").await, Ok(second.clone()));
    for revision in [&first, &second] {
        let files = bench.mirrors.files(&repository.url(), revision, "").await;
        assert_eq!(files.map(|files| files.len()), Ok(1), "{revision}");
    }
    assert!(!dir.with_extension("damaged").exists());
}

#[tokio::test]
async fn many_packs_become_few_while_somebody_reads() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a", "1")]);
    bench.fetch(&repository, "main").await.unwrap();
    let url = repository.url();
    let reading = bench.mirrors.snapshot(&url, &first).await.unwrap();
    let dir = mirror_folder(&bench).join("objects/pack");
    let packs = || {
        let entries = std::fs::read_dir(&dir).unwrap();
        entries
            .filter(|entry| {
                entry
                    .as_ref()
                    .unwrap()
                    .path()
                    .extension()
                    .is_some_and(|e| e == "pack")
            })
            .count()
    };
    // Forty packs as forty large fetches leave them.
    for number in 0..45 {
        repository.write("a", &format!("{number}\n"));
        repository.commit("more");
        let head = repository.head();
        let made = std::process::Command::new("sh")
            .arg("-c")
            .arg(format!(
                "git rev-list --objects -1 {head} | git pack-objects -q {}/pack",
                dir.display()
            ))
            .current_dir(repository.path())
            .output()
            .unwrap();
        assert!(made.status.success());
    }
    assert!(packs() > 40);
    let head = bench.fetch(&repository, "main").await.unwrap();
    assert!(packs() < 10, "{}", packs());
    assert_eq!(reading.files("").unwrap().len(), 1);
    for revision in [&first, &head] {
        assert_eq!(
            bench.mirrors.files(&url, revision, "").await.unwrap().len(),
            1
        );
    }
}
