//! Charts that charts in Git are made of: fetched before rendering by the rules of every other source, with the
//! credentials of their address and within what the project permits. The renderer itself never asks anybody.
//!
//! A version that is written out, as locks write it, is fetched once. A range is asked for again when the pace of
//! repositories says so; while its host does not answer, what was found last stays.

use crate::runtime::memory::Failing;
use crate::runtime::{Runtime, now};
use engine::render::{FetchedChart, Lacking, RenderError, RenderInput};
use engine::source::{SourceError, version};
use lockstep_types::revision::{Revision, TargetRevision};

/// What the charts of an input need, at the commits in the mirrors of their places.
///
/// # Errors
/// When the project does not permit a chart, or it cannot be fetched.
pub(super) async fn fetched(
    runtime: &Runtime,
    input: &RenderInput,
) -> Result<Vec<FetchedChart>, RenderError> {
    let lacking = runtime.renderer().lacking(runtime.mirrors(), input).await?;
    let mut found = Vec::with_capacity(lacking.len());
    for one in lacking {
        let refused = input
            .project
            .as_ref()
            .and_then(|project| project.refuse_chart(&one.written));
        if let Some(refused) = refused {
            return Err(RenderError::Refused {
                path: one.asked_by,
                why: format!("its dependency {}: {}", one.name, refused.message),
            });
        }
        let revision = at(runtime, &one).await?;
        found.push(FetchedChart {
            source: one.source,
            to: one.to,
            name: one.name,
            repo_url: one.repo_url,
            revision,
        });
    }
    Ok(found)
}

/// The commit of a chart, from memory where that will do.
async fn at(runtime: &Runtime, one: &Lacking) -> Result<Revision, RenderError> {
    let (url, wanted) = (one.repo_url.as_str(), &one.version);
    let key = runtime.repository_key(url);
    let known = runtime.memory().resolution(&key, wanted);
    let lately = known.as_ref().and_then(|known| known.at).is_some_and(|at| {
        let pace = i64::try_from(runtime.settings().poll.as_secs()).unwrap_or(i64::MAX);
        now().seconds_since(at) < pace
    });
    let last = match known.and_then(|known| known.revision) {
        Some(revision) => Some(revision),
        // Of a server that ran before this one.
        None => runtime.mirrors().resolved(url, wanted).await.ok(),
    };
    if let Some(last) = last.clone().filter(|_| lately || is_exact(wanted)) {
        return Ok(last);
    }
    match fetch(runtime, one).await {
        Ok(revision) => {
            runtime.memory().resolve(&key, wanted, |entry| {
                entry.revision = Some(revision.clone());
                entry.at = Some(now());
                entry.failing = None;
            });
            Ok(revision)
        }
        Err(error) => {
            tracing::warn!(event.name = "chart.fetch_failed", chart = %url, error = %error, "a chart that another one is made of cannot be fetched");
            runtime.memory().resolve(&key, wanted, |entry| {
                let since = entry.failing.as_ref().map_or(now(), |before| before.since);
                entry.failing = Some(Failing {
                    since,
                    error: error.to_string(),
                    next: error.next().to_owned(),
                });
            });
            last.ok_or(error)
        }
    }
}

/// Whether a version is written out, so that it stays what it is.
fn is_exact(wanted: &TargetRevision) -> bool {
    let text = wanted.name();
    version(text).is_some() && text.split('.').count() > 2
}

async fn fetch(runtime: &Runtime, one: &Lacking) -> Result<Revision, RenderError> {
    let (url, wanted) = (one.repo_url.as_str(), &one.version);
    let access = runtime
        .access()
        .git(url)
        .await
        .map_err(|refused| RenderError::Refused {
            path: one.asked_by.clone(),
            why: format!("its dependency {}: {refused}", one.name),
        })?;
    let _permit = runtime
        .limits()
        .fetches
        .acquire()
        .await
        .map_err(|_| RenderError::Internal("the server is stopping".to_owned()))?;
    let within = runtime.settings().fetch_within;
    let asked = runtime
        .mirrors()
        .fetch(url, &access.credential, std::slice::from_ref(wanted));
    let too_slow = |_| SourceError::Deadline {
        url: url.to_owned(),
        seconds: within.as_secs(),
    };
    let mut answers = tokio::time::timeout(within, asked)
        .await
        .map_err(too_slow)??;
    let answer = answers
        .remove(wanted)
        .ok_or_else(|| RenderError::Internal(format!("{url} gave no answer")))?;
    Ok(answer?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_versions_stay_what_they_are() {
        for (text, exact) in [
            ("1.2.3", true),
            ("v1.2.3-rc.1", true),
            ("1.2.3+build", true),
            ("1.2", false),
            ("1.2.x", false),
            ("^1.2.3", false),
            (">=1.2.3", false),
            ("", false),
        ] {
            assert_eq!(is_exact(&TargetRevision(text.to_owned())), exact, "{text}");
        }
    }
}
