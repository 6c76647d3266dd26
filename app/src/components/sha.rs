//! A commit's short SHA with a way to copy the whole.

use super::icon::{Icon, icon};
use leptos::prelude::*;
use lockstep_types::revision::Revision;

/// Seven digits in monospace; a click on the button copies all forty. Appears on hover and focus.
#[component]
pub fn Sha(revision: Revision, #[prop(optional, into)] href: Option<String>) -> impl IntoView {
    let short = revision.short().to_owned();
    let full = revision.0.clone();
    let text = match href {
        Some(href) => view! {
            <a class="hover:underline" href=href title=full.clone()>
                {short}
            </a>
        }
        .into_any(),
        None => view! { <span title=full.clone()>{short}</span> }.into_any(),
    };
    view! {
        <span class="group/sha relative inline-flex items-center font-mono text-sm">
            {text} <CopyButton text=full what="the commit" />
        </span>
    }
}

/// Copies a text; says so.
#[component]
pub fn CopyButton(text: String, what: &'static str) -> impl IntoView {
    let copied = RwSignal::new(false);
    let label = move || {
        if copied.get() {
            "Copied".to_owned()
        } else {
            format!("Copy {what}")
        }
    };
    view! {
        <button
            type="button"
            class="absolute left-full z-[1] ml-0.5 hidden rounded bg-surface p-0.5 text-faint opacity-0 group-hover/sha:opacity-100 hover:text-ink focus-visible:opacity-100 md:inline-flex [&>svg]:size-3"
            aria-label=label
            title=label
            on:click=move |event| {
                event.prevent_default();
                copy(&text);
                copied.set(true);
                set_timeout(move || copied.set(false), std::time::Duration::from_secs(2));
            }
        >
            {move || icon(if copied.get() { Icon::Synced } else { Icon::Copy })}
        </button>
    }
}

#[cfg(feature = "hydrate")]
fn copy(text: &str) {
    // Refused without a secure origin: the full text is in the title then.
    let _promise = window().navigator().clipboard().write_text(text);
}

#[cfg(not(feature = "hydrate"))]
fn copy(_text: &str) {}
