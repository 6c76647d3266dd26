use super::bench::{App, Bench, actor, config};
use crate::store;
use lockstep_types::PortError;
use lockstep_types::account::Role;
use lockstep_types::ask::PinOutcome;
use lockstep_types::ports::{Applications, Rollbacks};
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::revision::{Revision, TargetRevision};
use lockstep_types::rollback::{PinRequest, RollbackRequest};
use lockstep_types::sync::{OperationKind, StartedBy};

/// Two targets that read the same files of `main`.
async fn two() -> (Bench, Vec<lockstep_types::id::TargetId>, Vec<Revision>) {
    let bench = Bench::new().await;
    let targets = bench
        .define(&[App::new("cart", "prod-eu"), App::new("cart-us", "prod-us")])
        .await;
    let commits = bench.commits();
    (bench, targets, commits)
}

#[tokio::test]
async fn a_rollback_is_previewed_bound_and_written_as_a_commit() {
    let (bench, targets, commits) = two().await;
    let operator = actor(Role::Operator);
    let preview = bench
        .plane
        .preview(&operator, targets[0], &commits[0])
        .await
        .unwrap();
    assert_eq!(
        (preview.branch.as_str(), preview.commit_refused.as_str()),
        ("main", "")
    );
    assert_eq!(preview.head, commits[2]);
    let files: Vec<&str> = preview
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    // Only what the application reads: the README of the same commits stays.
    assert_eq!(files, ["apps/cart/config.yaml"]);
    assert!(
        preview
            .patch
            .contains("-  greeting: three\n+  greeting: one"),
        "{}",
        preview.patch
    );
    assert_eq!(
        preview.first_line,
        "This commit changes 2 targets of 2 applications on 2 clusters: prod-eu and prod-us. To take back only cart on prod-eu, pin it."
    );
    let undone: Vec<&str> = preview
        .undone
        .iter()
        .map(|commit| commit.subject.as_str())
        .collect();
    assert_eq!(undone, ["three", "two"]);
    assert_eq!(preview.targets[0].target.id, targets[0]);
    assert!(
        preview
            .targets
            .iter()
            .all(|plan| plan.plan.is_none() && plan.error.contains("is not connected")),
        "{:?}",
        preview.targets
    );
    assert_eq!(bench.commits(), commits, "a preview writes nothing");

    let ask = |digest: &str| RollbackRequest {
        target: targets[0],
        to: commits[0].clone(),
        digest: digest.to_owned(),
        reason: "three breaks the checkout".to_owned(),
        propose: false,
        undo: false,
        overrides: Vec::new(),
    };
    let stale = bench
        .plane
        .roll_back(&operator, &ask("something else"))
        .await;
    assert!(
        matches!(&stale, Err(PortError::Conflict(why)) if why.contains("has changed")),
        "{stale:?}"
    );
    assert_eq!(bench.commits(), commits);
    let outcome = bench
        .plane
        .roll_back(&operator, &ask(&preview.digest))
        .await
        .unwrap();
    let CommitOutcome::Committed { revision } = outcome else {
        unreachable!("{outcome:?}")
    };
    assert_eq!(bench.commits().last(), Some(&revision));
    let show = |path: &str| bench.repository.git(&["show", &format!("main:{path}")]);
    assert_eq!(show("apps/cart/config.yaml"), config("one").trim_end());
    assert_eq!(show("README.md"), "2");
    let message = bench
        .repository
        .git(&["log", "-1", "--format=%an%n%B", "main"]);
    for line in [
        "maria",
        "Roll back cart to",
        "three breaks the checkout",
        "Lockstep-Application: shop/cart",
    ] {
        assert!(message.contains(line), "{line}: {message}");
    }
    assert!(
        message.contains(&format!("Lockstep-From: {}", commits[2]))
            && message.contains(&format!("Lockstep-To: {}", commits[0]))
    );
    // The commit keeps the end of the audit log, and the log still holds it.
    let end = message
        .lines()
        .find_map(|line| line.strip_prefix("Lockstep-Log: "));
    let end = end.unwrap().parse().unwrap();
    let check = store::audit::check_against(bench.store(), Some(&end))
        .await
        .unwrap();
    assert!(check.broken.is_none() && check.sound >= 2, "{check:?}");

    // Both targets sync in the name of the rollback, and what they sync to is known before anybody fetches.
    for target in &targets {
        let waiting = store::operation::pending(bench.store(), *target)
            .await
            .unwrap();
        assert_eq!(waiting.len(), 1);
        assert_eq!(
            (waiting[0].kind, &waiting[0].started_by),
            (
                OperationKind::Rollback,
                &StartedBy::Rollback("maria".to_owned())
            )
        );
    }
    let main = TargetRevision("main".to_owned());
    assert_eq!(
        bench
            .plane
            .runtime
            .resolve(&bench.repository.url(), &main)
            .await
            .ok(),
        Some(revision)
    );
    let acts: Vec<String> = store::audit::list(
        bench.store(),
        &store::audit::AuditQuery {
            limit: 10,
            ..Default::default()
        },
    )
    .await
    .unwrap()
    .into_iter()
    .map(|entry| format!("{}: {}", entry.act.action, entry.act.reason))
    .collect();
    assert_eq!(
        acts,
        [
            "roll back: committed: three breaks the checkout",
            "roll back: three breaks the checkout"
        ]
    );
}

