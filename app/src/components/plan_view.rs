//! What a sync would do: counts in a sentence, the gate's findings, and the steps that write.

use super::diff_view::impact_chip;
use super::icon::Icon;
use super::panel::{PANEL, TABLE, TD, TH};
use super::status::{Mark, chip};
use super::tone::Tone;
use crate::format;
use leptos::prelude::*;
use lockstep_types::plan::{Action, GateFinding, Plan, PlanCounts, PlanPhase, Step};

/// `create 1, configure 2, prune 0, unchanged 27`; what is zero is left out, except prune.
pub fn counts_words(counts: &PlanCounts) -> String {
    let mut parts = Vec::new();
    for (word, number) in [("create", counts.create), ("configure", counts.configure)] {
        if number > 0 {
            parts.push(format!("{word} {}", format::count(number.into())));
        }
    }
    if counts.prune > 0 {
        parts.push(format!("prune {}", format::count(counts.prune.into())));
    }
    if counts.hooks > 0 {
        parts.push(format!("hooks {}", format::count(counts.hooks.into())));
    }
    if parts.is_empty() {
        parts.push("nothing to write".to_owned());
    }
    if counts.unchanged > 0 {
        parts.push(format!(
            "unchanged {}",
            format::count(counts.unchanged.into())
        ));
    }
    if counts.skip > 0 {
        parts.push(format!("skip {}", format::count(counts.skip.into())));
    }
    parts.join(", ")
}

/// What the gate found, in words.
#[component]
pub fn Gate(findings: Vec<GateFinding>) -> impl IntoView {
    view! {
        <ul class="flex flex-col gap-2">
            {findings
                .into_iter()
                .map(|finding| {
                    let objects: Vec<String> = finding.objects.iter().map(|key| key.short()).collect();
                    let more = objects.len().saturating_sub(8);
                    let named = objects.into_iter().take(8).collect::<Vec<_>>().join(", ");
                    view! {
                        <li class="rounded-md border border-l-[3px] border-line border-l-warn px-3 py-2">
                            <p class="font-medium">{finding.message} <span class="ml-2 font-mono text-xs text-faint" title="Rule of the prune gate">{finding.rule}</span></p>
                            <p class="mt-0.5 text-sm break-words text-muted">
                                {named}
                                {(more > 0).then(|| format!(" and {}", format::plural(more as u64, "more object", "more objects")))}
                            </p>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
}

/// The steps that write, and a line for the rest.
#[component]
pub fn PlanTable(plan: Plan) -> impl IntoView {
    let counts = plan.counts();
    let writing: Vec<Step> = plan
        .steps
        .iter()
        .filter(|step| step.action.writes())
        .cloned()
        .collect();
    let skipped: Vec<Step> = plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::Skip(_)))
        .cloned()
        .collect();
    let hidden = writing.len().saturating_sub(100);
    view! {
        <div class="flex min-w-0 flex-col gap-2">
            <p class="text-sm text-muted">{format::sentence_case(&counts_words(&counts))}</p>
            {(!plan.gate.is_empty()).then(|| view! { <Gate findings=plan.gate.clone() /> })}
            {(!writing.is_empty() || !skipped.is_empty())
                .then(|| {
                    view! {
                        <div class=format!("{PANEL} max-h-96 overflow-auto") role="region" aria-label="Steps of the plan" tabindex="0">
                            <table class=TABLE>
                                <thead>
                                    <tr>
                                        <th class=TH scope="col">"Action"</th>
                                        <th class=TH scope="col">"Object"</th>
                                        <th class=TH scope="col">"Consequence"</th>
                                    </tr>
                                </thead>
                                <tbody>
                                    {writing.into_iter().take(100).chain(skipped).map(step_row).collect_view()}
                                </tbody>
                            </table>
                        </div>
                    }
                })}
            {(hidden > 0).then(|| view! { <p class="text-sm text-muted">{format!("and {}", format::plural(hidden as u64, "more step", "more steps"))}</p> })}
            {plan
                .report
                .into_iter()
                .map(|line| view! { <p class="text-sm text-muted">{line}</p> })
                .collect_view()}
        </div>
    }
}

fn step_row(step: Step) -> AnyView {
    let why = match &step.action {
        Action::Skip(why) => why.clone(),
        _ => step.why.clone(),
    };
    let fields: Vec<String> = step
        .changes
        .iter()
        .map(|change| change.path.clone())
        .collect();
    view! {
        <tr>
            <td class=format!("{TD} max-md:basis-auto!")>{action_chip(&step.action)}</td>
            <td class=TD>
                <span class="text-sm text-muted">{step.key.kind.clone()}</span>
                " "
                <span class="font-medium break-all">{step.key.name.clone()}</span>
                {step.action.is_of_hook().then(hook_badge)}
                {(step.phase != PlanPhase::Sync || step.wave != 0)
                    .then(|| {
                        view! {
                            <span class="block text-xs text-faint">
                                {format!("{}, wave {}", step.phase.word(), step.wave)}
                            </span>
                        }
                    })}
                {(!fields.is_empty())
                    .then(|| view! { <span class="block font-mono text-xs break-all text-faint">{fields.join(", ")}</span> })}
            </td>
            <td class=TD>
                {step.impact.map(impact_chip)}
                {(!why.is_empty()).then(|| view! { <span class="block text-xs text-muted">{why}</span> })}
            </td>
        </tr>
    }
    .into_any()
}

/// Marks the object of a hook.
pub fn hook_badge() -> AnyView {
    view! {
        <span
            class="ml-2 rounded-sm border border-line px-1 text-xs text-muted"
            title="It runs with the sync and is no part of the application"
        >
            "hook"
        </span>
    }
    .into_any()
}

/// An action as a chip.
pub fn action_chip(action: &Action) -> AnyView {
    let (icon, tone) = match action {
        Action::Create => (Icon::Plus, Tone::Ok),
        Action::Configure => (Icon::OutOfSync, Tone::Run),
        Action::Unchanged => (Icon::Synced, Tone::Unknown),
        Action::Prune => (Icon::Trash, Tone::Bad),
        Action::Skip(_) => (Icon::Minus, Tone::Unknown),
        Action::Hook => (Icon::Progressing, Tone::Run),
        Action::HookCleanup(_) => (Icon::Trash, Tone::Unknown),
    };
    chip(
        Mark {
            icon,
            tone,
            word: "",
        },
        action.word(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_say_only_what_is_there() {
        let counts = PlanCounts {
            create: 0,
            configure: 1,
            unchanged: 27,
            prune: 0,
            skip: 0,
            hooks: 0,
        };
        assert_eq!(counts_words(&counts), "configure 1, unchanged 27");
        assert_eq!(counts_words(&PlanCounts::default()), "nothing to write");
    }
}
