//! Parity: what runs where, application by environment. What differs without Git asking for it stands first, and the way
//! to bring one environment's versions to the next beside it.

use crate::api::parity::parity;
use crate::components::button::{ActLink, refusal_on};
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded_for};
use crate::components::panel::{ACTION_LINK, LINK, PANEL, PageHead, TABLE, TD, TH};
use crate::components::reason::Banner;
use crate::components::status::{Mark, chip};
use crate::components::switcher::{Choice, Segments};
use crate::components::target_link::{promote_address, target_address};
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::parity::{
    Environment, ParityCell, ParityDifference, ParityKind, ParityQuery, ParityRow, ParityView,
    Versions,
};

/// The page.
#[component]
pub fn ParityPage() -> impl IntoView {
    let query = use_query_map();
    let wanted = Memo::new(move |_| {
        query.with(|query| ParityQuery {
            filter: query.get("q").unwrap_or_default(),
            by: query.get("by").unwrap_or_default(),
            all: query.get("all").is_some_and(|all| all == "1"),
        })
    });
    let tick = ticks(|| Topic::All);
    let view: Loading<ParityView> = Resource::new(
        move || (wanted.get(), tick.get()),
        |(wanted, _)| parity(wanted),
    );
    view! {
        <Title text="Parity" />
        {loaded_for(view, move |view, actor| page(&view, &wanted.get(), actor))}
    }
}

fn address(wanted: &ParityQuery, by: &str, all: bool) -> String {
    format::link(
        "/parity",
        &[
            ("q", wanted.filter.as_str()),
            ("by", by),
            ("all", if all { "1" } else { "" }),
        ],
    )
}

fn page(view: &ParityView, wanted: &ParityQuery, actor: Option<&Actor>) -> AnyView {
    let unexpected = view.rows.iter().filter(|row| row.unexpected() > 0).count() as u64;
    let below = view! {
        <p class="mt-1.5 text-lg">
            {match unexpected {
                0 => "Nothing differs that Git does not ask for.".to_owned(),
                number => {
                    format!(
                        "{} that Git does not ask for.",
                        format::plural(number, "application has differences", "applications have differences"),
                    )
                }
            }}
        </p>
    }
    .into_any();
    let mut by: Vec<Choice> = view
        .labels
        .iter()
        .map(|label| {
            let href = address(wanted, label, wanted.all);
            Choice::words(format!("by {label}"), href, *label == view.by)
        })
        .collect();
    let clusters = address(wanted, "cluster", wanted.all);
    by.push(Choice::words("by cluster", clusters, view.by.is_empty()));
    let which = vec![
        Choice::words(
            "Differences",
            address(wanted, &wanted.by, false),
            !wanted.all,
        ),
        Choice::words("All", address(wanted, &wanted.by, true), wanted.all),
    ];
    let actions = view! {
        <Segments label="Environments" choices=by />
        <Segments label="Which" choices=which />
    }
    .into_any();
    let wrong = view.filter_error.clone().map(|(at, why)| {
        let lead = format!("The filter cannot be read at character {at}: {why}.");
        view! { <Banner tone=Tone::Bad lead=lead.into_any() rest="All rows are shown.".into_any() /> }
    });
    let body = match view.rows.is_empty() {
        true => empty(view, wanted),
        false => table(view, actor),
    };
    view! {
        <PageHead title="Parity" below=below actions=actions />
        {wrong}
        {body}
        {note(view, wanted)}
    }
    .into_any()
}

fn empty(view: &ParityView, wanted: &ParityQuery) -> AnyView {
    let title = match (view.folded, wanted.filter.is_empty()) {
        (0, true) => "Nothing runs in more than one place",
        (0, false) => "Nothing matches this filter",
        _ => "The same runs everywhere",
    };
    let text = match view.folded {
        0 => {
            "Applications of one name on several clusters, or generated from one set, are held against each other here."
                .to_owned()
        }
        number => format!(
            "{} the same images, charts, revisions and replicas in every environment.",
            format::plural(number.into(), "application runs", "applications run")
        ),
    };
    view! {
        <Empty title=title shape=Icon::Synced>
            {text}
        </Empty>
    }
    .into_any()
}

