//! The transport over SSH and what becomes of revisions that the host forgets, against the rig's Git host.
//! Needs the rig: `LOCKSTEP_RIG` names its `rig.json`. Each test has its own repository and key.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use engine::source::{Credential, Mirrors, NetworkPolicy, SourceError};
use engine::testing::Repository;
use lockstep_types::revision::{Revision, TargetRevision};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

const OPEN: NetworkPolicy = NetworkPolicy {
    allow_http: true,
    allow_private: true,
};

struct Host {
    rig: Value,
    name: String,
    local: Repository,
    dir: tempfile::TempDir,
    mirrors: Mirrors,
}

impl Host {
    /// A private repository of its own with one commit, and a key that may read it.
    async fn new(test: &str) -> Self {
        let path = std::env::var("LOCKSTEP_RIG").expect(
            "LOCKSTEP_RIG is not set: run \"node end2end/rig/rig.mjs up\" and set it to the path of its rig.json",
        );
        let rig: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_nanos();
        let dir = tempfile::tempdir().unwrap();
        let mirrors = Mirrors::open(dir.path().join("mirrors"), OPEN).unwrap();
        let (local, _) = Repository::with(&[("a.yaml", "a: 1\n")]);
        let host = Self {
            rig: rig["gitea"].clone(),
            name: format!("{test}-{nanos}"),
            local,
            dir,
            mirrors,
        };
        let owner = host.owner();
        let body = json!({"name": host.name, "private": true, "default_branch": "main"});
        host.api("POST", &format!("admin/users/{owner}/repos"), body)
            .await;
        host.push(&["main"]);
        host
    }

    fn text(&self, key: &str) -> String {
        self.rig[key].as_str().unwrap().to_owned()
    }

    fn owner(&self) -> String {
        self.text("adminUser")
    }

    async fn api(&self, method: &str, path: &str, body: Value) {
        let url = format!("{}api/v1/{path}", self.text("url"));
        let answer = reqwest::Client::new()
            .request(method.parse().unwrap(), url)
            .header(
                "authorization",
                format!("token {}", self.text("adminToken")),
            )
            .json(&body)
            .send()
            .await
            .unwrap();
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
    }

    fn http(&self) -> String {
        format!("{}{}/{}.git", self.text("url"), self.owner(), self.name)
    }

    fn ssh(&self) -> String {
        format!("{}{}/{}.git", self.text("sshUrl"), self.owner(), self.name)
    }

    fn login(&self) -> Credential {
        Credential::Basic {
            username: self.owner(),
            password: SecretString::from(self.text("adminToken")),
        }
    }

    fn push(&self, refspecs: &[&str]) {
        let url = self.http().replace(
            "://",
            &format!("://{}:{}@", self.owner(), self.text("adminToken")),
        );
        self.local
            .git(&[&["push", "--quiet", "--force", &url], refspecs].concat());
    }

    fn key(&self, name: &str, passphrase: &str) -> (String, String) {
        let path = self.dir.path().join(name);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success());
        let read = |path| std::fs::read_to_string(path).unwrap();
        (read(path.clone()), read(path.with_extension("pub")))
    }

    /// A key that the host accepts for this repository.
    async fn accepted_key(&self) -> String {
        let (private, public) = self.key("deploy", "");
        let path = format!("repos/{}/{}/keys", self.owner(), self.name);
        let body = json!({"title": "deploy", "key": public.trim(), "read_only": true});
        self.api("POST", &path, body).await;
        private
    }

    fn known_hosts(&self) -> String {
        std::fs::read_to_string(self.text("knownHosts")).unwrap()
    }

    async fn fetch(
        &self,
        url: &str,
        credential: &Credential,
        name: &str,
    ) -> Result<Revision, SourceError> {
        let wanted = [TargetRevision(name.to_owned())];
        let mut found = self.mirrors.fetch(url, credential, &wanted).await?;
        found.remove(&wanted[0]).unwrap()
    }
}

fn ssh_key(private_key: &str, known_hosts: &str) -> Credential {
    Credential::SshKey {
        private_key: SecretString::from(private_key),
        known_hosts: known_hosts.to_owned(),
    }
}

