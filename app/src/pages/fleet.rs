//! The fleet: one verdict line, what needs a person, and all groups over all clusters.

mod first_steps;
mod matrix;
mod needs_you;
mod phone;
mod rollout;
mod table;
mod verdict;

pub use rollout::on_target;

use crate::api::fleet::fleet;
use crate::components::button::{LinkButton, Look};
use crate::components::clock::Clock;
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, PageHead};
use crate::components::reason::Banner;
use crate::components::switcher::{Choice, Segments};
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockstep_types::fleet::FleetView;

/// What the address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    filter: String,
    all: bool,
    table: bool,
}

impl Wanted {
    fn link(&self, filter: &str, all: bool, table: bool) -> String {
        format::link(
            "/",
            &[
                ("q", filter),
                ("all", if all { "1" } else { "" }),
                ("view", if table { "table" } else { "" }),
            ],
        )
    }
}

/// The page.
#[component]
pub fn FleetPage() -> impl IntoView {
    let query = use_query_map();
    let wanted = Memo::new(move |_| {
        query.with(|query| Wanted {
            filter: query.get("q").unwrap_or_default(),
            all: query.get("all").is_some_and(|all| all == "1"),
            table: query.get("view").is_some_and(|view| view == "table"),
        })
    });
    let tick = ticks(|| Topic::All);
    let clock = Clock::current();
    let view: Loading<FleetView> = Resource::new(
        move || (wanted.get(), tick.get()),
        |(wanted, _)| fleet(wanted.filter, wanted.all || wanted.table),
    );
    view! {
        <Title text="Fleet" />
        {loaded(view, move |view| show(view, wanted.get(), clock))}
    }
}

fn show(view: FleetView, wanted: Wanted, clock: Clock) -> AnyView {
    let now = clock.0.get_untracked().max(view.now);
    let nothing = view.sections.iter().all(|section| section.rows.is_empty()) && view.folded == 0;
    let wide = if wanted.table {
        table::table(&view, now)
    } else {
        matrix::matrix(&view, &wanted, now)
    };
    // Two forms of nothing are no choice.
    let shown = if nothing && wanted.filter.is_empty() {
        "hidden"
    } else {
        "hidden md:block"
    };
    let add = (!nothing).then(|| {
        view! {
            <LinkButton href="/settings?tab=sources".to_owned() look=Look::Quiet shape=Icon::Plus>
                "Add application"
            </LinkButton>
        }
    });
    let segments = view! {
        {add}
        <div class=shown>
            <Segments
                label="View"
                choices=vec![
                    Choice::words("Matrix", wanted.link(&wanted.filter, wanted.all, false), !wanted.table),
                    Choice::words("Table", wanted.link(&wanted.filter, wanted.all, true), wanted.table),
                ]
            />
        </div>
    }
    .into_any();
    let verdict = verdict::verdict(&view.verdict, now);
    view! {
        <PageHead title="Fleet" below=verdict actions=segments />
        {view.filter_error.clone().map(|(at, why)| filter_error(&wanted.filter, at, &why))}
        {view.commit.clone().map(|commit| rollout::rollout(commit, now))}
        {needs_you::needs_you(&view, now)}
        {if nothing {
            empty(&wanted, &view)
        } else {
            view! {
                <div class=format!("{PANEL} max-md:hidden")>{wide}</div>
                <div class="md:hidden">{phone::list(&view, &wanted, now)}</div>
            }
                .into_any()
        }}
    }
    .into_any()
}

fn filter_error(filter: &str, at: u32, why: &str) -> AnyView {
    let at = at as usize;
    let before: String = filter.chars().take(at).collect();
    let after: String = filter.chars().skip(at).collect();
    let lead = view! {
        "The filter cannot be read: "
        {why.to_owned()}
        "."
    }
    .into_any();
    let rest = view! {
        <code class="font-mono text-sm">
            {before} <mark class="bg-bad-soft text-bad">{if after.is_empty() { "␣".to_owned() } else { after }}</mark>
        </code>
        " Keys are cluster, project, app, health, sync, is, label, image, commit, since; everything else is free text."
    }
    .into_any();
    view! { <Banner tone=Tone::Bad lead=lead rest=rest /> }.into_any()
}

fn empty(wanted: &Wanted, view: &FleetView) -> AnyView {
    if wanted.filter.is_empty() {
        let clusters: Vec<String> = view
            .columns
            .iter()
            .map(|column| column.cluster.clone())
            .collect();
        first_steps::first_steps(&clusters)
    } else {
        let filter = wanted.filter.clone();
        view! {
            <Empty title="Nothing matches this filter" shape=Icon::Search>
                <code class="font-mono text-sm break-all">{filter}</code>
                <p class="mt-2">
                    <a class=LINK href="/">
                        "Show the whole fleet"
                    </a>
                </p>
            </Empty>
        }
        .into_any()
    }
}
