//! Whether two addresses lead to the same repository on the same host by the same way. Pure; nothing is resolved or
//! reached, for one of them comes from a stranger.

/// Whether a named address is this repository: same way (web or SSH), host, port and path. User, password, `.git` and a
/// slash at the end do not count.
pub(super) fn same(named: &str, known: &str) -> bool {
    match (parts(named), parts(known)) {
        (Some(named), Some(known)) => named == known,
        _ => false,
    }
}

fn parts(address: &str) -> Option<(&'static str, String, u16, String)> {
    let address = address.trim();
    if address.len() > 2048 {
        return None;
    }
    let Some((scheme, rest)) = address.split_once("://") else {
        // git@host:path
        let (host, path) = address.split_once(':')?;
        return place("ssh", host, 22, path);
    };
    let (way, port) = match scheme.to_ascii_lowercase().as_str() {
        "https" => ("web", 443),
        "http" => ("web", 80),
        "ssh" | "git+ssh" => ("ssh", 22),
        "file" => ("file", 0),
        _ => return None,
    };
    let (authority, path) = rest.split_once('/')?;
    place(way, authority, port, path)
}

fn place(
    way: &'static str,
    authority: &str,
    port: u16,
    path: &str,
) -> Option<(&'static str, String, u16, String)> {
    let authority = authority.rsplit('@').next()?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, digits)) if !digits.contains(']') => (host, digits.parse().ok()?),
        _ => (authority, port),
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    if path.is_empty() || (host.is_empty() && way != "file") {
        return None;
    }
    Some((way, host.to_ascii_lowercase(), port, path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_in_several_spellings() {
        let known = "https://git.example.org/team/shop.git";
        for named in [
            "https://git.example.org/team/shop",
            "https://Git.Example.org:443/team/shop.git/",
            "https://org@git.example.org/team/shop.git",
        ] {
            assert!(same(named, known), "{named}");
        }
        let ssh = "ssh://git@git.example.org/team/shop.git";
        assert!(same("git@git.example.org:team/shop.git", ssh));
        assert!(same("ssh://git@git.example.org:22/team/shop", ssh));
    }

    #[test]
    fn another_place_is_never_meant() {
        let known = "https://git.example.org/team/shop.git";
        for named in [
            "",
            "https://",
            "https://git.example.org",
            "https://git.example.org/team/shop2",
            "https://git.example.org/team/.*",
            "https://git.example.org/Team/shop",
            "https://git.example.org.evil/team/shop",
            "https://git.example.org:8443/team/shop",
            "https://git.example.org:x/team/shop",
            "git@git.example.org:team/shop.git",
            "javascript:team/shop",
            "(a+)+$://git.example.org/team/shop",
        ] {
            assert!(!same(named, known), "{named}");
        }
    }
}
