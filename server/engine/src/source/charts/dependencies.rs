//! Charts that a chart is made of and its archive lacks: fetched from where it says, and put below `charts/`.

use super::archive::Files;
use super::http::{self, Web};
use super::needs::{Missing, missing};
use super::{Offer, chart_address, download, index, offer, offers};
use crate::source::url::ChartPlace;
use crate::source::{Credential, Mirrors, RepoUrl, SourceError};
use lockstep_types::revision::TargetRevision;
use std::future::Future;
use std::pin::Pin;

const MAX_DEPENDENCIES: usize = 50;
const MAX_DEPTH: u8 = 4;

/// A chart with all its dependencies, unpacked.
const MAX_WHOLE: usize = 256 * 1024 * 1024;

/// Adds what is missing.
pub(super) async fn vendor(
    mirrors: &Mirrors,
    web: &Web<'_>,
    files: &mut Files,
) -> Result<(), SourceError> {
    level(mirrors, web, files, 0).await
}

fn level<'f>(
    mirrors: &'f Mirrors,
    web: &'f Web<'_>,
    files: &'f mut Files,
    depth: u8,
) -> Pin<Box<dyn Future<Output = Result<(), SourceError>> + Send + 'f>> {
    Box::pin(async move {
        let wanted = missing(files).map_err(|why| web.chart(why))?;
        if wanted.is_empty() {
            return Ok(());
        }
        if depth == MAX_DEPTH || wanted.len() > MAX_DEPENDENCIES {
            return Err(web.chart("it depends on too many other charts".to_owned()));
        }
        for dependency in wanted {
            let mut found = one(mirrors, web, &dependency).await?;
            level(mirrors, web, &mut found, depth + 1).await?;
            for (path, content) in found {
                files.insert(format!("{}/{path}", dependency.folder), content);
            }
            if files.values().map(Vec::len).sum::<usize>() > MAX_WHOLE {
                return Err(web.chart(format!(
                    "it is larger than {} MiB with its dependencies",
                    MAX_WHOLE >> 20
                )));
            }
        }
        Ok(())
    })
}

async fn one(mirrors: &Mirrors, web: &Web<'_>, dependency: &Missing) -> Result<Files, SourceError> {
    let name = &dependency.name;
    let from = &dependency.repository;
    if !(from.starts_with("https://") || from.starts_with("http://") || from.starts_with("oci://"))
    {
        return Err(web.chart(format!(
            "it depends on {name} from “{}”, which is not in the archive and cannot be fetched; pack the chart with its dependencies",
            from.escape_debug()
        )));
    }
    let written = chart_address(from, name);
    let url = RepoUrl::parse(&written, mirrors.inner.policy, false)?;
    let place: &ChartPlace = url
        .chart()
        .ok_or_else(|| web.chart(format!("{written} is no place of a chart")))?;
    let shown = url.to_string();
    let origin = http::origin(place.base());
    let open = Credential::None;
    let theirs = Web {
        shown: &shown,
        policy: web.policy,
        // Credentials go to the host they are for, and to no other.
        credential: if origin == web.origin {
            web.credential
        } else {
            &open
        },
        origin,
        deadline: web.deadline,
    };
    let versions = offers(mirrors, &theirs, place).await?;
    let wanted = TargetRevision(dependency.version.clone());
    let version = index::choose(&wanted, &versions, &shown)?;
    let found: Offer = offer(mirrors, &theirs, place, &version).await?;
    Ok(download(&theirs, place, found).await?.files)
}
