//! What a policy takes away, asked of the ports directly: nothing that may not be seen shows in any list, answer or error.

use super::bench::{App, Bench};
use super::routes::in_force;
use crate::accounts::AccountService;
use crate::events::Hub;
use crate::store::incident::NewIncident;
use crate::store::run::NewRun;
use crate::store::{self};
use futures::StreamExt;
use lockstep_types::Micros;
use lockstep_types::PortError;
use lockstep_types::access::Question;
use lockstep_types::account::{Actor, Permission, Role};
use lockstep_types::activity::ActivityQuery;
use lockstep_types::alert::{AlertQuery, Condition, IncidentSubject};
use lockstep_types::application::HoldKind;
use lockstep_types::drift::DriftQuery;
use lockstep_types::event::Subject;
use lockstep_types::fleet::FleetQuery;
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::ports::{
    AccessRules, Accounts, Alerts, Applications, Clusters, Events, Fleet, Leftovers, Rollbacks,
    Sources, Syncs,
};
use lockstep_types::sync::{StartedBy, SyncRequest};
use lockstep_types::sync_once::SyncOnce;
use std::collections::BTreeSet;
use uuid::Uuid;

const PASSWORD: &str = "correct horse battery staple";

/// Ada administers, jon and ana may what the policy says; `cart` is in the project `shop`, `dns` in `infra`.
pub(super) struct Team {
    pub(super) bench: Bench,
    accounts: AccountService,
    pub(super) cart: TargetId,
    dns: TargetId,
}

impl Team {
    pub(super) async fn new(policy: &str) -> Self {
        let bench = Bench::new().await;
        let dns = App {
            project: "infra",
            ..App::new("dns", "prod-eu")
        };
        let targets = bench.define(&[App::new("cart", "prod-eu"), dns]).await;
        let accounts = AccountService::open(bench.store().clone()).await.unwrap();
        let root = super::bench::actor(Role::Admin);
        for (name, role) in [
            ("ada", Role::Admin),
            ("jon", Role::Operator),
            ("ana", Role::Viewer),
        ] {
            accounts
                .create_user(&root, name, PASSWORD, role)
                .await
                .unwrap();
        }
        if !policy.is_empty() {
            in_force(&bench, policy).await;
        }
        let [cart, dns] = targets[..] else {
            unreachable!()
        };
        Self {
            bench,
            accounts,
            cart,
            dns,
        }
    }

