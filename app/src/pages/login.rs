//! Logging in: a plain form that the HTTP layer answers.

use crate::components::button::{Look, Submit};
use crate::components::form::TextField;
use crate::components::layout::Logo;
use crate::components::panel::PANEL;
use crate::components::reason::Banner;
use crate::components::tone::Tone;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// The frame of the pages before login.
#[component]
pub fn Door(#[prop(into)] title: String, children: Children) -> impl IntoView {
    view! {
        <main class="mx-auto flex min-h-dvh w-full max-w-[400px] flex-col justify-center gap-4 px-4 py-12">
            <div class="flex items-center gap-2 text-lg font-semibold tracking-tight">
                <Logo />
                "Lockstep"
            </div>
            <section class=format!("{PANEL} flex flex-col gap-4 p-6")>
                <h1 class="text-xl leading-tight font-semibold">{title}</h1>
                {children()}
            </section>
        </main>
    }
}

/// An error code of the HTTP layer, in words.
fn explain(code: &str) -> (&'static str, &'static str) {
    match code {
        "invalid" => (
            "Name or password is wrong.",
            "Both are case-sensitive. After some failures in a row, trying again takes longer.",
        ),
        "throttled" => (
            "Too many attempts.",
            "Wait a minute, then try again. An administrator can set a new password.",
        ),
        "disabled" => (
            "This account is disabled.",
            "An administrator can enable it again.",
        ),
        "expired" => (
            "You were logged out.",
            "The session ended by time or on the server. Log in again; you come back to where you were.",
        ),
        _ => (
            "You could not be logged in.",
            "Try again. If it stays, the server's log says why.",
        ),
    }
}

/// The page.
#[component]
pub fn LoginPage() -> impl IntoView {
    let query = use_query_map();
    let get = move |name: &'static str| query.with(|query| query.get(name).unwrap_or_default());
    // Only an address of ours: never lead to another host after login.
    let next = move || {
        Some(get("next"))
            .filter(|next| next.starts_with('/') && !next.starts_with("//"))
            .filter(|next| {
                let plain = |letter: char| letter.is_ascii_graphic() && !"\\\"<>`".contains(letter);
                next.chars().all(plain)
            })
            .unwrap_or_else(|| "/".to_owned())
    };
    view! {
        <Title text="Log in" />
        <Door title="Log in">
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
            <form method="post" action="/login" class="flex flex-col gap-4">
                <input type="hidden" name="next" value=next />
                <TextField name="name" label="Name" autocomplete="username" required=true autofocus=true />
                <TextField name="password" label="Password" kind="password" autocomplete="current-password" required=true />
                <Submit look=Look::Primary>"Log in"</Submit>
            </form>
        </Door>
    }
}
