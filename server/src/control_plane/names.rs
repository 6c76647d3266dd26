//! Short names of repositories: for rows, and for addresses where a whole URL does not fit. Pure.

use std::collections::BTreeSet;

/// `shop.git` of `https://git.example.com/team/shop.git`.
pub(super) fn last_part(repo_url: &str) -> &str {
    let trimmed = repo_url.trim_end_matches('/');
    trimmed.rsplit(['/', ':']).next().unwrap_or(trimmed)
}

/// `shop.git · overlays/production`.
pub(super) fn origin(repo_url: &str, path: &str) -> String {
    if path.is_empty() {
        last_part(repo_url).to_owned()
    } else {
        format!("{} · {path}", last_part(repo_url))
    }
}

/// The name of a repository in addresses: its last part without `.git`, with a number of the URL where two repositories
/// end alike. The same among any set of repositories, so that links stay good when one is added.
pub(crate) fn slug(repo_url: &str, all: &BTreeSet<String>) -> String {
    let short = bare(repo_url);
    let alone = all.iter().filter(|other| bare(other) == short).count() <= 1;
    if alone {
        short
    } else {
        format!("{short}~{}", tag(repo_url))
    }
}

/// The repository that an address means; a name without number also fits when only one repository has it.
pub(super) fn by_slug<'a>(name: &str, all: &'a BTreeSet<String>) -> Option<&'a String> {
    if let Some((short, number)) = name.rsplit_once('~') {
        return all
            .iter()
            .find(|url| bare(url) == short && tag(url) == number);
    }
    let mut fitting = all.iter().filter(|url| bare(url) == name);
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn bare(repo_url: &str) -> String {
    let last = last_part(repo_url);
    let name = last.strip_suffix(".git").unwrap_or(last);
    name.chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.') {
                letter
            } else {
                '-'
            }
        })
        .collect()
}

fn tag(repo_url: &str) -> String {
    let hash = engine::manifest::hash_of(&serde_json::Value::String(repo_url.to_owned()));
    hash.get(..6).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short() {
        for (url, name) in [
            ("https://git.example.com/team/shop.git", "shop.git"),
            ("https://git.example.com/team/shop/", "shop"),
            ("git@git.example.com:shop.git", "shop.git"),
        ] {
            assert_eq!(last_part(url), name);
        }
        assert_eq!(
            origin("https://git.example.com/shop.git", "overlays/production"),
            "shop.git · overlays/production"
        );
        assert_eq!(origin("https://git.example.com/shop.git", ""), "shop.git");
    }

    #[test]
    fn addresses_lead_back() {
        let all: BTreeSet<String> = [
            "https://a.example.com/shop.git",
            "https://b.example.com/shop",
            "https://a.example.com/platform.git",
        ]
        .map(str::to_owned)
        .into();
        for url in &all {
            assert_eq!(by_slug(&slug(url, &all), &all), Some(url));
        }
        assert_eq!(slug("https://a.example.com/platform.git", &all), "platform");
        assert_eq!(by_slug("shop", &all), None);
        assert_eq!(by_slug("nothing", &all), None);
    }
}
