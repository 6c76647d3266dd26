//! The fleet: one verdict line, what needs a person, and all groups over all clusters.

mod first_steps;
mod matrix;
mod needs_you;
mod past;
mod phone;
mod rollout;
mod table;
mod verdict;

pub use past::state;
pub use rollout::on_target;

use crate::api::fleet::fleet;
use crate::components::button::{LinkButton, Look, refusal};
use crate::components::clock::Clock;
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded_for};
use crate::components::moment::{as_of, in_address, past_banner, unrecorded};
use crate::components::panel::{LINK, PANEL, PageHead};
use crate::components::reason::Banner;
use crate::components::switcher::{Choice, Segments};
use crate::components::target_link::application_address;
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockstep_types::Micros;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::TargetRef;
use lockstep_types::fleet::FleetView;

/// What the address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    filter: String,
    all: bool,
    table: bool,
    /// An earlier time, and the one it is held against; empty for now.
    at: String,
    until: String,
}

impl Wanted {
    fn link(&self, filter: &str, all: bool, table: bool) -> String {
        let mut parts = self.parts(filter, all, table);
        parts.extend([("at", self.at.clone()), ("until", self.until.clone())]);
        let parts: Vec<(&str, &str)> = parts
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        format::link("/", &parts)
    }

    fn parts(&self, filter: &str, all: bool, table: bool) -> Vec<(&'static str, String)> {
        let word = |yes: bool, word: &str| if yes { word } else { "" }.to_owned();
        vec![
            ("q", filter.to_owned()),
            ("all", word(all, "1")),
            ("view", word(table, "table")),
        ]
    }
}

/// The time that rows are about.
#[derive(Debug, Clone, Copy)]
struct Seen {
    now: Micros,
    past: bool,
}

impl Seen {
    /// As addresses say it; empty for now.
    fn at(self) -> String {
        if self.past {
            in_address(self.now)
        } else {
            String::new()
        }
    }

    fn address(self, target: &TargetRef) -> String {
        application_address(
            &target.application,
            &[("cluster", &target.cluster), ("at", &self.at())],
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
            at: query.get("at").unwrap_or_default(),
            until: query.get("until").unwrap_or_default(),
        })
    });
    let tick = ticks(|| Topic::All);
    let clock = Clock::current();
    let view: Loading<FleetView> = Resource::new(
        move || (wanted.get(), tick.get()),
        |(wanted, _)| {
            fleet(
                wanted.filter,
                wanted.all || wanted.table,
                wanted.at,
                wanted.until,
            )
        },
    );
    view! {
        <Title text="Fleet" />
        {loaded_for(view, move |view, actor| show(view, wanted.get(), actor, clock))}
    }
}

fn show(view: FleetView, wanted: Wanted, actor: Option<&Actor>, clock: Clock) -> AnyView {
    let now = clock.0.get_untracked().max(view.now);
    let nothing = view.sections.iter().all(|section| section.rows.is_empty()) && view.folded == 0;
    let seen = Seen {
        now: view.past.as_ref().map_or(now, |past| past.at),
        past: view.past.is_some(),
    };
    let wide = if wanted.table {
        table::table(&view, seen)
    } else {
        matrix::matrix(&view, &wanted, seen)
    };
    // Two forms of nothing are no choice.
    let shown = if nothing && wanted.filter.is_empty() {
        "hidden"
    } else {
        "hidden md:block"
    };
    let kept = wanted.parts(&wanted.filter, wanted.all, wanted.table);
    let as_of = (!nothing || seen.past).then(|| as_of("/", &kept, now));
    let add = (!nothing && !seen.past).then(|| {
        view! {
            <LinkButton href="/settings?tab=sources".to_owned() look=Look::Quiet shape=Icon::Plus refused=refusal(actor, Permission::Create)>
                "Add application"
            </LinkButton>
        }
    });
    let parity = (!nothing && !seen.past).then(|| {
        view! {
            <LinkButton href=format::link("/parity", &[("q", &wanted.filter)]) look=Look::Quiet shape=Icon::Clusters>
                "Parity"
            </LinkButton>
        }
    });
    let segments = view! {
        {add}
        {parity}
        {as_of}
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
    let verdict = verdict::verdict(&view.verdict, seen);
    let back = Wanted {
        at: String::new(),
        until: String::new(),
        ..wanted.clone()
    };
    let back = back.link(&wanted.filter, wanted.all, wanted.table);
    let banner = view.past.as_ref().map(|past| {
        let until = past.until.map_or_else(String::new, |until| {
            format!("Held against {}. ", format::absolute(until))
        });
        let note = unrecorded(past.at, past.recorded_since) + &until;
        past_banner(past.at, note, now, back)
    });
    let turned = view.past.as_ref().map(past::turned);
    view! {
        <PageHead title="Fleet" below=verdict actions=segments />
        {banner}
        {view.filter_error.clone().map(|(at, why)| filter_error(&wanted.filter, at, &why))}
        {view.commit.clone().map(|commit| rollout::rollout(commit, now))}
        {needs_you::needs_you(&view, now)}
        {if nothing && seen.past && wanted.filter.is_empty() {
            ().into_any()
        } else if nothing {
            empty(&wanted, &view, actor)
        } else {
            view! {
                <div class=format!("{PANEL} max-md:hidden")>{wide}</div>
                <div class="md:hidden">{phone::list(&view, &wanted, seen)}</div>
            }
                .into_any()
        }}
        {turned}
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

fn empty(wanted: &Wanted, view: &FleetView, actor: Option<&Actor>) -> AnyView {
    if wanted.filter.is_empty() {
        let clusters: Vec<String> = view
            .columns
            .iter()
            .map(|column| column.cluster.clone())
            .collect();
        first_steps::first_steps(&clusters, actor)
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
