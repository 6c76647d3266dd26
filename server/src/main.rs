//! The program `lockstep`: server and client, or the client alone without the feature `serve`.

fn main() -> std::process::ExitCode {
    #[cfg(feature = "serve")]
    return server::command::main();
    #[cfg(not(feature = "serve"))]
    client::main()
}
