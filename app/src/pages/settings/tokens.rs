//! API tokens. The token itself is shown once, right after it was made.

use crate::api::accounts::{CreateToken, RevokeToken, RotateToken, programs, tokens};
use crate::components::button::{Look, Submit};
use crate::components::clock::{Clock, ago};
use crate::components::feedback::{ActionFailure, Empty, Failure, waiting};
use crate::components::form::{SelectField, TextField};
use crate::components::icon::Icon;
use crate::components::loaded::Loading;
use crate::components::panel::{PANEL, TABLE, TD, heads, tag};
use crate::components::reason::Banner;
use crate::components::tone::Tone;
use crate::format;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::account::TokenView;

/// The part.
#[component]
pub fn TokensPart() -> impl IntoView {
    let (create, revoke, rotate) = (
        ServerAction::<CreateToken>::new(),
        ServerAction::<RevokeToken>::new(),
        ServerAction::<RotateToken>::new(),
    );
    let (created, revoked, rotated) = (create.version(), revoke.version(), rotate.version());
    let list: Loading<Vec<TokenView>> = Resource::new(
        move || (created.get(), revoked.get(), rotated.get()),
        |_| tokens(),
    );
    let programs = Resource::new(|| (), |()| programs());
    let clock = Clock::current();
    let failed = Signal::derive(move || {
        create
            .value()
            .get()
            .and_then(Result::err)
            .or_else(|| revoke.value().get().and_then(Result::err))
            .or_else(|| rotate.value().get().and_then(Result::err))
    });
    let made = move || create.value().get().and_then(Result::ok);
    let successor = move || rotate.value().get().and_then(Result::ok);
    let lasts = [
        ("30", "30 days"),
        ("90", "90 days"),
        ("365", "a year"),
        ("0", "without end"),
    ];
    let limits = [
        ("", "all that you may"),
        ("viewer", "looking"),
        ("operator", "delivering"),
    ];
    view! {
        <ActionFailure error=failed />
        {move || made().map(|token| shown_once("Copy the token now: it is not shown again.", token))}
        {move || successor().map(|token| shown_once("Copy the token that takes the other's place now: it is not shown again.", token))}
        <Transition fallback=waiting>
            {move || Suspend::new(async move {
                match list.await {
                    Err(error) => view! { <Failure error=error /> }.into_any(),
                    Ok(list) if list.is_empty() => {
                        view! {
                            <Empty title="No tokens" shape=Icon::Person>
                                "A token lets the command line and pipelines act with your rights."
                            </Empty>
                        }
                            .into_any()
                    }
                    Ok(list) => table(list, revoke, rotate, clock),
                }
            })}
        </Transition>
        <section class=format!("{PANEL} px-4 py-3")>
            <h2 class="font-semibold">"Make a token"</h2>
            <ActionForm action=create attr:class="mt-3 grid max-w-5xl items-end gap-3 md:flex md:flex-wrap">
                <TextField name="label" label="What it is for" required=true placeholder="pipeline of shop" />
                <SelectField name="role" label="May do" options=limits.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned())).collect() />
                <TextField name="projects" label="Only in projects" placeholder="all; or shop, team-*" />
                <Transition>
                    {move || Suspend::new(async move {
                        let mut choices = vec![(String::new(), "you".to_owned())];
                        choices.extend(programs.await.unwrap_or_default());
                        (choices.len() > 1).then(|| view! { <SelectField name="of" label="Of" options=choices /> })
                    })}
                </Transition>
                <SelectField name="days" label="Lasts" options=lasts.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned())).collect() selected="90" />
                <Submit look=Look::Primary pending=create.pending()>"Make"</Submit>
            </ActionForm>
            <p class="mt-2 text-xs text-muted">"Making one needs the script of this page: a plain form could not show it only once."</p>
        </section>
    }
}

fn shown_once(lead: &'static str, token: String) -> AnyView {
    let rest = view! { <code class="font-mono break-all text-ink select-all">{token}</code> };
    view! { <Banner tone=Tone::Ok lead=lead.into_any() rest=rest.into_any() /> }.into_any()
}

fn limits_of(token: &TokenView) -> String {
    match &token.scope {
        None => "all that its owner may".to_owned(),
        Some(scope) if scope.projects.is_empty() => format!("as {}", scope.role.word()),
        Some(scope) => format!("as {} in {}", scope.role.word(), scope.projects.join(", ")),
    }
}

fn table(
    list: Vec<TokenView>,
    revoke: ServerAction<RevokeToken>,
    rotate: ServerAction<RotateToken>,
    clock: Clock,
) -> AnyView {
    let now = clock.0.get_untracked();
    let rows = list
        .into_iter()
        .map(|token| {
            let (id, replaceable) = (token.id.to_string(), token.id.to_string());
            let ends = token.expires_at.map_or_else(|| "never".to_owned(), |at| format::relative(at, now));
            view! {
                <tr>
                    <td class=TD>
                        <span class="font-medium">{token.label.clone()}</span>
                        {token.revoked.then(|| view! { " " {tag("revoked")} })}
                        {(token.replaced && !token.revoked).then(|| view! { " " {tag("replaced")} })}
                    </td>
                    <td class=TD>{token.user.clone()}</td>
                    <td class=format!("{TD} text-muted") data-label="may">{limits_of(&token)}</td>
                    <td class=format!("{TD} text-muted") data-label="made">{ago(token.created_at)}</td>
                    <td class=format!("{TD} text-muted") data-label="last used">{token.last_used.map_or_else(|| "never".into_any(), ago)}</td>
                    <td class=format!("{TD} text-muted") data-label="ends">{ends}</td>
                    <td class=format!("{TD} text-right")>
                        {(!token.revoked && !token.replaced)
                            .then(|| {
                                view! {
                                    <ActionForm action=rotate attr:class="contents">
                                        <input type="hidden" name="token" value=replaceable />
                                        <label class="text-xs text-muted">
                                            "old one ends "
                                            <select name="minutes" class="rounded border border-control bg-page px-1 py-0.5 text-ink">
                                                <option value="60">"in an hour"</option>
                                                <option value="0">"now"</option>
                                                <option value="1440">"in a day"</option>
                                                <option value="10080">"in a week"</option>
                                            </select>
                                        </label>
                                        <Submit look=Look::Quiet>"Replace"</Submit>
                                    </ActionForm>
                                }
                            })}
                        {(!token.revoked)
                            .then(|| {
                                view! {
                                    <ActionForm action=revoke attr:class="contents">
                                        <input type="hidden" name="token" value=id />
                                        <Submit look=Look::Quiet>"Revoke"</Submit>
                                    </ActionForm>
                                }
                            })}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>
                        {heads(&["For", "Of", "May", "Made", "Last used", "Ends", ""])}
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
