//! Renders with memory: by the key of the inputs, first from memory, then from the database, then anew.
//!
//! A stored render is checked against its digest before it is used. The second render that confirms deletes never comes
//! from here: see [`anew`].

use super::cause::Cause;
use super::inputs::{self, Found};
use super::revisions::Revisions;
use crate::runtime::memory::{How, NOTED_SECONDS};
use crate::runtime::metrics::Stage;
use crate::runtime::{Runtime, now};
use crate::sealed;
use crate::store::render::StoredObject;
use crate::store::{self, StoreError};
use engine::definition::Definition;
use engine::live::ClusterFacts;
use engine::manifest::{Manifest, hash_of};
use engine::render::{Complete, MoreSource, RenderError, RenderInput};
use lockstep_types::Micros;
use lockstep_types::id::TargetId;
use lockstep_types::reason::ReasonCode;
use std::sync::Arc;
use std::time::Instant;

/// A render with the files it was made from.
#[derive(Debug, Clone)]
pub struct Rendered {
    pub complete: Arc<Complete>,
    /// Paths in the repository of each source, the first one first; sorted.
    pub inputs: Vec<Vec<String>>,
    pub(crate) how: How,
}

/// What to render of a definition at its revisions for a cluster.
///
/// # Errors
/// When there are not as many revisions as sources, as the reason to show.
pub fn input(
    definition: &Definition,
    revisions: &Revisions,
    facts: Option<&ClusterFacts>,
) -> Result<RenderInput, Cause> {
    if !definition.unrenderable.is_empty() {
        return Err(Cause::stalled(
            ReasonCode::RenderFailed,
            format!(
                "{} cannot be rendered: {}",
                definition.name, definition.unrenderable
            ),
            "Correct the definition in Git",
        ));
    }
    if definition.more_sources.len() != revisions.beside.len() {
        return Err(Cause::passing(
            ReasonCode::RenderFailed,
            format!(
                "{} has {} sources, and only {} revisions are known",
                definition.name,
                definition.more_sources.len() + 1,
                revisions.beside.len() + 1
            ),
            "It is rendered as soon as all are fetched",
        ));
    }
    let more = definition
        .more_sources
        .iter()
        .zip(&revisions.beside)
        .map(|(source, at)| MoreSource {
            repo_url: source.repo_url.clone(),
            revision: at.revision.clone(),
            source: source.clone(),
        })
        .collect();
    Ok(RenderInput {
        repo_url: definition.source.repo_url.clone(),
        revision: revisions.main.clone(),
        source: definition.source.clone(),
        more,
        release_name: definition.name.clone(),
        namespace: definition.destination.namespace.clone(),
        kube_version: facts
            .map(|facts| facts.version.trim_start_matches('v').to_owned())
            .unwrap_or_default(),
        api_versions: facts
            .map(|facts| facts.api_versions.clone())
            .unwrap_or_default(),
        project_name: definition.project.clone(),
        project: definition
            .rules
            .as_ref()
            .map(|rules| Box::new(rules.project.clone())),
    })
}

/// Renders, from the cache where the inputs are known. `target` is whose newest render it is, if it is one.
///
/// # Errors
/// Why there are no manifests, as the reason to show.
pub async fn rendered(
    runtime: &Runtime,
    input: &RenderInput,
    target: Option<TargetId>,
) -> Result<Rendered, Cause> {
    let waiting = runtime.metrics().wait(Stage::Render);
    let permit = runtime
        .limits()
        .renders
        .acquire()
        .await
        .map_err(|_| stopping())?;
    drop(waiting);
    let began = Instant::now();
    let within = runtime.settings().render_within;
    let work = async {
        let (inputs, found) = inputs::collected(runtime, input, target)
            .await
            .map_err(|error| failed(&error))?;
        let done = |complete, how| Rendered {
            complete,
            inputs: (0..=input.more.len())
                .map(|place| inputs.paths_of(place))
                .collect(),
            how,
        };
        let cached = match found {
            Found::Untouched => How::Untouched,
            Found::Same => How::SameInputs,
            Found::New => How::Cached,
        };
        match put_to_use(runtime, &inputs.key, now()).await {
            Ok(Some(complete)) => return Ok(done(complete, cached)),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(event.name = "render.cache_failed", render.key = %inputs.key, error = %error, "a stored render cannot be used; rendering anew")
            }
        }
        let since = Instant::now();
        let complete = runtime
            .renderer()
            .render(runtime.mirrors(), input, &inputs)
            .await
            .map_err(|error| failed(&error))?;
        let millis = u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX);
        let complete = Arc::new(complete);
        if let Err(error) = keep(runtime, &complete, now()).await {
            tracing::warn!(event.name = "render.store_failed", render.key = %complete.key, error = %error, "a render could not be stored; it is rendered again when needed");
        }
        runtime.memory().rendered(Arc::clone(&complete), now());
        Ok(done(complete, How::Rendered { millis }))
    };
    let result = tokio::time::timeout(within, work).await;
    drop(permit);
    let result = result.unwrap_or_else(|_| Err(too_slow(within.as_secs())));
    let reason = result.as_ref().err().map(|cause| cause.code.word());
    runtime.metrics().ran_since(Stage::Render, began, reason);
    result
}

/// Renders past every cache.
///
/// # Errors
/// As [`rendered`].
pub async fn anew(runtime: &Runtime, input: &RenderInput) -> Result<Complete, Cause> {
    let permit = runtime
        .limits()
        .renders
        .acquire()
        .await
        .map_err(|_| stopping())?;
    let within = runtime.settings().render_within;
    let work = async {
        let inputs = inputs::anew(runtime, input)
            .await
            .map_err(|error| failed(&error))?;
        runtime
            .renderer()
            .render(runtime.mirrors(), input, &inputs)
            .await
            .map_err(|error| failed(&error))
    };
    let result = tokio::time::timeout(within, work).await;
    drop(permit);
    result.unwrap_or_else(|_| Err(too_slow(within.as_secs())))
}

