//! What definitions in Git ask for, and the log of what went out.

use crate::components::clock::ago;
use crate::components::icon::Icon;
use crate::components::panel::{PANEL, Part, TABLE, TD, heads};
use crate::components::status::{Mark, chip};
use crate::components::tone::Tone;
use crate::format;
use leptos::prelude::*;
use lockstep_types::notify::{MessageState, MessageView, Subscription};

/// Subscriptions in annotations and alerts of Flux; nothing when there are none.
pub(super) fn subscribed(subscriptions: Vec<Subscription>) -> AnyView {
    if subscriptions.is_empty() {
        return ().into_any();
    }
    let rows = subscriptions
        .into_iter()
        .map(|subscription| {
            let good = subscription.problem.is_empty();
            let words = if good { "in force".to_owned() } else { subscription.problem };
            view! {
                <tr>
                    <td class=format!("{TD} font-medium")>{subscription.place}</td>
                    <td class=format!("{TD} font-mono text-sm break-words")>{subscription.asks}</td>
                    <td class=format!("{TD} break-words {}", if good { "text-muted" } else { "text-bad" })>{format::sentence_case(&words)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Part title="Subscriptions in Git">
            <div class=format!("{PANEL} overflow-x-auto")>
                <table class=TABLE>
                    <thead>
                        <tr>{heads(&["Where", "Asks for", "What comes of it"])}</tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Part>
    }
    .into_any()
}

/// The log, newest first.
pub(super) fn part(messages: Vec<MessageView>, dropped: u32) -> AnyView {
    let body = if messages.is_empty() {
        view! { <p class="text-sm text-muted">"Nothing was sent yet."</p> }.into_any()
    } else {
        view! {
            <div class=format!("{PANEL} overflow-x-auto")>
                <table class=TABLE>
                    <thead>
                        <tr>{heads(&["Message", "To", "When", "State"])}</tr>
                    </thead>
                    <tbody>{messages.into_iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <Part title="Sent">
            {(dropped > 0)
                .then(|| {
                    view! {
                        <p class="text-sm text-bad">
                            {format!("{} given up, because too many waited.", format::plural(dropped.into(), "message was", "messages were"))}
                        </p>
                    }
                })}
            {body}
        </Part>
    }
    .into_any()
}

fn row(message: MessageView) -> AnyView {
    let (icon, tone) = match message.state {
        MessageState::Queued | MessageState::Sending => (Icon::Progressing, Tone::Run),
        MessageState::Sent => (Icon::Synced, Tone::Ok),
        MessageState::Failed => (Icon::Degraded, Tone::Bad),
        MessageState::Unsure => (Icon::Unknown, Tone::Unknown),
        MessageState::Dropped => (Icon::Close, Tone::Warn),
    };
    let error = (!message.error.is_empty()).then(|| {
        format!(
            "{}.",
            format::sentence_case(message.error.trim_end_matches('.'))
        )
    });
    let attempts = (message.attempts > 1).then(|| format!("{} attempts", message.attempts));
    view! {
        <tr>
            <td class=format!("{TD} break-words")>
                <span class="font-medium">{message.what.clone()}</span>
                {error.map(|error| view! { <span class="block text-sm text-muted">{error}</span> })}
            </td>
            <td class=format!("{TD} break-all") data-label="to">{message.to.clone()}</td>
            <td class=format!("{TD} whitespace-nowrap text-muted")>{ago(message.created_at)} " ago"</td>
            <td class=TD>
                {chip(Mark { icon, tone, word: "" }, message.state.word())}
                {attempts.map(|words| view! { <span class="block text-xs text-muted">{words}</span> })}
            </td>
        </tr>
    }
    .into_any()
}
