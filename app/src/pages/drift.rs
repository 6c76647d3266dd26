//! The drift ledger: every deviation of every field, who made it, how long it has been open, how it ended.

use crate::api::fleet::drift;
use crate::components::clock::ago;
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, PageHead, TABLE, TD, TH, tag};
use crate::components::status::{Mark, chip};
use crate::components::switcher::{Choice, Segments};
use crate::components::target_link::application_address;
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockstep_types::drift::{DriftRow, DriftState};
use serde_json::Value;

/// The page.
#[component]
pub fn DriftPage() -> impl IntoView {
    let query = use_query_map();
    let wanted = Memo::new(move |_| {
        query.with(|query| (query.get("q").unwrap_or_default(), query.get("closed").is_some_and(|closed| closed == "1")))
    });
    let tick = ticks(|| Topic::All);
    let rows: Loading<Vec<DriftRow>> =
        Resource::new(move || (wanted.get(), tick.get()), |((filter, closed), _)| drift(filter, closed));
    view! {
        <Title text="Drift" />
        {loaded(rows, move |rows| show(rows, wanted.get()))}
    }
}

fn show(rows: Vec<DriftRow>, (filter, closed): (String, bool)) -> AnyView {
    let open = rows.iter().filter(|row| row.closed_at.is_none()).count() as u64;
    let baseline = rows.iter().filter(|row| row.baseline && row.closed_at.is_none()).count() as u64;
    let address = |closed: bool| format::link("/drift", &[("q", &filter), ("closed", if closed { "1" } else { "" })]);
    let below = view! {
        <p class="mt-1.5 text-muted">
            {format!("{} open", format::plural(open, "field is", "fields are"))}
            {(baseline > 0).then(|| format!(", {} of them found at the first comparison", format::count(baseline)))}
        </p>
    }
    .into_any();
    let actions = view! {
        <Segments
            label="Which"
            choices=vec![
                Choice::words("Open", address(false), !closed),
                Choice::words("With history", address(true), closed),
            ]
        />
    }
    .into_any();
    view! {
        <PageHead title="Drift" below=below actions=actions />
        {if rows.is_empty() {
            empty(&filter)
        } else {
            view! {
                <div class=format!("{PANEL} max-md:hidden")>{table(&rows)}</div>
                <ul class="flex flex-col gap-2 md:hidden">{rows.iter().map(card).collect_view()}</ul>
            }
                .into_any()
        }}
    }
    .into_any()
}

fn empty(filter: &str) -> AnyView {
    if filter.is_empty() {
        view! {
            <Empty title="Nothing drifts" shape=Icon::Synced>
                <p>"Every field that Git declares has the declared value in its cluster. A change by hand appears here within seconds, with who made it."</p>
            </Empty>
        }
        .into_any()
    } else {
        view! {
            <Empty title="No drift matches this filter" shape=Icon::Search>
                <a class=LINK href="/drift">"Show all drift"</a>
            </Empty>
        }
        .into_any()
    }
}

fn table(rows: &[DriftRow]) -> AnyView {
    view! {
        <div class="overflow-x-auto">
            <table class=TABLE>
                <thead>
                    <tr>
                        {["Object and field", "Git says → live", "By", "First seen", "State", "Application"]
                            .into_iter()
                            .map(|title| view! { <th scope="col" class=TH>{title}</th> })
                            .collect_view()}
                    </tr>
                </thead>
                <tbody>{rows.iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(row: &DriftRow) -> AnyView {
    let quiet = row.closed_at.is_some();
    view! {
        <tr class=if quiet { "text-muted" } else { "" }>
            <td class=TD>
                <a class="font-medium hover:underline" href=changes_address(row) data-row>{row.key.short()}</a>
                <span class="block font-mono text-xs break-all text-muted">{row.path.clone()}</span>
            </td>
            <td class=TD>{values(row)}</td>
            <td class=TD>{who(row)}</td>
            <td class=format!("{TD} whitespace-nowrap text-muted")>{ago(row.opened_at)}</td>
            <td class=TD>{state(row)}</td>
            <td class=TD>
                <span class="block">{row.target.application.name.clone()}</span>
                <span class="block text-xs text-muted">{row.target.cluster.clone()}</span>
            </td>
        </tr>
    }
    .into_any()
}

fn card(row: &DriftRow) -> AnyView {
    view! {
        <li class=format!("{PANEL} flex flex-col gap-1 px-3 py-2.5")>
            <div class="flex items-center justify-between gap-2">
                <a class="min-w-0 font-medium break-words" href=changes_address(row)>{row.key.short()}</a>
                {state(row)}
            </div>
            <span class="font-mono text-xs break-all text-muted">{row.path.clone()}</span>
            <div class="flex flex-wrap items-center gap-x-3 gap-y-1">{values(row)} {who(row)}</div>
            <span class="text-xs text-muted">
                {format!("{} on {}, ", row.target.application.name, row.target.cluster)} {ago(row.opened_at)}
            </span>
        </li>
    }
    .into_any()
}

fn changes_address(row: &DriftRow) -> String {
    application_address(&row.target.application, &[("cluster", &row.target.cluster), ("tab", "changes")])
}

fn values(row: &DriftRow) -> AnyView {
    let written = |value: &Option<Value>| value.as_ref().map_or_else(|| "absent".to_owned(), format::value);
    view! {
        <span class="font-mono text-sm break-all">
            {written(&row.declared)} <span class="px-1 text-faint" aria-label="but live">"→"</span> {written(&row.live)}
        </span>
    }
    .into_any()
}

fn who(row: &DriftRow) -> AnyView {
    if row.baseline {
        return view! { <span title="It differed when Lockstep first looked: nobody is blamed.">{tag("before Lockstep")}</span> }.into_any();
    }
    let operation = row.operation.clone().unwrap_or_default();
    let title = format!("Field manager and operation as Kubernetes records them. It names a program, never a person. {operation}");
    view! {
        <span class="font-mono text-sm" title=title>
            {row.manager.clone().unwrap_or_else(|| "unknown".to_owned())}
        </span>
    }
    .into_any()
}

fn state(row: &DriftRow) -> AnyView {
    let (icon, tone) = match row.state {
        DriftState::Open => (Icon::Drift, Tone::Warn),
        DriftState::Healing => (Icon::Progressing, Tone::Run),
        DriftState::Healed => (Icon::Healthy, Tone::Ok),
        DriftState::Accepted => (Icon::Synced, Tone::Ok),
        DriftState::Reverted => (Icon::Back, Tone::Unknown),
        DriftState::Held => (Icon::Hold, Tone::Idle),
    };
    let lasted = row.closed_at.map(|closed| format!(" after {}", format::duration(row.opened_at, closed))).unwrap_or_default();
    chip(Mark { icon, tone, word: row.state.word() }, format!("{}{lasted}", row.state.word()))
}
