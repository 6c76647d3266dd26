//! `lockstep cluster`: list, add, remove.

use super::Global;
use super::app_objects::{doubts, orphans};
use super::reestablish::Reestablish;
use crate::api::{ClientError, segment};
use crate::exit::Exit;
use crate::prompt;
use crate::table::{Table, remark};
use crate::wire::Created;
use clap::Subcommand;
use lockstep_types::cluster::{ClusterView, Connection, NewCluster};
use lockstep_types::id::ClusterId;
use lockstep_types::rebuild::RebuildView;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Clusters.
#[derive(Debug, Subcommand)]
pub enum Cluster {
    /// All clusters with their connection.
    List,
    /// What a new, empty cluster would lack: what Git does not hold, and images that may be others. Exit code 1 when
    /// something is missing.
    Rebuild { name: String },
    /// Bring everything back that Git declares for a cluster, in order: what it would take, how far it is, begin or stop.
    #[command(visible_alias = "re-establish")]
    Reestablish(Reestablish),
    /// Register one context of a kubeconfig. Its credentials are encrypted and never shown again.
    Add {
        name: String,
        /// With inline credentials; paths and plugins are refused.
        #[arg(long, value_name = "FILE")]
        kubeconfig: PathBuf,
        /// Without it the file's current context.
        #[arg(long, default_value = "")]
        context: String,
        /// `env=prod`; may be repeated.
        #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
        labels: Vec<(String, String)>,
    },
    /// Forget a cluster. Nothing in it is touched.
    Remove {
        name: String,
        /// The name again, instead of being asked for it.
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
}

fn label(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "must be KEY=VALUE".to_owned())
}

impl Cluster {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        match self {
            Self::List => {
                let clusters: Vec<ClusterView> = api.get("/clusters", &[]).await?;
                global.list(
                    &clusters,
                    |clusters, _| list(clusters),
                    |clusters| {
                        clusters
                            .iter()
                            .map(|cluster| cluster.name.clone())
                            .collect()
                    },
                )
            }
            Self::Rebuild { name } => {
                let path = format!("/clusters/{}/rebuild", segment(name));
                let view: RebuildView = api.get(&path, &[]).await?;
                doubts(&view.unread, &view.unsure);
                global.show(&view, rebuild)?;
                let whole = view.unread.is_empty() && view.unsure.is_empty();
                Ok(
                    if whole && view.missing.is_empty() && view.undeclared.is_empty() {
                        Exit::Done
                    } else {
                        Exit::Failed
                    },
                )
            }
            Self::Reestablish(asked) => asked.run(global, &api).await,
            Self::Add {
                name,
                kubeconfig,
                context,
                labels,
            } => {
                let read = std::fs::read_to_string(kubeconfig);
                let kubeconfig =
                    read.map_err(ClientError::local(format!("read {}", kubeconfig.display())))?;
                let body = NewCluster {
                    name: name.clone(),
                    labels: labels.iter().cloned().collect::<BTreeMap<_, _>>(),
                    kubeconfig,
                    context: context.clone(),
                };
                let created: Created<ClusterId> = api.post("/clusters", &body).await?;
                global.show(&created, |_| format!("cluster {name} added"))
            }
            Self::Remove { name, confirm } => {
                let typed = confirmed(confirm, name, "forget it")?;
                let path = format!("/clusters/{}", segment(name));
                api.delete(&path, &[("typed", &typed)]).await?;
                remark(&format!(
                    "cluster {name} forgotten; nothing in it was touched"
                ));
                Ok(Exit::Done)
            }
        }
    }
}

/// The name typed once more: given, or asked for.
pub(super) fn confirmed(
    confirm: &Option<String>,
    name: &str,
    what: &str,
) -> Result<String, ClientError> {
    match confirm {
        Some(typed) => Ok(typed.clone()),
        None => prompt::line(&format!("Type {name} to {what}")),
    }
}

fn rebuild(view: &RebuildView) -> String {
    let mut missing = Table::new(&["MISSING IN GIT", "IS NOW", "NEEDED BY"]);
    for one in &view.missing {
        let by: Vec<String> = one
            .needed_by
            .iter()
            .map(|(target, key)| format!("{} {}", target.application.name, key.short()))
            .collect();
        missing.row([
            one.key.to_string(),
            if one.live {
                "in the cluster"
            } else {
                "nowhere"
            }
            .to_owned(),
            by.join(", "),
        ]);
    }
    let mut images = Table::new(&["IMAGE", "NAMED BY", "USED"]);
    for image in &view.images {
        images.row([
            image.image.clone(),
            if image.always {
                "nothing firm"
            } else {
                "a tag"
            }
            .to_owned(),
            image.count.to_string(),
        ]);
    }
    format!(
        "Git brings back {} % of what {} should hold: {} declared, {} declared nowhere, {} missing; {} come with their owners, {} with every cluster, and {} volumes hold data.\n\n{}\n{}\n{}",
        view.score,
        view.cluster,
        view.declared,
        view.undeclared.len(),
        view.missing.len(),
        view.owned,
        view.given,
        view.volumes,
        missing.text(),
        orphans(&view.undeclared),
        images.text(),
    )
}

fn list(clusters: &[ClusterView]) -> String {
    let mut table = Table::new(&[
        "NAME",
        "CONNECTION",
        "VERSION",
        "TARGETS",
        "LAST COMPARED",
        "ERROR",
    ]);
    for cluster in clusters {
        let (connection, error) = match &cluster.connection {
            Connection::Connected => ("connected", String::new()),
            Connection::Unknown => ("unknown", String::new()),
            Connection::Unreachable { error, .. } => ("unreachable", error.clone()),
        };
        table.row([
            cluster.name.clone(),
            connection.to_owned(),
            cluster.version.clone(),
            cluster.targets.len().to_string(),
            cluster
                .last_compared
                .map(|at| at.rfc3339())
                .unwrap_or_default(),
            error,
        ]);
    }
    table.text()
}
