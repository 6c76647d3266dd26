//! What guards a rollback: a project that asks for a second person, closed windows and holds.

use super::bench::{App, Bench, actor};
use crate::accounts::AccountService;
use crate::store;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Role};
use lockstep_types::application::HoldKind;
use lockstep_types::ask::{AskWay, PinOutcome};
use lockstep_types::fleet::{FleetQuery, NeedsYou};
use lockstep_types::id::{AskId, TargetId};
use lockstep_types::ports::{Accounts, Fleet, Rollbacks};
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::{PinRequest, RollbackPreview, RollbackRequest};
use lockstep_types::sync::StartedBy;

const PASSWORD: &str = "correct horse battery staple";

/// A project `shop` with this annotation and these windows.
fn project(annotation: &str, windows: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: shop, namespace: argocd, annotations: {{{annotation}}}}}\nspec:\n  sourceRepos: ['*']\n  destinations: [{{server: '*', namespace: '*'}}, {{name: '*', namespace: '*'}}]\n  syncWindows: [{windows}]\n"
    )
}

const SECOND: &str = "lockstep.dev/rollback-approval: second-person";

struct Shop {
    bench: Bench,
    accounts: AccountService,
    target: TargetId,
    commits: Vec<Revision>,
}

impl Shop {
    /// `cart` on one cluster, `cart-us` on another, both of the project; operators jon and lena, ana who only looks, and a
    /// program.
    async fn new(project: &str) -> Self {
        let bench = Bench::new().await;
        let apps = [App::new("cart", "prod-eu"), App::new("cart-us", "prod-us")];
        let target = bench.define_in(&apps, project).await[0];
        let accounts = AccountService::open(bench.store().clone()).await.unwrap();
        let root = actor(Role::Admin);
        for (name, role) in [
            ("jon", Role::Operator),
            ("lena", Role::Operator),
            ("ana", Role::Viewer),
        ] {
            let made = accounts.create_user(&root, name, PASSWORD, role).await;
            made.unwrap();
        }
        let robot = accounts.create_automation(&root, "robot", Role::Operator);
        robot.await.unwrap();
        let commits = bench.commits();
        Self {
            bench,
            accounts,
            target,
            commits,
        }
    }

    async fn as_(&self, name: &str) -> Actor {
        let id = self.accounts.user_named(name).await.unwrap();
        self.accounts.actor_of_user(id).await.unwrap().unwrap()
    }

    async fn previewed(&self, by: &Actor) -> RollbackPreview {
        let plane = &self.bench.plane;
        let preview = plane.preview(by, self.target, &self.commits[0]).await;
        preview.unwrap()
    }

    fn request(&self, preview: &RollbackPreview) -> RollbackRequest {
        RollbackRequest {
            target: self.target,
            to: self.commits[0].clone(),
            digest: preview.digest.clone(),
            reason: "orders are lost".to_owned(),
            propose: false,
            undo: false,
            overrides: Vec::new(),
        }
    }

    /// Jon asks; nothing is written.
    async fn asked(&self) -> (AskId, String) {
        let jon = self.as_("jon").await;
        let preview = self.previewed(&jon).await;
        assert_eq!(preview.second_person, ["shop"]);
        let request = self.request(&preview);
        let outcome = self.bench.plane.roll_back(&jon, &request).await.unwrap();
        let CommitOutcome::Asked(asked) = outcome else {
            unreachable!("{outcome:?}")
        };
        assert_eq!(self.bench.commits(), self.commits);
        assert!(self.pending().await.is_empty());
        (asked.id, preview.digest)
    }

    async fn pending(&self) -> Vec<store::operation::OperationRow> {
        let pending = store::operation::pending(self.bench.store(), self.target).await;
        pending.unwrap()
    }

    async fn decided(
        &self,
        by: &str,
        (ask, digest): &(AskId, String),
        yes: bool,
    ) -> Result<String, PortError> {
        let by = self.as_(by).await;
        let decided = self.bench.plane.decide_ask(&by, *ask, digest, yes).await;
        decided.map(|decision| decision.words)
    }

