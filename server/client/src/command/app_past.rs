//! `lockstep app past`: how a target stood at an earlier time.

use super::Global;
use crate::api::ClientError;
use crate::apps::{Which, path};
use crate::exit::Exit;
use crate::table::Table;
use clap::Args;
use lockstep_types::past::{StateThen, TargetPast};
use lockstep_types::revision::{CommitInfo, Revision};

/// How a target stood at an earlier time, and when it turned.
#[derive(Debug, Args)]
pub struct Past {
    #[command(flatten)]
    which: Which,
    /// How long ago, as `90m`, `2h` or `3d`, or a time, as `2026-03-04T14:02Z`.
    #[arg(long, default_value = "1h", value_name = "TIME")]
    at: String,
}

impl Past {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let address = path(&target, "/past");
        let past: TargetPast = api.get(&address, &[("at", self.at.as_str())]).await?;
        global.show(&past, text)
    }
}

/// A row's name, and what of a state stands in it.
type Row = (&'static str, fn(&StateThen) -> String);

fn text(past: &TargetPast) -> String {
    let mut table = Table::new(&["", "THEN", "NOW"]);
    let both = |of: fn(&StateThen) -> String| {
        let then = past
            .then
            .as_ref()
            .map_or_else(|| "not there".to_owned(), of);
        [then, of(&past.now_is)]
    };
    let rows: [Row; 6] = [
        ("sync", |state| state.sync.word().to_owned()),
        ("health", |state| state.health.word().to_owned()),
        ("why", |state| {
            let reason = state.reason.as_ref();
            reason.map_or_else(String::new, |reason| reason.cause.clone())
        }),
        ("tracked", |state| short(state.revision.as_ref())),
        ("deployed", |state| short(state.deployed.as_ref())),
        ("drifted", |state| state.drifted.to_string()),
    ];
    for (name, of) in rows {
        let [then, now] = both(of);
        table.row([name.to_owned(), then, now]);
    }
    let subject = |commit: &Option<CommitInfo>, word: &str| {
        commit.as_ref().map_or_else(String::new, |commit| {
            format!(
                "{word} {} {} ({})\n",
                commit.revision.short(),
                commit.subject,
                commit.author
            )
        })
    };
    let mut around = Table::new(&["FROM", "SYNC", "HEALTH"]);
    for stood in &past.around {
        around.row([
            stood.from.exact(),
            stood.sync.word().to_owned(),
            stood.health.word().to_owned(),
        ]);
    }
    format!(
        "{} on {} at {}\n\n{}{}{}\n{}",
        past.target.application.name,
        past.target.cluster,
        past.at.rfc3339(),
        table.text(),
        subject(&past.commit, "tracked"),
        subject(&past.deployed, "deployed"),
        around.text()
    )
}

fn short(revision: Option<&Revision>) -> String {
    revision.map_or_else(String::new, |revision| revision.short().to_owned())
}
