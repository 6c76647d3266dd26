//! Why it is not well, before everything else; then what is in force: hold, pin, observe, a running sync.

use crate::api::rollbacks::{Release, Unpin};
use crate::components::button::{ActLink, Look, Submit, refusal, refusal_on};
use crate::components::clock::{Clock, ago};
use crate::components::feedback::ActionFailure;
use crate::components::icon::Icon;
use crate::components::panel::{ACTION_LINK, Fold, LINK};
use crate::components::reason::{Banner, ReasonBanner};
use crate::components::rollout::steps;
use crate::components::sha::Sha;
use crate::components::status::phase_word;
use crate::components::target_link::{
    leftovers_address, orphans_address, rollback_address, run_address,
};
use crate::components::tone::Tone;
use crate::format;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::{ApplicationView, Hold, Pin, TargetSummary};
use lockstep_types::reason::ReasonCode;
use lockstep_types::rollout::{RolloutPhase, RolloutView};
use lockstep_types::source::Mode;

/// All banners of the chosen target.
pub fn banners(
    view: &ApplicationView,
    target: &TargetSummary,
    actor: Option<&Actor>,
    clock: Clock,
) -> AnyView {
    let now = clock.0.get_untracked();
    let reason = target
        .reason
        .clone()
        // Hold and pin say it themselves, with their ends.
        .filter(|reason| {
            !matches!(
                (reason.code, &target.hold, &target.pin),
                (ReasonCode::Held, Some(_), _) | (ReasonCode::Pinned, _, Some(_))
            )
        });
    let running = target
        .running
        .filter(|_| target.phase.is_some_and(|phase| !phase.is_final()));
    view! {
        {reason.map(|reason| view! { <ReasonBanner reason=reason actions=actions(view, target, actor) /> })}
        {running
            .map(|run| {
                let phase = target.phase.map(phase_word).unwrap_or_default();
                let lead = view! {
                    "A sync is "
                    {phase}
                    ". "
                    <a class=ACTION_LINK href=run_address(run)>
                        "Watch it"
                    </a>
                }
                    .into_any();
                view! { <Banner tone=Tone::Run shape=Icon::Progressing lead=lead /> }
            })}
        {view.rollout.as_ref().map(rollout)}
        {orphans(view, target)}
        {target.hold.clone().map(|hold| hold_banner(hold, target, actor, now))}
        {target.pin.clone().map(|pin| pin_banner(pin, target, actor, now))}
        {(target.mode == Mode::Observe)
            .then(|| {
                let lead = "Observed only: Lockstep compares and records, and writes nothing here.".into_any();
                let rest = view! {
                    "To let it sync, "
                    <ActLink class=LINK href=format!("/settings?tab=sources&take={}", view.source) refused=refusal(actor, Permission::TakeOver)>
                        {format!("take over {}", view.source_name)}
                    </ActLink>
                    "; you see what that would change first."
                }
                    .into_any();
                view! { <Banner tone=Tone::Unknown shape=Icon::Eye lead=lead rest=rest /> }
            })}
    }
    .into_any()
}

/// The project of the application warns of what nobody declares.
fn orphans(view: &ApplicationView, target: &TargetSummary) -> AnyView {
    let found = view
        .orphans
        .filter(|watch| watch.warn)
        .and_then(|watch| watch.found)
        .filter(|found| *found > 0);
    let Some(found) = found else {
        return ().into_any();
    };
    let lead = view! {
        {format::plural(found.into(), "object", "objects")}
        {format!(" in namespace {} belong to no application. ", if view.destination_namespace.is_empty() { "default" } else { &view.destination_namespace })}
        <a class=ACTION_LINK href=orphans_address(&target.target)>
            "See them"
        </a>
    }
    .into_any();
    view! { <Banner tone=Tone::Warn lead=lead /> }.into_any()
}

/// The rollout that it is a part of; open while that is not done.
fn rollout(rollout: &RolloutView) -> AnyView {
    let title = format!("Rollout of {}: {}", rollout.title, rollout.state.word());
    let steps = steps(rollout);
    view! {
        <Fold title=title open=rollout.state != RolloutPhase::Done>
            {steps}
        </Fold>
    }
    .into_any()
}

