//! The Changes tab: what differs, why, and what a sync would do about it.

use crate::components::diff_view::Diffs;
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::panel::Part;
use crate::components::plan_view::PlanTable;
use crate::components::reason::Banner;
use crate::components::tone::Tone;
use crate::format;
use leptos::prelude::*;
use lockstep_types::application::ChangesView;
use lockstep_types::diff::ResourceDiff;

/// The tab.
pub fn changes_tab(changes: ChangesView) -> AnyView {
    let (counting, quiet): (Vec<ResourceDiff>, Vec<ResourceDiff>) =
        changes.diffs.into_iter().partition(ResourceDiff::counts);
    let number = counting.len() as u64;
    let ignored = quiet.len() as u64;
    view! {
        {(!changes.warnings.is_empty()).then(|| warnings(changes.warnings))}
        {if counting.is_empty() {
            view! {
                <Empty title="Nothing differs" shape=Icon::Synced>
                    "Every object that Git declares is in the cluster as declared."
                </Empty>
            }
                .into_any()
        } else {
            view! {
                <Part title=format!("{} from Git", format::plural(number, "object differs", "objects differ"))>
                    <Diffs diffs=counting />
                </Part>
            }
                .into_any()
        }}
        {(ignored > 0)
            .then(|| {
                view! {
                    <details class="group">
                        <summary class="text-sm text-muted hover:text-ink">
                            {format!("{} only by defaults, other controllers, or what cannot be compared", format::plural(ignored, "object differs", "objects differ"))}
                        </summary>
                        <div class="mt-2">
                            <Diffs diffs=quiet />
                        </div>
                    </details>
                }
            })}
        {match changes.plan {
            Some(plan) if plan.writes() || !plan.gate.is_empty() => {
                view! {
                    <Part title="What a sync would do">
                        <PlanTable plan=plan />
                    </Part>
                }
                    .into_any()
            }
            Some(_) => ().into_any(),
            None => view! { <p class="text-muted">"What a sync would do cannot be told now."</p> }.into_any(),
        }}
    }
    .into_any()
}

/// What rendering left out, and what is unsafe in Git.
fn warnings(warnings: Vec<String>) -> AnyView {
    let lead = format::plural(warnings.len() as u64, "warning", "warnings");
    let rest = view! {
        <ul>
            {warnings.into_iter().map(|warning| view! { <li class="break-words">{warning}</li> }).collect_view()}
        </ul>
    }
    .into_any();
    view! { <Banner tone=Tone::Warn shape=Icon::Eye lead=lead.into_any() rest=rest /> }.into_any()
}
