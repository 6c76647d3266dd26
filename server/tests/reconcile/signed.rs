//! Commits that must be signed: what nobody vouches for is never deployed, and what was stays and is kept as it is.

use crate::HEALING;
use crate::editing::maria as asker;
use crate::world::World;
use engine::signature::SigningKey;
use engine::source::{Committer, Signer};
use lockstep_types::PortError;
use lockstep_types::diff::SyncStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::revision::{Revision, SignatureState};
use lockstep_types::rollback::RollbackRequest;
use lockstep_types::source::Mode;
use secrecy::SecretString;
use std::process::Command;

fn config(value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{value: {value}}}\n"
    )
}

/// A key pair of a person; the file of the private one.
fn key(folder: &std::path::Path, name: &str) -> (String, String, String) {
    let file = folder.join(name).display().to_string();
    let run = |arguments: &[&str]| {
        let output = Command::new("ssh-keygen")
            .args(arguments)
            .output()
            .expect("ssh-keygen runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(&["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", &file]);
    let public = std::fs::read_to_string(format!("{file}.pub")).expect("a public key");
    let shown = run(&["-l", "-f", &file]);
    let fingerprint = shown.split(' ').nth(1).expect("a fingerprint").to_owned();
    (file, public.trim().to_owned(), fingerprint)
}

impl World {
    fn push_signed(&self, value: &str, key: Option<&str>) -> Revision {
        self.push_signed_as(value, value, key)
    }

    fn push_signed_as(&self, value: &str, message: &str, key: Option<&str>) -> Revision {
        self.repository
            .write("manifests/settings.yaml", &config(value));
        self.repository.git(&["add", "--all"]);
        let signing = format!("user.signingkey={}", key.unwrap_or_default());
        let mut arguments = vec!["commit", "--quiet", "-m", message];
        if key.is_some() {
            arguments.push("-S");
        }
        let mut all = vec!["-c", "gpg.format=ssh", "-c", &signing];
        all.extend(&arguments);
        self.repository.git(&all);
        let revision = self.repository.head();
        self.wake_repository(&self.repository.url());
        revision
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_32_a_commit_that_nobody_vouches_for_is_never_deployed() {
    let world = World::start("signed", Mode::Managed, HEALING).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (maria, public, fingerprint) = key(folder.path(), "maria@example.org");
    let (stranger, _, _) = key(folder.path(), "stranger@example.org");
    world.repository.write(
        "apps/project.yaml",
        &format!("apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: default, namespace: argocd}}\nspec:\n  sourceRepos: ['*']\n  destinations: [{{name: '*', namespace: '*'}}]\n  signatureKeys: [{{keyID: '{fingerprint}'}}]\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: argocd-gpg-keys-cm, namespace: argocd}}\ndata:\n  signers: 'maria@example.org {public}'\n"),
    );
    let value = [
        "get",
        "configmap",
        "settings",
        "-o",
        "jsonpath={.data.value}",
    ];
    let first = world.push_signed("one", Some(&maria));
    world.until_deployed(&first).await;

    for (name, key, said) in [
        ("nobody", None, "is not signed"),
        (
            "a stranger",
            Some(stranger.as_str()),
            "which nobody has named",
        ),
    ] {
        let refused = world.push_signed(&format!("by-{}", name.len()), key);
        let row = world
            .until(&format!("refused: signed by {name}"), |state| {
                state.reason.as_ref().is_some_and(|reason| {
                    reason.code == ReasonCode::Unverified
                        && reason.cause.contains(refused.short())
                        && reason.cause.contains(said)
                })
            })
            .await;
        let reason = row.state.reason.expect("a reason");
        assert!(
            reason.stalled && reason.cause.contains("apps/project.yaml:1"),
            "{reason:?}"
        );
        // It is compared with what is vouched for, and kept so.
        assert_eq!(
            (row.deployed.as_ref(), row.state.sync),
            (Some(&first), SyncStatus::Synced)
        );
        assert_eq!(row.state.revision.as_ref(), Some(&first));
        world.kubectl(&[
            "patch",
            "configmap",
            "settings",
            "--type=merge",
            "-p",
            r#"{"data": {"value": "drifted"}}"#,
        ]);
        world.until_kubectl("healed", &value, "one").await;
    }

    let last = world.push_signed("two", Some(&maria));
    world.until_deployed(&last).await;
    assert_eq!(world.kubectl(&value), "two");
    // A change elsewhere that is not signed is not taken over with the verdict either.
    world.repository.write("README.md", "more");
    world.repository.commit("unsigned, elsewhere");
    let elsewhere = world.repository.head();
    world.wake_repository(&world.repository.url());
    let row = world
        .until("refused elsewhere", |state| {
            state.reason.as_ref().is_some_and(|reason| {
                reason.code == ReasonCode::Unverified && reason.cause.contains(elsewhere.short())
            })
        })
        .await;
    assert_eq!(row.deployed.as_ref(), Some(&last));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_depends_on_a_refused_commit_goes_on_with_the_one_before() {
    let world = World::start("vouched", Mode::Managed, HEALING).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (maria, public, _) = key(folder.path(), "maria@example.org");
    world.repository.remove("apps/shop.yaml");
    world.repository.write(
        "apps/infra.yaml",
        &format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: vouched, namespace: flux-system}}\nspec:\n  interval: 1m\n  url: '{0}'\n  ref: {{branch: main}}\n  verify: {{mode: HEAD, secretRef: {{name: signers}}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: signers, namespace: flux-system}}\ndata: {{signers: 'maria@example.org {public}'}}\n---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: infra, namespace: flux-system}}\nspec:\n  interval: 1m\n  path: ./infra\n  prune: true\n  targetNamespace: {1}\n  sourceRef: {{kind: GitRepository, name: vouched}}\n",
            world.repository.url(),
            world.namespace(),
        ),
    );
    world.flux("later", "  dependsOn: [{name: infra}]\n");
    world.config_in("infra", "one");
    world.config_in("later", "one");
    let first = world.push_signed("one", Some(&maria));
    world.until_good("infra").await;
    world.until_good("later").await;

    world.config_in("infra", "two");
    world.config_in("later", "two");
    let second = world.push_signed("two", None);
    let infra = world
        .until_of("infra", "refused", |row| {
            row.state
                .reason
                .as_ref()
                .is_some_and(|reason| reason.code == ReasonCode::Unverified)
        })
        .await;
    assert_eq!(infra.deployed.as_ref(), Some(&first));
    world
        .until_of("later", "deployed", |row| {
            row.deployed.as_ref() == Some(&second)
        })
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strict_project_wants_every_commit_signed_since_the_last_seal() {
    let world = World::start("strict", Mode::Managed, HEALING).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (maria, public, fingerprint) = key(folder.path(), "maria@example.org");
    world.repository.write(
        "apps/project.yaml",
        &format!("apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: default, namespace: argocd}}\nspec:\n  sourceRepos: ['*']\n  destinations: [{{name: '*', namespace: '*'}}]\n  sourceIntegrity: {{git: {{policies: [{{repos: [{{url: '*'}}], gpg: {{mode: strict, keys: ['{fingerprint}']}}}}]}}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: argocd-gpg-keys-cm, namespace: argocd}}\ndata:\n  signers: 'maria@example.org {public}'\n"),
    );
    let ports = world.ports().await;
    let said = async |revision: &Revision| {
        let rollout = ports.fleet.rollout(&asker(), &revision.0).await;
        rollout.expect("a rollout").signature
    };
    // Signed itself, and nobody vouches for what came before.
    world.push("unsigned");
    let first = world.push_signed("one", Some(&maria));
    world
        .until("refused for its history", |state| {
            state.reason.as_ref().is_some_and(|reason| {
                reason.code == ReasonCode::Unverified
                    && reason.cause.contains("The earlier commit ")
                    && reason.cause.contains("is not signed")
            })
        })
        .await;
    let told = said(&first).await;
    assert_eq!(told.state(), SignatureState::Refused, "{told:?}");
    assert!(told.words().contains("The earlier commit "), "{told:?}");

    let seal = "two\n\nArgocd-gpg-seal: all before was reviewed";
    let sealed = world.push_signed_as("two", seal, Some(&maria));
    world.until_deployed(&sealed).await;
    let after = world.push_signed("three", Some(&maria));
    world.until_deployed(&after).await;
    let told = said(&after).await;
    assert_eq!(told.state(), SignatureState::Verified, "{told:?}");
    assert!(
        told.words().contains("is signed by maria@example.org"),
        "{told:?}"
    );

    // One that is not signed spoils those after it.
    let unsigned = world.push_signed("four", None);
    let last = world.push_signed("five", Some(&maria));
    let row = world
        .until("refused for one between", |state| {
            state.reason.as_ref().is_some_and(|reason| {
                reason.code == ReasonCode::Unverified
                    && reason.cause.contains(unsigned.short())
                    && reason.cause.contains("The earlier commit")
            })
        })
        .await;
    assert_eq!(row.deployed.as_ref(), Some(&after));
    assert_eq!(said(&last).await.state(), SignatureState::Refused);
    world.end().await;
}

/// Without a key the rollback is refused before anything is written; with one that the project lists it is on the branch,
/// and live.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_is_signed_where_signatures_are_asked_for() {
    let mut world = World::start("signed-back", Mode::Managed, HEALING).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (maria, public, fingerprint) = key(folder.path(), "maria@example.org");
    let (own, own_public, own_fingerprint) = key(folder.path(), "lockstep@example.org");
    world.repository.write(
        "apps/project.yaml",
        &format!("apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: default, namespace: argocd}}\nspec:\n  sourceRepos: ['*']\n  destinations: [{{name: '*', namespace: '*'}}]\n  signatureKeys: [{{keyID: '{fingerprint}'}}, {{keyID: '{own_fingerprint}'}}]\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: argocd-gpg-keys-cm, namespace: argocd}}\ndata:\n  signers: |\n    maria@example.org {public}\n    lockstep@example.org {own_public}\n"),
    );
    let first = world.push_signed("one", Some(&maria));
    world.until_deployed(&first).await;
    let second = world.push_signed("two", Some(&maria));
    world.until_deployed(&second).await;

    let ports = world.ports().await;
    let preview = world.previewed(&ports, &first, false).await;
    assert_eq!(preview.signed_with, "");
    for word in [
        "apps/project.yaml",
        "no key to sign with",
        "signing_key_file",
    ] {
        assert!(preview.signature_refused.contains(word), "{preview:?}");
    }
    let request = RollbackRequest {
        target: world.target(),
        to: first.clone(),
        digest: preview.digest,
        reason: "it was better before".to_owned(),
        propose: false,
        undo: false,
        overrides: Vec::new(),
    };
    let refused = ports.rollbacks.roll_back(&asker(), &request).await;
    assert_eq!(refused, Err(PortError::Conflict(preview.signature_refused)));
    assert_eq!(world.repository.head(), second);
    drop(ports);

    // The operator names a key, and starts the server again.
    let text = std::fs::read_to_string(own).expect("a private key");
    let signing = SigningKey::read(&SecretString::from(text)).expect("a key that signs");
    world.committer = Committer {
        signer: Some(Signer::new(
            signing.fingerprint().to_owned(),
            move |commit| signing.sign(commit).map_err(|error| error.to_string()),
        )),
        ..Committer::default()
    };
    let world = world.restart().await;
    world.until_deployed(&second).await;
    let ports = world.ports().await;
    let preview = world.previewed(&ports, &first, false).await;
    assert_eq!(
        (
            preview.signed_with.as_str(),
            preview.signature_refused.as_str()
        ),
        (own_fingerprint.as_str(), "")
    );
    let back = world.go_back(&ports, preview).await;
    let value = [
        "get",
        "configmap",
        "settings",
        "-o",
        "jsonpath={.data.value}",
    ];
    assert_eq!(world.kubectl(&value), "one");
    let told = ports.fleet.rollout(&asker(), &back.0).await;
    let told = told.expect("a rollout").signature;
    assert_eq!(told.state(), SignatureState::Verified, "{told:?}");
    assert!(
        told.words().contains("is signed by lockstep@example.org"),
        "{told:?}"
    );
    world.end().await;
}
