//! `lockstep app act`: restart, scale, run now or delete one live object, without a change in Git.

use super::Global;
use super::app_sync::Deadline;
use crate::api::{Api, ClientError};
use crate::apps::{Which, path};
use crate::exit::Exit;
use crate::table::plain;
use crate::wire::{ActBody, Started};
use clap::{Args, ValueEnum};
use lockstep_types::action::ActionKind;
use lockstep_types::application::TargetSummary;
use lockstep_types::id::OperationId;
use lockstep_types::resource::{ResourceKey, ResourceView};
use serde_json::json;

/// An action takes one request to the cluster, after the target's present pass.
const WITHIN: u64 = 60;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Action {
    /// New Pods in place of all old ones: Deployments, StatefulSets, DaemonSets.
    Restart,
    /// Another number of Pods: Deployments, StatefulSets.
    Scale,
    /// A Job now: CronJobs.
    RunNow,
    /// Another Pod in place of this one.
    DeletePod,
}

impl From<Action> for ActionKind {
    fn from(action: Action) -> Self {
        match action {
            Action::Restart => Self::Restart,
            Action::Scale => Self::Scale,
            Action::RunNow => Self::RunNow,
            Action::DeletePod => Self::DeletePod,
        }
    }
}

/// Restart, scale, run now or delete one live object. Git stays as it is; what Git would undo is said.
#[derive(Debug, Args)]
pub struct Act {
    #[command(flatten)]
    which: Which,
    #[arg(value_enum)]
    action: Action,
    /// The object, as `app tree` names it: `apps/Deployment:shop/cart`.
    object: String,
    /// For `scale`.
    #[arg(long, required_if_eq("action", "scale"))]
    replicas: Option<u32>,
    /// Why, for the audit log.
    #[arg(long, default_value = "")]
    reason: String,
}

impl Act {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let key = crate::apps::object(&self.object)?;
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let kind = ActionKind::from(self.action);
        let seen = object(&api, &target, &key).await?;
        let undone = seen
            .actions
            .iter()
            .find(|offer| offer.kind == kind)
            .map(|offer| offer.undone.clone())
            .unwrap_or_default();
        let body = ActBody {
            object: key.to_string(),
            action: kind,
            uid: seen.node.uid.unwrap_or_default(),
            replicas: self.replicas,
            reason: self.reason.clone(),
        };
        let started: Started = api.post(&path(&target, "/act"), &body).await?;
        let outcome = end(&api, &target, &key, started.operation).await?;
        let failed = outcome.starts_with("not done");
        let said = json!({"operation": started.operation, "outcome": outcome, "undone": undone});
        let exit = global.show(&said, |_| {
            let mut text = format!("{}: {outcome}", key.short());
            if !undone.is_empty() && !failed {
                text.push_str(&format!("\n{undone}"));
            }
            plain(&text)
        })?;
        Ok(if failed { Exit::Failed } else { exit })
    }
}

async fn object(
    api: &Api,
    target: &TargetSummary,
    key: &ResourceKey,
) -> Result<ResourceView, ClientError> {
    api.get(&path(target, "/resource"), &[("key", &key.to_string())])
        .await
}

/// How it ended, once the reconciler has carried it out.
async fn end(
    api: &Api,
    target: &TargetSummary,
    key: &ResourceKey,
    operation: OperationId,
) -> Result<String, ClientError> {
    let deadline = Deadline::after(WITHIN);
    loop {
        match object(api, target, key).await {
            Ok(view) => {
                let mut acted = view.acted.into_iter();
                if let Some(ended) = acted
                    .find(|one| one.operation == operation)
                    .filter(|one| one.ended_at.is_some())
                {
                    return Ok(ended.outcome);
                }
            }
            // A Pod that was deleted is not in the tree any more.
            Err(ClientError::Refused(problem)) if problem.status == 404 => {
                return Ok("it is gone".to_owned());
            }
            Err(error) => return Err(error),
        }
        if !deadline.pause().await {
            return Err(ClientError::Usage(format!(
                "the action {operation} has not ended within {WITHIN} s; the target may be busy, and lockstep audit shows what comes of it"
            )));
        }
    }
}
