//! What stands otherwise now than at the time that is looked at.

use crate::components::icon::{Icon, icon};
use crate::components::moment::in_address;
use crate::components::panel::{LINK, PANEL, Part, TABLE, TD, heads};
use crate::components::status::{Mark, health_mark, sync_mark};
use crate::components::target_link::{application_address, target_address};
use crate::format;
use leptos::prelude::*;
use lockstep_types::past::{Past, StateThen, Turned};

/// So many are listed; the rest is counted.
const MOST: usize = 200;

/// The list; nothing when nothing changed.
pub fn turned(past: &Past) -> AnyView {
    let later = match past.until {
        Some(until) => format!("at {}", format::absolute(until)),
        None => "now".to_owned(),
    };
    let number = past.turned.len();
    if number == 0 {
        return view! { <p class="text-muted">{format!("Every target stood then as it stands {later}.")}</p> }.into_any();
    }
    let at = in_address(past.at);
    let hidden = number.saturating_sub(MOST) as u64;
    let rows = past
        .turned
        .iter()
        .take(MOST)
        .map(|turned| row(turned, &at))
        .collect_view();
    view! {
        <Part title=format!("{} otherwise {later}", format::plural(number as u64, "target stands", "targets stand"))>
            <div class=format!("{PANEL} overflow-x-auto")>
                <table class=TABLE>
                    <thead>
                        <tr>{heads(&["Target", "Then", "Later", "Commit", ""])}</tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
                {(hidden > 0).then(|| view! { <p class="px-3 py-2 text-muted">{format!("and {} more", format::count(hidden))}</p> })}
            </div>
        </Part>
    }
    .into_any()
}

fn row(turned: &Turned, at: &str) -> AnyView {
    let target = &turned.target;
    let then = application_address(
        &target.application,
        &[("cluster", &target.cluster), ("at", at)],
    );
    view! {
        <tr>
            <td class=TD>
                <a class="font-medium hover:underline" href=target_address(target) data-row>
                    {format!("{} / {}", target.application.project, target.application.name)}
                </a>
                <span class="block text-sm text-muted">{target.cluster.clone()}</span>
            </td>
            <td class=TD data-label="then">{state(turned.before.as_ref())}</td>
            <td class=TD data-label="later">{state(turned.after.as_ref())}</td>
            <td class=format!("{TD} font-mono text-sm")>{commits(turned)}</td>
            <td class=format!("{TD} text-right whitespace-nowrap")>
                <a class=format!("{LINK} text-muted hover:text-ink") href=then>
                    "Look at then"
                </a>
            </td>
        </tr>
    }
    .into_any()
}

/// The two axes, and drift.
pub fn state(state: Option<&StateThen>) -> AnyView {
    let Some(state) = state else {
        return view! { <span class="text-faint">"not there"</span> }.into_any();
    };
    let (sync, health) = (sync_mark(state.sync), health_mark(state.health));
    let cause = state.reason.as_ref().map(|reason| reason.cause.clone());
    view! {
        <span class="flex flex-wrap items-center gap-x-1.5">
            {shape(sync)}
            {sync.word}
            <span class="text-faint" aria-hidden="true">"·"</span>
            {shape(health)}
            {health.word}
            {(state.drifted > 0)
                .then(|| {
                    view! {
                        <span class="inline-flex items-center gap-1 text-warn">
                            {icon(Icon::Drift)}
                            {format!("{} drifted", format::plural(state.drifted.into(), "object", "objects"))}
                        </span>
                    }
                })}
        </span>
        {cause.map(|cause| view! { <span class="line-clamp-2 max-w-96 text-xs break-words text-muted">{cause}</span> })}
    }
    .into_any()
}

/// The word stands beside it.
fn shape(mark: Mark) -> AnyView {
    view! { <span class=mark.tone.text()>{icon(mark.icon)}</span> }.into_any()
}

fn commits(turned: &Turned) -> String {
    let short = |state: &Option<StateThen>| {
        let revision = state.as_ref()?.revision.as_ref()?;
        Some(revision.short().to_owned())
    };
    match (short(&turned.before), short(&turned.after)) {
        (Some(before), Some(after)) if before == after => before,
        (Some(before), Some(after)) => format!("{before} → {after}"),
        (before, after) => before.or(after).unwrap_or_default(),
    }
}
