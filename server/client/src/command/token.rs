//! `lockstep token`: list, make, replace, revoke.

use super::Global;
use crate::api::{ClientError, segment};
use crate::exit::Exit;
use crate::table::{Table, remark, say};
use crate::wire::{NewToken, RotateBody, TokenBody};
use clap::Subcommand;
use lockstep_types::account::{Role, TokenView};
use lockstep_types::id::UserId;
use lockstep_types::policy::TokenScope;

/// API tokens.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Your tokens; all of them for whoever administers accounts.
    List,
    /// A new token, printed once on standard output.
    Create {
        /// What it is for.
        label: String,
        /// Days until it expires; 0 for never.
        #[arg(long, default_value_t = 90)]
        days: u32,
        /// At most what this role may: viewer, operator or admin.
        #[arg(long, value_parser = role)]
        role: Option<Role>,
        /// Only in this project, by name or pattern; may be repeated.
        #[arg(long = "project", value_name = "NAME")]
        projects: Vec<String>,
        /// Id of the automation account that it is for.
        #[arg(long, value_name = "ID")]
        of: Option<UserId>,
    },
    /// A new token in place of one, printed once on standard output.
    Rotate {
        id: String,
        /// So many minutes the old one works on.
        #[arg(long, default_value_t = 60)]
        minutes: u32,
    },
    /// End a token.
    Revoke { id: String },
}

fn role(word: &str) -> Result<Role, String> {
    Role::from_word(word).ok_or_else(|| "must be viewer, operator or admin".to_owned())
}

impl Token {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        match self {
            Self::List => {
                let tokens: Vec<TokenView> = api.get("/tokens", &[]).await?;
                return global.show(&tokens, |tokens| list(tokens));
            }
            Self::Create {
                label,
                days,
                role,
                projects,
                of,
            } => {
                let limited = role.is_some() || !projects.is_empty();
                let body = TokenBody {
                    label: label.clone(),
                    days: (*days > 0).then_some(*days),
                    scope: limited.then(|| TokenScope {
                        role: role.unwrap_or(Role::Admin),
                        projects: projects.clone(),
                    }),
                    of: *of,
                };
                let made: NewToken = api.post("/tokens", &body).await?;
                say(&made.token)?;
            }
            Self::Rotate { id, minutes } => {
                let path = format!("/tokens/{}/rotate", segment(id));
                let made: NewToken = api.post(&path, &RotateBody { minutes: *minutes }).await?;
                say(&made.token)?;
                remark(&format!("the old token works {minutes} minutes more"));
            }
            Self::Revoke { id } => {
                api.delete(&format!("/tokens/{}", segment(id)), &[]).await?;
                remark("the token is revoked");
            }
        }
        Ok(Exit::Done)
    }
}

fn list(tokens: &[TokenView]) -> String {
    let mut table = Table::new(&["ID", "OF", "FOR", "STATE", "LAST USED", "ENDS"]);
    for token in tokens {
        let state = match (token.revoked, token.replaced) {
            (true, _) => "revoked",
            (false, true) => "replaced",
            (false, false) => "in force",
        };
        let time = |at: Option<lockstep_types::Micros>| {
            at.map_or_else(|| "never".to_owned(), |at| at.rfc3339())
        };
        table.row([
            token.id.to_string(),
            token.user.clone(),
            token.label.clone(),
            state.to_owned(),
            time(token.last_used),
            time(token.expires_at),
        ]);
    }
    table.text()
}
