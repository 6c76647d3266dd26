//! `lockstep app accept`: what somebody changed in the cluster becomes a commit.

use super::Global;
use crate::api::ClientError;
use crate::apps::{Which, object, path};
use crate::exit::Exit;
use crate::prompt;
use crate::table::{plain, remark};
use crate::wire::AcceptBody;
use clap::Args;
use lockstep_types::accept::AcceptPreview;
use lockstep_types::proposal::CommitOutcome;

/// Make a commit of what the cluster has instead of Git: a pull request, or with --commit at once.
#[derive(Debug, Args)]
pub struct Accept {
    #[command(flatten)]
    which: Which,
    /// The object, as `app tree` names it: `apps/Deployment:shop/cart`.
    object: String,
    /// The field, as `app diff` names it: `spec.replicas`.
    field: String,
    /// Why; goes into the commit message.
    #[arg(long, default_value = "")]
    reason: String,
    /// On the tracked branch at once, instead of a pull request.
    #[arg(long)]
    commit: bool,
    /// Write nothing, say what would be written.
    #[arg(long)]
    preview: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl Accept {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let key = object(&self.object)?;
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let query = [("key", key.to_string()), ("path", self.field.clone())];
        let query: Vec<(&str, &str)> = query
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let preview: AcceptPreview = api.get(&path(&target, "/accept/preview"), &query).await?;
        if self.preview {
            global.show(&preview, summary)?;
        } else {
            remark(&summary(&preview));
        }
        if !preview.refused.is_empty() {
            return Ok(Exit::Failed);
        }
        if self.preview {
            return Ok(Exit::Done);
        }
        if !self.yes && prompt::line("Accept it? Type yes")? != "yes" {
            remark("nothing was changed");
            return Ok(Exit::Failed);
        }
        let body = AcceptBody {
            key: key.to_string(),
            path: self.field.clone(),
            digest: preview.digest,
            reason: self.reason.clone(),
            commit: self.commit,
        };
        let outcome: CommitOutcome = api.post(&path(&target, "/accept"), &body).await?;
        super::app_rollback::tell(global, &outcome)
    }
}

fn summary(preview: &AcceptPreview) -> String {
    if !preview.refused.is_empty() {
        return plain(&format!("not possible: {}\n", preview.refused));
    }
    plain(&format!("{}\n\n{}", preview.first_line, preview.patch))
}
