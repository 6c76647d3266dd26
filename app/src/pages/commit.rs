//! A commit's passport: what it changed, where it is, how it got there.

use crate::api::fleet::commit;
use crate::components::clock::ago;
use crate::components::code::Patch;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, PageHead, Part, TABLE, TD, heads};
use crate::components::sha::Sha;
use crate::components::status::{Mark, phase_mark, state_chip};
use crate::components::target_link::{compare_address, preview_address, run_address, target_words};
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use crate::pages::activity::approval;
use crate::pages::fleet::on_target;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use lockstep_types::activity::{CommitRender, CommitView, RenderOutcome};
use lockstep_types::application::TargetRef;
use lockstep_types::fleet::RolloutState;
use lockstep_types::pull::{CommitPull, PullReview, ReviewVerdict};
use lockstep_types::revision::{CommitInfo, CommitSignature, SignatureRule, SignatureState};
use lockstep_types::sync::RunSummary;

/// The page.
#[component]
pub fn CommitPage() -> impl IntoView {
    let params = use_params_map();
    let wanted = Memo::new(move |_| {
        params.with(|params| {
            (
                params.get("repo").unwrap_or_default(),
                params.get("sha").unwrap_or_default(),
            )
        })
    });
    let tick = ticks(|| Topic::All);
    let view: Loading<CommitView> = Resource::new(
        move || (wanted.get(), tick.get()),
        |((repo, sha), _)| commit(repo, sha),
    );
    view! {
        <Title text="Commit" />
        {loaded(view, page)}
    }
}

fn page(view: CommitView) -> AnyView {
    let info = view.commit;
    let live = view
        .targets
        .iter()
        .filter(|target| target.state == RolloutState::Live)
        .count();
    let total = view.targets.len() as u64;
    let crumbs = view! {
        <a class="hover:underline" href="/activity?kind=commit">
            "Commits"
        </a>
        " / "
        {match format::web_address(&view.repo_url) {
            Some(web) => view! { <a class="hover:underline" href=web.to_owned() rel="external noreferrer">{format::repository(&view.repo_url).to_owned()}</a> }.into_any(),
            None => view.repo.clone().into_any(),
        }}
    }
    .into_any();
    let below = view! {
        <div class="mt-1.5 flex flex-wrap items-center gap-x-3.5 gap-y-1 text-sm text-muted">
            <Sha revision=info.revision.clone() />
            <span title=info.author_email.clone()>{info.author.clone()}</span>
            <span>{ago(info.committed_at)} " ago"</span>
            <span title=view.signature.words()>{state_chip(signature_mark(view.signature.state()))}</span>
            {(info.committer != info.author).then(|| format!("committed by {}", info.committer))}
            {match view.lead_time_seconds {
                Some(seconds) => format!("live everywhere after {}", format::span(seconds)),
                None if total > 0 => format!("live on {live} of {}", format::plural(total, "target", "targets")),
                None => String::new(),
            }}
        </div>
        {(!info.body.is_empty()).then(|| view! { <pre class="mt-3 max-w-[80ch] font-sans whitespace-pre-wrap">{info.body.clone()}</pre> })}
    }
    .into_any();
    let preview = preview_address(&view.repo, &info.revision);
    let again = rendered(view.renders, view.untouched, &info);
    let files = format::plural(view.files.len() as u64, "file", "files");
    let targets = view.targets;
    let runs = view.runs;
    view! {
        <PageHead title=info.subject.clone() crumbs=crumbs below=below />
        <Part title="Where it is">
            {if targets.is_empty() {
                view! {
                    <p class="text-muted">
                        "No target reads the paths that it changes. "
                        <a class=LINK href=preview>
                            "What it would do once it is merged"
                        </a>
                    </p>
                }
                    .into_any()
            } else {
                view! {
                    <ul class=format!("{PANEL} grid gap-x-6 gap-y-1.5 px-3 py-2.5 md:grid-cols-2")>
                        {targets.into_iter().map(|target| view! { <li>{on_target(target)}</li> }).collect_view()}
                    </ul>
                }
                    .into_any()
            }}
        </Part>
        {reviews(view.pull.as_ref())}
        {signatures(&view.signature)}
        {again}
        {(!runs.is_empty()).then(|| view! { <Part title="Syncs that carried it">{run_table(runs)}</Part> })}
        <Part title=format!("What it changed: {files}")>
            <Patch text=view.patch />
        </Part>
    }
    .into_any()
}

/// Whether somebody vouches for it.
fn signature_mark(state: SignatureState) -> Mark {
    let (icon, tone, word) = match state {
        SignatureState::Verified => (Icon::Healthy, Tone::Ok, "verified"),
        SignatureState::Refused => (Icon::Degraded, Tone::Bad, "signature refused"),
        SignatureState::Unasked => (Icon::Minus, Tone::Unknown, "signed, not verified"),
        SignatureState::Unsigned => (Icon::Minus, Tone::Unknown, "unsigned"),
    };
    Mark { icon, tone, word }
}

/// What every rule says of it; one sentence where there is none.
fn signatures(signature: &CommitSignature) -> AnyView {
    let line = |rule: &SignatureRule| {
        let state = if rule.verdict.is_good() {
            SignatureState::Verified
        } else {
            SignatureState::Refused
        };
        view! {
            <li class="flex flex-wrap items-center gap-x-2">
                {state_chip(signature_mark(state))}
                <span>{rule.words()}</span>
                <span class="text-muted">{format!("asked for by {}", rule.asked_by)}</span>
            </li>
        }
    };
    let body = if signature.rules.is_empty() {
        view! { <p class="text-muted">{signature.words()} "."</p> }.into_any()
    } else {
        let rules: Vec<_> = signature.rules.iter().map(line).collect();
        view! { <ul class=format!("{PANEL} grid gap-y-1.5 px-3 py-2.5")>{rules}</ul> }.into_any()
    };
    view! { <Part title="Who vouches for it">{body}</Part> }.into_any()
}

