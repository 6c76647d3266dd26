//! What needs more than one right: edits that move or give rights, rollbacks that reach others, plans that were seen by
//! somebody else.

use super::rights::Team;
use crate::store::run::NewRun;
use crate::store::{self};
use lockstep_types::PortError;
use lockstep_types::account::Permission;
use lockstep_types::edit::{Edit, EditKind};
use lockstep_types::plan::Plan;
use lockstep_types::ports::{Editing, Rollbacks, Sources, Syncs};
use lockstep_types::revision::{Revision, TargetRevision};
use lockstep_types::rollback::{PinRequest, RollbackRequest};
use lockstep_types::source::{Mode, NewSource};
use lockstep_types::sync::{StartedBy, SyncRequest};
use lockstep_types::sync_once::SyncOnce;

const DNS: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: dns, namespace: argocd}\nspec:\n  project: infra\n  source: {repoURL: 'https://git.example.com/x.git', path: apps/cart, targetRevision: main}\n  destination: {name: prod-eu, namespace: shop}\n";

#[tokio::test]
async fn attack_59_an_edit_needs_the_right_on_what_it_makes_too() {
    let lines = "p, jon, applications, *, infra/*, allow\np, jon, repositories, get, *, allow\np, jon, projects, update, infra, allow\n";
    let team = Team::new(lines).await;
    let cart = DNS
        .replace("name: dns", "name: cart")
        .replace("infra", "shop");
    for (name, text) in [("dns", DNS), ("cart", &cart)] {
        team.bench
            .repository
            .write(&format!("definitions/{name}.yaml"), text);
    }
    team.bench.repository.commit("definitions");
    let base = team.bench.fetch("main").await;
    let (plane, jon) = (&team.bench.plane, team.as_("jon").await);
    let project = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: infra}\nspec: {sourceRepos: ['*']}\n";
    let policy = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-rbac-cm}\ndata: {policy.csv: 'g, jon, role:admin'}\n";
    let moved = DNS.replace("project: infra", "project: shop");
    let with = |more: &str| format!("{DNS}---\n{more}");
    for (kind, name, text, missing) in [
        (EditKind::Replace, "dns", moved, Some(Permission::Create)),
        (
            EditKind::Replace,
            "cart",
            cart.replace("prod-eu", "prod-us"),
            Some(Permission::Edit),
        ),
        (
            EditKind::Remove,
            "cart",
            String::new(),
            Some(Permission::Delete),
        ),
        (
            EditKind::Add,
            "new",
            cart.replace("name: cart", "name: new"),
            Some(Permission::Create),
        ),
        (
            EditKind::Replace,
            "dns",
            with(project),
            Some(Permission::Policy),
        ),
        // An escaped kind is the same kind, and a right on one project reaches no other.
        (
            EditKind::Replace,
            "dns",
            with(&project.replace("AppProject", "\"AppPro\\u006aect\"")),
            Some(Permission::Policy),
        ),
        (
            EditKind::Replace,
            "dns",
            with(policy),
            Some(Permission::Policy),
        ),
        (
            EditKind::Add,
            "rbac",
            policy.to_owned(),
            Some(Permission::Policy),
        ),
        (
            EditKind::Add,
            "nothing",
            "a: 1".to_owned(),
            Some(Permission::Create),
        ),
        (
            EditKind::Replace,
            "dns",
            DNS.replace("namespace: shop", "namespace: dns"),
            None,
        ),
    ] {
        let edit = Edit {
            source: team.bench.source,
            kind,
            path: format!("definitions/{name}.yaml"),
            text,
            base: base.clone(),
        };
        let answers = [
            plane.preview_edit(&jon, &edit).await.err(),
            plane
                .commit_edit(&jon, &edit, "no such digest", "")
                .await
                .err(),
        ];
        match missing {
            Some(missing) => {
                let denied = Some(PortError::denied(missing));
                assert_eq!(answers, [denied.clone(), denied], "{kind:?} {name}");
            }
            None => assert!(
                matches!(answers, [None, Some(PortError::Conflict(_))]),
                "{answers:?}"
            ),
        }
    }
}

