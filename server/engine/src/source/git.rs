//! The `git` command as transport: nothing of the machine's or the user's configuration, no shell, no hooks,
//! no redirects, addresses pinned, secrets through the environment of an askpass script, never in arguments.

use super::ssh::{self, Folder};
use super::{Credential, NetworkPolicy, RepoUrl, SourceError};
use crate::child::{self, ChildError, Finished, Limits};
use secrecy::ExposeSecret;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// Names of refs are all that is ever printed; a million of them is an attack.
const MAX_OUTPUT: usize = 64 * 1024 * 1024;
/// Upkeep of a large mirror may take longer than a fetch.
const UPKEEP: Duration = Duration::from_secs(600);
const MAX_ERRORS: usize = 64 * 1024;
/// A pack without end fills no disk.
const MAX_PACK: u64 = 8 * 1024 * 1024 * 1024;

const ASKPASS: &str = "#!/bin/sh
case \"$1\" in
Username*) printf '%s\\n' \"$LOCKSTEP_GIT_USERNAME\" ;;
*) printf '%s\\n' \"$LOCKSTEP_GIT_PASSWORD\" ;;
esac
";

/// What every call has in common. Objects are checked before they are let in, but for old blemishes that
/// harm nobody and that popular repositories have.
const SETTINGS: [&str; 22] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.alternateRefsCommand=false",
    "credential.helper=",
    "fetch.fsckObjects=true",
    "fetch.fsck.badDateOverflow=ignore",
    "fetch.fsck.badTimezone=ignore",
    "fetch.fsck.missingSpaceBeforeDate=ignore",
    "fetch.fsck.missingSpaceBeforeEmail=ignore",
    "fetch.fsck.zeroPaddedFilemode=ignore",
    "fetch.fsck.zeroPaddedDate=ignore",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "http.emptyAuth=false",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=30",
    "http.maxRequests=2",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "push.recurseSubmodules=no",
    "submodule.recurse=false",
];

/// Writes what calls need beside the mirrors and returns the askpass script. It holds no secret.
pub(super) fn prepare(dir: &Path) -> Result<PathBuf, SourceError> {
    let broken = |error: std::io::Error| SourceError::Mirror {
        url: "every repository".to_owned(),
        message: format!("the folder for mirrors cannot be written: {error}"),
    };
    fs::create_dir_all(dir.join("home")).map_err(broken)?;
    fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(broken)?;
    ssh::prepare(dir).map_err(broken)?;
    let script = dir.join("askpass");
    if fs::read(&script).ok().as_deref() != Some(ASKPASS.as_bytes()) {
        // Written aside: a script that is being executed must not be written to.
        let fresh = dir.join(format!("askpass.{}", std::process::id()));
        fs::write(&fresh, ASKPASS).map_err(broken)?;
        fs::set_permissions(&fresh, Permissions::from_mode(0o700)).map_err(broken)?;
        fs::rename(&fresh, &script).map_err(broken)?;
    }
    Ok(script)
}

/// An environment with nothing of the machine's or the user's in it.
pub(super) fn clean(command: &mut Command, askpass: &Path) {
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let home = askpass.with_file_name("home");
    command
        .env("HOME", &home)
        .env("XDG_CONFIG_HOME", &home)
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .current_dir(&home);
}

/// A transport to one repository.
pub(super) struct Git<'a> {
    pub url: &'a RepoUrl,
    pub git_dir: &'a Path,
    pub askpass: &'a Path,
    pub credential: &'a Credential,
    pub policy: NetworkPolicy,
    pub deadline: Duration,
}

