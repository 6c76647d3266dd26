//! The matrix on a phone: a card per group with a chip per cluster, the well ones counted together.

use super::matrix::folded;
use super::{Seen, Wanted};
use crate::components::icon::Icon;
use crate::components::panel::{H2, PANEL};
use crate::components::standing::standing;
use crate::components::status::{Mark, chip};
use crate::components::target_link::application_address;
use crate::components::tone::Tone;
use crate::format;
use leptos::prelude::*;
use lockstep_types::application::TargetSummary;
use lockstep_types::fleet::{FleetView, Row};

/// The list.
pub fn list(view: &FleetView, wanted: &Wanted, seen: Seen) -> AnyView {
    view! {
        <div class="flex flex-col gap-4">
            {view
                .sections
                .iter()
                .filter(|section| !section.rows.is_empty())
                .map(|section| {
                    view! {
                        <section class="flex flex-col gap-2">
                            <h2 class=H2>{section.title.clone()}</h2>
                            {section.rows.iter().map(|row| card(row, seen)).collect_view()}
                        </section>
                    }
                })
                .collect_view()}
            {folded(view, wanted)}
        </div>
    }
    .into_any()
}

fn card(row: &Row, seen: Seen) -> AnyView {
    let targets: Vec<&TargetSummary> = row.cells.iter().flatten().collect();
    let (loud, well): (Vec<_>, Vec<_>) = targets
        .into_iter()
        .partition(|target| standing(target, seen.now).tone.is_some());
    let cause = loud
        .iter()
        .map(|target| standing(target, seen.now).cause)
        .find(|cause| !cause.is_empty());
    let since = loud
        .iter()
        .filter_map(|target| target.reason.as_ref().map(|reason| reason.since))
        .min()
        .or(row.commit.as_ref().map(|commit| commit.committed_at));
    let cluster = loud
        .first()
        .map(|target| target.target.cluster.clone())
        .unwrap_or_default();
    let calm = match (loud.len(), well.as_slice()) {
        (_, []) => None,
        (_, [one]) => Some(one.target.cluster.clone()),
        (0, many) => Some(format!("all {}", many.len())),
        (_, many) => Some(format!("{} others", many.len())),
    };
    view! {
        <article class=format!("{PANEL} flex flex-col gap-1.5 px-3 py-2.5")>
            <div class="flex items-baseline justify-between gap-2">
                <h3 class="min-w-0 font-medium break-words">
                    <a href=application_address(&row.application, &[("cluster", &cluster), ("at", &seen.at())]) data-row>
                        {format!("{} / {}", row.project, row.group)}
                    </a>
                </h3>
                <span class="text-sm whitespace-nowrap text-faint">{since.map(|at| format::relative(at, seen.now))}</span>
            </div>
            <div class="flex flex-wrap gap-1.5">
                {loud.iter().map(|target| loud_chip(target, seen)).collect_view()}
                {calm.map(|words| chip(Mark { icon: Icon::Synced, tone: Tone::Ok, word: "" }, words))}
            </div>
            {cause.map(|cause| view! { <p class="text-sm break-words text-muted">{cause}</p> })}
        </article>
    }
    .into_any()
}

fn loud_chip(target: &TargetSummary, seen: Seen) -> AnyView {
    let standing = standing(target, seen.now);
    let tone = standing.tone.unwrap_or(Tone::Unknown);
    let shape = if standing.health.tone == tone {
        standing.health
    } else {
        standing.sync
    };
    view! {
        <a class="max-w-full rounded-full" href=seen.address(&target.target)>
            {chip(Mark { tone, ..shape }, format!("{} {}", target.target.cluster, format::middle(&standing.words, 26)))}
        </a>
    }
    .into_any()
}
