//! `lockstep audit verify`: the chain of the audit log, at the database and without a server.

use super::{complain, prepare, say, threads};
use crate::compose;
use crate::config::{Config, process_environment};
use crate::store::audit::{self, ChainCheck, ExpectedHead};
use client::{Exit, Verify};
use std::process::ExitCode;

/// Checks, says what was found, and answers with the exit code: 1 for a broken chain, 2 when it could not be checked.
pub(super) fn main(verify: &Verify) -> ExitCode {
    prepare();
    let exit = match checked(verify) {
        Ok(check) if check.broken.is_none() => Exit::Done,
        Ok(_) => Exit::Failed,
        Err(error) => {
            complain(&error);
            Exit::Broken
        }
    };
    exit.code()
}

fn checked(verify: &Verify) -> anyhow::Result<ChainCheck> {
    let expected: Option<ExpectedHead> = match &verify.expect_head {
        Some(text) => Some(text.parse()?),
        None => None,
    };
    let config = Config::load(verify.config.as_deref(), &process_environment)?;
    let check = threads()?.block_on(async {
        let store = compose::open_store(&config).await?;
        store.require_current_schema().await?;
        let check = audit::check_against(&store, expected.as_ref()).await;
        store.close().await;
        anyhow::Ok(check?)
    })?;
    say(&report(&check))?;
    Ok(check)
}

fn report(check: &ChainCheck) -> String {
    let mut lines = vec![
        format!("sound entries: {}", check.sound),
        format!("of them heads of branches: {}", check.anchors),
        format!("head: {}:{}", check.sound, check.head),
    ];
    match &check.broken {
        None => lines.push("every entry is as it was written".to_owned()),
        Some(broken) => {
            lines.push(format!("BROKEN at {broken}"));
            if let Some(found) = &broken.found {
                lines.push(format!("  there now: {found}"));
            }
            if let Some(before) = &broken.before {
                lines.push(format!("  the last sound one: {before}"));
            }
        }
    }
    lines.join("\n")
}