#[tokio::test]
async fn fetches_over_ssh_with_a_key_and_known_hosts() {
    let host = Host::new("ssh").await;
    let key = host.accepted_key().await;
    let good = ssh_key(&key, &host.known_hosts());
    assert_eq!(
        host.fetch(&host.ssh(), &good, "main").await,
        Ok(host.local.head())
    );
    let files = host
        .mirrors
        .files(&host.ssh(), &host.local.head(), "")
        .await
        .unwrap();
    assert_eq!(files.len(), 1);
    // Nothing of the key stays behind.
    let left = std::fs::read_dir(host.dir.path().join("mirrors/calls"))
        .unwrap()
        .count();
    assert_eq!(left, 0);

    let (stranger, _) = host.key("stranger", "");
    let (locked, _) = host.key("locked", "s3cret");
    let mut broken = key.clone();
    broken.truncate(key.len() / 2);
    for (credential, word) in [
        (
            ssh_key(&stranger, &host.known_hosts()),
            "does not accept the SSH key",
        ),
        (ssh_key(&locked, &host.known_hosts()), "passphrase"),
        (ssh_key(&broken, &host.known_hosts()), "not complete"),
        (host.login(), "has no SSH key"),
        (Credential::None, "has no SSH key"),
    ] {
        match host.fetch(&host.ssh(), &credential, "main").await {
            Err(SourceError::Denied { message, .. }) => {
                assert!(
                    message.contains(word) && !message.contains("s3cret"),
                    "{message}"
                );
            }
            other => panic!("{word}: {other:?}"),
        }
    }
    let away = host.ssh().replace(".git", "-away.git");
    assert!(matches!(
        host.fetch(&away, &good, "main").await,
        Err(SourceError::Unreachable { .. } | SourceError::Denied { .. })
    ));
    // What was good stays.
    let main = TargetRevision("main".to_owned());
    assert_eq!(
        host.mirrors.resolved(&host.ssh(), &main).await,
        Ok(host.local.head())
    );
}

#[tokio::test]
async fn attack_27_host_keys_that_nobody_entered() {
    let host = Host::new("hostkey").await;
    let key = host.accepted_key().await;
    let known = host.known_hosts();
    let shown = |error: SourceError, expected: bool| match &error {
        SourceError::HostKey {
            fingerprint,
            changed,
            ..
        } => {
            assert_eq!(*changed, expected, "{error}");
            assert!(fingerprint.contains("SHA256:"), "{fingerprint}");
            assert!(!error.next().is_empty());
            fingerprint.clone()
        }
        other => panic!("{other:?}"),
    };
    let unknown = host
        .fetch(&host.ssh(), &ssh_key(&key, ""), "main")
        .await
        .unwrap_err();
    let first = shown(unknown, false);
    // The same place with the key of somebody else.
    let (_, other) = host.key("other", "");
    let name = known.split_whitespace().next().unwrap();
    let kind_and_key: Vec<&str> = other.split_whitespace().take(2).collect();
    let changed = format!("{name} {}", kind_and_key.join(" "));
    let error = host
        .fetch(&host.ssh(), &ssh_key(&key, &changed), "main")
        .await
        .unwrap_err();
    shown(error, known.contains("ssh-ed25519"));
    // It is the fingerprint of the real key.
    let path = host.dir.path().join("hosts");
    std::fs::write(&path, &known).unwrap();
    let listed = Command::new("ssh-keygen")
        .arg("-lf")
        .arg(&path)
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let print = first.split_whitespace().last().unwrap();
    assert!(listed.contains(print), "{listed} and {first}");
}

#[tokio::test]
async fn what_the_host_forgets_stays_here() {
    let host = Host::new("forget").await;
    let (url, login) = (host.http(), host.login());
    let first = host.local.head();
    host.local.git(&["tag", "v1.0.0"]);
    host.push(&["v1.0.0"]);
    for name in ["main", "v1.0.0", "1.*"] {
        assert_eq!(
            host.fetch(&url, &login, name).await,
            Ok(first.clone()),
            "{name}"
        );
    }
    host.mirrors.keep(&url, &first).await.unwrap();

    // Rewritten branch, moved tag, higher version.
    host.local
        .git(&["checkout", "--quiet", "--orphan", "fresh"]);
    host.local.write("a.yaml", "a: 2\n");
    let second = host.local.commit("rewritten");
    host.local.git(&["tag", "--force", "v1.0.0"]);
    host.local.git(&["tag", "v1.1.0"]);
    host.push(&["fresh:main", "v1.0.0", "v1.1.0"]);
    for name in ["main", "v1.0.0", "1.*", "~1.1"] {
        assert_eq!(
            host.fetch(&url, &login, name).await,
            Ok(second.clone()),
            "{name}"
        );
    }
    assert_eq!(host.fetch(&url, &login, &first.0).await, Ok(first.clone()));

    // Deleted: each answer says so, and what was resolved last is still known.
    host.push(&[
        "fresh:refs/heads/other",
        ":refs/tags/v1.0.0",
        ":refs/tags/v1.1.0",
    ]);
    assert!(matches!(
        host.fetch(&url, &login, "v1.0.0").await,
        Err(SourceError::NoSuchRevision { .. })
    ));
    assert!(matches!(
        host.fetch(&url, &login, "1.*").await,
        Err(SourceError::NoSuchVersion { newest: None, .. })
    ));
    for name in ["v1.0.0", "1.*"] {
        let wanted = TargetRevision(name.to_owned());
        assert_eq!(
            host.mirrors.resolved(&url, &wanted).await,
            Ok(second.clone()),
            "{name}"
        );
    }

    // The whole repository is gone.
    host.api(
        "DELETE",
        &format!("repos/{}/{}", host.owner(), host.name),
        Value::Null,
    )
    .await;
    let gone = host.fetch(&url, &login, "main").await.unwrap_err();
    assert!(matches!(gone, SourceError::Unreachable { .. }), "{gone:?}");
    for revision in [&first, &second] {
        assert_eq!(
            host.mirrors.files(&url, revision, "").await.unwrap().len(),
            1
        );
    }
}