/// Where the source holds no policy: the right on one project reaches no other one in the same file.
#[tokio::test]
async fn attack_59_an_edit_of_a_project_needs_the_right_on_that_project() {
    let lines = "p, jon, applications, *, infra/*, allow\np, jon, repositories, get, *, allow\np, jon, projects, update, infra, allow\n";
    let team = Team::new(lines).await;
    let repository = &team.bench.repository;
    repository.write("definitions/dns.yaml", DNS);
    repository.commit("definitions");
    let base = team.bench.fetch("main").await;
    // The policy stays in force when its source is another one.
    let mut tx = team.bench.store().begin().await.unwrap();
    let fields = store::source::SourceFields {
        name: "other".to_owned(),
        repo_url: repository.url(),
        path: "definitions".to_owned(),
        target_revision: TargetRevision("main".to_owned()),
        home_cluster: String::new(),
    };
    let other = store::source::create(&mut tx, &fields).await.unwrap().id;
    tx.commit().await.unwrap();
    let (plane, jon) = (&team.bench.plane, team.as_("jon").await);
    let project = |kind: &str, name: &str| {
        format!(
            "{DNS}---\napiVersion: argoproj.io/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{sourceRepos: ['*']}}\n"
        )
    };
    for (text, missing) in [
        (project("AppProject", "infra"), None),
        (project("\"AppPro\\u006aect\"", "infra"), None),
        (project("AppProject", "shop"), Some(Permission::Project)),
        (
            project("\"AppPro\\u006aect\"", "shop"),
            Some(Permission::Project),
        ),
        (
            project("\"Application\\u0053et\"", "shop"),
            Some(Permission::Create),
        ),
    ] {
        let edit = Edit {
            source: other,
            kind: EditKind::Replace,
            path: "definitions/dns.yaml".to_owned(),
            text: text.clone(),
            base: base.clone(),
        };
        let answer = plane.preview_edit(&jon, &edit).await.err();
        assert_eq!(answer, missing.map(PortError::denied), "{text}");
    }
}

/// A right on repositories, which policies of Argo CD give freely, writes to no cluster and looks into none.
#[tokio::test]
async fn attack_59_who_may_add_a_repository_deploys_nothing_by_it() {
    let own = "p, jon, repositories, *, https://git.example.com/dev/*, allow\n";
    let new = || NewSource {
        name: "dev".to_owned(),
        repo_url: "https://git.example.com/dev/apps.git".to_owned(),
        path: "apps".to_owned(),
        target_revision: TargetRevision("main".to_owned()),
        home_cluster: String::new(),
        username: None,
        password: None,
        ssh_key: None,
        known_hosts: None,
        ca: None,
    };
    let see = "p, jon, clusters, get, *, allow\n";
    let denied = |permission| Some(PortError::denied(permission));
    let team = Team::new(own).await;
    let (plane, jon) = (&team.bench.plane, team.as_("jon").await);
    let refused = plane.add_source(&jon, &new()).await.err();
    assert_eq!(refused, denied(Permission::SeeClusters));
    for (more, missing) in [
        (see.to_owned(), Some(Permission::Create)),
        // In the own project: whoever writes to the repository names any project.
        (
            format!("{see}p, jon, applications, *, dev/*, allow\n"),
            Some(Permission::Create),
        ),
        (
            format!("{see}p, jon, applications, create, */*, allow\n"),
            Some(Permission::Sync),
        ),
        (
            format!(
                "{see}p, jon, applications, *, */*, allow\np, jon, applications, *, infra/*, deny\n"
            ),
            Some(Permission::Create),
        ),
        (format!("{see}p, jon, applications, *, */*, allow\n"), None),
    ] {
        let team = Team::new(&format!("{own}{more}")).await;
        let (plane, jon) = (&team.bench.plane, team.as_("jon").await);
        let id = plane.add_source(&jon, &new()).await.expect("a source");
        let answers = [
            plane.take_over_preview(&jon, id).await.err(),
            plane.take_over(&jon, id, "no such digest").await.err(),
        ];
        match missing {
            Some(missing) => {
                assert_eq!(answers, [denied(missing), denied(missing)], "{more}");
            }
            None => assert!(
                !answers
                    .iter()
                    .any(|answer| matches!(answer, Some(PortError::Denied { .. }))),
                "{answers:?}"
            ),
        }
        let mode = store::source::get(team.bench.store(), id)
            .await
            .unwrap()
            .mode;
        assert_eq!(mode, Mode::Observe);
    }
}

#[tokio::test]
async fn attack_60_only_commits_of_the_tracked_history_are_gone_to() {
    let team = Team::new("p, jon, applications, *, *, allow\n").await;
    let (plane, jon) = (&team.bench.plane, team.as_("jon").await);
    let repository = &team.bench.repository;
    repository.git(&["checkout", "-q", "-b", "elsewhere", "HEAD~1"]);
    repository.write("apps/cart/config.yaml", "a: evil\n");
    repository.commit("evil");
    let evil = Revision(repository.git(&["rev-parse", "HEAD"]).trim().to_owned());
    repository.git(&["checkout", "-q", "main"]);
    team.bench.fetch("elsewhere").await;
    let pin = PinRequest {
        target: team.cart,
        to: evil.clone(),
        reason: "x".to_owned(),
        hours: 1,
        overrides: Vec::new(),
        digest: String::new(),
    };
    let refused = plane.pin(&jon, &pin).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("is not part of the history of main"),
        "{refused}"
    );
    let unknown = Revision("f".repeat(40));
    let refused = plane.preview(&jon, team.cart, &unknown).await.unwrap_err();
    assert!(matches!(refused, PortError::NotFound(_)), "{refused}");
    // A sync takes no commit, no manifests and no parameters of the rendering.
    for body in [
        "{\"revision\":\"f\"}",
        "{\"manifests\":[]}",
        "{\"parameters\":{}}",
        "{\"images\":[]}",
    ] {
        assert!(
            serde_json::from_str::<client::wire::SyncBody>(body).is_err(),
            "{body}"
        );
    }
}

