//! The command line of the whole program: what runs or opens the database here, and the client's commands.

mod audit;

use crate::accounts::{AccountService, LINK_MINUTES};
use crate::backup;
use crate::compose;
use crate::config::{Config, process_environment};
use crate::rotation;
use crate::telemetry;
use anyhow::Context;
use clap::{Args, CommandFactory, Parser, Subcommand};
use client::{ClientCommand, Global};
use lockstep_types::account::{Actor, Role};
use lockstep_types::id::UserId;
use lockstep_types::ports::Accounts;
use secrecy::SecretString;
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

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
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(ConfigPath),
    /// Bring the database schema up to date.
    Migrate(ConfigPath),
    /// People with a login, straight in the database.
    User {
        #[command(flatten)]
        config: ConfigPath,
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Care of an installation: copies of the database, putting one back, and a new key.
    Admin {
        #[command(flatten)]
        config: ConfigPath,
        #[command(subcommand)]
        command: AdminCommand,
    },
    #[command(flatten)]
    Client(ClientCommand),
}

#[derive(Args)]
struct ConfigPath {
    /// The configuration; without it lockstep.toml here, if there is one.
    #[arg(long, env = "LOCKSTEP_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Copy the database into a new folder; the server may run.
    Backup {
        /// Must not be there yet.
        folder: PathBuf,
    },
    /// Put a copy back; no server may run. Every source is only observed until it is taken over again.
    Restore {
        folder: PathBuf,
        /// Also when the key here does not open all credentials: they must be entered again.
        #[arg(long)]
        lose_credentials: bool,
    },
    /// Seal all credentials with a new key, while the server is stopped. With LOCKSTEP_KEY set, the new one comes from
    /// LOCKSTEP_NEW_KEY.
    RotateKey,
}

#[derive(Subcommand)]
enum UserCommand {
    /// All accounts.
    List,
    /// A new account. The password is read from standard input.
    Add {
        name: String,
        /// viewer, operator or admin.
        #[arg(long, default_value = "viewer", value_parser = role)]
        role: Role,
    },
    /// A new password, read from standard input. Ends all sessions of that person.
    Passwd { name: String },
    /// No login any more. Ends all sessions; tokens stop working.
    Disable {
        name: String,
        /// Let them in again.
        #[arg(long)]
        undo: bool,
    },
    /// A link that lets a local account in once, for an administrator who is locked out.
    Link { name: String },
    /// Take the second factor away, for somebody who has lost it and the recovery codes.
    ForgetFactor { name: String },
    /// End all sessions.
    EndSessions { name: String },
    /// Delete the account with its sessions and tokens. What it did stays in the audit log.
    Remove { name: String },
}

fn role(word: &str) -> Result<Role, String> {
    Role::from_word(word).ok_or_else(|| "must be viewer, operator or admin".to_owned())
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // Before anything else: the sandboxed child must not read files, start threads or parse options of ours.
    match arguments.next() {
        Some(first) if first == engine::render::sandbox::SUBCOMMAND => {
            return engine::render::sandbox::child_main(arguments);
        }
        Some(first) if first == engine::check::SUBCOMMAND => {
            return engine::check::child_main(arguments);
        }
        _ => {}
    }
    let cli: Cli = match client::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let command = match cli.command {
        Command::Client(command) => {
            return match command.verify() {
                Some(verify) => audit::main(verify),
                None => client::run(&cli.global, &command, Cli::command()),
            };
        }
        command => command,
    };
    prepare();
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn prepare() {
    telemetry::start();
    // A second installation is refused and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn complain(error: &anyhow::Error) {
    // There is nowhere to report that standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "lockstep: {error:#}");
}

fn threads() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the threads of the server")
}

fn run(command: Command) -> anyhow::Result<()> {
    let runtime = threads()?;
    let load = |path: &ConfigPath| Config::load(path.config.as_deref(), &process_environment);
    runtime.block_on(async {
        match command {
            Command::Serve(path) => compose::serve(load(&path)?).await,
            Command::Migrate(path) => migrate(&load(&path)?).await,
            Command::User { config, command } => user(&load(&config)?, command).await,
            Command::Admin { config, command } => admin(&load(&config)?, command).await,
            // Handled before any thread was started.
            Command::Client(_) => Ok(()),
        }
    })
}

async fn migrate(config: &Config) -> anyhow::Result<()> {
    let store = compose::open_store(config).await?;
    let steps = store.migrate().await?;
    let text = match steps.len() {
        0 => format!("{} is up to date", store.subject()),
        count => format!(
            "{count} steps applied to {}: {}",
            store.subject(),
            steps.join(", ")
        ),
    };
    say(&text)
}

