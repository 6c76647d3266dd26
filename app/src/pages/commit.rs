//! A commit's passport: what it changed, where it is, how long it took.

use super::activity::rollout_mark;
use crate::api::fleet::commit;
use crate::components::clock::ago;
use crate::components::code::Patch;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, PageHead, Part, TABLE, TD, TH};
use crate::components::sha::Sha;
use crate::components::status::{Mark, chip, phase_mark, state_chip};
use crate::components::target_link::{TargetLink, run_address};
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use lockstep_types::activity::CommitView;
use lockstep_types::fleet::{CommitOnTarget, RolloutState};
use lockstep_types::revision::{PathChange, PathChangeKind};
use lockstep_types::sync::RunSummary;

/// The page.
#[component]
pub fn CommitPage() -> impl IntoView {
    let params = use_params_map();
    let named = Memo::new(move |_| params.with(|params| (params.get("repo").unwrap_or_default(), params.get("sha").unwrap_or_default())));
    let tick = ticks(|| Topic::All);
    let view: Loading<CommitView> = Resource::new(move || (named.get(), tick.get()), |((repo, sha), _)| commit(repo, sha));
    view! {
        <Title text=move || format!("Commit {}", named.get().1.chars().take(7).collect::<String>()) />
        {loaded(view, show)}
    }
}

fn show(view: CommitView) -> AnyView {
    let info = &view.commit;
    let crumbs = view! { <a class=LINK href="/activity?kind=commit">"Activity"</a> " / " {view.repo.clone()} }.into_any();
    let below = view! {
        <p class="mt-1.5 flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
            <Sha revision=info.revision.clone() />
            <span title=info.author_email.clone()>{info.author.clone()} ", " {ago(info.authored_at)} " ago"</span>
            {(info.committer != info.author).then(|| format!("committed by {}", info.committer))}
            {verdict(&view.targets, view.lead_time_seconds)}
        </p>
    }
    .into_any();
    view! {
        <PageHead title=info.subject.clone() crumbs=crumbs below=below />
        {(!info.body.is_empty()).then(|| view! { <pre class="max-w-[90ch] font-sans break-words whitespace-pre-wrap text-muted">{info.body.clone()}</pre> })}
        <Part title="Where it is">{rollout(&view.targets)}</Part>
        {(!view.runs.is_empty()).then(|| view! { <Part title="Syncs that carried it">{runs(&view.runs)}</Part> })}
        <Part title=format::plural(view.files.len() as u64, "file changed", "files changed")>
            {files(&view.files)} <Patch text=view.patch.clone() />
        </Part>
    }
    .into_any()
}

fn verdict(targets: &[CommitOnTarget], lead: Option<i64>) -> Option<String> {
    let live = targets.iter().filter(|target| target.state == RolloutState::Live).count();
    match (targets.len(), lead) {
        (0, _) => None,
        (all, Some(seconds)) if live == all => Some(format!("live on all {all} targets after {}", format::span(seconds))),
        (all, _) => Some(format!("live on {live} of {}", format::plural(all as u64, "target", "targets"))),
    }
}

fn rollout(targets: &[CommitOnTarget]) -> AnyView {
    if targets.is_empty() {
        return view! { <p class="text-muted">"No application reads the paths that it changed."</p> }.into_any();
    }
    view! {
        <ul class=format!("{PANEL} divide-y divide-line")>
            {targets
                .iter()
                .map(|target| {
                    let mark = rollout_mark(target.state);
                    view! {
                        <li class="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2">
                            {state_chip(mark)} <TargetLink target=target.target.clone() />
                            <span class="min-w-0 text-sm break-words text-muted">{target.why.clone()} {target.at.map(|at| view! { " " {ago(at)} " ago" })}</span>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}

fn runs(all: &[RunSummary]) -> AnyView {
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>
                        {["Sync", "Target", "Started by", "When", "Duration"].into_iter().map(|title| view! { <th scope="col" class=TH>{title}</th> }).collect_view()}
                    </tr>
                </thead>
                <tbody>
                    {all
                        .iter()
                        .map(|run| {
                            view! {
                                <tr>
                                    <td class=TD><a href=run_address(run.id) class="hover:underline" data-row>{state_chip(phase_mark(run.phase))}</a></td>
                                    <td class=TD>{format!("{} on {}", run.target.application.name, run.target.cluster)}</td>
                                    <td class=TD>{run.started_by.words()}</td>
                                    <td class=format!("{TD} whitespace-nowrap text-muted")>{ago(run.started_at)}</td>
                                    <td class=format!("{TD} whitespace-nowrap text-muted")>{run.ended_at.map(|ended| format::duration(run.started_at, ended))}</td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
        </div>
    }
    .into_any()
}

fn files(all: &[PathChange]) -> AnyView {
    view! {
        <ul class="flex flex-col gap-1">
            {all
                .iter()
                .map(|file| {
                    let (icon, tone, word) = match file.kind {
                        PathChangeKind::Added => (Icon::Plus, Tone::Ok, "added"),
                        PathChangeKind::Modified => (Icon::OutOfSync, Tone::Run, "modified"),
                        PathChangeKind::Deleted => (Icon::Trash, Tone::Bad, "deleted"),
                    };
                    view! { <li class="flex items-center gap-2">{chip(Mark { icon, tone, word }, word)} <code class="min-w-0 font-mono text-sm break-all">{file.path.clone()}</code></li> }
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}
