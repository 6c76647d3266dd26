//! Servers and tokens of this person, in `lockstep/credentials.json` of the configuration home, for its owner alone.

use crate::api::ClientError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What the file holds.
#[derive(Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub(crate) struct Credentials {
    /// The server of the last login.
    pub(crate) current: Option<String>,
    /// By server.
    pub(crate) tokens: BTreeMap<String, String>,
}

impl Credentials {
    /// Empty when there is no file yet.
    pub(crate) fn load() -> Result<Self, ClientError> {
        match place() {
            Some(path) => Self::load_from(&path),
            None => Ok(Self::default()),
        }
    }

    /// Writes the file for its owner alone.
    pub(crate) fn save(&self) -> Result<PathBuf, ClientError> {
        let path = place().ok_or_else(|| {
            ClientError::Usage("no home folder to store the token in; set HOME".to_owned())
        })?;
        self.save_to(&path)?;
        Ok(path)
    }

    /// Forgets a server; its token.
    pub(crate) fn forget(&mut self, server: &str) -> Option<String> {
        if self.current.as_deref() == Some(server) {
            self.current = None;
        }
        self.tokens.remove(server)
    }

    fn load_from(path: &Path) -> Result<Self, ClientError> {
        let failed = ClientError::local(format!("read {}", path.display()));
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(error.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(failed(error)),
        }
    }

    fn save_to(&self, path: &Path) -> Result<(), ClientError> {
        let write = || -> std::io::Result<()> {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            // A new file, then a rename: never readable for others and never half written.
            let fresh = path.with_extension("new");
            let _ = std::fs::remove_file(&fresh);
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            {
                use std::os::unix::fs::OpenOptionsExt;
                options.mode(0o600);
            }
            let mut file = options.open(&fresh)?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.sync_all()?;
            std::fs::rename(&fresh, path)
        };
        write().map_err(ClientError::local(format!("write {}", path.display())))
    }
}

fn place() -> Option<PathBuf> {
    let home = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    home("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| home("HOME").map(|home| PathBuf::from(home).join(".config")))
        .map(|config| config.join("lockstep").join("credentials.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_file_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("credentials.json");
        assert!(Credentials::load_from(&path).unwrap() == Credentials::default());
        let mut credentials = Credentials::default();
        for server in ["https://a", "https://b"] {
            credentials.current = Some(server.to_owned());
            credentials
                .tokens
                .insert(server.to_owned(), "lsk_x".to_owned());
            credentials.save_to(&path).unwrap();
        }
        assert!(Credentials::load_from(&path).unwrap() == credentials);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
