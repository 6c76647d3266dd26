//! The seam to the reconcilers: from the opened parts to running reconcilers and their ports.

use super::Foundation;
use crate::access::Keyring;
use crate::config::Config;
use crate::control_plane::{self, Registration};
use crate::runtime::{Parts, Runtime, Settings};
use crate::store::audit::Act;
use crate::store::cluster::{self, ClusterFields};
use crate::store::source::{self, SourceFields};
use crate::store::{Store, StoreError};
use anyhow::Context;
use engine::render::{Renderer, SandboxSettings, Tools};
use engine::source::Mirrors;
use lockstep_types::ports::ControlPlane;
use lockstep_types::source::Mode;
use std::path::PathBuf;
use std::sync::Arc;

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
    } = foundation;
    declare(&store, &config)
        .await
        .context("cannot register the clusters and sources of the configuration")?;
    let keyring = Keyring::new(Arc::clone(&config), store.clone(), vault.clone());
    let mirrors = Mirrors::open(config.data_dir.join("mirrors"), keyring.network_policy())
        .context("data_dir: the folder of the repositories cannot be used")?;
    let work = config.data_dir.join("work");
    std::fs::create_dir_all(&work)
        .with_context(|| format!("data_dir: cannot make {}", work.display()))?;
    let executable = std::env::current_exe().context("cannot find the program's own file")?;
    let renderer = Renderer::new(tools(&config), SandboxSettings::new(executable), work);
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
    let plane = control_plane::ports(
        runtime.clone(),
        registration,
        Arc::new(accounts),
        Arc::new(hub),
    );
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
async fn declare(store: &Store, config: &Config) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    for entry in &config.clusters {
        let fields = ClusterFields {
            name: entry.name.clone(),
            labels: entry.labels.clone(),
            // Known once it is connected.
            server: String::new(),
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
            let act = Act::unattended(
                "configuration",
                "take over",
                format!("source {}", entry.name),
            );
            tx.record(act.because("taken_over = true at first registration"));
        }
    }
    tx.commit().await?;
    Ok(())
}
