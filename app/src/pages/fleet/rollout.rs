//! Where is my commit: live, waiting or failed, per cluster.

use crate::components::clock::ago;
use crate::components::icon::Icon;
use crate::components::panel::{LINK, PANEL};
use crate::components::status::{Mark, chip};
use crate::components::target_link::{commit_address_by_url, target_address};
use crate::components::tone::Tone;
use crate::format;
use leptos::prelude::*;
use lockstep_types::Micros;
use lockstep_types::fleet::{CommitOnTarget, CommitRollout, RolloutState};

/// The panel above the matrix.
pub fn rollout(rollout: CommitRollout, _now: Micros) -> AnyView {
    let total = rollout.targets.len();
    let live = rollout
        .targets
        .iter()
        .filter(|target| target.state == RolloutState::Live)
        .count();
    let failed = rollout
        .targets
        .iter()
        .filter(|target| target.state == RolloutState::Failed)
        .count();
    let waiting = total - live - failed;
    let mut parts = vec![format!(
        "live on {live} of {}",
        format::plural(total as u64, "target", "targets")
    )];
    if waiting > 0 {
        parts.push(format!("{waiting} waiting"));
    }
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    let commit = rollout.commit;
    view! {
        <section class=format!("{PANEL} flex flex-col gap-2.5 px-4 py-3") aria-label="Where this commit is">
            <div>
                <h2 class="text-base font-semibold break-words">
                    <a class=format!("{LINK} font-mono") href=commit_address_by_url(&rollout.repo_url, &commit.revision)>
                        {commit.revision.short().to_owned()}
                    </a>
                    " "
                    {commit.subject.clone()}
                </h2>
                <p class="text-sm text-muted">
                    {commit.author.clone()}
                    " · "
                    {ago(commit.committed_at)}
                    " · "
                    {format::repository(&rollout.repo_url).to_owned()}
                    " · "
                    <b class="font-medium text-ink">{parts.join(", ")}</b>
                </p>
            </div>
            <ul class="grid gap-x-6 gap-y-1.5 md:grid-cols-2 lg:grid-cols-3">
                {rollout.targets.into_iter().map(|target| view! { <li>{on_target(target)}</li> }).collect_view()}
            </ul>
        </section>
    }
    .into_any()
}

/// One target's line: state, name, why.
pub fn on_target(on: CommitOnTarget) -> AnyView {
    let (icon, tone) = match on.state {
        RolloutState::Live => (Icon::Synced, Tone::Ok),
        RolloutState::Waiting => (Icon::Progressing, Tone::Run),
        RolloutState::Failed => (Icon::Degraded, Tone::Bad),
    };
    view! {
        <span class="flex min-w-0 items-baseline gap-2">
            {chip(Mark { icon, tone, word: "" }, on.state.word())}
            <span class="min-w-0">
                <a class=LINK href=target_address(&on.target)>
                    {format!("{} on {}", on.target.application.name, on.target.cluster)}
                </a>
                <span class="text-sm text-muted">
                    {on.at.map(|at| view! { " · " {ago(at)} })}
                    {(!on.why.is_empty()).then(|| format!(" · {}", on.why))}
                </span>
            </span>
        </span>
    }
    .into_any()
}
