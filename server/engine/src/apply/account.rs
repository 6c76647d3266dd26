//! Acting as a service account of the cluster (Kubernetes impersonation), so that its own RBAC bounds what one target
//! may write. The credential of the cluster lends its right to impersonate and nothing else.

use super::{Applier, ApplyError, JSON, METADATA, Request};
use crate::live::request::escaped;
use lockstep_types::resource::ResourceKey;
use std::fmt;

/// A service account by namespace and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    pub namespace: String,
    pub name: String,
}

impl ServiceAccount {
    /// Reads `namespace/name`; `None` when either is no name that Kubernetes gives.
    pub fn parse(text: &str) -> Option<Self> {
        let (namespace, name) = text.split_once('/')?;
        (is_label(namespace) && is_name(name)).then(|| Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The user name that the API server gives it.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }
}

/// `namespace/name`.
impl fmt::Display for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_name(text) && !text.contains('.')
}

/// A DNS subdomain: nothing in it can end a header or a path.
fn is_name(text: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [text.bytes().next(), text.bytes().last()];
    text.len() <= 253
        && ends.iter().flatten().count() == 2
        && ends.iter().flatten().all(plain)
        && text
            .bytes()
            .all(|byte| plain(&byte) || byte == b'-' || byte == b'.')
}

/// Why nothing is written as an account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error(
        "the service account {0} does not exist in the cluster, and nothing is written with other rights; make the account, or name another one"
    )]
    Missing(ServiceAccount),
    #[error(
        "whether the service account {account} exists cannot be told ({source}), and nothing is written with other rights; let the cluster's credential read service accounts"
    )]
    Unknown {
        account: ServiceAccount,
        #[source]
        source: ApplyError,
    },
}

impl Applier {
    /// The same, writing as `account`; `None` writes with the cluster's own credential.
    #[must_use]
    pub fn acting_as(mut self, account: Option<&ServiceAccount>) -> Self {
        self.account = account.cloned();
        self
    }

    /// Looks, with the cluster's own credential, whether the account exists: the API server itself would impersonate one
    /// that was deleted, and grant it what bindings still name it.
    ///
    /// # Errors
    /// It does not, or that cannot be told.
    pub async fn require_account(&self, account: &ServiceAccount) -> Result<(), AccountError> {
        let key = ResourceKey::new("", "ServiceAccount", &account.namespace, &account.name);
        let request = Request {
            method: http::Method::GET,
            path: format!(
                "/api/v1/namespaces/{}/serviceaccounts/{}",
                escaped(&account.namespace),
                escaped(&account.name)
            ),
            accept: METADATA,
            content: JSON,
            body: Vec::new(),
        };
        let own = Self {
            account: None,
            ..self.clone()
        };
        match own.send(&key, &request).await {
            Ok(_) => Ok(()),
            Err(ApplyError::NotFound { .. }) => Err(AccountError::Missing(account.clone())),
            Err(source) => Err(AccountError::Unknown {
                account: account.clone(),
                source,
            }),
        }
    }

    /// Adds to a refusal whose rights were not enough, and what to do. `said` is the cluster's own text.
    pub(super) fn explained(&self, error: ApplyError, said: &str) -> ApplyError {
        match (error, &self.account) {
            (ApplyError::Forbidden { object, message }, Some(account)) => {
                let next = if said.contains("cannot impersonate") {
                    format!(
                        "the cluster's credential may not act as the service account {account}; give it the verb impersonate on service accounts"
                    )
                } else {
                    format!(
                        "it is written as the service account {account}; bind a role to that account which allows this, or leave the object out"
                    )
                };
                ApplyError::Forbidden {
                    object,
                    message: format!("{message}; {next}"),
                }
            }
            (error, _) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_names_and_nothing_else() {
        let account = ServiceAccount::parse("shop/deployer").unwrap();
        assert_eq!(account.user(), "system:serviceaccount:shop:deployer");
        assert!(ServiceAccount::parse("team-a/deployer.v2").is_some());
        for bent in [
            "",
            "deployer",
            "/deployer",
            "shop/",
            "shop/-x",
            "shop/a/b",
            "shop/system:masters",
            "shop/a\r\nImpersonate-Group: system:masters",
            "shop.x/a",
            "shop/ä",
            "Shop/a",
        ] {
            assert_eq!(ServiceAccount::parse(bent), None, "{bent:?}");
        }
    }
}
