//! `lockstep app rollback`: choose, preview, say yes, commit (or pin).

use super::Global;
use crate::api::{Api, ClientError, segment};
use crate::apps::{Which, full_name, path};
use crate::exit::Exit;
use crate::prompt;
use crate::table::{Table, plain, remark};
use crate::wire::{PinBody, RollbackBody};
use clap::Args;
use lockstep_types::application::TargetSummary;
use lockstep_types::ask::{Asked, PinOutcome, second_person};
use lockstep_types::plan::Step;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::{RollbackCandidate, RollbackPreview, TargetPlan};

/// Objects of a target that are listed.
const OBJECTS: usize = 30;

/// Go back to an earlier commit.
#[derive(Debug, Args)]
pub struct Rollback {
    #[command(flatten)]
    which: Which,
    /// The commit to go back to, or a beginning of it. Without it: the last that was Synced and Healthy.
    #[arg(value_name = "REVISION")]
    to: Option<String>,
    /// Why; goes into the commit message and the history.
    #[arg(long)]
    reason: String,
    /// Commit on a branch of its own and open a pull request, instead of committing to the tracked branch.
    #[arg(long, conflicts_with = "pin")]
    pull_request: bool,
    /// Take this one commit back and keep what came later, instead of going back to a state.
    #[arg(long, value_name = "COMMIT", conflicts_with_all = ["pin", "to"])]
    undo: Option<String>,
    /// Do not commit: keep this target alone at the revision for so many hours.
    #[arg(long, value_name = "HOURS")]
    pin: Option<u32>,
    /// Do not wait for this closed window or hold, by its name as the preview gives it.
    #[arg(
        long = "override",
        value_name = "NAME",
        conflicts_with = "pull_request"
    )]
    overrides: Vec<String>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl Rollback {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let to = match &self.undo {
            Some(commit) => Revision(commit.to_ascii_lowercase()),
            None => self.choose(&api, &target).await?,
        };
        let address = format!(
            "{}?to={}&undo={}&pin={}",
            path(&target, "/rollback/preview"),
            segment(&to.0),
            self.undo.is_some(),
            self.pin.is_some()
        );
        let preview: RollbackPreview = api.get(&address, &[]).await?;
        remark(&summary(&preview));
        if self.pin.is_none() && !preview.commit_refused.is_empty() {
            let other = match preview.undo {
                true => "",
                false => "; --pin HOURS keeps this target alone",
            };
            remark(&format!("no commit: {}{other}", preview.commit_refused));
            return Ok(Exit::Failed);
        }
        if self.pin.is_none() && !self.pull_request && !preview.signature_refused.is_empty() {
            remark(&format!(
                "no commit to the branch: {}",
                plain(&preview.signature_refused)
            ));
            return Ok(Exit::Failed);
        }
        let ask = match self.pin {
            Some(_) => "Pin that? Type yes",
            None => "Commit that? Type yes",
        };
        if !self.yes && prompt::line(ask)? != "yes" {
            remark("nothing was changed");
            return Ok(Exit::Failed);
        }
        match self.pin {
            Some(hours) => {
                let wanted = (to, hours, preview.digest);
                self.pin_at(global, &api, &target, wanted).await
            }
            None => self.commit(global, &api, &target, to, preview.digest).await,
        }
    }

    async fn choose(&self, api: &Api, target: &TargetSummary) -> Result<Revision, ClientError> {
        let candidates: Vec<RollbackCandidate> =
            api.get(&path(target, "/rollback/candidates"), &[]).await?;
        let Some(wanted) = &self.to else {
            return candidates
                .into_iter()
                .find(|candidate| candidate.last_healthy)
                .map(|candidate| candidate.commit.revision)
                .ok_or_else(|| {
                    ClientError::Usage(format!(
                        "{} was never Synced and Healthy before; name a commit",
                        full_name(target)
                    ))
                });
        };
        let mut found = candidates
            .iter()
            .map(|candidate| &candidate.commit.revision)
            .filter(|revision| revision.0.starts_with(&wanted.to_ascii_lowercase()));
        match (found.next(), found.next()) {
            (Some(revision), None) => Ok(revision.clone()),
            (Some(_), Some(_)) => Err(ClientError::Usage(format!(
                "“{wanted}” begins more than one commit; give more digits"
            ))),
            // The server knows more commits than it proposes.
            (None, _) => Ok(Revision(wanted.to_ascii_lowercase())),
        }
    }

    async fn commit(
        &self,
        global: &Global,
        api: &Api,
        target: &TargetSummary,
        to: Revision,
        digest: String,
    ) -> Result<Exit, ClientError> {
        let body = RollbackBody {
            to,
            digest,
            reason: self.reason.clone(),
            propose: self.pull_request,
            undo: self.undo.is_some(),
            overrides: self.overrides.clone(),
        };
        let outcome: CommitOutcome = api.post(&path(target, "/rollback"), &body).await?;
        tell(global, &outcome)
    }

    async fn pin_at(
        &self,
        global: &Global,
        api: &Api,
        target: &TargetSummary,
        (to, hours, digest): (Revision, u32, String),
    ) -> Result<Exit, ClientError> {
        let body = PinBody {
            digest,
            to,
            reason: self.reason.clone(),
            hours,
            overrides: self.overrides.clone(),
        };
        let outcome: PinOutcome = api.post(&path(target, "/pin"), &body).await?;
        global.show(&outcome, |outcome| match outcome {
            PinOutcome::Pinned(pin) => format!(
                "pinned at {} until {}",
                pin.revision.short(),
                pin.until.rfc3339()
            ),
            PinOutcome::Asked(asked) => waits(asked),
        })
    }
}

