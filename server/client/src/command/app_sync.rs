//! `lockstep app sync` and `lockstep app wait`: start, and watch until it is done.

use super::Global;
use super::app::sync_words;
use crate::api::{Api, ClientError};
use crate::apps::{Which, full_name, path};
use crate::exit::Exit;
use crate::table::remark;
use crate::wire::{OperationAnswer, Started, SyncBody};
use clap::Args;
use lockstep_types::application::{ApplicationView, TargetSummary};
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::id::OperationId;
use lockstep_types::sync::{RunView, SyncPhase};
use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(700);

/// Make the cluster match.
#[derive(Debug, Args)]
pub struct Sync {
    #[command(flatten)]
    which: Which,
    /// Delete what left Git too, as far as the prune gate allows.
    #[arg(long)]
    prune: bool,
    /// Only this object, as GROUP:KIND:NAMESPACE/NAME or, outside namespaces, GROUP:KIND:NAME; give it again for more. No
    /// hook runs, and the revision does not count as deployed.
    #[arg(long = "resource", value_name = "OBJECT")]
    resources: Vec<String>,
    /// Only declared objects with this label, as NAME=VALUE; of several, all must be there.
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// Ask the cluster what it would do with each object, and write nothing. Waits for the answer.
    #[arg(long)]
    dry_run: bool,
    /// Delete and make anew what cannot be changed in place.
    #[arg(long)]
    force: bool,
    /// Replace what differs instead of applying it.
    #[arg(long)]
    replace: bool,
    /// Always so: objects that are as declared are not written. For scripts that say it.
    #[arg(long, hide = true)]
    apply_out_of_sync_only: bool,
    /// Wait for the end; exit code 1 when it fails, 3 when the time is over.
    #[arg(long)]
    wait: bool,
    /// With --wait: seconds until giving up; 0 for never.
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    timeout: u64,
    /// The same key never starts a second run.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

/// Wait until a target matches Git and is healthy.
#[derive(Debug, Args)]
pub struct Wait {
    #[command(flatten)]
    which: Which,
    /// Until it is healthy. Without --health and --sync: both, and no run.
    #[arg(long)]
    health: bool,
    /// Until it matches Git.
    #[arg(long)]
    sync: bool,
    /// Seconds until giving up with exit code 3; 0 for never.
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    timeout: u64,
}

/// When to give up.
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    pub(super) fn after(seconds: u64) -> Self {
        let end = || Instant::now().checked_add(Duration::from_secs(seconds));
        Self(if seconds == 0 { None } else { end() })
    }

    /// Sleeps until the next look; false when the time is over.
    pub(super) async fn pause(&self) -> bool {
        if self.0.is_some_and(|end| Instant::now() >= end) {
            return false;
        }
        tokio::time::sleep(PAUSE).await;
        true
    }
}

impl Sync {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let body = SyncBody {
            prune: self.prune,
            resources: self
                .resources
                .iter()
                .map(|text| resource(text))
                .collect::<Result<_, _>>()?,
            labels: self.labels.clone(),
            dry_run: self.dry_run,
            force: self.force,
            replace: self.replace,
            idempotency_key: self.idempotency_key.clone(),
        };
        let started: Started = api.post(&path(&target, "/sync"), &body).await?;
        if !self.wait && !self.dry_run {
            return global.show(&started, |started| {
                format!(
                    "sync of {} on {} asked for: operation {}",
                    full_name(&target),
                    target.target.cluster,
                    started.operation
                )
            });
        }
        let deadline = Deadline::after(self.timeout);
        match follow(&api, started.operation, &deadline).await? {
            Some(run) => {
                let phase = run.summary.phase;
                global.show(&run, ended)?;
                Ok(if phase == SyncPhase::Succeeded {
                    Exit::Done
                } else {
                    Exit::Failed
                })
            }
            None => Ok(gave_up(self.timeout)),
        }
    }
}

/// Argo CD's spelling of an object as a resource key: `apps:Deployment:shop/cart` as `apps/Deployment:shop/cart`.
fn resource(text: &str) -> Result<String, ClientError> {
    let mut parts = text.splitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(group), Some(kind), Some(name)) if !kind.is_empty() && !name.is_empty() => {
            let slash = if name.contains('/') { "" } else { "/" };
            Ok(format!("{group}/{kind}:{slash}{name}"))
        }
        _ => Err(ClientError::Usage(format!(
            "{text} is not of the form GROUP:KIND:NAMESPACE/NAME"
        ))),
    }
}