fn actions(view: &ApplicationView, target: &TargetSummary, actor: Option<&Actor>) -> AnyView {
    let Some(reason) = &target.reason else {
        return ().into_any();
    };
    let back = view.last_healthy.as_ref().filter(|_| {
        matches!(
            reason.code,
            ReasonCode::Degraded
                | ReasonCode::ApplyFailed
                | ReasonCode::Progressing
                | ReasonCode::Missing
        )
    });
    let object = reason.object.clone();
    let refused = refusal_on(actor, Permission::Rollback, &target.target.application);
    view! {
        {object
            .map(|key| {
                let href = crate::components::target_link::application_address(
                    &target.target.application,
                    &[("cluster", &target.target.cluster), ("node", &key.to_string())],
                );
                view! {
                    <a class=LINK href=href>
                        {key.short()}
                    </a>
                    " · "
                }
            })}
        {back
            .map(|commit| {
                view! {
                    <ActLink class=ACTION_LINK href=rollback_address(&target.target, Some(&commit.revision)) refused=refused>
                        {format!("Roll back to {}, last healthy", commit.revision.short())}
                    </ActLink>
                }
            })}
        {matches!(reason.code, ReasonCode::Drifted | ReasonCode::Fighting | ReasonCode::Behind)
            .then(|| {
                let href = crate::components::target_link::application_address(
                    &target.target.application,
                    &[("cluster", &target.target.cluster), ("tab", "changes")],
                );
                view! {
                    <a class=ACTION_LINK href=href>
                        "See what differs"
                    </a>
                }
            })}
        {(reason.code == ReasonCode::DefinitionInvalid)
            .then(|| {
                view! {
                    <a class=ACTION_LINK href=leftovers_address(target.target.id)>
                        "What it left"
                    </a>
                }
            })}
        {(reason.code == ReasonCode::AwaitingApproval)
            .then(|| {
                view! {
                    <a class=ACTION_LINK href="/approvals">
                        "Look at the plan"
                    </a>
                }
            })}
    }
    .into_any()
}

fn hold_banner(
    hold: Hold,
    target: &TargetSummary,
    actor: Option<&Actor>,
    now: lockstep_types::Micros,
) -> AnyView {
    let release = ServerAction::<Release>::new();
    let failed = Signal::derive(move || release.value().get().and_then(Result::err));
    let lead = if hold.ended_waiting {
        "The hold has ended; what it held back awaits a yes.".to_owned()
    } else {
        format!(
            "{} held by {} until {}, {}.",
            format::sentence_case(hold.kind.what()),
            hold.owner,
            format::clock_time(hold.until),
            format::relative(hold.until, now)
        )
    };
    let id = hold.id.to_string();
    let refused = refusal_on(actor, Permission::Hold, &target.target.application);
    let rest = view! {
        <span>{format!("“{}” It is still compared meanwhile.", hold.reason)}</span>
        <ActionForm action=release attr:class="mt-2 flex flex-wrap items-center gap-3">
            <input type="hidden" name="hold" value=id />
            <Submit look=Look::Plain pending=release.pending() refused=refused>
                "End the hold"
            </Submit>
            <label class="flex items-center gap-1.5 text-sm">
                <input type="checkbox" name="deploy" value="true" />
                "and deploy what it held back"
            </label>
        </ActionForm>
        <ActionFailure error=failed />
    }
    .into_any();
    view! { <Banner tone=Tone::Idle shape=Icon::Hold lead=lead.into_any() rest=rest /> }.into_any()
}

fn pin_banner(
    pin: Pin,
    target: &TargetSummary,
    actor: Option<&Actor>,
    now: lockstep_types::Micros,
) -> AnyView {
    let unpin = ServerAction::<Unpin>::new();
    let failed = Signal::derive(move || unpin.value().get().and_then(Result::err));
    let lead = view! {
        "Pinned at "
        <Sha revision=pin.revision.clone() />
        {format!(", {} behind", format::plural(pin.behind.into(), "commit", "commits"))}
        {if pin.ended_waiting {
            ". The pin has ended; what it held back awaits a yes.".to_owned()
        } else {
            format!(". By {} until {}, {}.", pin.owner, format::clock_time(pin.until), format::relative(pin.until, now))
        }}
    }
    .into_any();
    let id = pin.id.to_string();
    let refused = refusal_on(actor, Permission::Rollback, &target.target.application);
    let cluster = target.target.cluster.clone();
    let rest = view! {
        <span>{format!("“{}” Set ", pin.reason)} {ago(pin.from)} {format!(" ago. Only {cluster} stays; other clusters follow the branch.")}</span>
        <ActionForm action=unpin attr:class="mt-2 flex flex-wrap items-center gap-3">
            <input type="hidden" name="pin" value=id />
            <Submit look=Look::Plain pending=unpin.pending() refused=refused>
                "End the pin"
            </Submit>
            <label class="flex items-center gap-1.5 text-sm">
                <input type="checkbox" name="deploy" value="true" />
                "and deploy what it held back"
            </label>
        </ActionForm>
        <ActionFailure error=failed />
    }
    .into_any();
    view! { <Banner tone=Tone::Idle shape=Icon::Pin lead=lead rest=rest /> }.into_any()
}
