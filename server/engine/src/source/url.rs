//! Which repository URLs are allowed, their normal form, and which addresses may be connected to.

mod chart;

pub(super) use chart::ChartPlace;
pub use chart::place_of;

use super::{NetworkPolicy, SourceError};
use crate::manifest::hex;
use crate::masking::{Masking, is_on};
use http::Uri;
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A checked URL without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoUrl {
    text: String,
    /// Host as written and port; `None` for local paths.
    host: Option<(String, u16)>,
    ssh: bool,
    chart: Option<ChartPlace>,
}

impl fmt::Display for RepoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl RepoUrl {
    pub(super) fn parse(
        written: &str,
        policy: NetworkPolicy,
        allow_file: bool,
    ) -> Result<Self, SourceError> {
        let refuse = |why: &str| SourceError::Url {
            url: redacted(written),
            why: why.to_owned(),
        };
        let text = written.trim();
        if text.is_empty() || text.len() > 2048 {
            return Err(refuse("it is empty or longer than 2048 characters"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic())
            || text.contains(['\\', '"', '\'', '`', '<', '>'])
        {
            return Err(refuse("it holds characters that no repository URL needs"));
        }
        if let Some(place) = chart::parse(text, policy) {
            return place;
        }
        let spelled = from_scp(text);
        let text = spelled.as_deref().unwrap_or(text);
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(refuse("it has no scheme; https://host/path is expected"));
        };
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "https" => {}
            "http" if policy.allow_http => {}
            "http" => return Err(refuse("plain http is not allowed by the configuration")),
            "ssh" => {}
            "file" if allow_file && rest.starts_with('/') => {
                return Ok(Self {
                    text: text.trim_end_matches('/').to_owned(),
                    host: None,
                    ssh: false,
                    chart: None,
                });
            }
            _ => return Err(refuse("only https and ssh are allowed")),
        }
        let uri: Uri = text
            .parse()
            .map_err(|_| refuse("it cannot be read as a URL"))?;
        let authority = uri.authority().ok_or_else(|| refuse("it names no host"))?;
        if let Some((user, _)) = authority.as_str().rsplit_once('@')
            && (user.contains(':') || user.contains('@'))
        {
            return Err(refuse(
                "it holds a password; give user name and password as credentials of the source",
            ));
        }
        let host = authority.host().to_ascii_lowercase();
        let plain_host = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let literal = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let valid = match literal {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => !host.is_empty() && !host.starts_with('-') && host.chars().all(plain_host),
        };
        if !valid {
            return Err(refuse("its host is not valid"));
        }
        let ssh = scheme == "ssh";
        let user = match authority.as_str().rsplit_once('@') {
            _ if !ssh => String::new(),
            None => "git@".to_owned(),
            Some((user, _)) => {
                let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                if user.is_empty() || user.starts_with('-') || !user.chars().all(plain) {
                    return Err(refuse("its user name is not valid"));
                }
                format!("{user}@")
            }
        };
        let default_port = match scheme.as_str() {
            "https" => 443,
            "ssh" => 22,
            _ => 80,
        };
        let port = match authority.port() {
            Some(port) => port
                .as_str()
                .parse()
                .map_err(|_| refuse("its port is not valid"))?,
            None => default_port,
        };
        if uri.query().is_some() || text.contains('#') {
            return Err(refuse("it has a query or fragment"));
        }
        let path = uri.path().trim_end_matches('/');
        if path
            .split('/')
            .any(|part| part.starts_with('-') || part == "..")
        {
            return Err(refuse("a part of its path begins with a dash or is “..”"));
        }
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>()
            && !policy.allow_private
            && !is_public(address)
        {
            return Err(refuse(
                "its address is not public, and private addresses are not allowed by the configuration",
            ));
        }
        let shown_port = if port == default_port {
            String::new()
        } else {
            format!(":{port}")
        };
        Ok(Self {
            text: format!("{scheme}://{user}{host}{shown_port}{path}"),
            host: Some((host, port)),
            ssh,
            chart: None,
        })
    }

    /// The normal form: the transport uses it, and the mirror is named after it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Name of the mirror's folder.
    pub(super) fn folder(&self) -> String {
        hex(&Sha256::digest(self.text.as_bytes())[..16])
    }

