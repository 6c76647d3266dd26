//! Which network addresses a cluster may have. Knows nothing of Kubernetes; owns no state. The check is made on the
//! addresses that are really connected to, so that a name cannot change its mind after it was looked at.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// An address that the policy does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} is {what}; use a public address or have the operator allow private ones ([network] allow)"
)]
pub struct AddressRefused {
    host: String,
    what: String,
}

/// Checks a host as written in a URL: literal addresses and names that always mean this machine.
///
/// # Errors
/// When it is not open.
pub(super) fn check_host(host: &str, allow_private: bool) -> Result<(), AddressRefused> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return check_address(host, address, allow_private);
    }
    let name = bare.trim_end_matches('.').to_ascii_lowercase();
    if !allow_private && (name == "localhost" || name.ends_with(".localhost")) {
        return Err(AddressRefused {
            host: host.to_owned(),
            what: "this machine".to_owned(),
        });
    }
    Ok(())
}

/// Checks one address that `host` stands for.
///
/// # Errors
/// When it is not open.
pub(super) fn check_address(
    host: &str,
    address: IpAddr,
    allow_private: bool,
) -> Result<(), AddressRefused> {
    let Some(what) = closed(address, allow_private) else {
        return Ok(());
    };
    let what = if host.trim_matches(['[', ']']) == address.to_string() {
        what.to_owned()
    } else {
        format!("{what} ({address})")
    };
    Err(AddressRefused {
        host: host.to_owned(),
        what,
    })
}

fn closed(address: IpAddr, allow_private: bool) -> Option<&'static str> {
    let address = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    if address.is_unspecified() || address.is_multicast() {
        return Some("not the address of one host");
    }
    let (loopback, private, link_local) = match address {
        IpAddr::V4(v4) => (
            v4.is_loopback(),
            v4.is_private() || shared(v4),
            v4.is_link_local() || v4.is_broadcast(),
        ),
        IpAddr::V6(v6) => (
            v6.is_loopback(),
            v6.is_unique_local(),
            v6.is_unicast_link_local(),
        ),
    };
    match (link_local, loopback, private) {
        (true, ..) => Some("a link-local address"),
        (_, true, _) if !allow_private => Some("this machine"),
        (.., true) if !allow_private => Some("a private address"),
        _ => None,
    }
}

/// 100.64.0.0/10, used inside providers' networks.
fn shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && (second & 0b1100_0000) == 64
}

/// Resolves names for the HTTP client and drops every address that is not open.
pub(super) struct GuardedResolver {
    pub(super) allow_private: bool,
    /// `tls-server-name` stands in the URL, this is the host behind it.
    pub(super) alias: Option<(String, String)>,
}

impl reqwest::dns::Resolve for GuardedResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let allow_private = self.allow_private;
        let host = match &self.alias {
            Some((alias, host)) if alias == name.as_str() => host.clone(),
            _ => name.as_str().to_owned(),
        };
        Box::pin(async move {
            let bare = host.trim_matches(['[', ']']).to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((bare, 0)).await?.collect();
            let mut refused = None;
            let mut open = Vec::new();
            for address in found {
                match check_address(&host, address.ip(), allow_private) {
                    Ok(()) => open.push(address),
                    Err(error) => refused = Some(error),
                }
            }
            match refused {
                Some(error) if open.is_empty() => Err(error.into()),
                _ => Ok(Box::new(open.into_iter()) as reqwest::dns::Addrs),
            }
        })
    }
}
