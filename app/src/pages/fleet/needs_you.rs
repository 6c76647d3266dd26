//! What waits for a person, and what happened while this person was away. Nothing when there is nothing.

use crate::components::clock::ago;
use crate::components::icon::{Icon, icon};
use crate::components::panel::{H2, LINK};
use crate::components::target_link::{target_address, target_words};
use crate::components::tone::Tone;
use crate::format;
use leptos::prelude::*;
use lockstep_types::Micros;
use lockstep_types::ask::second_person;
use lockstep_types::fleet::{FleetView, NeedsYou, SinceLastVisit};

/// The cards.
pub fn needs_you(view: &FleetView, now: Micros) -> AnyView {
    let mut cards: Vec<AnyView> = view
        .needs_you
        .iter()
        .take(8)
        .map(|need| card_of(need, now))
        .collect();
    let hidden = view.needs_you.len().saturating_sub(8);
    let waits = !cards.is_empty();
    if let Some(since) = &view.since_last_visit
        && let Some(text) = away(since)
    {
        let href = "/activity".to_owned();
        cards.push(card(
            Icon::Commit,
            Tone::Run,
            href,
            view! { "Since you were here, " {ago(since.since)} }.into_any(),
            text.into_any(),
        ));
    }
    if cards.is_empty() {
        return ().into_any();
    }
    view! {
        <section class="flex flex-col gap-2">
            <h2 class=H2>{if waits { "Needs you" } else { "While you were away" }}</h2>
            <div class="grid gap-2.5 md:grid-cols-2 lg:grid-cols-3">{cards}</div>
            {(hidden > 0)
                .then(|| {
                    view! {
                        <a class=LINK href="/approvals">
                            {format!("{} more", format::count(hidden as u64))}
                        </a>
                    }
                })}
        </section>
    }
    .into_any()
}

fn card(shape: Icon, tone: Tone, href: String, title: AnyView, text: AnyView) -> AnyView {
    view! {
        <a
            href=href
            class="flex min-w-0 gap-2.5 rounded-lg border border-line bg-surface px-3 py-2.5 shadow-card hover:border-line-strong"
        >
            <span class=format!("mt-px {}", tone.text())>{icon(shape)}</span>
            <span class="min-w-0">
                <span class="block font-medium">{title}</span>
                <span class="mt-0.5 block text-sm break-words text-muted">{text}</span>
            </span>
        </a>
    }
    .into_any()
}

fn card_of(need: &NeedsYou, now: Micros) -> AnyView {
    match need {
        NeedsYou::Approval(approval) => {
            let findings: Vec<String> = approval
                .gate
                .iter()
                .map(|finding| finding.message.clone())
                .collect();
            let title = if approval.counts.prune > 0 {
                format!(
                    "{} to prune await approval",
                    format::plural(approval.counts.prune.into(), "object", "objects")
                )
            } else {
                "A plan awaits approval".to_owned()
            };
            let text = format!(
                "{}: {}. Commit {}.",
                target_words(&approval.target),
                findings.join("; "),
                approval.revision.short()
            );
            card(
                Icon::Approve,
                Tone::Warn,
                format!("/approvals#{}", approval.id),
                title.into_any(),
                text.into_any(),
            )
        }
        NeedsYou::Rollback(ask) => card(
            Icon::Approve,
            Tone::Warn,
            format!("/approvals#{}", ask.id),
            format!("{} wants to {}", ask.by, ask.words()).into_any(),
            format!(
                "{} “{}”",
                format::sentence_case(&format!("{}.", second_person(&ask.projects))),
                ask.reason
            )
            .into_any(),
        ),
        NeedsYou::Ending {
            target,
            what,
            owner,
            reason,
            at,
        } => {
            let when = if *at > now {
                format!("ends {}", format::relative(*at, now))
            } else {
                "ended, awaits a yes".to_owned()
            };
            card(
                if what.eq_ignore_ascii_case("pin") {
                    Icon::Pin
                } else {
                    Icon::Hold
                },
                Tone::Idle,
                target_address(target),
                format!("{} {when}", format::sentence_case(what)).into_any(),
                format!(
                    "{}, by {owner}: “{reason}”. What it holds back needs a yes before it deploys.",
                    target_words(target)
                )
                .into_any(),
            )
        }
        NeedsYou::Leftovers {
            targets,
            objects,
            since,
        } => card(
            Icon::Trash,
            Tone::Idle,
            "/leftovers".to_owned(),
            format!("{} nobody decided about", format::plural((*objects).into(), "leftover", "leftovers")).into_any(),
            view! {
                {format!("Of {} that left Git; the oldest for ", format::plural((*targets).into(), "application", "applications"))}
                {ago(*since)}
                ". Keep, adopt or remove them."
            }
            .into_any(),
        ),
        NeedsYou::Failing {
            target,
            cause,
            since,
        } => card(
            Icon::Degraded,
            Tone::Bad,
            target_address(target),
            view! { {target_words(target)} " fails for " {ago(*since)} }.into_any(),
            format!("{}.", format::sentence_case(cause)).into_any(),
        ),
    }
}

fn away(since: &SinceLastVisit) -> Option<String> {
    let parts: Vec<String> = [
        (since.commits, "commit", "commits"),
        (since.syncs, "sync", "syncs"),
        (since.failures, "failure", "failures"),
        (since.new_drift, "new drift", "new drifts"),
        (since.heals, "heal", "heals"),
        (since.rollbacks, "rollback", "rollbacks"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, one, many)| format::plural(number.into(), one, many))
    .collect();
    let more = if since.more { " and more" } else { "" };
    (!parts.is_empty()).then(|| format!("{}{more}.", parts.join(", ")))
}
