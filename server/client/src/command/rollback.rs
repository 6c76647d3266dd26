//! `lockstep rollback`: rollbacks that wait for a second person.

use super::Global;
use crate::api::{Api, ClientError};
use crate::exit::Exit;
use crate::prompt;
use crate::table::{Table, plain, remark};
use crate::wire::DecisionBody;
use clap::{Args, Subcommand};
use lockstep_types::ask::{AskDecision, RollbackAskView};

/// What to do about them.
#[derive(Debug, Subcommand)]
pub enum Rollbacks {
    /// What waits, with who asked and why.
    List,
    /// Say yes to exactly what was shown; it is done at once.
    Approve(Decide),
    /// Say no, or take back what you asked for.
    Reject(Which),
}

/// Which of them.
#[derive(Debug, Args)]
pub struct Which {
    /// The number of the rollback, or a beginning of it.
    ask: String,
}

/// Which of them, and whether to ask first.
#[derive(Debug, Args)]
pub struct Decide {
    #[command(flatten)]
    which: Which,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl Rollbacks {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        match self {
            Self::List => {
                let waiting: Vec<RollbackAskView> = api.get("/rollbacks", &[]).await?;
                global.list(
                    &waiting,
                    |waiting, _| list(waiting),
                    |waiting| waiting.iter().map(|one| one.ask.id.to_string()).collect(),
                )
            }
            Self::Approve(decide) => {
                let one = find(&api, &decide.which.ask).await?;
                remark(&super::app_rollback::summary(&one.preview));
                remark(&plain(&sentence(&one)));
                if !decide.yes && prompt::line("Do that? Type yes")? != "yes" {
                    remark("nothing was changed");
                    return Ok(Exit::Failed);
                }
                decided(global, &api, &one, true).await
            }
            Self::Reject(which) => {
                let one = find(&api, &which.ask).await?;
                decided(global, &api, &one, false).await
            }
        }
    }
}

async fn find(api: &Api, wanted: &str) -> Result<RollbackAskView, ClientError> {
    let waiting: Vec<RollbackAskView> = api.get("/rollbacks", &[]).await?;
    let begins = |one: &RollbackAskView| one.ask.id.to_string().starts_with(wanted);
    let mut found = waiting.into_iter().filter(begins);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(ClientError::Usage(format!(
            "“{wanted}” begins more than one number; give more of it"
        ))),
        (None, _) => Err(ClientError::Usage(format!(
            "no rollback that waits has the number {wanted}"
        ))),
    }
}

async fn decided(
    global: &Global,
    api: &Api,
    one: &RollbackAskView,
    yes: bool,
) -> Result<Exit, ClientError> {
    let body = DecisionBody {
        digest: one.ask.digest.clone(),
        yes,
    };
    let address = format!("/rollbacks/{}", one.ask.id);
    let decision: AskDecision = api.post(&address, &body).await?;
    global.show(&decision, |decision| plain(&decision.words))
}

fn list(waiting: &[RollbackAskView]) -> String {
    let mut table = Table::new(&["NUMBER", "WHAT", "BY", "UNTIL", "REASON"]);
    for one in waiting {
        table.row([
            one.ask.id.to_string(),
            one.ask.words(),
            one.ask.by.clone(),
            one.ask.until.rfc3339(),
            one.ask.reason.clone(),
        ]);
    }
    plain(&table.text())
}

fn sentence(one: &RollbackAskView) -> String {
    let ask = &one.ask;
    let mut said = format!("{} wants to {}: {}", ask.by, ask.words(), ask.reason);
    for name in &ask.overrides {
        said.push_str(&format!("\n  overrides {name}"));
    }
    said
}
