//! Sessions: where one is logged in, and an end to each.

use crate::api::logins::{EndSession, EndSessions, Sessions, read_sessions};
use crate::components::button::{Look, Submit};
use crate::components::clock::{Clock, ago};
use crate::components::feedback::{ActionFailure, Failure, waiting};
use crate::components::layout::use_session;
use crate::components::loaded::Loading;
use crate::components::panel::{PANEL, Part, TABLE, TD, heads, tag};
use crate::format;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::id::UserId;
use lockstep_types::login::SessionView;

/// The part.
#[component]
pub fn SessionsPart() -> impl IntoView {
    let (end, end_all) = (
        ServerAction::<EndSession>::new(),
        ServerAction::<EndSessions>::new(),
    );
    let (one, all) = (end.version(), end_all.version());
    let list: Loading<Sessions> =
        Resource::new(move || (one.get(), all.get()), |_| read_sessions(None));
    let session = use_session();
    let clock = Clock::current();
    let failed = Signal::derive(move || {
        end.value()
            .get()
            .and_then(Result::err)
            .or_else(|| end_all.value().get().and_then(Result::err))
    });
    view! {
        <Part title="Sessions">
            <ActionFailure error=failed />
            <Transition fallback=waiting>
                {move || Suspend::new(async move {
                    let me = match session {
                        Some(session) => session.await.ok().map(|session| session.actor.user),
                        None => None,
                    };
                    match (list.await, me) {
                        (Err(error), _) => view! { <Failure error=error /> }.into_any(),
                        (Ok(_), None) => ().into_any(),
                        (Ok(all), Some(me)) => {
                            let others = all.list.iter().any(|one| all.this != Some(one.id));
                            view! {
                                {table(all, me, end, clock)}
                                {others.then(|| end_others(me, end_all))}
                            }
                                .into_any()
                        }
                    }
                })}
            </Transition>
        </Part>
    }
}

fn end_others(me: UserId, end_all: ServerAction<EndSessions>) -> AnyView {
    let id = me.to_string();
    view! {
        <ActionForm action=end_all attr:class="contents">
            <input type="hidden" name="user" value=id />
            <div>
                <Submit look=Look::Plain pending=end_all.pending()>"End all others"</Submit>
            </div>
        </ActionForm>
    }
    .into_any()
}

/// The browser in a few words, as far as it can be told.
fn browser(text: &str) -> String {
    let known = ["Firefox", "Edg", "OPR", "Chrome", "Safari", "curl"]
        .into_iter()
        .find(|name| text.contains(name));
    let on = ["Windows", "Android", "iPhone", "Mac OS", "Linux"]
        .into_iter()
        .find(|name| text.contains(name));
    match (known, on) {
        (Some(name), Some(on)) => format!("{name} on {on}"),
        (Some(name), None) => name.to_owned(),
        (None, _) if text.is_empty() => "not known".to_owned(),
        (None, _) => text.chars().take(60).collect(),
    }
}

fn table(all: Sessions, me: UserId, end: ServerAction<EndSession>, clock: Clock) -> AnyView {
    let now = clock.0.get_untracked();
    let row = |one: SessionView| {
        let this = all.this == Some(one.id);
        let address = if one.address.is_empty() {
            "not known".to_owned()
        } else {
            one.address
        };
        view! {
            <tr>
                <td class=TD>
                    <span class="font-medium" title=one.browser.clone()>{browser(&one.browser)}</span>
                    {this.then(|| view! { " " {tag("this one")} })}
                </td>
                <td class=format!("{TD} font-mono text-sm") data-label="from">{address}</td>
                <td class=TD data-label="by">{one.by}</td>
                <td class=format!("{TD} text-muted") data-label="began">{ago(one.began_at)}</td>
                <td class=format!("{TD} text-muted") data-label="last used">{ago(one.last_used)}</td>
                <td class=format!("{TD} text-muted") data-label="ends">{format::relative(one.expires_at, now)}</td>
                <td class=format!("{TD} text-right")>
                    {(!this)
                        .then(|| {
                            view! {
                                <ActionForm action=end attr:class="contents">
                                    <input type="hidden" name="user" value=me.to_string() />
                                    <input type="hidden" name="session" value=one.id.to_string() />
                                    <Submit look=Look::Quiet>"End"</Submit>
                                </ActionForm>
                            }
                        })}
                </td>
            </tr>
        }
    };
    let rows = all.list.into_iter().map(row).collect_view();
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>
                        {heads(&["Browser", "From", "Log in by", "Began", "Last used", "Ends", ""])}
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_told_in_a_few_words() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36";
        assert_eq!(browser(chrome), "Chrome on Linux");
        assert_eq!(browser(""), "not known");
        assert_eq!(browser(&"x".repeat(500)).len(), 60);
    }
}