    pub(super) fn is_local(&self) -> bool {
        self.host.is_none()
    }

    /// Where the chart lies, when it leads to one and not to a Git repository.
    pub(super) fn chart(&self) -> Option<&ChartPlace> {
        self.chart.as_ref()
    }

    /// Whether it is reached by SSH.
    pub fn is_ssh(&self) -> bool {
        self.ssh
    }

    /// Host as written and port.
    pub(super) fn host(&self) -> Option<(&str, u16)> {
        self.host
            .as_ref()
            .map(|(host, port)| (host.as_str(), *port))
    }

    /// Resolves the host and checks every address, so that the transport can be bound to exactly these.
    /// The answer is in the form of curl's `--resolve`; `None` for local paths and literal addresses.
    pub(super) async fn pin(&self, policy: NetworkPolicy) -> Result<Option<String>, SourceError> {
        let Some((host, port)) = &self.host else {
            return Ok(None);
        };
        let found = self.addresses(policy).await?;
        if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
            return Ok(None);
        }
        let addresses: Vec<String> = found
            .iter()
            .map(|address| match address {
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            })
            .collect();
        Ok(Some(format!("{host}:{port}:{}", addresses.join(","))))
    }

    /// Every address of the host, each of them allowed; empty for local paths.
    pub(super) async fn addresses(
        &self,
        policy: NetworkPolicy,
    ) -> Result<Vec<IpAddr>, SourceError> {
        let Some((host, port)) = &self.host else {
            return Ok(Vec::new());
        };
        let bare = host.trim_matches(['[', ']']);
        let found: Vec<SocketAddr> = tokio::net::lookup_host((bare, *port))
            .await
            .map_err(|error| SourceError::Unreachable {
                url: self.text.clone(),
                message: format!("the host {host} cannot be resolved ({error})"),
            })?
            .collect();
        if !policy.allow_private
            && let Some(closed) = found.iter().find(|address| !is_public(address.ip()))
        {
            return Err(SourceError::Url {
                url: self.text.clone(),
                why: format!(
                    "{host} resolves to {}, which is not public; the configuration does not allow that",
                    closed.ip()
                ),
            });
        }
        Ok(found.iter().map(SocketAddr::ip).collect())
    }
}

/// `git@host:team/app.git` in the form of a URL; `None` when it is not written so.
fn from_scp(text: &str) -> Option<String> {
    if text.contains("://") {
        return None;
    }
    let (place, path) = text.split_once(':')?;
    let plain = !place.is_empty() && !place.contains('/') && !path.is_empty();
    (plain && !path.starts_with(':'))
        .then(|| format!("ssh://{place}/{}", path.trim_start_matches('/')))
}

/// The URL without anything between scheme and `@`, and never long.
fn redacted(written: &str) -> String {
    let clean: String = written
        .chars()
        .take(200)
        .map(|c| if c.is_control() { '�' } else { c })
        .collect();
    match clean.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            if !is_on(Masking::Addresses) {
                return clean;
            }
            let host = authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => clean,
    }
}

