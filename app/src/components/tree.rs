//! The resource tree as a drawing: cards with edges, real links inside, no script needed to read it.
//! Positions are attributes of SVG, because the content policy forbids inline styles.

use super::icon::{Icon, icon};
use super::status::{health_explained, health_mark, mark, sync_explained, sync_mark};
use super::tree_layout::{Card, HEIGHT, Layout, ROOT_X, WIDTH, layout};
use crate::format;
use leptos::html;
use leptos::prelude::*;
use lockstep_types::Micros;
use lockstep_types::application::TargetSummary;
use lockstep_types::resource::{ResourceKey, ResourceNode};
use std::sync::Arc;

/// Beyond so many cards only those near the visible part are drawn.
const ALL_AT_ONCE: usize = 400;
const BESIDE: i32 = 800;

/// The drawing. `href` gives the address of an object's drawer.
#[component]
pub fn Tree(
    nodes: Vec<ResourceNode>,
    target: TargetSummary,
    selected: Option<ResourceKey>,
    now: Micros,
    href: impl Fn(&ResourceKey) -> String + Send + Sync + 'static,
) -> impl IntoView {
    let drawing = Arc::new(layout(&nodes));
    let nodes = Arc::new(nodes);
    let href: Arc<dyn Fn(&ResourceKey) -> String + Send + Sync> = Arc::new(href);
    let zoom = RwSignal::new(100_i32);
    let window = RwSignal::new((0, 1_200));
    let frame = NodeRef::<html::Div>::new();
    let (width, height) = (drawing.width, drawing.height);
    let scaled = move |size: i32| move || (size * zoom.get() / 100).to_string();
    let many = drawing.cards.len() > ALL_AT_ONCE;
    let visible = Memo::new(move |_| {
        if many {
            window.get()
        } else {
            (i32::MIN, i32::MAX)
        }
    });
    let on_scroll = move |_| {
        if many && let Some(frame) = frame.get_untracked() {
            let (top, height) = (
                frame.scroll_top() * 100 / zoom.get_untracked(),
                frame.client_height() * 100 / zoom.get_untracked(),
            );
            // In steps, so that scrolling a little draws nothing anew.
            let top = (top - BESIDE).div_euclid(BESIDE / 2) * (BESIDE / 2);
            window.set((top, top + height + BESIDE * 2));
        }
    };
    let fit = move |_| {
        if let Some(frame) = frame.get_untracked() {
            let scale =
                (frame.client_width() * 100 / width).min(frame.client_height() * 100 / height);
            zoom.set(scale.clamp(25, 100));
        }
    };
    let cards = {
        let drawing = Arc::clone(&drawing);
        move || {
            let (top, bottom) = visible.get();
            drawing
                .cards
                .iter()
                .filter(|card| card.y + HEIGHT >= top && card.y <= bottom)
                .map(|card| card_view(card, &nodes, selected.as_ref(), now, href.as_ref()))
                .collect_view()
        }
    };
    let root = root_card(&target, &drawing);
    view! {
        <div class="relative flex h-full min-w-0 flex-col">
            <div
                node_ref=frame
                on:scroll=on_scroll
                class="max-h-[72vh] min-h-[470px] flex-1 overflow-auto bg-page bg-[radial-gradient(var(--line)_1px,transparent_1px)] bg-size-[16px_16px]"
                role="region"
                aria-label="Resource tree"
                tabindex="0"
            >
                <svg width=scaled(width) height=scaled(height) viewBox=format!("0 0 {width} {height}") class="block">
                    <path d=edges(&drawing) class="fill-none stroke-line-strong stroke-[1.25]" />
                    {root}
                    {cards}
                </svg>
            </div>
            <div class="absolute right-3 bottom-3 flex rounded-md border border-line bg-surface shadow-card">
                <Tool label="Zoom out" shape=Icon::Minus on_press=move |_| zoom.update(|zoom| *zoom = (*zoom - 25).max(25)) />
                <Tool label="Zoom in" shape=Icon::Plus on_press=move |_| zoom.update(|zoom| *zoom = (*zoom + 25).min(150)) />
                <Tool label="Fit" shape=Icon::Fit on_press=fit />
            </div>
        </div>
    }
}

#[component]
fn Tool(
    label: &'static str,
    shape: Icon,
    on_press: impl FnMut(leptos::ev::MouseEvent) + 'static,
) -> impl IntoView {
    view! {
        <button type="button" class="p-1.5 text-muted hover:text-ink" aria-label=label title=label on:click=on_press>
            {icon(shape)}
        </button>
    }
}

