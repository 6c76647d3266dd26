//! `lockstep app tree`, `manifests`, `refresh` and `terminate`: the objects of a target, and its run.

use super::Global;
use crate::api::{Api, ClientError};
use crate::apps::{Which, full_name, path};
use crate::exit::Exit;
use crate::table::{Table, plain, remark};
use crate::wire::Started;
use clap::Args;
use lockstep_types::application::TreeView;
use lockstep_types::orphan::{Orphan, OrphansView};
use lockstep_types::resource::{ResourceKey, ResourceNode, ResourceView};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One target.
#[derive(Debug, Args)]
pub struct OfTarget {
    #[command(flatten)]
    which: Which,
}

/// The manifests of a target.
#[derive(Debug, Args)]
pub struct Manifests {
    #[command(flatten)]
    which: Which,
    /// As they are in the cluster, instead of as Git has them.
    #[arg(long)]
    live: bool,
}

impl OfTarget {
    /// The objects of a target with their health, what they make below them.
    pub(super) async fn tree(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let view: TreeView = api.get(&path(&target, "/tree"), &[]).await?;
        global.list(
            &view,
            |view, wide| tree(&view.nodes, wide),
            |view| view.nodes.iter().map(|node| node.key.to_string()).collect(),
        )
    }

    /// What lives around a target and is declared by nobody.
    pub(super) async fn orphans(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let view: OrphansView = api.get(&path(&target, "/orphans"), &[]).await?;
        doubts(&view.unread, &view.unsure);
        global.list(&view, |view, _| orphans(&view.orphans), orphan_names)
    }

    /// Asks for a new comparison.
    pub(super) async fn refresh(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let started: Started = api.post(&path(&target, "/refresh"), &json!({})).await?;
        global.show(&started, |_| {
            format!("{} is compared again", full_name(&target))
        })
    }

    /// Ends the run of a target after its current step.
    pub(super) async fn terminate(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let Some(run) = target.running else {
            let name = full_name(&target);
            return Err(ClientError::Usage(format!(
                "nothing runs on {name}; lockstep app history {name} shows what has run"
            )));
        };
        let _: Value = api
            .post(&format!("/runs/{run}/terminate"), &json!({}))
            .await?;
        global.show(&json!({"terminated": run}), |_| {
            "it ends after its current step".to_owned()
        })
    }
}

impl Manifests {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let view: TreeView = api.get(&path(&target, "/tree"), &[]).await?;
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for node in view.nodes.iter().filter(|node| node.declared) {
            let one = one(&api, &path(&target, "/resource"), &node.key).await?;
            let text = if self.live {
                one.live_yaml
            } else {
                one.desired_yaml
            };
            if let Some(text) = text {
                found.insert(node.key.to_string(), text);
            }
        }
        global.show(&found, |found| {
            let texts: Vec<String> = found.values().map(|text| plain(text)).collect();
            texts.join("---\n")
        })
    }
}

async fn one(api: &Api, address: &str, key: &ResourceKey) -> Result<ResourceView, ClientError> {
    api.get(address, &[("key", &key.to_string())]).await
}

fn orphan_names(view: &OrphansView) -> Vec<String> {
    let orphans = view.orphans.iter();
    orphans.map(|orphan| orphan.key.to_string()).collect()
}

/// What a list of orphans may lack, and what may stand in it wrongly.
pub(super) fn doubts(unread: &[(String, String)], unsure: &[String]) {
    for (kind, why) in unread {
        remark(&format!("{kind} could not be listed: {why}"));
    }
    if !unsure.is_empty() {
        remark(&format!(
            "not compared since the start: {}; their objects may be listed although they are declared",
            unsure.join(", ")
        ));
    }
}

/// Objects with who made them.
pub(super) fn orphans(orphans: &[Orphan]) -> String {
    let mut table = Table::new(&["OBJECT", "MADE BY", "CREATED"]);
    for orphan in orphans {
        table.row([
            orphan.key.to_string(),
            orphan.made_by.clone(),
            orphan.created_at.map(|at| at.rfc3339()).unwrap_or_default(),
        ]);
    }
    table.text()
}

fn tree(nodes: &[ResourceNode], wide: bool) -> String {
    let mut table = Table::new(if wide {
        &["OBJECT", "SYNC", "HEALTH", "DETAIL", "CREATED", "MESSAGE"]
    } else {
        &["OBJECT", "SYNC", "HEALTH", "DETAIL"]
    });
    let known: BTreeMap<&ResourceKey, &ResourceNode> =
        nodes.iter().map(|node| (&node.key, node)).collect();
    for node in nodes {
        let mut line = vec![
            format!("{}{}", "  ".repeat(depth(node, &known)), node.key),
            node.sync.map_or("", |sync| sync.word()).to_owned(),
            node.health.status.word().to_owned(),
            node.detail.clone(),
        ];
        if wide {
            line.push(node.created_at.map(|at| at.rfc3339()).unwrap_or_default());
            line.push(node.health.message.clone());
        }
        table.row(line);
    }
    table.text()
}

/// How deep it hangs; what a cluster says of owners may go round in a circle.
fn depth(node: &ResourceNode, known: &BTreeMap<&ResourceKey, &ResourceNode>) -> usize {
    let mut depth = 0;
    let mut parent = node.parent.as_ref();
    while let Some(key) = parent.filter(|_| depth < 20) {
        depth += 1;
        parent = known.get(key).and_then(|node| node.parent.as_ref());
    }
    depth
}
