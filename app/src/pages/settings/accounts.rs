//! Accounts: who may log in and which programs may act, with which role.

use crate::api::accounts::{CreateAutomation, CreateUser, SetDisabled, SetPassword, users};
use crate::api::logins::{EndSessions, RemoveFactor};
use crate::components::button::{Look, Submit};
use crate::components::clock::ago;
use crate::components::feedback::{ActionFailure, waiting};
use crate::components::form::{SelectField, TextField};
use crate::components::layout::{acting, use_session};
use crate::components::loaded::Loading;
use crate::components::panel::{Fold, PANEL, TABLE, TD, heads, tag};
use crate::error::ApiError;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::account::UserView;
use lockstep_types::id::UserId;

/// What can be done to accounts.
#[derive(Clone, Copy)]
struct Acts {
    create: ServerAction<CreateUser>,
    automate: ServerAction<CreateAutomation>,
    disable: ServerAction<SetDisabled>,
    password: ServerAction<SetPassword>,
    end: ServerAction<EndSessions>,
    forget: ServerAction<RemoveFactor>,
}

impl Acts {
    fn new() -> Self {
        Self {
            create: ServerAction::new(),
            automate: ServerAction::new(),
            disable: ServerAction::new(),
            password: ServerAction::new(),
            end: ServerAction::new(),
            forget: ServerAction::new(),
        }
    }

    /// Rises with everything that changes the list.
    fn version(self) -> Signal<usize> {
        let versions = [
            self.create.version(),
            self.automate.version(),
            self.disable.version(),
            self.forget.version(),
        ];
        Signal::derive(move || versions.iter().map(|version| version.get()).sum())
    }

    fn failed(self) -> Option<ApiError> {
        [
            self.create.value().get().and_then(Result::err),
            self.automate.value().get().and_then(Result::err),
            self.disable.value().get().and_then(Result::err),
            self.password.value().get().and_then(Result::err),
            self.end.value().get().and_then(Result::err),
            self.forget.value().get().and_then(Result::err),
        ]
        .into_iter()
        .flatten()
        .next()
    }
}

/// The part.
#[component]
pub fn AccountsPart() -> impl IntoView {
    let acts = Acts::new();
    let changed = acts.version();
    let list: Loading<Vec<UserView>> = Resource::new(move || changed.get(), |_| users());
    let session = use_session();
    let failed = Signal::derive(move || acts.failed());
    view! {
        <ActionFailure error=failed />
        <Transition fallback=waiting>
            {move || Suspend::new(async move {
                let me = acting(session).await.map(|actor| actor.user);
                view! {
                    {match list.await {
                        Ok(list) => {
                            let people = list.clone();
                            view! { {table(list, me, acts)} {create_form(acts.create)} {automation_form(acts.automate)} {help_form(people, me, acts)} }
                                .into_any()
                        }
                        Err(error) => view! { <p class="text-muted">{crate::format::sentence_case(&error.to_string())} "."</p> }.into_any(),
                    }}
                }
            })}
        </Transition>
    }
}