    pub(super) async fn as_(&self, name: &str) -> Actor {
        let id = self.accounts.user_named(name).await.unwrap();
        self.accounts.actor_of_user(id).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn attack_58_what_may_not_be_seen_looks_like_what_is_not_there() {
    let team = Team::new("p, jon, applications, *, infra/*, allow\n").await;
    let (plane, jon) = (&team.bench.plane, team.as_("jon").await);
    let (hidden, none) = (
        team.bench.application(team.cart).await,
        ApplicationId(Uuid::nil()),
    );
    let told = |error: PortError, id: String| error.to_string().replace(&id, "ID");
    for (there, not) in [
        (
            plane.application(&jon, hidden, "").await.unwrap_err(),
            plane.application(&jon, none, "").await.unwrap_err(),
        ),
        (
            plane.definition(&jon, hidden).await.unwrap_err(),
            plane.definition(&jon, none).await.unwrap_err(),
        ),
    ] {
        assert_eq!(there.http_status(), 404);
        assert_eq!(told(there, hidden.to_string()), told(not, none.to_string()));
    }
    let request = |target| SyncRequest {
        target,
        prune: false,
        idempotency_key: None,
        once: SyncOnce::default(),
    };
    let nil = TargetId(Uuid::nil());
    for (there, not) in [
        (
            plane.tree(&jon, team.cart).await.err(),
            plane.tree(&jon, nil).await.err(),
        ),
        (
            plane.changes(&jon, team.cart).await.err(),
            plane.changes(&jon, nil).await.err(),
        ),
        (
            plane.history(&jon, team.cart, None).await.err(),
            plane.history(&jon, nil, None).await.err(),
        ),
        (
            plane.candidates(&jon, team.cart).await.err(),
            plane.candidates(&jon, nil).await.err(),
        ),
        (
            plane.refresh(&jon, team.cart).await.err(),
            plane.refresh(&jon, nil).await.err(),
        ),
        (
            plane.sync(&jon, &request(team.cart)).await.err(),
            plane.sync(&jon, &request(nil)).await.err(),
        ),
        (
            plane
                .hold(&jon, team.cart, HoldKind::Both, "x", 1)
                .await
                .err(),
            plane.hold(&jon, nil, HoldKind::Both, "x", 1).await.err(),
        ),
    ] {
        let (there, not) = (there.unwrap(), not.unwrap());
        assert_eq!(there.http_status(), 404);
        assert_eq!(
            told(there, team.cart.to_string()),
            told(not, nil.to_string())
        );
    }
    assert!(plane.tree(&jon, team.dns).await.is_ok());
    assert!(matches!(
        plane.cluster(&jon, "prod-eu").await,
        Err(PortError::NotFound(_))
    ));
    assert!(matches!(
        plane.sources(&jon).await,
        Err(PortError::Denied { .. })
    ));
}

#[tokio::test]
async fn attack_58_no_list_and_no_count_holds_what_may_not_be_seen() {
    let team = Team::new("p, jon, applications, *, infra/*, allow\n").await;
    let head = team.bench.commits().pop().unwrap();
    for target in [team.cart, team.dns] {
        team.bench.record(target, &head, |_| {}).await;
        let ada = team.as_("ada").await;
        let request = SyncRequest {
            target,
            prune: false,
            idempotency_key: None,
            once: SyncOnce::default(),
        };
        let operation = team.bench.plane.sync(&ada, &request).await.unwrap();
        let mut tx = team.bench.store().begin().await.unwrap();
        let new = NewRun {
            operation,
            target,
            fence: 1,
            revision: head.clone(),
            commit: None,
            started_by: StartedBy::AutoSync,
        };
        store::run::create(&mut tx, &new).await.unwrap();
        let subject = team
            .bench
            .plane
            .placement(target)
            .await
            .unwrap()
            .reference();
        let application = &subject.application;
        let labels = [
            ("project", application.project.clone()),
            ("application", application.name.clone()),
            ("cluster", subject.cluster.clone()),
        ];
        let incident = NewIncident {
            labels: labels.map(|(name, value)| (name.to_owned(), value)).into(),
            subject: IncidentSubject::Target(subject),
            condition: Condition::Degraded,
            cause: "it fell over".to_owned(),
            since: Micros(1),
        };
        store::incident::open(&mut tx, &incident).await.unwrap();
        tx.commit().await.unwrap();
        let hold = team.bench.plane.hold(&ada, target, HoldKind::Both, "x", 1);
        hold.await.unwrap();
    }
    let plane = &team.bench.plane;
    let everything = async |actor: &Actor| {
        let activity = ActivityQuery {
            limit: 50,
            ..ActivityQuery::default()
        };
        [
            serde_json::to_string(
                &plane
                    .fleet(
                        actor,
                        &FleetQuery {
                            filter: String::new(),
                            show_all: true,
                            ..FleetQuery::default()
                        },
                    )
                    .await
                    .unwrap(),
            ),
            serde_json::to_string(&plane.problems(actor).await.unwrap()),
            serde_json::to_string(&plane.drift(actor, &DriftQuery::default()).await.unwrap()),
            serde_json::to_string(&plane.activity(actor, &activity).await.unwrap()),
            serde_json::to_string(&plane.approvals(actor).await.unwrap()),
            serde_json::to_string(&plane.sets(actor).await.unwrap()),
            serde_json::to_string(&plane.alerts(actor, &AlertQuery::default()).await.unwrap()),
            serde_json::to_string(&plane.holds(actor).await.unwrap()),
            serde_json::to_string(&plane.leftovers(actor).await.unwrap()),
        ]
        .map(Result::unwrap)
        .concat()
    };
    let all = everything(&team.as_("ada").await).await;
    assert!(all.contains("cart") && all.contains("dns"), "{all}");
    let some = everything(&team.as_("jon").await).await;
    assert!(
        some.contains("dns")
            && !some.contains("\"name\":\"cart\"")
            && !some.contains("cart on")
            && !some.contains("shop"),
        "{some}"
    );
    let nothing = everything_denied(&team).await;
    assert_eq!(nothing, 8);

    // The stream too: what happened to the other application passes jon by.
    let (cart, dns) = (
        team.bench.application(team.cart).await,
        team.bench.application(team.dns).await,
    );
    let told = events(&team, "ada").await;
    assert!(told.contains(&cart) && told.contains(&dns), "{told:?}");
    let told = events(&team, "jon").await;
    assert!(!told.contains(&cart) && told.contains(&dns), "{told:?}");
}

/// The applications of which the stream tells somebody, up to the newest event.
async fn events(team: &Team, name: &str) -> BTreeSet<ApplicationId> {
    let head = store::event::head(team.bench.store()).await.unwrap();
    let hub = Hub::new(team.bench.store().clone());
    let mut stream = hub.subscribe(&team.as_(name).await, 0).await.unwrap();
    let mut told = BTreeSet::new();
    while let Some(event) = stream.next().await {
        let event = event.unwrap();
        if let Subject::Target { application, .. } | Subject::Run { application, .. } =
            event.subject
        {
            told.insert(application);
        }
        // The last thing that happened was to what both may see.
        if event.seq == head {
            break;
        }
    }
    told
}

/// Somebody of whom no line speaks.
async fn everything_denied(team: &Team) -> usize {
    let (plane, ana) = (&team.bench.plane, team.as_("ana").await);
    let activity = ActivityQuery {
        limit: 50,
        ..ActivityQuery::default()
    };
    [
        plane.fleet(&ana, &FleetQuery::default()).await.err(),
        plane.problems(&ana).await.err(),
        plane.drift(&ana, &DriftQuery::default()).await.err(),
        plane.activity(&ana, &activity).await.err(),
        plane.approvals(&ana).await.err(),
        plane.alerts(&ana, &AlertQuery::default()).await.err(),
        plane.holds(&ana).await.err(),
        plane.leftovers(&ana).await.err(),
    ]
    .into_iter()
    .filter(|error| matches!(error, Some(PortError::Denied { .. })))
    .count()
}

#[tokio::test]
async fn a_right_on_one_project_is_none_on_another() {
    let lines =
        "p, jon, applications, get, */*, allow\np, jon, applications, sync, infra/*, allow\n";
    let team = Team::new(lines).await;
    let (plane, jon) = (&team.bench.plane, team.as_("jon").await);
    let request = |target, prune| SyncRequest {
        target,
        prune,
        idempotency_key: None,
        once: SyncOnce::default(),
    };
    assert!(plane.sync(&jon, &request(team.dns, false)).await.is_ok());
    for (target, prune) in [(team.cart, false), (team.dns, true)] {
        let refused = plane.sync(&jon, &request(target, prune)).await.err();
        assert!(
            matches!(refused, Some(PortError::Denied { .. })),
            "{refused:?}"
        );
    }
    // To delete and make anew is more than to sync; to ask what a cluster would say is not.
    let once = |force, replace, dry_run| SyncOnce {
        force,
        replace,
        dry_run,
        ..SyncOnce::default()
    };
    for (once, allowed) in [
        (once(true, false, false), false),
        (once(false, true, false), false),
        (once(true, true, true), true),
    ] {
        let request = SyncRequest {
            once,
            ..request(team.dns, false)
        };
        let refused = plane.sync(&jon, &request).await.err();
        let denied =
            matches!(&refused, Some(PortError::Denied { permission, .. }) if permission == "force");
        assert_eq!(denied, !allowed, "{refused:?}");
    }
}

#[tokio::test]
async fn the_simulator_answers_with_the_line() {
    let team =
        Team::new("g, jon, role:dev\np, role:dev, applications, sync, shop/*, allow\n").await;
    let (plane, ada, jon) = (
        &team.bench.plane,
        team.as_("ada").await,
        team.as_("jon").await,
    );
    let ask = |subject: &str, action: &str, object: &str| Question {
        subject: subject.to_owned(),
        action: action.to_owned(),
        object: object.to_owned(),
    };
    let said = plane
        .can(&ada, &ask("jon", "sync", "shop/cart"))
        .await
        .unwrap();
    assert_eq!(said.verdict.why, "allowed by policy.csv:2");
    let said = plane
        .can(&ada, &ask("role:dev", "sync", "infra/dns"))
        .await
        .unwrap();
    assert_eq!(
        said.verdict.why,
        "no line allows applications, sync on infra/dns"
    );
    assert!(
        plane
            .can(&jon, &ask("", "sync", "shop/cart"))
            .await
            .unwrap()
            .verdict
            .allowed
    );
    let others = plane.can(&jon, &ask("ada", "sync", "shop/cart")).await;
    assert!(matches!(others, Err(PortError::Denied { .. })));
    assert!(
        plane
            .can(&ada, &ask("ada", "policy", ""))
            .await
            .unwrap()
            .verdict
            .allowed
    );
    assert!(matches!(
        plane.access(&jon).await,
        Err(PortError::Denied { .. })
    ));
    let view = plane.access(&ada).await.unwrap();
    let dev = view
        .roles
        .iter()
        .find(|role| role.name == "role:dev")
        .unwrap();
    assert_eq!((dev.members[0].name.as_str(), dev.built_in), ("jon", false));
    let person = view
        .people
        .iter()
        .find(|person| person.name == "jon")
        .unwrap();
    assert_eq!(person.roles, ["role:dev"]);
}

#[tokio::test]
async fn who_may_administer_accounts_does_not_become_an_administrator() {
    let team = Team::new("p, jon, accounts, update, *, allow\n").await;
    let (jon, accounts) = (team.as_("jon").await, &team.accounts);
    let ada = accounts.user_named("ada").await.unwrap();
    for refused in [
        accounts
            .create_user(&jon, "eve", PASSWORD, Role::Admin)
            .await
            .err(),
        accounts.set_password(&jon, ada, "", PASSWORD).await.err(),
        accounts.set_disabled(&jon, ada, true).await.err(),
    ] {
        assert_eq!(refused, Some(PortError::denied(Permission::Policy)));
    }
    assert!(
        accounts
            .create_user(&jon, "eve", PASSWORD, Role::Viewer)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn attack_57_who_administers_accounts_gets_no_rights_that_the_policy_gives_to_names() {
    let lines = "p, jon, accounts, update, *, allow\n\
                 p, jon, applications, get, */*, allow\n\
                 g, ana, role:admin\n\
                 g, boss, role:ruler\n\
                 p, role:ruler, *, *, *, allow\n\
                 p, team-shop, applications, sync, shop/*, allow\n\
                 p, guest, applications, get, shop/*, allow\n";
    let team = Team::new(lines).await;
    let (jon, ada, accounts) = (team.as_("jon").await, team.as_("ada").await, &team.accounts);
    let ana = accounts.user_named("ana").await.unwrap();
    // Administrators by the policy, and names that would be: a person's, a group's.
    let mut refused = vec![
        accounts.set_password(&jon, ana, "", PASSWORD).await.err(),
        accounts.set_disabled(&jon, ana, true).await.err(),
        accounts.remove_factor(&jon, ana, "").await.err(),
        accounts.end_sessions(&jon, ana, None).await.err(),
    ];
    for name in ["boss", "team-shop"] {
        refused.push(
            accounts
                .create_user(&jon, name, PASSWORD, Role::Viewer)
                .await
                .err(),
        );
        refused.push(
            accounts
                .create_automation(&jon, name, Role::Viewer)
                .await
                .err(),
        );
    }
    assert_eq!(refused.len(), 8);
    for error in refused {
        assert_eq!(error, Some(PortError::denied(Permission::Policy)));
    }
    // Whoever may no more than jon is his to administer, and everybody is ada's.
    let guest = accounts
        .create_user(&jon, "guest", PASSWORD, Role::Viewer)
        .await
        .unwrap();
    assert!(accounts.set_disabled(&jon, guest, true).await.is_ok());
    assert!(accounts.set_disabled(&ada, ana, true).await.is_ok());
    assert!(
        accounts
            .create_user(&ada, "boss", PASSWORD, Role::Viewer)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn the_source_of_the_policy_is_chosen_by_those_who_may_and_not_removed() {
    let team = Team::new("").await;
    let (plane, ada, jon) = (
        &team.bench.plane,
        team.as_("ada").await,
        team.as_("jon").await,
    );
    let source = Some(team.bench.source);
    assert!(matches!(
        plane.choose_policy_source(&jon, source).await,
        Err(PortError::Denied { .. })
    ));
    plane.choose_policy_source(&ada, source).await.unwrap();
    // Nothing was read from it yet: the roles of the accounts count.
    assert!(
        plane
            .fleet(&team.as_("ana").await, &FleetQuery::default())
            .await
            .is_ok()
    );
    let refused = plane
        .remove_source(&ada, team.bench.source, "root")
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("holds the policy"),
        "{refused}"
    );
    plane.choose_policy_source(&ada, None).await.unwrap();
    assert!(
        plane
            .remove_source(&ada, team.bench.source, "root")
            .await
            .is_ok()
    );
}
