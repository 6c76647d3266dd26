//! Credentials go in and never come out: whoever may read everything reads none of them.

use super::reading::JSON;
use super::world::{World, text, world};
use super::{PASSWORD, pages};
use crate::http::{api, functions};
use crate::store;
use http::Method;
use lockstep_types::account::{NewToken, Role};
use lockstep_types::cluster::NewCluster;
use lockstep_types::notify::{NewReceiver, NewStatusHost};
use lockstep_types::policy::TokenScope;
use lockstep_types::ports::{Alerts, Clusters, Sources, Webhooks};
use lockstep_types::revision::TargetRevision;
use lockstep_types::source::NewSource;

/// Of a source, a cluster, a receiver's address and key, a host of statuses.
const PLANTED: [&str; 5] = [
    "planted-git-password",
    "planted-cluster-token",
    "planted-way-to-the-hook",
    "planted-signing-key",
    "planted-host-token",
];

/// Gives the server one credential of each kind; what it made itself is the answer.
async fn plant(world: &World) -> String {
    let (plane, admin) = (&world.bench.plane, &world.admin);
    let source = NewSource {
        name: "second".to_owned(),
        repo_url: "https://git.example.com/second.git".to_owned(),
        path: "apps".to_owned(),
        target_revision: TargetRevision("main".to_owned()),
        home_cluster: String::new(),
        username: Some("robot".to_owned()),
        password: Some(PLANTED[0].to_owned()),
        ssh_key: None,
        known_hosts: None,
        ca: None,
    };
    plane.add_source(admin, &source).await.unwrap();
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: p\ncontexts: [{{name: p, context: {{cluster: c, user: u}}}}]\nclusters: [{{name: c, cluster: {{server: \"https://k8s.example.com:6443\"}}}}]\nusers: [{{name: u, user: {{token: {}}}}}]\n",
        PLANTED[1]
    );
    let cluster = NewCluster {
        name: "prod-us".to_owned(),
        labels: Default::default(),
        kubeconfig,
        context: String::new(),
    };
    plane.add_cluster(admin, &cluster).await.unwrap();
    let receiver = NewReceiver {
        name: "signed".to_owned(),
        channel: "webhook".to_owned(),
        address: format!("https://hooks.example.com/{}", PLANTED[2]),
        secret: PLANTED[3].to_owned(),
        ..NewReceiver::default()
    };
    let receiver = plane.add_receiver(admin, &receiver).await.unwrap();
    plane.test_receiver(admin, receiver).await.unwrap();
    let host = NewStatusHost {
        prefix: "https://git.example.com/other/".to_owned(),
        provider: "gitea".to_owned(),
        token: PLANTED[4].to_owned(),
        comments: true,
    };
    plane.add_status_host(admin, &host).await.unwrap();
    plane.renew_webhook_secret(admin).await.unwrap()
}

#[tokio::test]
async fn attack_63_who_may_read_everything_reads_no_credential() {
    let world = world().await;
    let webhook = plant(&world).await;
    let owners = store::credential::owners(world.bench.store())
        .await
        .unwrap();
    assert!(owners.len() >= 4, "{} are kept", owners.len());
    let scope = TokenScope {
        role: Role::Viewer,
        projects: Vec::new(),
    };
    let reading = NewToken {
        label: "reads".to_owned(),
        scope: Some(scope),
        ..NewToken::default()
    };
    let reading = world.token_of_admin(&reading).await;
    let whole = world.tokens[3].clone();
    let (mut heard, mut open) = (Vec::new(), 0);
    for token in [&reading, &whole] {
        for route in api::table().finish().1 {
            // The stream of events has no end; what it says is numbers and names.
            if route.method != Method::GET || route.path == "/events" {
                continue;
            }
            let path = format!("/api/v1{}", world.api_path(route.path));
            let answer = world.send(token, "GET", &path, "", String::new()).await;
            open += u32::from(answer.status().is_success());
            heard.push((path, text(answer).await));
        }
        for (name, _) in functions::FUNCTIONS {
            if !JSON.contains(name) {
                continue;
            }
            let (kind, body) = world.call(name);
            let path = format!("{}{name}", functions::PREFIX);
            let answer = world.send(token, "POST", &path, kind, body).await;
            open += u32::from(answer.status().is_success());
            heard.push((path, text(answer).await));
        }
    }
    let cookie = world.cookie("admin").await;
    let settings = [
        "sources",
        "clusters",
        "notifications",
        "access",
        "accounts",
        "webhooks",
        "tokens",
    ];
    let tabs = settings.map(|tab| format!("/settings?tab={tab}"));
    for path in pages().into_iter().chain(tabs) {
        let answer = world.page(&cookie, &world.page_path(&path)).await;
        open += u32::from(answer.status().is_success());
        heard.push((path, text(answer).await));
    }
    assert!(open > 130, "only {open} of {} answered", heard.len());
    let all: String = heard.iter().map(|(_, text)| text.as_str()).collect();
    for known in [
        "second.git",
        "k8s.example.com",
        "hooks.example.com",
        "git.example.com/other/",
    ] {
        assert!(all.contains(known), "nobody saw {known}");
    }
    let secrets = PLANTED
        .iter()
        .copied()
        .chain([webhook.as_str(), PASSWORD, reading.as_str()]);
    for secret in secrets {
        for (path, text) in &heard {
            assert!(!text.contains(secret), "{path} holds {secret}");
        }
    }
    // Nor does it change anything: each of the others is refused to it.
    for (name, _) in functions::FUNCTIONS {
        if [
            "add_source",
            "add_cluster",
            "add_receiver",
            "renew_webhook_secret",
            "create_token",
        ]
        .contains(name)
        {
            let (kind, body) = world.call(name);
            let path = format!("{}{name}", functions::PREFIX);
            let answer = world.send(&reading, "POST", &path, kind, body).await;
            assert!(
                answer.status().is_client_error(),
                "{name} {}",
                answer.status()
            );
        }
    }
}
