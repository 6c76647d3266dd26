//! The sentence above everything else: what is wrong, since when, what began it, what happens next, and
//! the action that mends it.

use super::clock::ago;
use super::icon::{Icon, icon};
use super::tone::Tone;
use leptos::prelude::*;
use lockstep_types::reason::{Reason, ReasonCode};

/// The colour of a reason.
pub fn reason_tone(reason: &Reason) -> Tone {
    match reason.code {
        ReasonCode::Degraded
        | ReasonCode::ApplyFailed
        | ReasonCode::PruneFailed
        | ReasonCode::FetchFailed
        | ReasonCode::RenderFailed
        | ReasonCode::Unverified
        | ReasonCode::DefinitionInvalid
        | ReasonCode::EmptyRender => Tone::Bad,
        ReasonCode::Drifted
        | ReasonCode::Fighting
        | ReasonCode::AwaitingApproval
        | ReasonCode::RolloutPaused
        | ReasonCode::Missing => Tone::Warn,
        ReasonCode::WaitingForWindow
        | ReasonCode::Held
        | ReasonCode::Pinned
        | ReasonCode::Suspended => Tone::Idle,
        ReasonCode::Behind
        | ReasonCode::Syncing
        | ReasonCode::WaitingForHook
        | ReasonCode::WaitingForWave
        | ReasonCode::WaitingForDependency
        | ReasonCode::WaitingForRollout
        | ReasonCode::Progressing
        | ReasonCode::Observing => Tone::Run,
        ReasonCode::ClusterUnreachable | ReasonCode::LiveUnknown | ReasonCode::CompareFailed => {
            Tone::Unknown
        }
    }
}

/// The code in people's words.
pub fn reason_word(code: ReasonCode) -> &'static str {
    match code {
        ReasonCode::Observing => "Observed only",
        ReasonCode::FetchFailed => "Fetch failed",
        ReasonCode::RenderFailed => "Render failed",
        ReasonCode::Unverified => "Commit not verified",
        ReasonCode::DefinitionInvalid => "Definition invalid",
        ReasonCode::ClusterUnreachable => "Cluster unreachable",
        ReasonCode::LiveUnknown => "Not compared yet",
        ReasonCode::CompareFailed => "Compare failed",
        ReasonCode::Behind => "Behind Git",
        ReasonCode::Drifted => "Drifted",
        ReasonCode::Fighting => "Two writers fight",
        ReasonCode::Syncing => "Syncing",
        ReasonCode::WaitingForHook => "Waiting for a hook",
        ReasonCode::WaitingForWave => "Waiting for a wave",
        ReasonCode::WaitingForDependency => "Waiting for another",
        ReasonCode::WaitingForRollout => "Waiting for its turn",
        ReasonCode::RolloutPaused => "Rollout paused",
        ReasonCode::ApplyFailed => "Apply failed",
        ReasonCode::PruneFailed => "Prune failed",
        ReasonCode::AwaitingApproval => "Awaiting approval",
        ReasonCode::WaitingForWindow => "Waiting for a window",
        ReasonCode::Held => "Held",
        ReasonCode::Pinned => "Pinned",
        ReasonCode::EmptyRender => "Empty render",
        ReasonCode::Progressing => "Progressing",
        ReasonCode::Degraded => "Degraded",
        ReasonCode::Missing => "Missing",
        ReasonCode::Suspended => "Suspended",
    }
}

/// A banner with a bar in the reason's colour; `actions` stand in the sentence.
#[component]
pub fn Banner(
    tone: Tone,
    #[prop(optional)] shape: Option<Icon>,
    lead: AnyView,
    #[prop(optional)] rest: Option<AnyView>,
) -> impl IntoView {
    view! {
        <div class=format!(
            "flex min-w-0 gap-2.5 rounded-md border border-l-[3px] border-line bg-surface px-3 py-2.5 {}",
            tone.bar(),
        )>
            {shape.map(|shape| view! { <span class=format!("mt-[2px] {}", tone.text())>{icon(shape)}</span> })}
            <div class="min-w-0 flex-1">
                <p class="font-semibold break-words">{lead}</p>
                {rest.map(|rest| view! { <div class="mt-0.5 break-words text-muted">{rest}</div> })}
            </div>
        </div>
    }
}

/// The banner of a target's reason.
#[component]
pub fn ReasonBanner(reason: Reason, #[prop(optional)] actions: Option<AnyView>) -> impl IntoView {
    let tone = reason_tone(&reason);
    let lead = view! {
        {reason_word(reason.code)}
        " for "
        {ago(reason.since)}
        ": "
        {reason.cause.clone()}
        "."
    }
    .into_any();
    let next = reason.next.clone();
    let stalled = reason.stalled;
    let rest = view! {
        {(!next.is_empty()).then(|| view! { <span>{next} ". "</span> })}
        {stalled.then(|| view! { <span class="text-ink">"A person must act. "</span> })}
        {actions}
    }
    .into_any();
    view! { <Banner tone=tone lead=lead rest=rest /> }
}
