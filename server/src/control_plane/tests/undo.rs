use super::bench::{App, Bench, actor};
use lockstep_types::PortError;
use lockstep_types::account::Role;
use lockstep_types::id::TargetId;
use lockstep_types::ports::Rollbacks;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::RollbackRequest;

const CONFIG: &str = "apps/cart/config.yaml";

fn config(greeting: &str, level: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cart\ndata:\n  greeting: {greeting}\n  # kept apart\n  # kept apart\n  # kept apart\n  level: {level}\n"
    )
}

/// A bad commit, and a good one by somebody else after it.
async fn world() -> (Bench, TargetId, Revision) {
    let bench = Bench::new().await;
    let target = bench.define(&[App::new("cart", "prod-eu")]).await.remove(0);
    bench.repository.write(CONFIG, &config("hello", "info"));
    bench.repository.commit("good");
    bench.repository.write(CONFIG, &config("oops", "info"));
    bench
        .repository
        .write("README.md", "not read by the application");
    let bad = bench.repository.commit("bad");
    bench.repository.write(CONFIG, &config("oops", "debug"));
    bench.repository.commit("later");
    bench.fetch("main").await;
    (bench, target, bad)
}

#[tokio::test]
async fn one_commit_is_taken_back_and_later_ones_stay() {
    let (bench, target, bad) = world().await;
    let operator = actor(Role::Operator);
    let preview = bench
        .plane
        .preview_undo(&operator, target, &bad)
        .await
        .unwrap();
    assert!(preview.undo && preview.conflicts.is_empty() && preview.commit_refused.is_empty());
    assert!(
        preview
            .patch
            .contains("-  greeting: oops\n+  greeting: hello"),
        "{}",
        preview.patch
    );
    assert!(
        !preview.patch.contains("+  level: info"),
        "{}",
        preview.patch
    );
    let undone: Vec<&str> = preview
        .undone
        .iter()
        .map(|commit| commit.subject.as_str())
        .collect();
    assert_eq!(undone, ["bad"]);
    assert!(
        preview.cannot_undo.contains(
            &"The commit also changed README.md, which this application does not read; that stays."
                .to_owned()
        ),
        "{:?}",
        preview.cannot_undo
    );
    let mut request = RollbackRequest {
        target,
        to: bad.clone(),
        digest: preview.digest,
        reason: "orders were lost".to_owned(),
        propose: false,
        undo: true,
        overrides: Vec::new(),
    };
    // What was shown for going back says nothing about taking one commit back.
    let back = bench.plane.preview(&operator, target, &bad).await.unwrap();
    let other = RollbackRequest {
        digest: back.digest,
        ..request.clone()
    };
    let stale = bench.plane.roll_back(&operator, &other).await;
    assert!(matches!(stale, Err(PortError::Conflict(_))), "{stale:?}");
    let outcome = bench.plane.roll_back(&operator, &request).await.unwrap();
    assert!(
        matches!(outcome, CommitOutcome::Committed { .. }),
        "{outcome:?}"
    );
    let git = |arguments: &[&str]| bench.repository.git(arguments);
    assert_eq!(
        git(&["show", &format!("main:{CONFIG}")]),
        config("hello", "debug").trim_end()
    );
    assert_eq!(
        git(&["show", "main:README.md"]),
        "not read by the application"
    );
    let message = git(&["log", "-1", "--format=%an%n%B", "main"]);
    for line in [
        "maria\nUndo ".to_owned(),
        "orders were lost".to_owned(),
        format!("Lockstep-Undo: {bad}"),
        "Lockstep-Application: shop/cart".to_owned(),
    ] {
        assert!(message.contains(&line), "{line}: {message}");
    }
    bench.fetch("main").await;
    request.digest = String::new();
    let again = bench.plane.preview_undo(&operator, target, &bad).await;
    assert!(
        matches!(&again, Err(PortError::Conflict(why)) if why.contains("already taken back")),
        "{again:?}"
    );
}

#[tokio::test]
async fn conflicts_are_named_and_nothing_is_written() {
    let (bench, target, bad) = world().await;
    bench.repository.write(CONFIG, &config("hi", "debug"));
    bench.repository.commit("the same line");
    let head = bench.fetch("main").await;
    let operator = actor(Role::Operator);
    let preview = bench
        .plane
        .preview_undo(&operator, target, &bad)
        .await
        .unwrap();
    assert_eq!(
        preview.conflicts,
        [format!("{CONFIG}: the same lines were changed since")]
    );
    assert!(
        preview.commit_refused.contains("by hand"),
        "{}",
        preview.commit_refused
    );
    let request = RollbackRequest {
        target,
        to: bad,
        digest: preview.digest,
        reason: "x".to_owned(),
        propose: false,
        undo: true,
        overrides: Vec::new(),
    };
    let refused = bench.plane.roll_back(&operator, &request).await;
    assert!(
        matches!(refused, Err(PortError::Conflict(_))),
        "{refused:?}"
    );
    assert_eq!(bench.commits().last(), Some(&head));
    let away = bench
        .plane
        .preview_undo(&operator, target, &Revision("f".repeat(40)))
        .await;
    assert!(matches!(away, Err(PortError::NotFound(_))), "{away:?}");
    let viewer = bench
        .plane
        .preview_undo(&actor(Role::Viewer), target, &head)
        .await;
    assert!(
        matches!(viewer, Err(PortError::Denied { .. })),
        "{viewer:?}"
    );
}