fn ended(run: &RunView) -> String {
    let summary = &run.summary;
    let counts = &summary.counts;
    let mut text = format!(
        "{} at {}: create {}, configure {}, prune {}, unchanged {}",
        summary.phase.word(),
        summary.revision.short(),
        counts.create,
        counts.configure,
        counts.prune,
        counts.unchanged
    );
    if counts.hooks > 0 {
        text.push_str(&format!(", hooks {}", counts.hooks));
    }
    if summary.once.dry_run {
        for step in run.steps.iter().filter(|step| !step.message.is_empty()) {
            let said = crate::table::plain(&step.message);
            text.push_str(&format!("\n{}: {said}", step.key));
        }
    }
    if !summary.message.is_empty() {
        text.push_str(&format!("\n{}", crate::table::plain(&summary.message)));
    }
    text
}

/// The run when it has ended or waits for a person; `None` when the time is over.
async fn follow(
    api: &Api,
    operation: OperationId,
    deadline: &Deadline,
) -> Result<Option<RunView>, ClientError> {
    let mut last = String::new();
    loop {
        let answer: OperationAnswer = api.get(&format!("/operations/{operation}"), &[]).await?;
        if let Some(run) = answer.run {
            let view: RunView = api.get(&format!("/runs/{run}"), &[]).await?;
            let phase = view.summary.phase;
            if phase.is_final() || phase == SyncPhase::AwaitingApproval {
                return Ok(Some(view));
            }
            let now = format!("{} {}", phase.word(), view.waiting_for);
            if now != last {
                remark(now.trim_end());
                last = now;
            }
        }
        if !deadline.pause().await {
            return Ok(None);
        }
    }
}

fn gave_up(seconds: u64) -> Exit {
    remark(&format!(
        "not done after {seconds} seconds; it goes on at the server"
    ));
    Exit::TimedOut
}

impl Wait {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let mut target = self.which.find(&api).await?;
        let deadline = Deadline::after(self.timeout);
        let mut last = String::new();
        loop {
            if self.reached(&target) {
                return global.show(&target, state);
            }
            let now = state(&target);
            if now != last {
                remark(&now);
                last = now;
            }
            if !deadline.pause().await {
                return Ok(gave_up(self.timeout));
            }
            target = again(&api, target).await?;
        }
    }

    fn reached(&self, target: &TargetSummary) -> bool {
        let both = !self.health && !self.sync;
        let healthy = target.health.status == HealthStatus::Healthy;
        // What is pinned or only observed is never synced by waiting; its own word still counts.
        let synced = target.sync == SyncStatus::Synced && target.pin.is_none();
        (healthy || !(self.health || both))
            && (synced || !(self.sync || both))
            && (target.running.is_none() || !both)
    }
}

fn state(target: &TargetSummary) -> String {
    let reason = target.reason.as_ref().map(|reason| reason.sentence());
    format!(
        "{} on {}: {}, {} {}",
        full_name(target),
        target.target.cluster,
        sync_words(target),
        target.health.status.word(),
        reason.unwrap_or_default()
    )
    .trim_end()
    .to_owned()
}

async fn again(api: &Api, target: TargetSummary) -> Result<TargetSummary, ClientError> {
    let address = format!("/apps/{}", target.target.application.id);
    let query = [("cluster", target.target.cluster.as_str())];
    let view: ApplicationView = api.get(&address, &query).await?;
    view.targets
        .into_iter()
        .find(|found| found.target.id == target.target.id)
        .ok_or_else(|| {
            ClientError::Usage(format!(
                "{} is no longer on {}",
                full_name(&target),
                target.target.cluster
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_as_in_argo_cd() {
        for (text, expected) in [
            (
                "apps:Deployment:shop/cart",
                Some("apps/Deployment:shop/cart"),
            ),
            (":ConfigMap:shop/settings", Some("/ConfigMap:shop/settings")),
            (":Namespace:shop", Some("/Namespace:/shop")),
            (
                "rbac.authorization.k8s.io:ClusterRole:system:node",
                Some("rbac.authorization.k8s.io/ClusterRole:/system:node"),
            ),
            ("Deployment:cart", None),
            ("apps::shop/cart", None),
            ("apps:Deployment:", None),
        ] {
            assert_eq!(resource(text).ok().as_deref(), expected, "{text}");
        }
    }
}
