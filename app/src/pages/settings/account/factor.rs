//! The second factor: the picture with its secret, the first code, and the recovery codes, each shown once.

use crate::api::logins::{BeginFactor, ConfirmFactor, RemoveFactor};
use crate::components::button::{Look, Submit};
use crate::components::clock::ago;
use crate::components::feedback::ActionFailure;
use crate::components::form::TextField;
use crate::components::panel::{Fold, PANEL, Part};
use crate::components::reason::Banner;
use crate::components::tone::Tone;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::id::UserId;
use lockstep_types::login::{Enrolment, FactorView, OwnAccount};

/// What can be done about it.
#[derive(Clone, Copy)]
pub struct Actions {
    begin: ServerAction<BeginFactor>,
    confirm: ServerAction<ConfirmFactor>,
    remove: ServerAction<RemoveFactor>,
}

impl Actions {
    pub fn new() -> Self {
        Self {
            begin: ServerAction::new(),
            confirm: ServerAction::new(),
            remove: ServerAction::new(),
        }
    }

    /// Rises with everything that was done.
    pub fn version(self) -> Signal<usize> {
        let (confirm, remove) = (self.confirm.version(), self.remove.version());
        Signal::derive(move || confirm.get() + remove.get())
    }
}

/// The part; nothing for whoever has no password here.
pub fn part(own: &OwnAccount, actions: Actions) -> AnyView {
    if !own.password {
        return ().into_any();
    }
    let failed = Signal::derive(move || {
        [
            actions.begin.value().get().and_then(Result::err),
            actions.confirm.value().get().and_then(Result::err),
            actions.remove.value().get().and_then(Result::err),
        ]
        .into_iter()
        .flatten()
        .next()
    });
    let body = match &own.factor {
        Some(factor) => present(own.id, factor, actions),
        None => absent(actions),
    };
    view! {
        <Part title="Second factor">
            <ActionFailure error=failed />
            {move || actions.confirm.value().get().and_then(Result::ok).map(recovery)}
            {body}
        </Part>
    }
    .into_any()
}

/// The recovery codes, once.
fn recovery(codes: Vec<String>) -> AnyView {
    let list = codes
        .into_iter()
        .map(|code| view! { <li class="font-mono text-ink select-all">{code}</li> })
        .collect_view();
    let rest = view! {
        "Each lets you in once without your authenticator. They are not shown again."
        <ul class="mt-2 grid grid-cols-1 gap-x-6 md:grid-cols-2" id="recovery-codes">
            {list}
        </ul>
    };
    view! {
        <Banner tone=Tone::Ok lead="The second factor counts from now on. Keep these codes.".into_any() rest=rest.into_any() />
    }
    .into_any()
}

fn present(me: UserId, factor: &FactorView, actions: Actions) -> AnyView {
    let (id, left) = (me.to_string(), factor.codes_left);
    view! {
        <section class=format!("{PANEL} px-4 py-3")>
            <p>
                "On, for " {ago(factor.since)} ". " <span class="text-muted">{format!("{left} recovery codes are left.")}</span>
            </p>
            <ActionForm action=actions.remove attr:class="mt-3 flex max-w-3xl flex-wrap items-end gap-3">
                <input type="hidden" name="user" value=id />
                <TextField name="password" label="Your password" kind="password" autocomplete="current-password" required=true />
                <Submit look=Look::Danger pending=actions.remove.pending()>"Remove the second factor"</Submit>
            </ActionForm>
        </section>
    }
    .into_any()
}

fn absent(actions: Actions) -> AnyView {
    view! {
        <Fold title="Add a second factor">
            <p class="max-w-[62ch] text-muted">"At each login a code from an authenticator is asked for beside the password."</p>
            <ActionForm action=actions.begin attr:class="mt-3 flex max-w-3xl flex-wrap items-end gap-3">
                <TextField name="password" label="Your password" kind="password" autocomplete="current-password" required=true />
                <Submit look=Look::Primary pending=actions.begin.pending()>"Begin"</Submit>
            </ActionForm>
            {move || actions.begin.value().get().and_then(Result::ok).map(|begun| enrolment(begun, actions))}
            <p class="mt-2 text-xs text-muted">"Needs the script of this page: a plain form could not show the secret only once."</p>
        </Fold>
    }
    .into_any()
}

/// The picture, dark on light in either theme, since cameras want it so.
fn enrolment(begun: Enrolment, actions: Actions) -> AnyView {
    let size = begun.size;
    view! {
        <div class="mt-4 flex flex-wrap items-start gap-5">
            <svg
                class="size-48 shrink-0 rounded-md border border-line bg-white"
                viewBox=format!("0 0 {size} {size}")
                role="img"
                aria-label="Picture of the secret, for an authenticator"
                shape-rendering="crispEdges"
            >
                <path fill="#000" d=begun.path></path>
            </svg>
            <div class="flex min-w-0 flex-1 basis-64 flex-col gap-3">
                <p>"Scan the picture with your authenticator, or type this secret:"</p>
                <code class="font-mono break-all text-ink select-all" id="factor-secret">{begun.secret}</code>
                <ActionForm action=actions.confirm attr:class="flex flex-wrap items-end gap-3">
                    <TextField name="code" label="The code it shows now" autocomplete="one-time-code" required=true />
                    <Submit look=Look::Primary pending=actions.confirm.pending()>"Confirm"</Submit>
                </ActionForm>
            </div>
        </div>
    }
    .into_any()
}
