//! The first start: a link with a one-time token makes the first administrator.

use super::login::Door;
use crate::components::button::{Look, Submit};
use crate::components::form::TextField;
use crate::components::reason::Banner;
use crate::components::tone::Tone;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

fn explain(code: &str) -> (&'static str, &'static str) {
    match code {
        "invalid" | "token" => (
            "This link is not valid.",
            "It works once and for a limited time. Restart the server to get a new one in its log.",
        ),
        "password" => (
            "The password is too short.",
            "Use at least twelve characters; a few words are better than signs.",
        ),
        "name" => (
            "This name cannot be used.",
            "Use letters, digits, dots, dashes or underscores.",
        ),
        "throttled" => ("Too many attempts.", "Wait a minute, then try again."),
        "done" => (
            "Setup is already done.",
            "Log in with the administrator's account.",
        ),
        _ => (
            "The administrator could not be made.",
            "Try again. If it stays, the server's log says why.",
        ),
    }
}

/// The page.
#[component]
pub fn SetupPage() -> impl IntoView {
    let query = use_query_map();
    let get = move |name: &'static str| query.with(|query| query.get(name).unwrap_or_default());
    view! {
        <Title text="First start" />
        <Door title="Make the first administrator">
            <p class="text-muted">
                "Lockstep has no default password. This page opens once, with the link that the server printed when it started."
            </p>
            {move || {
                let code = get("error");
                (!code.is_empty())
                    .then(|| {
                        let (lead, rest) = explain(&code);
                        view! {
                            <div role="alert">
                                <Banner tone=Tone::Bad lead=lead.into_any() rest=rest.into_any() />
                            </div>
                        }
                    })
            }}
            {move || {
                get("token")
                    .is_empty()
                    .then(|| {
                        view! {
                            <Banner
                                tone=Tone::Warn
                                lead="The link is incomplete.".into_any()
                                rest="Open the whole address from the server's log; it ends with ?token=….".into_any()
                            />
                        }
                    })
            }}
            <form method="post" action="/setup" class="flex flex-col gap-4">
                <input type="hidden" name="token" value=move || get("token") />
                <TextField name="name" label="Name" autocomplete="username" required=true autofocus=true />
                <TextField
                    name="password"
                    label="Password"
                    kind="password"
                    hint="At least twelve characters."
                    minlength="12"
                    autocomplete="new-password"
                    required=true
                />
                <Submit look=Look::Primary>"Make the administrator and log in"</Submit>
            </form>
        </Door>
    }
}
