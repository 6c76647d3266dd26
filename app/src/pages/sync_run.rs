//! A sync run: what it waits for, each object with action, duration and message, and the plan as it was made.

use crate::api::syncs::{SyncTarget, TerminateRun, operation_run, run};
use crate::components::button::{Look, Submit, refusal};
use crate::components::clock::{Clock, ago};
use crate::components::feedback::ActionFailure;
use crate::components::icon::{Icon, icon};
use crate::components::layout::use_session;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, PageHead, Part, TABLE, TD, TH};
use crate::components::plan_view::{Gate, action_chip, counts_words};
use crate::components::reason::Banner;
use crate::components::sha::Sha;
use crate::components::status::{phase_mark, state_chip, step_mark};
use crate::components::target_link::{run_address, target_address};
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_params_map;
use lockstep_types::Micros;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::id::{OperationId, RunId};
use lockstep_types::sync::{RunSummary, RunView, StepOutcome, SyncPhase};

/// The page of an operation: leads to its run as soon as there is one.
#[component]
pub fn OperationPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<OperationId>().ok())));
    let tick = ticks(|| Topic::All);
    let found = Resource::new(move || (id.get(), tick.get()), |(id, _)| async move {
        match id {
            Some(id) => operation_run(id).await,
            None => Err(lockstep_types::PortError::NotFound("this operation".to_owned()).into()),
        }
    });
    view! {
        <Title text="Sync" />
        {loaded(found, |run| match run {
            Some(run) => view! { <Redirect path=run_address(run) /> }.into_any(),
            None => view! {
                <PageHead title="The sync is about to start" />
                <p class="text-muted">"It is written down and waits for its target. This page goes on by itself; without scripts, "<a class=LINK href="" rel="external">"load it again"</a>"."</p>
            }
            .into_any(),
        })}
    }
}

/// The page of a run.
#[component]
pub fn SyncRunPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<RunId>().ok())));
    let tick = ticks(move || Topic::Run(id.get()));
    let view: Loading<RunView> = Resource::new(move || (id.get(), tick.get()), |(id, _)| async move {
        match id {
            Some(id) => run(id).await,
            None => Err(lockstep_types::PortError::NotFound("this sync".to_owned()).into()),
        }
    });
    let terminate = ServerAction::<TerminateRun>::new();
    let retry = ServerAction::<SyncTarget>::new();
    let session = use_session();
    let clock = Clock::current();
    let failure = Signal::derive(move || terminate.value().get().and_then(Result::err).or_else(|| retry.value().get().and_then(Result::err)));
    view! {
        <Title text="Sync" />
        <ActionFailure error=failure />
        {loaded(
            view,
            move |view| {
                let actor = session.and_then(|session| session.get()).and_then(Result::ok).map(|session| session.actor);
                show(view, actor.as_ref(), clock.0.get_untracked(), terminate, retry)
            },
        )}
    }
}

