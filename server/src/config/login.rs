//! The keys of the file that say how to log in to a Git host, and what must hold between them.

use super::ConfigError;
use super::fleet::{LoginBy, LoginEntry, PasswordFrom};
use std::path::{Path, PathBuf};

/// As the file has them.
pub(super) struct FileLogin {
    pub username: Option<String>,
    pub password_env: Option<String>,
    pub password_file: Option<PathBuf>,
    pub ssh_key_file: Option<PathBuf>,
    pub known_hosts_file: Option<PathBuf>,
    pub ca_file: Option<PathBuf>,
}

impl FileLogin {
    /// `None` when none of the keys is there.
    pub(super) fn read(self, owner: &str, base: &Path) -> Result<Option<LoginEntry>, ConfigError> {
        let refuse =
            |field: &str, why: &str| Err(ConfigError::key(format!("{owner}, {field}"), why));
        let password = match (self.password_env, self.password_file) {
            (Some(_), Some(_)) => {
                return refuse(
                    "password_file",
                    "give password_env or password_file, not both",
                );
            }
            (Some(name), None) => Some(PasswordFrom::Environment(name)),
            (None, Some(path)) => Some(PasswordFrom::File(base.join(path))),
            (None, None) => None,
        };
        let by = match (self.ssh_key_file, self.known_hosts_file, password) {
            (Some(_), _, Some(_)) => {
                return refuse("ssh_key_file", "give an SSH key or a password, not both");
            }
            (Some(_), None, None) => {
                return refuse(
                    "ssh_key_file",
                    "needs known_hosts_file beside it, with the host's line (ssh-keyscan prints it; compare the fingerprint)",
                );
            }
            (None, Some(_), _) => {
                return refuse("known_hosts_file", "needs ssh_key_file beside it");
            }
            // The user of an SSH connection is part of the URL.
            (Some(_), Some(_), None) if self.username.is_some() => {
                return refuse(
                    "username",
                    "is not used with ssh_key_file; write it into the URL, as ssh://git@host/path",
                );
            }
            (Some(key), Some(hosts), None) => LoginBy::SshKey {
                key_file: base.join(key),
                known_hosts_file: base.join(hosts),
            },
            // Hosts that take a token as password do not look at the name.
            (None, None, Some(password)) => LoginBy::Password {
                username: self.username.unwrap_or_else(|| "git".to_owned()),
                password,
            },
            (None, None, None) if self.username.is_some() => {
                return refuse("username", "needs password_env or password_file beside it");
            }
            (None, None, None) if self.ca_file.is_none() => return Ok(None),
            (None, None, None) => LoginBy::Nothing,
        };
        Ok(Some(LoginEntry {
            by,
            ca_file: self.ca_file.map(|path| base.join(path)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(keys: &[(&str, &str)]) -> Result<Option<LoginEntry>, String> {
        let given = |name: &str| {
            let found = keys.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let path = |name: &str| given(name).map(PathBuf::from);
        FileLogin {
            username: given("username"),
            password_env: given("password_env"),
            password_file: path("password_file"),
            ssh_key_file: path("ssh_key_file"),
            known_hosts_file: path("known_hosts_file"),
            ca_file: path("ca_file"),
        }
        .read("source “s”", Path::new("/etc/lockstep"))
        .map_err(|error| error.to_string())
    }

    #[test]
    fn keys_that_belong_together_are_asked_for() {
        let key = ("ssh_key_file", "id");
        let hosts = ("known_hosts_file", "hosts");
        for (keys, word) in [
            (vec![key], "known_hosts_file"),
            (vec![hosts], "needs ssh_key_file"),
            (vec![key, hosts, ("password_env", "P")], "not both"),
            (vec![key, hosts, ("username", "u")], "ssh://git@host"),
            (vec![("username", "u")], "password_env or"),
        ] {
            let error = read(&keys).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        assert_eq!(read(&[]), Ok(None));
        let entry = read(&[key, hosts, ("ca_file", "ca.pem")]).unwrap().unwrap();
        assert_eq!(entry.ca_file, Some(PathBuf::from("/etc/lockstep/ca.pem")));
        assert_eq!(
            entry.by,
            LoginBy::SshKey {
                key_file: PathBuf::from("/etc/lockstep/id"),
                known_hosts_file: PathBuf::from("/etc/lockstep/hosts"),
            }
        );
        let only_authority = read(&[("ca_file", "ca.pem")]).unwrap().unwrap();
        assert_eq!(only_authority.by, LoginBy::Nothing);
    }

    #[test]
    fn files_are_read_anew_and_bad_keys_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let entry = LoginEntry {
            by: LoginBy::SshKey {
                key_file: file("id", "ssh-ed25519 AAAA me"),
                known_hosts_file: file("hosts", "h ssh-ed25519 AAAA"),
            },
            ca_file: None,
        };
        let error = entry.credential().unwrap_err().to_string();
        assert!(
            error.contains("ssh_key_file") && error.contains("public half"),
            "{error}"
        );
    }
}
