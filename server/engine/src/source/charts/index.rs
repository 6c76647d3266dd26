//! The index of a Helm repository: which versions of which charts it has. Asked for anew each time, sent again by the
//! host only when it has changed.

use super::http::Web;
use super::{Offer, Packing};
use crate::manifest::hex;
use crate::source::SourceError;
use crate::source::versions::{VersionRange, version};
use lockstep_types::revision::TargetRevision;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

const MAX_INDEX: usize = 64 * 1024 * 1024;

/// As far as it is read.
#[derive(Deserialize)]
pub(super) struct Index {
    #[serde(default)]
    entries: BTreeMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    version: String,
    #[serde(default)]
    urls: Vec<String>,
    #[serde(default)]
    digest: Option<String>,
}

/// The index, from the host or, where that says that nothing changed, from the last time.
pub(super) async fn read(dir: &Path, web: &Web<'_>, base: &str) -> Result<Index, SourceError> {
    let name = hex(&Sha256::digest(base.as_bytes())[..16]);
    let kept = dir.join("indexes").join(&name);
    let tagged = dir.join("indexes").join(format!("{name}.etag"));
    let before = tokio::fs::read(&kept).await.ok();
    let mut headers = Vec::new();
    if before.is_some()
        && let Ok(tag) = tokio::fs::read_to_string(&tagged).await
    {
        headers.push(("if-none-match", tag));
    }
    let url = format!("{base}/index.yaml");
    let answer = web.get(&url, &headers, MAX_INDEX).await?;
    let bytes = match before {
        Some(before) if answer.status == reqwest::StatusCode::NOT_MODIFIED => before,
        _ => {
            let tag = answer
                .headers
                .get("etag")
                .and_then(|tag| tag.to_str().ok())
                .map(str::to_owned);
            let bytes = web.good(answer, "its index.yaml")?;
            keep(&kept, &tagged, &bytes, tag).await;
            bytes
        }
    };
    let shown = web.shown.to_owned();
    let parsed = tokio::task::spawn_blocking(move || {
        serde_saphyr::from_slice::<Index>(&bytes).map_err(|error| error.to_string())
    })
    .await;
    match parsed {
        Ok(Ok(index)) => Ok(index),
        Ok(Err(error)) => Err(web.chart(format!(
            "its index.yaml cannot be read: {}",
            error.lines().next().unwrap_or_default()
        ))),
        Err(error) => Err(SourceError::Mirror {
            url: shown,
            message: error.to_string(),
        }),
    }
}

/// Spares the next download. Without it everything works, only slower.
async fn keep(kept: &Path, tagged: &Path, bytes: &[u8], tag: Option<String>) {
    let work = async {
        if let Some(dir) = kept.parent() {
            tokio::fs::create_dir_all(dir).await?;
        }
        // First the old tag goes: a tag never stands beside another index than its own.
        match tokio::fs::remove_file(tagged).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if let Some(tag) = tag {
            tokio::fs::write(kept, bytes).await?;
            tokio::fs::write(tagged, tag).await?;
        }
        Ok(())
    };
    if let Err(error) = work.await {
        tracing::warn!(event.name = "source.index_not_kept", error = %error, "the index of a Helm repository cannot be kept");
    }
}

impl Index {
    pub(super) fn versions(&self, chart: &str) -> Vec<String> {
        let entries = self.entries.get(chart).into_iter().flatten();
        entries.map(|entry| entry.version.clone()).collect()
    }

    pub(super) fn offer(&self, base: &str, chart: &str, wanted: &str) -> Option<Offer> {
        let entries = self.entries.get(chart)?;
        let entry = entries.iter().find(|entry| entry.version == wanted)?;
        let url = entry.urls.first()?;
        let url = if url.contains("://") {
            url.clone()
        } else {
            format!("{base}/{}", url.trim_start_matches('/'))
        };
        let digest = entry.digest.as_deref().unwrap_or_default();
        let digest = match digest.strip_prefix("sha256:").unwrap_or(digest) {
            "" => String::new(),
            hexadecimal => format!("sha256:{}", hexadecimal.to_ascii_lowercase()),
        };
        Some(Offer {
            version: entry.version.clone(),
            digest,
            url,
            packing: Packing::Chart,
        })
    }
}

/// The version that is meant: the very one, else the highest in the range. Nothing written means the highest.
pub(super) fn choose(
    wanted: &TargetRevision,
    offered: &[String],
    shown: &str,
) -> Result<String, SourceError> {
    let text = wanted.0.trim();
    let text = text.strip_prefix("semver:").unwrap_or(text);
    if offered.iter().any(|version| version == text) {
        return Ok(text.to_owned());
    }
    let range = VersionRange::parse(text).map_err(|why| SourceError::RevisionName {
        revision: text.escape_debug().take(200).collect(),
        why,
    })?;
    let names = || offered.iter().map(String::as_str);
    range
        .highest(names())
        .map(str::to_owned)
        .ok_or_else(|| SourceError::NoSuchVersion {
            url: shown.to_owned(),
            range: text.to_owned(),
            newest: offered
                .iter()
                .filter_map(|name| Some((version(name)?, name)))
                .max_by(|(one, _), (other, _)| one.cmp_precedence(other))
                .map(|(_, name)| name.clone()),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_helm_writes() {
        let text = "apiVersion: v1\nentries:\n  web:\n  - version: 1.2.0\n    urls: [web-1.2.0.tgz]\n    digest: AB\n  - version: v1.10.0\n    urls: ['https://elsewhere.example.org/w.tgz']\n  - version: 2.0.0-rc.1\n    urls: []\ngenerated: '2026'\n";
        let index: Index = serde_saphyr::from_str(text).unwrap();
        let offered = index.versions("web");
        let chosen = |text: &str| choose(&TargetRevision(text.to_owned()), &offered, "here").ok();
        assert_eq!(chosen("").as_deref(), Some("v1.10.0"));
        assert_eq!(chosen("1.2.0").as_deref(), Some("1.2.0"));
        assert_eq!(chosen("1.10.0").as_deref(), Some("v1.10.0"));
        assert_eq!(chosen("~1.2").as_deref(), Some("1.2.0"));
        assert_eq!(chosen(">=2.0.0-0").as_deref(), Some("2.0.0-rc.1"));
        assert_eq!(chosen("3.x"), None);
        let offer = index.offer("https://h/charts", "web", "1.2.0").unwrap();
        assert_eq!(
            (offer.url.as_str(), offer.digest.as_str()),
            ("https://h/charts/web-1.2.0.tgz", "sha256:ab")
        );
        let elsewhere = index.offer("https://h", "web", "v1.10.0").unwrap();
        assert_eq!(elsewhere.url, "https://elsewhere.example.org/w.tgz");
        assert!(index.offer("https://h", "web", "2.0.0-rc.1").is_none());
        assert!(index.versions("gone").is_empty());
    }
}
