//! The commands, and which module carries each out.

mod access;
mod app;
mod app_accept;
mod app_act;
mod app_blame;
mod app_edit;
mod app_hold;
mod app_left;
mod app_logs;
mod app_mark;
mod app_objects;
mod app_past;
mod app_rollback;
mod app_sync;
mod cluster;
mod commit;
mod context;
mod image;
mod log_level;
mod login;
mod look;
mod parity;
mod preview;
mod raw;
mod reestablish;
mod retention;
mod rollback;
mod rollout;
mod session;
mod source;
mod source_defined;
mod token;
mod wait;

pub use look::Verify;

use crate::api::{Api, ClientError};
use crate::exit::Exit;
use crate::table::{Format, say, say_json, say_yaml};
use crate::wire::VersionAnswer;
use clap::{Args, Subcommand};
use serde::Serialize;

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// How to write results.
    #[arg(short, long, global = true, value_enum, default_value_t)]
    pub output: Format,
    /// The server; without it the one of the last login.
    #[arg(long, global = true, env = "LOCKSTEP_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// Send the token over plain http to another machine.
    #[arg(long, global = true)]
    pub insecure_http: bool,
}

impl Global {
    pub(crate) fn open(&self) -> Result<Api, ClientError> {
        Api::open(self.server.as_deref(), self.insecure_http)
    }

    /// JSON for programs, else what `table` makes for people.
    pub(crate) fn show<T: Serialize>(
        &self,
        value: &T,
        table: impl FnOnce(&T) -> String,
    ) -> Result<Exit, ClientError> {
        match self.output {
            Format::Json => say_json(value)?,
            Format::Yaml => say_yaml(value)?,
            Format::Table | Format::Wide => say(&table(value))?,
            Format::Name => {
                return Err(ClientError::Usage(
                    "this is no list of names; choose another --output".to_owned(),
                ));
            }
        }
        Ok(Exit::Done)
    }

    /// The same for lists, which have wide tables and names.
    pub(crate) fn list<T: Serialize>(
        &self,
        value: &T,
        table: impl FnOnce(&T, bool) -> String,
        names: impl FnOnce(&T) -> Vec<String>,
    ) -> Result<Exit, ClientError> {
        if self.output == Format::Name {
            let names = names(value);
            if !names.is_empty() {
                say(&crate::table::plain(&names.join("\n")))?;
            }
            return Ok(Exit::Done);
        }
        self.show(value, |value| table(value, self.output == Format::Wide))
    }
}

/// The client's commands.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Get a token from a server and remember both.
    Login(login::Login),
    /// End the token of a login, at the server and here.
    Logout(context::Logout),
    /// Servers that this machine is logged in to: list, choose, forget.
    #[command(subcommand)]
    Context(context::Context),
    /// API tokens: list, make, replace, revoke.
    #[command(subcommand)]
    Token(token::Token),
    /// Where you are logged in.
    #[command(subcommand)]
    Session(session::Session),
    /// Change your password.
    Password,
    /// Applications and their targets.
    #[command(subcommand)]
    App(app::App),
    /// Where a commit is: live, waiting or failed, per cluster.
    Commit(commit::Commit),
    /// Images of applications; for pipelines.
    #[command(subcommand)]
    Image(image::Image),
    /// What a branch would do once it is merged.
    Preview(preview::Preview),
    /// What runs where, application by environment, unexpected differences first. Exit code 1 when there are any.
    Parity(parity::Parity),
    /// Make the images that one environment runs those of another.
    Promote(parity::Promote),
    /// Wait until a commit is live; for pipelines.
    Wait(wait::Wait),
    /// Clusters.
    #[command(subcommand)]
    Cluster(cluster::Cluster),
    /// Root sources.
    #[command(subcommand)]
    Source(source::Source),
    /// Who may do what, and why.
    #[command(subcommand)]
    Access(access::Access),
    /// Groups of applications over clusters, what needs attention first.
    Fleet(look::Fleet),
    /// Fields that differ from what Git says, with who changed them. Exit code 1 when there are any.
    Drift(look::Drift),
    /// What somebody should know of now, the worst first.
    Alerts(look::Alerts),
    /// Who did what, newest first.
    Audit(look::Audit),
    /// How long manifests, plans and messages of steps are kept.
    Retention(retention::Kept),
    /// How much the server writes into its log, and to change it while it runs.
    LogLevel(log_level::Level),
    /// Rollbacks that wait for a second person.
    #[command(subcommand)]
    Rollback(rollback::Rollbacks),
    /// Any address of the API, for what has no command of its own.
    Api(raw::Raw),
    /// Versions of this client and of the server.
    Version,
    /// Completion for a shell: `source <(lockstep completion bash)`.
    Completion { shell: clap_complete::Shell },
    /// Writes man pages into a folder.
    Man { folder: std::path::PathBuf },
}

