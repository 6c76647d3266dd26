//! Choosing one of a few by link: segments and tabs. The choice is in the address.

use leptos::prelude::*;

/// One choice.
pub struct Choice {
    pub label: AnyView,
    pub href: String,
    pub on: bool,
}

impl Choice {
    /// A choice with plain words.
    pub fn words(words: impl Into<String>, href: String, on: bool) -> Self {
        let words = words.into();
        Self {
            label: view! { {words} }.into_any(),
            href,
            on,
        }
    }
}

/// Segments in one frame.
#[component]
pub fn Segments(#[prop(into)] label: String, choices: Vec<Choice>) -> impl IntoView {
    view! {
        <nav
            aria-label=label
            class="inline-flex max-w-full overflow-x-auto rounded-md border border-control/60 bg-surface"
        >
            {choices
                .into_iter()
                .map(|choice| {
                    view! {
                        <a
                            href=choice.href
                            aria-current=choice.on.then_some("true")
                            class="flex h-8 items-center gap-1.5 border-l border-line px-2.5 text-sm font-medium whitespace-nowrap text-muted -outline-offset-2 first:border-l-0 hover:text-ink aria-[current]:bg-sunken aria-[current]:text-ink md:h-7"
                        >
                            {choice.label}
                        </a>
                    }
                })
                .collect_view()}
        </nav>
    }
}

/// Tabs with a line under the chosen one.
#[component]
pub fn Tabs(
    #[prop(into)] label: String,
    choices: Vec<Choice>,
    /// Closer together, where there is little room.
    #[prop(optional)]
    dense: bool,
) -> impl IntoView {
    let gap = if dense { "gap-3" } else { "gap-4.5" };
    view! {
        <nav aria-label=label class=format!("flex {gap} overflow-x-auto border-b border-line")>
            {choices
                .into_iter()
                .map(|choice| {
                    view! {
                        <a
                            href=choice.href
                            aria-current=choice.on.then_some("page")
                            class="flex items-center gap-1 border-b-2 border-transparent py-[7px] font-medium whitespace-nowrap text-muted -outline-offset-2 hover:text-ink aria-[current]:border-accent aria-[current]:text-ink"
                        >
                            {choice.label}
                        </a>
                    }
                })
                .collect_view()}
        </nav>
    }
}
