//! Copies of the database while the server runs, and putting one back.
//!
//! A copy is a folder with the database and a note of what it is. The key that opens credentials is not in it: who finds the
//! copy cannot open them. Putting one back checks everything before it touches anything, keeps what was there, and lets every
//! source be only observed until a person takes it over again: what happened since the copy is not known.

use crate::config::Config;
use crate::installation::installation_id;
use crate::secrets::Vault;
use crate::store::audit::Act;
use crate::store::{self, SchemaState, Store};
use anyhow::{Context, bail, ensure};
use lockstep_types::source::Mode;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The copy of the database.
const DATABASE: &str = "lockstep.db";
/// What is known of it.
const NOTE: &str = "backup.json";

/// What a copy says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    /// Of the program that made it.
    version: String,
    /// RFC 3339.
    made_at: String,
    installation: Uuid,
    /// Which key opens its credentials.
    key_id: String,
    sha256: String,
}

/// What was put back.
#[derive(Debug, PartialEq, Eq)]
pub struct Restored {
    pub made_at: String,
    /// Sources that are observed now and were written to before.
    pub observed: Vec<String>,
    /// Credentials that this key does not open.
    pub sealed_otherwise: usize,
    /// Where the database that was there is now.
    pub kept: Option<PathBuf>,
    /// Schema steps that were missing.
    pub steps: Vec<String>,
}