fn edges(drawing: &Layout) -> String {
    let mut out = String::new();
    for card in &drawing.cards {
        let (x, y) = match card.parent {
            Some(parent) => (drawing.cards[parent].x, drawing.cards[parent].y),
            None => (ROOT_X, drawing.root_y),
        };
        let (x, y) = (x + WIDTH, y + HEIGHT / 2);
        let (to_x, to_y) = (card.x, card.y + HEIGHT / 2);
        out.push_str(&format!(
            "M{x} {y}C{} {y},{} {to_y},{to_x} {to_y}",
            x + 20,
            to_x - 20
        ));
    }
    out
}

const FACE: &str = "block h-full rounded-[7px] border bg-surface px-[9px] py-1.5 text-sm shadow-card -outline-offset-2";

fn root_card(target: &TargetSummary, drawing: &Layout) -> AnyView {
    let sync = sync_mark(target.sync);
    let health = health_mark(target.health.status);
    view! {
        <foreignObject x=ROOT_X y=drawing.root_y width=WIDTH height=HEIGHT>
            <div class=format!("{FACE} border-line-strong")>
                <span class="block text-xs text-faint">"Application"</span>
                <span class="block truncate font-medium" title=target.target.application.name.clone()>
                    {target.target.application.name.clone()}
                </span>
                <span class="flex items-center gap-1.5 text-xs text-muted">
                    {mark(sync, sync_explained(target.sync), false)} {mark(health, health_explained(target.health.status), false)}
                    {target.health.status.word()}
                </span>
            </div>
        </foreignObject>
    }
    .into_any()
}

fn card_view(
    card: &Card,
    nodes: &[ResourceNode],
    selected: Option<&ResourceKey>,
    now: Micros,
    href: &(dyn Fn(&ResourceKey) -> String + Send + Sync),
) -> AnyView {
    let Some(node) = card.nodes.first().and_then(|index| nodes.get(*index)) else {
        return ().into_any();
    };
    let picked =
        selected.is_some_and(|key| card.nodes.iter().any(|index| nodes[*index].key == *key));
    let frame = if node.cause {
        "border-bad ring-3 ring-bad-soft"
    } else if picked {
        "border-accent ring-3 ring-accent-soft"
    } else {
        "border-line hover:border-line-strong"
    };
    let kind = match card.nodes.len() {
        1 => node.key.kind.clone(),
        many => format!("{} × {many}", node.key.kind),
    };
    let name = if card.nodes.len() > 1 {
        common_name(card, nodes)
    } else {
        node.key.name.clone()
    };
    let words = if node.detail.is_empty() && node.sync.is_none() {
        node.health.status.word().to_owned()
    } else {
        node.detail.clone()
    };
    let full = format!(
        "{} {}{}",
        node.key.kind,
        node.key.name,
        if node.key.namespace.is_empty() {
            String::new()
        } else {
            format!(" in {}", node.key.namespace)
        }
    );
    view! {
        <foreignObject x=card.x y=card.y width=WIDTH height=HEIGHT class="overflow-visible">
            <div class="h-full">
                <a
                    href=href(&node.key)
                    class=format!("{FACE} {frame}")
                    aria-current=picked.then_some("true")
                    title=full
                    data-row
                    data-noscroll
                >
                    <span class="flex justify-between gap-2 text-xs text-faint">
                        <span class="truncate">{kind}</span>
                        <span class="whitespace-nowrap">{node.created_at.map(|at| format::relative(at, now))}</span>
                    </span>
                    <span class="block truncate font-medium">{name}</span>
                    <span class="flex items-center gap-1.5 truncate text-xs text-muted">
                        {node.sync.map(|sync| mark(sync_mark(sync), sync_explained(sync), false))}
                        {mark(health_mark(node.health.status), health_title(node), false)}
                        <span class="truncate">{words}</span>
                    </span>
                </a>
            </div>
        </foreignObject>
    }
    .into_any()
}

/// The status of one object with its own sentence.
pub fn health_title(node: &ResourceNode) -> String {
    if node.health.message.is_empty() {
        node.health.status.word().to_owned()
    } else {
        format!("{}: {}", node.health.status.word(), node.health.message)
    }
}

/// `checkout-6bf9c-…`: what the names of alike objects share.
fn common_name(card: &Card, nodes: &[ResourceNode]) -> String {
    let mut names = card
        .nodes
        .iter()
        .filter_map(|index| nodes.get(*index))
        .map(|node| node.key.name.as_str());
    let Some(first) = names.next() else {
        return String::new();
    };
    let mut shared = first;
    for name in names {
        let length = shared
            .bytes()
            .zip(name.bytes())
            .take_while(|(left, right)| left == right)
            .count();
        shared = shared.get(..length).unwrap_or_default();
    }
    format!("{shared}…")
}
