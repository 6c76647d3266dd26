//! Addresses of charts, written so that they can stand wherever the URL of a repository can.

use super::{NetworkPolicy, RepoUrl, SourceError, from_scp, redacted};

/// Where a chart lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) enum ChartPlace {
    /// `helm+https://host/path#chart`: base is `https://host/path`.
    Helm { base: String, chart: String },
    /// `oci://host/team/chart`: base is `https://host`, name is `team/chart`.
    Oci { base: String, name: String },
}

impl ChartPlace {
    /// What is asked, without a slash at the end.
    pub(in crate::source) fn base(&self) -> &str {
        match self {
            Self::Helm { base, .. } | Self::Oci { base, .. } => base,
        }
    }
}

/// `None` when it is no address of a chart.
pub(super) fn parse(text: &str, policy: NetworkPolicy) -> Option<Result<RepoUrl, SourceError>> {
    if let Some(rest) = text.strip_prefix("helm+") {
        return Some(helm(text, rest, policy));
    }
    let (scheme, rest) = [("https", "oci://"), ("http", "oci+http://")]
        .into_iter()
        .find_map(|(scheme, start)| Some((scheme, text.strip_prefix(start)?)))?;
    Some(oci(text, scheme, rest, policy))
}

fn refuse(text: &str, why: &str) -> SourceError {
    SourceError::Url {
        url: redacted(text),
        why: why.to_owned(),
    }
}

/// Letters, digits and what names of charts have between them, in parts that are not empty.
fn plain(name: &str) -> bool {
    name.len() <= 250
        && name.split('/').all(|part| {
            !part.is_empty()
                && part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        })
}

fn helm(text: &str, rest: &str, policy: NetworkPolicy) -> Result<RepoUrl, SourceError> {
    let (base, chart) = rest
        .split_once('#')
        .filter(|(base, _)| base.starts_with("https://") || base.starts_with("http://"))
        .ok_or_else(|| {
            refuse(
                text,
                "a Helm repository is reached by https and names a chart",
            )
        })?;
    if !plain(chart) || chart.contains('/') {
        return Err(refuse(text, "its chart has no valid name"));
    }
    let base = RepoUrl::parse(base, policy, false)?;
    Ok(RepoUrl {
        text: format!("helm+{}#{chart}", base.text),
        chart: Some(ChartPlace::Helm {
            base: base.text,
            chart: chart.to_owned(),
        }),
        host: base.host,
        ssh: false,
    })
}

fn oci(
    text: &str,
    scheme: &str,
    rest: &str,
    policy: NetworkPolicy,
) -> Result<RepoUrl, SourceError> {
    let whole = RepoUrl::parse(&format!("{scheme}://{rest}"), policy, false)?;
    let bare = whole.text.trim_start_matches(scheme);
    let (host, name) = bare
        .trim_start_matches("://")
        .split_once('/')
        .ok_or_else(|| refuse(text, "it names a registry and no chart in it"))?;
    if !plain(name) {
        return Err(refuse(text, "its chart has no valid name"));
    }
    let start = if scheme == "https" { "oci" } else { "oci+http" };
    Ok(RepoUrl {
        text: format!("{start}://{host}/{name}"),
        chart: Some(ChartPlace::Oci {
            base: format!("{scheme}://{host}"),
            name: name.to_owned(),
        }),
        host: whole.host,
        ssh: false,
    })
}

/// The address whose credentials are meant: SSH addresses in the form of a URL, a Helm repository without chart.
pub fn place_of(url: &str) -> String {
    let url = url.trim();
    match url.strip_prefix("helm+") {
        Some(rest) => rest.split('#').next().unwrap_or(rest).to_owned(),
        None => from_scp(url).unwrap_or_else(|| url.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: NetworkPolicy = NetworkPolicy {
        allow_http: true,
        allow_private: true,
    };
    const CLOSED: NetworkPolicy = NetworkPolicy {
        allow_http: false,
        allow_private: false,
    };

    #[test]
    fn addresses_of_charts_are_read() {
        for (written, normal, base) in [
            (
                "helm+https://Charts.example.org/stable/#web",
                "helm+https://charts.example.org/stable#web",
                "https://charts.example.org/stable",
            ),
            (
                "oci://GHCR.io/team/charts/web",
                "oci://ghcr.io/team/charts/web",
                "https://ghcr.io",
            ),
            (
                "oci+http://127.0.0.1:5000/team/web",
                "oci+http://127.0.0.1:5000/team/web",
                "http://127.0.0.1:5000",
            ),
        ] {
            let url = RepoUrl::parse(written, OPEN, false).unwrap();
            let place = url.chart().unwrap();
            assert_eq!((url.text(), place.base()), (normal, base));
        }
    }

    #[test]
    fn others_are_refused() {
        for written in [
            "helm+https://h",
            "helm+https://h#",
            "helm+https://h#a/b",
            "helm+https://h#-a",
            "helm+https://h#..",
            "helm+http://h#a",
            "helm+file:///etc#a",
            "helm+ssh://git@h/x#a",
            "helm+https://127.0.0.1#a",
            "helm+https://u:p@h.example.org#a",
            "oci://ghcr.io",
            "oci://ghcr.io/",
            "oci://ghcr.io/a//b",
            "oci://ghcr.io/-a",
            "oci://ghcr.io/a?x=y",
            "oci://169.254.169.254/a",
            "oci+http://h.example.org/a",
        ] {
            assert!(RepoUrl::parse(written, CLOSED, false).is_err(), "{written}");
        }
    }

    #[test]
    fn credentials_are_found_by_the_place() {
        for (url, place) in [
            ("git@h:a/b.git", "ssh://git@h/a/b.git"),
            ("https://h/a", "https://h/a"),
            ("helm+https://h/charts#web", "https://h/charts"),
            ("oci://h/a", "oci://h/a"),
        ] {
            assert_eq!(place_of(url), place);
        }
    }
}
