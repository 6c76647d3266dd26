//! Commits of our own where signatures are asked for.

use super::bench::{App, Bench, actor};
use engine::signature::{KeyText, Keyring, SigningKey};
use engine::source::{Committer, Signer};
use engine::testing::{OpenPgpKey, openpgp_key, ssh_key};
use lockstep_types::PortError;
use lockstep_types::account::Role;
use lockstep_types::ports::Rollbacks;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::rollback::{RollbackPreview, RollbackRequest};
use secrecy::SecretString;

fn key(secret: &str) -> SigningKey {
    SigningKey::read(&SecretString::from(secret.to_owned())).unwrap()
}

fn signing(key: SigningKey) -> Committer {
    let signer = Signer::new(key.fingerprint().to_owned(), move |commit| {
        key.sign(commit).map_err(|error| error.to_string())
    });
    Committer {
        signer: Some(signer),
        ..Committer::default()
    }
}

/// A project that lets only commits through that one of the ids has signed.
fn project(rule: &str, public: &str) -> String {
    let lines = public.lines().map(|line| format!("    {line}\n"));
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: shop, namespace: argocd}}\nspec:\n  sourceRepos: ['*']\n  destinations: [{{name: '*', namespace: '*'}}]\n  {rule}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: argocd-gpg-keys-cm, namespace: argocd}}\ndata:\n  keys: |\n{}",
        lines.collect::<String>()
    )
}

fn named(id: &str, public: &str) -> String {
    project(&format!("signatureKeys: [{{keyID: '{id}'}}]"), public)
}

/// The preview of going back to the first commit, and what asks for it.
async fn previewed(bench: &Bench, project: &str) -> (RollbackPreview, RollbackRequest) {
    let targets = bench
        .define_in(&[App::new("cart", "prod-eu")], project)
        .await;
    let first = bench.commits().remove(0);
    let preview = bench
        .plane
        .preview(&actor(Role::Operator), targets[0], &first)
        .await
        .unwrap();
    let request = RollbackRequest {
        target: targets[0],
        to: first,
        digest: preview.digest.clone(),
        reason: "three breaks the checkout".to_owned(),
        propose: false,
        undo: false,
        overrides: Vec::new(),
    };
    (preview, request)
}

async fn roll_back(bench: &Bench, request: &RollbackRequest) -> Result<CommitOutcome, PortError> {
    let operator = actor(Role::Operator);
    bench.plane.roll_back(&operator, request).await
}

#[tokio::test]
async fn without_a_key_the_preview_says_no_and_nothing_is_written() {
    let bench = Bench::new().await;
    let (maria, public) = ssh_key(&["-t", "ed25519", "-N", ""]);
    let id = key(&maria).fingerprint().to_owned();
    let rules = named(&id, &format!("maria@example.org {public}"));
    let (preview, request) = previewed(&bench, &rules).await;
    assert_eq!(preview.signed_with, "");
    for word in ["definitions/project.yaml", "no key to sign with"] {
        assert!(preview.signature_refused.contains(word), "{preview:?}");
    }
    let before = bench.commits();
    assert_eq!(
        roll_back(&bench, &request).await,
        Err(PortError::Conflict(preview.signature_refused))
    );
    assert_eq!(bench.commits(), before);
    // For review it goes: the host may sign its merge.
    let propose = RollbackRequest {
        propose: true,
        ..request
    };
    let proposed = roll_back(&bench, &propose).await;
    assert!(
        matches!(proposed, Ok(CommitOutcome::Proposed(_))),
        "{proposed:?}"
    );
    // Where nobody asks, the key is not missed.
    let (preview, request) = previewed(&bench, "").await;
    assert_eq!(preview.signature_refused, "");
    let done = roll_back(&bench, &request).await;
    assert!(
        matches!(done, Ok(CommitOutcome::Committed { .. })),
        "{done:?}"
    );
}

#[tokio::test]
async fn a_key_that_the_project_lists_is_announced_and_signs() {
    let (openpgp, openpgp_public) = openpgp_key("L <l@example.org>", OpenPgpKey::BySubkey);
    let (ssh, ssh_public) = ssh_key(&["-t", "ed25519", "-N", ""]);
    for (secret, public) in [
        (openpgp, openpgp_public),
        (ssh, format!("lockstep@example.org {ssh_public}")),
    ] {
        let own = key(&secret);
        let id = own.fingerprint().to_owned();
        let bench = Bench::by(signing(own)).await;
        let (preview, request) = previewed(&bench, &named(&id, &public)).await;
        assert_eq!(
            (
                preview.signed_with.as_str(),
                preview.signature_refused.as_str()
            ),
            (id.as_str(), "")
        );
        let done = roll_back(&bench, &request).await;
        let Ok(CommitOutcome::Committed { revision }) = done else {
            unreachable!("{done:?}")
        };
        let log = ["log", "-1", "--format=%an|%cn|%ce", "main"];
        assert_eq!(
            bench.repository.git(&log),
            "maria|Lockstep|lockstep@localhost"
        );
        let url = bench.repository.url();
        let object = bench.plane.runtime.mirrors().commit_object(&url, &revision);
        let (ring, _) = Keyring::read(&[KeyText {
            text: public,
            place: "keys".to_owned(),
        }]);
        let found = ring.only(&[id]).0.check(&object.await.unwrap());
        assert!(found.is_good(), "{found}");
    }
}

#[tokio::test]
async fn a_key_that_nobody_lists_does_not_help() {
    let (maria, public) = ssh_key(&["-t", "ed25519", "-N", ""]);
    let (own, _) = ssh_key(&["-t", "ed25519", "-N", ""]);
    let (id, own) = (key(&maria).fingerprint().to_owned(), key(&own));
    let shown = own.fingerprint().to_owned();
    let bench = Bench::by(signing(own)).await;
    let rules = named(&id, &format!("maria@example.org {public}"));
    let (preview, request) = previewed(&bench, &rules).await;
    assert_eq!(preview.signed_with, shown);
    for word in [
        "this one is signed",
        &shown,
        "nobody has named",
        "Name the key",
    ] {
        assert!(preview.signature_refused.contains(word), "{preview:?}");
    }
    let before = bench.commits();
    assert!(roll_back(&bench, &request).await.is_err());
    assert_eq!(bench.commits(), before);
}

/// Where all commits since the last seal must be signed, a good one of ours on bad ones is refused as well.
#[tokio::test]
async fn what_came_before_counts_where_the_project_says_so() {
    let (own, public) = ssh_key(&["-t", "ed25519", "-N", ""]);
    let own = key(&own);
    let rule = format!(
        "sourceIntegrity: {{git: {{policies: [{{repos: [{{url: '*'}}], gpg: {{mode: strict, keys: ['{}']}}}}]}}}}",
        own.fingerprint()
    );
    let bench = Bench::by(signing(own)).await;
    let rules = project(&rule, &format!("lockstep@example.org {public}"));
    let (preview, _) = previewed(&bench, &rules).await;
    let head = bench.commits().pop().unwrap();
    for word in ["the earlier commit", head.short(), "is not signed", "seal"] {
        assert!(preview.signature_refused.contains(word), "{preview:?}");
    }
}
