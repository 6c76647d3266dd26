//! The consequence, before the button: problems, the patch, and what every application then does.

use crate::components::icon::Icon;
use crate::components::panel::{PANEL, Part, tag};
use crate::components::reason::Banner;
use crate::components::target_link::application_address;
use crate::components::tone::Tone;
use crate::format;
use crate::pages::rollback::{contents, plans};
use leptos::prelude::*;
use lockstep_types::edit::{EditEffect, EditPreview, EditProblem, EditedApplication};
use lockstep_types::rollback::TargetPlan;

/// All of a preview.
pub fn preview(preview: EditPreview) -> AnyView {
    let tone = if !preview.problems.is_empty() {
        Tone::Bad
    } else if preview.refused.is_empty() {
        Tone::Warn
    } else {
        Tone::Idle
    };
    let refused = (!preview.refused.is_empty()).then(|| preview.refused.clone().into_any());
    let lines: Vec<String> = preview.edit.text.lines().map(str::to_owned).collect();
    let own = preview.edit.path.clone();
    let targets: Vec<TargetPlan> = preview
        .applications
        .iter()
        .flat_map(|edited| edited.targets.clone())
        .collect();
    view! {
        <Banner
            tone=tone
            lead=preview.first_line.clone().into_any()
            rest=refused.unwrap_or_else(|| "Nothing is written yet.".into_any())
        />
        {(!preview.problems.is_empty())
            .then(|| {
                view! {
                    <Part title=format::plural(preview.problems.len() as u64, "problem", "problems")>
                        <ul class="flex flex-col gap-2">
                            {preview
                                .problems
                                .iter()
                                .map(|found| {
                                    let line = (found.path == own)
                                        .then(|| lines.get(found.line.saturating_sub(1) as usize).cloned())
                                        .flatten();
                                    problem(found, line)
                                })
                                .collect_view()}
                        </ul>
                    </Part>
                }
            })}
        {(!preview.files.is_empty())
            .then(|| contents(preview.files.len(), &preview.patch, &preview.message))}
        {(!preview.applications.is_empty())
            .then(|| {
                view! {
                    <Part title="Applications">
                        <ul class=format!("{PANEL} flex flex-col divide-y divide-line")>
                            {preview.applications.iter().map(application).collect_view()}
                        </ul>
                    </Part>
                }
            })}
        {(!targets.is_empty()).then(|| view! { <Part title="What happens then">{plans(&targets)}</Part> })}
        {(!preview.notes.is_empty())
            .then(|| {
                view! {
                    <Part title="Also">
                        <ul class="list-disc pl-4.5 text-sm">
                            {preview.notes.iter().map(|note| view! { <li class="break-words">{note.clone()}</li> }).collect_view()}
                        </ul>
                    </Part>
                }
            })}
    }
    .into_any()
}

fn problem(problem: &EditProblem, line: Option<String>) -> AnyView {
    view! {
        <li class="rounded-md border border-l-[3px] border-line border-l-bad px-3 py-2">
            <p class="break-words">
                <span class="mr-2 font-mono text-xs text-muted">{format!("{}:{}", problem.path, problem.line)}</span>
                {format!("{}.", problem.message.trim_end_matches('.'))}
                {(!problem.new).then(|| view! { <span class="ml-2">{tag("there already")}</span> })}
            </p>
            {line.map(|line| view! { <pre class="mt-1 overflow-x-auto rounded-sm bg-bad-soft px-2 font-mono text-xs">{line}</pre> })}
            <p class="mt-0.5 text-sm text-muted">{problem.next.clone()}</p>
        </li>
    }
    .into_any()
}

fn application(edited: &EditedApplication) -> AnyView {
    let name = edited.application.name.clone();
    let words = format!("{} / {name}", edited.application.project);
    let known = edited.effect != EditEffect::Added;
    let (shape, colour) = match edited.effect {
        EditEffect::Added => (Icon::Plus, "text-ok"),
        EditEffect::Changed | EditEffect::Rendered => (Icon::OutOfSync, "text-run"),
        EditEffect::Removed => (Icon::Minus, "text-warn"),
        EditEffect::Broken => (Icon::Problem, "text-bad"),
    };
    view! {
        <li class="flex items-center gap-2 px-3 py-1.5">
            <span class=colour>{crate::components::icon::icon(shape)}</span>
            {if known {
                view! { <a class="hover:underline" href=application_address(&edited.application, &[])>{words}</a> }.into_any()
            } else {
                words.into_any()
            }}
            <span class="text-sm text-muted">{edited.effect.word()}</span>
        </li>
    }
    .into_any()
}
