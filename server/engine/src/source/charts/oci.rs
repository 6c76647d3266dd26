//! The part of an OCI registry's language that charts and rules for images need: tags, manifests, blobs, and the token that registries ask
//! for.

use super::http::{Answer, Web};
use super::{MAX_ARCHIVE, Offer, Packing};
use crate::source::SourceError;
use reqwest::StatusCode;
use reqwest::header::{LINK, WWW_AUTHENTICATE};
use serde::Deserialize;

const MAX_MANIFEST: usize = 4 * 1024 * 1024;
const PAGES: usize = 50;
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    #[serde(rename = "mediaType")]
    media_type: String,
    digest: String,
}

#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: String,
}

/// Versions, as tags spell them with `_` for `+`.
pub(super) async fn versions(
    web: &Web<'_>,
    base: &str,
    name: &str,
) -> Result<Vec<String>, SourceError> {
    let tags = tags(web, base, name).await?;
    Ok(tags.into_iter().map(|tag| tag.replace('_', "+")).collect())
}

/// Tags as they are.
pub(super) async fn tags(
    web: &Web<'_>,
    base: &str,
    name: &str,
) -> Result<Vec<String>, SourceError> {
    let mut found = Vec::new();
    let mut next = format!("{base}/v2/{name}/tags/list?n=1000");
    for _ in 0..PAGES {
        let answer = ask(web, &next, name, "application/json", MAX_MANIFEST).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Err(web.chart(
                "the registry has nothing of this name, or the credentials may not see it"
                    .to_owned(),
            ));
        }
        let more = answer
            .headers
            .get(LINK)
            .and_then(|link| link.to_str().ok())
            .and_then(|link| link.strip_prefix('<')?.split_once('>'))
            .filter(|(_, rest)| rest.contains("next"))
            .map(|(url, _)| url.to_owned());
        let body = web.good(answer, "its list of tags")?;
        let page: Tags = serde_json::from_slice(&body)
            .map_err(|_| web.chart("its list of tags cannot be read".to_owned()))?;
        found.extend(page.tags.unwrap_or_default());
        match more {
            Some(url) if url.starts_with('/') => next = format!("{base}{url}"),
            Some(url) if url.starts_with(&format!("{base}/")) => next = url,
            // A part of the tags must not pass for all of them: a range would go down a version.
            Some(_) => return Err(web.failed("the next page of its tags lies elsewhere")),
            None => return Ok(found),
        }
    }
    Err(web.chart("it has more tags than are read".to_owned()))
}

/// The layer of a version that holds the chart.
pub(super) async fn offer(
    web: &Web<'_>,
    base: &str,
    name: &str,
    version: &str,
) -> Result<Offer, SourceError> {
    let tag = version.replace('+', "_");
    let url = format!("{base}/v2/{name}/manifests/{tag}");
    let answer = ask(web, &url, name, MANIFESTS, MAX_MANIFEST).await?;
    let body = web.good(answer, &format!("the manifest of {version}"))?;
    if super::is_digest(version) && super::digest(&body) != *version {
        return Err(web.chart(format!("the registry gives another manifest for {version}")));
    }
    let manifest: Manifest = serde_json::from_slice(&body)
        .map_err(|_| web.chart(format!("the manifest of {version} cannot be read")))?;
    let (layer, packing) = manifest
        .layers
        .into_iter()
        .find_map(|layer| {
            let packing = match layer.media_type.as_str() {
                "application/vnd.cncf.helm.chart.content.v1.tar+gzip" => Packing::Chart,
                "application/vnd.cncf.flux.content.v1.tar+gzip"
                | "application/vnd.oci.image.layer.v1.tar+gzip" => Packing::Plain,
                _ => return None,
            };
            Some((layer, packing))
        })
        .ok_or_else(|| {
            web.chart(format!(
                "{version} is neither a Helm chart nor an archive of manifests"
            ))
        })?;
    let hexadecimal = layer.digest.strip_prefix("sha256:").unwrap_or_default();
    if hexadecimal.len() != 64 || !hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(web.chart(format!("the manifest of {version} names no SHA-256 digest")));
    }
    Ok(Offer {
        version: version.to_owned(),
        url: String::new(),
        digest: layer.digest,
        packing,
    })
}

pub(super) async fn blob(
    web: &Web<'_>,
    base: &str,
    name: &str,
    digest: &str,
) -> Result<Vec<u8>, SourceError> {
    let url = format!("{base}/v2/{name}/blobs/{digest}");
    let answer = ask(web, &url, name, "*/*", MAX_ARCHIVE).await?;
    web.good(answer, "the archive")
}

/// Asks, and asks again with a token when the registry wants one.
async fn ask(
    web: &Web<'_>,
    url: &str,
    name: &str,
    accept: &str,
    limit: usize,
) -> Result<Answer, SourceError> {
    let accept = ("accept", accept.to_owned());
    let answer = web.get(url, std::slice::from_ref(&accept), limit).await?;
    // Whoever a redirect leads to is not told the registry's login.
    if answer.status != StatusCode::UNAUTHORIZED || !answer.own {
        return Ok(answer);
    }
    let challenge = answer
        .headers
        .get(WWW_AUTHENTICATE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let Some(fields) = challenge
        .split_once(' ')
        .filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"))
        .map(|(_, fields)| fields)
    else {
        return Ok(answer);
    };
    let token = token(web, fields, name).await?;
    let headers = [accept, ("authorization", format!("Bearer {token}"))];
    web.get(url, &headers, limit).await
}

async fn token(web: &Web<'_>, fields: &str, name: &str) -> Result<String, SourceError> {
    let field = |wanted: &str| {
        let start = fields.find(&format!("{wanted}=\""))? + wanted.len() + 2;
        let rest = fields.get(start..)?;
        rest.split('"').next()
    };
    let realm = field("realm").ok_or_else(|| web.failed("it names no place for tokens"))?;
    let mut url =
        reqwest::Url::parse(realm).map_err(|_| web.failed("its place for tokens is no URL"))?;
    if web.origin.starts_with("https:") && url.scheme() != "https" {
        return Err(web.failed("its place for tokens is not reached by https"));
    }
    url.query_pairs_mut()
        .append_pair("scope", &format!("repository:{name}:pull"));
    if let Some(service) = field("service") {
        url.query_pairs_mut().append_pair("service", service);
    }
    // The registry names who gives its tokens, and credentials of the registry are meant for that.
    let place = Web {
        origin: super::http::origin(url.as_str()),
        shown: web.shown,
        policy: web.policy,
        credential: web.credential,
        deadline: web.deadline,
    };
    let body = place.good(place.get(url.as_str(), &[], MAX_MANIFEST).await?, "a token")?;
    let token: Token =
        serde_json::from_slice(&body).map_err(|_| web.failed("its token cannot be read"))?;
    Ok(token.token)
}
