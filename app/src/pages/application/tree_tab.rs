//! The Tree tab: drawing or list, and the drawer of the chosen object.

use super::blame_pane::Blame;
use super::drawer::drawer;
use super::logs_pane::Logs;
use super::{Address, selected, target_of};
use crate::components::clock::Clock;
use crate::components::feedback::{Empty, waiting};
use crate::components::loaded::Loading;
use crate::components::panel::{LINK, PANEL};
use crate::components::switcher::{Choice, Segments};
use crate::components::target_link::orphans_address;
use crate::components::tree::Tree;
use crate::components::tree_list::TreeList;
use crate::format;
use leptos::prelude::*;
use lockstep_types::application::{ApplicationView, TreeView};
use lockstep_types::resource::{ResourceKey, ResourceView};

/// What the drawer shows of the chosen object, each part read when it is asked for.
#[derive(Clone, Copy)]
pub struct Panes {
    pub node: Loading<Option<ResourceView>>,
    pub logs: Logs,
    pub blame: Blame,
}

/// The tab.
pub fn tree_tab(
    tree: TreeView,
    head: Loading<ApplicationView>,
    panes: Panes,
    address: Address,
    clock: Clock,
) -> AnyView {
    if tree.nodes.is_empty() {
        return view! {
            <Empty title="No objects">
                "Git declares nothing for this target, or it could not be rendered yet."
            </Empty>
        }
        .into_any();
    }
    let now = clock.0.get_untracked();
    let around = orphans_address(&tree.target);
    let count = tree.nodes.len() as u64;
    let open = address.node.is_some();
    let choices = vec![
        Choice::words(
            "Tree",
            Address {
                list: false,
                ..address.clone()
            }
            .link(),
            !address.list,
        ),
        Choice::words(
            "List",
            Address {
                list: true,
                ..address.clone()
            }
            .link(),
            address.list,
        ),
    ];
    let drawing = drawing(tree, head, &address, now);
    let columns = columns(&address);
    view! {
        <div class="flex items-center justify-between gap-3 max-md:hidden">
            <span class="text-sm text-muted">
                {format::plural(count, "object", "objects")} " · "
                <a class=LINK href=around>
                    "Orphaned objects"
                </a>
            </span>
            <Segments label="Form of the tree" choices=choices />
        </div>
        <div class=format!("{PANEL} grid {columns}")>
            {drawing} {open.then(|| drawer_part(head, panes, address))}
        </div>
    }
    .into_any()
}

/// The drawing keeps what the drawer leaves: two texts side by side need more than a summary.
fn columns(address: &Address) -> &'static str {
    match (&address.node, address.pane.as_str()) {
        (None, _) => "",
        (Some(_), "yaml" | "logs" | "blame") => {
            "md:grid-cols-[minmax(0,1fr)_400px] lg:grid-cols-[minmax(0,2fr)_minmax(0,5fr)]"
        }
        (Some(_), _) => "md:grid-cols-[minmax(0,1fr)_400px] lg:grid-cols-[minmax(0,1fr)_428px]",
    }
}

fn drawing(
    tree: TreeView,
    head: Loading<ApplicationView>,
    address: &Address,
    now: lockstep_types::Micros,
) -> AnyView {
    let link = {
        let address = address.clone();
        move |key: &ResourceKey| address.node_link(Some(key.clone()), "")
    };
    let list = view! { <TreeList nodes=tree.nodes.clone() selected=address.node.clone() now=now href=link.clone() /> }.into_any();
    if address.list {
        return list;
    }
    let cluster = address.cluster.clone();
    let chosen = address.node.clone();
    let (nodes, link) = (tree.nodes, link);
    let graph = Suspend::new(async move {
        head.await
            .ok()
            .and_then(|view| selected(&view, &cluster).cloned())
            .map(|target| {
                view! { <Tree nodes=nodes target=target selected=chosen now=now href=link /> }
            })
    });
    // A phone gets the list: a drawing that must be dragged about answers no question there.
    let on_phone = if address.node.is_some() {
        "hidden"
    } else {
        "md:hidden"
    };
    view! {
        <div class=on_phone>{list}</div>
        <div class="h-full min-w-0 max-md:hidden">{graph}</div>
    }
    .into_any()
}

fn drawer_part(head: Loading<ApplicationView>, panes: Panes, address: Address) -> AnyView {
    let close = address.node_link(None, "");
    let pane = match address.pane.as_str() {
        "logs" => Some(panes.logs.pane(&address)),
        "blame" => Some(panes.blame.pane(&address)),
        _ => None,
    };
    view! {
        <aside aria-label="Object" class="min-w-0 border-line bg-surface px-3.5 py-3 md:max-h-[72vh] md:overflow-y-auto md:border-l">
            <a class=format!("{LINK} mb-2 inline-block text-sm md:hidden") href=close.clone()>
                "All objects"
            </a>
            <Transition fallback=waiting>
                {move || {
                    let address = address.clone();
                    let close = close.clone();
                    Suspend::new(async move {
                        let target = target_of(head, &address.cluster).await.ok();
                        match panes.node.await {
                            Ok(Some(resource)) => drawer(resource, target, &address, close),
                            Ok(None) => ().into_any(),
                            Err(error) => view! { <crate::components::feedback::Failure error=error /> }.into_any(),
                        }
                    })
                }}
            </Transition>
            {pane}
        </aside>
    }
    .into_any()
}
