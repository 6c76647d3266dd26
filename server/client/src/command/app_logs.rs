//! `lockstep app logs`: what containers wrote, and with `--follow` what they write.

use super::Global;
use crate::api::ClientError;
use crate::apps::{Which, path};
use crate::exit::Exit;
use clap::Args;
use std::io::Write as _;

/// What the containers of a target wrote.
#[derive(Debug, Args)]
pub struct Logs {
    #[command(flatten)]
    which: Which,
    /// `group/Kind:namespace/name`, as `lockstep app get` shows objects; without it all Pods of the target.
    #[arg(long)]
    object: Option<String>,
    /// Only the Pod of this name.
    #[arg(long)]
    pod: Option<String>,
    /// The container; else the one that the Pod names, or its first.
    #[arg(long)]
    container: Option<String>,
    /// Of the run before the last restart.
    #[arg(short, long)]
    previous: bool,
    /// Not older than so many seconds.
    #[arg(long, value_name = "SECONDS")]
    since: Option<u32>,
    /// The last lines of each container.
    #[arg(long, default_value_t = 200)]
    tail: u32,
    /// Go on with what is written from now on; Ctrl-C ends it.
    #[arg(short, long)]
    follow: bool,
}

impl Logs {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let (since, tail) = (
            self.since.map(|since| since.to_string()),
            self.tail.to_string(),
        );
        let optional = [
            ("object", self.object.as_deref()),
            ("pod", self.pod.as_deref()),
            ("container", self.container.as_deref()),
            ("since", since.as_deref()),
            ("previous", self.previous.then_some("true")),
            ("follow", self.follow.then_some("true")),
        ];
        let mut query: Vec<(&str, &str)> = optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        query.push(("tail", &tail));
        let mut text = api.text(&path(&target, "/logs"), &query).await?;
        let mut out = std::io::stdout();
        while let Some(chunk) = text.next().await? {
            let written = out.write_all(chunk.as_ref()).and_then(|()| out.flush());
            match written {
                // Whoever read it has had enough.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => break,
                other => other.map_err(ClientError::local("write the log"))?,
            }
        }
        Ok(Exit::Done)
    }
}
