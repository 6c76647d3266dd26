//! Rights from a real Git host: given and taken by a push, in effect within one poll, for open streams too; and asked again
//! when a request is carried out.

use crate::AUTOMATED;
use crate::webhook::{Host, admin, serve};
use crate::world::World;
use lockstep_types::account::{NewToken, Role};
use lockstep_types::action::ActionKind;
use lockstep_types::id::SourceId;
use lockstep_types::policy::{PolicyFile, PolicyText};
use lockstep_types::ports::ControlPlane;
use lockstep_types::resource::ResourceKey;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, SyncPhase};
use serde_json::{Value, json};
use server::accounts::AccountService;
use server::store::policy::PolicyRow;
use server::store::{self, Store};
use std::time::{Duration, Instant};

const WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_secs(2);
const FILE: &str = ".lockstep/policy.csv";
const PASSWORD: &str = "correct horse battery staple";

/// Standard alphabet, padded: what the host's API takes.
fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for part in text.as_bytes().chunks(3) {
        let bits = part
            .iter()
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - part.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place > part.len() {
                '='
            } else {
                char::from(letter)
            });
        }
    }
    out
}

/// Pushes the policy; its commit.
async fn push(host: &Host, text: &str) -> String {
    let path = host.place(&format!("contents/{FILE}"));
    let mut body = json!({"content": base64(text), "message": "rights", "branch": "main"});
    let before = host.maybe(&path).await;
    let method = match before["sha"].as_str() {
        Some(sha) => {
            body["sha"] = json!(sha);
            reqwest::Method::PUT
        }
        None => reqwest::Method::POST,
    };
    let made = host.ask(method, &path, Some(body)).await;
    made["commit"]["sha"].as_str().expect("a commit").to_owned()
}

