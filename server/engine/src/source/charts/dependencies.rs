//! Charts that a chart is made of and its archive lacks: fetched from where it says, and put below `charts/`.

use super::archive::Files;
use super::http::{self, Web};
use super::{Offer, chart_address, download, index, offer, offers};
use crate::source::url::ChartPlace;
use crate::source::{Credential, Mirrors, RepoUrl, SourceError};
use lockstep_types::revision::TargetRevision;
use serde::Deserialize;
use std::future::Future;
use std::pin::Pin;

const MAX_DEPENDENCIES: usize = 50;
const MAX_DEPTH: u8 = 4;

#[derive(Deserialize, Default)]
struct Chart {
    #[serde(default)]
    dependencies: Option<Vec<Dependency>>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    repository: String,
}

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
        let mut names = std::collections::BTreeSet::new();
        if let Some(twice) = wanted.iter().find(|one| !names.insert(one.name.as_str())) {
            return Err(web.chart(format!(
                "it depends on {} twice, which cannot be told apart in one folder; pack the chart with its dependencies",
                twice.name
            )));
        }
        for dependency in wanted {
            let mut found = one(mirrors, web, &dependency).await?;
            level(mirrors, web, &mut found, depth + 1).await?;
            for (path, content) in found {
                files.insert(format!("charts/{}/{path}", dependency.name), content);
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

/// Dependencies that are declared and not there, with the versions that the lock names.
fn missing(files: &Files) -> Result<Vec<Dependency>, String> {
    let read = |name: &str| -> Result<Vec<Dependency>, String> {
        let Some(bytes) = files.get(name) else {
            return Ok(Vec::new());
        };
        let chart: Chart =
            serde_saphyr::from_slice(bytes).map_err(|_| format!("its {name} cannot be read"))?;
        Ok(chart.dependencies.unwrap_or_default())
    };
    let mut declared = read("Chart.yaml")?;
    // Charts of the first Helm version keep them apart.
    declared.extend(read("requirements.yaml")?);
    let mut locked = read("Chart.lock")?;
    locked.extend(read("requirements.lock")?);
    let there = |name: &str| {
        let folder = format!("charts/{name}/Chart.yaml");
        let archive = format!("charts/{name}-");
        files.contains_key(&folder)
            || files
                .keys()
                .any(|path| path.starts_with(&archive) && path.ends_with(".tgz"))
    };
    Ok(declared
        .into_iter()
        .filter(|dependency| !there(&dependency.name))
        .map(|mut dependency| {
            if let Some(lock) = locked.iter().find(|lock| lock.name == dependency.name) {
                dependency.version.clone_from(&lock.version);
            }
            dependency
        })
        .collect())
}

async fn one(
    mirrors: &Mirrors,
    web: &Web<'_>,
    dependency: &Dependency,
) -> Result<Files, SourceError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_there_is_missing_and_the_lock_counts() {
        let mut files = Files::new();
        let mut put = |path: &str, text: &str| files.insert(path.to_owned(), text.into());
        put(
            "Chart.yaml",
            "name: web\ndependencies:\n- {name: a, version: 1.x, repository: 'https://h'}\n- {name: b, version: 1.x}\n- {name: c, version: 2.x}\n",
        );
        put("Chart.lock", "dependencies:\n- {name: a, version: 1.4.2}\n");
        put("charts/b/Chart.yaml", "name: b\n");
        put("charts/c-2.0.0.tgz", "");
        let missing = missing(&files).unwrap();
        let shown: Vec<(&str, &str)> = missing
            .iter()
            .map(|dependency| (dependency.name.as_str(), dependency.version.as_str()))
            .collect();
        assert_eq!(shown, [("a", "1.4.2")]);
    }
}
