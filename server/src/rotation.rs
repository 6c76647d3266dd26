//! Changing the vault key: every credential and every stored manifest of a Secret is opened with the old key and sealed anew with the next one, all of them in
//! one transaction or none. Runs while no server does, which would go on with the key that it read at its start.
//!
//! The next key is on disk before the first credential depends on it, and takes the old one's place after the last:
//! whenever this is cut off, running it again brings it to its end.

use crate::installation::read_or_create;
use crate::sealed::{self, SealError};
use crate::secrets::{Sealed, Vault, VaultError};
use crate::store::audit::Act;
use crate::store::{Store, StoreError, credential};
use secrecy::ExposeSecret;
use serde_json::json;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The kinds of credentials: each is bound to `kind:owner`. One that is missing here cannot be changed, and then nothing is.
const KINDS: [&str; 5] = ["source", "cluster", "notify", "webhook", "second factor"];

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// Credentials that were sealed anew.
    pub credentials: usize,
    /// Names the new key.
    pub key_id: String,
    /// Where the old key is kept for backups of the database; `None` when keys come from the environment.
    pub old_key: Option<PathBuf>,
}

/// Why the key was not changed. Holds neither keys nor credentials.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("the credentials cannot be read or written; nothing was changed")]
    Store(#[from] StoreError),
    #[error("cannot write {path}; run the command again when that is solved")]
    File {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error(
        "the key comes from LOCKSTEP_KEY, so the next one must come from LOCKSTEP_NEW_KEY: 32 random bytes in base64"
    )]
    NoNewKey,
    #[error(
        "LOCKSTEP_NEW_KEY is set, and the key is in {0}: leave it away, the next key is made there"
    )]
    TwoPlaces(String),
    #[error("there is no key in {0} to change; a server makes one at its first start")]
    NoKey(String),
    #[error("the next key is the one in use; give another one")]
    SameKey,
}

/// Changes the key. The environment's keys count before files, as for the server.
///
/// # Errors
/// A credential cannot be opened with the old key, or something cannot be read or written. No credential is changed then.
pub async fn rotate(
    store: &Store,
    data_dir: &Path,
    environment_key: Option<&str>,
    new_key: Option<&str>,
) -> Result<Rotated, RotationError> {
    if let Some(old) = environment_key {
        let old = Vault::from_text(old, "LOCKSTEP_KEY")?;
        let new = Vault::from_text(new_key.ok_or(RotationError::NoNewKey)?, "LOCKSTEP_NEW_KEY")?;
        let credentials = reseal(store, &old, &new).await?;
        return Ok(Rotated {
            credentials,
            key_id: new.key_id().to_owned(),
            old_key: None,
        });
    }
    let [present, next, kept] =
        ["vault.key", "vault.key.new", "vault.key.old"].map(|name| data_dir.join(name));
    let place = present.display().to_string();
    if new_key.is_some() {
        return Err(RotationError::TwoPlaces(place));
    }
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| RotationError::File { path, source }
    };
    let old_text = match std::fs::read_to_string(&present) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(RotationError::NoKey(place));
        }
        read => read.map_err(failed(&present))?,
    };
    let old = Vault::from_text(&old_text, &place)?;
    let new_text = read_or_create(&next, Vault::new_key).map_err(failed(&next))?;
    let new = Vault::from_text(&new_text, &next.display().to_string())?;
    let credentials = reseal(store, &old, &new).await?;
    keep(&kept, &old_text).map_err(failed(&kept))?;
    std::fs::rename(&next, &present).map_err(failed(&present))?;
    Ok(Rotated {
        credentials,
        key_id: new.key_id().to_owned(),
        old_key: Some(kept),
    })
}

async fn reseal(store: &Store, old: &Vault, new: &Vault) -> Result<usize, RotationError> {
    if old.key_id() == new.key_id() {
        return Err(RotationError::SameKey);
    }
    let rows = credential::sealed_otherwise(store, new.key_id()).await?;
    let mut tx = store.begin().await?;
    for row in &rows {
        let sealed = Sealed {
            key_id: row.key_id.clone(),
            blob: row.bytes.clone(),
        };
        let names = KINDS.map(|kind| format!("{kind}:{}", row.owner));
        let mut refused = VaultError::Broken {
            row: row.owner.to_string(),
        };
        let mut anew = None;
        for name in &names {
            match old.open_sealed(name, &sealed) {
                Ok(plain) => anew = Some(new.seal(name, plain.expose_secret())?),
                Err(error @ VaultError::OtherKey { .. }) => refused = error,
                // Bound to another kind, or broken.
                Err(_) => {}
            }
        }
        let anew = anew.ok_or(refused)?;
        credential::reseal(&mut tx, row.owner, &anew.key_id, &anew.blob).await?;
    }
    let manifests = sealed::reseal(&mut tx, old, new)
        .await
        .map_err(|error| match error {
            SealError::Vault(error) => RotationError::Vault(error),
            SealError::Store(error) => RotationError::Store(error),
        })?;
    let act = Act::unattended("operator at the database", "change key", "credentials");
    tx.record(
        act.with(json!({ "credentials": rows.len(), "manifests": manifests, "key": new.key_id() })),
    );
    tx.commit().await?;
    Ok(rows.len())
}