fn table(list: Vec<UserView>, me: Option<UserId>, acts: Acts) -> AnyView {
    let rows = list
        .into_iter()
        .map(|user| {
            let (id, next) = (user.id.to_string(), (!user.disabled).to_string());
            let own = me == Some(user.id);
            view! {
                <tr>
                    <td class=TD>
                        <span class="font-medium">{user.name.clone()}</span>
                        {own.then(|| view! { " " {tag("you")} })}
                        {user.disabled.then(|| view! { " " {tag("disabled")} })}
                        {user.automation.then(|| view! { " " {tag("automation")} })}
                        {user.provider.map(|provider| view! { " " {tag(format!("by {provider}"))} })}
                        {user.factor.then(|| view! { " " {tag("second factor")} })}
                    </td>
                    <td class=TD>{user.role.word()}</td>
                    <td class=format!("{TD} text-muted") data-label="made">{ago(user.created_at)}</td>
                    <td class=format!("{TD} text-muted") data-label="last seen">{user.last_seen.map_or_else(|| "never".into_any(), ago)}</td>
                    <td class=format!("{TD} text-right")>
                        {(!own)
                            .then(|| {
                                view! {
                                    <ActionForm action=acts.disable attr:class="contents">
                                        <input type="hidden" name="user" value=id />
                                        <input type="hidden" name="disabled" value=next />
                                        <Submit look=Look::Quiet>{if user.disabled { "Enable" } else { "Disable" }}</Submit>
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
                        {heads(&["Name", "Role", "Made", "Last seen", ""])}
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn create_form(create: ServerAction<CreateUser>) -> AnyView {
    let roles = [
        ("viewer", "viewer: sees everything"),
        ("operator", "operator: syncs, rolls back, approves, holds"),
        ("admin", "admin: also sources, clusters, accounts"),
    ];
    view! {
        <Fold title="Add an account">
            <ActionForm action=create attr:class="grid max-w-3xl gap-3 md:grid-cols-3" attr:autocomplete="off">
                <TextField name="name" label="Name" required=true />
                <TextField name="password" label="First password" kind="password" minlength="8" autocomplete="new-password" required=true hint="8 to 128 characters." />
                <SelectField name="role" label="Role" options=roles.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned())).collect() selected="viewer" />
                <div>
                    <Submit look=Look::Primary pending=create.pending()>"Add"</Submit>
                </div>
            </ActionForm>
        </Fold>
    }
    .into_any()
}

fn automation_form(automate: ServerAction<CreateAutomation>) -> AnyView {
    let roles = [
        ("viewer", "viewer"),
        ("operator", "operator"),
        ("admin", "admin"),
    ];
    view! {
        <Fold title="Add an automation account">
            <p class="max-w-[62ch] text-muted">"It has no login. A program acts as it by tokens, which are made on the tab Tokens."</p>
            <ActionForm action=automate attr:class="mt-3 grid max-w-3xl items-end gap-3 md:grid-cols-3" attr:autocomplete="off">
                <TextField name="name" id="automation-name" label="Name of the program" required=true />
                <SelectField name="role" id="automation-role" label="Its role" options=roles.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned())).collect() selected="viewer" />
                <div>
                    <Submit look=Look::Primary pending=automate.pending()>"Add automation"</Submit>
                </div>
            </ActionForm>
        </Fold>
    }
    .into_any()
}

/// For somebody who cannot log in, or whose browser was stolen.
fn help_form(list: Vec<UserView>, me: Option<UserId>, acts: Acts) -> AnyView {
    let choose = |fits: &dyn Fn(&UserView) -> bool| -> Vec<(String, String)> {
        list.iter()
            .filter(|user| me != Some(user.id) && fits(user))
            .map(|user| (user.id.to_string(), user.name.clone()))
            .collect()
    };
    let people = choose(&|user| !user.automation);
    let local = choose(&|user| !user.automation && user.provider.is_none());
    let factors = choose(&|user| user.factor);
    if people.is_empty() && factors.is_empty() {
        return ().into_any();
    }
    view! {
        <Fold title="Help somebody">
            <div class="flex flex-col gap-4">
                {(!local.is_empty()).then(|| view! {
                    <ActionForm action=acts.password attr:class="grid max-w-3xl items-end gap-3 md:grid-cols-3" attr:autocomplete="off">
                        <SelectField name="user" id="help-password" label="Whose password" options=local />
                        <TextField name="new" label="Their new password" kind="password" minlength="8" autocomplete="new-password" required=true />
                        <div>
                            <Submit look=Look::Plain pending=acts.password.pending()>"Set password"</Submit>
                        </div>
                    </ActionForm>
                })}
                {(!people.is_empty()).then(|| view! {
                    <ActionForm action=acts.end attr:class="grid max-w-3xl items-end gap-3 md:grid-cols-3">
                        <SelectField name="user" id="help-sessions" label="Whose sessions" options=people />
                        <div>
                            <Submit look=Look::Plain pending=acts.end.pending()>"End all sessions"</Submit>
                        </div>
                    </ActionForm>
                })}
                {(!factors.is_empty()).then(|| view! {
                    <ActionForm action=acts.forget attr:class="grid max-w-3xl items-end gap-3 md:grid-cols-3">
                        <SelectField name="user" id="help-factor" label="Whose second factor" options=factors />
                        <div>
                            <Submit look=Look::Danger pending=acts.forget.pending()>"Remove second factor"</Submit>
                        </div>
                    </ActionForm>
                })}
            </div>
        </Fold>
    }
    .into_any()
}