async fn until_tried(store: &Store, sha: &str) -> PolicyRow {
    let deadline = Instant::now() + WITHIN;
    loop {
        let row = store::policy::get(store).await.expect("a read");
        if row.tried == sha {
            return row;
        }
        assert!(Instant::now() < deadline, "{sha} was not read: {row:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn source(store: &Store) -> SourceId {
    let row = store::source::by_name(store, "root").await.expect("a read");
    row.expect("the source").id
}

async fn token(plane: &ControlPlane, accounts: &AccountService, name: &str) -> String {
    let user = plane
        .accounts
        .create_user(&admin(), name, PASSWORD, Role::Viewer)
        .await;
    let actor = accounts
        .actor_of_user(user.expect("an account"))
        .await
        .expect("an answer");
    let new = NewToken {
        label: "test".to_owned(),
        ..NewToken::default()
    };
    plane
        .accounts
        .create_token(&actor.expect("somebody"), &new)
        .await
        .expect("a token")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_43_a_right_that_is_taken_away_in_git_ends_within_one_poll() {
    let host = Host::with_repository().await;
    let folder = tempfile::tempdir().expect("a folder");
    push(&host, "g, maria, role:operator\ng, jon, role:viewer\n").await;
    let (runtime, store, plane, address) = serve(&host, folder.path(), POLL).await;
    let accounts = AccountService::open(store.clone()).await.expect("accounts");
    let maria = token(&plane, &accounts, "maria").await;
    let jon = token(&plane, &accounts, "jon").await;
    let id = source(&store).await;
    plane
        .access
        .choose_policy_source(&admin(), Some(id))
        .await
        .expect("a choice");
    let deadline = Instant::now() + WITHIN;
    while store::policy::get(&store)
        .await
        .expect("a read")
        .body
        .is_none()
    {
        assert!(Instant::now() < deadline, "the policy was never read");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // 404: the right is there, and the target is not.
    let nil = uuid::Uuid::nil();
    let sync = async || {
        let url = format!("{address}/api/v1/apps/{nil}/targets/{nil}/sync");
        let request = host.http.post(url).bearer_auth(&maria).json(&json!({}));
        request.send().await.expect("an answer").status().as_u16()
    };
    let open = async |token: &str| {
        let request = host
            .http
            .get(format!("{address}/events"))
            .bearer_auth(token);
        request.send().await.expect("a stream")
    };
    assert_eq!(sync().await, 404);
    let (mut hers, mut his) = (open(&maria).await, open(&jon).await);
    assert_eq!((hers.status().as_u16(), his.status().as_u16()), (200, 200));

    let pushed = Instant::now();
    let sha = push(&host, "g, jon, role:viewer\n").await;
    let row = until_tried(&store, &sha).await;
    assert!(
        pushed.elapsed() < POLL * 2 + Duration::from_secs(3),
        "{:?}",
        pushed.elapsed()
    );
    assert_eq!(
        (row.revision.0.as_str(), row.problems.len()),
        (sha.as_str(), 0)
    );
    let in_force = Instant::now();
    assert_eq!(sync().await, 403);
    let mut said = String::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), async {
        while let Ok(Some(chunk)) = hers.chunk().await {
            said.push_str(&String::from_utf8_lossy(&chunk));
        }
    });
    assert!(
        ended.await.is_ok(),
        "still open after {:?}: {said}",
        in_force.elapsed()
    );
    assert!(said.contains("event: reset"), "{said}");
    // His rights are as they were, and so is his stream.
    let goes_on = tokio::time::timeout(Duration::from_secs(6), async {
        while let Ok(Some(_)) = his.chunk().await {}
    });
    assert!(
        goes_on.await.is_err(),
        "the stream of somebody else was closed"
    );

    // One wrong line: nothing of it counts, and what counted goes on.
    let sha = push(&host, "g, maria, role:admin\np, maria, applications\n").await;
    let row = until_tried(&store, &sha).await;
    assert_eq!(
        (row.problems[0].file.as_str(), row.problems[0].line),
        (FILE, 2)
    );
    assert_ne!(row.revision.0, sha);
    assert_eq!(sync().await, 403);
    // A restart has it without having looked at the repository.
    let again = Store::open(&format!("sqlite:{}", folder.path().join("x.db").display())).await;
    let accounts = AccountService::open(again.expect("the database"))
        .await
        .expect("accounts");
    let user = accounts.user_named("maria").await.expect("an account");
    let actor = accounts
        .actor_of_user(user)
        .await
        .expect("an answer")
        .expect("somebody");
    assert!(!actor.may(lockstep_types::account::Permission::Get));
    let query = store::audit::AuditQuery {
        limit: 50,
        ..Default::default()
    };
    let acts = store::audit::list(&store, &query);
    let acts: Vec<(String, Value)> = acts
        .await
        .expect("the log")
        .into_iter()
        .map(|entry| (entry.act.action, entry.act.detail))
        .collect();
    let taken = acts.iter().find(|(action, detail)| {
        action == "change policy" && detail["removed"] == json!(["g, maria, role:operator"])
    });
    assert!(taken.is_some(), "{acts:?}");
    assert!(
        acts.iter().any(|(action, _)| action == "refuse policy"),
        "{acts:?}"
    );
    host.remove().await;
    runtime.stop(Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_asked_for_and_may_no_longer_do_is_not_done() {
    let world = World::start("rights", Mode::Managed, AUTOMATED).await;
    let head = world.commit_shop("one", 2);
    world.until_deployed(&head).await;
    let mut tx = world.store().begin().await.expect("a write");
    let maria = store::user::by_name(&tx, "maria").await.expect("accounts");
    let maria = maria.expect("an account").id;
    store::user::set_role(&mut tx, maria, Role::Operator)
        .await
        .expect("a role");
    let row = PolicyRow {
        source: Some(source(world.store()).await),
        source_name: "root".to_owned(),
        body: Some(PolicyText {
            files: vec![PolicyFile {
                name: FILE.to_owned(),
                first_line: 1,
                text: "p, maria, applications, sync, other/*, allow\n".to_owned(),
            }],
            ..PolicyText::default()
        }),
        ..PolicyRow::default()
    };
    store::policy::put(&mut tx, &row, true)
        .await
        .expect("a write");
    tx.commit().await.expect("a commit");
    world
        .ask(OperationKind::Sync, json!({"prune": false}))
        .await;
    let runs = world
        .until_runs("the refusal", |runs| {
            runs.iter().any(|run| run.phase == SyncPhase::Failed)
        })
        .await;
    let refused = runs
        .iter()
        .find(|run| run.phase == SyncPhase::Failed)
        .expect("a run");
    assert!(
        refused.message.contains("maria may no longer sync")
            && refused.message.contains("no line allows"),
        "{}",
        refused.message
    );
    // An action on an object has a right of its own, and is asked for again as well.
    let acted = restart(&world).await;
    assert!(
        acted.starts_with("not done: maria may no longer restart on default/shop: no line allows"),
        "{acted}"
    );
    world.end().await;
}

/// Somebody who left does nothing any more, whether there is a policy or not: neither what they asked for nor their yes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_43_what_somebody_who_left_asked_for_is_not_done() {
    let world = World::start("left", Mode::Managed, AUTOMATED).await;
    let head = world.commit_shop("one", 2);
    world.until_deployed(&head).await;
    world.repository.remove("manifests/web.yaml");
    world.push("no workload any more");
    world
        .until("it waits for a yes", |state| {
            state.reason.as_ref().is_some_and(|reason| {
                reason.code == lockstep_types::reason::ReasonCode::AwaitingApproval
            })
        })
        .await;
    let waiting = store::approval::waiting(world.store()).await.unwrap();
    let mut tx = world.store().begin().await.unwrap();
    let maria = store::user::by_name(&tx, "maria").await.unwrap();
    store::user::delete(&mut tx, maria.expect("an account").id)
        .await
        .unwrap();
    store::approval::decide(&mut tx, waiting[0].id, &waiting[0].digest, true, "maria")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    world.wake();
    let refused = |what: &'static str, words: &'static str| {
        let world = &world;
        async move {
            world
                .until_runs(what, |runs| {
                    runs.iter()
                        .any(|run| run.phase.is_final() && run.message.contains(words))
                })
                .await;
        }
    };
    let approve = "maria may no longer approve default/shop: maria has no account";
    refused("the yes does not count", approve).await;
    world
        .ask(OperationKind::Sync, json!({"prune": false}))
        .await;
    let sync = "maria may no longer sync default/shop: maria has no account";
    refused("the sync is refused", sync).await;
    let acted = restart(&world).await;
    assert!(
        acted.starts_with("not done: maria may no longer restart on default/shop"),
        "{acted}"
    );
    assert_eq!(
        world.kubectl(&["get", "deployment", "-o", "name"]),
        "deployment.apps/web"
    );
    world.end().await;
}

/// Writes the intent to restart the Deployment, as the button does; how it ended.
async fn restart(world: &World) -> String {
    let uid = world.kubectl(&["get", "deployment", "web", "-o", "jsonpath={.metadata.uid}"]);
    let asked = json!({
        "object": ResourceKey::new("apps", "Deployment", world.namespace(), "web"),
        "api_version": "apps/v1", "uid": uid, "kind": ActionKind::Restart,
    });
    world.ask(OperationKind::Act, asked).await;
    let deadline = Instant::now() + WITHIN;
    loop {
        let (store, target) = (world.store(), world.target());
        let acts = store::operation::newest_of_kind(store, target, OperationKind::Act, 5)
            .await
            .expect("operations");
        let ended = acts.into_iter().find(|one| one.ended_at.is_some());
        if let Some(ended) = ended {
            let mark = r"jsonpath={.spec.template.metadata.annotations.kubectl\.kubernetes\.io/restartedAt}";
            let restarted = world.kubectl(&["get", "deployment", "web", "-o", mark]);
            assert_eq!(restarted, "");
            return ended.message;
        }
        assert!(Instant::now() < deadline, "the action never ends");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
