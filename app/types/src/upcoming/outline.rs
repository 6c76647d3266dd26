//! A preview cut down to what fits a terminal or a comment: what each target would do to which objects, and what stands
//! against it. Holds names and paths, no values.

use super::Upcoming;
use crate::diff::Impact;
use crate::plan::{Plan, PlanCounts, Step};
use crate::resource::ResourceKey;
use crate::rollback::TargetPlan;
use std::cmp::Reverse;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// What it brings, as one sentence.
    pub first_line: String,
    /// Files that both sides changed.
    pub conflicts: Vec<String>,
    /// Every target that reads a changed file, those with the worst consequences first.
    pub targets: Vec<TargetOutline>,
    /// What the plans do not show, a sentence each.
    pub notes: Vec<String>,
}

/// One target of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetOutline {
    /// `project/application`.
    pub application: String,
    pub cluster: String,
    /// `None` when it cannot be told.
    pub counts: Option<PlanCounts>,
    /// The worst consequence.
    pub impact: Option<Impact>,
    /// Why it cannot be told, or what the prune gate holds.
    pub problems: Vec<String>,
    /// What the planner left out or waits for.
    pub remarks: Vec<String>,
    /// Objects that would be written, in the order of the plan.
    pub objects: Vec<ObjectOutline>,
    /// Whether a sync follows by itself.
    pub automated: bool,
}

/// One object that would be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectOutline {
    /// A word of [`crate::plan::Action`].
    pub action: &'static str,
    pub key: ResourceKey,
    pub impact: Option<Impact>,
    /// Paths of the fields that change.
    pub fields: Vec<String>,
}

impl Upcoming {
    /// What it says in short.
    pub fn outline(&self) -> Outline {
        let mut targets: Vec<TargetOutline> = self.targets.iter().map(target).collect();
        // What nobody can tell may be the worst.
        targets.sort_by_key(|target| {
            let rank = target.impact.map_or(u8::MAX, |impact| impact as u8);
            (Reverse(target.problems.len().min(1)), rank)
        });
        Outline {
            first_line: self.first_line.clone(),
            conflicts: self.conflicts.clone(),
            targets,
            notes: self.notes.clone(),
        }
    }
}

impl TargetOutline {
    /// What follows a merge, in words.
    pub fn then(&self) -> &'static str {
        match (
            self.counts.is_none(),
            self.problems.is_empty(),
            self.automated,
        ) {
            (true, ..) => "not known",
            (_, false, _) => "awaits approval",
            (_, _, true) => "syncs by itself",
            (_, _, false) => "waits for a sync by hand",
        }
    }
}

impl Outline {
    /// Whether every target could be planned.
    pub fn is_known(&self) -> bool {
        self.targets.iter().all(|target| target.counts.is_some())
    }
}

fn target(of: &TargetPlan) -> TargetOutline {
    let application = &of.target.application;
    let steps = of.plan.iter().flat_map(|plan| &plan.steps);
    let mut problems: Vec<String> = of
        .plan
        .iter()
        .flat_map(|plan| &plan.gate)
        .map(|finding| finding.message.clone())
        .collect();
    if of.plan.is_none() {
        problems.push(of.error.clone());
    }
    TargetOutline {
        application: format!("{}/{}", application.project, application.name),
        cluster: of.target.cluster.clone(),
        counts: of.plan.as_ref().map(Plan::counts),
        impact: of.plan.as_ref().and_then(Plan::worst_impact),
        problems,
        remarks: of
            .plan
            .iter()
            .flat_map(|plan| plan.report.clone())
            .collect(),
        objects: steps
            .filter(|step| step.action.writes())
            .map(object)
            .collect(),
        automated: of.automated,
    }
}

fn object(step: &Step) -> ObjectOutline {
    ObjectOutline {
        action: step.action.word(),
        key: step.key.clone(),
        impact: step.impact,
        fields: step
            .changes
            .iter()
            .map(|change| change.path.clone())
            .collect(),
    }
}