#[tokio::test]
async fn attack_61_an_approval_is_for_one_plan_one_use_and_those_who_may() {
    let team = Team::new("p, jon, applications, *, infra/*, allow\np, ana, applications, get, */*, allow\np, ana, applications, approve, shop/*, allow\n").await;
    let (plane, ada) = (&team.bench.plane, team.as_("ada").await);
    let head = team.bench.commits().pop().unwrap();
    let request = SyncRequest {
        target: team.cart,
        prune: false,
        idempotency_key: None,
        once: SyncOnce::default(),
    };
    let operation = plane.sync(&ada, &request).await.unwrap();
    let mut tx = team.bench.store().begin().await.unwrap();
    let new = NewRun {
        operation,
        target: team.cart,
        fence: 1,
        revision: head.clone(),
        commit: None,
        started_by: StartedBy::AutoSync,
    };
    let run = store::run::create(&mut tx, &new).await.unwrap().id;
    let plan = Plan {
        target: team.cart,
        revision: head,
        steps: Vec::new(),
        gate: Vec::new(),
        digest: "this plan".to_owned(),
        report: Vec::new(),
    };
    let approval = store::approval::ask(&mut tx, run, &plan).await.unwrap();
    tx.commit().await.unwrap();
    let (jon, ana) = (team.as_("jon").await, team.as_("ana").await);
    assert!(plane.approvals(&jon).await.unwrap().is_empty());
    for (actor, digest, status) in [
        (&jon, "this plan", 404),
        (&ana, "another plan", 409),
        (&ana, "this plan", 200),
        (&ana, "this plan", 409),
        (&ada, "this plan", 409),
    ] {
        let found = plane.decide(actor, approval, digest, true).await;
        assert_eq!(
            found.map_or_else(|error| error.http_status(), |()| 200),
            status,
            "{} {digest}",
            actor.name
        );
    }
}

#[tokio::test]
async fn attack_62_a_rollback_needs_its_own_right_on_all_that_it_reaches() {
    let lines = "p, ana, applications, get, */*, allow\np, ana, applications, sync, */*, allow\np, jon, applications, get, */*, allow\np, jon, applications, rollback, shop/*, allow\n";
    let team = Team::new(lines).await;
    let plane = &team.bench.plane;
    let to = team.bench.commits().remove(0);
    let ana = team.as_("ana").await;
    let request = RollbackRequest {
        target: team.cart,
        to: to.clone(),
        digest: String::new(),
        reason: "x".to_owned(),
        propose: false,
        undo: false,
        overrides: Vec::new(),
    };
    for refused in [
        plane.preview(&ana, team.cart, &to).await.err(),
        plane.roll_back(&ana, &request).await.err(),
    ] {
        assert_eq!(refused, Some(PortError::denied(Permission::Rollback)));
    }
    // Both applications read the same files: the other one is not jon's.
    let jon = team.as_("jon").await;
    let refused = plane.preview(&jon, team.cart, &to).await.err();
    assert_eq!(refused, Some(PortError::denied(Permission::Rollback)));
    assert!(
        plane
            .preview(&team.as_("ada").await, team.cart, &to)
            .await
            .is_ok()
    );
}

/// Going back over a file that holds a project brings an old project back: by its parsed kind, and by its name.
#[tokio::test]
async fn attack_62_a_rollback_over_a_project_needs_the_right_on_it() {
    let own = "p, jon, applications, *, */*, allow\np, jon, repositories, get, *, allow\n";
    for (more, missing) in [
        ("", Permission::Project),
        (
            "p, jon, projects, update, infra, allow\n",
            Permission::Project,
        ),
        // The source holds the policy too.
        ("p, jon, projects, update, web, allow\n", Permission::Policy),
    ] {
        let team = Team::new(&format!("{own}{more}")).await;
        let to = team.bench.commits().pop().unwrap();
        team.bench.repository.write(
            "apps/cart/project.yaml",
            "apiVersion: argoproj.io/v1alpha1\nkind: \"AppPro\\u006aect\"\nmetadata: {name: web}\nspec: {}\n",
        );
        team.bench.repository.commit("a project");
        team.bench.fetch("main").await;
        let (plane, jon) = (&team.bench.plane, team.as_("jon").await);
        let refused = plane.preview(&jon, team.cart, &to).await.err();
        assert_eq!(refused, Some(PortError::denied(missing)), "{more}");
    }
}
