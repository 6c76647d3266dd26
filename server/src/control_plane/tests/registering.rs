use super::bench::{Bench, actor};
use crate::control_plane::registration::GitSecret;
use crate::secrets::Sealed;
use crate::store;
use engine::source::Credential;
use lockstep_types::PortError;
use lockstep_types::account::Role;
use lockstep_types::cluster::NewCluster;
use lockstep_types::ports::{Clusters, Sources};
use lockstep_types::revision::TargetRevision;
use lockstep_types::source::NewSource;
use secrecy::ExposeSecret;
use std::collections::BTreeMap;

fn source(name: &str, repo_url: &str) -> NewSource {
    NewSource {
        name: name.to_owned(),
        repo_url: repo_url.to_owned(),
        path: "/clusters/".to_owned(),
        target_revision: TargetRevision("main".to_owned()),
        home_cluster: String::new(),
        username: None,
        password: Some("hunter2".to_owned()),
        ssh_key: None,
        known_hosts: None,
        ca: None,
    }
}

#[tokio::test]
async fn a_source_is_checked_kept_and_forgotten() {
    let bench = Bench::new().await;
    let admin = actor(Role::Admin);
    let field = |refusal: Result<_, PortError>| match refusal {
        Err(PortError::Invalid { field, .. }) => field,
        other => format!("{other:?}"),
    };
    assert_eq!(
        field(
            bench
                .plane
                .add_source(&admin, &source("a b", "https://git.example.com/a.git"))
                .await
        ),
        "name"
    );
    assert_eq!(
        field(
            bench
                .plane
                .add_source(&admin, &source("a", "ftp://git.example.com/a.git"))
                .await
        ),
        "repo_url"
    );
    let homeless = NewSource {
        home_cluster: "nowhere".to_owned(),
        ..source("a", "https://git.example.com/a.git")
    };
    assert_eq!(
        field(bench.plane.add_source(&admin, &homeless).await),
        "home_cluster"
    );
    let nameless = NewSource {
        username: Some("x".to_owned()),
        password: None,
        ..source("a", "https://git.example.com/a.git")
    };
    assert_eq!(
        field(bench.plane.add_source(&admin, &nameless).await),
        "password"
    );

    for (ssh_key, known_hosts, ca, at) in [
        (
            Some("not a key"),
            Some("h ssh-ed25519 AAAA"),
            None,
            "ssh_key",
        ),
        (Some("not a key"), None, None, "known_hosts"),
        (None, Some("h ssh-ed25519 AAAA"), None, "ssh_key"),
        (None, None, Some("not a certificate"), "ca"),
    ] {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let wrong = NewSource {
            password: None,
            ssh_key: text(ssh_key),
            known_hosts: text(known_hosts),
            ca: text(ca),
            ..source("a", "ssh://git@git.example.com/a.git")
        };
        assert_eq!(field(bench.plane.add_source(&admin, &wrong).await), at);
    }

    let id = bench
        .plane
        .add_source(&admin, &source("a", "https://git.example.com/a.git"))
        .await
        .unwrap();
    let again = bench
        .plane
        .add_source(&admin, &source("a", "https://git.example.com/a.git"))
        .await;
    assert!(matches!(again, Err(PortError::Conflict(_))), "{again:?}");
    let sealed = store::credential::get(bench.store(), id.0)
        .await
        .unwrap()
        .unwrap();
    assert!(!sealed.bytes.windows(7).any(|bytes| bytes == b"hunter2"));
    let sealed = Sealed {
        key_id: sealed.key_id,
        blob: sealed.bytes,
    };
    let opened = GitSecret::open(&bench.plane.registration.vault, id, &sealed).unwrap();
    let Credential::Basic { username, password } = opened.credential() else {
        panic!("a password");
    };
    assert_eq!(
        (username.as_str(), password.expose_secret()),
        ("git", "hunter2")
    );
    let views = bench.plane.sources(&actor(Role::Viewer)).await.unwrap();
    let view = views.iter().find(|view| view.id == id).unwrap();
    assert_eq!(
        (view.path.as_str(), view.has_credentials),
        ("clusters", true)
    );
    assert!(!format!("{views:?}").contains("hunter2"));

    assert_eq!(
        field(
            bench
                .plane
                .remove_source(&admin, id, "b")
                .await
                .map(|()| id)
        ),
        "typed"
    );
    bench.plane.remove_source(&admin, id, "a").await.unwrap();
    assert!(
        store::credential::get(bench.store(), id.0)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_kubeconfig_is_checked_and_never_quoted() {
    let bench = Bench::new().await;
    let admin = actor(Role::Admin);
    let with = |kubeconfig: &str| NewCluster {
        name: "prod".to_owned(),
        labels: BTreeMap::from([("env".to_owned(), "prod".to_owned())]),
        kubeconfig: kubeconfig.to_owned(),
        context: String::new(),
    };
    for kubeconfig in [
        "token: hunter2: [",
        "apiVersion: v1\nkind: Config\nusers: [{name: a, user: {token: hunter2}}]\n",
    ] {
        let refusal = bench
            .plane
            .add_cluster(&admin, &with(kubeconfig))
            .await
            .unwrap_err();
        assert!(
            matches!(&refusal, PortError::Invalid { field, .. } if field == "kubeconfig"),
            "{refusal:?}"
        );
        assert!(!format!("{refusal:?}").contains("hunter2"), "{refusal:?}");
    }
    let good = "apiVersion: v1\nkind: Config\ncurrent-context: p\ncontexts: [{name: p, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: \"https://k8s.example.com:6443\"}}]\nusers: [{name: u, user: {token: hunter2}}]\n";
    bench.plane.add_cluster(&admin, &with(good)).await.unwrap();
    let view = bench
        .plane
        .cluster(&actor(Role::Viewer), "prod")
        .await
        .unwrap();
    assert_eq!(view.server, "https://k8s.example.com:6443");
    assert!(!format!("{view:?}").contains("hunter2"));
    let plugin = good.replace(
        "token: hunter2",
        "exec: {apiVersion: client.authentication.k8s.io/v1, command: id}",
    );
    let refusal = bench
        .plane
        .add_cluster(
            &admin,
            &NewCluster {
                name: "other".to_owned(),
                ..with(&plugin)
            },
        )
        .await
        .unwrap_err();
    assert!(
        matches!(&refusal, PortError::Invalid { field, why } if field == "kubeconfig" && why.contains("exec")),
        "{refusal:?}"
    );
    assert!(matches!(
        bench.plane.remove_cluster(&admin, "prod", "x").await,
        Err(PortError::Invalid { .. })
    ));
    bench
        .plane
        .remove_cluster(&admin, "prod", "prod")
        .await
        .unwrap();
    assert!(bench.plane.clusters(&admin).await.unwrap().is_empty());
}
