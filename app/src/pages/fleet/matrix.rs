//! Rows are groups, columns are clusters. What matches is faint; what does not carries a bar and words.

use super::{Seen, Wanted};
use crate::components::clock::ago;
use crate::components::icon::{Icon, meaning};
use crate::components::panel::{LINK, TABLE, TH};
use crate::components::standing::{Standing, standing};
use crate::components::status::{health_explained, mark, sync_explained};
use crate::components::target_link::{application_address, commit_address_by_url};
use crate::format;
use leptos::prelude::*;
use lockstep_types::application::TargetSummary;
use lockstep_types::cluster::Connection;
use lockstep_types::diff::SyncStatus;
use lockstep_types::fleet::{Column, FleetView, Row};
use lockstep_types::health::HealthStatus;

/// Up to so many columns there is room to say what runs, even where all is well: a row has two lines anyway.
const ROOMY: usize = 3;
const CELL: &str = "border-b border-line px-2.5 py-1.5 align-middle in-[tr:last-child]:border-b-0";
const FIRST: &str = "sticky left-0 z-[1] border-b border-line bg-surface py-1.5 pr-2.5 pl-3 text-left align-middle font-normal in-[tr:last-child]:border-b-0";

/// The matrix.
pub fn matrix(view: &FleetView, wanted: &Wanted, seen: Seen) -> AnyView {
    let columns = view.columns.len();
    let roomy = columns <= ROOMY;
    let span = (columns + 2).to_string();
    let sections = view
        .sections
        .iter()
        .filter(|section| !section.rows.is_empty())
        .map(|section| {
            let attention = section.rows.iter().any(|row| row.project != section.title);
            view! {
                <tbody>
                    <tr>
                        <th scope="rowgroup" colspan=span.clone() class="border-y border-line bg-page px-3 py-[5px] text-left text-xs font-semibold text-muted">
                            {section.title.clone()}
                        </th>
                    </tr>
                    {section.rows.iter().map(|row| row_view(row, attention, roomy, seen)).collect_view()}
                </tbody>
            }
        })
        .collect_view();
    view! {
        <div class="overflow-x-auto">
            <table class=TABLE>
                <thead>
                    <tr>
                        <th scope="col" class=format!("{TH} sticky left-0 z-[2]")>
                            "Group"
                        </th>
                        {view.columns.iter().map(|column| head(column, seen)).collect_view()}
                        <th scope="col" class=TH>
                            "Git"
                        </th>
                    </tr>
                </thead>
                {sections}
            </table>
        </div>
        {folded(view, wanted)}
    }
    .into_any()
}

/// The line for what is not shown because it is well.
pub fn folded(view: &FleetView, wanted: &Wanted) -> AnyView {
    if view.folded > 0 {
        let words = if view.folded == 1 {
            "1 more group matches Git and is healthy".to_owned()
        } else {
            format!(
                "{} more groups match Git and are healthy",
                format::count(view.folded.into())
            )
        };
        view! {
            <p class="border-t border-line px-3 py-2 text-muted">
                {words}
                " · "
                <a class=LINK href=wanted.link(&wanted.filter, true, wanted.table)>
                    "show"
                </a>
            </p>
        }
        .into_any()
    } else if wanted.all && !wanted.table {
        view! {
            <p class="border-t border-line px-3 py-2 text-muted">
                "Everything is shown · "
                <a class=LINK href=wanted.link(&wanted.filter, false, wanted.table)>
                    "fold what matches"
                </a>
            </p>
        }
        .into_any()
    } else {
        ().into_any()
    }
}

fn head(column: &Column, seen: Seen) -> AnyView {
    let compared = match column.last_compared {
        _ if seen.past => "as it was then".to_owned(),
        None => "never compared".to_owned(),
        Some(at) => format!("last compared {} ago", format::relative(at, seen.now)),
    };
    let state = match &column.connection {
        _ if seen.past => ().into_any(),
        Connection::Connected => ().into_any(),
        Connection::Unreachable { error, .. } => meaning(
            Icon::Degraded,
            "text-bad",
            "unreachable",
            format!("Unreachable: {error}"),
        ),
        Connection::Unknown => meaning(
            Icon::Unknown,
            "text-unk",
            "not known yet",
            "Its state is still being read".to_owned(),
        ),
    };
    view! {
        <th scope="col" class=TH>
            <a
                class="inline-flex items-center gap-1.5 hover:text-ink hover:underline"
                href=format!("/clusters/{}", format::encode(&column.cluster))
                title=format!("{}: {compared}", column.cluster)
            >
                {column.cluster.clone()}
                {state}
            </a>
        </th>
    }
    .into_any()
}

