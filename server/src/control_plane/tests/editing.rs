use super::bench::{Bench, actor};
use crate::store;
use crate::store::cluster::ClusterFields;
use lockstep_types::PortError;
use lockstep_types::account::Role;
use lockstep_types::edit::{
    Edit, EditEffect, EditKind, EditOutcome, EditPreview, EditSubject, NewApplication,
};
use lockstep_types::ports::Editing;
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use std::collections::BTreeMap;

/// A bench with two registered clusters and one definition in Git, which is recorded.
async fn bench() -> (Bench, Revision) {
    let bench = Bench::new().await;
    let mut tx = bench.store().begin().await.unwrap();
    for (name, server) in [("prod-eu", "https://eu"), ("prod-us", "https://us")] {
        let fields = ClusterFields {
            name: name.to_owned(),
            labels: BTreeMap::new(),
            server: server.to_owned(),
        };
        store::cluster::create(&mut tx, &fields).await.unwrap();
    }
    tx.commit().await.unwrap();
    bench.repository.write(
        "definitions/web.yaml",
        &application(&bench, "web", "prod-eu"),
    );
    bench.repository.write(
        "definitions/projects.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: shop, namespace: argocd}\nspec:\n  sourceRepos: ['*']\n  destinations: [{name: '*', namespace: '*'}]\n",
    );
    bench.repository.write("definitions/README.md", "ours");
    bench.repository.commit("definitions");
    let head = bench.fetch("main").await;
    (bench, head)
}

fn application(bench: &Bench, name: &str, cluster: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\n  namespace: argocd\nspec:\n  project: shop\n  source:\n    repoURL: \"{}\"\n    path: apps/cart\n    targetRevision: main\n  destination:\n    name: {cluster}\n    namespace: shop\n",
        bench.repository.url()
    )
}

fn edit(bench: &Bench, kind: EditKind, path: &str, text: &str, base: &Revision) -> Edit {
    Edit {
        source: bench.source,
        kind,
        path: path.to_owned(),
        text: text.to_owned(),
        base: base.clone(),
    }
}

fn effects(preview: &EditPreview) -> Vec<(&str, EditEffect)> {
    preview
        .applications
        .iter()
        .map(|edited| (edited.application.name.as_str(), edited.effect))
        .collect()
}

async fn acts(bench: &Bench) -> Vec<String> {
    let query = store::audit::AuditQuery {
        limit: 10,
        ..Default::default()
    };
    store::audit::list(bench.store(), &query)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| {
            format!(
                "{} · {} · {}",
                entry.act.action, entry.act.subject, entry.act.reason
            )
        })
        .collect()
}

#[tokio::test]
async fn a_new_application_is_previewed_and_committed() {
    let (bench, head) = bench().await;
    let operator = actor(Role::Operator);
    let draft = bench
        .plane
        .draft(&operator, EditSubject::New(bench.source))
        .await
        .unwrap();
    assert_eq!(
        (draft.branch.as_str(), draft.refused.as_str()),
        ("main", "")
    );
    assert_eq!(draft.clusters, ["prod-eu", "prod-us"]);
    let form = NewApplication {
        name: "cart".to_owned(),
        repo_url: bench.repository.url(),
        path: "apps/cart".to_owned(),
        target_revision: "main".to_owned(),
        cluster: "prod-us".to_owned(),
        namespace: "shop".to_owned(),
        automated: true,
        ..NewApplication::default()
    };
    let text = bench.plane.template(&operator, &form).await.unwrap();
    let asked = edit(
        &bench,
        EditKind::Add,
        "definitions/cart.yaml",
        &text.replace('\n', "\r\n"),
        &draft.head,
    );
    let preview = bench.plane.preview_edit(&operator, &asked).await.unwrap();
    assert_eq!(
        (preview.refused.as_str(), preview.first_line.as_str()),
        ("", "This commit adds cart.")
    );
    assert!(preview.problems.is_empty(), "{:?}", preview.problems);
    assert_eq!(effects(&preview), [("cart", EditEffect::Added)]);
    let target = &preview.applications[0].targets[0];
    assert_eq!(target.target.cluster, "prod-us");
    // The bench has no clusters to ask: the plan says so, and hides nothing else.
    assert!(
        target.plan.is_none() && target.error.contains("is not connected") && target.automated,
        "{target:?}"
    );
    assert!(
        preview.patch.contains("+  name: cart\n"),
        "{}",
        preview.patch
    );
    assert_eq!(bench.repository.head(), head, "a preview writes nothing");
    assert!(acts(&bench).await.is_empty());

    let stale = bench
        .plane
        .commit_edit(&operator, &asked, "something else", "")
        .await;
    assert!(
        matches!(&stale, Err(PortError::Conflict(why)) if why.contains("has changed")),
        "{stale:?}"
    );
    let outcome = bench
        .plane
        .commit_edit(&operator, &asked, &preview.digest, "the shop grows")
        .await
        .unwrap();
    let EditOutcome::Committed { revision } = outcome else {
        unreachable!("{outcome:?}")
    };
    assert_eq!(
        bench.repository.git(&["rev-parse", "main", "main^"]),
        format!("{revision}\n{head}")
    );
    assert_eq!(
        bench
            .repository
            .git(&["show", "main:definitions/cart.yaml"]),
        text.trim_end()
    );
    let message = bench
        .repository
        .git(&["log", "-1", "--format=%an <%ae>%n%B", "main"]);
    for line in [
        "maria <maria@lockstep.invalid>",
        "Add cart",
        "the shop grows",
        "Lockstep-Application: default/cart",
        "Lockstep-Source: root",
    ] {
        assert!(message.contains(line), "{line}: {message}");
    }
    assert_eq!(
        acts(&bench).await,
        [
            "edit definition: committed · definitions/cart.yaml in root · the shop grows",
            "edit definition · definitions/cart.yaml in root · the shop grows",
        ]
    );
    // Known before anybody fetches.
    let main = lockstep_types::revision::TargetRevision("main".to_owned());
    let known = bench
        .plane
        .runtime
        .resolve(&bench.repository.url(), &main)
        .await;
    assert_eq!(known.ok(), Some(revision));
}

