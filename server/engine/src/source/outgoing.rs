//! Requests to addresses that people gave which are no repositories: the same rules hold for where they may lead.

use super::{Mirrors, NetworkPolicy, RepoUrl, SourceError};
use reqwest::{Client, ClientBuilder};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A host whose addresses were checked. Connect to exactly these: the name may lead elsewhere a moment later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub host: String,
    pub port: u16,
    pub addresses: Vec<IpAddr>,
}

impl Mirrors {
    /// Which addresses may be asked.
    pub fn policy(&self) -> NetworkPolicy {
        self.inner.policy
    }

    /// Resolves and checks the host of a web address. Path and query do not matter here.
    ///
    /// # Errors
    /// When scheme, host or one of its addresses is not allowed, or it cannot be resolved.
    pub async fn destination(&self, url: &str) -> Result<Destination, SourceError> {
        let checked = self.check_destination(url)?;
        let addresses = checked.addresses(self.inner.policy).await?;
        let (host, port) = checked.host().unwrap_or_default();
        Ok(Destination {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            addresses,
        })
    }

    /// The part of [`Mirrors::destination`] that asks nobody.
    ///
    /// # Errors
    /// When scheme or host are not allowed.
    pub fn check_destination(&self, url: &str) -> Result<RepoUrl, SourceError> {
        let refused = |why: &str| SourceError::Url {
            url: "the address".to_owned(),
            why: why.to_owned(),
        };
        let (scheme, rest) = url
            .trim()
            .split_once("://")
            .ok_or_else(|| refused("it has no scheme; https://host/path is expected"))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(refused("it holds a user name or password"));
        }
        let checked = RepoUrl::parse(
            &format!("{scheme}://{authority}/"),
            self.inner.policy,
            false,
        )?;
        if checked.is_ssh() || checked.chart().is_some() || checked.is_local() {
            return Err(refused("only https is allowed"));
        }
        Ok(checked)
    }
}

impl Destination {
    /// A client that connects nowhere else, follows nothing and tries once.
    ///
    /// # Errors
    /// When the machine has no certificates.
    pub fn client(&self, within: Duration) -> Result<Client, reqwest::Error> {
        let pinned: Vec<SocketAddr> = self
            .addresses
            .iter()
            .map(|address| SocketAddr::new(*address, self.port))
            .collect();
        pinned_to(&self.host, &pinned).timeout(within).build()
    }
}

/// No redirects, no second attempts, no proxies, and a name stands for these addresses alone.
pub(super) fn pinned_to(host: &str, addresses: &[SocketAddr]) -> ClientBuilder {
    let client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .connect_timeout(Duration::from_secs(20))
        .read_timeout(Duration::from_secs(30))
        .user_agent("lockstep");
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    if literal {
        client
    } else {
        client.resolve_to_addrs(host, addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_that_are_not_public_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let closed = Mirrors::open(folder.path().to_owned(), NetworkPolicy::default()).unwrap();
        for url in [
            "http://hooks.example.com/x",
            "https://127.0.0.1/x",
            "https://localhost/x?token=1",
            "https://169.254.169.254/latest",
            "https://[::1]:8443/",
            "https://user:pass@hooks.example.com/",
            "ssh://git@example.com/x",
            "file:///etc/passwd",
            "hooks.example.com",
        ] {
            let refused = closed.destination(url).await;
            assert!(
                matches!(refused, Err(SourceError::Url { .. })),
                "{url}: {refused:?}"
            );
        }
        let open = Mirrors::for_tests(folder.path().to_owned()).unwrap();
        let found = open
            .destination("http://127.0.0.1:8080/-x?y=1")
            .await
            .unwrap();
        assert_eq!((found.host.as_str(), found.port), ("127.0.0.1", 8080));
    }
}
