//! The command line client: what operators type, carried out through `/api/v1` and nothing else.
//!
//! It must not know a database, a cluster or a repository. [`wire`] is shared with the server.

mod api;
mod apps;
mod command;
mod credentials;
mod exit;
mod help;
mod prompt;
mod table;
pub mod upcoming;
pub mod waiting;
pub mod wire;

pub use api::ClientError;
pub use command::{ClientCommand, Global, Verify};
pub use exit::Exit;
pub use help::parse;
pub use prompt::hidden as ask_hidden;

use clap::{CommandFactory, Parser};
use std::process::ExitCode;

/// The client alone, when it is built without the server.
#[derive(Parser)]
#[command(
    name = "lockstep",
    version,
    about = "Lockstep: what Git says, on every cluster"
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: ClientCommand,
}

/// Reads the command line, runs the command, and answers with its exit code.
pub fn main() -> ExitCode {
    match parse::<Cli>() {
        Ok(cli) => run(&cli.global, &cli.command, Cli::command()),
        Err(code) => code,
    }
}

/// Runs one client command. Mistakes go to standard error, results to standard output.
///
/// `whole` is the command line of the program, for completion and man pages.
pub fn run(global: &Global, command: &ClientCommand, whole: clap::Command) -> ExitCode {
    // A second installation, as in tests, is refused and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(command.run(global, whole)),
        Err(error) => Err(ClientError::Local {
            what: "start the client".to_owned(),
            source: error,
        }),
    };
    match result {
        Ok(exit) => exit.code(),
        Err(error) => {
            table::complain(&error);
            command.exit_on_error().code()
        }
    }
}
