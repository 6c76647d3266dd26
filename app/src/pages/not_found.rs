//! The page for an address that nothing answers.

use crate::components::button::{LinkButton, Look};
use leptos::prelude::*;
use leptos_meta::Title;

/// Says so, with the status, and leads back.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! {
        <Title text="Not found" />
        <main class="mx-auto flex max-w-md flex-col gap-3 px-6 py-24">
            <h1 class="text-xl font-semibold">"There is no such page"</h1>
            <p class="text-muted">
                "The address may be mistyped, or what it named may have left Git. Applications are found by name in the fleet."
            </p>
            <div>
                <LinkButton href="/".to_owned() look=Look::Primary>
                    "Fleet"
                </LinkButton>
            </div>
        </main>
    }
}
