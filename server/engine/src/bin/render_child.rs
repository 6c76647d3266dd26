//! The caged children by themselves, for tests: the server has them as hidden subcommands.

use engine::check;
use engine::render::sandbox;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(first) if first == sandbox::SUBCOMMAND => sandbox::child_main(arguments),
        Some(first) if first == check::SUBCOMMAND => check::child_main(arguments),
        _ => ExitCode::FAILURE,
    }
}
