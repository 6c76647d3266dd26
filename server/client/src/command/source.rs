//! `lockstep source`: list, add, take over, remove.

use super::Global;
use super::cluster::confirmed;
use super::source_defined;
use crate::api::{Api, ClientError};
use crate::exit::Exit;
use crate::prompt;
use crate::table::{Table, remark};
use crate::wire::{Created, TakeOverBody};
use clap::Subcommand;
use lockstep_types::id::SourceId;
use lockstep_types::revision::TargetRevision;
use lockstep_types::source::{NewSource, SourceView, TakeOverPreview};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Root sources.
#[derive(Debug, Subcommand)]
pub enum Source {
    /// All root sources with their state.
    List,
    /// Register one. It is only observed until it is taken over.
    Add {
        name: String,
        /// Address of the repository.
        #[arg(long, value_name = "URL")]
        repo: String,
        /// Folder with the definitions.
        #[arg(long, default_value = "")]
        path: String,
        /// Branch, tag, commit or range of versions.
        #[arg(long, default_value = "")]
        revision: String,
        /// The cluster that “in-cluster” means.
        #[arg(long, default_value = "")]
        home_cluster: String,
        /// Asks for the password too.
        #[arg(long)]
        username: Option<String>,
        /// File with a private SSH key without passphrase, for ssh:// addresses.
        #[arg(
            long,
            value_name = "FILE",
            requires = "known_hosts_file",
            conflicts_with = "username"
        )]
        ssh_key_file: Option<PathBuf>,
        /// File with the lines of known hosts to accept, and no others.
        #[arg(long, value_name = "FILE", requires = "ssh_key_file")]
        known_hosts_file: Option<PathBuf>,
        /// File with certificates of the authorities to trust at this host.
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
    },
    /// What is broken in definitions and renders, with file, line and field. Exit code 1 when something is.
    Problems,
    /// Sets of applications: what they generate, from which parameters, and what they do not.
    Sets,
    /// Begin to write what the source declares, after showing what the first sync would do.
    TakeOver {
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Forget a source. Nothing it declared is touched.
    Remove {
        name: String,
        /// The name again, instead of being asked for it.
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
}

impl Source {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        match self {
            Self::List => {
                let sources: Vec<SourceView> = api.get("/sources", &[]).await?;
                global.list(
                    &sources,
                    |sources, _| list(sources),
                    |sources| sources.iter().map(|source| source.name.clone()).collect(),
                )
            }
            Self::Add {
                name,
                repo,
                path,
                revision,
                home_cluster,
                username,
                ssh_key_file,
                known_hosts_file,
                ca_file,
            } => {
                let password = match username {
                    Some(_) => Some(prompt::hidden("Password or token")?),
                    None => None,
                };
                let body = NewSource {
                    name: name.clone(),
                    repo_url: repo.clone(),
                    path: path.clone(),
                    target_revision: TargetRevision(revision.clone()),
                    home_cluster: home_cluster.clone(),
                    username: username.clone(),
                    password,
                    ssh_key: content(ssh_key_file.as_deref())?,
                    known_hosts: content(known_hosts_file.as_deref())?,
                    ca: content(ca_file.as_deref())?,
                };
                let created: Created<SourceId> = api.post("/sources", &body).await?;
                global.show(&created, |_| {
                    format!("source {name} added; it is observed until: lockstep source take-over {name}")
                })
            }
            Self::Problems => source_defined::problems(&api, global).await,
            Self::Sets => source_defined::sets(&api, global).await,
            Self::TakeOver { name, yes } => take_over(&api, name, *yes).await,
            Self::Remove { name, confirm } => {
                let source = find(&api, name).await?;
                let typed = confirmed(confirm, name, "forget it")?;
                api.delete(&format!("/sources/{}", source.id), &[("typed", &typed)])
                    .await?;
                remark(&format!(
                    "source {name} forgotten; nothing it declared was touched"
                ));
                Ok(Exit::Done)
            }
        }
    }
}

fn content(path: Option<&Path>) -> Result<Option<String>, ClientError> {
    let Some(path) = path else {
        return Ok(None);
    };
    let failed = ClientError::local(format!("read {}", path.display()));
    std::fs::read_to_string(path).map(Some).map_err(failed)
}

async fn find(api: &Api, name: &str) -> Result<SourceView, ClientError> {
    let sources: Vec<SourceView> = api.get("/sources", &[]).await?;
    sources
        .into_iter()
        .find(|source| source.name == name)
        .ok_or_else(|| {
            ClientError::Usage(format!(
                "no source “{name}”; lockstep source list shows all"
            ))
        })
}

async fn take_over(api: &Api, name: &str, yes: bool) -> Result<Exit, ClientError> {
    let path = format!("/sources/{}/take-over", find(api, name).await?.id);
    let preview: TakeOverPreview = api.get(&path, &[]).await?;
    for target in &preview.targets {
        let application = &target.target.application;
        let what = match &target.plan {
            Some(plan) => {
                let counts = plan.counts();
                format!(
                    "create {}, configure {}, prune {}, unchanged {}",
                    counts.create, counts.configure, counts.prune, counts.unchanged
                )
            }
            None => target.error.clone(),
        };
        remark(&format!(
            "{}/{} on {}: {what}",
            application.project, application.name, target.target.cluster
        ));
    }
    if !preview.refusals.is_empty() {
        for refusal in &preview.refusals {
            remark(&format!("refused: {refusal}"));
        }
        return Ok(Exit::Failed);
    }
    if !yes && prompt::line(&format!("Type {name} to take it over"))? != name {
        remark("not taken over");
        return Ok(Exit::Failed);
    }
    let body = TakeOverBody {
        digest: preview.digest,
    };
    api.post::<Value>(&path, &body).await?;
    remark(&format!("source {name} is taken over"));
    Ok(Exit::Done)
}

fn list(sources: &[SourceView]) -> String {
    let mut table = Table::new(&[
        "NAME",
        "MODE",
        "REPOSITORY",
        "PATH",
        "REVISION",
        "APPS",
        "PROBLEMS",
        "ERROR",
    ]);
    for source in sources {
        table.row([
            source.name.clone(),
            source.mode.word().to_owned(),
            source.repo_url.clone(),
            source.path.clone(),
            source
                .revision
                .as_ref()
                .map(|r| r.short().to_owned())
                .unwrap_or_default(),
            source.applications.to_string(),
            source.problems.to_string(),
            source.error.clone(),
        ]);
    }
    table.text()
}
