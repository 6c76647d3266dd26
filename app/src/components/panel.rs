//! Surfaces: panels, headings, tables, chips of plain text.

use super::icon::{Icon, icon};
use leptos::prelude::*;

/// A bordered surface.
pub const PANEL: &str =
    "min-w-0 overflow-hidden rounded-lg border border-line bg-surface shadow-card";
/// A table in a panel. On a phone each row is a small card: the first cell over the others.
pub const TABLE: &str = "w-full border-collapse text-left max-md:block max-md:[&>thead]:hidden max-md:[&>tbody]:block max-md:[&>tbody>tr]:flex max-md:[&>tbody>tr]:flex-wrap max-md:[&>tbody>tr]:items-center max-md:[&>tbody>tr]:gap-x-4 max-md:[&>tbody>tr]:gap-y-1 max-md:[&>tbody>tr]:border-b max-md:[&>tbody>tr]:border-line max-md:[&>tbody>tr]:px-3 max-md:[&>tbody>tr]:py-2 max-md:[&>tbody>tr:last-child]:border-b-0";
/// A head cell.
pub const TH: &str = "border-b border-line bg-surface px-2.5 py-[7px] text-xs font-medium whitespace-nowrap text-muted first:pl-3 last:pr-3";
/// A body cell. `data-label` names it where the head cells are gone.
pub const TD: &str = "max-md:max-w-full max-md:border-b-0 max-md:p-0 max-md:first:basis-full max-md:empty:hidden max-md:data-[label]:before:mr-1.5 max-md:data-[label]:before:text-xs max-md:data-[label]:before:text-muted max-md:data-[label]:before:content-[attr(data-label)] md:border-b md:border-line md:px-2.5 md:py-1.5 md:align-middle md:first:pl-3 md:last:pr-3 md:in-[tr:last-child]:border-b-0";
/// A small heading between parts of a page.
pub const H2: &str = "text-xs font-semibold text-muted";
/// A quiet link in running text.
pub const LINK: &str = "underline decoration-line-strong decoration-dotted underline-offset-[3px] hover:decoration-current";
/// A link that is the next step.
pub const ACTION_LINK: &str = "font-medium text-accent underline decoration-transparent underline-offset-[3px] hover:decoration-current";

/// A page's heading with what stands beside it.
#[component]
pub fn PageHead(
    #[prop(into)] title: String,
    #[prop(optional)] crumbs: Option<AnyView>,
    #[prop(optional)] below: Option<AnyView>,
    #[prop(optional)] actions: Option<AnyView>,
) -> impl IntoView {
    view! {
        <header class="flex flex-wrap items-start justify-between gap-x-4 gap-y-3">
            <div class="min-w-0 flex-1 basis-80">
                {crumbs
                    .map(|crumbs| {
                        view! {
                            <nav aria-label="Breadcrumb" class="mb-0.5 text-sm text-muted">
                                {crumbs}
                            </nav>
                        }
                    })} <h1 class="text-xl leading-tight font-semibold tracking-tight break-words">{title}</h1>
                {below}
            </div>
            {actions.map(|actions| view! { <div class="flex flex-wrap items-center gap-2">{actions}</div> })}
        </header>
    }
}

/// A titled part of a page.
#[component]
pub fn Part(#[prop(into)] title: String, children: Children) -> impl IntoView {
    view! {
        <section class="flex min-w-0 flex-col gap-2">
            <h2 class=H2>{title}</h2>
            {children()}
        </section>
    }
}

/// A word in a thin frame.
pub fn tag(text: impl Into<String>) -> AnyView {
    view! {
        <span class="inline-block rounded border border-line px-1.5 text-xs whitespace-nowrap text-muted">
            {text.into()}
        </span>
    }
    .into_any()
}

/// Head cells. One without words is for buttons.
pub fn heads(titles: &[&'static str]) -> AnyView {
    titles
        .iter()
        .map(|title| {
            view! {
                <th class=TH scope="col">
                    {if title.is_empty() { view! { <span class="sr-only">"Actions"</span> }.into_any() } else { title.into_any() }}
                </th>
            }
        })
        .collect_view()
        .into_any()
}

/// A part that opens on its heading.
#[component]
pub fn Fold(
    #[prop(into)] title: String,
    #[prop(optional)] open: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <details class=format!("group/fold {PANEL}") open=open>
            <summary class="flex items-center gap-2 px-4 py-2.5 font-medium hover:bg-sunken">
                <span class="text-faint transition-transform group-open/fold:rotate-90">{icon(Icon::Chevron)}</span>
                {title}
            </summary>
            <div class="border-t border-line px-4 py-3">{children()}</div>
        </details>
    }
}

/// More of what stands above it, shown on demand, without a frame of its own.
#[component]
pub fn More(#[prop(into)] title: String, children: Children) -> impl IntoView {
    view! {
        <details class="group/more">
            <summary class="flex items-center gap-1.5 text-sm text-muted hover:text-ink">
                <span class="text-faint transition-transform group-open/more:rotate-90">{icon(Icon::Chevron)}</span>
                {title}
            </summary>
            <div class="mt-2 flex flex-col gap-3">{children()}</div>
        </details>
    }
}

/// The pairs of a summary side by side.
pub fn facts_row(pairs: Vec<(&'static str, AnyView)>) -> AnyView {
    view! {
        <dl class="flex flex-wrap gap-x-8 gap-y-2 text-sm">
            {pairs
                .into_iter()
                .map(|(name, value)| {
                    view! {
                        <div>
                            <dt class="text-xs text-muted">{name}</dt>
                            <dd class="break-words">{value}</dd>
                        </div>
                    }
                })
                .collect_view()}
        </dl>
    }
    .into_any()
}

/// The pairs of a summary.
pub fn facts(pairs: Vec<(&'static str, AnyView)>) -> AnyView {
    view! {
        <dl class="grid grid-cols-[minmax(88px,auto)_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm">
            {pairs
                .into_iter()
                .map(|(name, value)| {
                    view! {
                        <dt class="text-muted">{name}</dt>
                        <dd class="min-w-0 break-words">{value}</dd>
                    }
                })
                .collect_view()}
        </dl>
    }
    .into_any()
}