/// The pull request that brought it and what everybody said of it.
fn reviews(pull: Option<&CommitPull>) -> AnyView {
    let line = |review: &PullReview| {
        let (icon, tone) = match review.verdict {
            ReviewVerdict::Approved => (Icon::Healthy, Tone::Ok),
            ReviewVerdict::ChangesRequested => (Icon::Degraded, Tone::Bad),
            _ => (Icon::Minus, Tone::Unknown),
        };
        let mark = Mark {
            icon,
            tone,
            word: review.verdict.words(),
        };
        view! {
            <li class="flex flex-wrap items-center gap-x-2">
                <span class="font-medium">{review.person.clone()}</span>
                {state_chip(mark)}
                {review.at.map(|at| view! { <span class="text-muted">{ago(at)} " ago"</span> })}
            </li>
        }
    };
    let body = match pull {
        None => view! {
            <p class="text-muted">
                "No approval known: no Git host that is set up in Settings names a merged pull request of it."
            </p>
        }
        .into_any(),
        Some(pull) => {
            let lines: Vec<_> = pull.reviews.iter().map(line).collect();
            view! {
                <div class=format!("{PANEL} px-3 py-2.5")>
                    <p class="break-words">{approval(Some(pull))} {format!(": {}, by {}", pull.title, pull.author)}</p>
                    {(!lines.is_empty()).then(|| view! { <ul class="mt-1.5 grid gap-y-1.5">{lines}</ul> })}
                </div>
            }
            .into_any()
        }
    };
    view! { <Part title="Who approved it">{body}</Part> }.into_any()
}

/// Which targets it made render again, and which it left alone.
fn rendered(
    renders: Vec<CommitRender>,
    untouched: Vec<TargetRef>,
    commit: &CommitInfo,
) -> Option<AnyView> {
    if renders.is_empty() && untouched.is_empty() {
        return None;
    }
    let again = renders
        .iter()
        .filter(|render| render.outcome == RenderOutcome::Rendered)
        .count() as u64;
    let title = format!(
        "What it made render: {} of {}",
        again,
        format::plural(
            (renders.len() + untouched.len()) as u64,
            "target",
            "targets"
        )
    );
    let left = format::plural(untouched.len() as u64, "target", "targets");
    let renders: Vec<AnyView> = renders
        .into_iter()
        .map(|render| render_line(render, commit))
        .collect();
    let view = view! {
        <Part title=title>
            <div class=format!("{PANEL} px-3 py-2.5")>
                {(!renders.is_empty()).then(|| view! {
                    <ul aria-label="Looked at again" class="grid gap-x-6 gap-y-1.5 md:grid-cols-2">
                        {renders.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}
                    </ul>
                })}
                {(!untouched.is_empty()).then(|| view! {
                    <details class="mt-2 text-muted">
                        <summary>{format!("{left} not rendered: no file was touched that they look at")}</summary>
                        <ul aria-label="Untouched" class="mt-1.5 grid gap-x-6 gap-y-1 md:grid-cols-3">
                            {untouched.into_iter().map(|target| view! { <li>{target_words(&target)}</li> }).collect_view()}
                        </ul>
                    </details>
                })}
            </div>
        </Part>
    };
    Some(view.into_any())
}

fn render_line(render: CommitRender, commit: &CommitInfo) -> AnyView {
    let parent = commit.parents.first();
    let difference = parent
        .filter(|_| render.outcome == RenderOutcome::Rendered)
        .map(|parent| {
            let href = compare_address(&render.target, parent, &commit.revision);
            view! {
                " · "
                <a class=LINK href=href>
                    "What it changed"
                </a>
            }
        });
    let took = (render.outcome == RenderOutcome::Rendered).then(|| {
        if render.millis < 1000 {
            format!(" in {} ms", render.millis)
        } else {
            format!(" in {:.1} s", f64::from(render.millis) / 1000.0)
        }
    });
    let why = (!render.why.is_empty()).then(|| format!(": {}", render.why));
    view! {
        <span class="font-medium">{target_words(&render.target)}</span>
        " "
        <span class="text-muted">{render.outcome.words()} {took} {why}</span>
        {difference}
    }
    .into_any()
}

fn run_table(runs: Vec<RunSummary>) -> AnyView {
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>
                        {heads(&["When", "Target", "By", "Result", "Took"])}
                    </tr>
                </thead>
                <tbody>
                    {runs
                        .into_iter()
                        .map(|run| {
                            view! {
                                <tr>
                                    <td class=format!("{TD} text-muted")>{ago(run.started_at)}</td>
                                    <td class=TD>
                                        <a class=LINK href=run_address(run.id)>
                                            {target_words(&run.target)}
                                        </a>
                                    </td>
                                    <td class=TD>{run.started_by.words()}</td>
                                    <td class=TD>
                                        {state_chip(phase_mark(run.phase))}
                                        <span class="block text-xs text-muted">{run.once.words()}</span>
                                    </td>
                                    <td class=format!("{TD} text-muted")>{run.ended_at.map(|end| format::duration(run.started_at, end))}</td>
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
