//! The section `[commits]`: who stands as committer in commits of our own, and the key that they are signed with.

use super::ConfigError;
use super::read::Environment;
use engine::signature::SigningKey;
use engine::source::{Committer, Signer};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Files of this size hold no key.
const MAX_FILE: u64 = 1024 * 1024;

/// How commits of our own are made. Their authors are the people who ask for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commits {
    pub name: String,
    pub email: String,
    /// `None`: commits are not signed.
    pub signing_key: Option<KeyFile>,
}

/// A file with a private key, and the setting that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    pub setting: &'static str,
    pub path: PathBuf,
}

/// As the file has them.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileCommits {
    name: Option<String>,
    email: Option<String>,
    signing_key_file: Option<PathBuf>,
}

impl FileCommits {
    pub(super) fn read(self, base: &Path, env: &Environment) -> Result<Commits, ConfigError> {
        const VARIABLE: &str = "LOCKSTEP_COMMITS_SIGNING_KEY_FILE";
        let default = Committer::default();
        let signing_key = match (env(VARIABLE), self.signing_key_file) {
            (Some(path), _) => Some((VARIABLE, PathBuf::from(path))),
            (None, Some(path)) => Some(("commits.signing_key_file", base.join(path))),
            (None, None) => None,
        };
        Ok(Commits {
            name: written("commits.name", self.name, default.name)?,
            email: written("commits.email", self.email, default.email)?,
            signing_key: signing_key.map(|(setting, path)| KeyFile { setting, path }),
        })
    }
}

/// What a commit can hold as a name or an address.
fn written(key: &str, given: Option<String>, default: String) -> Result<String, ConfigError> {
    let Some(given) = given else {
        return Ok(default);
    };
    let delimits = |c: char| matches!(c, '<' | '>') || c.is_control();
    let trimmed = given.trim();
    if trimmed.is_empty() || trimmed.contains(delimits) {
        let why = "must not be empty, nor hold < or >, which delimit it in commits";
        return Err(ConfigError::key(key, why));
    }
    Ok(trimmed.to_owned())
}

impl Commits {
    /// Reads the key and tries it.
    ///
    /// # Errors
    /// The key cannot sign: the setting, why, and what to do.
    pub fn committer(&self) -> Result<Committer, ConfigError> {
        let signer = match &self.signing_key {
            None => None,
            Some(file) => {
                let key = file.key()?;
                let fingerprint = key.fingerprint().to_owned();
                let sign = move |commit: &[u8]| key.sign(commit).map_err(|error| error.to_string());
                Some(Signer::new(fingerprint, sign))
            }
        };
        Ok(Committer {
            name: self.name.clone(),
            email: self.email.clone(),
            signer,
        })
    }
}