impl Git<'_> {
    /// Runs `git ARGUMENTS` and gives what it printed when it ended well.
    pub(super) async fn run(
        &self,
        arguments: &[&str],
        input: Vec<u8>,
    ) -> Result<Finished, SourceError> {
        let mut command = Command::new("git");
        clean(&mut command, self.askpass);
        command.env("GIT_DIR", self.git_dir);
        for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(bundle) = std::env::var_os("SSL_CERT_FILE") {
            command.env("GIT_SSL_CAINFO", bundle);
        }
        command.env(
            "GIT_ALLOW_PROTOCOL",
            match (self.url.is_local(), self.url.is_ssh()) {
                (true, _) => "file",
                (false, true) => "ssh",
                (false, false) => "https:http",
            },
        );
        let folder = self.log_in(&mut command).await?;
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        if !self.url.is_ssh()
            && let Some(pinned) = self.url.pin(self.policy).await?
        {
            command
                .arg("-c")
                .arg(format!("http.curloptResolve={pinned}"));
        }
        command.args(arguments);
        let limits = Limits {
            deadline: self.deadline,
            stdout: MAX_OUTPUT,
            stderr: MAX_ERRORS,
            file: MAX_PACK,
        };
        let finished = child::run(command, input, limits)
            .await
            .map_err(|error| match error {
                ChildError::Deadline => SourceError::Deadline {
                    url: self.url.to_string(),
                    seconds: self.deadline.as_secs(),
                },
                ChildError::TooMuchOutput(_) => self.unreachable("it lists far too many refs"),
                ChildError::Start(error) => {
                    self.broken(format!("the git command cannot be started: {error}"))
                }
                error @ ChildError::Output(_) => self.broken(error.to_string()),
            })?;
        if self.url.is_ssh()
            && !finished.status.success()
            && let Some(folder) = &folder
            && let Some(error) = ssh::failure(folder, self.url)
        {
            return Err(error);
        }
        Ok(finished)
    }

    /// Gives the command what the host asks for. The folder, if there is one, must outlive the call.
    async fn log_in(&self, command: &mut Command) -> Result<Option<Folder>, SourceError> {
        let denied = |message: &str| SourceError::Denied {
            url: self.url.to_string(),
            message: message.to_owned(),
        };
        if self.url.chart().is_some() {
            return Err(SourceError::Unsupported(format!(
                "{} is a chart, which Git cannot write to",
                self.url
            )));
        }
        let dir = self.askpass.parent().unwrap_or(self.askpass);
        let unwritten = |error: std::io::Error| {
            self.broken(format!("its credentials cannot be put in place: {error}"))
        };
        let mut folder = None;
        if let Some(authorities) = self.credential.authorities() {
            let private = Folder::new(dir).map_err(unwritten)?;
            let path = private
                .write("authorities", authorities)
                .map_err(unwritten)?;
            command.env("GIT_SSL_CAINFO", path);
            folder = Some(private);
        }
        match (self.credential.login(), self.url.is_ssh()) {
            (
                Credential::SshKey {
                    private_key,
                    known_hosts,
                },
                true,
            ) => {
                ssh::check_private_key(private_key.expose_secret())
                    .map_err(|message| denied(&message))?;
                let addresses = self.url.addresses(self.policy).await?;
                let (Some((host, port)), Some(address)) = (self.url.host(), addresses.first())
                else {
                    return Err(self.unreachable("its host has no address"));
                };
                let private = match folder.take() {
                    Some(private) => private,
                    None => Folder::new(dir).map_err(unwritten)?,
                };
                ssh::write(
                    &private,
                    host,
                    port,
                    *address,
                    private_key.expose_secret(),
                    known_hosts,
                )
                .map_err(unwritten)?;
                command
                    .env("GIT_SSH", dir.join("ssh"))
                    .env("GIT_SSH_VARIANT", "ssh")
                    .env("LOCKSTEP_SSH_FOLDER", private.path());
                folder = Some(private);
            }
            (_, true) => {
                return Err(denied(
                    "it is reached by SSH and the source has no SSH key; give a private key and the host's line of known hosts, or use the https URL",
                ));
            }
            (Credential::Basic { username, password }, false) => {
                command
                    .env("GIT_ASKPASS", self.askpass)
                    .env("LOCKSTEP_GIT_USERNAME", username)
                    .env("LOCKSTEP_GIT_PASSWORD", password.expose_secret());
            }
            (Credential::SshKey { .. }, false) if !self.url.is_local() => {
                return Err(denied(
                    "its credential is an SSH key and the URL is not an ssh:// one; use the SSH URL of the repository",
                ));
            }
            _ => {}
        }
        Ok(folder)
    }

    /// Runs `git ARGUMENTS` on the mirror alone, at low priority: no host is asked, no credential is given.
    pub(super) async fn here(
        &self,
        arguments: &[&str],
        input: Vec<u8>,
    ) -> Result<Finished, SourceError> {
        let mut command = Command::new("nice");
        command.args(["-n", "10", "git"]);
        clean(&mut command, self.askpass);
        command.env("GIT_DIR", self.git_dir);
        command.env("GIT_ALLOW_PROTOCOL", "file");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(arguments);
        let limits = Limits {
            deadline: self.deadline.max(UPKEEP),
            stdout: MAX_OUTPUT,
            stderr: MAX_ERRORS,
            file: MAX_PACK,
        };
        child::run(command, input, limits)
            .await
            .map_err(|error| self.broken(error.to_string()))
    }

    pub(super) fn damaged(&self, message: &str) -> SourceError {
        self.broken(message.to_owned())
    }

    /// As [`Git::run`], and an exit status other than zero is an error in the host's words.
    pub(super) async fn ask(
        &self,
        arguments: &[&str],
        input: Vec<u8>,
    ) -> Result<String, SourceError> {
        let finished = self.run(arguments, input).await?;
        if finished.status.success() {
            Ok(String::from_utf8_lossy(&finished.stdout).into_owned())
        } else {
            Err(self.failure(&finished))
        }
    }

    /// What a failed call means.
    pub(super) fn failure(&self, finished: &Finished) -> SourceError {
        let errors = String::from_utf8_lossy(&finished.stderr);
        let has = |words: &[&str]| words.iter().any(|word| errors.contains(word));
        let message = words_of(&errors);
        let url = self.url.to_string();
        if has(&[
            "Authentication failed",
            "could not read Username",
            "could not read Password",
            "error: 401",
            "error: 403",
        ]) {
            let message = match self.credential.login() {
                Credential::None => "it asks for credentials and the source has none".to_owned(),
                _ => message,
            };
            SourceError::Denied { url, message }
        } else if has(&[
            "error: 301",
            "error: 302",
            "error: 303",
            "error: 307",
            "error: 308",
            "unable to update url base",
        ]) {
            self.unreachable("it redirects elsewhere, which is not followed; use the final URL, often the one that ends in .git")
        } else if has(&[
            "not found",
            "does not appear to be a git repository",
            "Cannot find repository",
            "error: 404",
        ]) {
            self.unreachable("there is no such repository, or the credentials may not see it")
        } else {
            SourceError::Unreachable { url, message }
        }
    }

    fn unreachable(&self, message: &str) -> SourceError {
        SourceError::Unreachable {
            url: self.url.to_string(),
            message: message.to_owned(),
        }
    }

    fn broken(&self, message: String) -> SourceError {
        SourceError::Mirror {
            url: self.url.to_string(),
            message,
        }
    }
}

/// The lines that say something, without control characters, joined and cut.
pub(super) fn words_of(errors: &str) -> String {
    let lines: Vec<String> = errors
        .lines()
        .filter(|line| {
            !line.trim().is_empty() && !line.starts_with("warning:") && !line.starts_with("hint:")
        })
        .map(|line| {
            let line = line
                .strip_prefix("fatal: ")
                .or_else(|| line.strip_prefix("error: "))
                .unwrap_or(line);
            line.chars()
                .filter(|c| !c.is_control())
                .collect::<String>()
                .trim()
                .to_owned()
        })
        .collect();
    let text = lines.join("; ");
    match text.char_indices().nth(600) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if text.is_empty() => "git failed without saying why".to_owned(),
        None => text,
    }
}
