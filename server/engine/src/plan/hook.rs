//! Reads off a declared object whether it is a hook, of Argo CD or of Helm, when it is meant to run and when its object
//! is deleted. Knows no cluster and runs nothing; `hook_steps` makes the steps.
//!
//! Helm's hooks are read as Argo CD reads them: installs and upgrades are syncs, weights are waves, `crd-install` marks
//! an ordinary object, and everything else Helm knows (tests, rollbacks) has no place in a sync. An annotation of Argo
//! CD on the same object counts instead of Helm's.
//! (argo-cd.readthedocs.io, user guide: sync phases and waves; Helm hooks.)

use super::order::annotation;
use crate::manifest::GENERATED_NAME;
use lockstep_types::plan::{HookDeletion, HookMark, PlanPhase};
use serde_json::Value;
use std::collections::BTreeSet;

/// Argo CD's annotation.
pub const ARGO_HOOK: &str = "argocd.argoproj.io/hook";
/// Helm's annotation.
pub const HELM_HOOK: &str = "helm.sh/hook";
/// Helm's order within one event; a wave for us.
pub const HELM_WEIGHT: &str = "helm.sh/hook-weight";

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

impl HookPhase {
    /// The part of a sync, for those that belong to one.
    pub fn of_a_sync(self) -> Option<PlanPhase> {
        Some(match self {
            Self::PreSync => PlanPhase::PreSync,
            Self::Sync => PlanPhase::Sync,
            Self::PostSync => PlanPhase::PostSync,
            Self::SyncFail => PlanPhase::SyncFail,
            Self::PreDelete | Self::PostDelete => return None,
        })
    }

    /// The part of a removal, for those that belong to one.
    pub fn of_a_removal(self) -> Option<PlanPhase> {
        match self {
            Self::PreDelete => Some(PlanPhase::PreDelete),
            Self::PostDelete => Some(PlanPhase::PostDelete),
            Self::PreSync | Self::Sync | Self::PostSync | Self::SyncFail => None,
        }
    }
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
    /// When its object is deleted; never empty.
    pub deletions: BTreeSet<HookDeletion>,
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
            deletions: BTreeSet::new(),
            problems: Vec::new(),
        }
    }

    /// Without a policy the object of the last sync goes before the next one is made. One whose name was left to the
    /// cluster always does so too: it asks to be made anew with every sync.
    fn deletion(&mut self, body: &Value, name: &str, known: &[(&str, HookDeletion)]) {
        for word in words(annotation(body, name).unwrap_or_default()) {
            match known.iter().find(|(known, _)| *known == word) {
                Some((_, deletion)) => {
                    self.deletions.insert(*deletion);
                }
                None => self.problems.push(unknown(name, word)),
            }
        }
        if self.deletions.is_empty() || annotation(body, GENERATED_NAME).is_some() {
            self.deletions.insert(HookDeletion::BeforeHookCreation);
        }
    }

    /// The parts of a sync in which it runs, in their order; empty when no sync runs it.
    pub fn runs_in(&self) -> Vec<PlanPhase> {
        if self.skip {
            return Vec::new();
        }
        self.phases
            .iter()
            .filter_map(|phase| phase.of_a_sync())
            .collect()
    }

    /// The parts of a removal in which it runs, in their order; empty when no removal runs it.
    pub fn runs_in_removal(&self) -> Vec<PlanPhase> {
        if self.skip {
            return Vec::new();
        }
        self.phases
            .iter()
            .filter_map(|phase| phase.of_a_removal())
            .collect()
    }

    /// What its steps are marked with.
    pub fn mark(&self) -> HookMark {
        HookMark {
            deletions: self.deletions.iter().copied().collect(),
        }
    }
}

/// Why an object takes no part in applying, comparing and health because of the hook it is; `None` for ordinary
/// objects.
pub fn left_out(body: &Value) -> Option<String> {
    let hook = hook(body)?;
    if hook.skip {
        return Some(format!("{ARGO_HOOK}: Skip"));
    }
    let text = &hook.text;
    Some(match (hook.dialect, hook.runs_in().is_empty()) {
        (HookDialect::Argo, false) => format!("it is a hook ({text})"),
        (HookDialect::Argo, true) => format!("it is a hook ({text}) that no sync runs"),
        (HookDialect::Helm, false) => format!("it is a Helm hook ({text})"),
        (HookDialect::Helm, true) => {
            format!("it is a Helm hook ({text}) that no install or upgrade runs")
        }
    })
}

/// What a person should know of an object that is a hook, a sentence part each; empty for ordinary objects.
pub(super) fn remarks(body: &Value) -> Vec<String> {
    hook(body).map(|hook| hook.problems).unwrap_or_default()
}

const ARGO_POLICIES: [(&str, HookDeletion); 3] = [
    ("BeforeHookCreation", HookDeletion::BeforeHookCreation),
    ("HookSucceeded", HookDeletion::HookSucceeded),
    ("HookFailed", HookDeletion::HookFailed),
];
const HELM_POLICIES: [(&str, HookDeletion); 3] = [
    ("before-hook-creation", HookDeletion::BeforeHookCreation),
    ("hook-succeeded", HookDeletion::HookSucceeded),
    ("hook-failed", HookDeletion::HookFailed),
];

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
