//! Charts from Helm repositories and OCI registries: a version or a range of versions becomes a commit in a mirror of
//! its own, with the chart's files as its tree. Whoever reads files, renders or keeps history needs to know no more.
//!
//! The same archive gives the same commit. Dependencies that the archive lacks are fetched here, by the same rules, and
//! put where the renderer looks for them: the renderer itself never asks anybody.

mod archive;
mod dependencies;
mod http;
mod index;
mod needs;
mod oci;
mod shelf;

use super::mirror::Mirror;
use super::url::ChartPlace;
use super::{Credential, Mirrors, SourceError, on_blocking_thread};
use archive::Files;
use http::Web;
use lockstep_types::revision::{Revision, TargetRevision};
pub(crate) use needs::{Missing, is_read, missing};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a chart's place is written, so that it can stand wherever the URL of a repository can: an OCI registry by its own
/// `oci://` address with the chart's name at the end, a Helm repository as `helm+https://host/path#chart`.
pub fn chart_address(repo_url: &str, chart: &str) -> String {
    let base = repo_url.trim().trim_end_matches('/');
    if base.starts_with("helm+") || (base.starts_with("oci+") && chart.is_empty()) {
        return base.to_owned();
    }
    if base.starts_with("oci+") {
        return format!("{base}/{chart}");
    }
    let oci = base.starts_with("oci://") || !base.contains("://");
    let bare = base.strip_prefix("oci://").unwrap_or(base);
    match (oci, chart.is_empty()) {
        (true, true) => format!("oci://{bare}"),
        (true, false) => format!("oci://{bare}/{chart}"),
        (false, _) => format!("helm+{base}#{chart}"),
    }
}

/// How an image's registry is written as an address: names without a host are Docker Hub's.
pub fn registry_address(image: &str, plain_http: bool) -> String {
    let (host, name) = match image.split_once('/') {
        Some((host, name)) if host.contains(['.', ':']) || host == "localhost" => (host, name),
        _ => ("docker.io", image),
    };
    let scheme = if plain_http { "oci+http" } else { "oci" };
    match host {
        "docker.io" | "index.docker.io" if name.contains('/') => {
            format!("{scheme}://registry-1.docker.io/{name}")
        }
        "docker.io" | "index.docker.io" => {
            format!("{scheme}://registry-1.docker.io/library/{name}")
        }
        host => format!("{scheme}://{host}/{name}"),
    }
}

impl Mirrors {
    /// All tags that a registry has of an image, by its [`registry_address`].
    ///
    /// # Errors
    /// When the address is no registry's, it does not answer, or refuses.
    pub async fn image_tags(
        &self,
        address: &str,
        credential: &Credential,
    ) -> Result<Vec<String>, SourceError> {
        let url = super::RepoUrl::parse(address, self.inner.policy, false)?;
        let shown = url.to_string();
        let Some(ChartPlace::Oci { base, name }) = url.chart() else {
            return Err(SourceError::Url {
                url: shown,
                why: "it is no image in a registry".to_owned(),
            });
        };
        let web = Web {
            shown: &shown,
            policy: self.inner.policy,
            credential,
            origin: http::origin(base),
            deadline: self.deadline,
        };
        oci::tags(&web, base, name).await
    }
}

/// An archive as it was found.
struct Found {
    /// As the index or the registry writes it.
    version: String,
    files: Files,
}

/// What is known of an archive before it is fetched.
struct Offer {
    version: String,
    /// `sha256:…`, or empty where the index names none.
    digest: String,
    /// Where the archive lies.
    url: String,
    packing: Packing,
}

/// How an archive holds its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    /// In one folder, as Helm packs charts.
    Chart,
    /// As they are, as Flux packs manifests.
    Plain,
}

