//! One call over SSH: the key, the host keys and the whole configuration in a private folder that is gone afterwards.
//! Nothing of the user's SSH configuration, no agent, no asking, and only host keys that somebody entered.

mod key;

pub use key::check_private_key;

use super::{RepoUrl, SourceError};
use std::fmt::Write as _;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What `git` starts in place of `ssh`. It holds no secret and passes words on as they are.
const PROGRAM: &str = "#!/bin/sh
exec ssh -F \"$LOCKSTEP_SSH_FOLDER/config\" -E \"$LOCKSTEP_SSH_FOLDER/log\" \"$@\"
";
const MAX_LOG: usize = 256 * 1024;

static CALLS: AtomicU64 = AtomicU64::new(0);

/// Writes the program, clears what a killed server left behind.
pub(super) fn prepare(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir.join("calls")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let program = dir.join("ssh");
    if fs::read(&program).ok().as_deref() != Some(PROGRAM.as_bytes()) {
        let fresh = dir.join(format!("ssh.{}", std::process::id()));
        fs::write(&fresh, PROGRAM)?;
        fs::set_permissions(&fresh, Permissions::from_mode(0o700))?;
        fs::rename(&fresh, &program)?;
    }
    Ok(())
}

/// A private folder for the length of a call.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Below the folder of the mirrors.
    pub(super) fn new(dir: &Path) -> io::Result<Self> {
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        let path = dir
            .join("calls")
            .join(format!("{}-{number}", std::process::id()));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file that only we can read.
    pub(super) fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(event.name = "source.call_folder_left", path = %self.0.display(), error = %error, "a private folder of a finished call is left");
        }
    }
}

/// Writes everything `ssh` needs to reach exactly this address as exactly this host.
pub(super) fn write(
    folder: &Folder,
    host: &str,
    port: u16,
    address: IpAddr,
    private_key: &str,
    known_hosts: &str,
) -> io::Result<()> {
    let lines = |text: &str| {
        let mut text = text.replace("\r\n", "\n");
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    };
    let key = folder.write("key", &lines(private_key.trim_start()))?;
    let hosts = folder.write("known_hosts", &lines(known_hosts))?;
    let mut text = String::from("Host *\n");
    let mut set = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name} {value}");
    };
    set("HostName", &address.to_string());
    set("HostKeyAlias", &known_as(host, port));
    set("IdentityFile", &quoted(&key));
    set("UserKnownHostsFile", &quoted(&hosts));
    for (name, value) in [
        ("GlobalKnownHostsFile", "/dev/null"),
        ("StrictHostKeyChecking", "yes"),
        ("UpdateHostKeys", "no"),
        ("VerifyHostKeyDNS", "no"),
        ("IdentitiesOnly", "yes"),
        ("IdentityAgent", "none"),
        ("PreferredAuthentications", "publickey"),
        ("BatchMode", "yes"),
        ("ForwardAgent", "no"),
        ("ForwardX11", "no"),
        ("PermitLocalCommand", "no"),
        ("ProxyCommand", "none"),
        ("ControlPath", "none"),
        ("CanonicalizeHostname", "no"),
        ("ConnectTimeout", "20"),
        ("ServerAliveInterval", "10"),
        ("ServerAliveCountMax", "3"),
        ("LogLevel", "DEBUG1"),
    ] {
        set(name, value);
    }
    folder.write("config", &text).map(drop)
}

/// The name under which a host stands in `known_hosts`.
fn known_as(host: &str, port: u16) -> String {
    let bare = host.trim_matches(['[', ']']);
    if port == 22 {
        bare.to_owned()
    } else {
        format!("[{bare}]:{port}")
    }
}

/// A path as the configuration of `ssh` reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string().replace('%', "%%");
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What a failed connection means, by `ssh`'s own log: nothing in it is the far side's words alone. `None` when the
/// connection itself was good.
pub(super) fn failure(folder: &Folder, url: &RepoUrl) -> Option<SourceError> {
    let mut log = fs::read(folder.path().join("log")).unwrap_or_default();
    log.truncate(MAX_LOG);
    let shown = url.to_string();
    let (host, port) = url.host()?;
    explain(&String::from_utf8_lossy(&log), shown, known_as(host, port))
}

fn explain(log: &str, url: String, host: String) -> Option<SourceError> {
    if log.contains("Host key verification failed") {
        let fingerprint = log
            .lines()
            .find_map(|line| line.trim().strip_prefix("debug1: Server host key: "))
            .unwrap_or("a key that could not be read")
            .to_owned();
        let changed =
            log.contains("HOST IDENTIFICATION HAS CHANGED") || log.contains("REVOKED HOST KEY");
        return Some(SourceError::HostKey {
            url,
            host,
            fingerprint,
            changed,
        });
    }
    if log.contains("Load key ") || log.contains("error in libcrypto") {
        let message = "the SSH key cannot be read; enter it again as the whole file".to_owned();
        return Some(SourceError::Denied { url, message });
    }
    if log.contains("Permission denied (") {
        let message = "the host does not accept the SSH key; add its public half there".to_owned();
        return Some(SourceError::Denied { url, message });
    }
    if log.contains("Authenticated to ") {
        return None;
    }
    let said: Vec<&str> = log
        .lines()
        .map(str::trim)
        .filter(|line| {
            !line.is_empty() && !line.starts_with("debug1:") && !line.starts_with("OpenSSH_")
        })
        .collect();
    let message = match said.last() {
        Some(last) => last.chars().filter(|c| !c.is_control()).take(300).collect(),
        None => return None,
    };
    Some(SourceError::Unreachable { url, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named_as_known_hosts_names_them() {
        assert_eq!(known_as("git.example.org", 22), "git.example.org");
        assert_eq!(known_as("git.example.org", 2222), "[git.example.org]:2222");
        assert_eq!(known_as("[::1]", 22), "::1");
    }

    #[test]
    fn the_folder_of_a_call_is_private_and_goes_away() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path()).unwrap();
        let path = folder.path().to_owned();
        write(&folder, "h", 22, IpAddr::from([192, 0, 2, 1]), "key", "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join("key"))), (0o700, 0o600));
        let config = fs::read_to_string(path.join("config")).unwrap();
        assert!(
            config.contains("HostName 192.0.2.1\n")
                && config.contains("StrictHostKeyChecking yes\n")
        );
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn logs_are_told_apart() {
        let said = |log: &str| {
            explain(log, "ssh://git@h/a".to_owned(), "h".to_owned()).map(|error| error.to_string())
        };
        assert_eq!(
            said("debug1: x\nAuthenticated to h ([192.0.2.1]:22) using \"publickey\".\n"),
            None
        );
        for (log, word) in [
            (
                "debug1: Server host key: ssh-ed25519 SHA256:abc\nHost key verification failed.\n",
                "SHA256:abc",
            ),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n",
                "changed",
            ),
            ("git@h: Permission denied (publickey).\n", "public half"),
            (
                "ssh: connect to host h port 22: Connection refused\n",
                "Connection refused",
            ),
        ] {
            let text = said(log).unwrap_or_default();
            assert!(text.contains(word), "{text}");
        }
    }
}
