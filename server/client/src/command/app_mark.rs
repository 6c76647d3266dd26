//! `lockstep app mark`: a revision as good or bad.

use super::Global;
use crate::api::ClientError;
use crate::apps::{Which, path};
use crate::exit::Exit;
use crate::wire::MarkBody;
use clap::{Args, ValueEnum};
use lockstep_types::revision::Revision;
use lockstep_types::rollback::Judgement;
use serde_json::{Value, json};

/// What to say of it.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Word {
    /// It is offered to go back to, whatever its health was.
    Good,
    /// It is not offered, although it was healthy.
    Bad,
    /// Neither; takes an earlier word back.
    None,
}

/// Say that a revision is good or bad on a target: it is then offered to go back to, or not.
#[derive(Debug, Args)]
pub struct Mark {
    #[command(flatten)]
    which: Which,
    /// A commit, four digits at least.
    revision: String,
    #[arg(value_enum)]
    word: Word,
    /// Why, for those who look at it later.
    #[arg(long, default_value = "")]
    reason: String,
}

impl Mark {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        let target = self.which.find(&api).await?;
        let body = MarkBody {
            revision: Revision(self.revision.clone()),
            judgement: match self.word {
                Word::Good => Some(Judgement::Good),
                Word::Bad => Some(Judgement::Bad),
                Word::None => None,
            },
            reason: self.reason.clone(),
        };
        let _: Value = api.post(&path(&target, "/mark"), &body).await?;
        let said = body.judgement.map_or("not marked", Judgement::word);
        global.show(&json!({"revision": self.revision, "mark": said}), |_| {
            format!("{} is {said} on {}", self.revision, target.target.cluster)
        })
    }
}