impl KeyFile {
    fn key(&self) -> Result<SigningKey, ConfigError> {
        let path = self.path.display();
        let mut bytes = Vec::new();
        let read =
            File::open(&self.path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
        if let Err(error) = read {
            let why = format!("cannot read {path}: {error}; give a file that the server may read");
            return Err(ConfigError::key(self.setting, why));
        }
        let bytes = SecretSlice::from(bytes);
        let Ok(text) = std::str::from_utf8(bytes.expose_secret()) else {
            let why = format!(
                "{path}: it is no text; export an OpenPGP key in ASCII armour (gpg --export-secret-keys --armor)"
            );
            return Err(ConfigError::key(self.setting, why));
        };
        SigningKey::read(&SecretString::from(text))
            .map_err(|error| ConfigError::key(self.setting, format!("{path}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::signature::{KeyText, Keyring};
    use engine::testing::{OpenPgpKey, openpgp_key, ssh_key};

    const USER: &str = "Lockstep <lockstep@example.org>";

    fn read(text: &str, env: &Environment) -> Result<Commits, ConfigError> {
        let file: FileCommits = toml::from_str(text).unwrap();
        file.read(Path::new("/etc/lockstep"), env)
    }

    fn with(content: &[u8]) -> Result<Committer, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signing.key");
        std::fs::write(&path, content).unwrap();
        at(&path)
    }

    fn at(path: &Path) -> Result<Committer, String> {
        let path = path.display().to_string();
        let commits = read(&format!("signing_key_file = '{path}'"), &|_| None).unwrap();
        let error = commits.committer().err().map(|error| error.to_string());
        if let Some(error) = &error {
            let setting = error.starts_with("commits.signing_key_file: ");
            assert!(setting && error.contains(&path), "{error}");
        }
        commits.committer().map_err(|_| error.unwrap_or_default())
    }

    #[test]
    fn the_environment_wins_and_files_are_beside_the_configuration() {
        let nothing = read("", &|_| None).unwrap();
        assert_eq!(
            (nothing.name.as_str(), nothing.email.as_str()),
            ("Lockstep", "lockstep@localhost")
        );
        assert!(nothing.committer().unwrap().signer.is_none());
        let file = "name = 'Bot'\nemail = 'bot@example.org'\nsigning_key_file = 'own.key'";
        let given = read(file, &|_| None).unwrap();
        assert_eq!(
            (given.name.as_str(), given.email.as_str()),
            ("Bot", "bot@example.org")
        );
        let key = given.signing_key.unwrap();
        assert_eq!(key.path, Path::new("/etc/lockstep/own.key"));
        let variable = |name: &str| {
            (name == "LOCKSTEP_COMMITS_SIGNING_KEY_FILE").then(|| "/run/none.key".to_owned())
        };
        let error = read(file, &variable).unwrap().committer().unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("LOCKSTEP_COMMITS_SIGNING_KEY_FILE: cannot read /run/none.key"),
            "{error}"
        );
    }

    #[test]
    fn names_that_a_commit_cannot_hold_are_refused() {
        for text in [
            "name = ' '",
            "name = 'A <a>'",
            "email = \"a\\nb\"",
            "email = ''",
        ] {
            let error = read(text, &|_| None).unwrap_err().to_string();
            let key = text.split(' ').next().unwrap();
            assert!(
                error.starts_with(&format!("commits.{key}: must")),
                "{error}"
            );
        }
    }

    #[test]
    fn both_kinds_of_keys_sign() {
        let (openpgp, openpgp_public) = openpgp_key(USER, OpenPgpKey::BySubkey);
        let (ssh, ssh_public) = ssh_key(&["-t", "ed25519", "-N", ""]);
        for (secret, public) in [
            (openpgp, openpgp_public),
            (ssh, format!("lockstep {ssh_public}")),
        ] {
            let committer = with(secret.as_bytes()).unwrap();
            let shown = format!("{committer:?}");
            for line in secret.lines().filter(|line| line.len() > 8) {
                assert!(!shown.contains(line), "{shown}");
            }
            let signer = committer.signer.unwrap();
            let (ring, _) = Keyring::read(&[KeyText {
                text: public,
                place: "keys".to_owned(),
            }]);
            let (ring, missing) = ring.only(&[signer.key().to_owned()]);
            assert_eq!(missing, Vec::<String>::new());
            let signature = signer.sign(b"tree 1\n").unwrap();
            assert!(ring.check_detached(&signature, b"tree 1\n").is_good());
        }
    }

    #[test]
    fn a_bad_key_is_refused_with_its_setting_and_what_to_do() {
        let openpgp = |of| openpgp_key(USER, of).0.into_bytes();
        let locked = ssh_key(&["-t", "ed25519", "-N", "s3cret"]).0;
        for (content, words) in [
            (Vec::new(), "is empty; put"),
            (b"hunter2".to_vec(), "no private key; give"),
            (vec![0x94, 0x00, 0xff], "no text; export"),
            (
                openpgp_key(USER, OpenPgpKey::Plain).1.into_bytes(),
                "public half",
            ),
            (openpgp(OpenPgpKey::WithPassphrase), "passphrase; make"),
            (locked.into_bytes(), "passphrase; make"),
            (openpgp(OpenPgpKey::Expired), "; give it more time"),
            (openpgp(OpenPgpKey::Revoked), "is revoked; make"),
            (openpgp(OpenPgpKey::MayNotSign), "may not sign; add"),
        ] {
            let error = with(&content).unwrap_err();
            assert!(error.contains(words), "{words}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        for missing in [folder.path().join("none.key"), folder.path().to_owned()] {
            let error = at(&missing).unwrap_err();
            assert!(
                error.contains("; give a file that the server may read"),
                "{error}"
            );
        }
    }
}
