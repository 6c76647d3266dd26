//! The one line that says how the fleet is; each number is a filter.

use super::Seen;
use crate::components::panel::LINK;
use crate::format;
use leptos::prelude::*;
use lockstep_types::fleet::Verdict;

/// Axes apart: what matches Git, then health, then how old the oldest comparison is.
pub fn verdict(verdict: &Verdict, seen: Seen) -> AnyView {
    if verdict.targets == 0 {
        return ().into_any();
    }
    let number = |count: u32| format::count(count.into());
    let at = seen.at();
    let filter = |filter: &str| format::link("/", &[("q", filter), ("all", "1"), ("at", &at)]);
    let exception = |count: u32, word: &'static str, query: &'static str, class: &'static str| {
        (count > 0).then(|| {
            view! {
                ", "
                <a class=format!("{LINK} {class}") href=filter(query)>
                    {number(count)}
                    " "
                    {word}
                </a>
            }
        })
    };
    let oldest = verdict.oldest_comparison.map(|at| {
        view! {
            <span class="max-md:hidden">
                <Dot />
                <span class="text-muted" title=format!("The target that was compared longest ago: {}", format::absolute(at))>
                    "oldest comparison "
                    {format::relative(at, seen.now)}
                </span>
            </span>
        }
    });
    view! {
        <p class="mt-1.5 text-lg">
            <a class=LINK href=filter("sync:synced")>
                <b class="font-semibold">{format!("{} of {}", number(verdict.synced), number(verdict.targets))}</b>
                {if seen.past { " matched Git" } else { " match Git" }}
            </a>
            {exception(verdict.drifting, "drifting", "is:drifting", "text-warn")}
            {exception(verdict.out_of_sync.saturating_sub(verdict.drifting), "behind", "sync:outofsync", "text-run")}
            {exception(verdict.sync_unknown, "not comparable", "sync:unknown", "text-unk")}
            <Dot />
            <a class=LINK href=filter("health:healthy")>
                <b class="font-semibold">{number(verdict.healthy)}</b>
                " healthy"
            </a>
            {exception(verdict.degraded, "degraded", "health:degraded", "text-bad")}
            {exception(verdict.missing, "missing", "health:missing", "text-warn")}
            {exception(verdict.progressing, "progressing", "health:progressing", "text-run")}
            {exception(verdict.suspended, "suspended", "health:suspended", "text-idle")}
            {exception(verdict.health_unknown, "unknown", "health:unknown", "text-unk")}
            {(verdict.observed > 0)
                .then(|| {
                    view! {
                        <Dot />
                        <a class=LINK href=filter("is:observed") title="Compared and recorded; nothing is written">
                            {number(verdict.observed)}
                            " observed only"
                        </a>
                    }
                })}
            {oldest}
        </p>
    }
    .into_any()
}

#[component]
fn Dot() -> impl IntoView {
    view! {
        <span class="px-2 text-faint" aria-hidden="true">
            "·"
        </span>
    }
}