fn note(view: &ParityView, wanted: &ParityQuery) -> AnyView {
    let folded = (view.folded > 0 && !view.rows.is_empty()).then(|| {
        view! {
            <a class=LINK href=address(wanted, &wanted.by, true)>
                {format!("{} more run the same everywhere", view.folded)}
            </a>
            ". "
        }
    });
    let cut = (view.cut > 0).then(|| {
        format!(
            "{} more were not looked at; a filter brings them.",
            view.cut
        )
    });
    view! { <p class="text-sm text-muted">{folded} {cut}</p> }.into_any()
}

fn table(view: &ParityView, actor: Option<&Actor>) -> AnyView {
    let heads = view
        .environments
        .iter()
        .map(|environment| {
            view! {
                <th class=TH scope="col" title=environment.clusters.join(", ")>
                    {name(environment, &view.by)}
                </th>
            }
        })
        .collect_view();
    let rows = view
        .rows
        .iter()
        .map(|row| row_view(row, view, actor))
        .collect_view();
    view! {
        <div class=format!("{PANEL} overflow-x-auto") role="region" aria-label="Parity" tabindex="0">
            <table class=TABLE>
                <thead>
                    <tr>
                        <th class=TH scope="col">
                            "Application"
                        </th>
                        {heads}
                        <th class=TH scope="col">
                            "Why"
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn name(environment: &Environment, by: &str) -> String {
    match environment.name.is_empty() {
        true => format!("without {by}"),
        false => environment.name.clone(),
    }
}

/// The application with its targets, then a line for each difference.
fn row_view(row: &ParityRow, view: &ParityView, actor: Option<&Actor>) -> AnyView {
    let unexpected = row.unexpected() as u64;
    let state = match unexpected {
        0 if row.differences.is_empty() => chip(
            Mark {
                icon: Icon::Synced,
                tone: Tone::Ok,
                word: "",
            },
            "the same",
        ),
        0 => chip(
            Mark {
                icon: Icon::Synced,
                tone: Tone::Ok,
                word: "",
            },
            "as Git asks",
        ),
        number => chip(
            Mark {
                icon: Icon::OutOfSync,
                tone: Tone::Warn,
                word: "",
            },
            format!("{number} unexpected"),
        ),
    };
    let cells = row
        .cells
        .iter()
        .enumerate()
        .map(|(column, cells)| {
            let before = row.cells.get(..column).unwrap_or_default();
            let label = view
                .environments
                .get(column)
                .map(|environment| name(environment, &view.by));
            view! {
                <td class=format!("{TD} max-md:basis-full md:align-top") data-label=label>
                    {cells.iter().map(|cell| cell_view(cell, before, view, actor)).collect_view()}
                    {cells.is_empty().then(|| view! { <span class="text-faint">"–"</span> })}
                </td>
            }
        })
        .collect_view();
    let differences = row
        .differences
        .iter()
        .map(|found| difference(found, view))
        .collect_view();
    view! {
        <tr class="bg-sunken/40">
            <th class=format!("{TD} text-left font-medium md:align-top") scope="row">
                {row.group.clone()}
                <span class="block text-sm font-normal text-muted">{row.project.clone()}</span>
            </th>
            {cells}
            <td class=format!("{TD} md:align-top")>{state}</td>
        </tr>
        {differences}
    }
    .into_any()
}

fn cell_view(
    cell: &ParityCell,
    before: &[Vec<ParityCell>],
    view: &ParityView,
    actor: Option<&Actor>,
) -> AnyView {
    let summary = match &cell.versions {
        Some(versions) => summary(versions),
        None => "not known to run".to_owned(),
    };
    // What stands before it is where its next versions come from.
    let origin = before.iter().enumerate().rev().find_map(|(column, cells)| {
        let cell = cells.iter().find(|cell| cell.versions.is_some())?;
        Some((column, cell))
    });
    let promote = origin
        .filter(|(_, origin)| is_ahead(origin, cell))
        .map(|(column, origin)| {
            let from = view
                .environments
                .get(column)
                .map(|environment| name(environment, &view.by))
                .unwrap_or_default();
            let refused = refusal_on(actor, Permission::Edit, &cell.target.application);
            view! {
                <ActLink class=format!("{ACTION_LINK} block text-sm") href=promote_address(origin.target.id, cell.target.id) refused=refused>
                    {format!("Take {from}'s versions")}
                </ActLink>
            }
        });
    view! {
        <div class="min-w-0">
            <a class="hover:underline" href=target_address(&cell.target) data-row>
                {cell.target.cluster.clone()}
            </a>
            <span class="block max-w-72 text-sm break-words text-muted">{summary}</span>
            {promote}
        </div>
    }
    .into_any()
}

/// Whether an image or a chart that both have runs there in another version.
fn is_ahead(origin: &ParityCell, cell: &ParityCell) -> bool {
    let (Some(one), Some(other)) = (&origin.versions, &cell.versions) else {
        return false;
    };
    one.images.iter().any(|image| {
        let mut here = other
            .images
            .iter()
            .filter(|known| known.name == image.name)
            .peekable();
        here.peek().is_some() && here.all(|known| known.version != image.version)
    }) || one.charts.iter().any(|chart| {
        let mut here = other.charts.iter();
        here.any(|known| known.name == chart.name && known.version != chart.version)
    })
}

/// The first images, and the commit.
fn summary(versions: &Versions) -> String {
    let mut parts: Vec<String> = versions
        .images
        .iter()
        .take(2)
        .map(|image| {
            let short = image.name.rsplit('/').next().unwrap_or_default();
            format!("{short}:{}", image.version)
        })
        .collect();
    if let Some(more) = versions.images.len().checked_sub(3) {
        parts.push(format!("{} more", more + 1));
    }
    parts.extend(
        versions
            .charts
            .first()
            .map(|chart| format!("chart {}", chart.version)),
    );
    parts.extend(versions.revision.as_ref().map(|it| it.short().to_owned()));
    parts.join(" · ")
}

fn difference(found: &ParityDifference, view: &ParityView) -> AnyView {
    let tone = match found.unexpected {
        true => "font-medium",
        false => "text-muted",
    };
    let values = found
        .values
        .iter()
        .zip(&view.environments)
        .map(|(values, environment)| {
            let shown: Vec<String> = values
                .iter()
                .map(|value| short(found.kind, value))
                .collect();
            let shown = match shown.is_empty() {
                true => "–".to_owned(),
                false => shown.join(", "),
            };
            view! {
                <td
                    class=format!("{TD} font-mono text-sm break-all {tone}")
                    data-label=name(environment, &view.by)
                    title=values.join(", ")
                >
                    {shown}
                </td>
            }
        })
        .collect_view();
    let why = match found.unexpected {
        true => format::sentence_case(&found.why),
        false => format!("Expected: {}", found.why),
    };
    view! {
        <tr>
            <td class=format!("{TD} text-sm {tone} md:pl-6!")>
                {found.kind.word()} " " <span class="font-mono break-all">{found.name.clone()}</span>
            </td>
            {values}
            <td class=format!("{TD} text-sm text-muted")>{format!("{why}.")}</td>
        </tr>
    }
    .into_any()
}

fn short(kind: ParityKind, value: &str) -> String {
    match kind {
        ParityKind::Revision => value.get(..7).unwrap_or(value).to_owned(),
        ParityKind::Image if value.starts_with("sha256:") => {
            value.get(..14).unwrap_or(value).to_owned()
        }
        ParityKind::Image | ParityKind::Chart | ParityKind::Replicas => value.to_owned(),
    }
}
