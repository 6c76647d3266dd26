//! Keyboard shortcuts of the whole document, and the table of them (`?`).

use super::palette::PaletteOpen;
use leptos::html;
use leptos::prelude::*;

/// All shortcuts, as the table shows them.
const TABLE: [(&str, &str); 16] = [
    ("/", "Filter"),
    ("Ctrl K", "Command palette"),
    ("g f", "Fleet"),
    ("g d", "Drift"),
    ("g e", "Parity of environments"),
    ("g a", "Activity"),
    ("g c", "Clusters"),
    ("g p", "Approvals"),
    ("g b", "Problems"),
    ("g s", "Settings"),
    ("j  k", "Next and previous row"),
    ("Enter", "Open"),
    ("s", "Sync dialog of this application"),
    ("b", "Roll back"),
    ("r", "Refresh"),
    ("Esc", "Close"),
];

/// The table.
#[component]
pub fn ShortcutTable(open: RwSignal<bool>) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        if open.get() && !dialog.open() {
            // Fails only while another modal is being removed; the next key opens it.
            let _shown = dialog.show_modal();
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
    view! {
        <dialog
            node_ref=node
            aria-labelledby="keys-title"
            class="w-[min(400px,calc(100vw-24px))] rounded-[10px] border border-line-strong bg-raised p-4 text-ink shadow-pop"
            on:close=move |_| open.set(false)
        >
            <h2 id="keys-title" class="mb-3 text-lg font-semibold">
                "Keys"
            </h2>
            <dl class="grid grid-cols-[88px_1fr] gap-y-1.5">
                {TABLE
                    .into_iter()
                    .map(|(key, words)| {
                        view! {
                            <dt class="font-mono text-sm text-muted">{key}</dt>
                            <dd>{words}</dd>
                        }
                    })
                    .collect_view()}
            </dl>
            <form method="dialog" class="mt-4">
                <button class=super::button::Look::Plain.class()>"Close"</button>
            </form>
        </dialog>
    }
}

/// Listens for the document's shortcuts. Does nothing on the server.
#[cfg(not(feature = "hydrate"))]
pub fn install(_palette: PaletteOpen, _table: RwSignal<bool>) {}

/// Listens for the document's shortcuts.
#[cfg(feature = "hydrate")]
pub fn install(palette: PaletteOpen, table: RwSignal<bool>) {
    use leptos::ev;
    use leptos_router::NavigateOptions;
    use leptos_router::hooks::use_navigate;
    use wasm_bindgen::JsCast;
    use web_sys::HtmlElement;

    let navigate = use_navigate();
    let after_g = StoredValue::new(false);
    let handle = window_event_listener(ev::keydown, move |event| {
        let key = event.key();
        if (event.ctrl_key() || event.meta_key()) && key.eq_ignore_ascii_case("k") {
            event.prevent_default();
            palette.0.update(|open| *open = !*open);
            return;
        }
        if event.ctrl_key() || event.meta_key() || event.alt_key() || typing(&event) {
            return;
        }
        if after_g.get_value() {
            after_g.set_value(false);
            let place = match key.as_str() {
                "f" => "/",
                "d" => "/drift",
                "e" => "/parity",
                "a" => "/activity",
                "c" => "/clusters",
                "p" => "/approvals",
                "b" => "/problems",
                "s" => "/settings",
                _ => return,
            };
            event.prevent_default();
            navigate(place, NavigateOptions::default());
            return;
        }
        match key.as_str() {
            "g" => after_g.set_value(true),
            "?" => table.set(true),
            "/" => {
                if let Some(field) = document()
                    .get_element_by_id("filter")
                    .and_then(|element| element.dyn_into::<HtmlElement>().ok())
                {
                    event.prevent_default();
                    // Focusing an element that is in the document does not fail.
                    let _focused = field.focus();
                }
            }
            "j" => step(1),
            "k" => step(-1),
            "s" | "b" | "r" => press(&key),
            _ => {}
        }
    });
    on_cleanup(move || handle.remove());
}

#[cfg(feature = "hydrate")]
fn typing(event: &web_sys::KeyboardEvent) -> bool {
    use wasm_bindgen::JsCast;
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|element| {
            matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
        })
}

/// Presses the button that carries this key. `s` opens a dialog; nothing is synced by a key alone.
#[cfg(feature = "hydrate")]
fn press(key: &str) {
    use wasm_bindgen::JsCast;
    if let Ok(Some(element)) = document().query_selector(&format!("[data-key='{key}']"))
        && let Ok(element) = element.dyn_into::<web_sys::HtmlElement>()
    {
        element.click();
    }
}

/// Moves the focus along the rows of the page.
#[cfg(feature = "hydrate")]
fn step(by: i32) {
    use wasm_bindgen::JsCast;
    let Ok(rows) = document().query_selector_all("[data-row]") else {
        return;
    };
    let length = i32::try_from(rows.length()).unwrap_or(i32::MAX);
    if length == 0 {
        return;
    }
    let focused = document().active_element();
    let here = (0..length).find(|index| {
        rows.get(u32::try_from(*index).unwrap_or_default())
            .and_then(|node| node.dyn_into::<web_sys::Element>().ok())
            .is_some_and(|element| Some(element) == focused)
    });
    let next = match here {
        Some(index) => (index + by).clamp(0, length - 1),
        None if by > 0 => 0,
        None => length - 1,
    };
    if let Some(element) = rows
        .get(u32::try_from(next).unwrap_or_default())
        .and_then(|node| node.dyn_into::<web_sys::HtmlElement>().ok())
    {
        // Focusing an element that is in the document does not fail.
        let _focused = element.focus();
    }
}
