//! A rollback that ends half-way. Its future is dropped where it waits, at another place with each try: what follows
//! never runs, as when the server is killed there. Git's own processes end with it.

use super::bench::{App, Bench, actor, config};
use crate::store;
use lockstep_types::PortError;
use lockstep_types::account::Role;
use lockstep_types::id::TargetId;
use lockstep_types::ports::Rollbacks;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::RollbackRequest;
use std::pin::pin;
use std::task::Poll;

/// Every third place is tried, until the rollback comes through; it waits this often at most.
const PLACES: usize = 400;
/// Places where it must have been stopped; fewer would say that nothing was tested.
const LEAST: usize = 10;

/// Runs a future until it has waited `times` times; `None` when it was dropped then.
async fn until_wait<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut waited = 0;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending if waited == times => Poll::Ready(None),
        Poll::Pending => {
            waited += 1;
            Poll::Pending
        }
    })
    .await
}

/// Waits until the repository can be read again. The Git host is no part of the server: it would not have been killed
/// along and leaves no locks behind.
async fn settle(bench: &Bench) {
    for lock in ["HEAD.lock", "index.lock", "refs/heads/main.lock"] {
        let _ = std::fs::remove_file(bench.repository.path().join(".git").join(lock));
    }
    bench.fetch("main").await;
}

async fn acts(bench: &Bench) -> Vec<String> {
    let query = store::audit::AuditQuery {
        limit: 50,
        ..Default::default()
    };
    let log = store::audit::list(bench.store(), &query).await.unwrap();
    log.into_iter().map(|entry| entry.act.action).collect()
}

/// Exactly one of two: the commit is on the branch and the log knows of it, or the branch is as it was. Whichever it is,
/// the rollback can be asked for again and ends well.
async fn one_of_two_states(bench: &Bench, target: TargetId, commits: &[Revision], place: usize) {
    let now = bench.commits();
    let committed = now.len() > commits.len();
    assert_eq!(now[..commits.len()], *commits, "place {place}");
    assert!(now.len() <= commits.len() + 1, "place {place}: {now:?}");
    let shown = bench
        .repository
        .git(&["show", "main:apps/cart/config.yaml"]);
    let expected = if committed { "one" } else { "three" };
    assert_eq!(shown, config(expected).trim_end(), "place {place}");
    let log = acts(bench).await;
    assert!(
        !committed || log.contains(&"roll back".to_owned()),
        "place {place}: it was done before it was written down: {log:?}"
    );
    // Syncs in the name of the rollback only follow a commit.
    let intents = store::operation::pending(bench.store(), target)
        .await
        .unwrap();
    assert!(
        committed || intents.is_empty(),
        "place {place}: {intents:?}"
    );
    assert!(
        store::audit::check_chain(bench.store())
            .await
            .unwrap()
            .broken
            .is_none(),
        "place {place}"
    );

    bench.fetch("main").await;
    let operator = actor(Role::Operator);
    match bench.plane.preview(&operator, target, &commits[0]).await {
        Ok(preview) => {
            assert!(!committed, "place {place}: it is offered again");
            let request = ask(target, commits, preview.digest);
            let again = bench.plane.roll_back(&operator, &request);
            assert!(
                matches!(again.await, Ok(CommitOutcome::Committed { .. })),
                "place {place}"
            );
        }
        Err(PortError::Conflict(why)) => {
            assert!(
                committed && why.contains("nothing to roll back"),
                "place {place}: {why}"
            );
        }
        Err(other) => unreachable!("place {place}: {other}"),
    }
}

fn ask(target: TargetId, commits: &[Revision], digest: String) -> RollbackRequest {
    RollbackRequest {
        target,
        to: commits[0].clone(),
        digest,
        reason: "three breaks the checkout".to_owned(),
        propose: false,
        undo: false,
    }
}

#[tokio::test]
async fn a_rollback_that_ends_anywhere_is_done_or_not_begun() {
    let (mut stopped, mut done) = (0, 0);
    for place in (0..PLACES).step_by(3) {
        let bench = Bench::new().await;
        let target = bench.define(&[App::new("cart", "prod-eu")]).await.remove(0);
        let commits = bench.commits();
        let operator = actor(Role::Operator);
        let preview = bench
            .plane
            .preview(&operator, target, &commits[0])
            .await
            .unwrap();
        let request = ask(target, &commits, preview.digest);
        let ended = until_wait(bench.plane.roll_back(&operator, &request), place).await;
        // What runs on threads of its own comes to its end; a killed server's would not, and both are allowed.
        settle(&bench).await;
        done += usize::from(bench.commits().len() > commits.len());
        one_of_two_states(&bench, target, &commits, place).await;
        if ended.is_some() {
            break;
        }
        stopped += 1;
    }
    assert!(stopped >= LEAST, "it was stopped at {stopped} places only");
    assert!(done < stopped, "every place was behind the push");
}
