//! `lockstep context` and `lockstep logout`: the servers that this machine is logged in to.

use super::Global;
use crate::api::{Api, ClientError, segment};
use crate::credentials::Credentials;
use crate::exit::Exit;
use crate::table::{Table, remark};
use clap::{Args, Subcommand};
use lockstep_types::account::Actor;
use serde::Serialize;

/// Servers that this machine is logged in to.
#[derive(Debug, Subcommand)]
pub enum Context {
    /// All of them; a star marks the one that commands speak to.
    List,
    /// Speak to this one from now on.
    Use {
        /// Its address, or a part of it that no other has.
        server: String,
    },
    /// Forget this one here. Its token stays in force; lockstep logout ends it.
    Remove {
        /// Its address, or a part of it that no other has.
        server: String,
    },
}

/// End the token of a login, at the server and here.
#[derive(Debug, Args)]
pub struct Logout {
    /// Address of the server; the current one unless given.
    #[arg(value_name = "URL")]
    url: Option<String>,
}

/// A server in the list.
#[derive(Serialize)]
struct Known {
    server: String,
    current: bool,
}

impl Context {
    pub(super) fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let mut credentials = Credentials::load()?;
        match self {
            Self::List => {
                let known: Vec<Known> = credentials
                    .tokens
                    .keys()
                    .map(|server| Known {
                        current: credentials.current.as_ref() == Some(server),
                        server: server.clone(),
                    })
                    .collect();
                return global.list(
                    &known,
                    |known, _| table(known),
                    |known| known.iter().map(|one| one.server.clone()).collect(),
                );
            }
            Self::Use { server } => {
                let server = chosen(&credentials, server)?;
                remark(&format!("commands speak to {server} from now on"));
                credentials.current = Some(server);
            }
            Self::Remove { server } => {
                let server = chosen(&credentials, server)?;
                credentials.forget(&server);
                remark(&format!("{server} is forgotten here"));
            }
        }
        credentials.save()?;
        Ok(Exit::Done)
    }
}

impl Logout {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let mut credentials = Credentials::load()?;
        let wanted = self.url.as_ref().or(global.server.as_ref());
        let wanted = wanted.or(credentials.current.as_ref()).cloned();
        let server = chosen(&credentials, &wanted.ok_or(ClientError::NoServer)?)?;
        let token = credentials.forget(&server).unwrap_or_default();
        let ended = end(&server, token, global.insecure_http).await;
        // Whatever the server says, this machine forgets it.
        credentials.save()?;
        match ended {
            Ok(()) => remark(&format!("logged out of {server}; the token is revoked")),
            Err(ClientError::Refused(problem)) if problem.status == 401 => remark(&format!(
                "logged out of {server}; the token was not in force any more"
            )),
            Err(error) => {
                remark(&format!(
                    "{server} is forgotten here, but its token could not be revoked; revoke it on {server} under Settings, Tokens"
                ));
                return Err(error);
            }
        }
        Ok(Exit::Done)
    }
}

/// Revokes a token with itself.
async fn end(server: &str, token: String, insecure_http: bool) -> Result<(), ClientError> {
    let api = Api::by(server, token, insecure_http)?;
    let own: Actor = api.get("/me", &[]).await?;
    match own.token {
        Some(id) => {
            let path = format!("/tokens/{}", segment(&id.to_string()));
            api.delete(&path, &[]).await
        }
        None => Ok(()),
    }
}

/// The one remembered server that is meant.
fn chosen(credentials: &Credentials, words: &str) -> Result<String, ClientError> {
    let words = words.trim().trim_end_matches('/');
    if credentials.tokens.contains_key(words) {
        return Ok(words.to_owned());
    }
    let fits: Vec<&String> = credentials
        .tokens
        .keys()
        .filter(|server| !words.is_empty() && server.contains(words))
        .collect();
    match fits.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(ClientError::Usage(format!(
            "not logged in to “{words}”; lockstep context list shows all"
        ))),
        many => {
            let all: Vec<&str> = many.iter().map(|server| server.as_str()).collect();
            Err(ClientError::Usage(format!(
                "“{words}” may be {}; write more of it",
                all.join(", ")
            )))
        }
    }
}

fn table(known: &[Known]) -> String {
    let mut table = Table::new(&["CURRENT", "SERVER"]);
    for one in known {
        let mark = if one.current { "*" } else { "" };
        table.row([mark.to_owned(), one.server.clone()]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_a_part_that_no_other_has() {
        let mut credentials = Credentials::default();
        for server in [
            "https://a.example.com",
            "https://a.example.com:8443",
            "https://b.example.org",
        ] {
            credentials
                .tokens
                .insert(server.to_owned(), "lsk_x".to_owned());
        }
        let chosen = |words: &str| chosen(&credentials, words).map_err(|error| error.to_string());
        assert_eq!(
            chosen("example.org"),
            Ok("https://b.example.org".to_owned())
        );
        // The whole address counts although another one begins so.
        assert_eq!(
            chosen("https://a.example.com/"),
            Ok("https://a.example.com".to_owned())
        );
        let several = chosen("a.example").unwrap_err();
        assert!(
            several.contains("https://a.example.com, https://a.example.com:8443"),
            "{several}"
        );
        for none in ["", "c.example"] {
            assert!(chosen(none).unwrap_err().contains("lockstep context list"));
        }
    }

    #[test]
    fn what_is_forgotten_is_not_the_current_one_any_more() {
        let mut credentials = Credentials {
            current: Some("https://a".to_owned()),
            ..Credentials::default()
        };
        for server in ["https://a", "https://b"] {
            credentials
                .tokens
                .insert(server.to_owned(), format!("of {server}"));
        }
        assert_eq!(
            credentials.forget("https://b"),
            Some("of https://b".to_owned())
        );
        assert_eq!(credentials.current.as_deref(), Some("https://a"));
        assert_eq!(
            credentials.forget("https://a"),
            Some("of https://a".to_owned())
        );
        assert_eq!((credentials.current, credentials.tokens.len()), (None, 0));
    }
}
