//! Secrets that Git declares, as the database keeps them: it holds every rendered manifest, to apply and compare it, and
//! those of Secrets sealed with the vault, so that a copy of the database gives none of their values away.
//!
//! A body is bound to the hash under which it lies. What an earlier version left in plain is sealed at the start.

use crate::runtime::Runtime;
use crate::secrets::{Sealed, Vault, VaultError};
use crate::store::render::StoredObject;
use crate::store::{Store, StoreError, Tx, render};
use lockstep_types::resource::ResourceKey;
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Before the id of the key, a line end, and what the vault made. No manifest begins like this.
const MARK: &[u8] = b"\0sealed ";
/// Bodies in one transaction.
const TOGETHER: usize = 200;
/// How often the write-ahead log is tried to be emptied, and how long after one another.
const TRIES: usize = 60;
const BETWEEN: Duration = Duration::from_secs(1);

/// Why what lies in the database could not be sealed. Holds no value.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("the stored manifests of Secrets cannot be read or written")]
    Store(#[from] StoreError),
}

fn is_secret(key: &ResourceKey) -> bool {
    key.group.is_empty() && key.kind == "Secret"
}

fn name(hash: &str) -> String {
    format!("manifest:{hash}")
}

/// Seals the bodies of Secrets among these.
///
/// # Errors
/// When the cipher refuses.
pub(crate) fn seal_secrets(vault: &Vault, objects: &mut [StoredObject]) -> Result<(), VaultError> {
    for object in objects.iter_mut().filter(|object| is_secret(&object.key)) {
        object.body = seal(vault, &object.hash, &object.body)?;
    }
    Ok(())
}

fn seal(vault: &Vault, hash: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let sealed = vault.seal(&name(hash), plain)?;
    let parts = [MARK, sealed.key_id.as_bytes(), b"\n", &sealed.blob];
    Ok(parts.concat())
}

/// A body as it was before it was sealed; one that is in plain as it is.
///
/// # Errors
/// It is sealed and there is no vault, another key, or it was changed.
pub(crate) fn open(
    vault: Option<&Vault>,
    hash: &str,
    stored: Vec<u8>,
) -> Result<Vec<u8>, VaultError> {
    let Some(sealed) = parse(&stored) else {
        return Ok(stored);
    };
    let row = name(hash);
    let vault = vault.ok_or_else(|| VaultError::OtherKey {
        row: row.clone(),
        sealed_with: sealed.key_id.clone(),
        present: "none".to_owned(),
    })?;
    let plain = vault.open_sealed(&row, &sealed)?;
    Ok(plain.expose_secret().to_vec())
}

fn parse(stored: &[u8]) -> Option<Sealed> {
    let rest = stored.strip_prefix(MARK)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (key_id, blob) = rest.split_at_checked(end)?;
    Some(Sealed {
        key_id: String::from_utf8_lossy(key_id).into_owned(),
        blob: blob.get(1..)?.to_vec(),
    })
}

/// Seals what an earlier version left in plain, beside everything else: on a long history there is much to look through.
/// It ends with the runtime, which does not wait for it.
pub(crate) fn start(runtime: &Runtime, vault: Vault) {
    let (store, ends) = (runtime.store().clone(), runtime.draining().clone());
    runtime.tasks().spawn(async move {
        match seal_old(&store, &vault, &ends).await {
            Ok(0) => {}
            Ok(sealed) => tracing::info!(event.name = "render.sealed", sealed, "stored manifests of Secrets were sealed with the vault key"),
            Err(error) => tracing::error!(event.name = "render.unsealed", error = &error as &dyn std::error::Error, "stored manifests of Secrets could not be sealed with the vault key; it is tried again at the next start"),
        }
    });
}

/// Seals what is there in plain, until the server ends: the next start goes on. Says how many bodies that were.
///
/// # Errors
/// When the database cannot be read or written; what was sealed by then stays so.
async fn seal_old(
    store: &Store,
    vault: &Vault,
    ends: &CancellationToken,
) -> Result<usize, SealError> {
    let mut count = 0;
    for hashes in render::hashes_of_secrets(store).await?.chunks(TOGETHER) {
        if ends.is_cancelled() {
            break;
        }
        let mut tx = store.begin().await?;
        for (hash, body) in render::bodies(&tx, hashes).await? {
            if parse(&body).is_none() {
                render::replace_body(&mut tx, &hash, seal(vault, &hash, &body)?).await?;
                count += 1;
            }
        }
        tx.commit().await?;
    }
    leave_nothing(store, ends).await?;
    Ok(count)
}

/// What was plain does not stay in the write-ahead log either, where the next writes would leave it for a long time. Also
/// where nothing had to be sealed: the server may have ended before this, the last time. A server that ends tries once
/// more, and waits for nobody.
async fn leave_nothing(store: &Store, ends: &CancellationToken) -> Result<(), StoreError> {
    for left in (0..TRIES).rev() {
        let last = left == 0 || ends.is_cancelled();
        if store.empty_log().await? {
            return Ok(());
        }
        if last {
            break;
        }
        let _ = tokio::time::timeout(BETWEEN, ends.cancelled()).await;
    }
    tracing::debug!(
        event.name = "render.log_in_use",
        "the write-ahead log could not be emptied while others read; it is tried again at the next start"
    );
    Ok(())
}

