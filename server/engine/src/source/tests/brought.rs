//! Commits that came by a merge, and those that did not.

use super::*;

#[tokio::test]
async fn the_merge_that_brought_a_commit_is_found() {
    let bench = bench();
    let (repository, first) = Repository::with(&[("a", "1")]);
    let on = |branch: &str, file: &str| {
        repository.git(&["checkout", "--quiet", branch]);
        repository.write(file, branch);
        repository.commit(file)
    };
    let merge = |branch: &str, into: &str| {
        repository.git(&["checkout", "--quiet", into]);
        repository.git(&["merge", "--quiet", "--no-ff", branch, "-m", branch]);
        repository.head()
    };
    for branch in ["side", "deep", "other"] {
        repository.git(&["branch", branch]);
    }
    let (side, deep) = (on("side", "b"), on("deep", "c"));
    let within = merge("deep", "side");
    let last = on("side", "d");
    let main = on("main", "e");
    let brought = merge("side", "main");
    let later = on("main", "f");
    let other = on("other", "g");
    let second = merge("other", "main");
    bench.fetch(&repository, "main").await.unwrap();
    for (commit, expected) in [
        (&side, Some(&brought)),
        (&deep, Some(&brought)),
        (&within, Some(&brought)),
        (&last, Some(&brought)),
        (&other, Some(&second)),
        // On the branch itself.
        (&first, None),
        (&main, None),
        (&brought, None),
        (&later, None),
        (&second, None),
    ] {
        let found = bench
            .mirrors
            .brought_by(&repository.url(), commit, &second)
            .await;
        assert_eq!(found, Ok(expected.cloned()), "{commit}");
    }
    // Not there yet.
    let found = bench
        .mirrors
        .brought_by(&repository.url(), &other, &later)
        .await;
    assert_eq!(found, Ok(None));
}
