//! `lockstep cluster reestablish`: what bringing a cluster back from Git would take, beginning it, how far it is.

use super::Global;
use super::cluster::confirmed;
use crate::api::{Api, ClientError, segment};
use crate::exit::Exit;
use crate::table::{Table, remark};
use clap::Args;
use lockstep_types::reestablish::{
    Identity, MemberState, ReestablishRequest, ReestablishView, StageMember,
};
use std::time::Duration;

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_secs(1);

/// Bring a cluster back. Without `--begin` or `--stop`: the plan, or how far it is.
#[derive(Debug, Args)]
pub struct Reestablish {
    name: String,
    /// Begin, and follow it to its end: exit code 1 when something failed.
    #[arg(long, conflicts_with = "stop")]
    begin: bool,
    /// Why, for the audit log.
    #[arg(long, default_value = "", required_if_eq("begin", "true"))]
    reason: String,
    /// Another cluster answers at the address, and the one with this UID is the cluster from now on.
    #[arg(long, value_name = "UID", requires = "begin")]
    accept: Option<String>,
    /// The cluster's name again, instead of being asked for it.
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    /// Ask for nothing more; syncs that run go on.
    #[arg(long)]
    stop: bool,
}

impl Reestablish {
    pub(super) async fn run(&self, global: &Global, api: &Api) -> Result<Exit, ClientError> {
        let path = format!("/clusters/{}/reestablish", segment(&self.name));
        if self.stop {
            api.delete(&path, &[]).await?;
            remark("nothing more is asked for; syncs that run go on");
        }
        if !self.begin {
            let view: ReestablishView = api.get(&path, &[]).await?;
            return global.show(&view, shown);
        }
        let request = ReestablishRequest {
            typed: confirmed(&self.confirm, &self.name, "bring it back")?,
            reason: self.reason.clone(),
            accept: self.accept.clone(),
        };
        let _: serde_json::Value = api.post(&path, &request).await?;
        let mut told: Vec<String> = Vec::new();
        loop {
            let view: ReestablishView = api.get(&path, &[]).await?;
            for line in members(&view).filter_map(news) {
                if !told.contains(&line) {
                    remark(&line);
                    told.push(line);
                }
            }
            let over = view
                .begun
                .as_ref()
                .is_none_or(|begun| begun.ended_at.is_some());
            if over || view.stuck {
                let failed = members(&view).any(|one| one.state == MemberState::Failed);
                let stopped = view
                    .begun
                    .as_ref()
                    .is_some_and(|begun| begun.ending.starts_with("stopped"));
                global.show(&view, shown)?;
                return Ok(if failed || stopped || view.stuck {
                    Exit::Failed
                } else {
                    Exit::Done
                });
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn members(view: &ReestablishView) -> impl Iterator<Item = &StageMember> {
    view.stages.iter().flat_map(|stage| &stage.members)
}

/// What is worth a line while it goes on.
fn news(member: &StageMember) -> Option<String> {
    let name = &member.target.application.name;
    match member.state {
        MemberState::Planned | MemberState::Waits => None,
        MemberState::Failed => Some(format!("{name}: failed: {}", member.words)),
        state => Some(format!("{name}: {}", state.word())),
    }
}

fn shown(view: &ReestablishView) -> String {
    let mut table = Table::new(&["STAGE", "APPLICATION", "STATE", "ABSENT", "WHY"]);
    for stage in &view.stages {
        for member in &stage.members {
            let absent = match (member.absent, member.declared) {
                (Some(absent), Some(declared)) => format!("{absent} of {declared}"),
                _ => "not known".to_owned(),
            };
            let why = if member.words.is_empty() {
                &member.why
            } else {
                &member.words
            };
            table.row([
                if stage.number == 0 {
                    "-".to_owned()
                } else {
                    stage.number.to_string()
                },
                member.target.application.name.clone(),
                member.state.word().to_owned(),
                absent,
                why.clone(),
            ]);
        }
    }
    let identity = match &view.identity {
        Identity::Same => String::new(),
        Identity::Silent(why) => format!("It does not answer: {why}\n"),
        Identity::Replaced { known, found } => format!(
            "Another cluster answers: UID {found}, not {known}. With --accept {found} it takes the place of the other.\n"
        ),
    };
    let begun = match &view.begun {
        Some(begun) if begun.ended_at.is_none() => {
            format!("{} is bringing it back: {}\n", begun.by, begun.reason)
        }
        Some(begun) => format!("The last time, by {}: {}\n", begun.by, begun.ending),
        None => String::new(),
    };
    format!(
        "{} lacks {} of the {} objects that Git declares for it.\n{identity}{begun}\n{}",
        view.cluster,
        view.absent,
        view.declared,
        table.text()
    )
}
