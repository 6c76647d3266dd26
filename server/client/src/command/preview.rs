//! `lockstep preview`: what would this branch do?

use super::Global;
use crate::api::ClientError;
use crate::exit::Exit;
use crate::table::{Table, plain};
use clap::Args;
use lockstep_types::diff::Impact;
use lockstep_types::upcoming::{TargetOutline, Upcoming};

/// Objects of one target that are listed.
const OBJECTS: usize = 20;

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
    let outline = view.outline();
    if !outline.targets.is_empty() {
        let mut table = Table::new(&[
            "APP",
            "CLUSTER",
            "CREATE",
            "CONFIGURE",
            "PRUNE",
            "IMPACT",
            "NOTE",
        ]);
        for target in &outline.targets {
            let counts = target.counts.unwrap_or_default();
            let impact = target.impact.map(Impact::words);
            table.row([
                target.application.clone(),
                target.cluster.clone(),
                counts.create.to_string(),
                counts.configure.to_string(),
                counts.prune.to_string(),
                impact.unwrap_or_default().to_owned(),
                target.problems.first().cloned().unwrap_or_default(),
            ]);
        }
        text.push_str(&table.text());
        for target in &outline.targets {
            text.push_str(&objects(target));
        }
    }
    for note in &outline.notes {
        text.push_str(&format!("{note}\n"));
    }
    if patch {
        text.push_str(&view.patch);
    }
    plain(&text)
}

/// What would be written, object by object.
fn objects(target: &TargetOutline) -> String {
    let mut text = String::new();
    for object in target.objects.iter().take(OBJECTS) {
        let impact = object.impact.map(|impact| format!(": {}", impact.words()));
        text.push_str(&format!(
            "  {} on {}: {} {}{}\n",
            target.application,
            target.cluster,
            object.action,
            object.key,
            impact.unwrap_or_default()
        ));
    }
    if let Some(more) = target.objects.len().checked_sub(OBJECTS + 1) {
        text.push_str(&format!("  and {} more\n", more + 1));
    }
    text
}
