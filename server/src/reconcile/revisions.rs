//! Which revisions of all its sources an application is rendered at.
//!
//! The first source's revision is the application's own; those of further sources stand beside it. They follow what
//! each source tracks, except where an earlier state is meant: then they are what they were with it.

use super::cause::Cause;
use crate::runtime::Runtime;
use crate::store;
use engine::definition::{DefinedSource, Definition};
use lockstep_types::id::TargetId;
use lockstep_types::reason::ReasonCode;
use lockstep_types::revision::{Revision, SourceRevision};

/// The revisions of one render.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revisions {
    pub main: Revision,
    /// Of the further sources, in the order of the definition.
    pub beside: Vec<SourceRevision>,
}

/// What every source tracks at present.
///
/// # Errors
/// Which source has no revision yet, and why.
pub fn tracked(runtime: &Runtime, definition: &Definition) -> Result<Revisions, Cause> {
    let main = resolved(runtime, &definition.source)?;
    with_tracked(runtime, definition, main)
}

/// A revision of the first source, with what the others track at present. Sources that track the same branch of the
/// same repository go along.
///
/// # Errors
/// As [`tracked`].
pub fn with_tracked(
    runtime: &Runtime,
    definition: &Definition,
    main: Revision,
) -> Result<Revisions, Cause> {
    let beside = definition
        .more_sources
        .iter()
        .map(|source| {
            let revision = if goes_along(runtime, definition, source) {
                main.clone()
            } else {
                resolved(runtime, source)?
            };
            Ok(described(source, revision))
        })
        .collect::<Result<_, Cause>>()?;
    Ok(Revisions { main, beside })
}

/// A revision of the first source, with the others as they last were with it on this target; else as they are tracked.
///
/// # Errors
/// As [`tracked`].
pub async fn recorded(
    runtime: &Runtime,
    target: TargetId,
    definition: &Definition,
    main: Revision,
) -> Result<Revisions, Cause> {
    if definition.more_sources.is_empty() {
        return Ok(Revisions {
            main,
            beside: Vec::new(),
        });
    }
    let known = store::beside::of_revision(runtime.store(), target, &main)
        .await
        .unwrap_or_default();
    let beside = definition
        .more_sources
        .iter()
        .enumerate()
        .map(|(place, source)| {
            let stood = known
                .get(place)
                .filter(|known| known.repo_url == source.repo_url)
                .map(|known| known.revision.clone());
            let revision = match stood {
                _ if goes_along(runtime, definition, source) => main.clone(),
                Some(revision) => revision,
                None => resolved(runtime, source)?,
            };
            Ok(described(source, revision))
        })
        .collect::<Result<_, Cause>>()?;
    Ok(Revisions { main, beside })
}

/// Keeps the commits of all sources for history, whatever their hosts forget.
pub async fn keep(
    runtime: &Runtime,
    definition: &Definition,
    main: &Revision,
    beside: &[SourceRevision],
) {
    let all = std::iter::once((definition.source.repo_url.as_str(), main)).chain(
        beside
            .iter()
            .map(|source| (source.repo_url.as_str(), &source.revision)),
    );
    for (url, revision) in all {
        if let Err(error) = runtime.mirrors().keep(url, revision).await {
            tracing::warn!(event.name = "target.keep_failed", repository = %url, revision = %revision, error = %error, "a commit could not be kept for history");
        }
    }
}

/// All sources of a definition, the first one first.
pub fn sources(definition: &Definition) -> impl Iterator<Item = &DefinedSource> {
    std::iter::once(&definition.source).chain(&definition.more_sources)
}

/// Whether a further source is another part of what the first one tracks.
pub fn goes_along(runtime: &Runtime, definition: &Definition, source: &DefinedSource) -> bool {
    source.target_revision == definition.source.target_revision
        && runtime.repository_key(&source.repo_url)
            == runtime.repository_key(&definition.source.repo_url)
}

fn described(source: &DefinedSource, revision: Revision) -> SourceRevision {
    SourceRevision {
        repo_url: source.repo_url.clone(),
        path: source.path.clone(),
        target_revision: source.target_revision.clone(),
        revision,
    }
}

/// What a source's tracked revision resolved to.
fn resolved(runtime: &Runtime, source: &DefinedSource) -> Result<Revision, Cause> {
    let not_yet = || {
        Cause::passing(
            ReasonCode::FetchFailed,
            format!("{} has not been fetched yet", source.repo_url),
            "It is fetched in a moment",
        )
    };
    let known = runtime
        .resolution(&source.repo_url, &source.target_revision)
        .ok_or_else(not_yet)?;
    match (known.revision, known.failing) {
        (Some(revision), _) => Ok(revision),
        (None, Some(failing)) => Err(Cause::passing(
            ReasonCode::FetchFailed,
            failing.error,
            if failing.next.is_empty() {
                "It is fetched again by itself".to_owned()
            } else {
                failing.next
            },
        )),
        (None, None) => Err(not_yet()),
    }
}
