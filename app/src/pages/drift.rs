//! The drift ledger: which field of which object differs from what Git says, by whose hand, since when.

use crate::api::fleet::drift;
use crate::components::button::{ActLink, refusal_on};
use crate::components::clock::{Clock, ago};
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded_for};
use crate::components::moment::{as_of, past_banner};
use crate::components::panel::{LINK, PANEL, PageHead, TABLE, TD, heads, tag};
use crate::components::status::{Mark, chip};
use crate::components::switcher::{Choice, Segments};
use crate::components::target_link::{accept_address, application_address};
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockstep_types::Micros;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::drift::{DriftRow, DriftState};

/// What the address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    filter: String,
    closed: bool,
    /// An earlier time; empty for now.
    at: String,
}

/// The page.
#[component]
pub fn DriftPage() -> impl IntoView {
    let query = use_query_map();
    let wanted = Memo::new(move |_| {
        query.with(|query| Wanted {
            filter: query.get("q").unwrap_or_default(),
            closed: query.get("closed").is_some_and(|closed| closed == "1"),
            at: query.get("at").unwrap_or_default(),
        })
    });
    let clock = Clock::current();
    let tick = ticks(|| Topic::All);
    let rows: Loading<Vec<DriftRow>> = Resource::new(
        move || (wanted.get(), tick.get()),
        |(wanted, _)| drift(wanted.filter, wanted.closed, wanted.at),
    );
    view! {
        <Title text="Drift" />
        {loaded_for(rows, move |rows, actor| page(rows, wanted.get(), actor, clock.0.get_untracked()))}
    }
}

fn page(rows: Vec<DriftRow>, wanted: Wanted, actor: Option<&Actor>, now: Micros) -> AnyView {
    let Wanted { filter, closed, at } = wanted;
    let link = |closed: bool| {
        format::link(
            "/drift",
            &[("q", &filter), ("closed", if closed { "1" } else { "" })],
        )
    };
    let past = Micros::read_past(&at, now).ok();
    let open = rows
        .iter()
        .filter(|row| past.is_some() || row.closed_at.is_none())
        .count() as u64;
    let below = view! {
        <p class="mt-1.5 text-lg">
            {match (open, past) {
                (0, None) => "No field differs from what Git says.".to_owned(),
                (0, Some(_)) => "No field differed from what Git said.".to_owned(),
                (_, None) => format!("{} from what Git says.", format::plural(open, "field differs", "fields differ")),
                (_, Some(_)) => format!("{} from what Git said.", format::plural(open, "field differed", "fields differed")),
            }}
        </p>
    }
    .into_any();
    let kept = [("q", filter.clone())];
    let segments = past.is_none().then(|| view! {
        <Segments label="Which" choices=vec![Choice::words("Open", link(false), !closed), Choice::words("With ended", link(true), closed)] />
    });
    let actions = view! {
        {as_of("/drift", &kept, now)}
        {segments}
    }
    .into_any();
    let banner = past.map(|past| past_banner(past, String::new(), now, link(false)));
    let body = if rows.is_empty() {
        let filtered = !filter.is_empty();
        view! {
            <Empty title=if filtered { "Nothing matches this filter" } else { "No drift" } shape=Icon::Synced>
                {if filtered {
                    view! { <a class=LINK href=format::link("/drift", &[("at", &at)])>"Show all drift"</a> }.into_any()
                } else if past.is_some() {
                    "Nothing in the clusters was otherwise than Git said at that time, as far as it was compared.".into_any()
                } else {
                    "When somebody changes a live object by hand, the field, the hand and the time appear here.".into_any()
                }}
            </Empty>
        }
        .into_any()
    } else {
        table(rows, actor)
    };
    view! {
        <PageHead title="Drift" below=below actions=actions />
        {banner}
        {body}
    }
    .into_any()
}

fn table(rows: Vec<DriftRow>, actor: Option<&Actor>) -> AnyView {
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>
                        {heads(&["Object", "Field", "Git → cluster", "By", "Open for", "State"])}
                    </tr>
                </thead>
                <tbody>{rows.into_iter().map(|row| row_view(row, actor)).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row_view(row: DriftRow, actor: Option<&Actor>) -> AnyView {
    let (icon, tone) = match row.state {
        DriftState::Open => (Icon::Drift, Tone::Warn),
        DriftState::Healing => (Icon::Progressing, Tone::Run),
        DriftState::Healed | DriftState::Reverted => (Icon::Synced, Tone::Ok),
        DriftState::Accepted => (Icon::Commit, Tone::Ok),
        DriftState::Held => (Icon::Hold, Tone::Idle),
    };
    let href = application_address(
        &row.target.application,
        &[
            ("cluster", &row.target.cluster),
            ("node", &row.key.to_string()),
            ("pane", "diff"),
        ],
    );
    let refused = refusal_on(actor, Permission::AcceptDrift, &row.target.application);
    let open_for = match row.closed_at {
        Some(closed) => format::span(closed.seconds_since(row.opened_at)).into_any(),
        None => ago(row.opened_at),
    };
    view! {
        <tr>
            <td class=TD>
                <a class="font-medium hover:underline" href=href data-row>
                    {row.key.short()}
                </a>
                <span class="block text-sm text-muted">
                    {format!("{} / {} on {}", row.target.application.project, row.target.application.name, row.target.cluster)}
                </span>
            </td>
            <td class=format!("{TD} max-w-80 font-mono text-sm break-words")>{row.path.clone()}</td>
            <td class=format!("{TD} max-w-72 font-mono text-sm break-words")>
                {format::change(row.declared.as_ref(), row.live.as_ref())}
            </td>
            <td class=TD data-label="by">
                {if row.baseline {
                    view! {
                        <span class="text-muted" title="It was there when Lockstep compared this target for the first time: counted, not blamed">
                            "before Lockstep"
                        </span>
                    }
                        .into_any()
                } else {
                    row.manager.clone().unwrap_or_else(|| "unknown".into()).into_any()
                }}
                {row.operation.clone().filter(|_| !row.baseline).map(|operation| view! { " " {tag(operation)} })}
            </td>
            <td class=format!("{TD} whitespace-nowrap text-muted") data-label="open for">{open_for}</td>
            <td class=TD>
                {chip(Mark { icon, tone, word: "" }, row.state.word())}
                {(row.state == DriftState::Open && (row.declared.is_some() || row.live.is_some()))
                    .then(|| {
                        view! {
                            <ActLink class=format!("{LINK} ml-2 text-sm whitespace-nowrap") href=accept_address(&row.target, &row.key, &row.path) refused=refused>
                                "Accept into Git"
                            </ActLink>
                        }
                    })}
            </td>
        </tr>
    }
    .into_any()
}