impl ClientCommand {
    /// `whole` is the command line of the program that this is part of.
    pub(crate) async fn run(
        &self,
        global: &Global,
        whole: clap::Command,
    ) -> Result<Exit, ClientError> {
        match self {
            Self::Login(login) => login.run(global).await,
            Self::Logout(logout) => logout.run(global).await,
            Self::Context(context) => context.run(global),
            Self::Token(token) => token.run(global).await,
            Self::Session(session) => session.run(global).await,
            Self::Password => session::password(global).await,
            Self::App(app) => app.run(global).await,
            Self::Commit(commit) => commit.run(global).await,
            Self::Image(image) => image.run(global).await,
            Self::Preview(preview) => preview.run(global).await,
            Self::Parity(parity) => parity.run(global).await,
            Self::Promote(promote) => promote.run(global).await,
            Self::Wait(wait) => wait.run(global).await,
            Self::Cluster(cluster) => cluster.run(global).await,
            Self::Source(source) => source.run(global).await,
            Self::Access(access) => access.run(global).await,
            Self::Fleet(fleet) => fleet.run(global).await,
            Self::Drift(drift) => drift.run(global).await,
            Self::Alerts(alerts) => alerts.run(global).await,
            Self::Audit(audit) => audit.run(global).await,
            Self::Retention(kept) => kept.run(global).await,
            Self::LogLevel(level) => level.run(global).await,
            Self::Rollback(rollbacks) => rollbacks.run(global).await,
            Self::Api(raw) => raw.run(global).await,
            Self::Version => version(global).await,
            Self::Completion { shell } => crate::help::completion(*shell, whole),
            Self::Man { folder } => crate::help::man(folder, whole),
        }
    }

    /// The check of the audit log, which is no command of the client: it reads the database.
    pub fn verify(&self) -> Option<&Verify> {
        match self {
            Self::Audit(look::Audit {
                command: Some(look::AuditCommand::Verify(verify)),
                ..
            }) => Some(verify),
            _ => None,
        }
    }

    /// `app diff`, `drift` and `parity` say 1 for "there is a difference", `wait` for "it failed", `access can` for "no" and `audit verify` for
    /// "it is broken", so their mistakes are 2.
    pub(crate) fn exit_on_error(&self) -> Exit {
        match self {
            Self::App(app::App::Diff(_))
            | Self::Drift(_)
            | Self::Parity(_)
            | Self::Wait(_)
            | Self::Access(access::Access::Can(_)) => Exit::Broken,
            Self::Audit(audit) if audit.command.is_some() => Exit::Broken,
            _ => Exit::Failed,
        }
    }
}

#[derive(Serialize)]
struct Versions {
    client: &'static str,
    /// `None`: not logged in, or it does not answer.
    server: Option<String>,
}

async fn version(global: &Global) -> Result<Exit, ClientError> {
    let server = match global.open() {
        Ok(api) => api.get::<VersionAnswer>("/version", &[]).await.ok(),
        Err(_) => None,
    };
    let versions = Versions {
        client: env!("CARGO_PKG_VERSION"),
        server: server.map(|answer| answer.version),
    };
    global.show(&versions, |versions| {
        let server = versions.server.as_deref().unwrap_or("not reached");
        format!("client  {}\nserver  {server}", versions.client)
    })
}
