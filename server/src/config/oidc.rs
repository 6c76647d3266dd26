//! Providers of single sign-on, and whether passwords are taken beside them.

use super::ConfigError;
use super::fleet::{PasswordFrom, read};
use lockstep_types::account::Role;
use lockstep_types::policy::Glob;
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How people get in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRules {
    /// Whether name and password are taken.
    pub local: bool,
    pub providers: Vec<OidcEntry>,
}

impl Default for LoginRules {
    fn default() -> Self {
        Self {
            local: true,
            providers: Vec::new(),
        }
    }
}

impl LoginRules {
    /// The provider of this name.
    pub fn provider(&self, name: &str) -> Option<&OidcEntry> {
        self.providers.iter().find(|entry| entry.name == name)
    }
}

/// A provider of OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcEntry {
    /// In the address that the provider leads back to.
    pub name: String,
    /// On the button of the login page.
    pub label: String,
    /// Exactly as the provider calls itself.
    pub issuer: String,
    pub client_id: String,
    /// `None`: a public client.
    pub secret: Option<PasswordFrom>,
    pub ca_file: Option<PathBuf>,
    /// Beside `openid`, `profile` and `email`.
    pub scopes: Vec<String>,
    /// The claim with the groups.
    pub groups_claim: String,
    /// The claim that becomes the name of the account.
    pub name_claim: String,
    /// Nobody gets in without a group.
    pub require_groups: bool,
    /// Believe an address that the provider has not verified.
    pub allow_unverified_email: bool,
    /// Groups that make a role, as globs.
    pub roles: BTreeMap<Role, Vec<String>>,
    /// Of whom no group makes a role. `None`: only the policy decides.
    pub default_role: Option<Role>,
    /// So long after a login its groups count for tokens.
    pub fresh_days: u32,
    /// Logging out here leads to the provider's own logout.
    pub logout: bool,
}

impl OidcEntry {
    /// The highest role that one of the groups makes.
    pub fn role_of(&self, groups: &[String]) -> Option<Role> {
        let makes = |patterns: &Vec<String>| {
            patterns.iter().any(|pattern| {
                Glob::new(pattern).is_ok_and(|glob| groups.iter().any(|group| glob.fits(group)))
            })
        };
        let found = self
            .roles
            .iter()
            .rev()
            .find(|(_, patterns)| makes(patterns));
        found.map(|(role, _)| *role).or(self.default_role)
    }

    /// The client's secret as it is now; files may be rotated.
    ///
    /// # Errors
    /// The variable is not set, or the file cannot be read.
    pub fn client_secret(&self) -> Result<Option<SecretString>, ConfigError> {
        self.secret
            .as_ref()
            .map(|from| from.read().map(SecretString::from))
            .transpose()
    }

    /// Authorities that stand in for the machine's, in PEM form.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn authorities(&self) -> Result<Option<String>, ConfigError> {
        self.ca_file
            .as_ref()
            .map(|path| read("ca_file", path))
            .transpose()
    }
}

/// `[login]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileLoginRules {
    local: Option<bool>,
}

/// `[[oidc]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileOidc {
    name: String,
    label: Option<String>,
    issuer: String,
    client_id: String,
    client_secret_env: Option<String>,
    client_secret_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    scopes: Vec<String>,
    groups_claim: Option<String>,
    name_claim: Option<String>,
    require_groups: Option<bool>,
    #[serde(default)]
    allow_unverified_email: bool,
    #[serde(default)]
    roles: FileRoles,
    default_role: Option<String>,
    fresh_days: Option<u32>,
    logout: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FileRoles {
    admin: Vec<String>,
    operator: Vec<String>,
    viewer: Vec<String>,
}

pub(super) fn rules(
    login: FileLoginRules,
    entries: Vec<FileOidc>,
    base: &Path,
) -> Result<LoginRules, ConfigError> {
    let mut seen = BTreeSet::new();
    let mut providers = Vec::new();
    for entry in entries {
        super::read::check_name("oidc", &entry.name, &mut seen)?;
        providers.push(entry.read(base)?);
    }
    let local = login.local.unwrap_or(true);
    if !local && providers.is_empty() {
        let why = "nobody could log in: needs an [[oidc]] provider beside it";
        return Err(ConfigError::key("login.local", why));
    }
    Ok(LoginRules { local, providers })
}