/// Answers each wanted version; the outer error means that nothing could be learned.
pub(super) async fn fetch(
    mirrors: &Mirrors,
    mirror: &Arc<Mirror>,
    place: &ChartPlace,
    credential: &Credential,
    wanted: &[TargetRevision],
) -> Result<BTreeMap<TargetRevision, Result<Revision, SourceError>>, SourceError> {
    let _turn = mirror.transport.lock().await;
    let opened = mirrors.inner.opened;
    on_blocking_thread(Arc::clone(mirror), move |mirror| {
        mirror.create()?;
        super::upkeep::clear_locks(mirror.dir(), opened).map_err(|error| mirror.broken(error))
    })
    .await?;
    let shown = mirror.url().to_string();
    let web = Web {
        shown: &shown,
        policy: mirrors.inner.policy,
        credential,
        origin: http::origin(place.base()),
        deadline: mirrors.deadline,
    };
    let offers = offers(mirrors, &web, place).await?;
    let mut answers = BTreeMap::new();
    for revision in wanted {
        let answer = one(mirrors, mirror, &web, place, &offers, revision).await;
        answers.insert(revision.clone(), answer);
    }
    Ok(answers)
}

async fn one(
    mirrors: &Mirrors,
    mirror: &Arc<Mirror>,
    web: &Web<'_>,
    place: &ChartPlace,
    offers: &[String],
    wanted: &TargetRevision,
) -> Result<Revision, SourceError> {
    let version = if is_digest(&wanted.0) {
        wanted.0.clone()
    } else {
        index::choose(wanted, offers, web.shown)?
    };
    let known = match place {
        // Registries count how often manifests are asked for, and a version that is out stays as it is.
        ChartPlace::Oci { .. } if is_exact(&version) || is_digest(&version) => {
            let key = version_note(&version);
            on_blocking_thread(Arc::clone(mirror), move |mirror| shelf::noted(mirror, &key)).await?
        }
        _ => None,
    };
    let revision = match known {
        Some(known) => known,
        None => archived(mirrors, mirror, web, place, &version).await?,
    };
    let (at, name) = (revision.clone(), wanted.name().to_owned());
    on_blocking_thread(Arc::clone(mirror), move |mirror| {
        shelf::note(mirror, &version_note(&version), &at)?;
        shelf::note(mirror, &name, &at)
    })
    .await?;
    Ok(revision)
}

/// Whether a version is written out: `1.2` and `v1` are tags that move.
fn is_exact(version: &str) -> bool {
    semver::Version::parse(version.strip_prefix('v').unwrap_or(version)).is_ok()
}

/// Whether a manifest is named by its own digest.
fn is_digest(version: &str) -> bool {
    version.starts_with("sha256:")
}

/// What a version is noted under, apart from what definitions ask for.
fn version_note(version: &str) -> String {
    format!("version {version}")
}

/// The commit of a version's archive, which is fetched when it is not the one that is here.
async fn archived(
    mirrors: &Mirrors,
    mirror: &Arc<Mirror>,
    web: &Web<'_>,
    place: &ChartPlace,
    version: &str,
) -> Result<Revision, SourceError> {
    let offer = offer(mirrors, web, place, version).await?;
    let key = offer.key();
    let known = on_blocking_thread(Arc::clone(mirror), {
        let key = key.clone();
        move |mirror| shelf::find(mirror, &key)
    })
    .await?;
    if let Some(known) = known.filter(|_| !offer.digest.is_empty()) {
        return Ok(known);
    }
    let mut found = download(web, place, offer).await?;
    dependencies::vendor(mirrors, web, &mut found.files).await?;
    on_blocking_thread(Arc::clone(mirror), move |mirror| {
        shelf::put(mirror, &key, &found.version, &found.files)
    })
    .await
}

/// What the last fetch found, without asking anybody.
pub(super) fn resolved(mirror: &Mirror, wanted: &TargetRevision) -> Result<Revision, SourceError> {
    shelf::noted(mirror, wanted.name())?.ok_or_else(|| SourceError::NoSuchRevision {
        url: mirror.url().to_string(),
        revision: wanted.name().to_owned(),
    })
}

