//! Inputs of renders without looking at Git again: what a commit does not touch is what it was.
//!
//! One tree diff per moved revision tells whose inputs it can have changed. What is not known, or cannot be told, is
//! looked at; a wrong answer would leave an old state green.

use super::charts;
use crate::runtime::Runtime;
use crate::runtime::memory::Collected;
use engine::manifest::hash_of;
use engine::render::{RenderError, RenderInput, RenderInputs};
use lockstep_types::id::TargetId;
use lockstep_types::revision::{PathChange, Revision};
use serde_json::json;
use std::sync::Arc;

/// How inputs were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing that was looked at has changed since.
    Untouched,
    /// They were looked at anew, and are what they were.
    Same,
    New,
}

/// The inputs of a render. `target` is whose newest render it is; `None` for previews and the like.
///
/// # Errors
/// As the renderer.
pub(super) async fn collected(
    runtime: &Runtime,
    input: &RenderInput,
    target: Option<TargetId>,
) -> Result<(Arc<RenderInputs>, Found), RenderError> {
    let recipe = recipe(input);
    let known = runtime.memory().collected(&recipe);
    let before = known.as_ref().map(|known| known.inputs.key.clone());
    if let Some(known) = known
        && same(runtime, &input.repo_url, &known, &input.revision).await
    {
        if let Some(target) = target {
            let at = Collected {
                revision: input.revision.clone(),
                inputs: Arc::clone(&known.inputs),
            };
            runtime.memory().collect(target, &recipe, at);
        }
        return Ok((known.inputs, Found::Untouched));
    }
    let found = anew(runtime, input).await;
    if let (Some(target), Err(_)) = (target, &found) {
        runtime.memory().forget_inputs(target);
    }
    let inputs = Arc::new(found?);
    if let Some(target) = target {
        let at = Collected {
            revision: input.revision.clone(),
            inputs: Arc::clone(&inputs),
        };
        runtime.memory().collect(target, &recipe, at);
    }
    let found = if before.as_ref() == Some(&inputs.key) {
        Found::Same
    } else {
        Found::New
    };
    Ok((inputs, found))
}

/// The inputs of a render as they are found now, with the charts that have to be fetched for it.
///
/// # Errors
/// As the renderer; also when a chart is not permitted or cannot be fetched.
pub(crate) async fn anew(
    runtime: &Runtime,
    input: &RenderInput,
) -> Result<RenderInputs, RenderError> {
    let charts = charts::fetched(runtime, input).await?;
    let renderer = runtime.renderer();
    renderer
        .inputs_with(runtime.mirrors(), input, &charts)
        .await
}

/// Everything of an input but the revision whose changes the reach is held against. A field that is added must be named
/// here: what is forgotten would pass for unchanged.
fn recipe(input: &RenderInput) -> String {
    let RenderInput {
        repo_url,
        revision: _,
        source,
        more,
        release_name,
        namespace,
        kube_version,
        api_versions,
        project_name,
        // Asked anew whenever a chart has to be fetched; it changes nothing of what is rendered.
        project: _,
    } = input;
    // Of the further sources the revision counts too: the reach speaks of one repository.
    let more: Vec<_> = more
        .iter()
        .map(|more| json!([more.repo_url, more.revision, more.source]))
        .collect();
    hash_of(&json!([
        repo_url,
        source,
        more,
        release_name,
        namespace,
        kube_version,
        api_versions,
        project_name
    ]))
}

/// Whether what was collected at one revision is certainly the same at another.
async fn same(runtime: &Runtime, repo_url: &str, known: &Collected, at: &Revision) -> bool {
    // The revision may be another repository's.
    if known.inputs.reach().is_everything() {
        return false;
    }
    if known.revision == *at {
        return true;
    }
    match changes(runtime, repo_url, &known.revision, at).await {
        Some(changes) => !known.inputs.reach().is_touched(&changes),
        None => false,
    }
}

/// Files that differ between two commits of a repository; `None` when that cannot be told.
pub(super) async fn changes(
    runtime: &Runtime,
    repo_url: &str,
    from: &Revision,
    to: &Revision,
) -> Option<Arc<Vec<PathChange>>> {
    let repository = runtime.repository_key(repo_url);
    if let Some(known) = runtime.memory().diff(&repository, from, to) {
        return known;
    }
    let found = runtime
        .mirrors()
        .changed(repo_url, Some(from), to, &[])
        .await
        .ok()?;
    Some(Arc::new(found)).inspect(|found| {
        runtime.memory().keep_diff(&repository, from, to, found);
    })
}

/// Whether a target's newest render can be another one at a revision. Unknown targets can, those that were judged on
/// other inputs than are known now (a pin or a preview elsewhere has the same recipe), and those whose commits must be
/// verified, each by itself.
pub(super) async fn can_differ(
    runtime: &Runtime,
    repo_url: &str,
    target: TargetId,
    at: &Revision,
) -> bool {
    let judged = runtime.assessment(target);
    match (runtime.memory().collected_of(target), judged) {
        (Some(known), Some(judged))
            if judged.render_key == known.inputs.key && !judged.verified =>
        {
            !same(runtime, repo_url, &known, at).await
        }
        _ => true,
    }
}
