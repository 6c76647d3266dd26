//! From a kubeconfig to a client configuration that cannot read or run anything on our own machine. Knows nothing of
//! connections; owns no state.
//!
//! A kubeconfig is code: `exec` runs programs, path fields read files, a server URL can point inside our network. So
//! inline data alone is accepted, and everything else is refused by name unless the operator opened it.

use super::address::{self, AddressRefused};
use kube::config::{AuthInfo, Cluster, Config, KubeConfigOptions, Kubeconfig};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// What the operator's configuration opens for clusters. Closed by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterPolicy {
    /// Loopback and private addresses, by literal or by name. Link-local ones stay closed.
    pub allow_private: bool,
    /// `http://` server URLs.
    pub allow_http: bool,
    /// Commands of exec plugins that may run, exactly as the kubeconfig names them.
    pub exec_commands: Vec<String>,
    /// Token and certificate files of this machine; only for clusters that the operator configured in files.
    pub allow_files: bool,
}

/// Why a kubeconfig cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("the kubeconfig is no valid YAML of kind Config; check that the whole file was given")]
    Unreadable,
    #[error("the kubeconfig has no context {0:?}; name one that it holds")]
    NoContext(String),
    #[error("the kubeconfig sets no current-context; name the context to use")]
    NoCurrentContext,
    #[error("context {0:?} names a cluster that the kubeconfig does not hold")]
    NoCluster(String),
    #[error("the cluster of context {0:?} has no server URL")]
    NoServer(String),
    #[error("{server:?} is no usable server URL: {why}")]
    BadServer { server: String, why: &'static str },
    #[error("the kubeconfig uses {field}, which {why}; {next}")]
    Refused {
        field: String,
        why: &'static str,
        next: &'static str,
    },
    #[error("the certificates or keys in the kubeconfig cannot be read: {0}")]
    BadCredentials(String),
    #[error(transparent)]
    Address(#[from] AddressRefused),
}

/// A checked way into a cluster.
#[derive(Clone)]
pub struct Access {
    /// The API server's URL as the kubeconfig gives it.
    pub server: String,
    pub(super) config: Config,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Reads one context of a kubeconfig (empty: its current one).
///
/// # Errors
/// When it cannot be read, or uses what the policy does not open.
pub async fn read(
    text: &SecretString,
    context: &str,
    policy: &ClusterPolicy,
) -> Result<Access, AccessError> {
    // The parser's own message may quote the file, and the file holds keys.
    let kubeconfig =
        Kubeconfig::from_yaml(text.expose_secret()).map_err(|_| AccessError::Unreadable)?;
    let name = match (context, &kubeconfig.current_context) {
        ("", Some(current)) if !current.is_empty() => current.clone(),
        ("", _) => return Err(AccessError::NoCurrentContext),
        (named, _) => named.to_owned(),
    };
    let chosen = kubeconfig
        .contexts
        .iter()
        .find(|candidate| candidate.name == name)
        .and_then(|candidate| candidate.context.as_ref())
        .ok_or_else(|| AccessError::NoContext(name.clone()))?;
    let cluster = kubeconfig
        .clusters
        .iter()
        .find(|candidate| candidate.name == chosen.cluster)
        .and_then(|candidate| candidate.cluster.as_ref())
        .ok_or_else(|| AccessError::NoCluster(name.clone()))?;
    check_cluster(cluster, policy)?;
    let user = chosen.user.as_ref().and_then(|user| {
        kubeconfig
            .auth_infos
            .iter()
            .find(|candidate| &candidate.name == user)
    });
    if let Some(user) = user.and_then(|user| user.auth_info.as_ref()) {
        check_user(user, policy)?;
    }
    let server = cluster
        .server
        .clone()
        .filter(|server| !server.is_empty())
        .ok_or_else(|| AccessError::NoServer(name.clone()))?;
    check_server(&server, policy)?;
    let options = KubeConfigOptions {
        context: Some(name),
        ..KubeConfigOptions::default()
    };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| AccessError::BadCredentials(error.to_string()))?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.default_retry = false;
    // kube takes one from our own environment.
    config.proxy_url = None;
    Ok(Access { server, config })
}

fn refused(field: impl Into<String>, why: &'static str, next: &'static str) -> AccessError {
    AccessError::Refused {
        field: field.into(),
        why,
        next,
    }
}

const INLINE: &str = "give the data inline (kubectl config view --raw --flatten)";

fn check_cluster(cluster: &Cluster, policy: &ClusterPolicy) -> Result<(), AccessError> {
    if cluster.insecure_skip_tls_verify == Some(true) {
        return Err(refused(
            "insecure-skip-tls-verify",
            "lets anyone in between read the credentials",
            "give certificate-authority-data instead",
        ));
    }
    if cluster
        .proxy_url
        .as_ref()
        .is_some_and(|url| !url.is_empty())
    {
        return Err(refused(
            "proxy-url",
            "sends the credentials through another host",
            "give a server URL that is reached directly",
        ));
    }
    if cluster.certificate_authority.is_some() && !policy.allow_files {
        return Err(refused(
            "certificate-authority",
            "reads a file of the Lockstep server",
            INLINE,
        ));
    }
    Ok(())
}

fn check_user(user: &AuthInfo, policy: &ClusterPolicy) -> Result<(), AccessError> {
    if user.auth_provider.is_some() {
        return Err(refused(
            "auth-provider",
            "Kubernetes has removed",
            "use a token or a client certificate",
        ));
    }
    let acts_as = user.impersonate.is_some()
        || user.impersonate_uid.is_some()
        || user.impersonate_groups.is_some()
        || user.impersonate_user_extra.is_some();
    if acts_as {
        return Err(refused(
            "as",
            "would take the place of the service accounts that applications are written as",
            "give the credential of the account itself",
        ));
    }
    for (present, field) in [
        (user.token_file.is_some(), "tokenFile"),
        (user.client_certificate.is_some(), "client-certificate"),
        (user.client_key.is_some(), "client-key"),
    ] {
        if present && !policy.allow_files {
            return Err(refused(
                field,
                "reads a file of the Lockstep server",
                INLINE,
            ));
        }
    }
    if let Some(exec) = &user.exec {
        let command = exec.command.as_deref().unwrap_or_default();
        if !policy
            .exec_commands
            .iter()
            .any(|allowed| allowed == command)
        {
            return Err(refused(
                format!("the exec plugin {command:?}"),
                "runs a program on the Lockstep server",
                "use a token or a client certificate, or have the operator allow this command",
            ));
        }
    }
    Ok(())
}

fn check_server(server: &str, policy: &ClusterPolicy) -> Result<(), AccessError> {
    let bad = |why| AccessError::BadServer {
        server: server.to_owned(),
        why,
    };
    let url: http::Uri = server.parse().map_err(|_| bad("it does not parse"))?;
    let host = url
        .host()
        .filter(|host| !host.is_empty())
        .ok_or_else(|| bad("it names no host"))?;
    if url
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(bad("it holds a user name"));
    }
    match url.scheme_str() {
        Some("https") => {}
        Some("http") if policy.allow_http => {}
        Some("http") => {
            return Err(bad(
                "plain http sends the credentials readable; use https or have the operator allow it",
            ));
        }
        _ => return Err(bad("it must begin with https://")),
    }
    address::check_host(host, policy.allow_private)?;
    Ok(())
}

#[cfg(test)]
mod tests;
