//! Logging in: plain forms and links that the HTTP layer answers.

use crate::api::logins::read_doors;
use crate::components::button::{Look, Submit};
use crate::components::form::TextField;
use crate::components::layout::Logo;
use crate::components::panel::PANEL;
use crate::components::reason::Banner;
use crate::components::tone::Tone;
use crate::format;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockstep_types::login::Doors;

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
        "sso_only" => (
            "Passwords are not taken here.",
            "Log in with your provider. Whoever runs the server can make a one-time link for an administrator.",
        ),
        "throttled" => (
            "Too many attempts.",
            "Wait a minute, then try again. An administrator can set a new password.",
        ),
        "code" => (
            "The code is wrong.",
            "Each code is taken once: wait for the next one, or use a recovery code.",
        ),
        "link" => (
            "This link is not valid.",
            "It works once and for fifteen minutes. Whoever runs the server can make another.",
        ),
        "sso" | "sso_down" => (
            "The login provider cannot be asked.",
            "Try again in a moment. If it stays, the server's log says why.",
        ),
        "sso_denied" => (
            "The login provider did not let you in.",
            "Try again, and log in there to the end. If it stays, ask whoever runs the provider.",
        ),
        "sso_stray" => (
            "This login was not begun here, or too long ago.",
            "Begin it again on this page; a login works once and for ten minutes.",
        ),
        "sso_forged" => (
            "The answer of the login provider is not genuine.",
            "Nobody was logged in. Try again; if it stays, tell an administrator: the server's log says what was wrong.",
        ),
        "sso_groups" => (
            "Your login holds no groups.",
            "Here nobody gets in without a group. Ask whoever runs the provider to put you into one, or to send groups to Lockstep.",
        ),
        "sso_role" => (
            "None of your groups gives rights here.",
            "An administrator can give rights to one of them, in the policy or in the server's configuration.",
        ),
        "sso_email" => (
            "Your e-mail address is not verified.",
            "Verify it at the login provider, then log in again.",
        ),
        "sso_name" => (
            "Your login has no name that can be used here.",
            "An administrator can choose another claim for the name in the server's configuration.",
        ),
        "sso_taken" => (
            "There is an account of your name already.",
            "It is not known to be yours, so it stays as it is. An administrator can delete it; then log in again.",
        ),
        "disabled" | "sso_disabled" => (
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
    let offered = Resource::new_blocking(|| (), |()| read_doors());
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
            {move || {
                if get("step") == "code" {
                    return code_form();
                }
                let link = get("link");
                if !link.is_empty() {
                    return link_form(link);
                }
                view! {
                    <Transition>
                        {move || Suspend::new(async move {
                            let doors = offered.await.unwrap_or_default();
                            view! {
                                {doors.local.then(|| password_form(next()))}
                                {(!doors.providers.is_empty()).then(|| ways(doors, next()))}
                            }
                        })}
                    </Transition>
                }
                    .into_any()
            }}
        </Door>
    }
}

fn password_form(next: String) -> AnyView {
    view! {
        <form method="post" action="/login" class="flex flex-col gap-4">
            <input type="hidden" name="next" value=next />
            <TextField name="name" label="Name" autocomplete="username" required=true autofocus=true />
            <TextField name="password" label="Password" kind="password" autocomplete="current-password" required=true />
            <Submit look=Look::Primary>"Log in"</Submit>
        </form>
    }
    .into_any()
}

/// The second step: the password was right.
fn code_form() -> AnyView {
    view! {
        <form method="post" action="/login/code" class="flex flex-col gap-4">
            <TextField
                name="code"
                label="Code"
                hint="Six digits from your authenticator, or a recovery code."
                autocomplete="one-time-code"
                required=true
                autofocus=true
            />
            <Submit look=Look::Primary>"Log in"</Submit>
        </form>
        <a class="text-sm text-muted underline" href="/login" rel="external">
            "Begin again"
        </a>
    }
    .into_any()
}

/// Opening a link uses nothing up: only the button does.
fn link_form(token: String) -> AnyView {
    view! {
        <form method="post" action="/login/link" class="flex flex-col gap-4">
            <input type="hidden" name="token" value=token />
            <p class="text-muted">"This link logs you in once."</p>
            <Submit look=Look::Primary>"Log in"</Submit>
        </form>
    }
    .into_any()
}

/// Links, not forms: the policy of this page lets forms lead to this server alone.
fn ways(doors: Doors, next: String) -> AnyView {
    let look = if doors.local {
        Look::Plain
    } else {
        Look::Primary
    };
    let links = doors
        .providers
        .into_iter()
        .map(|provider| {
            let begin = format!("/login/sso/{}", provider.name);
            let href = match next.as_str() {
                "/" => begin,
                next => format::link(&begin, &[("next", next)]),
            };
            view! {
                <a class=look.class() href=href rel="external">
                    {format!("Log in with {}", provider.label)}
                </a>
            }
        })
        .collect_view();
    view! {
        {doors.local.then(|| view! { <p class="text-center text-xs text-muted">"or"</p> })}
        <div class="flex flex-col gap-2">{links}</div>
    }
    .into_any()
}