/// Whether an address belongs to the open Internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = a == 192 && b == 0 && c == 0;
    let benchmark = a == 198 && (b == 18 || b == 19);
    let reserved = a == 0 || a >= 224;
    !(ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_documentation()
        || shared
        || protocol
        || benchmark
        || reserved)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    if ip.to_ipv4_mapped().is_some() || parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return embedded(parts[6], parts[7]);
    }
    if parts[0] == 0x2002 {
        return embedded(parts[1], parts[2]);
    }
    // Global unicast without documentation and Teredo, which embeds addresses in a form not worth reading.
    parts[0] & 0xe000 == 0x2000 && !(parts[0] == 0x2001 && (parts[1] == 0xdb8 || parts[1] == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSED: NetworkPolicy = NetworkPolicy {
        allow_http: false,
        allow_private: false,
    };
    const OPEN: NetworkPolicy = NetworkPolicy {
        allow_http: true,
        allow_private: true,
    };

    #[test]
    fn normal_form_is_the_same_for_the_same_repository() {
        for (written, normal) in [
            ("https://GitHub.com/a/B.git", "https://github.com/a/B.git"),
            (" https://github.com:443/a/b/ ", "https://github.com/a/b"),
            (
                "https://git@example.org:8443/a",
                "https://example.org:8443/a",
            ),
            ("git@GitHub.com:a/B.git", "ssh://git@github.com/a/B.git"),
            (
                "ssh://github.com:22/a/B.git/",
                "ssh://git@github.com/a/B.git",
            ),
            ("ssh://me@example.org:2222/a", "ssh://me@example.org:2222/a"),
        ] {
            assert_eq!(
                RepoUrl::parse(written, CLOSED, false).unwrap().text(),
                normal
            );
        }
    }

    #[test]
    fn attack_23_options_and_shell_words_in_addresses() {
        for written in [
            "ssh://-oProxyCommand=id/x",
            "ssh://-oX@github.com/a",
            "-oProxyCommand=id:a",
            "git@-oProxyCommand=id:a",
            "-x@github.com:a/b.git",
            "git@github.com:-a/b.git",
            "git@github.com:../b.git",
            "ssh://u:p@github.com/a",
            "ssh://a%20b@github.com/a",
            "ssh://git@example.org/a;id|$(id)?x",
            "https://-oProxyCommand=id/x",
            "https://example.org/--upload-pack=id",
            "https://example.org/a/../b",
            "https://example.org/a b",
            "https://example.org/a\nb",
            "https://example.org\\@evil.org/a",
            "https://example.org/$(id)`id`",
            "https://example.org/a?x=--upload-pack=id",
        ] {
            assert!(RepoUrl::parse(written, CLOSED, false).is_err(), "{written}");
        }
    }

    #[test]
    fn attack_24_schemes_that_are_not_on_the_list() {
        for written in [
            "",
            "github.com/a/b",
            "http://github.com/a/b",
            "git://github.com/a/b",
            "ext::sh -c id",
            "ext::sh",
            "fd::7",
            "file:///etc",
            "ftp://github.com/a",
            "/etc",
            "../repository",
        ] {
            assert!(RepoUrl::parse(written, CLOSED, false).is_err(), "{written}");
        }
    }

    #[test]
    fn attack_26_addresses_of_the_inside() {
        for written in [
            "https://127.0.0.1/a",
            "https://169.254.169.254/latest",
            "https://[::1]/a",
            "https://[::ffff:10.0.0.1]/a",
            "https://[64:ff9b::a00:1]/a",
            "https://10.1.2.3/a",
            "git@10.1.2.3:a/b.git",
            "ssh://git@127.0.0.1:22/a",
        ] {
            assert!(RepoUrl::parse(written, CLOSED, false).is_err(), "{written}");
        }
    }

    #[test]
    fn attack_33_passwords_in_addresses() {
        for written in [
            "https://u:s3cret@example.org/a",
            "https://u:s3@cret@example.org/a",
        ] {
            let error = RepoUrl::parse(written, OPEN, false)
                .unwrap_err()
                .to_string();
            assert!(!error.contains("s3") && !error.contains("cret@"), "{error}");
        }
    }

    #[tokio::test]
    async fn names_that_lead_inside_are_refused_on_the_address() {
        let url = RepoUrl::parse("https://localhost/a", CLOSED, false).unwrap();
        assert!(matches!(
            url.pin(CLOSED).await,
            Err(SourceError::Url { .. })
        ));
        assert!(
            url.pin(OPEN)
                .await
                .unwrap()
                .unwrap()
                .starts_with("localhost:443:")
        );
        let literal = RepoUrl::parse("http://127.0.0.1:3000/a", OPEN, false).unwrap();
        assert_eq!(literal.pin(OPEN).await.unwrap(), None);
    }

    #[test]
    fn fuzz_addresses() {
        let seeds = [
            "https://user:pass@example.org:8443/a/b.git?x=1#y",
            "git@github.com:a/b.git",
            "ssh://git@example.org:22/a",
            "oci://registry.example.org/charts/web",
            "https://[::ffff:169.254.169.254]/a",
        ];
        crate::fuzzing::run("addresses", &seeds.map(str::as_bytes), |bytes| {
            let text = String::from_utf8_lossy(bytes);
            if let Ok(url) = RepoUrl::parse(&text, CLOSED, false) {
                assert!(url.text().bytes().all(|byte| byte.is_ascii_graphic()));
                assert!(RepoUrl::parse(url.text(), CLOSED, false).is_ok(), "{url}");
            }
        });
    }
}
