//! Reads off a live object what a plan needs to know of it, and off a desired one what it says about itself.

use super::hook;
use super::marks;
use super::method;
use super::options::{SYNC_OPTIONS, options};
use super::order::{annotation, wave};
use super::{LiveFact, PresentFacts, PruneWish};
use crate::definition::Wish;
use crate::manifest::Manifest;
use crate::tracking::TRACKING_ANNOTATION;
use lockstep_types::resource::Origin;
use serde_json::Value;

impl LiveFact {
    /// Reads the facts off a live object.
    pub fn of(body: &Value) -> Self {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let Some(uid) = text("/metadata/uid").filter(|uid| !uid.is_empty()) else {
            return Self::Unknown("the live object has no UID".to_owned());
        };
        Self::Present(PresentFacts {
            uid: uid.to_owned(),
            api_version: text("/apiVersion").unwrap_or_default().to_owned(),
            tracking: annotation(body, TRACKING_ANNOTATION).map(str::to_owned),
            prune: prune_wish(body),
            delete: delete_wish(body),
            prune_last: options(body).prune_last,
            wave: wave(body).0,
            hook: hook::hook(body).is_some(),
            terminating: text("/metadata/deletionTimestamp").is_some(),
            untouched: marks::let_alone(body),
            extraneous: marks::ignores_extraneous(body),
        })
    }
}

/// What annotations and labels say about deleting the object.
pub(super) fn prune_wish(body: &Value) -> PruneWish {
    wish(body, options(body).prune, "Prune")
}

/// The same of deleting it when its application is removed. `Prune=false` says nothing about that, as in Argo CD; what
/// Flux leaves out of its garbage collection stays.
/// (argo-cd.readthedocs.io: sync options, no resource deletion; fluxcd.io, Kustomization: garbage collection.)
pub(super) fn delete_wish(body: &Value) -> PruneWish {
    wish(body, options(body).delete, "Delete")
}

fn wish(body: &Value, own: Option<Wish>, option: &str) -> PruneWish {
    if own == Some(Wish::Never) {
        return PruneWish::Never(format!("{SYNC_OPTIONS}: {option}=false"));
    }
    for name in [marks::PRUNE, marks::RECONCILE] {
        if marks::flux(body, name, "disabled") {
            return PruneWish::Never(format!("{name}: disabled"));
        }
    }
    const KEEP: &str = "helm.sh/resource-policy";
    if annotation(body, KEEP).is_some_and(|given| given.eq_ignore_ascii_case("keep")) {
        return PruneWish::Never(format!("{KEEP}: keep"));
    }
    match own {
        None => PruneWish::Unsaid,
        Some(Wish::Confirm) => PruneWish::Confirm,
        Some(Wish::Allowed | Wish::Never) => PruneWish::Allowed,
    }
}

/// Why a desired object is not to be applied at all; from its own annotations and labels.
pub(super) fn not_applied(body: &Value, exists: bool) -> Option<String> {
    if let Some(why) = hook::left_out(body) {
        return Some(why);
    }
    marks::left_out(body, exists)
}

/// What is wrong with the annotations of a desired object that say how it is synced, a sentence part each.
pub fn problems(manifest: &Manifest) -> Vec<String> {
    wave(&manifest.body)
        .1
        .into_iter()
        .chain(hook::remarks(&manifest.body))
        .chain(method::remarks(manifest))
        .chain(marks::remarks(&manifest.body))
        .collect()
}

/// The same as sentences, with the object and the place in Git that declares it, where that is known.
pub fn said(manifest: &Manifest) -> Vec<String> {
    let name = manifest.key.short();
    let name = match &manifest.origin {
        Some(Origin {
            path,
            line: Some(line),
        }) => format!("{name} ({path}:{line})"),
        Some(Origin { path, line: None }) => format!("{name} ({path})"),
        None => name,
    };
    problems(manifest)
        .iter()
        .map(|problem| format!("{name}: {problem}."))
        .collect()
}
