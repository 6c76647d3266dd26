//! The seam to the reconcilers: from the opened parts to running reconcilers and their ports.

use super::Foundation;
use crate::access::Keyring;
use crate::config::{ClusterEntry, Config};
use crate::control_plane::{self, Registration};
use crate::runtime::{Parts, Runtime, Settings};
use crate::store::audit::Act;
use crate::store::cluster::{self, ClusterFields};
use crate::store::source::{self, SourceFields};
use crate::store::{Store, StoreError, Tx};
use anyhow::Context;
use engine::live::{ClusterPolicy, read_kubeconfig};
use engine::render::{Renderer, SandboxSettings, Tools};
use engine::source::Mirrors;
use lockstep_types::about::Cage;
use lockstep_types::ports::ControlPlane;
use lockstep_types::source::Mode;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;

/// Who acts in the audit log when the file does.
const FILE: &str = "configuration";

/// Running reconcilers and the ports over them.
pub struct Assembled {
    pub plane: ControlPlane,
    pub engine: Runtime,
}

/// Registers what the file names, starts the reconcilers, and gives the ports.
///
/// # Errors
/// A folder cannot be made, or the database does not answer.
pub async fn control_plane(foundation: Foundation) -> anyhow::Result<Assembled> {
    let Foundation {
        config,
        store,
        vault,
        installation,
        accounts,
        hub,
        committer,
    } = foundation;
    declare(&store, &config)
        .await
        .context("cannot register the clusters and sources of the configuration")?;
    let keyring = Keyring::new(Arc::clone(&config), store.clone(), vault.clone());
    let mirrors = Mirrors::open(config.data_dir.join("mirrors"), keyring.network_policy())
        .context("data_dir: the folder of the repositories cannot be used")?
        .with_committer(committer);
    let work = config.data_dir.join("work");
    std::fs::create_dir_all(&work)
        .with_context(|| format!("data_dir: cannot make {}", work.display()))?;
    let executable = std::env::current_exe().context("cannot find the program's own file")?;
    let sandbox = SandboxSettings {
        allow_uncaged: config.tools.uncaged,
        ..SandboxSettings::new(executable)
    };
    let cage = sandbox.cage();
    if cage != Cage::Closed {
        tracing::warn!(event.name = "render.no_cage", "{}", cage.words());
    }
    let renderer = Renderer::new(tools(&config), sandbox, work);
    let settings = Settings {
        public_url: config.public_url.origin(),
        ..Settings::default()
    };
    let registration = Registration {
        vault,
        policy: keyring.cluster_policy(false),
    };
    let runtime = Runtime::start(Parts {
        store,
        mirrors,
        renderer,
        access: Arc::new(keyring),
        installation,
        settings,
    });
    crate::sealed::start(&runtime, registration.vault.clone());
    let (vault, running) = (registration.vault.clone(), runtime.clone());
    control_plane::start_image_rules(&running, registration.clone());
    let plane = control_plane::ports(
        runtime.clone(),
        registration,
        Arc::new(accounts),
        Arc::new(hub),
    );
    crate::notify::start(&running, vault, Arc::clone(&plane.fleet));
    Ok(Assembled {
        plane,
        engine: runtime,
    })
}

/// What the file names wins over what PATH has.
fn tools(config: &Config) -> Tools {
    let or_path = |named: &Option<PathBuf>, name: &str| named.clone().or_else(|| on_path(name));
    Tools::new(
        or_path(&config.tools.helm, "helm"),
        or_path(&config.tools.kustomize, "kustomize"),
    )
}

