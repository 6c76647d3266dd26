//! How an object that differs is written, by its own options and its definition's. Knows no cluster.

use super::PlanPolicy;
use super::options::options;
use crate::manifest::Manifest;
use lockstep_types::diff::{ResourceDiff, ResourceDiffKind};
use lockstep_types::plan::Method;
use lockstep_types::resource::ResourceKey;

/// The method for an object. One that could not be compared may be as declared, and is not deleted for nothing.
pub(super) fn method(
    policy: &PlanPolicy,
    manifest: &Manifest,
    diff: Option<&ResourceDiff>,
) -> Method {
    let own = options(&manifest.body);
    let force = own.force.unwrap_or(policy.force) && !is_never_deleted(&manifest.key);
    let differs = diff.is_some_and(|diff| diff.kind == ResourceDiffKind::Differs);
    match (force, own.replace.unwrap_or(policy.replace)) {
        (true, true) if !differs => Method::ApplyOrRecreate,
        (true, true) => Method::Recreate,
        (true, false) => Method::ApplyOrRecreate,
        (false, true) => Method::Replace,
        (false, false) => Method::Apply,
    }
}

/// Said of a step beside why it is there; `None` for what is always so.
pub(super) fn words(method: Method) -> Option<&'static str> {
    match method {
        Method::Apply => None,
        Method::Replace => Some("Replace=true: what others have added to it goes"),
        Method::ApplyOrRecreate => Some(
            "Force=true: it is deleted and made anew if what differs cannot be changed in place",
        ),
        Method::Recreate => Some("Force=true and Replace=true: it is deleted and made anew"),
    }
}

/// What a person should know of an object's options, a sentence part each.
pub(super) fn remarks(manifest: &Manifest) -> Vec<String> {
    let own = options(&manifest.body);
    let mut problems = own.problems;
    if own.force == Some(true) && is_never_deleted(&manifest.key) {
        problems.push(format!(
            "Force does not count: a {} is never deleted and made anew",
            manifest.key.kind
        ));
    }
    problems
}

/// Argo CD updates these in place whatever the options say: everything in them would go.
fn is_never_deleted(key: &ResourceKey) -> bool {
    match key.kind.as_str() {
        "Namespace" => key.group.is_empty(),
        "CustomResourceDefinition" => key.group == "apiextensions.k8s.io",
        _ => false,
    }
}
