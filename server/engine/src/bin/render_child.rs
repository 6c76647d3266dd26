//! The sandbox's child by itself, for tests of rendering: the server has it as a hidden subcommand.

use engine::render::sandbox;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments
        .next()
        .is_some_and(|first| first == sandbox::SUBCOMMAND)
    {
        return sandbox::child_main(arguments);
    }
    ExitCode::FAILURE
}
