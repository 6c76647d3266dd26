use super::bench::{App, Bench, actor};
use lockstep_types::PortError;
use lockstep_types::account::Role;
use lockstep_types::application::HoldKind;
use lockstep_types::cluster::NewCluster;
use lockstep_types::id::{
    ApplicationId, ApprovalId, HoldId, OperationId, PinId, RunId, SourceId, TargetId,
};
use lockstep_types::ports::{Applications, Clusters, Fleet, Rollbacks, Sources, Syncs};
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::{Revision, TargetRevision};
use lockstep_types::rollback::{PinRequest, RollbackRequest};
use lockstep_types::source::NewSource;
use lockstep_types::sync::SyncRequest;
use lockstep_types::sync_once::SyncOnce;
use std::collections::BTreeMap;
use uuid::Uuid;

fn new_cluster() -> NewCluster {
    NewCluster {
        name: "x".to_owned(),
        labels: BTreeMap::new(),
        kubeconfig: String::new(),
        context: String::new(),
    }
}

fn new_source() -> NewSource {
    NewSource {
        name: "x".to_owned(),
        repo_url: "https://git.example.com/x.git".to_owned(),
        path: String::new(),
        target_revision: TargetRevision(String::new()),
        home_cluster: String::new(),
        username: None,
        password: None,
        ssh_key: None,
        known_hosts: None,
        ca: None,
    }
}

#[tokio::test]
async fn a_viewer_may_look_and_nothing_else() {
    let bench = Bench::new().await;
    let target = bench.define(&[App::new("cart", "prod-eu")]).await.remove(0);
    let (plane, viewer, operator) = (&bench.plane, actor(Role::Viewer), actor(Role::Operator));
    let to = bench.commits().remove(0);
    let sync = |prune| SyncRequest {
        target,
        prune,
        idempotency_key: None,
        once: SyncOnce::default(),
    };
    let rollback = RollbackRequest {
        target,
        to: to.clone(),
        digest: String::new(),
        reason: "x".to_owned(),
        propose: false,
        undo: false,
        overrides: Vec::new(),
    };
    let pin = PinRequest {
        target,
        to: to.clone(),
        reason: "x".to_owned(),
        hours: 1,
        overrides: Vec::new(),
        digest: String::new(),
    };
    let denied = [
        ("sync", plane.sync(&viewer, &sync(false)).await.err()),
        ("sync", plane.sync(&viewer, &sync(true)).await.err()),
        (
            "terminate",
            plane.terminate(&viewer, RunId(Uuid::nil())).await.err(),
        ),
        (
            "approve",
            plane
                .decide(&viewer, ApprovalId(Uuid::nil()), "", true)
                .await
                .err(),
        ),
        ("rollback", plane.preview(&viewer, target, &to).await.err()),
        ("rollback", plane.roll_back(&viewer, &rollback).await.err()),
        ("rollback", plane.pin(&viewer, &pin).await.err()),
        (
            "rollback",
            plane.unpin(&viewer, PinId(Uuid::nil()), false).await.err(),
        ),
        (
            "hold",
            plane
                .hold(&viewer, target, HoldKind::Both, "x", 1)
                .await
                .err(),
        ),
        (
            "hold",
            plane
                .release(&viewer, HoldId(Uuid::nil()), false)
                .await
                .err(),
        ),
        (
            "cluster",
            plane.add_cluster(&operator, &new_cluster()).await.err(),
        ),
        (
            "forget cluster",
            plane.remove_cluster(&operator, "x", "x").await.err(),
        ),
        (
            "source",
            plane.add_source(&operator, &new_source()).await.err(),
        ),
        (
            "forget source",
            plane
                .remove_source(&operator, bench.source, "root")
                .await
                .err(),
        ),
        (
            "take over",
            plane.take_over_preview(&operator, bench.source).await.err(),
        ),
        (
            "take over",
            plane.take_over(&operator, bench.source, "").await.err(),
        ),
    ];
    for (permission, refusal) in denied {
        assert!(
            matches!(&refusal, Some(PortError::Denied { permission: named, .. }) if named == permission),
            "{permission}: {refusal:?}"
        );
    }
    assert!(
        plane
            .application(&viewer, bench.application(target).await, "")
            .await
            .is_ok()
    );
    assert!(plane.tree(&viewer, target).await.is_ok());
    assert!(plane.refresh(&viewer, target).await.is_ok());
}

#[tokio::test]
async fn unknown_ids_are_not_found() {
    let bench = Bench::new().await;
    let (plane, admin) = (&bench.plane, actor(Role::Admin));
    let (target, none) = (TargetId(Uuid::nil()), Uuid::nil());
    let (key, revision) = (
        ResourceKey::new("", "Pod", "a", "b"),
        Revision("a".repeat(40)),
    );
    let request = SyncRequest {
        target,
        prune: false,
        idempotency_key: None,
        once: SyncOnce::default(),
    };
    let answers = [
        plane
            .application(&admin, ApplicationId(none), "")
            .await
            .err(),
        plane.tree(&admin, target).await.err(),
        plane.resource(&admin, target, &key).await.err(),
        plane.changes(&admin, target).await.err(),
        plane.history(&admin, target, None).await.err(),
        plane.definition(&admin, ApplicationId(none)).await.err(),
        plane
            .past(&admin, target, lockstep_types::Micros(0))
            .await
            .err(),
        plane
            .compare(&admin, target, &revision, &revision)
            .await
            .err(),
        plane.sync(&admin, &request).await.err(),
        plane.refresh(&admin, target).await.err(),
        plane.run(&admin, RunId(none)).await.err(),
        plane.run_of(&admin, OperationId(none)).await.err(),
        plane.terminate(&admin, RunId(none)).await.err(),
        plane.decide(&admin, ApprovalId(none), "", true).await.err(),
        plane.candidates(&admin, target).await.err(),
        plane.preview(&admin, target, &revision).await.err(),
        plane.preview_undo(&admin, target, &revision).await.err(),
        plane.unpin(&admin, PinId(none), false).await.err(),
        plane
            .hold(&admin, target, HoldKind::Both, "x", 1)
            .await
            .err(),
        plane.release(&admin, HoldId(none), false).await.err(),
        plane.cluster(&admin, "x").await.err(),
        plane.remove_cluster(&admin, "x", "x").await.err(),
        plane.remove_source(&admin, SourceId(none), "x").await.err(),
        plane.refresh_source(&admin, SourceId(none)).await.err(),
        plane.take_over_preview(&admin, SourceId(none)).await.err(),
        plane.rollout(&admin, "aaaaaaa").await.err(),
        plane.commit(&admin, "nothing", &revision).await.err(),
    ];
    for (index, refusal) in answers.into_iter().enumerate() {
        assert!(
            matches!(refusal, Some(PortError::NotFound(_))),
            "{index}: {refusal:?}"
        );
    }
}

#[tokio::test]
async fn objects_of_others_are_not_found() {
    let bench = Bench::new().await;
    let target = bench.define(&[App::new("cart", "prod-eu")]).await.remove(0);
    let key = ResourceKey::new("", "Secret", "kube-system", "admin");
    let refusal = bench
        .plane
        .resource(&actor(Role::Admin), target, &key)
        .await
        .unwrap_err();
    assert!(matches!(refusal, PortError::NotFound(_)), "{refusal:?}");
}
