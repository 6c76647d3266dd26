//! Buttons and links that look like them. One that may not be pressed says why.

use super::icon::{Icon, icon};
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::ApplicationRef;
use lockstep_types::policy;

const SHAPE: &str = "inline-flex h-8 items-center justify-center gap-1.5 rounded-md border px-2.5 text-sm font-medium whitespace-nowrap no-underline md:h-7";

/// How much a button asks for attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Primary,
    Plain,
    Quiet,
    Danger,
}

impl Look {
    /// All classes of a button with this look.
    pub fn class(self) -> String {
        let colours = match self {
            Self::Primary => "border-accent bg-accent text-on-accent hover:brightness-110",
            Self::Plain => "border-control/60 bg-surface text-ink hover:bg-sunken",
            Self::Quiet => "border-transparent text-muted hover:bg-sunken hover:text-ink",
            Self::Danger => "border-bad bg-surface text-bad hover:bg-bad-soft",
        };
        format!(
            "{SHAPE} {colours} disabled:cursor-not-allowed disabled:opacity-55 disabled:hover:brightness-100"
        )
    }
}

/// Why this actor may not do this to anything; `None` when there is something to do it to.
pub fn refusal(actor: Option<&Actor>, permission: Permission) -> Option<String> {
    refusal_named(actor, permission, policy::ANYTHING)
}

/// Why this actor may not do this to an application; `None` when permitted.
pub fn refusal_on(
    actor: Option<&Actor>,
    permission: Permission,
    application: &ApplicationRef,
) -> Option<String> {
    let object = policy::application(&application.project, &application.name);
    refusal_named(actor, permission, &object)
}

/// Why this actor may not do this to what has this name in a policy: a cluster, the address of a repository.
pub fn refusal_named(
    actor: Option<&Actor>,
    permission: Permission,
    object: &str,
) -> Option<String> {
    let Some(actor) = actor else {
        return Some("Log in first.".to_owned());
    };
    let verdict = actor.decide(permission, object);
    if verdict.allowed {
        return None;
    }
    let (word, role) = (permission.word(), permission.least_role().word());
    let on = if object.is_empty() {
        String::new()
    } else {
        format!(" on {object}")
    };
    Some(match (&actor.rights.scope, &actor.rights.policy) {
        (None, None) => format!(
            "Needs the permission “{word}”: the role {role} has it, you are {}. An administrator can grant it.",
            actor.role.word(),
        ),
        _ => format!(
            "Needs the permission “{word}”{on}: {}. Whoever may change the policy in Git can grant it; the role {role} has it.",
            verdict.why,
        ),
    })
}

/// A link that looks like a button; disabled with its reason when `refused`.
#[component]
pub fn LinkButton(
    href: String,
    look: Look,
    #[prop(optional, into)] shape: Option<Icon>,
    #[prop(optional_no_strip, into)] refused: Option<String>,
    /// The key that presses it, for the shortcut table.
    #[prop(optional, into)]
    key: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    match refused {
        Some(reason) => {
            let title = reason.clone();
            view! {
                <button type="button" class=look.class() disabled title=title>
                    {shape.map(icon)}
                    {children()}
                    <span class="sr-only">{reason}</span>
                </button>
            }
            .into_any()
        }
        None => view! {
            <a class=look.class() href=href data-key=key>
                {shape.map(icon)}
                {children()}
            </a>
        }
        .into_any(),
    }
}

/// A link among words that leads to an act; with its reason, and no link, when `refused`.
#[component]
pub fn ActLink(
    href: String,
    #[prop(into)] class: String,
    #[prop(optional_no_strip, into)] refused: Option<String>,
    /// What it is called where its words alone do not tell.
    #[prop(optional, into)]
    name: Option<String>,
    /// What it does.
    #[prop(optional, into)]
    about: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    match refused {
        Some(reason) => {
            let class = format!(
                "{class} disabled:cursor-not-allowed disabled:no-underline disabled:opacity-55"
            );
            let name = name.map(|name| format!("{name}. {reason}"));
            let title = reason.clone();
            view! {
                <button type="button" class=class disabled title=title aria-label=name>
                    {children()}
                    <span class="sr-only">{reason}</span>
                </button>
            }
            .into_any()
        }
        None => view! {
            <a class=class href=href title=about aria-label=name>
                {children()}
            </a>
        }
        .into_any(),
    }
}

/// The button that sends its form.
#[component]
pub fn Submit(
    look: Look,
    #[prop(optional, into)] shape: Option<Icon>,
    #[prop(optional_no_strip, into)] refused: Option<String>,
    #[prop(optional, into)] key: Option<&'static str>,
    /// While the answer is on its way.
    #[prop(optional, into)]
    pending: Signal<bool>,
    children: Children,
) -> impl IntoView {
    let is_refused = refused.is_some();
    let title = refused.clone();
    view! {
        <button
            type="submit"
            class=look.class()
            disabled=move || is_refused || pending.get()
            title=title
            data-key=key
        >
            {shape.map(icon)}
            {children()}
            {refused.map(|reason| view! { <span class="sr-only">{reason}</span> })}
        </button>
    }
}
