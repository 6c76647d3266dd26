//! Commits that are signed as they are written, held against what Git itself says of them.

use super::*;
use crate::signature::{KeyText, Keyring, SigningKey};
use crate::testing::{OpenPgpKey, openpgp_key, ssh_key};
use secrecy::SecretString;
use std::path::Path;
use std::process::{Command, Output};

const USER: &str = "Lockstep <lockstep@example.org>";

fn committer(secret: &str) -> Committer {
    let key = SigningKey::read(&SecretString::from(secret.to_owned())).unwrap();
    let shown = key.fingerprint().to_owned();
    let sign = move |commit: &[u8]| key.sign(commit).map_err(|error| error.to_string());
    Committer {
        name: "Lockstep".to_owned(),
        email: "lockstep@example.org".to_owned(),
        signer: Some(Signer::new(shown, sign)),
    }
}

/// A repository with a commit of ours that is signed with the key.
async fn signed(secret: &str) -> (Bench, Repository, Revision) {
    let mut bench = bench();
    bench.mirrors = bench.mirrors.with_committer(committer(secret));
    let (repository, first) = Repository::with(&[("a", "1")]);
    repository.write("a", "2");
    repository.commit("second");
    bench.fetch(&repository, "main").await.unwrap();
    let (url, mirrors) = (repository.url(), &bench.mirrors);
    let asked = request(&repository, &["a"], &first);
    let drafted = mirrors.prepare_commit(&url, asked.clone()).await;
    let drafted = drafted.unwrap().unwrap();
    let object = mirrors.commit_object(&url, &drafted).await.unwrap();
    let object = String::from_utf8(object).unwrap();
    assert!(!object.contains("gpgsig"), "nobody has agreed yet");
    let pushed = mirrors.push_commit(&url, &Credential::None, asked).await;
    let Ok(PushOutcome::Pushed(made)) = pushed else {
        unreachable!("{pushed:?}")
    };
    assert_eq!(
        repository.git(&["log", "-1", "--format=%an|%ae|%cn|%ce|%s", "main"]),
        "Maria Keller|maria@example.org|Lockstep|lockstep@example.org|Roll back shop"
    );
    // What Git itself finds wrong with objects.
    repository.git(&["fsck", "--strict"]);
    (bench, repository, made)
}

async fn vouched(bench: &Bench, repository: &Repository, made: &Revision, public: &str) {
    let (ring, problems) = Keyring::read(&[KeyText {
        text: public.to_owned(),
        place: "keys".to_owned(),
    }]);
    assert_eq!(problems, Vec::<String>::new());
    let object = bench.mirrors.commit_object(&repository.url(), made).await;
    let found = ring.check(&object.unwrap());
    assert!(found.is_good(), "{found}");
}

fn verify(repository: &Repository, made: &Revision, settings: &[&str], gnupg: &Path) -> Output {
    Command::new("git")
        .current_dir(repository.path())
        .args(settings.iter().flat_map(|setting| ["-c", setting]))
        .args(["verify-commit", "--raw", &made.0])
        .env("GNUPGHOME", gnupg)
        .output()
        .unwrap()
}

#[tokio::test]
async fn git_takes_what_is_signed_with_ssh() {
    for kind in [["-t", "ed25519"], ["-t", "ecdsa"]] {
        let (secret, public) = ssh_key(&[&kind[..], &["-N", ""]].concat());
        let (bench, repository, made) = signed(&secret).await;
        let signers = format!("lockstep@example.org namespaces=\"git\" {public}");
        vouched(&bench, &repository, &made, &signers).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("allowed_signers");
        std::fs::write(&file, signers).unwrap();
        let named = format!("gpg.ssh.allowedSignersFile={}", file.display());
        let said = verify(
            &repository,
            &made,
            &["gpg.format=ssh", &named],
            folder.path(),
        );
        assert!(said.status.success(), "{said:?}");
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.contains("for lockstep@example.org with"), "{said}");
        // The same file with another key says no.
        let (_, other) = ssh_key(&["-t", "ed25519", "-N", ""]);
        std::fs::write(&file, format!("lockstep@example.org {other}")).unwrap();
        let said = verify(
            &repository,
            &made,
            &["gpg.format=ssh", &named],
            folder.path(),
        );
        assert!(!said.status.success(), "{said:?}");
    }
}

/// GnuPG is asked where it is installed; our own reading is held against its signatures elsewhere.
#[tokio::test]
async fn git_takes_what_is_signed_with_openpgp() {
    for kind in [OpenPgpKey::Plain, OpenPgpKey::BySubkey] {
        let (secret, public) = openpgp_key(USER, kind);
        let (bench, repository, made) = signed(&secret).await;
        vouched(&bench, &repository, &made, &public).await;
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("public.asc");
        std::fs::write(&file, public).unwrap();
        let imported = Command::new("gpg")
            .args(["--batch", "--quiet", "--no-autostart", "--import"])
            .arg(&file)
            .env("GNUPGHOME", home.path())
            .output();
        let Ok(imported) = imported else {
            continue;
        };
        assert!(imported.status.success(), "{imported:?}");
        let said = verify(&repository, &made, &["gpg.format=openpgp"], home.path());
        let words = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(
            said.status.success() && words.contains("[GNUPG:] GOODSIG"),
            "{words}"
        );
    }
}

/// Nothing half-done: a key that does not sign any more leaves the branch where it was.
#[tokio::test]
async fn what_cannot_be_signed_is_not_committed() {
    let bench = bench();
    let mirrors = bench.mirrors.with_committer(Committer {
        signer: Some(Signer::new("K", |_| Err("the key K expired".to_owned()))),
        ..Committer::default()
    });
    let (repository, first) = Repository::with(&[("a", "1")]);
    repository.write("a", "2");
    let head = repository.commit("second");
    bench.fetch(&repository, "main").await.unwrap();
    let asked = request(&repository, &["a"], &first);
    let refused = mirrors
        .push_commit(&repository.url(), &Credential::None, asked)
        .await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("the key K expired"), "{error}");
    assert_eq!(repository.head(), head);
}
