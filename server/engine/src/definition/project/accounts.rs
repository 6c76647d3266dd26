//! `destinationServiceAccounts`: as which account of the cluster the applications of a project are written.
//!
//! As in Argo CD the first entry that fits counts, and a project with entries of which none fits permits no write. What is
//! a switch of the whole installation there is the list itself here: a project that has one is bound by it.

use super::super::fields::Place;
use super::permit::{HOME_SERVER, Refused, matches, trimmed};
use super::{Project, ProjectAccount};

/// What Argo CD refuses in an account: nothing that could be a glob.
const NO_NAME: [char; 8] = ['!', '*', '[', ']', '{', '}', '\\', '/'];

/// The entries.
pub(super) fn read(spec: &Place<'_>) -> Vec<ProjectAccount> {
    spec.list("destinationServiceAccounts")
        .iter()
        .map(|entry| {
            let account = ProjectAccount {
                server: entry.required("server"),
                namespace: entry.text("namespace"),
                account: entry.required("defaultServiceAccount"),
            };
            for (name, pattern) in [
                ("server", &account.server),
                ("namespace", &account.namespace),
            ] {
                if pattern.starts_with('!') {
                    let message = "it cannot deny: an entry says which account, not which place";
                    entry.problem(
                        name,
                        message,
                        "Write what the account is for, without the mark.",
                    );
                }
            }
            let parts = account.account.split(':').count();
            if account.account.contains(NO_NAME) || parts > 2 {
                let message = format!("{:?} is no name of a service account", account.account);
                let next = "Write the name, or namespace:name.";
                entry.problem("defaultServiceAccount", &message, next);
            }
            entry.done();
            account
        })
        .collect()
}

impl Project {
    /// The account that an application with this destination is written as, `namespace/name`; `None` when the project
    /// names no accounts at all. `namespace` is the destination's, possibly empty.
    ///
    /// # Errors
    /// There are entries, and none fits.
    pub fn account(
        &self,
        server: &str,
        home: bool,
        namespace: &str,
    ) -> Result<Option<String>, Refused> {
        if self.accounts.is_empty() {
            return Ok(None);
        }
        let servers = [server, if home { HOME_SERVER } else { server }];
        let fits = |entry: &&ProjectAccount| {
            let pattern = trimmed(&entry.server);
            servers
                .iter()
                .any(|server| matches(pattern, trimmed(server), false))
                && matches(&entry.namespace, namespace, false)
        };
        let Some(entry) = self.accounts.iter().find(fits) else {
            let message = format!(
                "names no service account for the namespace {} there, and nothing is written with other rights",
                super::permit::shown(namespace)
            );
            let next = "Add an entry for it to destinationServiceAccounts of the project.";
            return Err(self.refuse("spec.destinationServiceAccounts", &message, next));
        };
        Ok(Some(match entry.account.split_once(':') {
            Some((namespace, name)) => format!("{namespace}/{name}"),
            // Where objects without namespace go, too.
            None if namespace.is_empty() => format!("default/{}", entry.account),
            None => format!("{namespace}/{}", entry.account),
        }))
    }
}
