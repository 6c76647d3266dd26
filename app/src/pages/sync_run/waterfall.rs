//! The steps of a run as a waterfall: grouped by phase and wave in the order of execution, each with a bar from its start
//! to its end on one scale. Shows what it is handed; decides nothing.

use crate::components::clock::Clock;
use crate::components::panel::{PANEL, TABLE, TD, heads};
use crate::components::plan_view::{action_chip, hook_badge};
use crate::components::status::{state_chip, step_mark};
use crate::format;
use leptos::prelude::*;
use lockstep_types::Micros;
use lockstep_types::plan::{Action, PlanPhase};
use lockstep_types::sync::{RunView, StepOutcome, StepStatus};

/// Width of the scale in pixels.
const SCALE: i64 = 120;

/// The table.
pub(super) fn waterfall(view: &RunView, clock: Clock) -> AnyView {
    if view.steps.is_empty() {
        return view! { <p class="text-muted">"No steps yet: the plan is being made."</p> }
            .into_any();
    }
    let begun = begin(view);
    let end = view
        .steps
        .iter()
        .filter_map(|step| step.ended_at)
        .max()
        .or(view.summary.ended_at);
    let end = if view.summary.phase.is_final() {
        end
    } else {
        None
    }
    .unwrap_or_else(|| clock.0.get_untracked());
    let scale = Scale {
        begun,
        total: (end.0 - begun.0).max(1),
    };
    let (shown, still): (Vec<&StepOutcome>, Vec<&StepOutcome>) =
        view.steps.iter().partition(|step| is_shown(step));
    let several = shown.iter().any(|step| step.phase != PlanPhase::Sync);
    let groups: Vec<&[&StepOutcome]> = shown
        .chunk_by(|one, other| (one.phase, one.wave) == (other.phase, other.wave))
        .collect();
    let rows = groups
        .into_iter()
        .map(|group| {
            view! {
                {heading(group, several, &scale)}
                {group.iter().map(|step| row(step, &scale)).collect_view()}
            }
        })
        .collect_view();
    view! {
        <div class=format!("{PANEL} overflow-x-auto") role="region" aria-label="Steps" tabindex="0">
            <table class=TABLE>
                <thead>
                    <tr>{heads(&["Object", "Action", "State", "Time", "Answer"])}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {(!still.is_empty())
                .then(|| {
                    view! {
                        <p class="border-t border-line px-3 py-2 text-muted">
                            {format!("{} unchanged", format::plural(still.len() as u64, "object", "objects"))}
                        </p>
                    }
                })}
        </div>
    }
    .into_any()
}

/// Where the scale begins: the first request. A wait for approval would leave no room for anything else.
fn begin(view: &RunView) -> Micros {
    view.steps
        .iter()
        .filter_map(|step| step.started_at)
        .min()
        .unwrap_or(view.summary.started_at)
}

/// What is as it should be is only counted, unless a wave waits for it in vain.
fn is_shown(step: &StepOutcome) -> bool {
    step.action != Action::Unchanged
        || step.status == StepStatus::Failed
        // The verdict of a dry run.
        || !matches!(step.message.as_str(), "" | "unchanged")
}

struct Scale {
    begun: Micros,
    total: i64,
}

impl Scale {
    /// Position on the scale.
    fn at(&self, at: Micros) -> i64 {
        (at.0 - self.begun.0).clamp(0, self.total) * SCALE / self.total
    }

    fn bar(&self, from: Micros, to: Option<Micros>, fill: &'static str) -> AnyView {
        let x = self.at(from);
        let width = (to.map_or(SCALE, |to| self.at(to)) - x).clamp(2, SCALE);
        view! {
            <svg class="h-2 w-[120px] rounded-sm bg-sunken" viewBox="0 0 120 8" aria-hidden="true">
                <rect x=x.to_string() y="0" width=width.to_string() height="8" class=fill />
            </svg>
        }
        .into_any()
    }
}

/// A cell of a heading; on a phone it is a line of its own.
const GROUP: &str = "max-md:border-0 max-md:bg-transparent max-md:p-0 md:border-y md:border-line md:bg-page md:px-2.5 md:py-[5px] md:first:pl-3";

/// `PreSync, wave -1`, with the time from its first start to its last end.
fn heading(group: &[&StepOutcome], several: bool, scale: &Scale) -> AnyView {
    let Some(first) = group.first() else {
        return ().into_any();
    };
    let name = if several {
        format!("{}, wave {}", first.phase.word(), first.wave)
    } else {
        format!("Wave {}", first.wave)
    };
    let from = group.iter().filter_map(|step| step.started_at).min();
    let open = group.iter().any(|step| step.status == StepStatus::Running);
    let to = group.iter().filter_map(|step| step.ended_at).max();
    let to = if open { None } else { to };
    let time = from.map(|from| {
        let took = to.map(|to| format::duration(from, to)).unwrap_or_default();
        view! {
            <span class="flex items-center gap-2 text-sm text-muted">
                {scale.bar(from, to, "fill-muted")} {took}
            </span>
        }
    });
    view! {
        <tr>
            <th scope="rowgroup" colspan="3" class=format!("{GROUP} text-left text-xs font-semibold text-muted")>
                {name}
            </th>
            <td colspan="2" class=GROUP>
                {time}
            </td>
        </tr>
    }
    .into_any()
}

fn row(step: &StepOutcome, scale: &Scale) -> AnyView {
    let bar = step.started_at.map(|from| {
        let fill = match step.status {
            StepStatus::Failed => "fill-bad",
            StepStatus::Running => "fill-run",
            _ => "fill-control",
        };
        scale.bar(from, step.ended_at, fill)
    });
    let took = match (step.started_at, step.ended_at) {
        (Some(from), Some(to)) => format::duration(from, to),
        _ => String::new(),
    };
    view! {
        <tr>
            <td class=TD>
                <span class="text-sm text-muted">{step.key.kind.clone()}</span>
                " "
                <span class="font-medium break-all">{step.key.name.clone()}</span>
                {step.action.is_of_hook().then(hook_badge)}
            </td>
            <td class=TD>{action_chip(&step.action)}</td>
            <td class=TD>{state_chip(step_mark(step.status))}</td>
            <td class=format!("{TD} whitespace-nowrap")>
                <span class="flex items-center gap-2 text-sm text-muted">{bar} {took}</span>
            </td>
            <td class=format!("{TD} text-sm break-words text-muted")>{step.message.clone()}</td>
        </tr>
    }
    .into_any()
}
