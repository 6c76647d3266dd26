//! `lockstep login`: a name and a password for a token, which is then remembered.

use super::Global;
use crate::api::{Api, ClientError};
use crate::credentials::Credentials;
use crate::exit::Exit;
use crate::prompt;
use crate::table::remark;
use crate::wire::{LoggedIn, LoginBody};
use clap::Args;

/// Get a token from a server and remember both.
#[derive(Debug, Args)]
pub struct Login {
    /// Address of the server.
    #[arg(value_name = "URL")]
    url: Option<String>,
    /// Asked for when missing. The password is always asked for, or read from a pipe.
    #[arg(long)]
    name: Option<String>,
    /// Days until the token expires.
    #[arg(long, default_value_t = 30)]
    days: u32,
}

impl Login {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let mut credentials = Credentials::load()?;
        let server = self
            .url
            .clone()
            .or_else(|| global.server.clone())
            .or_else(|| credentials.current.clone())
            .ok_or(ClientError::NoServer)?;
        let api = Api::anonymous(&server, global.insecure_http)?;
        let name = match &self.name {
            Some(name) => name.clone(),
            None => prompt::line("Name")?,
        };
        let mut body = LoginBody {
            name,
            password: prompt::hidden("Password")?,
            label: "command line".to_owned(),
            days: Some(self.days),
            code: None,
        };
        let answer: LoggedIn = match api.post("/login", &body).await {
            Err(ClientError::Refused(problem)) if problem.field.as_deref() == Some("code") => {
                body.code = Some(prompt::line("Code of the second factor")?);
                api.post("/login", &body).await?
            }
            other => other?,
        };
        let server = api.server().to_owned();
        credentials.tokens.insert(server.clone(), answer.token);
        credentials.current = Some(server.clone());
        let path = credentials.save()?;
        remark(&format!(
            "Logged in to {server} as {} ({}); the token is in {}",
            answer.name,
            answer.role.word(),
            path.display()
        ));
        Ok(Exit::Done)
    }
}