/// Seals everything anew with the next key. What the old key does not open nobody can read: it is left as it is, and
/// rendered again where it is wanted.
///
/// # Errors
/// When the database cannot be read or written.
pub(crate) async fn reseal(tx: &mut Tx, old: &Vault, new: &Vault) -> Result<usize, SealError> {
    let mut count = 0;
    for hashes in render::hashes_of_secrets(&*tx).await?.chunks(TOGETHER) {
        for (hash, body) in render::bodies(&*tx, hashes).await? {
            let of_next = parse(&body).is_some_and(|sealed| sealed.key_id == new.key_id());
            match open(Some(old), &hash, body) {
                Ok(plain) => {
                    render::replace_body(tx, &hash, seal(new, &hash, &plain)?).await?;
                    count += 1;
                }
                Err(_) if of_next => {}
                Err(error) => {
                    tracing::warn!(event.name = "render.unreadable", %error, "a stored manifest cannot be opened");
                }
            }
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{Access, AccessRefused, ClusterAccess, GitAccess, Parts, Settings};
    use engine::render::{Renderer, SandboxSettings, Tools};
    use engine::source::Mirrors;
    use std::sync::Arc;

    const PLAIN: &str = r#"{"apiVersion":"v1","kind":"Secret","data":{"a":"aHVudGVyMg=="}}"#;

    fn object(kind: &str, hash: &str) -> StoredObject {
        StoredObject {
            key: ResourceKey::new("", kind, "shop", "a"),
            api_version: "v1".to_owned(),
            hash: hash.to_owned(),
            body: PLAIN.as_bytes().to_vec(),
            origin: None,
        }
    }

    async fn store(folder: &tempfile::TempDir) -> Store {
        let url = format!("sqlite:{}", folder.path().join("lockstep.db").display());
        let store = Store::open(&url).await.unwrap();
        store.migrate().await.unwrap();
        store
    }

    async fn put(store: &Store, key: &str, objects: &[StoredObject]) {
        let mut tx = store.begin().await.unwrap();
        render::put(&mut tx, key, "digest", objects).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Bodies as they lie there, by hash.
    async fn lying(store: &Store, hashes: &[&str]) -> Vec<(String, Vec<u8>)> {
        let hashes: Vec<String> = hashes.iter().map(|hash| (*hash).to_owned()).collect();
        render::bodies(store, &hashes).await.unwrap()
    }

    #[tokio::test]
    async fn attack_64_secrets_of_git_are_sealed_in_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let vault = Vault::open(folder.path(), None).unwrap();
        let mut objects = vec![object("Secret", "one"), object("ConfigMap", "two")];
        seal_secrets(&vault, &mut objects).unwrap();
        put(&store, "new", &objects).await;
        // As an earlier version left it.
        put(&store, "old", &[object("Secret", "three")]).await;
        assert_eq!(seal_old(&store, &vault, &never()).await.unwrap(), 1);
        assert_eq!(seal_old(&store, &vault, &never()).await.unwrap(), 0);
        for (hash, body) in lying(&store, &["one", "three", "two"]).await {
            let plain = body.windows(12).any(|part| part == b"aHVudGVyMg==");
            assert_eq!(plain, hash == "two", "{hash}");
            let opened = open(Some(&vault), &hash, body).unwrap();
            assert_eq!(opened, PLAIN.as_bytes(), "{hash}");
        }
        let other = Vault::from_text(&Vault::new_key(), "another").unwrap();
        let one = lying(&store, &["one"]).await.remove(0).1;
        for refused in [
            open(None, "one", one.clone()),
            open(Some(&other), "one", one.clone()),
            open(Some(&vault), "three", one),
        ] {
            assert!(!refused.unwrap_err().to_string().contains("aHVud"));
        }
    }

    #[tokio::test]
    async fn the_next_key_opens_them_and_the_old_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let vault = |place| Vault::from_text(&Vault::new_key(), place).unwrap();
        let (old, new, lost) = (vault("old"), vault("new"), vault("lost"));
        for (key, sealed) in [("a", &old), ("b", &lost)] {
            let mut objects = [object("Secret", key)];
            seal_secrets(sealed, &mut objects).unwrap();
            put(&store, key, &objects).await;
        }
        put(&store, "plain", &[object("Secret", "c")]).await;
        for expected in [2, 0] {
            let mut tx = store.begin().await.unwrap();
            let count = reseal(&mut tx, &old, &new).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(count, expected);
        }
        for (hash, body) in lying(&store, &["a", "b", "c"]).await {
            let opened = open(Some(&new), &hash, body.clone()).ok();
            assert_eq!(opened.is_some(), hash != "b");
            assert!(open(Some(&old), &hash, body).is_err());
        }
    }

    /// The server runs on.
    fn never() -> CancellationToken {
        CancellationToken::new()
    }

    /// The files of a database, and whether a text lies in one of them.
    fn lies_there(folder: &tempfile::TempDir, text: &[u8]) -> [bool; 2] {
        ["lockstep.db", "lockstep.db-wal"].map(|name| {
            let bytes = std::fs::read(folder.path().join(name)).unwrap();
            bytes.windows(text.len()).any(|part| part == text)
        })
    }

    #[tokio::test]
    async fn attack_64_what_was_plain_stays_in_no_file_of_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let vault = Vault::from_text(&Vault::new_key(), "here").unwrap();
        put(&store, "old", &[object("Secret", "one")]).await;
        // Into the file, and again into the log: both have it.
        assert!(store.empty_log().await.unwrap());
        assert_eq!(lies_there(&folder, b"aHVudGVyMg=="), [true, false]);
        put(&store, "older", &[object("Secret", "two")]).await;
        assert_eq!(lies_there(&folder, b"aHVudGVyMg=="), [true, true]);
        assert_eq!(seal_old(&store, &vault, &never()).await.unwrap(), 2);
        assert_eq!(lies_there(&folder, b"aHVudGVyMg=="), [false, false]);
        // What is sealed is there.
        assert_eq!(
            lies_there(&folder, vault.key_id().as_bytes()),
            [true, false]
        );
    }

    #[tokio::test]
    async fn a_reader_is_not_waited_for_and_does_not_stop_writers() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        put(&store, "before", &[object("Secret", "one")]).await;
        let url = format!("sqlite:{}", folder.path().join("lockstep.db").display());
        let other = sea_orm::Database::connect(&url).await.unwrap();
        let reading = sea_orm::TransactionTrait::begin(&other).await.unwrap();
        let count = "SELECT count(*) FROM object_body";
        let count = sea_orm::ConnectionTrait::execute_unprepared(&reading, count);
        count.await.unwrap();
        put(&store, "after", &[object("Secret", "two")]).await;
        let began = std::time::Instant::now();
        assert!(!store.empty_log().await.unwrap(), "somebody reads");
        // The locks of others are waited for ten seconds; this one is not.
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
        put(&store, "meanwhile", &[object("Secret", "three")]).await;
        reading.rollback().await.unwrap();
        assert!(store.empty_log().await.unwrap());
        let left = std::fs::metadata(folder.path().join("lockstep.db-wal")).unwrap();
        assert_eq!(left.len(), 0);
    }

    struct NoAccess;

    #[async_trait::async_trait]
    impl Access for NoAccess {
        async fn git(&self, _: &str) -> Result<GitAccess, AccessRefused> {
            Ok(GitAccess::default())
        }

        async fn cluster(&self, name: &str) -> Result<ClusterAccess, AccessRefused> {
            Err(AccessRefused(format!("{name} has no kubeconfig")))
        }
    }

    fn runtime(folder: &tempfile::TempDir, store: Store) -> Runtime {
        Runtime::new(Parts {
            store,
            mirrors: Mirrors::for_tests(folder.path().join("mirrors")).unwrap(),
            renderer: Renderer::new(
                Tools::new(None, None),
                SandboxSettings::new(folder.path().join("nothing")),
                folder.path().join("work"),
            ),
            access: Arc::new(NoAccess),
            installation: uuid::Uuid::nil(),
            settings: Settings::default(),
        })
    }

    #[tokio::test]
    async fn a_server_that_ends_does_not_wait_for_the_log_and_the_next_start_empties_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let vault = Vault::open(folder.path(), None).unwrap();
        put(&store, "old", &[object("Secret", "one")]).await;
        assert!(store.empty_log().await.unwrap());
        let url = format!("sqlite:{}", folder.path().join("lockstep.db").display());
        let other = sea_orm::Database::connect(&url).await.unwrap();
        let reading = sea_orm::TransactionTrait::begin(&other).await.unwrap();
        let count = "SELECT count(*) FROM object_body";
        let count = sea_orm::ConnectionTrait::execute_unprepared(&reading, count);
        count.await.unwrap();

        let ending = runtime(&folder, store.clone());
        start(&ending, vault.clone());
        // It has sealed what there was, and waits for the reader.
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while parse(&lying(&store, &["one"]).await.remove(0).1).is_none() {
            assert!(std::time::Instant::now() < deadline, "nothing is sealed");
            tokio::task::yield_now().await;
        }
        let began = std::time::Instant::now();
        ending.stop(Duration::from_secs(40)).await;
        assert!(ending.tasks().is_empty(), "it goes on after the end");
        // Tasks have 16 of the 40 seconds, and the reader would be waited for even longer.
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(lies_there(&folder, b"aHVudGVyMg=="), [true, false]);

        // Nothing is left to seal; the log is emptied all the same, once nobody reads.
        reading.rollback().await.unwrap();
        start(&runtime(&folder, store.clone()), vault);
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while lies_there(&folder, b"aHVudGVyMg==")[0] {
            assert!(std::time::Instant::now() < deadline, "the value stays");
            tokio::task::yield_now().await;
        }
    }
}
