//! The other view: a row per target, worst first.

use super::Seen;
use super::matrix::{health_title, sync_title};
use crate::components::clock::ago;
use crate::components::panel::{TABLE, TD, heads};
use crate::components::standing::{severity, standing};
use crate::components::status::{health_mark, mark};
use leptos::prelude::*;
use lockstep_types::application::TargetSummary;
use lockstep_types::fleet::FleetView;
use std::cmp::Reverse;

/// The table.
pub fn table(view: &FleetView, seen: Seen) -> AnyView {
    let mut targets: Vec<&TargetSummary> = view
        .sections
        .iter()
        .flat_map(|section| &section.rows)
        .flat_map(|row| row.cells.iter().flatten())
        .collect();
    targets.sort_by_key(|target| {
        (
            Reverse(severity(target)),
            &target.target.application.project,
            &target.target.application.name,
            &target.target.cluster,
        )
    });
    view! {
        <div class="overflow-x-auto">
            <table class=TABLE>
                <thead>
                    <tr>
                        {heads(&["Application", "Cluster", "Git", "Health", "Why", "Deployed", "Image", "Last compared"])}
                    </tr>
                </thead>
                <tbody>{targets.into_iter().map(|target| row(target, seen)).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(target: &TargetSummary, seen: Seen) -> AnyView {
    let standing = standing(target, seen.now);
    let quiet = standing.tone.is_none();
    let words = |word: &str| view! { <span class=if quiet { "text-faint" } else { "" }>{word.to_owned()}</span> };
    view! {
        <tr>
            <td class=format!("{TD} whitespace-nowrap")>
                <a class="font-medium hover:underline" href=seen.address(&target.target) data-row>
                    {format!("{} / {}", target.target.application.project, target.target.application.name)}
                </a>
            </td>
            <td class=format!("{TD} whitespace-nowrap")>{target.target.cluster.clone()}</td>
            <td class=TD>
                <span class="flex items-center gap-1.5 whitespace-nowrap">
                    {mark(standing.sync, sync_title(target, seen), quiet)} {words(standing.sync.word)}
                </span>
            </td>
            <td class=TD>
                <span class="flex items-center gap-1.5 whitespace-nowrap">
                    {mark(health_mark(target.health.status), health_title(target), quiet)} {words(target.health.status.word())}
                </span>
            </td>
            <td class=TD>
                <span class="line-clamp-2 max-w-96 text-sm text-muted" title=standing.cause.clone()>
                    {standing.cause.clone()}
                </span>
            </td>
            <td class=format!("{TD} font-mono text-sm")>
                {target.deployed.as_ref().map(|revision| revision.short().to_owned())}
            </td>
            <td class=format!("{TD} max-w-56 truncate font-mono text-sm") title=target.images.join(", ")>
                {target.images.first().cloned()}
            </td>
            <td class=format!("{TD} whitespace-nowrap text-muted")>
                {match target.last_compared {
                    Some(at) => ago(at),
                    None if seen.past => "–".into_any(),
                    None => "never".into_any(),
                }}
            </td>
        </tr>
    }
    .into_any()
}
