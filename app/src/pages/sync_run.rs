//! One run: where it is, what it waits for and why, each object's step by phase and wave, and the plan as it was
//! approved.

mod waterfall;

use crate::api::syncs::{SyncTarget, TerminateRun, operation_run, run};
use crate::components::button::{ActLink, Look, Submit, refusal_on};
use crate::components::clock::{Clock, ago};
use crate::components::feedback::{ActionFailure, Empty};
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded, loaded_for};
use crate::components::panel::{ACTION_LINK, H2, PageHead};
use crate::components::plan_view::{Gate, counts_words};
use crate::components::reason::Banner;
use crate::components::sha::Sha;
use crate::components::status::{phase_mark, state_chip};
use crate::components::target_link::{rollback_address, run_address, target_address};
use crate::components::tone::Tone;
use crate::error::ApiError;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_params_map;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::id::{OperationId, RunId};
use lockstep_types::sync::{RunView, SyncPhase};

/// `/operations/:id`: leads on to the run as soon as there is one.
#[component]
pub fn OperationPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| {
        params.with(|params| {
            params
                .get("id")
                .and_then(|id| id.parse::<OperationId>().ok())
        })
    });
    let tick = ticks(|| Topic::All);
    let found: Loading<Option<RunId>> = Resource::new(
        move || (id.get(), tick.get()),
        |(id, _)| async move {
            operation_run(
                id.ok_or_else(|| ApiError::from(PortError::NotFound("this operation".into())))?,
            )
            .await
        },
    );
    view! {
        <Title text="Sync" />
        {loaded(
            found,
            |run| match run {
                Some(run) => view! { <Redirect path=run_address(run) /> }.into_any(),
                None => {
                    view! {
                        <noscript>
                            <meta http-equiv="refresh" content="2" />
                        </noscript>
                        <Empty title="The sync is queued" shape=Icon::Progressing>
                            "It begins as soon as its cluster is free. This page goes on to it by itself."
                        </Empty>
                    }
                        .into_any()
                }
            },
        )}
    }
}

/// `/syncs/:id`.
#[component]
pub fn SyncRunPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| {
        params.with(|params| params.get("id").and_then(|id| id.parse::<RunId>().ok()))
    });
    let tick = ticks(move || Topic::Run(id.get()));
    let data: Loading<RunView> = Resource::new(
        move || (id.get(), tick.get()),
        |(id, _)| async move {
            run(id.ok_or_else(|| ApiError::from(PortError::NotFound("this sync".into())))?).await
        },
    );
    let clock = Clock::current();
    view! {
        <Title text="Sync" />
        {loaded_for(data, move |view, actor| page(view, actor, clock))}
    }
}

fn page(view: RunView, actor: Option<&Actor>, clock: Clock) -> AnyView {
    let run = view.summary.clone();
    let target = run.target.clone();
    let crumbs = view! {
        <a class="hover:underline" href="/">
            "Fleet"
        </a>
        " / "
        <a class="hover:underline" href=target_address(&target)>
            {format!("{} / {} on {}", target.application.project, target.application.name, target.cluster)}
        </a>
    }
    .into_any();
    let subject = run
        .commit
        .as_ref()
        .map(|commit| format!("{} · {}", commit.subject, commit.author));
    let once = format::sentence_case(&run.once.words());
    let (begun, ended) = (run.started_at, run.ended_at);
    let lasted = move || match ended {
        Some(ended) => format!("took {}", format::duration(begun, ended)),
        None => format!("runs for {}", format::relative(begun, clock.now())),
    };
    let below = view! {
        <div class="mt-1.5 flex flex-wrap items-center gap-x-3.5 gap-y-1 text-sm text-muted">
            {state_chip(phase_mark(run.phase))}
            <Sha revision=run.revision.clone() />
            {subject.map(|subject| view! { <span class="break-words">{subject}</span> })}
            {(!once.is_empty()).then(|| view! { <span class="font-medium text-ink">{once}</span> })}
            <span>"by " {run.started_by.words()}</span>
            <span>"began " {ago(run.started_at)} " ago"</span>
            <span>{lasted}</span>
            <span>{counts_words(&run.counts)}</span>
        </div>
    }
    .into_any();
    let waits = view.waiting_for.clone();
    let gate = view
        .plan
        .as_ref()
        .map(|plan| plan.gate.clone())
        .unwrap_or_default();
    let report = view
        .plan
        .as_ref()
        .map(|plan| plan.report.clone())
        .unwrap_or_default();
    view! {
        <PageHead title=format!("Sync of {}", target.application.name) crumbs=crumbs below=below actions=actions(&view, actor) />
        {outcome(&view, actor)}
        {(!waits.is_empty())
            .then(|| {
                let lead = format!("Waits for {waits}").into_any();
                view! { <Banner tone=Tone::Run shape=Icon::Progressing lead=lead /> }
            })}
        {(!gate.is_empty()).then(|| view! { <section class="flex flex-col gap-2"><h2 class=H2>"What the prune gate found"</h2><Gate findings=gate /></section> })}
        {view.bodies_gone_at.map(|at| view! {
            <p class="text-sm text-muted">
                "Its plan and what was said of each step were let go " {ago(at)} " ago, by the policy in Settings → History. What happened is kept."
            </p>
        })}
        {waterfall::waterfall(&view, clock)}
        {report.into_iter().map(|line| view! { <p class="text-sm text-muted">{line}</p> }).collect_view()}
    }
    .into_any()
}

