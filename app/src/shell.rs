//! The HTML document around every page.

use crate::App;
use crate::context;
use leptos::hydration::{AutoReload, HydrationScripts};
use leptos::prelude::*;
use leptos_axum::{AxumRouteListing, generate_route_list};
use leptos_meta::MetaTags;
use std::sync::LazyLock;

/// All pages, listed once in a process and before the first of them is shown. While leptos lists them it lets nothing
/// be read, anywhere in the process, and a page that begins to read then waits for ever (leptos issue 4773).
static LISTED: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// All pages with their addresses, as axum writes them. Whoever serves them takes them from here.
pub fn listed() -> &'static [AxumRouteListing] {
    &LISTED
}

/// The document. The time of rendering travels in it, so that the browser counts from the same moment.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let now = context::now();
    let theme = context::cookie("theme").filter(|theme| theme == "light" || theme == "dark");
    view! {
        <!DOCTYPE html>
        <html lang="en" data-now=now.0.to_string() data-theme=theme>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" type="image/svg+xml" href="/icon.svg" />
                <link rel="preload" r#as="font" type="font/woff2" crossorigin="anonymous" href="/fonts/inter.woff2" />
                <link rel="stylesheet" id="leptos" href="/pkg/lockstep.css" />
                <AutoReload options=options.clone() />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}
