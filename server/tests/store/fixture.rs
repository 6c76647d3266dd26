//! The same small world for every test: a source, its applications, their targets.

use lockstep_types::Micros;
use lockstep_types::application::Dialect;
use lockstep_types::id::{ApplicationId, OperationId, SourceId, TargetId};
use lockstep_types::plan::{Action, Plan, PlanPhase, Step};
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::{CommitInfo, Revision, TargetRevision};
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, StartedBy};
use serde_json::json;
use server::store::application::{self, SeenApplication};
use server::store::operation::{self, NewOperation};
use server::store::source::{self, SourceFields};
use server::store::{Store, target};
use uuid::Uuid;

/// A moment, in seconds after the beginning of the test's time.
pub fn at(seconds: i64) -> Micros {
    Micros::from_seconds(1_800_000_000 + seconds)
}

pub fn revision(digit: char) -> Revision {
    Revision(digit.to_string().repeat(40))
}

pub fn key(name: &str) -> ResourceKey {
    ResourceKey::new("apps", "Deployment", "shop", name)
}

pub fn fields(name: &str) -> SourceFields {
    SourceFields {
        name: name.to_owned(),
        repo_url: "https://git.example/shop.git".to_owned(),
        path: "apps".to_owned(),
        target_revision: TargetRevision("main".to_owned()),
        home_cluster: "home".to_owned(),
    }
}

pub fn seen(name: &str) -> SeenApplication {
    SeenApplication {
        id: ApplicationId(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())),
        key: format!("root/Application/argocd/{name}"),
        group: name.to_owned(),
        name: name.to_owned(),
        project: "shop".to_owned(),
        dialect: Dialect::ArgoApplication,
        definition: json!({"name": name}).to_string(),
        path: format!("apps/{name}.yaml"),
        line: 1,
        parent: None,
    }
}

pub fn commit(digit: char, seconds: i64, subject: &str) -> CommitInfo {
    CommitInfo {
        revision: revision(digit),
        parents: Vec::new(),
        subject: subject.to_owned(),
        body: String::new(),
        author: "Maria".to_owned(),
        author_email: "maria@example.org".to_owned(),
        authored_at: at(seconds),
        committer: "Maria".to_owned(),
        committed_at: at(seconds),
    }
}

/// A source with these applications.
pub async fn applications(store: &Store, names: &[&str]) -> (SourceId, Vec<ApplicationId>) {
    let mut tx = store.begin_at(at(0)).await.unwrap();
    let source = source::create(&mut tx, &fields("root")).await.unwrap().id;
    let seen: Vec<SeenApplication> = names.iter().map(|name| seen(name)).collect();
    application::reconcile(&mut tx, source, &revision('a'), &seen)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    (source, seen.iter().map(|seen| seen.id).collect())
}

/// The target of a new application `shop` on the cluster `eu`.
pub async fn target(store: &Store) -> TargetId {
    let (_, applications) = applications(store, &["shop"]).await;
    let mut tx = store.begin_at(at(0)).await.unwrap();
    let target = target::ensure(&mut tx, applications[0], "eu", Mode::Managed)
        .await
        .unwrap()
        .id;
    tx.commit().await.unwrap();
    target
}

pub fn sync_of(target: TargetId, idempotency_key: Option<&str>) -> NewOperation {
    NewOperation {
        kind: OperationKind::Sync,
        target,
        actor: "maria".to_owned(),
        started_by: StartedBy::Person("maria".to_owned()),
        idempotency_key: idempotency_key.map(str::to_owned),
        parameters: json!({"prune": true}),
    }
}

pub async fn operation(store: &Store, target: TargetId) -> OperationId {
    let mut tx = store.begin_at(at(0)).await.unwrap();
    let id = operation::insert(&mut tx, &sync_of(target, None))
        .await
        .unwrap()
        .operation()
        .id;
    tx.commit().await.unwrap();
    id
}

pub fn plan(target: TargetId, digest: &str) -> Plan {
    Plan {
        target,
        revision: revision('b'),
        steps: vec![Step {
            index: 0,
            key: key("web"),
            api_version: "apps/v1".to_owned(),
            action: Action::Create,
            phase: PlanPhase::Sync,
            wave: 0,
            hook: None,
            uid: None,
            desired_hash: "h".to_owned(),
            method: Default::default(),
            prune_last: false,
            changes: Vec::new(),
            impact: None,
            why: "it is not there".to_owned(),
        }],
        gate: Vec::new(),
        digest: digest.to_owned(),
        report: Vec::new(),
    }
}