fn on_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Rows for the clusters and sources of the file. A source's mode counts only when it is new here: afterwards taking
/// over is a person's decision, and a restored database is not overruled by a file.
async fn declare(store: &Store, config: &Config) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    for entry in &config.clusters {
        let fields = ClusterFields {
            name: entry.name.clone(),
            labels: entry.labels.clone(),
            server: server_of(entry).await,
        };
        cluster::declare(&mut tx, &fields).await?;
    }
    for entry in &config.sources {
        let fields = SourceFields {
            name: entry.name.clone(),
            repo_url: entry.repo.clone(),
            path: entry.path.clone(),
            target_revision: entry.revision.clone(),
            home_cluster: entry.home_cluster.clone(),
        };
        let new = source::by_name(&tx, &entry.name).await?.is_none();
        let row = source::declare(&mut tx, &fields).await?;
        if new && entry.taken_over {
            source::set_mode(&mut tx, row.id, Mode::Managed).await?;
            let act = Act::unattended(FILE, "take over", format!("source {}", entry.name));
            tx.record(act.because("taken_over = true at first registration"));
        }
    }
    forget(&mut tx, config).await?;
    tx.commit().await?;
    Ok(())
}

/// Forgets what an earlier file named and this one does not. Nothing in clusters is touched, and history stays.
async fn forget(tx: &mut Tx, config: &Config) -> Result<(), StoreError> {
    if config.clusters.is_empty() && config.sources.is_empty() {
        // More likely a start with the wrong file than a wish.
        return Ok(());
    }
    for row in source::list(tx).await? {
        if row.from_file && config.source(&row.name).is_none() {
            tracing::warn!(source = %row.name, "the configuration no longer names this source; it is forgotten");
            source::delete(tx, row.id).await?;
            tx.record(Act::unattended(FILE, "remove source", row.name));
        }
    }
    for row in cluster::list(tx).await? {
        if row.from_file && config.cluster(&row.name).is_none() {
            tracing::warn!(cluster = %row.name, "the configuration no longer names this cluster; it is forgotten");
            cluster::delete(tx, row.id).await?;
            tx.record(Act::unattended(FILE, "remove cluster", row.name));
        }
    }
    Ok(())
}

/// The address that the kubeconfig names; empty when it cannot be read, which connecting to it will explain.
async fn server_of(entry: &ClusterEntry) -> String {
    let Ok(text) = tokio::fs::read_to_string(&entry.kubeconfig).await else {
        return String::new();
    };
    // Only the address is wanted here; nothing is run or reached.
    let open = ClusterPolicy {
        allow_private: true,
        allow_http: true,
        exec_commands: Vec::new(),
        allow_files: true,
    };
    let read = read_kubeconfig(&SecretString::from(text), &entry.context, &open).await;
    read.map(|access| access.server).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn declared(
        store: &Store,
        folder: &std::path::Path,
        text: &str,
    ) -> Vec<(String, Mode, bool)> {
        let path = folder.join("lockstep.toml");
        std::fs::write(&path, text).unwrap();
        // The machine's own settings have no place here.
        let config = Config::load(Some(&path), &|_| None).unwrap();
        declare(store, &config).await.unwrap();
        let rows = source::list(store).await.unwrap();
        rows.into_iter()
            .map(|row| (row.name, row.mode, row.from_file))
            .collect()
    }

    fn file(sources: &str) -> String {
        format!("[[cluster]]\nname='eu'\nkubeconfig='eu.yaml'\n{sources}")
    }

    #[tokio::test]
    async fn mode_counts_once_and_what_left_the_file_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("x.db").display());
        let store = Store::open(&url).await.unwrap();
        store.migrate().await.unwrap();
        let shop = "[[source]]\nname='shop'\nrepo='https://git.example.org/shop.git'\n";
        let taken = file(&format!("{shop}taken_over=true\n"));

        let rows = declared(&store, folder.path(), &taken).await;
        assert_eq!(rows, [("shop".to_owned(), Mode::Managed, true)]);
        // A person goes back to observing; the file does not overrule that.
        let id = source::by_name(&store, "shop").await.unwrap().unwrap().id;
        let mut tx = store.begin().await.unwrap();
        source::set_mode(&mut tx, id, Mode::Observe).await.unwrap();
        tx.commit().await.unwrap();
        let rows = declared(&store, folder.path(), &taken).await;
        assert_eq!(rows, [("shop".to_owned(), Mode::Observe, true)]);

        // A start with an empty file forgets nothing; one that names others does.
        assert_eq!(declared(&store, folder.path(), "").await.len(), 1);
        assert_eq!(declared(&store, folder.path(), &file("")).await, []);
    }
}
