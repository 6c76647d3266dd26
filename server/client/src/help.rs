//! What surrounds the commands: completion of shells, man pages, and a hint for verbs of Argo CD and Flux.

use crate::api::ClientError;
use crate::exit::Exit;
use clap::error::ErrorKind;
use clap::{Command, Parser};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Words of other programs, with what does the same here. The longest that fits counts.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (
        &["app", "set"],
        "lockstep app edit: the definition is in Git",
    ),
    (
        &["app", "unset"],
        "lockstep app edit: the definition is in Git",
    ),
    (
        &["app", "patch"],
        "lockstep app edit: the definition is in Git",
    ),
    (
        &["app", "delete"],
        "remove the definition from Git, or edit it on the page of the application",
    ),
    (&["app", "wait-sync"], "lockstep app wait"),
    (
        &["app", "actions"],
        "kubectl; what it changes is shown as drift",
    ),
    (
        &["proj"],
        "projects are defined in Git; lockstep access show says who may do what in them",
    ),
    (&["appset"], "lockstep api GET /sets"),
    (&["repo"], "lockstep source"),
    (&["repocreds"], "[[repository]] in lockstep.toml"),
    (&["account"], "lockstep user, or lockstep api GET /tokens"),
    (
        &["context"],
        "LOCKSTEP_SERVER, or --server; lockstep login remembers the last",
    ),
    (
        &["reconcile", "source"],
        "lockstep api POST /sources/ID/refresh",
    ),
    (
        &["reconcile"],
        "lockstep app sync, or lockstep app refresh to only look",
    ),
    (&["suspend"], "lockstep app hold"),
    (&["resume"], "lockstep app release"),
    (&["get", "sources"], "lockstep source list"),
    (&["get"], "lockstep app list"),
    (&["trace"], "lockstep app blame, or lockstep commit"),
    (&["tree"], "lockstep app tree"),
    (
        &["events"],
        "lockstep audit --kind=, or lockstep api GET /activity",
    ),
    (&["logs"], "lockstep app logs"),
    (&["diff"], "lockstep app diff"),
    (
        &["export"],
        "definitions are in Git; lockstep admin backup copies the database",
    ),
    (&["bootstrap"], "lockstep serve, then lockstep source add"),
];

/// Reads the command line; for a verb that another program has, says what it is called here.
pub fn parse<C: Parser>() -> Result<C, ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    C::try_parse_from(&arguments).map_err(|error| {
        // There is nowhere to report that standard error is closed.
        let _ = error.print();
        if matches!(
            error.kind(),
            ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument
        ) {
            let words: Vec<&str> = arguments
                .iter()
                .skip(1)
                .filter_map(|word| word.to_str())
                .filter(|word| !word.starts_with('-'))
                .collect();
            if let Some(ours) = hint(&words) {
                crate::table::remark(&format!("\nHere it is: {ours}"));
            }
        }
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

fn hint(words: &[&str]) -> Option<&'static str> {
    ELSEWHERE
        .iter()
        .filter(|(theirs, _)| words.starts_with(theirs))
        .max_by_key(|(theirs, _)| theirs.len())
        .map(|(_, ours)| *ours)
}

/// Writes the completion of a shell to standard output.
pub(crate) fn completion(
    shell: clap_complete::Shell,
    mut command: Command,
) -> Result<Exit, ClientError> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "lockstep", &mut text);
    crate::table::say(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Done)
}

/// Writes a man page for each command into a folder.
pub(crate) fn man(folder: &Path, command: Command) -> Result<Exit, ClientError> {
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .map_err(ClientError::local(format!(
            "write man pages to {}",
            folder.display()
        )))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_verb_that_fits_counts() {
        assert_eq!(
            hint(&["get", "sources", "git"]),
            Some("lockstep source list")
        );
        assert_eq!(hint(&["get", "kustomizations"]), Some("lockstep app list"));
        assert_eq!(hint(&["app", "list"]), None);
    }
}
