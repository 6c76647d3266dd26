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
        &["proj"],
        "projects are defined in Git; lockstep access show says who may do what in them",
    ),
    (&["appset"], "lockstep source sets"),
    (&["repo"], "lockstep source"),
    (&["repocreds"], "[[repository]] in lockstep.toml"),
    (&["account"], "lockstep user, or lockstep token list"),
    (&["relogin"], "lockstep login"),
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
    use crate::Cli;
    use clap::CommandFactory;

    /// What is asked of a server's own machine, which the client alone does not have.
    const AT_THE_SERVER: &[&str] = &["serve", "user", "admin"];

    /// The words of each `lockstep …` in a text that a shell would run.
    fn commands(text: &str) -> Vec<Vec<String>> {
        let is_name = |c: char| c.is_alphanumeric() || "._-/".contains(c);
        let text = text.replace("\\\n", " ");
        let mut found = Vec::new();
        for line in text.lines() {
            let mut from = 0;
            while let Some(at) = line.get(from..).and_then(|rest| rest.find("lockstep ")) {
                let start = from + at;
                from = start + "lockstep ".len();
                let before = line[..start].chars().next_back();
                if !before.is_some_and(is_name) {
                    found.push(words(&line[start..]));
                }
            }
        }
        found
    }

    /// One command's words, up to where another one begins.
    fn words(line: &str) -> Vec<String> {
        let (mut all, mut word, mut quote) = (Vec::new(), String::new(), None);
        for c in line.chars() {
            match (c, quote) {
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                ('|' | ';' | '&' | ')', None) => break,
                (c, None) if c.is_whitespace() => all.push(std::mem::take(&mut word)),
                (c, _) => word.push(c),
            }
        }
        all.push(word);
        all.retain(|word| !word.is_empty());
        all
    }

    #[test]
    fn examples_for_pipelines_are_commands_that_there_are() {
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pipelines.md");
        let text = std::fs::read_to_string(docs).unwrap();
        let fenced = text.split("```").skip(1).step_by(2);
        let found: Vec<Vec<String>> = fenced.flat_map(commands).collect();
        for wanted in ["wait ", "preview ", "image set "] {
            let of = |words: &&Vec<String>| words[1..].join(" ").starts_with(wanted);
            assert!(found.iter().filter(of).count() > 1, "{wanted} in {found:?}");
        }
        for words in found {
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("{words:?}\n{error}");
            }
        }
    }

    #[test]
    fn hints_name_commands_that_there_are() {
        for (theirs, ours) in ELSEWHERE {
            assert!(hint(theirs).is_some());
            for words in commands(ours) {
                let whole = Cli::command();
                let mut command = &whole;
                for word in &words[1..] {
                    let word = word.trim_end_matches([',', ':']);
                    let at_the_server =
                        command.get_name() == "lockstep" && AT_THE_SERVER.contains(&word);
                    if !command.has_subcommands() || word.starts_with('-') || at_the_server {
                        break;
                    }
                    command = command
                        .find_subcommand(word)
                        .unwrap_or_else(|| panic!("{theirs:?}: there is no {words:?}"));
                }
            }
            // What has the same name here needs no hint.
            let argv = std::iter::once("lockstep").chain(theirs.iter().copied());
            let kind = Cli::try_parse_from(argv).err().map(|error| error.kind());
            assert_eq!(kind, Some(ErrorKind::InvalidSubcommand), "{theirs:?}");
        }
    }

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
