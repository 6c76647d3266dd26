//! Reads off a declared object whether it is a hook, of Argo CD or of Helm, and when it is meant to run. Knows no
//! cluster and runs nothing; what becomes of a hook is the plan's business.
//!
//! Helm's hooks are read as Argo CD reads them: installs and upgrades are syncs, `crd-install` marks an ordinary object,
//! and everything else Helm knows (tests, rollbacks) has no place in a sync. An annotation of Argo CD on the same object
//! counts instead of Helm's.

use super::order::annotation;
use serde_json::Value;
use std::collections::BTreeSet;

/// Argo CD's annotation.
pub const ARGO_HOOK: &str = "argocd.argoproj.io/hook";
/// Helm's annotation.
pub const HELM_HOOK: &str = "helm.sh/hook";

const ARGO_DELETION: &str = "argocd.argoproj.io/hook-delete-policy";
const HELM_DELETION: &str = "helm.sh/hook-delete-policy";

/// When a hook is meant to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookPhase {
    PreSync,
    Sync,
    PostSync,
    SyncFail,
    PreDelete,
    PostDelete,
}

/// Whose annotation makes an object a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookDialect {
    Argo,
    Helm,
}

/// A declared object that is a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    pub dialect: HookDialect,
    /// The annotation's text, as Git has it.
    pub text: String,
    /// Empty: nothing in a sync or a removal runs it.
    pub phases: BTreeSet<HookPhase>,
    /// The annotation says to leave the object out of every sync.
    pub skip: bool,
    /// What is wrong with its annotations, a sentence part each.
    pub problems: Vec<String>,
}

/// The hook that an object is; `None` for an ordinary object.
pub fn hook(body: &Value) -> Option<Hook> {
    if let Some(text) = annotation(body, ARGO_HOOK) {
        let mut hook = Hook::new(HookDialect::Argo, text);
        for word in words(text) {
            match argo_phase(word) {
                Some(phase) => {
                    hook.phases.insert(phase);
                }
                None if word == "Skip" => hook.skip = true,
                None => hook.problems.push(unknown(ARGO_HOOK, word)),
            }
        }
        if hook.skip && !hook.phases.is_empty() {
            hook.problems.push(format!(
                "{ARGO_HOOK}: {text:?} asks for Skip and for a phase: Skip counts"
            ));
        }
        hook.deletion(body, ARGO_DELETION, &ARGO_POLICIES);
        return Some(hook);
    }
    let text = annotation(body, HELM_HOOK)?;
    if words(text).eq(["crd-install"]) {
        return None;
    }
    let mut hook = Hook::new(HookDialect::Helm, text);
    for word in words(text) {
        match word {
            "pre-install" | "pre-upgrade" => {
                hook.phases.insert(HookPhase::PreSync);
            }
            "post-install" | "post-upgrade" => {
                hook.phases.insert(HookPhase::PostSync);
            }
            "pre-delete" => {
                hook.phases.insert(HookPhase::PreDelete);
            }
            "post-delete" => {
                hook.phases.insert(HookPhase::PostDelete);
            }
            "test" | "test-success" | "test-failure" | "pre-rollback" | "post-rollback"
            | "crd-install" => {}
            _ => hook.problems.push(unknown(HELM_HOOK, word)),
        }
    }
    hook.deletion(body, HELM_DELETION, &HELM_POLICIES);
    Some(hook)
}

impl Hook {
    fn new(dialect: HookDialect, text: &str) -> Self {
        Self {
            dialect,
            text: text.to_owned(),
            phases: BTreeSet::new(),
            skip: false,
            problems: Vec::new(),
        }
    }

    fn deletion(&mut self, body: &Value, name: &str, known: &[&str]) {
        let given = annotation(body, name).unwrap_or_default();
        self.problems.extend(
            words(given)
                .filter(|word| !known.contains(word))
                .map(|word| unknown(name, word)),
        );
    }

    /// A sync is when it is meant to run.
    fn is_of_a_sync(&self) -> bool {
        !self.skip
            && self.phases.iter().any(|phase| {
                matches!(
                    phase,
                    HookPhase::PreSync | HookPhase::Sync | HookPhase::PostSync
                )
            })
    }
}

/// Why an object takes no part in applying, comparing and health because of the hook it is; `None` for ordinary
/// objects and for those Helm hooks of installs and upgrades that are applied as ordinary objects.
pub fn left_out(body: &Value) -> Option<String> {
    let hook = hook(body)?;
    if hook.skip {
        return Some(format!("{ARGO_HOOK}: Skip"));
    }
    let text = &hook.text;
    match hook.dialect {
        HookDialect::Argo => Some(format!(
            "it is a hook ({text}); hooks are not part of a plan"
        )),
        HookDialect::Helm if hook.is_of_a_sync() => None,
        HookDialect::Helm => Some(format!(
            "it is a Helm hook ({text}) that no install or upgrade runs"
        )),
    }
}

/// What a person should know of an object that is a hook, a sentence part each; empty for ordinary objects.
pub(super) fn remarks(body: &Value) -> Vec<String> {
    let Some(hook) = hook(body) else {
        return Vec::new();
    };
    let mut remarks = hook.problems.clone();
    if left_out(body).is_none() {
        remarks.push(format!(
            "it is a Helm hook ({}) and is applied like any other object, not run anew by every sync",
            hook.text
        ));
    }
    remarks
}

const ARGO_POLICIES: [&str; 3] = ["BeforeHookCreation", "HookSucceeded", "HookFailed"];
const HELM_POLICIES: [&str; 3] = ["before-hook-creation", "hook-succeeded", "hook-failed"];

fn argo_phase(word: &str) -> Option<HookPhase> {
    Some(match word {
        "PreSync" => HookPhase::PreSync,
        "Sync" => HookPhase::Sync,
        "PostSync" => HookPhase::PostSync,
        "SyncFail" => HookPhase::SyncFail,
        "PreDelete" => HookPhase::PreDelete,
        "PostDelete" => HookPhase::PostDelete,
        _ => return None,
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

fn unknown(name: &str, word: &str) -> String {
    format!("{name}: {word:?} is not known and does not count")
}

#[cfg(test)]
mod tests;
