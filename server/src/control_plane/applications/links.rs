//! Links that a definition carries in its annotations: runbooks, dashboards. Pure.

use std::collections::BTreeMap;

/// Argo CD's prefix, which its users have in Git already, and our own.
const PREFIXES: [&str; 2] = ["link.argocd.argoproj.io/", "link.lockstep.dev/"];
/// More would be a menu, not a hint.
const LINKS: usize = 12;

/// Name and address, by name. A value may be `title|https://…`. Only https: what stands in Git is not always ours, and
/// other schemes run scripts or open programs.
pub(super) fn links(annotations: &BTreeMap<String, String>) -> Vec<(String, String)> {
    annotations
        .iter()
        .filter_map(|(key, value)| {
            let name = PREFIXES
                .iter()
                .find_map(|prefix| key.strip_prefix(prefix))?;
            let (title, url) = match value.split_once('|') {
                Some((title, url)) => (title.trim(), url.trim()),
                None => ("", value.trim()),
            };
            let title = if title.is_empty() {
                name.replace(['-', '_'], " ")
            } else {
                title.to_owned()
            };
            is_link(url).then(|| (title, url.to_owned()))
        })
        .take(LINKS)
        .collect()
}

fn is_link(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    url.len() <= 2048
        && !host.is_empty()
        && !host.contains('@')
        && !url.chars().any(|letter| {
            letter.is_control()
                || letter.is_whitespace()
                || matches!(letter, '"' | '\'' | '<' | '>' | '\\')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_52_only_plain_https_addresses_are_links() {
        let annotations: BTreeMap<String, String> = [
            (
                "link.argocd.argoproj.io/run-book",
                "https://wiki.example.com/cart",
            ),
            (
                "link.argocd.argoproj.io/external-link",
                "Dashboard|https://grafana.example.com/d/1?x=y",
            ),
            ("link.argocd.argoproj.io/a", "javascript:alert(1)"),
            ("link.argocd.argoproj.io/b", "http://example.com"),
            ("link.argocd.argoproj.io/c", "https://user@example.com"),
            ("link.argocd.argoproj.io/d", "https://exa mple.com"),
            ("other/e", "https://example.com"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        let expected = [
            ("Dashboard", "https://grafana.example.com/d/1?x=y"),
            ("run book", "https://wiki.example.com/cart"),
        ]
        .map(|(name, url)| (name.to_owned(), url.to_owned()));
        assert_eq!(links(&annotations), expected);
    }
}
