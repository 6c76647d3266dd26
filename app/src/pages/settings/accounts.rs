//! Accounts: who may log in, with which role; and one's own password.

use crate::api::accounts::{CreateUser, SetDisabled, SetPassword, users};
use crate::components::button::{Look, Submit};
use crate::components::clock::ago;
use crate::components::feedback::{ActionFailure, waiting};
use crate::components::form::{SelectField, TextField};
use crate::components::layout::{acting, use_session};
use crate::components::loaded::Loading;
use crate::components::panel::{Fold, PANEL, TABLE, TD, heads, tag};
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::account::UserView;
use lockstep_types::id::UserId;

/// The part.
#[component]
pub fn AccountsPart() -> impl IntoView {
    let (create, disable, password) = (
        ServerAction::<CreateUser>::new(),
        ServerAction::<SetDisabled>::new(),
        ServerAction::<SetPassword>::new(),
    );
    let (created, disabled) = (create.version(), disable.version());
    let list: Loading<Vec<UserView>> =
        Resource::new(move || (created.get(), disabled.get()), |_| users());
    let session = use_session();
    let failed = Signal::derive(move || {
        [
            create.value().get().and_then(Result::err),
            disable.value().get().and_then(Result::err),
            password.value().get().and_then(Result::err),
        ]
        .into_iter()
        .flatten()
        .next()
    });
    view! {
        <ActionFailure error=failed />
        <Transition fallback=waiting>
            {move || Suspend::new(async move {
                let me = acting(session).await.map(|actor| actor.user);
                view! {
                    {match list.await {
                        Ok(list) => view! { {table(list, me, disable)} {create_form(create)} }.into_any(),
                        Err(error) => view! { <p class="text-muted">{crate::format::sentence_case(&error.to_string())} "."</p> }.into_any(),
                    }}
                    {me.map(|me| own_password(me, password))}
                }
            })}
        </Transition>
    }
}

fn table(list: Vec<UserView>, me: Option<UserId>, disable: ServerAction<SetDisabled>) -> AnyView {
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
                    </td>
                    <td class=TD>{user.role.word()}</td>
                    <td class=format!("{TD} text-muted") data-label="made">{ago(user.created_at)}</td>
                    <td class=format!("{TD} text-muted") data-label="last seen">{user.last_seen.map_or_else(|| "never".into_any(), ago)}</td>
                    <td class=format!("{TD} text-right")>
                        {(!own)
                            .then(|| {
                                view! {
                                    <ActionForm action=disable attr:class="contents">
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
                <TextField name="password" label="First password" kind="password" minlength="12" autocomplete="new-password" required=true hint="At least twelve characters." />
                <SelectField name="role" label="Role" options=roles.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned())).collect() selected="viewer" />
                <div>
                    <Submit look=Look::Primary pending=create.pending()>"Add"</Submit>
                </div>
            </ActionForm>
        </Fold>
    }
    .into_any()
}

fn own_password(me: UserId, action: ServerAction<SetPassword>) -> AnyView {
    let id = me.to_string();
    view! {
        <Fold title="Change your password">
            <ActionForm action=action attr:class="grid max-w-3xl gap-3 md:grid-cols-2">
                <input type="hidden" name="user" value=id />
                <TextField name="old" label="Present password" kind="password" autocomplete="current-password" required=true />
                <TextField name="new" label="New password" kind="password" minlength="12" autocomplete="new-password" required=true hint="At least twelve characters. All your sessions end." />
                <div>
                    <Submit look=Look::Primary pending=action.pending()>"Change"</Submit>
                </div>
            </ActionForm>
        </Fold>
    }
    .into_any()
}