#[tokio::test]
async fn what_an_edit_changes_moves_breaks_or_removes_is_told() {
    let (bench, head) = bench().await;
    let operator = actor(Role::Operator);
    let path = "definitions/web.yaml";
    let web = application(&bench, "web", "prod-eu");
    let look = async |kind, text: &str| {
        let asked = edit(&bench, kind, path, text, &head);
        bench.plane.preview_edit(&operator, &asked).await.unwrap()
    };

    let moved = look(EditKind::Replace, &web.replace("prod-eu", "prod-us")).await;
    assert_eq!(effects(&moved), [("web", EditEffect::Changed)]);
    assert_eq!(
        moved.notes,
        ["web no longer goes to prod-eu; what it deployed there stays and is listed as leftovers."]
    );

    let comment = look(EditKind::Replace, &format!("# ours\n{web}")).await;
    assert_eq!((effects(&comment), comment.refused.as_str()), (vec![], ""));
    assert_eq!(
        comment.first_line,
        "No application is defined otherwise by this commit."
    );

    let same = look(EditKind::Replace, &web).await;
    assert!(
        same.refused.contains("nothing to commit"),
        "{}",
        same.refused
    );

    let broken = look(
        EditKind::Replace,
        &web.replace("    path: apps/cart\n", "    path: ../x\n"),
    )
    .await;
    assert_eq!(effects(&broken), [("web", EditEffect::Broken)]);
    assert_eq!(
        (
            broken.problems[0].line,
            broken.problems[0].field.as_str(),
            broken.problems[0].new
        ),
        (10, "spec.source.path", true)
    );
    assert!(
        broken.refused.contains("mend it first"),
        "{}",
        broken.refused
    );
    let refused = bench
        .plane
        .commit_edit(&operator, &broken.edit, &broken.digest, "")
        .await;
    assert!(
        matches!(refused, Err(PortError::Conflict(_))),
        "{refused:?}"
    );

    let nowhere = look(EditKind::Replace, &web.replace("prod-eu", "prod-asia")).await;
    assert!(
        nowhere.problems[0].message.contains("prod-asia") && !nowhere.refused.is_empty(),
        "{:?}",
        nowhere.problems
    );

    let removed = look(EditKind::Remove, "").await;
    assert_eq!(effects(&removed), [("web", EditEffect::Removed)]);
    assert!(
        removed.notes[0].starts_with("Nothing is deleted from clusters: what web deployed runs on"),
        "{:?}",
        removed.notes
    );
    assert!(removed.applications[0].targets.is_empty());
    assert_eq!(bench.repository.head(), head);

    bench.repository.remove("definitions/README.md");
    bench.repository.remove("definitions/projects.yaml");
    bench.repository.commit("only one is left");
    let head = bench.fetch("main").await;
    let last = edit(&bench, EditKind::Remove, path, "", &head);
    let last = bench.plane.preview_edit(&operator, &last).await.unwrap();
    assert_eq!(last.first_line, "This is the last file below definitions/.");
    assert!(
        last.refused.contains("keep another file"),
        "{}",
        last.refused
    );
}

