//! A rollback that ends half-way, at another place with each try. Once its future is dropped where it waits, so that what
//! follows never runs. And once the whole process that does it ends there, with all of its threads and with nothing said to
//! anybody; then a server starts over what it left.

use super::bench::{App, Bench, actor, config, fetched, started};
use crate::store;
use lockstep_types::PortError;
use lockstep_types::account::Role;
use lockstep_types::id::TargetId;
use lockstep_types::ports::Rollbacks;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::RollbackRequest;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::task::Poll;

/// Every third place is tried, until the rollback comes through; it waits this often at most.
const PLACES: usize = 400;
/// Of a process of its own every fifth, since each takes as long as a start.
const APART: usize = 5;
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
        overrides: Vec::new(),
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

/// What the process that is to end is told: its folder, its repository, the target, and how often it may wait.
const ORDER: &str = "LOCKSTEP_TEST_KILLED";

/// Rolls back in this process and ends it at a place.
async fn victim(order: &str) {
    let words: Vec<&str> = order.split('\n').collect();
    let [folder, url, target, to, place] = words[..] else {
        unreachable!("{order}");
    };
    let plane = started(Path::new(folder)).await;
    fetched(&plane, url, "main").await;
    let target = TargetId(target.parse().unwrap());
    let commits = [Revision(to.to_owned())];
    let operator = actor(Role::Operator);
    let preview = plane.preview(&operator, target, &commits[0]).await.unwrap();
    let request = ask(target, &commits, preview.digest);
    let ended = until_wait(plane.roll_back(&operator, &request), place.parse().unwrap()).await;
    if ended.is_none() {
        std::process::abort();
    }
    assert!(matches!(ended, Some(Ok(CommitOutcome::Committed { .. }))));
}

/// The Git host is no part of the server: what it has begun to take it takes.
async fn host_is_through(repository: &Path) {
    let name = repository.display().to_string();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let own = std::process::id().to_string();
        let busy = processes
            .filter(|process| process.file_name().to_str() != Some(own.as_str()))
            .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
            .any(|line| String::from_utf8_lossy(&line).contains(&name));
        if !busy {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "the host never ends");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_server_that_is_killed_anywhere_starts_again_in_one_of_two_states() {
    if let Ok(order) = std::env::var(ORDER) {
        return victim(&order).await;
    }
    let module = module_path!().trim_start_matches("server::");
    let name =
        format!("{module}::a_server_that_is_killed_anywhere_starts_again_in_one_of_two_states");
    let (mut killed, mut done) = (0, 0);
    for place in (0..PLACES).step_by(APART) {
        let bench = Bench::new().await;
        let target = bench.define(&[App::new("cart", "prod-eu")]).await.remove(0);
        let commits = bench.commits();
        let order = [
            bench.folder().display().to_string(),
            bench.repository.url(),
            target.to_string(),
            commits[0].to_string(),
            place.to_string(),
        ];
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name])
            .env(ORDER, order.join("\n"))
            .output()
            .unwrap();
        let came_through = output.status.success();
        assert!(
            came_through || output.status.signal().is_some(),
            "place {place}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        host_is_through(bench.repository.path()).await;
        let bench = bench.started_again().await;
        settle(&bench).await;
        done += usize::from(bench.commits().len() > commits.len());
        one_of_two_states(&bench, target, &commits, place).await;
        if came_through {
            break;
        }
        killed += 1;
    }
    assert!(killed >= LEAST, "it was killed at {killed} places only");
    assert!(done < killed, "every place was behind the push");
}
