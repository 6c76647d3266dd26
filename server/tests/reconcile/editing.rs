//! An edit of a definition: previewed against the live cluster without a trace there, committed, live.

use crate::AUTOMATED;
use crate::world::{WITHIN, World};
use lockstep_types::account::{Actor, Role};
use lockstep_types::edit::{Edit, EditDraft, EditEffect, EditKind, EditOutcome, EditSubject};
use lockstep_types::id::UserId;
use lockstep_types::ports::ControlPlane;
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use std::time::{Duration, Instant};
use uuid::Uuid;

pub fn maria() -> Actor {
    Actor {
        user: UserId(Uuid::from_u128(1)),
        name: "maria".to_owned(),
        role: Role::Operator,
        token: None,
        rights: Default::default(),
    }
}

/// The draft once the server knows this commit.
async fn draft_at(ports: &ControlPlane, world: &World, head: &Revision) -> EditDraft {
    let begun = Instant::now();
    loop {
        let draft = ports
            .editing
            .draft(&maria(), EditSubject::Application(world.application()))
            .await
            .expect("an answer");
        if draft.head == *head {
            return draft;
        }
        assert!(begun.elapsed() < WITHIN, "{head} was not fetched");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_is_planned_against_the_cluster_and_then_live() {
    let world = World::start("editing", Mode::Managed, AUTOMATED).await;
    world.repository.write(
        "other/config.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {a: b}\n",
    );
    let head = world.commit_shop("one", 2);
    world.until_deployed(&head).await;
    let ports = world.ports().await;
    let draft = draft_at(&ports, &world, &head).await;
    assert_eq!(
        (draft.path.as_str(), draft.line),
        ("apps/shop.yaml", Some(1))
    );
    let edit = |kind, path: &str, text: String| Edit {
        source: draft.source,
        kind,
        path: path.to_owned(),
        text,
        base: draft.head.clone(),
    };

    // Another revision where the definition asks for one: that line alone, and nothing changes in the cluster.
    let wanted = EditSubject::Revision(world.application(), head.0.clone());
    let pinned = ports
        .editing
        .draft(&maria(), wanted)
        .await
        .expect("a draft");
    assert_eq!(
        pinned.text,
        draft.text.replace(
            "targetRevision: main",
            &format!("targetRevision: {}", head.0)
        )
    );
    let text = pinned.text.clone();
    let preview = ports
        .editing
        .preview_edit(&maria(), &edit(EditKind::Replace, &pinned.path, text))
        .await
        .expect("an answer");
    assert_eq!(preview.applications[0].effect, EditEffect::Changed);
    let plan = preview.applications[0].targets[0].plan.clone();
    let counts = plan.map(|plan| plan.counts());
    assert!(
        counts.is_some_and(|counts| (counts.create, counts.configure, counts.prune) == (0, 0, 0)),
        "{preview:?}"
    );

    // The same application from another folder: what it would create, and what it would prune.
    let elsewhere = edit(
        EditKind::Replace,
        "apps/shop.yaml",
        draft.text.replace("path: manifests", "path: other"),
    );
    let preview = ports
        .editing
        .preview_edit(&maria(), &elsewhere)
        .await
        .expect("an answer");
    assert_eq!(preview.applications[0].effect, EditEffect::Changed);
    let plan = preview.applications[0].targets[0].clone();
    let counts = plan.plan.as_ref().map(|plan| plan.counts());
    assert!(
        counts.is_some_and(|counts| (counts.create, counts.prune) == (1, 3)),
        "{plan:?}"
    );

    // A new application: nothing of it is known so far.
    let new = edit(
        EditKind::Add,
        "apps/other.yaml",
        draft
            .text
            .replace("name: shop", "name: other")
            .replace("path: manifests", "path: other"),
    );
    let preview = ports
        .editing
        .preview_edit(&maria(), &new)
        .await
        .expect("an answer");
    assert_eq!(
        (preview.first_line.as_str(), preview.refused.as_str()),
        ("This commit adds other.", "")
    );
    let plan = preview.applications[0].targets[0].clone();
    let counts = plan.plan.as_ref().map(|plan| plan.counts());
    assert!(
        counts.is_some_and(|counts| (counts.create, counts.configure, counts.prune) == (1, 0, 0)),
        "{plan:?}"
    );
    assert_eq!(
        world.kubectl(&[
            "get",
            "configmap",
            "other",
            "--ignore-not-found",
            "-o",
            "name"
        ]),
        "",
        "a preview writes nothing"
    );
    let outcome = ports
        .editing
        .commit_edit(&maria(), &new, &preview.digest, "the shop grows")
        .await
        .expect("an answer");
    assert!(
        matches!(outcome, EditOutcome::Committed { .. }),
        "{outcome:?}"
    );
    world
        .until_kubectl(
            "the new application is live",
            &[
                "get",
                "configmap",
                "other",
                "--ignore-not-found",
                "-o",
                "name",
            ],
            "configmap/other",
        )
        .await;
    world.end().await;
}