#[tokio::test]
async fn what_others_did_meanwhile_is_not_overwritten() {
    let (bench, head) = bench().await;
    let operator = actor(Role::Operator);
    let path = "definitions/web.yaml";
    let text = application(&bench, "web", "prod-us");
    let asked = edit(&bench, EditKind::Replace, path, &text, &head);
    let preview = bench.plane.preview_edit(&operator, &asked).await.unwrap();

    // A commit that nobody has fetched yet.
    bench.repository.write("README.md", "9");
    let other = bench.repository.commit("another file");
    let moved = bench
        .plane
        .commit_edit(&operator, &asked, &preview.digest, "")
        .await;
    assert_eq!(
        moved,
        Ok(EditOutcome::Moved {
            head: other.clone()
        })
    );
    assert!(
        acts(&bench).await[0].starts_with("edit definition: branch moved"),
        "{:?}",
        acts(&bench).await
    );
    // Once it is known, the edit goes on top: the file is as it was when the edit began.
    bench.fetch("main").await;
    let again = bench.plane.preview_edit(&operator, &asked).await.unwrap();
    assert_eq!((&again.head, again.refused.as_str()), (&other, ""));

    bench
        .repository
        .write(path, &application(&bench, "web-2", "prod-eu"));
    bench.repository.commit("the same file");
    bench.fetch("main").await;
    let conflict = bench.plane.preview_edit(&operator, &asked).await.unwrap();
    assert!(
        conflict
            .refused
            .contains("Somebody changed definitions/web.yaml"),
        "{}",
        conflict.refused
    );
}

#[tokio::test]
async fn what_may_not_be_written_is_refused() {
    let (bench, head) = bench().await;
    let (operator, viewer) = (actor(Role::Operator), actor(Role::Viewer));
    let asked = |kind, path: &str, text: &str| edit(&bench, kind, path, text, &head);
    let new = asked(EditKind::Add, "definitions/x.yaml", "a: 1");
    assert_eq!(
        bench.plane.preview_edit(&viewer, &new).await,
        Err(PortError::denied(
            lockstep_types::account::Permission::Create
        ))
    );
    assert!(
        bench
            .plane
            .commit_edit(&viewer, &new, "", "")
            .await
            .is_err()
    );
    for (kind, path, text, field) in [
        (EditKind::Add, "elsewhere/x.yaml", "a: 1", "path"),
        (EditKind::Add, "definitions/../../x.yaml", "a: 1", "path"),
        (EditKind::Add, "definitions/x.txt", "a: 1", "path"),
        (EditKind::Add, "definitions/web.yaml", "a: 1", "path"),
        (EditKind::Add, "definitions/.git/x.yaml", "a: 1", "path"),
        (EditKind::Add, "definitions/x.yaml", "  ", "text"),
    ] {
        let refused = bench
            .plane
            .preview_edit(&operator, &asked(kind, path, text))
            .await;
        assert!(
            matches!(&refused, Err(PortError::Invalid { field: said, .. }) if said == field),
            "{path}: {refused:?}"
        );
    }
    let gone = asked(EditKind::Replace, "definitions/y.yaml", "a: 1");
    assert!(matches!(
        bench.plane.preview_edit(&operator, &gone).await,
        Err(PortError::Conflict(_))
    ));

    let mut tx = bench.store().begin().await.unwrap();
    store::source::set_mode(&mut tx, bench.source, Mode::Observe)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let good = asked(
        EditKind::Add,
        "definitions/x.yaml",
        &application(&bench, "x", "prod-eu"),
    );
    let observed = bench.plane.preview_edit(&operator, &good).await.unwrap();
    assert!(
        observed.refused.contains("only observed"),
        "{}",
        observed.refused
    );
    assert_eq!(effects(&observed), [("x", EditEffect::Added)]);
    let refused = bench
        .plane
        .commit_edit(&operator, &good, &observed.digest, "")
        .await;
    assert!(
        matches!(&refused, Err(PortError::Conflict(why)) if why.contains("only observed")),
        "{refused:?}"
    );
    assert_eq!(bench.repository.head(), head);
    assert!(acts(&bench).await.is_empty());
}

#[tokio::test]
async fn a_host_that_refuses_the_edit_is_quoted() {
    let (bench, head) = bench().await;
    let operator = actor(Role::Operator);
    let hook = bench.repository.path().join(".git/hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho 'main is protected' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let asked = edit(&bench, EditKind::Remove, "definitions/web.yaml", "", &head);
    let preview = bench.plane.preview_edit(&operator, &asked).await.unwrap();
    let outcome = bench
        .plane
        .commit_edit(&operator, &asked, &preview.digest, "")
        .await
        .unwrap();
    assert!(
        matches!(&outcome, EditOutcome::PushRefused { message } if message.contains("main is protected")),
        "{outcome:?}"
    );
    assert_eq!(bench.repository.head(), head);
}
