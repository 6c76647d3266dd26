//! What each target's plan changes, object by object and field by field, before anything is written. Minus is the cluster
//! now, plus is what follows.

use super::diff_view::{field, impact_chip};
use super::panel::{More, tag};
use super::plan_view::{action_chip, hook_badge};
use crate::format;
use leptos::prelude::*;
use lockstep_types::plan::{Action, Plan, Step};
use lockstep_types::rollback::TargetPlan;

/// Objects of one target that are shown; a page stays a page.
const OBJECTS: usize = 60;

/// A fold for each target that anything is written to.
pub fn rendered(targets: &[TargetPlan]) -> AnyView {
    let mut folds: Vec<AnyView> = Vec::new();
    for target in targets {
        let steps = target.plan.as_ref().map(writing).unwrap_or_default();
        if steps.is_empty() {
            continue;
        }
        let title = format!(
            "What changes in {} on {}: {}",
            target.target.application.name,
            target.target.cluster,
            format::plural(steps.len() as u64, "object", "objects")
        );
        let objects = objects(&steps);
        folds.push(view! { <More title=title>{objects}</More> }.into_any());
    }
    folds.into_any()
}

fn writing(plan: &Plan) -> Vec<&Step> {
    let steps = plan.steps.iter();
    steps.filter(|step| step.action.writes()).collect()
}

fn objects(steps: &[&Step]) -> AnyView {
    let hidden = steps.len().saturating_sub(OBJECTS) as u64;
    let shown: Vec<AnyView> = steps
        .iter()
        .take(OBJECTS)
        .map(|step| object(step))
        .collect();
    view! {
        {shown}
        {(hidden > 0)
            .then(|| {
                view! {
                    <p class="text-sm text-muted">
                        {format!("and {}", format::plural(hidden, "more object", "more objects"))}
                    </p>
                }
            })}
    }
    .into_any()
}

fn object(step: &Step) -> AnyView {
    let namespace = step.key.namespace.clone();
    let fields: Vec<AnyView> = step.changes.iter().cloned().map(field).collect();
    let note = match &step.action {
        Action::Create if step.changes.is_empty() => "It is not in the cluster now.",
        Action::Prune => "It is deleted.",
        _ => "",
    };
    view! {
        <section class="min-w-0 overflow-hidden rounded-md border border-line bg-surface">
            <h3 class="flex flex-wrap items-center gap-x-2 gap-y-1 px-2.5 py-1.5">
                {action_chip(&step.action)}
                <span class="text-sm font-normal text-muted">{step.key.kind.clone()}</span>
                <b class="font-semibold break-all">{step.key.name.clone()}</b>
                {(!namespace.is_empty()).then(|| tag(namespace))}
                {step.action.is_of_hook().then(hook_badge)}
                {step.impact.map(impact_chip)}
            </h3>
            {(!note.is_empty()).then(|| view! { <p class="px-2.5 pb-1.5 text-sm text-muted">{note}</p> })}
            {fields}
        </section>
    }
    .into_any()
}