fn show(view: RunView, actor: Option<&Actor>, now: Micros, terminate: ServerAction<TerminateRun>, retry: ServerAction<SyncTarget>) -> AnyView {
    let run = view.summary.clone();
    let crumbs = view! {
        <a class=LINK href="/">"Fleet"</a>
        " / "
        <a class=LINK href=target_address(&run.target)>{format!("{} on {}", run.target.application.name, run.target.cluster)}</a>
    }
    .into_any();
    let actions = buttons(&view, actor, terminate, retry);
    let failed = view.steps.iter().filter(|step| step.status == lockstep_types::sync::StepStatus::Failed).count();
    view! {
        <PageHead title=format!("Sync of {}", run.target.application.name) crumbs=crumbs below=head(&run) actions=actions />
        {message(&view)}
        {view.plan.as_ref().filter(|plan| !plan.gate.is_empty()).map(|plan| view! { <Gate findings=plan.gate.clone() /> })}
        <Part title=format!("{}{}", format::sentence_case(&counts_words(&run.counts)), if failed > 0 { format!(", {failed} failed") } else { String::new() })>
            {steps(&view.steps, &run, now)}
        </Part>
        {view
            .plan
            .map(|plan| plan.report)
            .filter(|report| !report.is_empty())
            .map(|report| view! { <Part title="What the plan says besides"><ul class="list-disc pl-5 text-muted">{report.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul></Part> })}
    }
    .into_any()
}

fn head(run: &RunSummary) -> AnyView {
    let subject = run.commit.as_ref().map(|commit| format!("{} · {}", commit.subject, commit.author));
    let lasted = run.ended_at.map(|ended| format!("took {}", format::duration(run.started_at, ended)));
    view! {
        <p class="mt-1.5 flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
            {state_chip(phase_mark(run.phase))} <Sha revision=run.revision.clone() /> <span class="break-words">{subject}</span>
            <span>"started by " {run.started_by.words()} ", " {ago(run.started_at)} " ago"</span> <span>{lasted}</span>
        </p>
    }
    .into_any()
}

fn buttons(view: &RunView, actor: Option<&Actor>, terminate: ServerAction<TerminateRun>, retry: ServerAction<SyncTarget>) -> AnyView {
    let run = &view.summary;
    let terminating = view.may_terminate.then(|| {
        let (id, refused) = (run.id.to_string(), refusal(actor, Permission::Terminate));
        view! {
            <ActionForm action=terminate>
                <input type="hidden" name="run" value=id />
                <Submit look=Look::Danger shape=Icon::Close refused=refused pending=terminate.pending()>"Terminate"</Submit>
            </ActionForm>
        }
    });
    let retrying = view.may_retry.then(|| {
        let (target, key) = (run.target.id.to_string(), format!("retry-{}", run.id));
        let refused = refusal(actor, Permission::Sync);
        view! {
            <ActionForm action=retry>
                <input type="hidden" name="target" value=target />
                <input type="hidden" name="prune" value="false" />
                <input type="hidden" name="key" value=key />
                <Submit look=Look::Primary shape=Icon::Refresh refused=refused pending=retry.pending()>"Retry"</Submit>
            </ActionForm>
        }
    });
    view! { {terminating} {retrying} }.into_any()
}

fn message(view: &RunView) -> Option<AnyView> {
    let run = &view.summary;
    let mark = phase_mark(run.phase);
    let (tone, text) = match run.phase {
        SyncPhase::Succeeded => return None,
        _ if !view.waiting_for.is_empty() => (mark.tone, view.waiting_for.clone()),
        _ if !run.message.is_empty() => (mark.tone, run.message.clone()),
        SyncPhase::Interrupted => (Tone::Warn, "The server ended while this ran; what was applied is kept, and the next sync goes on from there".to_owned()),
        _ => return None,
    };
    let lead = format::sentence_case(&text).into_any();
    let rest = (run.phase == SyncPhase::AwaitingApproval).then(|| view! { <a class=LINK href="/approvals">"Decide in Approvals"</a> }.into_any());
    Some(match rest {
        Some(rest) => view! { <Banner tone=tone shape=mark.icon lead=lead rest=rest /> }.into_any(),
        None => view! { <Banner tone=tone shape=mark.icon lead=lead /> }.into_any(),
    })
}

fn steps(all: &[StepOutcome], run: &RunSummary, now: Micros) -> AnyView {
    if all.is_empty() {
        return view! { <p class="text-muted">"No object had to be touched."</p> }.into_any();
    }
    let end = run.ended_at.unwrap_or(now).0.max(run.started_at.0 + 1);
    let waves = all.iter().any(|step| step.wave != all[0].wave);
    let mut rows = Vec::new();
    let mut wave = None;
    for step in all {
        if waves && wave != Some(step.wave) {
            wave = Some(step.wave);
            rows.push(view! { <tr><th scope="colgroup" colspan="4" class="bg-page px-3 py-1 text-xs font-semibold text-muted">{format!("Wave {}", step.wave)}</th></tr> }.into_any());
        }
        rows.push(row(step, run.started_at.0, end));
    }
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>
                        <th scope="col" class=TH>"Object"</th>
                        <th scope="col" class=TH>"Action"</th>
                        <th scope="col" class=format!("{TH} w-64 max-md:hidden")>"When"</th>
                        <th scope="col" class=TH>"Result"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(step: &StepOutcome, from: i64, to: i64) -> AnyView {
    let mark = step_mark(step.status);
    view! {
        <tr>
            <td class=TD>
                <span class="text-sm text-muted">{step.key.kind.clone()}</span>
                " "
                <span class="font-medium break-all">{step.key.name.clone()}</span>
                {(!step.key.namespace.is_empty()).then(|| view! { <span class="block text-xs text-muted">{step.key.namespace.clone()}</span> })}
            </td>
            <td class=TD>{action_chip(&step.action)}</td>
            <td class=format!("{TD} max-md:hidden")>{bar(step, from, to)}</td>
            <td class=TD>
                <span class=format!("flex items-center gap-1.5 whitespace-nowrap {}", mark.tone.text())>{icon(mark.icon)} {mark.word}</span>
                {(!step.message.is_empty()).then(|| view! { <span class="block max-w-[60ch] text-sm break-words text-muted">{step.message.clone()}</span> })}
            </td>
        </tr>
    }
    .into_any()
}

/// The step's place in the time of the run, and how long it took.
fn bar(step: &StepOutcome, from: i64, to: i64) -> AnyView {
    let Some(started) = step.started_at else { return ().into_any() };
    let ended = step.ended_at.map_or(to, |ended| ended.0);
    let whole = (to - from).max(1);
    // A thousandth is fine enough for a bar of 180 pixels.
    let share = |at: i64| ((at - from).clamp(0, whole) as i128 * 1_000 / i128::from(whole)) as i64;
    let (left, right) = (share(started.0), share(ended));
    let lasted = format::duration(started, Micros(ended));
    view! {
        <span class="flex items-center gap-2">
            <svg class="h-2 w-44 flex-none" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">
                <rect class="fill-sunken" width="1000" height="8" rx="2" />
                <rect class="fill-accent" x=left.to_string() width=(right - left).max(12).to_string() height="8" />
            </svg>
            <span class="text-xs whitespace-nowrap text-muted">{lasted}</span>
        </span>
    }
    .into_any()
}
