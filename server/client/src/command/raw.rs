//! `lockstep api`: any address of the API, for what has no command of its own.

use super::Global;
use crate::api::ClientError;
use crate::exit::Exit;
use crate::table::{Format, say_json};
use clap::Args;
use serde_json::{Map, Value};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Any address of the API: `lockstep api POST /notify/routes --field receiver=ID`. /api/docs lists them.
#[derive(Debug, Args)]
pub struct Raw {
    /// GET, POST or DELETE.
    #[arg(value_parser = ["GET", "POST", "DELETE"], ignore_case = true)]
    method: String,
    /// Below /api/v1, with its query: `/alerts?filter=critical`.
    path: String,
    /// A field of the body: NAME=TEXT, or NAME:=JSON. May be repeated.
    #[arg(short, long = "field", value_name = "NAME=VALUE", value_parser = field)]
    fields: Vec<(String, Value)>,
    /// The body as a file of JSON; - for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "fields")]
    input: Option<PathBuf>,
    /// Makes a repeated write have one effect.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

fn field(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "must be NAME=TEXT or NAME:=JSON".to_owned())?;
    match name.strip_suffix(':') {
        Some(name) => serde_json::from_str(value)
            .map(|value| (name.to_owned(), value))
            .map_err(|error| format!("is not JSON: {error}")),
        None => Ok((name.to_owned(), Value::String(value.to_owned()))),
    }
}

impl Raw {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let body = match &self.input {
            Some(path) => {
                let text = read(path)?;
                let value = serde_json::from_str(&text);
                Some(value.map_err(|error| {
                    ClientError::Usage(format!("{} is not JSON: {error}", path.display()))
                })?)
            }
            None if self.fields.is_empty() => None,
            None => {
                let fields: Map<String, Value> = self.fields.iter().cloned().collect();
                Some(Value::Object(fields))
            }
        };
        let path = format!("/{}", self.path.trim_start_matches('/'));
        let path = path.strip_prefix("/api/v1").unwrap_or(&path);
        let answer = global
            .open()?
            .raw(
                &self.method.to_uppercase(),
                path,
                body.as_ref(),
                self.idempotency_key.as_deref(),
            )
            .await?;
        match global.output {
            Format::Table | Format::Wide => say_json(&answer)?,
            _ => return global.show(&answer, |_| String::new()),
        }
        Ok(Exit::Done)
    }
}

fn read(path: &Path) -> Result<String, ClientError> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        let read = std::io::stdin().lock().read_to_string(&mut text);
        return read
            .map(|_| text)
            .map_err(ClientError::local("read standard input"));
    }
    std::fs::read_to_string(path).map_err(ClientError::local(format!("read {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_text_unless_they_say_json() {
        assert_eq!(field("a=1").unwrap(), ("a".to_owned(), json!("1")));
        assert_eq!(field("a:=1").unwrap(), ("a".to_owned(), json!(1)));
        assert_eq!(field("a=b=c").unwrap(), ("a".to_owned(), json!("b=c")));
        assert!(field("a").is_err() && field("a:=x").is_err());
    }
}
