//! A native dialog that the address opens: `?dialog=sync`. Without WASM it stands open in the page; with
//! it, it is modal, closes on Escape and gives the focus back.

use super::icon::{Icon, icon};
use leptos::html;
use leptos::prelude::*;

/// A dialog with heading and a way out. `close` is the address without it.
#[component]
pub fn Dialog(
    #[prop(into)] id: String,
    #[prop(into)] title: String,
    #[prop(optional_no_strip, into)] subtitle: Option<String>,
    close: String,
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    make_modal(node, close.clone());
    let heading = format!("{id}-title");
    let labelled = heading.clone();
    view! {
        <dialog
            node_ref=node
            id=id
            open
            aria-labelledby=labelled
            class="fixed inset-x-0 top-[6vh] z-30 m-0 mx-auto max-h-[88vh] w-[min(760px,calc(100vw-24px))] overflow-auto overscroll-contain rounded-[10px] border border-line-strong bg-raised p-0 text-ink shadow-pop"
        >
            <header class="flex items-start gap-3 border-b border-line px-4.5 py-3.5">
                <div class="min-w-0 flex-1">
                    <h2 id=heading class="text-lg leading-tight font-semibold break-words">
                        {title}
                    </h2>
                    {subtitle.map(|text| view! { <p class="mt-0.5 text-sm text-muted">{text}</p> })}
                </div>
                <a href=close class="-m-1 rounded p-1 text-muted hover:text-ink" aria-label="Close" data-close>
                    {icon(Icon::Close)}
                </a>
            </header>
            {children()}
        </dialog>
    }
}

/// A whole page on which one thing is decided: heading, what it is about, and `body` with its foot.
pub fn sheet(id: &'static str, title: String, about: AnyView, body: AnyView) -> AnyView {
    let heading = format!("{id}-title");
    let labelled = heading.clone();
    view! {
        <article
            aria-labelledby=labelled
            class="mx-auto w-full max-w-[880px] rounded-[10px] border border-line-strong bg-raised shadow-pop"
        >
            <header class="border-b border-line px-4.5 py-3.5">
                <h1 id=heading class="text-xl leading-tight font-semibold tracking-tight break-words">
                    {title}
                </h1>
                {about}
            </header>
            {body}
        </article>
    }
    .into_any()
}

/// The middle of a dialog.
pub const BODY: &str = "flex min-w-0 flex-col gap-3 px-4.5 py-3.5";
/// The buttons of a dialog.
pub const FOOT: &str = "sticky bottom-0 z-[1] flex rounded-b-[10px] flex-wrap items-center gap-2.5 border-t border-line bg-raised px-4.5 py-3";

#[cfg(feature = "hydrate")]
fn make_modal(node: NodeRef<html::Dialog>, close: String) {
    use leptos_router::NavigateOptions;
    use leptos_router::hooks::use_navigate;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;

    let navigate = use_navigate();
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        if dialog.open() {
            // `open` by attribute is not modal: close first.
            dialog.close();
        }
        if dialog.show_modal().is_err() {
            dialog.set_open(true);
        }
        let navigate = navigate.clone();
        let close = close.clone();
        let on_cancel = Closure::<dyn Fn()>::new(move || {
            let options = NavigateOptions {
                scroll: false,
                ..NavigateOptions::default()
            };
            navigate(&close, options);
        });
        dialog.set_oncancel(Some(on_cancel.as_ref().unchecked_ref()));
        // Lives as long as its dialog, which goes with the page.
        on_cancel.forget();
    });
}

#[cfg(not(feature = "hydrate"))]
fn make_modal(_node: NodeRef<html::Dialog>, _close: String) {}
