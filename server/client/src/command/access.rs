//! `lockstep access`: who may do what, and why.

use super::Global;
use crate::api::ClientError;
use crate::exit::Exit;
use clap::{Args, Subcommand};
use lockstep_types::access::{AccessView, QuestionAnswer};

/// Who may do what.
#[derive(Debug, Subcommand)]
pub enum Access {
    /// May SUBJECT do ACTION on OBJECT? Says the deciding line; exits with 1 when not.
    Can(Can),
    /// The policy in force: its commit, its problems, its roles and who has them.
    Show,
}

/// A question.
#[derive(Debug, Args)]
pub struct Can {
    /// An account, a group or a role; `me` for whoever is logged in.
    subject: String,
    /// `sync`, or resource and action: `clusters/get`.
    action: String,
    /// `project/application`, or a name; left out: whether there is anything.
    #[arg(default_value = "")]
    object: String,
}

impl Access {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        match self {
            Self::Can(can) => can.run(global).await,
            Self::Show => {
                let view: AccessView = global.open()?.get("/access", &[]).await?;
                global.show(&view, text)
            }
        }
    }
}

impl Can {
    async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let subject = if self.subject == "me" {
            ""
        } else {
            &self.subject
        };
        let query = [
            ("subject", subject),
            ("action", self.action.as_str()),
            ("object", self.object.as_str()),
        ];
        let answer: QuestionAnswer = global.open()?.get("/access/can", &query).await?;
        global.show(&answer, said)?;
        Ok(if answer.verdict.allowed {
            Exit::Done
        } else {
            Exit::Failed
        })
    }
}

fn said(answer: &QuestionAnswer) -> String {
    let verb = if answer.verdict.allowed { "yes" } else { "no" };
    let line = answer
        .verdict
        .line
        .as_ref()
        .map(|line| format!("\n{}", line.text))
        .unwrap_or_default();
    format!("{verb}: {}{line}", answer.verdict.why)
}

fn text(view: &AccessView) -> String {
    let mut lines = Vec::new();
    match (&view.source, &view.in_force) {
        (None, _) => {
            lines.push("No source holds a policy: the roles of the accounts count.".to_owned())
        }
        (Some(source), None) => lines.push(format!(
            "The source {} holds the policy, and none was read from it yet.",
            source.name
        )),
        (Some(source), Some(policy)) => lines.push(format!(
            "The policy of {} is in force, at {}; everybody has: {}.",
            source.name,
            policy.revision.short(),
            policy.default_role.as_deref().unwrap_or("nothing")
        )),
    }
    for problem in &view.problems {
        lines.push(format!(
            "{}:{}: {}. {}",
            problem.file, problem.line, problem.message, problem.next
        ));
    }
    for person in &view.people {
        lines.push(format!("{}: {}", person.name, person.roles.join(", ")));
    }
    lines.join("\n")
}
