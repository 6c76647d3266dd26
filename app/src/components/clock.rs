//! The page's clock. It starts at the time the server rendered at, so that both sides write the same
//! words, and moves on in the browser.

use crate::format;
use leptos::prelude::*;
use lockstep_types::Micros;

/// The present, for relative times.
#[derive(Debug, Clone, Copy)]
pub struct Clock(pub RwSignal<Micros>);

impl Clock {
    /// Provides the clock to everything below.
    pub fn provide() -> Self {
        let clock = Self(RwSignal::new(rendered_at()));
        provide_context(clock);
        #[cfg(feature = "hydrate")]
        clock.tick();
        clock
    }

    /// The clock of this page.
    pub fn current() -> Self {
        use_context::<Self>().unwrap_or_else(|| Self(RwSignal::new(rendered_at())))
    }

    /// The present, tracked.
    pub fn now(self) -> Micros {
        self.0.get()
    }

    #[cfg(feature = "hydrate")]
    fn tick(self) {
        use std::time::Duration;
        // The browser's clock may be wrong: only its progress counts.
        let offset = self.0.get_untracked().0 - browser_now();
        Effect::new(move |_| {
            let ticking = set_interval_with_handle(
                move || self.0.set(Micros(browser_now() + offset)),
                Duration::from_secs(10),
            );
            on_cleanup(move || {
                if let Ok(handle) = ticking {
                    handle.clear();
                }
            });
        });
    }
}

#[cfg(feature = "hydrate")]
fn browser_now() -> i64 {
    // A browser's milliseconds fit an i64 for as long as there are browsers.
    (js_sys::Date::now() * 1_000.0) as i64
}

#[cfg(feature = "ssr")]
fn rendered_at() -> Micros {
    crate::context::now()
}

#[cfg(not(feature = "ssr"))]
fn rendered_at() -> Micros {
    document()
        .document_element()
        .and_then(|root| root.get_attribute("data-now"))
        .and_then(|text| text.parse().ok())
        .map_or(Micros(0), Micros)
}

/// A time: relative on screen, absolute on hover and for machines.
#[component]
pub fn Ago(at: Micros, #[prop(optional, into)] class: &'static str) -> impl IntoView {
    let clock = Clock::current();
    view! {
        <time class=class datetime=at.rfc3339() title=format::absolute(at)>
            {move || format::relative(at, clock.now())}
        </time>
    }
}

/// A time in a sentence, as [`Ago`], without the component's ceremony.
pub fn ago(at: Micros) -> AnyView {
    view! { <Ago at=at class="whitespace-nowrap" /> }.into_any()
}