fn row_view(row: &Row, with_project: bool, roomy: bool, seen: Seen) -> AnyView {
    let name = if with_project {
        format!("{} / {}", row.project, row.group)
    } else {
        row.group.clone()
    };
    let worst = row
        .cells
        .iter()
        .flatten()
        .max_by_key(|target| crate::components::standing::severity(target));
    let cluster = worst
        .map(|target| target.target.cluster.clone())
        .unwrap_or_default();
    let href = application_address(
        &row.application,
        &[("cluster", &cluster), ("at", &seen.at())],
    );
    let repository = row
        .origin
        .split(" · ")
        .next()
        .unwrap_or_default()
        .to_owned();
    view! {
        <tr>
            <th scope="row" class=FIRST>
                <a class="font-medium hover:underline" href=href data-row>
                    {name}
                </a>
                <span class="block font-mono text-xs break-all text-faint">{row.origin.clone()}</span>
            </th>
            {row.cells.iter().map(|targets| cell(targets, roomy, seen)).collect_view()}
            <td class=format!("{CELL} whitespace-nowrap")>
                {row
                    .commit
                    .clone()
                    .map(|commit| {
                        view! {
                            <a
                                class="font-mono text-sm hover:underline"
                                href=commit_address_by_url(&repository, &commit.revision)
                                title=format!("{} ({})", commit.subject, commit.author)
                            >
                                {commit.revision.short().to_owned()}
                            </a>
                            " "
                            <span class="text-faint">{ago(commit.committed_at)}</span>
                        }
                    })}
            </td>
        </tr>
    }
    .into_any()
}

fn cell(targets: &[TargetSummary], roomy: bool, seen: Seen) -> AnyView {
    let Some(target) = targets.first() else {
        return view! {
            <td class=format!("{CELL} text-faint")>
                <span title="Not placed on this cluster">"–"</span>
            </td>
        }
        .into_any();
    };
    let standing = standing(target, seen.now);
    let class = match standing.tone {
        Some(tone) => format!("{CELL} border-l-2 {}", tone.bar()),
        None => CELL.to_owned(),
    };
    let well = |target: &&TargetSummary| {
        target.sync == SyncStatus::Synced && target.health.status == HealthStatus::Healthy
    };
    let several = (targets.len() > 1)
        .then(|| format!("{}/{}", targets.iter().filter(well).count(), targets.len()));
    let quiet = standing.tone.is_none();
    let below = below(target, &standing, roomy);
    let words = standing.words.clone();
    view! {
        <td class=class>
            <a class="group/cell block min-w-0 rounded-sm" href=seen.address(&target.target)>
                <span class=format!("flex min-h-5 items-center gap-1.5 {}", if quiet { "text-faint" } else { "" })>
                    {mark(standing.sync, sync_title(target, seen), quiet)}
                    {mark(standing.health, health_title(target), quiet)}
                    {(!words.is_empty()).then(|| view! { <span class="group-hover/cell:underline">{words}</span> })}
                    {several.map(|several| view! { <span>{several}</span> })}
                </span>
                {below}
            </a>
        </td>
    }
    .into_any()
}

fn below(target: &TargetSummary, standing: &Standing, roomy: bool) -> AnyView {
    if !standing.cause.is_empty() {
        return view! {
            <span class="line-clamp-2 max-w-80 text-xs break-words text-muted" title=standing.cause.clone()>
                {standing.cause.clone()}
            </span>
        }
        .into_any();
    }
    if !roomy {
        return ().into_any();
    }
    let image = target.images.first().cloned().unwrap_or_default();
    let revision = target
        .deployed
        .as_ref()
        .map(|revision| revision.short().to_owned())
        .unwrap_or_default();
    view! {
        <span class="block max-w-60 truncate font-mono text-xs text-faint" title=target.images.join(", ")>
            {[revision, image].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")}
        </span>
    }
    .into_any()
}

/// What was compared, when, and what would change it.
pub fn sync_title(target: &TargetSummary, seen: Seen) -> String {
    let compared = match target.last_compared {
        _ if seen.past => String::new(),
        Some(at) => format!(" Last compared {} ago.", format::relative(at, seen.now)),
        None => " Not compared yet.".to_owned(),
    };
    format!("{}{compared}", sync_explained(target.sync))
}

/// The status with the object's own sentence.
pub fn health_title(target: &TargetSummary) -> String {
    if target.health.message.is_empty() {
        health_explained(target.health.status).to_owned()
    } else {
        format!(
            "{} {}.",
            health_explained(target.health.status),
            target.health.message
        )
    }
}
