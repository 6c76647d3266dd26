//! Light, dark or as the system says. The choice is a cookie, so the server draws the right one at once;
//! a plain form, so it works without WASM.

use super::icon::{Icon, icon};
use crate::api::session::SetTheme;
use leptos::form::ActionForm;
use leptos::prelude::*;

/// Three small buttons.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let action = ServerAction::<SetTheme>::new();
    let choice = move |theme: &'static str, label: &'static str, shape: Icon| {
        view! {
            <button
                type="submit"
                name="theme"
                value=theme
                title=label
                aria-label=label
                class="rounded p-1 text-faint hover:bg-sunken hover:text-ink [&>svg]:size-3.5"
                on:click=move |_| show(theme)
            >
                {icon(shape)}
            </button>
        }
    };
    view! {
        <ActionForm action=action attr:class="flex gap-0.5">
            {choice("light", "Light theme", Icon::Sun)}
            {choice("dark", "Dark theme", Icon::Moon)}
            {choice("system", "Theme of the system", Icon::System)}
        </ActionForm>
    }
}

#[cfg(feature = "hydrate")]
fn show(theme: &str) {
    if let Some(root) = document().document_element() {
        // Failing leaves the old colours until the next page.
        let _changed = if theme == "system" {
            root.remove_attribute("data-theme")
        } else {
            root.set_attribute("data-theme", theme)
        };
    }
}

#[cfg(not(feature = "hydrate"))]
fn show(_theme: &str) {}
