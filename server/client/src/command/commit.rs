//! `lockstep commit`: is my change live?

use super::Global;
use crate::api::{ClientError, segment};
use crate::exit::Exit;
use crate::table::Table;
use clap::Args;
use lockstep_types::fleet::CommitRollout;

/// Where a commit is: live, waiting or failed, per cluster.
#[derive(Debug, Args)]
pub struct Commit {
    /// The commit, or an unambiguous beginning of it.
    sha: String,
}

impl Commit {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let path = format!("/commits/{}/rollout", segment(&self.sha));
        let rollout: CommitRollout = global.open()?.get(&path, &[]).await?;
        global.show(&rollout, text)
    }
}

pub(super) fn text(rollout: &CommitRollout) -> String {
    let commit = &rollout.commit;
    let mut table = Table::new(&["APP", "CLUSTER", "STATE", "SINCE", "WHY"]);
    for place in &rollout.targets {
        table.row([
            format!(
                "{}/{}",
                place.target.application.project, place.target.application.name
            ),
            place.target.cluster.clone(),
            place.state.word().to_owned(),
            place.at.map(|at| at.rfc3339()).unwrap_or_default(),
            place.why.clone(),
        ]);
    }
    let body = if rollout.targets.is_empty() {
        "No target reads what it changed.\n".to_owned()
    } else {
        table.text()
    };
    format!(
        "{} {} ({}, {})\n{body}",
        commit.revision.short(),
        crate::table::plain(&commit.subject),
        crate::table::plain(&commit.author),
        commit.committed_at.rfc3339()
    )
}