async fn admin(config: &Config, command: AdminCommand) -> anyhow::Result<()> {
    match command {
        AdminCommand::Backup { folder } => {
            backup::backup(config, &folder).await?;
            say(&format!(
                "copied to {}; the key that opens its credentials is not in it: keep {} (or LOCKSTEP_KEY) elsewhere",
                folder.display(),
                config.data_dir.join("vault.key").display()
            ))
        }
        AdminCommand::Restore {
            folder,
            lose_credentials,
        } => {
            let restored = backup::restore(config, &folder, lose_credentials).await?;
            say(&format!(
                "the database is as it was at {}",
                restored.made_at
            ))?;
            if let Some(kept) = &restored.kept {
                say(&format!("the one before is {}", kept.display()))?;
            }
            if !restored.steps.is_empty() {
                say(&format!(
                    "schema steps applied: {}",
                    restored.steps.join(", ")
                ))?;
            }
            if restored.sealed_otherwise > 0 {
                let count = restored.sealed_otherwise;
                say(&format!("{count} credentials must be entered again"))?;
            }
            for name in &restored.observed {
                say(&format!(
                    "source {name} is only observed until it is taken over again"
                ))?;
            }
            say(
                "what is lost: holds, pins, approvals, accounts, tokens and history made since then",
            )
        }
        AdminCommand::RotateKey => rotate_key(config).await,
    }
}

/// Seals every credential with a new key.
async fn rotate_key(config: &Config) -> anyhow::Result<()> {
    // A server that goes on would seal with the key that it read at its start.
    std::net::TcpListener::bind(config.listen).with_context(|| {
        format!(
            "something listens on {}: stop the server first, it holds the old key",
            config.listen
        )
    })?;
    let store = compose::open_store(config).await?;
    store.require_current_schema().await?;
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let (old, new) = (variable("LOCKSTEP_KEY"), variable("LOCKSTEP_NEW_KEY"));
    let rotated =
        rotation::rotate(&store, &config.data_dir, old.as_deref(), new.as_deref()).await?;
    let then = match rotated.old_key {
        Some(path) => format!(
            "{} keeps the old key: delete it when no backup of the database needs it",
            path.display()
        ),
        None => "start the server with LOCKSTEP_KEY set to the new key".to_owned(),
    };
    say(&format!(
        "{} credentials are sealed with the key {}; {then}",
        rotated.credentials, rotated.key_id
    ))
}

async fn user(config: &Config, command: UserCommand) -> anyhow::Result<()> {
    let store = compose::open_store(config).await?;
    store.require_current_schema().await?;
    let accounts = AccountService::open(store)
        .await?
        .with_rules(config.login.clone());
    let actor = operator();
    match command {
        UserCommand::List => {
            for user in accounts.users(&actor).await? {
                let state = match (user.disabled, &user.provider) {
                    (true, _) => "disabled".to_owned(),
                    (false, Some(provider)) => format!("by {provider}"),
                    (false, None) if user.automation => "automation".to_owned(),
                    (false, None) => "active".to_owned(),
                };
                let seen = user
                    .last_seen
                    .map_or_else(|| "never".to_owned(), |at| at.rfc3339());
                say(&format!(
                    "{}\t{}\t{state}\tlast seen {seen}",
                    user.name,
                    user.role.word()
                ))?;
            }
        }
        UserCommand::Add { name, role } => {
            let password = password()?;
            let password = secrecy::ExposeSecret::expose_secret(&password);
            accounts.create_user(&actor, &name, password, role).await?;
            say(&format!("{name} may log in as {}", role.word()))?;
        }
        UserCommand::Passwd { name } => {
            let user = accounts.user_named(&name).await?;
            let password = password()?;
            let password = secrecy::ExposeSecret::expose_secret(&password);
            accounts.set_password(&actor, user, "", password).await?;
            say(&format!(
                "{name} has a new password; all sessions have ended"
            ))?;
        }
        UserCommand::Link { name } => {
            let token = accounts.make_link(&actor, &name).await?;
            say(&format!(
                "{name} can log in once within {LINK_MINUTES} minutes:\n\n    {}/login?link={}\n",
                config.public_url.origin(),
                secrecy::ExposeSecret::expose_secret(&token)
            ))?;
        }
        UserCommand::ForgetFactor { name } => {
            let user = accounts.user_named(&name).await?;
            accounts.remove_factor(&actor, user, "").await?;
            say(&format!("{name} logs in without a second factor"))?;
        }
        UserCommand::EndSessions { name } => {
            let user = accounts.user_named(&name).await?;
            let ended = accounts.end_sessions(&actor, user, None).await?;
            say(&format!("{ended} sessions of {name} have ended"))?;
        }
        UserCommand::Remove { name } => {
            accounts.remove_user(&actor, &name).await?;
            say(&format!("{name} is deleted"))?;
        }
        UserCommand::Disable { name, undo } => {
            let user = accounts.user_named(&name).await?;
            accounts.set_disabled(&actor, user, !undo).await?;
            say(&format!(
                "{name} {}",
                if undo {
                    "may log in again"
                } else {
                    "may no longer log in"
                }
            ))?;
        }
    }
    Ok(())
}

/// Who can open the database may do everything; the audit log says that it was done here.
fn operator() -> Actor {
    Actor {
        user: UserId(uuid::Uuid::nil()),
        name: "operator at the database".to_owned(),
        role: Role::Admin,
        token: None,
        rights: Default::default(),
    }
}

fn password() -> anyhow::Result<SecretString> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let typed = client::ask_hidden("Password")?;
        anyhow::ensure!(
            client::ask_hidden("Again")? == typed,
            "the passwords differ"
        );
        return Ok(SecretString::from(typed));
    }
    let mut line = String::new();
    stdin
        .lock()
        .read_line(&mut line)
        .context("cannot read the password from standard input")?;
    Ok(SecretString::from(line.trim_end_matches(['\r', '\n'])))
}

/// Writes to standard output.
pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}").context("cannot write to standard output")
}
