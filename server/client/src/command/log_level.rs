//! `lockstep log-level`: how much the server writes into its log.

use super::Global;
use crate::api::ClientError;
use crate::exit::Exit;
use clap::Args;
use lockstep_types::log_level::{LogLevel, LogLevelView, SetLogLevel};
use serde_json::Value;

/// How much the server writes into its log; with a level, from now on and until it is started anew.
#[derive(Debug, Args)]
pub struct Level {
    /// error, warn, info, debug or trace, for Lockstep's own parts.
    #[arg(value_parser = level)]
    level: Option<LogLevel>,
    /// As the server was started.
    #[arg(long, conflicts_with = "level")]
    reset: bool,
}

fn level(word: &str) -> Result<LogLevel, String> {
    LogLevel::from_word(word).ok_or_else(|| "must be error, warn, info, debug or trace".to_owned())
}

impl Level {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit, ClientError> {
        let api = global.open()?;
        if self.level.is_some() || self.reset {
            let wanted = SetLogLevel { level: self.level };
            let _: Value = api.post("/log-level", &wanted).await?;
        }
        let view: LogLevelView = api.get("/log-level", &[]).await?;
        global.show(&view, |view| {
            let level = view.level.map_or("as it was started", LogLevel::word);
            format!("level   {level}\nfilter  {}", view.filter)
        })
    }
}
