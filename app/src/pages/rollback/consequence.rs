//! The consequence, before the button: what changes, in which files, and what each target does then.

use crate::components::code::Patch;
use crate::components::diff_view::impact_chip;
use crate::components::icon::Icon;
use crate::components::panel::{LINK, More, PANEL, Part, TABLE, TD, heads};
use crate::components::plan_diff::rendered;
use crate::components::plan_view::{Gate, counts_words};
use crate::components::reason::Banner;
use crate::components::target_link::{rollback_address, target_address, undo_address};
use crate::components::tone::Tone;
use crate::format;
use leptos::prelude::*;
use lockstep_types::plan::Plan;
use lockstep_types::rollback::{RollbackPreview, TargetPlan};

/// Of a commit.
pub fn commit(preview: RollbackPreview) -> AnyView {
    let lead = preview.first_line.clone();
    if preview.undo && !preview.commit_refused.is_empty() && preview.conflicts.is_empty() {
        return view! { <Banner tone=Tone::Bad lead=lead.into_any() /> }.into_any();
    }
    let banner = match preview.targets.len() > 1 {
        true => view! { <Banner tone=Tone::Warn lead=lead.into_any() /> }.into_any(),
        false => view! { <Banner tone=Tone::Warn lead=lead.into_any() rest="No other target reads these paths.".into_any() /> }.into_any(),
    };
    let (then, undone) = (plans(&preview.targets), undone(&preview));
    if !preview.conflicts.is_empty() {
        return conflicts(&preview);
    }
    view! {
        {banner}
        {contents(preview.files.len(), &preview.patch, &preview.message)}
        {(!preview.signed_with.is_empty())
            .then(|| {
                view! {
                    <p class="text-sm text-muted">
                        "Signed with the key "
                        <span class="font-mono break-all text-ink">{preview.signed_with.clone()}</span>
                    </p>
                }
            })}
        <Part title="What happens then">{then}</Part>
        {undone}
    }
    .into_any()
}

/// Why a commit is not taken back by itself; nothing else can be said of it.
fn conflicts(preview: &RollbackPreview) -> AnyView {
    let files = preview
        .conflicts
        .iter()
        .map(|conflict| view! { <li class="font-mono text-sm break-words">{conflict.clone()}</li> })
        .collect_view();
    let number = preview.conflicts.len() as u64;
    let rest = view! {
        "Nothing is guessed. Go back to an earlier "
        <a class=LINK href=rollback_address(&preview.target, None)>
            "state"
        </a>
        " instead, or take it back by hand in Git."
    };
    view! {
        <Banner tone=Tone::Bad shape=Icon::Degraded lead="Later commits changed the same.".into_any() rest=rest.into_any() />
        <Part title=format::plural(number, "conflict", "conflicts")>
            <ul class=format!("{PANEL} flex flex-col gap-1 px-3 py-2.5")>{files}</ul>
        </Part>
    }
    .into_any()
}

/// What a commit of so many files changes, and its message.
pub fn contents(files: usize, patch: &str, message: &str) -> AnyView {
    let files = format::plural(files as u64, "file", "files");
    let (patch, message) = (patch.to_owned(), message.to_owned());
    view! {
        <Part title=format!("What the commit contains: {files}")>
            <Patch text=patch />
            <More title="Its message">
                <pre class="overflow-x-auto rounded-md border border-line bg-surface px-3 py-2 font-mono text-xs whitespace-pre-wrap">
                    {message}
                </pre>
            </More>
        </Part>
    }
    .into_any()
}

/// Of a pin: only this target.
pub fn pin(preview: &RollbackPreview) -> AnyView {
    let cluster = preview.target.cluster.clone();
    let then = plans(&preview.plans(true));
    view! {
        <Banner
            tone=Tone::Idle
            shape=Icon::Pin
            lead=format!("Only {cluster} changes. Git is not touched.").into_any()
            rest="It shows everywhere as pinned, never as synced. New commits wait, and are counted.".into_any()
        />
        <Part title="What happens then">{then}</Part>
        {cannot_undo(preview)}
    }
    .into_any()
}

/// What each target does once the commit is on the branch.
pub fn plans(targets: &[TargetPlan]) -> AnyView {
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>
                        {heads(&["Target", "Plan", "Consequence", "Then"])}
                    </tr>
                </thead>
                <tbody>{targets.iter().map(row).collect_view()}</tbody>
            </table>
        </div>
        {targets
            .iter()
            .filter_map(|target| target.plan.as_ref())
            .filter(|plan| !plan.gate.is_empty())
            .map(|plan| view! { <Gate findings=plan.gate.clone() /> })
            .collect_view()}
        {rendered(targets)}
    }
    .into_any()
}

fn row(target: &TargetPlan) -> AnyView {
    let gated = target
        .plan
        .as_ref()
        .is_some_and(|plan| !plan.gate.is_empty());
    let then = match (&target.plan, gated, target.automated) {
        (None, ..) => "its plan is made before anything is written",
        (_, true, _) => "awaits approval: the prune gate objects",
        (_, false, true) => "syncs by itself",
        (_, false, false) => "waits for a sync by hand",
    };
    view! {
        <tr>
            <td class=TD>
                <a class="hover:underline" href=target_address(&target.target)>
                    {format!("{} on {}", target.target.application.name, target.target.cluster)}
                </a>
            </td>
            <td class=TD>
                {match &target.plan {
                    Some(plan) => counts_words(&plan.counts()).into_any(),
                    None => view! { <span class="text-muted">{target.error.clone()}</span> }.into_any(),
                }}
            </td>
            <td class=TD>{target.plan.as_ref().and_then(Plan::worst_impact).map(impact_chip)}</td>
            <td class=format!("{TD} text-sm text-muted")>{then}</td>
        </tr>
    }
    .into_any()
}

/// The commits that are taken back, and what stays as it is.
pub fn undone(preview: &RollbackPreview) -> AnyView {
    let number = preview.undone.len() as u64;
    let lines = preview
        .undone
        .iter()
        .take(20)
        .map(|commit| {
            view! {
                <li class="break-words">
                    <span class="font-mono">{commit.revision.short().to_owned()}</span>
                    {format!(" {} · ", commit.subject)}
                    <span class="text-muted">{commit.author.clone()}</span>
                    {(number > 1)
                        .then(|| {
                            view! {
                                " · "
                                <a class=LINK href=undo_address(&preview.target, &commit.revision)>
                                    "undo only this one"
                                </a>
                            }
                        })}
                </li>
            }
        })
        .collect_view();
    view! {
        {(number > 0)
            .then(|| {
                view! {
                    <Part title=format!("Undoes {}", format::plural(number, "commit", "commits"))>
                        <ul class="text-sm">
                            {lines}
                            {(number > 20).then(|| format!("and {} more", number - 20))}
                        </ul>
                    </Part>
                }
            })}
        {cannot_undo(preview)}
    }
    .into_any()
}

/// What going back does not bring back.
pub fn cannot_undo(preview: &RollbackPreview) -> AnyView {
    let lines = preview
        .cannot_undo
        .iter()
        .map(|line| view! { <li class="break-words">{line.clone()}</li> })
        .collect_view();
    (!preview.cannot_undo.is_empty())
        .then(|| {
            view! {
                <Part title="Cannot be undone">
                    <ul class="list-disc pl-4.5 text-sm">
                        {lines}
                    </ul>
                </Part>
            }
        })
        .into_any()
}
