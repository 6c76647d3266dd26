//! The command palette: type a few letters, go anywhere. Exists only once WASM runs.

use super::icon::{Icon, icon};
use super::target_link::application_address;
use crate::api::fleet::fleet;
use leptos::html;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

/// Whether the palette is open.
#[derive(Debug, Clone, Copy)]
pub struct PaletteOpen(pub RwSignal<bool>);

impl PaletteOpen {
    /// Provides it to everything below.
    pub fn provide() -> Self {
        let open = Self(RwSignal::new(false));
        provide_context(open);
        open
    }

    /// The palette of this document.
    pub fn current() -> Self {
        use_context().unwrap_or_else(|| Self(RwSignal::new(false)))
    }
}

/// A place to go.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    words: String,
    hint: String,
    href: String,
}

fn pages() -> Vec<Place> {
    [
        ("Fleet", "g f", "/"),
        ("Drift", "g d", "/drift"),
        ("Parity of environments", "g e", "/parity"),
        ("Activity", "g a", "/activity"),
        ("Clusters", "g c", "/clusters"),
        ("Approvals", "g p", "/approvals"),
        ("Problems", "g b", "/problems"),
        ("Settings", "g s", "/settings"),
        ("What is degraded", "", "/?q=health:degraded"),
        ("What is drifting", "", "/?q=is:drifting"),
        ("What is out of sync", "", "/?q=sync:outofsync"),
    ]
    .into_iter()
    .map(|(words, hint, href)| Place {
        words: words.into(),
        hint: hint.into(),
        href: href.into(),
    })
    .collect()
}

/// Every word typed occurs, in any order.
fn fits(place: &Place, typed: &str) -> bool {
    let words = place.words.to_lowercase();
    typed
        .to_lowercase()
        .split_whitespace()
        .all(|part| words.contains(part))
}

/// The palette.
#[component]
pub fn Palette() -> impl IntoView {
    let open = PaletteOpen::current().0;
    let typed = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    let node = NodeRef::<html::Dialog>::new();
    let load = Action::new(|(): &()| fleet(String::new(), true, String::new(), String::new()));
    let navigate = use_navigate();
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        if open.get() && !dialog.open() {
            typed.set(String::new());
            chosen.set(0);
            load.dispatch(());
            // Fails only while another modal is being removed; the next key opens it.
            let _shown = dialog.show_modal();
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
    let places = Memo::new(move |_| {
        let mut places = pages();
        if let Some(Ok(view)) = load.value().get() {
            places.extend(
                view.sections
                    .iter()
                    .flat_map(|section| &section.rows)
                    .map(|row| Place {
                        words: format!("{} / {}", row.project, row.group),
                        hint: row.origin.clone(),
                        href: application_address(&row.application, &[]),
                    }),
            );
        }
        let typed = typed.get();
        places.retain(|place| fits(place, &typed));
        places.truncate(12);
        if !typed.is_empty() {
            places.push(Place {
                words: format!("Filter the fleet by “{typed}”"),
                hint: String::new(),
                href: crate::format::link("/", &[("q", &typed)]),
            });
        }
        places
    });
    let go = move |href: &str| {
        open.set(false);
        navigate(href, NavigateOptions::default());
    };
    let go_chosen = go.clone();
    view! {
        <dialog
            node_ref=node
            aria-label="Command palette"
            class="fixed inset-x-0 top-[12vh] m-0 mx-auto w-[min(560px,calc(100vw-24px))] overflow-hidden rounded-[10px] border border-line-strong bg-raised p-0 text-ink shadow-pop"
            on:close=move |_| open.set(false)
        >
            <div class="flex items-center gap-2 border-b border-line px-3.5">
                <span class="text-faint">{icon(Icon::Search)}</span>
                <input
                    class="h-11 w-full bg-transparent outline-none"
                    type="text"
                    role="combobox"
                    aria-expanded="true"
                    aria-controls="palette-list"
                    aria-label="Go to"
                    aria-activedescendant=move || format!("palette-{}", chosen.get())
                    placeholder="Go to an application or a page"
                    autocomplete="off"
                    prop:value=move || typed.get()
                    on:input:target=move |event| {
                        typed.set(event.target().value());
                        chosen.set(0);
                    }
                    on:keydown=move |event| {
                        let count = places.with(Vec::len);
                        match event.key().as_str() {
                            "ArrowDown" => {
                                event.prevent_default();
                                chosen.update(|index| *index = (*index + 1).min(count.saturating_sub(1)));
                            }
                            "ArrowUp" => {
                                event.prevent_default();
                                chosen.update(|index| *index = index.saturating_sub(1));
                            }
                            "Enter" => {
                                event.prevent_default();
                                let href = places.with(|places| places.get(chosen.get()).map(|place| place.href.clone()));
                                if let Some(href) = href {
                                    go_chosen(&href);
                                }
                            }
                            _ => {}
                        }
                    }
                />
            </div>
            <ul id="palette-list" role="listbox" aria-label="Places" class="max-h-[50vh] overflow-y-auto p-1.5">
                {move || {
                    let go = go.clone();
                    places
                        .get()
                        .into_iter()
                        .enumerate()
                        .map(|(index, place)| {
                            let go = go.clone();
                            let href = place.href.clone();
                            view! {
                                <li
                                    id=format!("palette-{index}")
                                    role="option"
                                    aria-selected=move || (chosen.get() == index).to_string()
                                    class="flex cursor-pointer items-center justify-between gap-4 rounded-md px-2.5 py-1.5 hover:bg-sunken aria-selected:bg-accent-soft aria-selected:text-accent"
                                    on:click=move |_| go(&href)
                                >
                                    <span class="truncate">{place.words}</span>
                                    <span class="truncate font-mono text-xs text-faint">{place.hint}</span>
                                </li>
                            }
                        })
                        .collect_view()
                }}
            </ul>
        </dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_come_in_any_order() {
        let place = Place {
            words: "shop / checkout".into(),
            hint: String::new(),
            href: String::new(),
        };
        assert!(fits(&place, ""));
        assert!(fits(&place, "Check sh"));
        assert!(!fits(&place, "cart"));
    }
}