    async fn acts(&self) -> Vec<(String, String, serde_json::Value)> {
        let query = store::audit::AuditQuery {
            limit: 50,
            ..Default::default()
        };
        let log = store::audit::list(self.bench.store(), &query).await;
        let acts = log.unwrap().into_iter().map(|entry| entry.act);
        acts.map(|act| (act.actor, act.action, act.detail))
            .collect()
    }
}

fn conflict(answer: &Result<String, PortError>, says: &str) {
    assert!(
        matches!(answer, Err(PortError::Conflict(why)) if why.contains(says)),
        "{says}: {answer:?}"
    );
}

#[tokio::test]
async fn a_rollback_waits_for_somebody_else_and_is_done_once() {
    let shop = Shop::new(&project(SECOND, "")).await;
    let plane = &shop.bench.plane;
    let robot = shop.as_("robot").await;
    let preview = shop.previewed(&robot).await;
    let asked = plane.roll_back(&robot, &shop.request(&preview)).await;
    conflict(&asked.map(|outcome| format!("{outcome:?}")), "automation");
    let ask = shop.asked().await;
    // Asking for the same again is the same question.
    assert_eq!(shop.asked().await, ask);
    let lena = shop.as_("lena").await;
    let waiting = plane.asks(&lena).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert!(!waiting[0].own && waiting[0].ask.way == AskWay::Commit);
    assert!(waiting[0].preview.patch.contains("+  greeting: one"));
    assert!(plane.asks(&shop.as_("jon").await).await.unwrap()[0].own);
    let fleet = plane.fleet(&lena, &FleetQuery::default()).await.unwrap();
    assert!(
        matches!(fleet.needs_you.as_slice(), [NeedsYou::Rollback(need), ..] if need.id == ask.0),
        "{:?}",
        fleet.needs_you
    );

    conflict(&shop.decided("jon", &ask, true).await, "yourself");
    conflict(&shop.decided("robot", &ask, true).await, "automation");
    let other = (ask.0, "other".to_owned());
    conflict(&shop.decided("lena", &other, true).await, "another one");
    for yes in [true, false] {
        let refused = shop.decided("ana", &ask, yes).await;
        assert!(
            matches!(refused, Err(PortError::Denied { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(shop.bench.commits(), shop.commits);

    let done = shop.decided("lena", &ask, true).await.unwrap();
    assert!(done.starts_with("committed as"), "{done}");
    let message = shop
        .bench
        .repository
        .git(&["log", "-1", "--format=%an%n%B", "main"]);
    assert!(
        message.starts_with("jon\n")
            && message.contains("\nLockstep-Approved-By: lena\n")
            && message.contains("\norders are lost\n"),
        "{message}"
    );
    assert_eq!(shop.bench.commits().len(), shop.commits.len() + 1);
    let pending = shop.pending().await;
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].started_by, StartedBy::Rollback("jon".to_owned()));

    conflict(
        &shop.decided("lena", &ask, true).await,
        "approved by lena already",
    );
    conflict(
        &shop.decided("jon", &ask, false).await,
        "approved by lena already",
    );
    assert_eq!(shop.bench.commits().len(), shop.commits.len() + 1);
    assert!(plane.asks(&lena).await.unwrap().is_empty());
    let acts = shop.acts().await;
    let words: Vec<(&str, &str)> = acts
        .iter()
        .map(|(by, act, _)| (by.as_str(), act.as_str()))
        .filter(|(_, act)| act.contains("roll back"))
        .collect();
    assert_eq!(
        words,
        [
            ("jon", "roll back: committed"),
            ("jon", "roll back"),
            ("lena", "approve to roll back"),
            ("jon", "ask to roll back"),
            ("jon", "ask to roll back"),
        ]
    );
    let detail = |act: &str| {
        let found = acts.iter().find(|(_, word, _)| word == act);
        found.map(|(.., detail)| detail.clone()).unwrap_or_default()
    };
    assert_eq!(detail("roll back")["approved_by"], "lena");
    assert_eq!(detail("approve to roll back")["asked_by"], "jon");
}

#[tokio::test]
async fn attack_61_a_yes_is_for_what_was_shown_only() {
    let shop = Shop::new(&project(SECOND, "")).await;
    let ask = shop.asked().await;
    shop.bench
        .repository
        .write("apps/cart/config.yaml", &super::bench::config("four"));
    let moved = shop.bench.repository.commit("four");
    shop.bench.fetch("main").await;
    conflict(&shop.decided("lena", &ask, true).await, "has changed since");
    assert_eq!(shop.bench.commits().last(), Some(&moved));
    assert!(shop.pending().await.is_empty());
    // It is over; the branch coming back would not revive it.
    conflict(
        &shop.decided("lena", &ask, true).await,
        "out of date when lena",
    );

    // The branch moved and nobody has looked yet: the push finds out.
    let commits = shop.bench.commits();
    let jon = shop.as_("jon").await;
    let preview = shop.previewed(&jon).await;
    let outcome = shop
        .bench
        .plane
        .roll_back(&jon, &shop.request(&preview))
        .await;
    let Ok(CommitOutcome::Asked(asked)) = outcome else {
        unreachable!("{outcome:?}")
    };
    shop.bench.repository.write("README.md", "unseen");
    let unseen = shop.bench.repository.commit("unseen");
    let late = shop
        .decided("lena", &(asked.id, preview.digest), true)
        .await;
    assert!(matches!(late, Err(PortError::Conflict(_))), "{late:?}");
    assert_eq!(shop.bench.commits().last(), Some(&unseen));
    assert_eq!(shop.bench.commits().len(), commits.len() + 1);
}

#[tokio::test]
async fn a_question_ends_by_time_by_a_no_and_by_who_asked() {
    let shop = Shop::new(&project(SECOND, "")).await;
    for (by, says) in [("lena", "rejected"), ("jon", "withdrawn")] {
        let ask = shop.asked().await;
        let ended = shop.decided(by, &ask, false).await.unwrap();
        assert!(ended.starts_with(says), "{ended}");
        let again = format!("{says} by {by} already");
        conflict(&shop.decided("lena", &ask, true).await, &again);
    }
    let jon = shop.as_("jon").await;
    let preview = shop.previewed(&jon).await;
    let mut tx = shop.bench.store().begin().await.unwrap();
    let new = store::ask::NewAsk {
        way: AskWay::Commit,
        to: &shop.commits[0],
        digest: &preview.digest,
        hours: 0,
        reason: "x",
        overrides: &[],
        projects: &[],
        by: (&jon.name, jon.user),
        preview: &preview,
        until: tx.now().plus_seconds(-1),
    };
    let (late, _) = store::ask::ask(&mut tx, shop.target, &new).await.unwrap();
    tx.commit().await.unwrap();
    let lena = shop.as_("lena").await;
    assert!(shop.bench.plane.asks(&lena).await.unwrap().is_empty());
    conflict(
        &shop.decided("lena", &(late, preview.digest), true).await,
        "its time was over",
    );
    assert_eq!(shop.bench.commits(), shop.commits);
}

#[tokio::test]
async fn whoever_may_no_longer_roll_back_gets_nothing_by_a_yes() {
    let shop = Shop::new(&project(SECOND, "")).await;
    let ask = shop.asked().await;
    let jon = shop.as_("jon").await;
    let mut tx = shop.bench.store().begin().await.unwrap();
    store::user::set_disabled(&mut tx, jon.user, true)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    conflict(&shop.decided("lena", &ask, true).await, "is disabled");
    assert_eq!(shop.bench.commits(), shop.commits);
}

#[tokio::test]
async fn a_pin_waits_too_and_a_pull_request_does_not() {
    let shop = Shop::new(&project(SECOND, "")).await;
    let (plane, jon) = (&shop.bench.plane, shop.as_("jon").await);
    let pin = PinRequest {
        target: shop.target,
        to: shop.commits[0].clone(),
        reason: "incident".to_owned(),
        hours: 4,
        overrides: Vec::new(),
        digest: String::new(),
    };
    let outcome = plane.pin(&jon, &pin).await.unwrap();
    let PinOutcome::Asked(asked) = outcome else {
        unreachable!("{outcome:?}")
    };
    let pinned = || async {
        let pin = store::pin::unended_of(shop.bench.store(), shop.target).await;
        pin.unwrap().map(|pin| (pin.owner, pin.revision))
    };
    assert_eq!(pinned().await, None);
    let waiting = plane.asks(&jon).await.unwrap();
    assert_eq!(waiting[0].preview.targets.len(), 1, "one target alone");
    let ask = (asked.id, waiting[0].ask.digest.clone());
    shop.decided("lena", &ask, true).await.unwrap();
    assert_eq!(
        pinned().await,
        Some(("jon".to_owned(), shop.commits[0].clone()))
    );

    let preview = shop.previewed(&jon).await;
    let request = RollbackRequest {
        propose: true,
        ..shop.request(&preview)
    };
    let outcome = plane.roll_back(&jon, &request).await.unwrap();
    assert!(matches!(outcome, CommitOutcome::Proposed(_)), "{outcome:?}");
    assert_eq!(shop.bench.commits(), shop.commits);
}

#[tokio::test]
async fn windows_and_holds_are_obeyed_or_overridden_by_name_with_a_reason() {
    let deny = "{kind: deny, schedule: '* * * * *', duration: 2m, applications: [cart]}";
    let shop = Shop::new(&project("", deny)).await;
    let (plane, jon) = (&shop.bench.plane, shop.as_("jon").await);
    let hold = plane
        .hold(&jon, shop.target, HoldKind::Both, "the sale runs", 4)
        .await
        .unwrap();
    let preview = shop.previewed(&jon).await;
    assert!(preview.second_person.is_empty());
    let obstacles: Vec<(&str, &str)> = preview
        .obstacles
        .iter()
        .map(|obstacle| (obstacle.target.cluster.as_str(), obstacle.name.as_str()))
        .collect();
    let names = [
        format!("hold:{}", hold.id),
        "window:shop:deny * * * * * for 2m UTC".to_owned(),
    ];
    assert_eq!(
        obstacles,
        [
            ("prod-eu", names[0].as_str()),
            ("prod-eu", names[1].as_str())
        ]
    );
    assert!(
        preview.obstacles[0]
            .words
            .contains("jon holds all writes until")
            && preview.obstacles[0].words.ends_with("the sale runs")
            && preview.obstacles[1]
                .words
                .contains("of project shop: closed"),
        "{:?}",
        preview.obstacles
    );
    let overriding = |overrides: &[String], reason: &str| RollbackRequest {
        overrides: overrides.to_vec(),
        reason: reason.to_owned(),
        ..shop.request(&preview)
    };
    // Without a reason, with a name that is not in the way, and without the right: nothing.
    let silent = plane.roll_back(&jon, &overriding(&names, "")).await;
    assert!(
        matches!(silent, Err(PortError::Invalid { .. })),
        "{silent:?}"
    );
    let wrong = ["hold:nobody".to_owned()];
    let wrong = plane.roll_back(&jon, &overriding(&wrong, "x")).await;
    assert!(matches!(&wrong, Err(PortError::Conflict(why)) if why.contains("not in the way")));
    super::routes::in_force(
        &shop.bench,
        "p, jon, applications, get, */*, allow\np, jon, applications, rollback, */*, allow\n",
    )
    .await;
    let bound = shop.as_("jon").await;
    let denied = plane.roll_back(&bound, &overriding(&names, "x")).await;
    assert!(
        matches!(&denied, Err(PortError::Denied { permission, .. }) if permission == "override"),
        "{denied:?}"
    );
    assert_eq!(shop.bench.commits(), shop.commits);

    let request = overriding(&names, "orders are lost");
    let outcome = plane.roll_back(&jon, &request).await.unwrap();
    assert!(
        matches!(outcome, CommitOutcome::Committed { .. }),
        "{outcome:?}"
    );
    let pending = shop.pending().await;
    assert_eq!(pending.len(), 1, "the hold does not keep it back");
    assert_eq!(pending[0].overrides(), names);
    let acts = shop.acts().await;
    let act = acts.iter().find(|(_, act, _)| act == "roll back").unwrap();
    assert_eq!(act.2["overrides"], serde_json::json!(names));
}

#[tokio::test]
async fn a_yes_to_an_undo_overrides_what_was_asked_for() {
    let deny = "{kind: deny, schedule: '* * * * *', duration: 2m, applications: [cart]}";
    let shop = Shop::new(&project(SECOND, deny)).await;
    let (plane, jon) = (&shop.bench.plane, shop.as_("jon").await);
    let hold = plane.hold(&jon, shop.target, HoldKind::Both, "the sale runs", 4);
    let names = [
        format!("hold:{}", hold.await.unwrap().id),
        "window:shop:deny * * * * * for 2m UTC".to_owned(),
    ];
    let newest = shop.commits.last().unwrap();
    let preview = plane.preview_undo(&jon, shop.target, newest).await.unwrap();
    let request = RollbackRequest {
        to: newest.clone(),
        undo: true,
        overrides: names.to_vec(),
        ..shop.request(&preview)
    };
    let outcome = plane.roll_back(&jon, &request).await.unwrap();
    let CommitOutcome::Asked(asked) = outcome else {
        unreachable!("{outcome:?}")
    };
    let waiting = plane.asks(&shop.as_("lena").await).await.unwrap();
    assert_eq!(
        (waiting[0].ask.way, waiting[0].ask.overrides.as_slice()),
        (AskWay::Undo, names.as_slice())
    );
    let ask = (asked.id, preview.digest);
    // The right to override is jon's; without it by now the yes does nothing.
    let policy = "p, jon, applications, get, */*, allow\np, jon, applications, rollback, */*, allow\n\
                  p, lena, applications, get, */*, allow\np, lena, applications, approve, */*, allow\n";
    super::routes::in_force(&shop.bench, policy).await;
    let refused = shop.decided("lena", &ask, true).await;
    assert!(
        matches!(&refused, Err(PortError::Denied { permission, .. }) if permission == "override"),
        "{refused:?}"
    );
    assert_eq!(shop.bench.commits(), shop.commits);
    let policy = format!("{policy}p, jon, applications, override, */*, allow\n");
    super::routes::in_force(&shop.bench, &policy).await;

    let done = shop.decided("lena", &ask, true).await.unwrap();
    assert!(done.starts_with("committed as"), "{done}");
    let show = |what: &str| shop.bench.repository.git(&["show", what]);
    assert_eq!(
        show("main:apps/cart/config.yaml"),
        show(&format!("{newest}~:apps/cart/config.yaml"))
    );
    let pending = shop.pending().await;
    assert_eq!(pending.len(), 1, "the hold does not keep it back");
    assert_eq!(pending[0].overrides(), names);
}

#[tokio::test]
async fn a_hold_that_is_not_overridden_keeps_the_sync_back() {
    let shop = Shop::new("").await;
    let (plane, jon) = (&shop.bench.plane, shop.as_("jon").await);
    let hold = plane.hold(&jon, shop.target, HoldKind::Both, "the sale runs", 4);
    hold.await.unwrap();
    let preview = shop.previewed(&jon).await;
    let outcome = plane.roll_back(&jon, &shop.request(&preview)).await;
    assert!(
        matches!(outcome, Ok(CommitOutcome::Committed { .. })),
        "{outcome:?}"
    );
    assert!(shop.pending().await.is_empty());
}
