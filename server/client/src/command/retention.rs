//! `lockstep retention`: how long bodies of history are kept.

use super::Global;
use crate::api::ClientError;
use crate::exit::Exit;
use clap::Args;
use lockstep_types::retention::{Retention, RetentionView};
use serde_json::Value;

/// How long manifests, plans and messages of steps are kept. The record of what happened is kept for ever.
#[derive(Debug, Args)]
pub struct Kept {
    /// Let go what is older than so many days, at least 7.
    #[arg(long)]
    days: Option<u32>,
    /// Let nothing go, as it is without a policy.
    #[arg(long, conflicts_with = "days")]
    for_ever: bool,
}

impl Kept {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        if self.days.is_some() || self.for_ever {
            let rules = Retention { days: self.days };
            let _: Value = api.post("/retention", &rules).await?;
        }
        let view: RetentionView = api.get("/retention", &[]).await?;
        global.show(&view, words)
    }
}

fn words(view: &RetentionView) -> String {
    let last = view.last.map(|last| {
        format!(
            "last let go: the bodies of {} runs and {} renders, {}\n",
            last.runs,
            last.renders,
            last.at.rfc3339()
        )
    });
    format!(
        "bodies are kept {}\n{}",
        view.rules.words(),
        last.unwrap_or_default()
    )
}