fn file_of(config: &Config) -> anyhow::Result<PathBuf> {
    let url = config.database_url.expose_secret();
    match url.strip_prefix("sqlite:") {
        Some(path) if path != ":memory:" => {
            Ok(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
        }
        _ => bail!(
            "the database is PostgreSQL, which copies itself: pg_dump --format=custom --file=lockstep.dump --dbname=URL, \
             and back: pg_restore --clean --if-exists --single-transaction --dbname=URL lockstep.dump while no Lockstep \
             runs. Keep {} and {} with it. After that, clusters that were written to since notice it, and are only \
             observed until their sources are taken over again",
            config.data_dir.join("installation").display(),
            config.data_dir.join("vault.key").display()
        ),
    }
}

fn vault(config: &Config) -> anyhow::Result<Vault> {
    let key = std::env::var("LOCKSTEP_KEY").ok();
    let key = key.filter(|key| !key.is_empty());
    Ok(Vault::open(&config.data_dir, key.as_deref())?)
}

fn sha256(path: &Path) -> anyhow::Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// Copies the database into a new folder; the server may run.
///
/// # Errors
/// The folder is there already, the database cannot be read, or it is PostgreSQL; the message has the next step.
pub async fn backup(config: &Config, folder: &Path) -> anyhow::Result<()> {
    let file = file_of(config)?;
    ensure!(
        file.exists(),
        "there is no database at {}; check database and data_dir in the configuration",
        file.display()
    );
    ensure!(
        !folder.exists(),
        "{} is there already; name a new folder for each copy",
        folder.display()
    );
    let mut maker = fs::DirBuilder::new();
    // Hashes of passwords and sealed credentials are in it.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
    maker
        .create(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let store = Store::open(config.database_url.expose_secret()).await?;
    let copy = folder.join(DATABASE);
    store.copy_to(&copy).await?;
    let made_at = crate::runtime::now().rfc3339();
    store.close().await;
    let note = Note {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at,
        installation: installation_id(&config.data_dir)?,
        key_id: vault(config)?.key_id().to_owned(),
        sha256: sha256(&copy)?,
    };
    File::open(&copy)?.sync_all()?;
    // Written last: a copy without it was cut off.
    fs::write(folder.join(NOTE), serde_json::to_vec_pretty(&note)?)?;
    Ok(())
}

/// Puts a copy in the place of the database; no server may run.
///
/// # Errors
/// A check fails: nothing was changed then, and the message has the next step.
pub async fn restore(config: &Config, folder: &Path, lose: bool) -> anyhow::Result<Restored> {
    let file = file_of(config)?;
    let note = checked(config, folder, lose).await?;
    let kept = set_aside(&file).await?;
    let source = folder.join(DATABASE);
    fs::create_dir_all(&config.data_dir)?;
    let fresh = file.with_extension("db.restoring");
    fs::copy(&source, &fresh).with_context(|| format!("cannot write {}", fresh.display()))?;
    File::open(&fresh)?.sync_all()?;
    fs::rename(&fresh, &file)?;
    let store = Store::open(config.database_url.expose_secret()).await?;
    let steps = store.migrate().await?;
    let observed = observe(&store, &note.made_at).await?;
    let key = vault(config)?;
    let otherwise = store::credential::sealed_otherwise(&store, key.key_id()).await?;
    store.close().await;
    Ok(Restored {
        made_at: note.made_at,
        observed,
        sealed_otherwise: otherwise.len(),
        kept,
        steps,
    })
}

/// All that can be known before anything is touched.
async fn checked(config: &Config, folder: &Path, lose: bool) -> anyhow::Result<Note> {
    let place = folder.join(NOTE);
    let text = fs::read(&place).with_context(|| {
        format!(
            "{} cannot be read: the folder holds no copy, or one that was cut off",
            place.display()
        )
    })?;
    let note: Note = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not a note of this program", place.display()))?;
    let copy = folder.join(DATABASE);
    ensure!(
        sha256(&copy)? == note.sha256,
        "{} is not what was written: it was changed or damaged; take another copy",
        copy.display()
    );
    let id_file = config.data_dir.join("installation");
    if id_file.exists() {
        let ours = installation_id(&config.data_dir)?;
        ensure!(
            ours == note.installation,
            "the copy is of the installation {}, and {} says {ours}: what it deployed would not be recognised. Restore \
             {} of that installation too, or choose its data_dir",
            note.installation,
            id_file.display(),
            id_file.display()
        );
    } else {
        fs::create_dir_all(&config.data_dir)?;
        crate::installation::read_or_create(&id_file, || note.installation.to_string())?;
    }
    // A look at the copy must not change it: at a copy of the copy.
    let looked = folder.join("lockstep.db.checking");
    fs::copy(&copy, &looked).with_context(|| format!("cannot write {}", looked.display()))?;
    let found = look(&looked).await;
    for name in ["", "-wal", "-shm"] {
        // What is not there need not go.
        let _ = fs::remove_file(format!("{}{name}", looked.display()));
    }
    let credentials = found?;
    let key = vault(config)?;
    let closed = credentials
        .iter()
        .filter(|key_id| key_id.as_str() != key.key_id())
        .count();
    ensure!(
        lose || closed == 0,
        "{closed} of {} credentials in the copy were sealed with the key {}, and the key here is {}: restore vault.key or \
         LOCKSTEP_KEY of that time first, or give --lose-credentials and enter them again",
        credentials.len(),
        note.key_id,
        key.key_id()
    );
    Ok(note)
}

/// Whether the copy is whole and not newer than this program; the keys that its credentials were sealed with.
async fn look(path: &Path) -> anyhow::Result<Vec<String>> {
    let store = Store::open(&format!("sqlite:{}", path.display())).await?;
    store.verify().await?;
    match store.schema_state().await? {
        SchemaState::Newer { .. } => store.require_current_schema().await?,
        SchemaState::Empty => bail!("the copy holds no database of Lockstep"),
        SchemaState::Behind { .. } => {
            store.migrate().await?;
        }
        SchemaState::Current => {}
    }
    let sealed = store::credential::sealed_otherwise(&store, "").await?;
    store.close().await;
    Ok(sealed.into_iter().map(|one| one.key_id).collect())
}

/// Moves the database that is there out of the way, when nobody has it open.
async fn set_aside(file: &Path) -> anyhow::Result<Option<PathBuf>> {
    if !file.exists() {
        return Ok(None);
    }
    let store = Store::open(&format!("sqlite:{}", file.display())).await?;
    let alone = store.close_alone().await;
    alone.with_context(|| {
        format!(
            "{} is in use: stop the server first, then run this again",
            file.display()
        )
    })?;
    for number in 1..1000 {
        let kept = file.with_extension(format!("db.before-restore-{number}"));
        if !kept.exists() {
            fs::rename(file, &kept)?;
            return Ok(Some(kept));
        }
    }
    bail!(
        "there are a thousand databases from before a restore beside {}; remove some",
        file.display()
    )
}

/// Every source back to Observe, with a line in the audit log.
async fn observe(store: &Store, made_at: &str) -> anyhow::Result<Vec<String>> {
    let sources = store::source::list(store).await?;
    let mut tx = store.begin().await?;
    let mut observed = Vec::new();
    for source in sources {
        if source.mode == Mode::Managed {
            store::source::set_mode(&mut tx, source.id, Mode::Observe).await?;
            observed.push(source.name);
        }
    }
    let detail = serde_json::json!({"made_at": made_at, "observe_only": observed});
    tx.record(Act::unattended("operator at the database", "restore", "database").with(detail));
    tx.commit().await?;
    Ok(observed)
}

#[cfg(test)]
#[path = "backup/tests.rs"]
mod tests;