/// What became of a commit, and whether it is what was asked for.
pub(super) fn tell(global: &Global, outcome: &CommitOutcome) -> Result<Exit, ClientError> {
    global.show(outcome, |outcome| match outcome {
        CommitOutcome::Committed { revision } => {
            format!("committed as {}; the sync follows", revision.short())
        }
        CommitOutcome::Proposed(proposal) => plain(&proposal.words()),
        CommitOutcome::Asked(asked) => waits(asked),
        CommitOutcome::PushRefused { message } => format!(
            "the Git host refused the push, nothing was changed: {}",
            plain(message)
        ),
        CommitOutcome::Moved { head } => format!(
            "the branch moved to {} meanwhile, nothing was changed; run it again",
            head.short()
        ),
    })?;
    Ok(match outcome {
        CommitOutcome::Committed { .. } | CommitOutcome::Proposed(_) | CommitOutcome::Asked(_) => {
            Exit::Done
        }
        _ => Exit::Failed,
    })
}

/// What a second person has to do.
fn waits(asked: &Asked) -> String {
    let id = asked.id;
    plain(&format!(
        "{}; somebody else says: lockstep rollback approve {id}",
        asked.words()
    ))
}

pub(super) fn summary(preview: &RollbackPreview) -> String {
    let mut table = Table::new(&["APP", "CLUSTER", "CREATE", "CONFIGURE", "PRUNE", "NOTE"]);
    for target in &preview.targets {
        let counts = target
            .plan
            .as_ref()
            .map(|plan| plan.counts())
            .unwrap_or_default();
        let gate = target.plan.as_ref().and_then(|plan| plan.gate.first());
        table.row([
            format!(
                "{}/{}",
                target.target.application.project, target.target.application.name
            ),
            target.target.cluster.clone(),
            counts.create.to_string(),
            counts.configure.to_string(),
            counts.prune.to_string(),
            gate.map_or_else(|| target.error.clone(), |finding| finding.message.clone()),
        ]);
    }
    let mut text = format!(
        "{} {} {} ({})\n{}\n",
        if preview.undo { "Without" } else { "Back to" },
        preview.to.revision.short(),
        preview.to.subject,
        preview.to.author,
        preview.first_line
    );
    for file in &preview.files {
        text.push_str(&format!("  {:?} {}\n", file.kind, file.path));
    }
    for commit in &preview.undone {
        let (short, subject, author) = (commit.revision.short(), &commit.subject, &commit.author);
        text.push_str(&format!("  undoes {short} {subject} ({author})\n"));
    }
    for sentence in &preview.cannot_undo {
        text.push_str(&format!("  cannot be undone: {sentence}\n"));
    }
    if !preview.signed_with.is_empty() {
        text.push_str(&format!("  signed with {}\n", preview.signed_with));
    }
    for obstacle in &preview.obstacles {
        let target = &obstacle.target;
        text.push_str(&format!(
            "  waits on {} for {} (--override '{}')\n",
            target.cluster, obstacle.words, obstacle.name
        ));
    }
    if !preview.second_person.is_empty() {
        text.push_str(&format!("  {}\n", second_person(&preview.second_person)));
    }
    text.push_str(&table.text());
    for target in &preview.targets {
        text.push_str(&objects(target));
    }
    plain(&text)
}

/// What is written on a target, object by object with the fields, as the page shows it.
fn objects(target: &TargetPlan) -> String {
    let steps = target.plan.iter().flat_map(|plan| &plan.steps);
    let writing: Vec<&Step> = steps.filter(|step| step.action.writes()).collect();
    let of = &target.target;
    let mut text = String::new();
    for step in writing.iter().take(OBJECTS) {
        let impact = step.impact.map(|impact| format!(": {}", impact.words()));
        text.push_str(&format!(
            "  {} on {}: {} {}{}\n",
            of.application.name,
            of.cluster,
            step.action.word(),
            step.key,
            impact.unwrap_or_default()
        ));
        for change in &step.changes {
            let value = |value: &Option<serde_json::Value>| match value {
                Some(value) => value.to_string(),
                None => "(not set)".to_owned(),
            };
            text.push_str(&format!(
                "    {}: {} -> {}\n",
                change.path,
                value(&change.live),
                value(&change.declared)
            ));
        }
    }
    if let Some(more) = writing.len().checked_sub(OBJECTS + 1) {
        text.push_str(&format!("  and {} more objects\n", more + 1));
    }
    text
}
