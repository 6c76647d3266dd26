//! `lockstep wait`: until a commit is live, for pipelines.

use super::Global;
use super::commit::text;
use crate::api::{ClientError, segment};
use crate::exit::Exit;
use crate::table::remark;
use crate::waiting::{Selector, Standing, duration, standing};
use clap::Args;
use lockstep_types::fleet::CommitRollout;
use std::time::{Duration, Instant};

/// The server answers at the latest after this time; then it is asked again.
const ROUND: u64 = 20;
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(500);

/// Wait until a commit is live on every target that reads what it changed.
///
/// Exit codes: 0 live, 1 failed (with the reason), 2 the question could not be asked, 3 not live in time.
#[derive(Debug, Args)]
pub struct Wait {
    /// The commit, or an unambiguous beginning of it. It may be one that the server has not seen yet.
    #[arg(long, value_name = "SHA")]
    commit: String,
    /// Only clusters with these labels, as env=prod,region=eu; name=… for one cluster.
    #[arg(long, value_name = "LABELS", default_value = "")]
    clusters: String,
    /// When to give up, as 90s, 10m or 1h.
    #[arg(long, default_value = "10m", value_parser = duration)]
    timeout: Duration,
}

impl Wait {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        Selector::parse(&self.clusters).map_err(ClientError::Usage)?;
        let api = global.open()?;
        let path = format!("/commits/{}/rollout", segment(&self.commit));
        let end = Instant::now() + self.timeout;
        let mut last = String::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let wait = left.as_secs().min(ROUND).to_string();
            let query = [("clusters", self.clusters.as_str()), ("wait", &wait)];
            let rollout = match api.get::<CommitRollout>(&path, &query).await {
                Ok(rollout) => Some(rollout),
                // Pushed a moment ago: the server has not looked yet.
                Err(ClientError::Refused(problem)) if problem.status == 404 => None,
                Err(error) => return Err(error),
            };
            if let Some(rollout) = &rollout {
                match standing(rollout) {
                    Standing::Live => return global.show(rollout, text),
                    Standing::Failed => {
                        global.show(rollout, text)?;
                        return Ok(Exit::Failed);
                    }
                    Standing::Waiting => {}
                }
            }
            let now = match &rollout {
                Some(rollout) => text(rollout),
                None => format!("{} is not known to the server yet", self.commit),
            };
            if now != last {
                remark(now.trim_end());
                last = now;
            }
            if Instant::now() >= end {
                if let Some(rollout) = &rollout {
                    global.show(rollout, text)?;
                }
                remark("not live in time; the rollout goes on at the server");
                return Ok(Exit::TimedOut);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
