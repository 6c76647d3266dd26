//! A rollout: its steps one after the other, with the members of each and what they wait for.

use super::icon::Icon;
use super::panel::LINK;
use super::status::{Mark, chip, state_chip};
use super::target_link::application_address;
use super::tone::Tone;
use crate::format;
use leptos::prelude::*;
use lockstep_types::rollout::{
    RolloutMember, RolloutPhase, RolloutStanding, RolloutStep, RolloutView,
};

/// The shape and colour of a member.
fn member_mark(standing: RolloutStanding) -> Mark {
    let (icon, tone) = match standing {
        RolloutStanding::Ready => (Icon::Healthy, Tone::Ok),
        RolloutStanding::Next | RolloutStanding::UnderWay => (Icon::Progressing, Tone::Run),
        RolloutStanding::Failing => (Icon::Degraded, Tone::Bad),
        RolloutStanding::Waiting => (Icon::Clock, Tone::Idle),
        RolloutStanding::NotCompared => (Icon::Unknown, Tone::Unknown),
    };
    Mark {
        icon,
        tone,
        word: standing.word(),
    }
}

fn state_mark(state: RolloutPhase) -> Mark {
    let (icon, tone) = match state {
        RolloutPhase::Done => (Icon::Healthy, Tone::Ok),
        RolloutPhase::Rolling => (Icon::Progressing, Tone::Run),
        RolloutPhase::Paused => (Icon::Hold, Tone::Warn),
    };
    Mark {
        icon,
        tone,
        word: state.word(),
    }
}

/// All steps of a rollout.
pub fn steps(rollout: &RolloutView) -> AnyView {
    let said = match rollout.said.as_str() {
        "" => "Every member of every step is synced and healthy.".to_owned(),
        said => format!("{}.", format::sentence_case(said)),
    };
    let unselected = (!rollout.unselected.is_empty()).then(|| {
        let members = rollout.unselected.iter().map(member).collect_view();
        view! {
            <li class="min-w-0">
                <p class="text-sm text-muted">"In no step: people sync these"</p>
                <ul class="mt-1 flex flex-col gap-1">{members}</ul>
            </li>
        }
    });
    view! {
        <div class="flex min-w-0 flex-col gap-3">
            <p class="flex flex-wrap items-center gap-x-2 gap-y-1">
                {chip(state_mark(rollout.state), format!("rollout {}", rollout.state.word()))}
                <span class="min-w-0 break-words">{said}</span>
            </p>
            <ol class="flex min-w-0 flex-col gap-3">
                {rollout.steps.iter().map(step).collect_view()}
                {unselected}
            </ol>
        </div>
    }
    .into_any()
}

fn step(step: &RolloutStep) -> impl IntoView + use<> {
    let ready = step
        .members
        .iter()
        .filter(|member| member.standing == RolloutStanding::Ready)
        .count();
    let count = format!("{ready} of {} ready", step.members.len());
    let limit = match step.at_once.as_str() {
        "100%" => "all at once".to_owned(),
        "0" | "0%" => "synced by people".to_owned(),
        most => format!("at most {most} at once"),
    };
    let members = step.members.iter().map(member).collect_view();
    view! {
        <li class="min-w-0">
            <p class="flex flex-wrap items-baseline gap-x-2 text-sm text-muted">
                <span class="font-medium text-ink">{format::sentence_case(&step.name)}</span>
                <span>{count}</span>
                <span>{limit}</span>
                <span class="font-mono break-all empty:hidden">{step.selects.clone()}</span>
            </p>
            <ul class="mt-1 flex flex-col gap-1">{members}</ul>
        </li>
    }
}

fn member(member: &RolloutMember) -> impl IntoView + use<> {
    let href = application_address(&member.application, &[("cluster", &member.cluster)]);
    let name = format!("{} on {}", member.application.name, member.cluster);
    view! {
        <li class="flex min-w-0 flex-wrap items-baseline gap-x-2 gap-y-0.5">
            {state_chip(member_mark(member.standing))}
            <a class=LINK href=href>
                {name}
            </a>
            <span class="min-w-0 break-words text-sm text-muted empty:hidden">{member.said.clone()}</span>
        </li>
    }
}