/// A render from memory or the database, for somebody who will name it: retention does not let it go in between. `None` when it
/// is in neither.
///
/// # Errors
/// When the database cannot be read, or what is stored is not what its digest says.
pub async fn put_to_use(
    runtime: &Runtime,
    key: &str,
    now: Micros,
) -> Result<Option<Arc<Complete>>, StoreError> {
    let (complete, due) = match runtime.memory().render_to_use(key, now) {
        Some(known) => known,
        None => match stored(runtime, key).await? {
            Some(complete) => (complete, true),
            None => return Ok(None),
        },
    };
    if due {
        match used_again(runtime, &complete, now).await {
            Ok(()) => runtime.memory().rendered(Arc::clone(&complete), now),
            // Not noted, so the next use tries it again.
            Err(error) => {
                tracing::warn!(event.name = "render.store_failed", render.key = %complete.key, error = %error, "a render could not be stored; it is rendered again when needed")
            }
        }
    }
    Ok(Some(complete))
}

/// Notes that a render is in use, and stores it again when it was let go.
async fn used_again(runtime: &Runtime, complete: &Complete, now: Micros) -> Result<(), StoreError> {
    let used = store::render::used_at(runtime.store(), &complete.key).await?;
    if used.is_some_and(|at| now.seconds_since(at) < NOTED_SECONDS) {
        return Ok(());
    }
    let mut tx = runtime.store().begin_at(now).await?;
    let there = store::render::put_to_use(&mut tx, &complete.key).await?;
    tx.commit().await?;
    match there {
        true => Ok(()),
        false => keep(runtime, complete, now).await,
    }
}

/// A render from the database; `None` when it is not there.
///
/// # Errors
/// When the database cannot be read, or what is stored is not what its digest says.
pub async fn stored(runtime: &Runtime, key: &str) -> Result<Option<Arc<Complete>>, StoreError> {
    if let Some(known) = runtime.memory().render(key) {
        return Ok(Some(known));
    }
    let Some(digest) = store::render::digest(runtime.store(), key).await? else {
        return Ok(None);
    };
    let Some(objects) = store::render::objects(runtime.store(), key).await? else {
        return Ok(None);
    };
    let mut manifests = Vec::with_capacity(objects.len());
    for object in objects {
        let broken = || StoreError::Conflict {
            subject: format!("the stored render {key}"),
            why: format!("{} is damaged", object.key.short()),
        };
        let body = match sealed::open(runtime.access().vault(), &object.hash, object.body) {
            Ok(body) => body,
            Err(error) => {
                tracing::warn!(event.name = "render.unreadable", %error, "a stored render cannot be opened; it is rendered again");
                return Ok(None);
            }
        };
        let body = serde_json::from_slice(&body).map_err(|_| broken())?;
        if hash_of(&body) != object.hash {
            return Err(broken());
        }
        manifests.push(Manifest::new(body, object.origin.clone()).map_err(|_| broken())?);
    }
    Ok(Some(Arc::new(Complete {
        key: key.to_owned(),
        objects: manifests,
        encrypted: Vec::new(),
        digest,
        warnings: store::render::warnings(runtime.store(), key).await?,
    })))
}

/// Renders with encrypted objects are not stored: the table has no place for them, and they are rendered again after a
/// restart.
async fn keep(runtime: &Runtime, complete: &Complete, now: Micros) -> Result<(), StoreError> {
    if !complete.encrypted.is_empty() {
        return Ok(());
    }
    let mut objects: Vec<StoredObject> = complete
        .objects
        .iter()
        .map(|manifest| StoredObject {
            key: manifest.key.clone(),
            api_version: manifest.api_version.clone(),
            hash: manifest.hash.clone(),
            body: engine::manifest::canonical(&manifest.body),
            origin: manifest.origin.clone(),
        })
        .collect();
    if let Some(vault) = runtime.access().vault() {
        sealed::seal_secrets(vault, &mut objects).map_err(|error| StoreError::Conflict {
            subject: format!("the render {}", complete.key),
            why: error.to_string(),
        })?;
    }
    let mut tx = runtime.store().begin_at(now).await?;
    store::render::put(&mut tx, &complete.key, &complete.digest, &objects).await?;
    store::render::warn(&mut tx, &complete.key, &complete.warnings).await?;
    tx.commit().await?;
    Ok(())
}

/// The reason to show for a render that failed. A person mends files; a host that is down comes back by itself.
fn failed(error: &RenderError) -> Cause {
    use engine::source::SourceError;
    let code = match error {
        RenderError::Source(
            SourceError::Unreachable { .. }
            | SourceError::Deadline { .. }
            | SourceError::NotFetched { .. }
            | SourceError::UnknownCommit { .. },
        ) => {
            return Cause::passing(ReasonCode::FetchFailed, error.to_string(), error.next());
        }
        RenderError::Internal(_) | RenderError::Stopped { .. } => {
            return Cause::passing(ReasonCode::RenderFailed, error.to_string(), error.next());
        }
        _ => ReasonCode::RenderFailed,
    };
    Cause::stalled(code, error.to_string(), error.next())
}

fn too_slow(seconds: u64) -> Cause {
    Cause::passing(
        ReasonCode::RenderFailed,
        format!("Rendering did not finish within {seconds} s"),
        "It is tried again; look for endless loops in templates",
    )
}

fn stopping() -> Cause {
    Cause::passing(
        ReasonCode::LiveUnknown,
        "The server is stopping",
        "It is compared after the start",
    )
}