/// Writes a key for its owner alone.
fn keep(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    struct Bench {
        folder: tempfile::TempDir,
        store: Store,
        owners: Vec<(String, Uuid)>,
    }

    async fn bench() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("lockstep.db").display());
        let store = Store::open(&url).await.unwrap();
        store.migrate().await.unwrap();
        let vault = Vault::open(folder.path(), None).unwrap();
        let mut owners = Vec::new();
        let mut tx = store.begin().await.unwrap();
        for kind in KINDS {
            let owner = Uuid::now_v7();
            let name = format!("{kind}:{owner}");
            let sealed = vault.seal(&name, kind.as_bytes()).unwrap();
            credential::put(&mut tx, owner, &sealed.key_id, &sealed.blob)
                .await
                .unwrap();
            owners.push((name, owner));
        }
        tx.commit().await.unwrap();
        Bench {
            folder,
            store,
            owners,
        }
    }

    impl Bench {
        async fn rotate(&self) -> Result<Rotated, RotationError> {
            rotate(&self.store, self.folder.path(), None, None).await
        }

        /// Every credential as the key in the folder opens it.
        async fn opened(&self) -> Result<Vec<String>, VaultError> {
            let vault = Vault::open(self.folder.path(), None)?;
            let mut texts = Vec::new();
            for (name, owner) in &self.owners {
                let row = credential::get(&self.store, *owner).await.unwrap().unwrap();
                let sealed = Sealed {
                    key_id: row.key_id,
                    blob: row.bytes,
                };
                let plain = vault.open_sealed(name, &sealed)?;
                texts.push(String::from_utf8_lossy(plain.expose_secret()).into_owned());
            }
            Ok(texts)
        }
    }

    #[tokio::test]
    async fn every_credential_goes_to_the_new_key_and_the_old_one_opens_none() {
        let bench = bench().await;
        let before = std::fs::read_to_string(bench.folder.path().join("vault.key")).unwrap();
        let rotated = bench.rotate().await.unwrap();
        assert_eq!(rotated.credentials, KINDS.len());
        assert_eq!(bench.opened().await.unwrap(), KINDS);
        let kept = std::fs::read_to_string(rotated.old_key.unwrap()).unwrap();
        assert_eq!(kept, before);
        let after = std::fs::read_to_string(bench.folder.path().join("vault.key")).unwrap();
        assert_ne!(after, before);
        assert!(!bench.folder.path().join("vault.key.new").exists());
        let old = Vault::from_text(&before, "the old one").unwrap();
        let (name, owner) = &bench.owners[0];
        let row = credential::get(&bench.store, *owner)
            .await
            .unwrap()
            .unwrap();
        let sealed = Sealed {
            key_id: row.key_id,
            blob: row.bytes,
        };
        assert!(old.open_sealed(name, &sealed).is_err());
        #[cfg(unix)]
        for name in ["vault.key", "vault.key.old"] {
            use std::os::unix::fs::PermissionsExt;
            let file = std::fs::metadata(bench.folder.path().join(name)).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[tokio::test]
    async fn one_that_does_not_open_leaves_all_as_they_are() {
        let bench = bench().await;
        let owner = Uuid::now_v7();
        let mut tx = bench.store.begin().await.unwrap();
        let key_id = Vault::open(bench.folder.path(), None).unwrap();
        credential::put(&mut tx, owner, key_id.key_id(), b"no ciphertext at all")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let refused = bench.rotate().await.unwrap_err().to_string();
        assert!(refused.contains(&owner.to_string()), "{refused}");
        // A server says what is to be done, instead of working with half of the keys.
        let half = bench.opened().await.unwrap_err().to_string();
        assert!(half.contains("lockstep admin rotate-key"), "{half}");
        let mut tx = bench.store.begin().await.unwrap();
        credential::delete(&mut tx, owner).await.unwrap();
        tx.commit().await.unwrap();
        bench.rotate().await.unwrap();
        assert_eq!(bench.opened().await.unwrap(), KINDS);
    }

    #[tokio::test]
    async fn what_was_cut_off_before_its_last_step_is_brought_to_its_end() {
        let bench = bench().await;
        let folder = bench.folder.path();
        let old = Vault::open(folder, None).unwrap();
        std::fs::write(folder.join("vault.key.new"), Vault::new_key()).unwrap();
        let text = std::fs::read_to_string(folder.join("vault.key.new")).unwrap();
        let new = Vault::from_text(&text, "the next one").unwrap();
        assert_eq!(reseal(&bench.store, &old, &new).await.unwrap(), KINDS.len());
        let again = bench.rotate().await.unwrap();
        assert_eq!(
            (again.credentials, again.key_id.as_str()),
            (0, new.key_id())
        );
        assert_eq!(bench.opened().await.unwrap(), KINDS);
    }

    #[tokio::test]
    async fn keys_of_the_environment_are_changed_in_the_environment() {
        let bench = bench().await;
        let (folder, store) = (bench.folder.path(), &bench.store);
        let old = std::fs::read_to_string(folder.join("vault.key")).unwrap();
        let missing = rotate(store, folder, Some(&old), None).await.unwrap_err();
        assert!(
            missing.to_string().contains("LOCKSTEP_NEW_KEY"),
            "{missing}"
        );
        let same = rotate(store, folder, Some(&old), Some(&old)).await;
        assert!(matches!(same, Err(RotationError::SameKey)));
        let new = Vault::new_key();
        let twice = rotate(store, folder, None, Some(&new)).await;
        assert!(matches!(twice, Err(RotationError::TwoPlaces(_))));
        let rotated = rotate(store, folder, Some(&old), Some(&new)).await.unwrap();
        assert_eq!((rotated.credentials, rotated.old_key), (KINDS.len(), None));
    }
}
