//! The HTML document around every page.

use crate::App;
use crate::context;
use leptos::hydration::{AutoReload, HydrationScripts};
use leptos::prelude::*;
use leptos_meta::MetaTags;

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
