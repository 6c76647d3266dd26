//! `lockstep image set`: a pipeline has built an image, and Git shall say its tag; `rules`: what says it by itself.

use super::Global;
use crate::api::{Api, ClientError};
use crate::apps::{Which, path};
use crate::exit::Exit;
use crate::table::{Table, plain, remark};
use crate::wire::ImageBody;
use clap::{Args, Subcommand};
use lockstep_types::image::{ImageAnswer, ImageRuleView};

/// Images of applications.
#[derive(Debug, Subcommand)]
pub enum Image {
    /// Commit another tag where Git states the one there is: as a pull request, or with --commit at once.
    Set(Set),
    /// Rules in Git by which the newest tag is written to Git, and what they came to. Exit code 1 when one has a problem.
    Rules,
}

/// See [`Image::Set`].
#[derive(Debug, Args)]
pub struct Set {
    #[command(flatten)]
    which: Which,
    /// `registry.example.org/team/web=2.0`; the last parts of the name are enough where only one image ends so.
    #[arg(required = true, value_name = "IMAGE=TAG")]
    images: Vec<String>,
    /// Why; goes into the commit message.
    #[arg(long, default_value = "")]
    reason: String,
    /// On the tracked branch at once, instead of a pull request.
    #[arg(long)]
    commit: bool,
    /// Also where other applications read the file that states it.
    #[arg(long)]
    everywhere: bool,
    /// Write nothing, say what would be written.
    #[arg(long)]
    preview: bool,
}

impl Image {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let set = match self {
            Self::Set(set) => set,
            Self::Rules => return rules(global, &api).await,
        };
        let target = set.which.find(&api).await?;
        let body = ImageBody {
            images: set.images.clone(),
            reason: set.reason.clone(),
            commit: set.commit,
            everywhere: set.everywhere,
            preview: set.preview,
        };
        let answer: ImageAnswer = api.post(&path(&target, "/image"), &body).await?;
        match &answer.outcome {
            Some(outcome) => {
                remark(&plain(&answer.first_line));
                super::app_rollback::tell(global, outcome)
            }
            None => global.show(&answer, summary),
        }
    }
}

fn summary(answer: &ImageAnswer) -> String {
    let mut text = format!("{}\n", answer.first_line);
    if !answer.patch.is_empty() {
        text.push_str(&format!("\n{}", answer.patch));
    }
    plain(&text)
}

async fn rules(global: &Global, api: &Api) -> Result<Exit, ClientError> {
    let rules: Vec<ImageRuleView> = api.get("/image-rules", &[]).await?;
    global.list(
        &rules,
        |rules, wide| rule_table(rules, wide),
        |rules| rules.iter().map(|rule| rule.rule.clone()).collect(),
    )?;
    Ok(match rules.iter().all(|rule| rule.problem.is_empty()) {
        true => Exit::Done,
        false => Exit::Failed,
    })
}

fn rule_table(rules: &[ImageRuleView], wide: bool) -> String {
    let mut heads = vec!["RULE", "IMAGE", "NEWEST", "WRITES", "STATE"];
    if wide {
        heads.extend(["CHOOSES", "PLACE", "LAST"]);
    }
    let mut table = Table::new(&heads);
    for rule in rules {
        let state = match (rule.suspended, rule.problem.as_str()) {
            (true, _) => "suspended",
            (false, "") => "followed",
            (false, why) => why,
        };
        let mut cells = vec![
            rule.rule.clone(),
            rule.image.clone(),
            rule.newest.clone(),
            rule.writes.clone(),
            state.to_owned(),
        ];
        if wide {
            let last = rule.deeds.first().map(|deed| deed.what.clone());
            cells.extend([
                rule.chooses.clone(),
                format!("{}:{}", rule.path, rule.line),
                last.unwrap_or_default(),
            ]);
        }
        table.row(cells);
    }
    table.text()
}
