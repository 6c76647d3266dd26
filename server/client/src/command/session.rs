//! `lockstep session` and `lockstep password`: where one is logged in, and one's own password.

use super::Global;
use crate::api::{ClientError, segment};
use crate::exit::Exit;
use crate::prompt;
use crate::table::{Table, remark};
use crate::wire::PasswordBody;
use clap::Subcommand;
use lockstep_types::login::{OwnAccount, SessionView};

/// Browser sessions of yours.
#[derive(Debug, Subcommand)]
pub enum Session {
    /// All of them, the one that was used last first.
    List,
    /// End one of them, or all.
    End {
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// All of them.
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

impl Session {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        match self {
            Self::List => {
                let sessions: Vec<SessionView> = api.get("/sessions", &[]).await?;
                return global.show(&sessions, |sessions| list(sessions));
            }
            Self::End { id: Some(id), .. } => {
                let path = format!("/sessions/{}", segment(id));
                api.delete(&path, &[]).await?;
                remark("the session has ended");
            }
            Self::End { id: None, .. } => {
                api.delete("/sessions", &[]).await?;
                remark("all your sessions have ended");
            }
        }
        Ok(Exit::Done)
    }
}

fn list(sessions: &[SessionView]) -> String {
    let mut table = Table::new(&["ID", "FROM", "BY", "BEGAN", "LAST USED", "BROWSER"]);
    for session in sessions {
        table.row([
            session.id.to_string(),
            session.address.clone(),
            session.by.clone(),
            session.began_at.rfc3339(),
            session.last_used.rfc3339(),
            session.browser.clone(),
        ]);
    }
    table.text()
}

/// Asks for the present and the new password.
pub(super) async fn password(global: &Global) -> Result<Exit, ClientError> {
    let api = global.open()?;
    let own: OwnAccount = api.get("/account", &[]).await?;
    let body = PasswordBody {
        old: prompt::hidden("Present password")?,
        new: prompt::hidden("New password")?,
    };
    let path = format!("/users/{}/password", own.id);
    let _: serde_json::Value = api.post(&path, &body).await?;
    remark("the password is changed; all your sessions have ended");
    Ok(Exit::Done)
}