fn outcome(view: &RunView, actor: Option<&Actor>) -> AnyView {
    let run = &view.summary;
    let (tone, lead) = match run.phase {
        SyncPhase::Failed | SyncPhase::Succeeded if run.once.dry_run => (
            match run.phase {
                SyncPhase::Failed => Tone::Bad,
                _ => Tone::Ok,
            },
            format!("{}.", format::sentence_case(&run.message)),
        ),
        SyncPhase::Succeeded if run.once.selects() => {
            (Tone::Ok, "Only what was chosen was synced.".to_owned())
        }
        SyncPhase::Failed => (Tone::Bad, format!("Failed: {}.", run.message)),
        SyncPhase::Interrupted => (Tone::Warn, format!("Interrupted: {}.", run.message)),
        SyncPhase::Superseded | SyncPhase::Terminated if !run.message.is_empty() => (
            Tone::Unknown,
            format!("{}.", format::sentence_case(&run.message)),
        ),
        SyncPhase::AwaitingApproval => (
            Tone::Warn,
            "Awaits approval: nothing is written until somebody says yes to exactly this plan."
                .to_owned(),
        ),
        _ => return ().into_any(),
    };
    let back = rollback_address(&run.target, None);
    let refused = refusal_on(actor, Permission::Rollback, &run.target.application);
    let next = match run.phase {
        SyncPhase::AwaitingApproval => view! { <a class=ACTION_LINK href="/approvals">"Look at the plan and decide"</a> }.into_any(),
        SyncPhase::Succeeded if run.once.dry_run => "Each step has the cluster's verdict.".into_any(),
        _ if run.once.dry_run => "Nothing was written. Where the cluster was asked, its steps have the verdict.".into_any(),
        SyncPhase::Succeeded => "No hook ran, and the revision does not count as deployed by it.".into_any(),
        SyncPhase::Failed => view! { "What was applied stays. " <ActLink class=ACTION_LINK href=back refused=refused>"Roll back"</ActLink> " or mend it with a commit." }.into_any(),
        _ => "What was applied stays; the next sync compares anew.".into_any(),
    };
    view! { <Banner tone=tone lead=lead.into_any() rest=next /> }.into_any()
}

fn actions(view: &RunView, actor: Option<&Actor>) -> AnyView {
    let terminate = ServerAction::<TerminateRun>::new();
    let retry = ServerAction::<SyncTarget>::new();
    let failed = Signal::derive(move || {
        terminate
            .value()
            .get()
            .and_then(Result::err)
            .or_else(|| retry.value().get().and_then(Result::err))
    });
    let (no_end, no_sync) = (
        refusal_on(
            actor,
            Permission::Terminate,
            &view.summary.target.application,
        ),
        refusal_on(actor, Permission::Sync, &view.summary.target.application),
    );
    let (run, target) = (
        view.summary.id.to_string(),
        view.summary.target.id.to_string(),
    );
    let key = format!("retry-{run}");
    let (may_terminate, may_retry) = (view.may_terminate, view.may_retry);
    view! {
        {may_retry
            .then(|| {
                view! {
                    <ActionForm action=retry attr:class="contents">
                        <input type="hidden" name="target" value=target />
                        <input type="hidden" name="key" value=key />
                        <Submit look=Look::Plain shape=Icon::OutOfSync refused=no_sync pending=retry.pending()>
                            "Sync again"
                        </Submit>
                    </ActionForm>
                }
            })}
        {may_terminate
            .then(|| {
                view! {
                    <ActionForm action=terminate attr:class="contents">
                        <input type="hidden" name="run" value=run />
                        <Submit look=Look::Danger shape=Icon::Close refused=no_end pending=terminate.pending()>
                            "Terminate"
                        </Submit>
                    </ActionForm>
                }
            })}
        <ActionFailure error=failed />
    }
    .into_any()
}