impl Offer {
    /// The archive's name in the mirror.
    fn key(&self) -> String {
        format!("{} {}", self.version, self.digest)
    }
}

/// All versions that the repository has of the chart.
async fn offers(
    mirrors: &Mirrors,
    web: &Web<'_>,
    place: &ChartPlace,
) -> Result<Vec<String>, SourceError> {
    match place {
        ChartPlace::Helm { base, chart } => {
            let index = index::read(&mirrors.inner.dir, web, base).await?;
            let found = index.versions(chart);
            if found.is_empty() {
                return Err(web.chart(format!("its index lists no chart “{chart}”")));
            }
            Ok(found)
        }
        ChartPlace::Oci { base, name } => oci::versions(web, base, name).await,
    }
}

async fn offer(
    mirrors: &Mirrors,
    web: &Web<'_>,
    place: &ChartPlace,
    version: &str,
) -> Result<Offer, SourceError> {
    match place {
        ChartPlace::Helm { base, chart } => {
            let index = index::read(&mirrors.inner.dir, web, base).await?;
            index.offer(base, chart, version).ok_or_else(|| {
                web.chart(format!("its index names no archive of {chart} {version}"))
            })
        }
        ChartPlace::Oci { base, name } => oci::offer(web, base, name, version).await,
    }
}

async fn download(web: &Web<'_>, place: &ChartPlace, offer: Offer) -> Result<Found, SourceError> {
    let bytes = match place {
        ChartPlace::Helm { .. } => {
            let what = format!("the archive of {}", offer.version);
            web.good(web.get(&offer.url, &[], MAX_ARCHIVE).await?, &what)?
        }
        ChartPlace::Oci { base, name } => oci::blob(web, base, name, &offer.digest).await?,
    };
    if !offer.digest.is_empty() {
        let digest = digest(&bytes);
        if digest != offer.digest {
            return Err(web.chart(format!(
                "the archive of {} is not the one that was announced: its digest is {digest} instead of {}",
                offer.version, offer.digest
            )));
        }
    }
    let (version, packing) = (offer.version, offer.packing);
    let opened = tokio::task::spawn_blocking(move || match packing {
        Packing::Chart => archive::chart(&bytes),
        Packing::Plain => archive::unpack(&bytes),
    })
    .await;
    let files = opened
        .map_err(|error| web.chart(error.to_string()))?
        .map_err(|why| web.chart(format!("the archive of {version} is refused: {why}")))?;
    Ok(Found { version, files })
}

const MAX_ARCHIVE: usize = 32 * 1024 * 1024;

fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!("sha256:{}", crate::manifest::hex(&Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_one_address() {
        for (image, plain_http, expected) in [
            ("nginx", false, "oci://registry-1.docker.io/library/nginx"),
            ("team/web", false, "oci://registry-1.docker.io/team/web"),
            (
                "docker.io/nginx",
                false,
                "oci://registry-1.docker.io/library/nginx",
            ),
            ("ghcr.io/team/web", false, "oci://ghcr.io/team/web"),
            ("localhost/web", false, "oci://localhost/web"),
            ("host:5000/web", true, "oci+http://host:5000/web"),
        ] {
            assert_eq!(registry_address(image, plain_http), expected);
        }
    }

    #[test]
    fn places_of_charts_have_one_form() {
        for (url, chart, expected) in [
            (
                "https://charts.example.org/",
                "web",
                "helm+https://charts.example.org#web",
            ),
            ("helm+https://h#web", "web", "helm+https://h#web"),
            ("oci+http://h/team", "web", "oci+http://h/team/web"),
            (
                "oci://ghcr.io/team/charts",
                "web",
                "oci://ghcr.io/team/charts/web",
            ),
            (
                "ghcr.io/team/charts",
                "web",
                "oci://ghcr.io/team/charts/web",
            ),
            (
                "oci://ghcr.io/team/charts/web",
                "",
                "oci://ghcr.io/team/charts/web",
            ),
        ] {
            assert_eq!(chart_address(url, chart), expected);
        }
    }
}
