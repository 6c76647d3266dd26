//! The same tree as a list: for phones, for screen readers, and for those who like lists.

use super::status::{health_mark, mark, sync_explained, sync_mark};
use super::tree::health_title;
use crate::format;
use leptos::prelude::*;
use lockstep_types::Micros;
use lockstep_types::resource::{ResourceKey, ResourceNode};
use std::collections::HashMap;

/// More rows than this are not read by anybody; the filter of the page finds the rest.
const MOST: usize = 1_000;
/// A phone has no room to waste on depth.
const INDENT: [&str; 6] = [
    "pl-3",
    "pl-5 md:pl-7",
    "pl-7 md:pl-11",
    "pl-9 md:pl-15",
    "pl-11 md:pl-19",
    "pl-13 md:pl-23",
];

/// The list.
#[component]
pub fn TreeList(
    nodes: Vec<ResourceNode>,
    selected: Option<ResourceKey>,
    now: Micros,
    href: impl Fn(&ResourceKey) -> String + Send + Sync + 'static,
) -> impl IntoView {
    let hidden = nodes.len().saturating_sub(MOST);
    let ordered = depth_first(&nodes);
    let rows = ordered
        .into_iter()
        .take(MOST)
        .map(|(index, level)| {
            let node = &nodes[index];
            row(
                node,
                level,
                selected.as_ref() == Some(&node.key),
                now,
                href(&node.key),
            )
        })
        .collect_view();
    view! {
        <div class="min-w-0 overflow-x-auto">
            <table role="treegrid" aria-label="Resources" class="w-full border-collapse text-left">
                <thead>
                    <tr role="row" class="text-xs text-muted">
                        <th role="columnheader" class="border-b border-line px-3 py-[7px] font-medium">"Object"</th>
                        <th role="columnheader" class="border-b border-line px-2.5 py-[7px] font-medium">"State"</th>
                        <th role="columnheader" class="border-b border-line px-3 py-[7px] text-right font-medium">"Age"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {(hidden > 0)
                .then(|| view! { <p class="px-3 py-2 text-muted">{format!("and {} more objects", format::count(hidden as u64))}</p> })}
        </div>
    }
}

fn row(node: &ResourceNode, level: usize, picked: bool, now: Micros, href: String) -> AnyView {
    let indent = INDENT[level.min(INDENT.len() - 1)];
    let ground = if picked {
        "bg-accent-soft"
    } else if node.cause {
        "bg-bad-soft"
    } else {
        ""
    };
    let words = if node.detail.is_empty() {
        node.health.status.word().to_owned()
    } else {
        node.detail.clone()
    };
    view! {
        <tr role="row" attr:aria-level=(level + 1).to_string() aria-selected=picked.to_string() class=ground>
            <td role="gridcell" class=format!("border-b border-line py-1.5 pr-2 {indent}")>
                <a href=href class="block min-w-0 break-words hover:underline" data-row data-noscroll>
                    <span class="text-xs text-muted max-md:block">{node.key.kind.clone()}</span>
                    " "
                    <span class="font-medium max-md:text-sm">{node.key.name.clone()}</span>
                </a>
            </td>
            <td role="gridcell" class="border-b border-line px-2.5 py-1.5">
                <span class="flex items-center gap-1.5 text-sm text-muted">
                    {node.sync.map(|sync| mark(sync_mark(sync), sync_explained(sync), false))}
                    {mark(health_mark(node.health.status), health_title(node), false)}
                    <span>{words}</span>
                </span>
            </td>
            <td role="gridcell" class="border-b border-line px-3 py-1.5 text-right text-sm whitespace-nowrap text-faint">
                {node.created_at.map(|at| format::relative(at, now))}
            </td>
        </tr>
    }
    .into_any()
}

/// Positions with their depth, children right below their parent.
fn depth_first(nodes: &[ResourceNode]) -> Vec<(usize, usize)> {
    let index: HashMap<&ResourceKey, usize> = nodes
        .iter()
        .enumerate()
        .map(|(index, node)| (&node.key, index))
        .collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut stack = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        match node.parent.as_ref().and_then(|key| index.get(key)) {
            Some(&parent) if parent < at => children[parent].push(at),
            _ => stack.push((at, 0)),
        }
    }
    stack.reverse();
    let mut out = Vec::with_capacity(nodes.len());
    while let Some((at, level)) = stack.pop() {
        out.push((at, level));
        stack.extend(children[at].iter().rev().map(|&child| (child, level + 1)));
    }
    out
}
