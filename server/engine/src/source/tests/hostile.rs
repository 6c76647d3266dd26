//! Repositories that mean harm.

use super::*;

#[tokio::test]
async fn attack_30_an_object_that_is_not_what_its_id_says() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a.yaml", "a: 1\n")]);
    bench.fetch(&repository, "main").await.unwrap();
    repository.write("a.yaml", "a: 2\n");
    repository.commit("second");
    let object = |id: &str| {
        let folder = repository.path().join(".git/objects");
        folder.join(&id[..2]).join(&id[2..])
    };
    let good = object(&repository.git(&["rev-parse", "HEAD:a.yaml"]));
    repository.write("evil.yaml", "a: evil\n");
    let evil = object(&repository.git(&["hash-object", "-w", "evil.yaml"]));
    std::fs::remove_file(&good).unwrap();
    std::fs::copy(evil, &good).unwrap();
    assert!(bench.fetch(&repository, "main").await.is_err());
    let main = TargetRevision("main".to_owned());
    assert_eq!(
        bench.mirrors.resolved(&repository.url(), &main).await,
        Ok(first)
    );
}

#[tokio::test]
async fn attack_31_commits_that_would_confuse_a_reader() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a.yaml", "a: 1\n")]);
    let tree = repository.git(&["rev-parse", "HEAD^{tree}"]);
    let mut raw = Vec::new();
    raw.extend(format!("tree {tree}\nparent {first}\n").bytes());
    raw.extend(b"author Ma\xffria\x1b[31m <m@example.org> 253402300799 +0000\n");
    raw.extend(b"committer M <m@example.org> 1 +0000\n\n");
    raw.extend("fix \u{202e}exe\u{1b}[2J <script>alert(1)</script>\n\n".bytes());
    raw.extend(std::iter::repeat_n(b'x', 10 * 1024 * 1024));
    let path = repository.path().join("raw");
    std::fs::write(&path, raw).unwrap();
    let id = repository.git(&["hash-object", "-t", "commit", "-w", "--literally", "raw"]);
    let at = Revision(id.clone());
    repository.git(&["update-ref", "refs/heads/main", &id]);
    assert_eq!(bench.fetch(&repository, "main").await, Ok(at.clone()));
    let info = bench.mirrors.commit(&repository.url(), &at).await.unwrap();
    let shown = format!("{}{}{}", info.subject, info.author, info.body);
    assert!(shown.len() < 70_000 && info.body.ends_with("(cut)"));
    assert!(!shown.contains(['\u{202e}', '\u{1b}']), "{}", info.subject);
    assert!(info.subject.contains("<script>"));
}

#[tokio::test]
async fn content_that_lies_elsewhere_is_an_error_that_names_the_file() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a.yaml", "a: 1\n")]);
    let link = format!("160000,{first},vendor/lib");
    repository.git(&["update-index", "--add", "--cacheinfo", &link]);
    repository.git(&["commit", "--quiet", "-m", "a submodule"]);
    let at = repository.head();
    bench.fetch(&repository, "main").await.unwrap();
    let snapshot = bench
        .mirrors
        .snapshot(&repository.url(), &at)
        .await
        .unwrap();
    let files = snapshot.files("").unwrap();
    let submodule = files.iter().find(|file| file.path == "vendor/lib").unwrap();
    assert_eq!(submodule.kind, FileKind::Submodule);
    let error = snapshot.read(submodule).unwrap_err();
    assert!(error.to_string().contains("vendor/lib"), "{error}");
}
