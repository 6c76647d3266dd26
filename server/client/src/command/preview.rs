//! `lockstep preview`: what would this branch do?

use super::Global;
use crate::api::ClientError;
use crate::exit::Exit;
use crate::table::{Table, plain};
use clap::Args;
use lockstep_types::upcoming::Upcoming;

/// What a branch would do once it is merged; status 1 when something stands against it.
#[derive(Debug, Args)]
pub struct Preview {
    /// A branch, tag or commit that the Git host has.
    #[arg(value_name = "REF")]
    reference: String,
    /// The repository, as addresses of commits name it; not needed where there is only one.
    #[arg(long, default_value = "")]
    repo: String,
    /// The branch that it is for; the one that most targets follow unless given.
    #[arg(long, default_value = "")]
    onto: String,
    /// The changed lines, too.
    #[arg(long)]
    patch: bool,
}

impl Preview {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let query = [
            ("reference", self.reference.as_str()),
            ("repo", &self.repo),
            ("onto", &self.onto),
        ];
        let view: Upcoming = global.open()?.get("/preview", &query).await?;
        global.show(&view, |view| text(view, self.patch))?;
        Ok(match view.is_clear() {
            true => Exit::Done,
            false => Exit::Failed,
        })
    }
}

fn text(view: &Upcoming, patch: bool) -> String {
    let mut text = format!("{}\n", view.first_line);
    for commit in &view.commits {
        let short = commit.revision.short();
        text.push_str(&format!(
            "  {short} {} ({})\n",
            commit.subject, commit.author
        ));
    }
    if !view.targets.is_empty() {
        let mut table = Table::new(&["APP", "CLUSTER", "CREATE", "CONFIGURE", "PRUNE", "NOTE"]);
        for target in &view.targets {
            let plan = target.plan.as_ref();
            let counts = plan.map(|plan| plan.counts()).unwrap_or_default();
            let gate = plan.and_then(|plan| plan.gate.first());
            let application = &target.target.application;
            table.row([
                format!("{}/{}", application.project, application.name),
                target.target.cluster.clone(),
                counts.create.to_string(),
                counts.configure.to_string(),
                counts.prune.to_string(),
                gate.map_or_else(|| target.error.clone(), |finding| finding.message.clone()),
            ]);
        }
        text.push_str(&table.text());
    }
    for note in &view.notes {
        text.push_str(&format!("{note}\n"));
    }
    if patch {
        text.push_str(&view.patch);
    }
    plain(&text)
}