impl FileOidc {
    fn read(self, base: &Path) -> Result<OidcEntry, ConfigError> {
        let owner = format!("oidc “{}”", self.name);
        let refuse =
            |field: &str, why: &str| Err(ConfigError::key(format!("{owner}, {field}"), why));
        let secret = match (self.client_secret_env, self.client_secret_file) {
            (Some(_), Some(_)) => {
                let why = "give client_secret_env or client_secret_file, not both";
                return refuse("client_secret_file", why);
            }
            (Some(name), None) => Some(PasswordFrom::Environment(name)),
            (None, Some(path)) => Some(PasswordFrom::File(base.join(path))),
            (None, None) => None,
        };
        if !self.issuer.starts_with("https://") && !self.issuer.starts_with("http://") {
            return refuse(
                "issuer",
                "must be the provider's address, as https://id.example.com",
            );
        }
        if self.client_id.trim().is_empty() {
            return refuse("client_id", "must not be empty");
        }
        let FileRoles {
            admin,
            operator,
            viewer,
        } = self.roles;
        let mut roles = BTreeMap::new();
        for (role, patterns) in [
            (Role::Admin, admin),
            (Role::Operator, operator),
            (Role::Viewer, viewer),
        ] {
            if let Some(bad) = patterns.iter().find(|text| Glob::new(text).is_err()) {
                let why = format!("“{bad}” is no name or pattern of a group");
                return refuse(&format!("roles.{}", role.word()), &why);
            }
            if role == Role::Admin && patterns.iter().any(|text| text == "*") {
                return refuse("roles.admin", "“*” would make everybody an administrator");
            }
            if !patterns.is_empty() {
                roles.insert(role, patterns);
            }
        }
        let default_role = match self.default_role.as_deref() {
            None => None,
            Some(word) => match Role::from_word(word) {
                Some(role) if role < Role::Admin => Some(role),
                _ => return refuse("default_role", "must be viewer or operator"),
            },
        };
        let fresh_days = self.fresh_days.unwrap_or(7);
        if fresh_days == 0 || fresh_days > 365 {
            return refuse("fresh_days", "must be 1 to 365");
        }
        Ok(OidcEntry {
            label: self.label.unwrap_or_else(|| self.name.clone()),
            name: self.name,
            issuer: self.issuer,
            client_id: self.client_id,
            secret,
            ca_file: self.ca_file.map(|path| base.join(path)),
            scopes: self.scopes,
            groups_claim: self.groups_claim.unwrap_or_else(|| "groups".to_owned()),
            name_claim: self.name_claim.unwrap_or_else(|| "email".to_owned()),
            require_groups: self.require_groups.unwrap_or(true),
            allow_unverified_email: self.allow_unverified_email,
            roles,
            default_role,
            fresh_days,
            logout: self.logout.unwrap_or(true),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> Result<OidcEntry, String> {
        let text = format!(
            "name = \"company\"\nissuer = \"https://id.example.com\"\nclient_id = \"lockstep\"\n{more}"
        );
        let entry: FileOidc = toml::from_str(&text).map_err(|error| error.to_string())?;
        entry
            .read(Path::new("/etc/lockstep"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn groups_make_the_highest_role_and_none_makes_none() {
        let entry = read(
            "roles = { admin = [\"platform\"], operator = [\"dev-*\"] }\nclient_secret_file = \"s\"",
        )
        .unwrap();
        let role = |groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
            entry.role_of(&groups)
        };
        assert_eq!(role(&["dev-shop", "platform"]), Some(Role::Admin));
        assert_eq!(role(&["dev-shop"]), Some(Role::Operator));
        assert_eq!(role(&["platform-guests"]), None);
        assert_eq!(role(&[]), None);
        assert_eq!(
            entry.secret,
            Some(PasswordFrom::File(PathBuf::from("/etc/lockstep/s")))
        );
        assert!(entry.require_groups && !entry.allow_unverified_email);
    }

    #[test]
    fn what_would_open_too_much_is_refused() {
        for (more, word) in [
            ("roles = { admin = [\"*\"] }", "everybody an administrator"),
            ("default_role = \"admin\"", "viewer or operator"),
            ("roles = { root = [\"x\"] }", "unknown field"),
            ("fresh_days = 0", "1 to 365"),
            (
                "client_secret_env = \"A\"\nclient_secret_file = \"b\"",
                "not both",
            ),
        ] {
            let error = read(more).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        let none = rules(
            FileLoginRules { local: Some(false) },
            Vec::new(),
            Path::new(""),
        );
        assert!(
            none.unwrap_err()
                .to_string()
                .contains("nobody could log in")
        );
    }
}