#[tokio::test]
async fn a_branch_that_moved_is_left_alone() {
    let (bench, targets, commits) = two().await;
    let operator = actor(Role::Operator);
    let preview = bench
        .plane
        .preview(&operator, targets[0], &commits[1])
        .await
        .unwrap();
    bench
        .repository
        .write("apps/cart/config.yaml", &config("four"));
    let moved = bench.repository.commit("four");
    let request = RollbackRequest {
        target: targets[0],
        to: commits[1].clone(),
        digest: preview.digest,
        reason: "x".to_owned(),
        propose: false,
        undo: false,
        overrides: Vec::new(),
    };
    let outcome = bench.plane.roll_back(&operator, &request).await.unwrap();
    assert_eq!(
        outcome,
        CommitOutcome::Moved {
            head: moved.clone()
        }
    );
    assert_eq!(bench.commits().last(), Some(&moved));
    assert!(
        store::operation::pending(bench.store(), targets[0])
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_host_that_refuses_is_quoted() {
    let (bench, targets, commits) = two().await;
    let operator = actor(Role::Operator);
    let hook = bench.repository.path().join(".git/hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho 'main is protected' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let preview = bench
        .plane
        .preview(&operator, targets[0], &commits[0])
        .await
        .unwrap();
    let request = RollbackRequest {
        target: targets[0],
        to: commits[0].clone(),
        digest: preview.digest,
        reason: "x".to_owned(),
        propose: false,
        undo: false,
        overrides: Vec::new(),
    };
    let outcome = bench.plane.roll_back(&operator, &request).await.unwrap();
    assert!(
        matches!(&outcome, CommitOutcome::PushRefused { message } if message.contains("main is protected")),
        "{outcome:?}"
    );
    assert_eq!(bench.commits(), commits);
}

#[tokio::test]
async fn a_tag_is_not_moved_by_a_commit() {
    let bench = Bench::new().await;
    bench.repository.git(&["tag", "v1.0"]);
    bench.fetch("v1.0").await;
    let target = bench
        .define(&[App {
            revision: "v1.0",
            ..App::new("cart", "prod-eu")
        }])
        .await
        .remove(0);
    let commits = bench.commits();
    let operator = actor(Role::Operator);
    let preview = bench
        .plane
        .preview(&operator, target, &commits[0])
        .await
        .unwrap();
    assert_eq!(preview.branch, "");
    assert!(
        preview.commit_refused.contains("v1.0"),
        "{}",
        preview.commit_refused
    );
    assert_eq!(preview.files.len(), 1);
    let request = RollbackRequest {
        target,
        to: commits[0].clone(),
        digest: preview.digest,
        reason: "x".to_owned(),
        propose: false,
        undo: false,
        overrides: Vec::new(),
    };
    assert!(matches!(
        bench.plane.roll_back(&operator, &request).await,
        Err(PortError::Conflict(_))
    ));
    let nothing = bench
        .plane
        .preview(&operator, target, &Revision("f".repeat(40)))
        .await;
    assert!(
        matches!(nothing, Err(PortError::NotFound(_))),
        "{nothing:?}"
    );
}

#[tokio::test]
async fn candidates_know_what_ran_well() {
    let (bench, targets, commits) = two().await;
    bench.record(targets[0], &commits[0], |_| {}).await;
    bench
        .record(targets[0], &commits[2], |state| {
            state.health = lockstep_types::health::Health::new(
                lockstep_types::health::HealthStatus::Degraded,
                "",
            );
        })
        .await;
    let viewer = actor(Role::Viewer);
    let found = bench.plane.candidates(&viewer, targets[0]).await.unwrap();
    let text: Vec<_> = found
        .iter()
        .map(|candidate| {
            (
                candidate.commit.subject.as_str(),
                candidate.healthy,
                candidate.last_healthy,
            )
        })
        .collect();
    assert_eq!(text, [("two", false, false), ("one", true, true)]);
    let page = bench
        .plane
        .application(&viewer, bench.application(targets[0]).await, "")
        .await
        .unwrap();
    assert_eq!(
        page.last_healthy.map(|commit| commit.subject).as_deref(),
        Some("one")
    );
    let history = bench
        .plane
        .history(&viewer, targets[0], None)
        .await
        .unwrap();
    assert_eq!((history.entries.len(), history.next), (3, None));
    let definition = bench
        .plane
        .definition(&viewer, bench.application(targets[0]).await)
        .await
        .unwrap();
    assert!(definition.yaml.contains("kind: Application"));
}

#[tokio::test]
async fn attack_61_a_pin_is_what_was_shown_whatever_others_commit() {
    let (bench, targets, commits) = two().await;
    let operator = actor(Role::Operator);
    let shown = || async {
        let preview = bench
            .plane
            .preview_pin(&operator, targets[0], &commits[0])
            .await;
        preview.unwrap()
    };
    let preview = shown().await;
    assert_eq!(preview.targets.len(), 1, "no other target");
    assert_eq!(
        preview.first_line,
        "Only cart on prod-eu would change, by a pin."
    );
    assert_eq!(
        (preview.branch.as_str(), preview.commit_refused.as_str()),
        ("main", ""),
        "a commit stays possible"
    );
    let request = |digest: &str| PinRequest {
        target: targets[0],
        to: commits[0].clone(),
        reason: "incident".to_owned(),
        hours: 4,
        overrides: Vec::new(),
        digest: digest.to_owned(),
    };
    let stale = bench.plane.pin(&operator, &request("other")).await;
    assert!(
        matches!(&stale, Err(PortError::Conflict(why)) if why.contains("has changed since")),
        "{stale:?}"
    );
    bench
        .repository
        .write("apps/cart/config.yaml", &config("four"));
    bench.repository.commit("four");
    bench.fetch("main").await;
    assert_eq!(shown().await.digest, preview.digest);
    let pinned = bench.plane.pin(&operator, &request(&preview.digest)).await;
    assert!(matches!(pinned, Ok(PinOutcome::Pinned(_))), "{pinned:?}");
}
