//! Addresses: the one the server is reached by, and the ones it may reach.

use super::ConfigError;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};

/// Scheme, host and port by which browsers reach the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    https: bool,
    authority: String,
}

impl PublicUrl {
    /// Reads `https://host[:port]`. Plain http is for loopback, or for an operator who insists.
    ///
    /// # Errors
    /// Another scheme, a path, or plain http to another machine without `insecure_http = true`.
    pub fn parse(text: &str, insecure_http: bool) -> Result<Self, ConfigError> {
        let wrong = |why: &str| ConfigError::key("public_url", why);
        let (https, rest) = if let Some(rest) = text.strip_prefix("https://") {
            (true, rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (false, rest)
        } else {
            return Err(wrong("must begin with https:// or http://"));
        };
        let authority = rest.trim_end_matches('/').to_ascii_lowercase();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if authority.is_empty() || !authority.chars().all(plain) {
            return Err(wrong(
                "must be scheme, host and port alone: no path, user or query",
            ));
        }
        let url = Self { https, authority };
        if !https && !url.is_loopback() && !insecure_http {
            return Err(wrong(
                "plain http to another machine would send passwords in the clear; put TLS in front and write https, or set insecure_http = true",
            ));
        }
        Ok(url)
    }

    /// The address of a server that nothing stands in front of.
    pub fn of_listener(listen: SocketAddr, https: bool) -> Self {
        let authority = if listen.ip().is_unspecified() {
            format!("localhost:{}", listen.port())
        } else {
            listen.to_string()
        };
        Self { https, authority }
    }

    /// Whether browsers come by TLS: decides name and attributes of the session cookie.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// `scheme://host[:port]`, as browsers write it into `Origin`.
    pub fn origin(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }

    fn is_loopback(&self) -> bool {
        let host = match self.authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => self.authority.split(':').next().unwrap_or_default(),
        };
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// A door that is closed, open, or open for some hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "AllowText")]
pub enum Allow {
    #[default]
    Nothing,
    Everything,
    Hosts(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "true, false or a list of host names")]
enum AllowText {
    All(bool),
    Hosts(Vec<String>),
}

impl From<AllowText> for Allow {
    fn from(text: AllowText) -> Self {
        match text {
            AllowText::All(true) => Self::Everything,
            AllowText::All(false) => Self::Nothing,
            AllowText::Hosts(hosts) if hosts.is_empty() => Self::Nothing,
            AllowText::Hosts(hosts) => {
                Self::Hosts(hosts.iter().map(|host| host.to_ascii_lowercase()).collect())
            }
        }
    }
}

impl Allow {
    /// Reads `true`, `false` or host names with commas, as the environment has them.
    pub fn from_words(words: &str) -> Self {
        match words.trim() {
            "true" | "1" | "yes" => Self::Everything,
            "" | "false" | "0" | "no" => Self::Nothing,
            list => AllowText::Hosts(list.split(',').map(|h| h.trim().to_owned()).collect()).into(),
        }
    }

    /// Whether this host may be reached that way.
    pub fn permits(&self, host: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Hosts(hosts) => hosts.iter().any(|known| known.eq_ignore_ascii_case(host)),
        }
    }

    /// Whether anything at all is opened.
    pub fn any(&self) -> bool {
        *self != Self::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback() {
        for good in [
            "http://localhost:8080",
            "http://127.0.0.1:3000/",
            "http://[::1]:3000",
            "http://lockstep.localhost",
            "https://lockstep.example.org",
        ] {
            assert!(PublicUrl::parse(good, false).is_ok(), "{good}");
        }
        for bad in [
            "http://10.0.0.4:8080",
            "http://lockstep.example.org",
            "ftp://localhost",
            "https://",
            "https://a/b",
            "https://user@host",
            "https://host?x",
        ] {
            assert!(PublicUrl::parse(bad, false).is_err(), "{bad}");
        }
        assert!(PublicUrl::parse("http://10.0.0.4:8080", true).is_ok());
    }

    #[test]
    fn origin_is_as_browsers_write_it() {
        let url = PublicUrl::parse("https://Lockstep.Example.org/", false).unwrap();
        assert_eq!(url.origin(), "https://lockstep.example.org");
    }

    #[test]
    fn doors_open_by_bool_or_host() {
        assert!(!Allow::from_words("false").permits("git.internal"));
        assert!(Allow::from_words("true").permits("git.internal"));
        let some = Allow::from_words("git.internal, localhost");
        assert!(some.permits("Git.Internal") && !some.permits("other") && some.any());
    }
}
