//! The end of a form that makes a commit: what became of it, and its button.

use crate::components::button::{LinkButton, Look, Submit};
use crate::components::feedback::ActionFailure;
use crate::components::panel::ACTION_LINK;
use crate::components::reason::Banner;
use crate::components::tone::Tone;
use crate::error::ApiError;
use crate::format;
use leptos::prelude::*;
use lockstep_types::ask::Asked;
use lockstep_types::proposal::{CommitOutcome, Proposal};

/// Where a proposal waits; or why nothing was done, and the way to a new preview.
pub fn became(
    outcome: Signal<Option<CommitOutcome>>,
    failed: Signal<Option<ApiError>>,
    again: String,
) -> AnyView {
    let waits = move || match outcome.get() {
        Some(CommitOutcome::Proposed(proposal)) => Some(proposed(&proposal)),
        Some(CommitOutcome::Asked(asked)) => Some(waits(&asked)),
        _ => None,
    };
    let again = move || {
        let again = again.clone();
        failed.get().map(|_| {
            view! {
                <a class=ACTION_LINK href=again rel="external">
                    "Make the preview again"
                </a>
            }
        })
    };
    view! {
        <div role="status">{waits}</div>
        <ActionFailure error=failed />
        {again}
    }
    .into_any()
}

/// The button, the way back, and as whom it is done.
pub fn footer(
    label: &'static str,
    refused: Option<String>,
    pending: Memo<bool>,
    outcome: Signal<Option<CommitOutcome>>,
    back: String,
    person: String,
) -> AnyView {
    // Once is enough: what was done stays done.
    let sent = Signal::derive(move || pending.get() || outcome.get().is_some());
    view! {
        <footer class="flex flex-wrap items-center gap-2.5 border-t border-line px-4.5 py-3">
            <Submit look=Look::Primary refused=refused pending=sent>
                {label}
            </Submit>
            <LinkButton href=back look=Look::Plain>
                "Cancel"
            </LinkButton>
            <span class="ml-auto text-sm text-muted max-md:hidden">{format!("as {person}")}</span>
        </footer>
    }
    .into_any()
}

/// That a second person has to agree.
fn waits(asked: &Asked) -> AnyView {
    let rest = view! {
        <a class=ACTION_LINK href=format!("/approvals#{}", asked.id)>
            "See it under Approvals"
        </a>
    }
    .into_any();
    view! { <Banner tone=Tone::Ok lead=format!("{}.", asked.words()).into_any() rest=rest /> }
        .into_any()
}

/// Where the change waits for review.
fn proposed(proposal: &Proposal) -> AnyView {
    let (tone, lead) = match proposal.pull_request.is_empty() {
        false => (
            Tone::Ok,
            format!("A pull request into {} is open.", proposal.onto),
        ),
        true => (
            Tone::Warn,
            format!("The change is on the branch {}.", proposal.branch),
        ),
    };
    let rest = match format::web_address(&proposal.pull_request) {
        Some(address) => {
            let address = address.to_owned();
            view! {
                <a class=ACTION_LINK href=address.clone() rel="external noopener">
                    {address.clone()}
                </a>
            }
            .into_any()
        }
        None if proposal.pull_request.is_empty() => proposal.note.clone().into_any(),
        None => proposal.pull_request.clone().into_any(),
    };
    view! { <Banner tone=tone lead=lead.into_any() rest=rest /> }.into_any()
}
