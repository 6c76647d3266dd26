//! Accounts: who may log in, with which role.

use super::current_actor;
use crate::api::accounts::{CreateUser, SetDisabled, SetPassword, users};
use crate::components::button::{Look, Submit, refusal};
use crate::components::clock::ago;
use crate::components::feedback::ActionFailure;
use crate::components::form::{SelectField, TextField};
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{PANEL, Part, TABLE, TD, TH, tag};
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission, Role, UserView};

/// The tab.
#[component]
pub fn AccountsTab() -> impl IntoView {
    let tick = ticks(|| Topic::All);
    let create = ServerAction::<CreateUser>::new();
    let disable = ServerAction::<SetDisabled>::new();
    let password = ServerAction::<SetPassword>::new();
    let all: Loading<Vec<UserView>> = Resource::new(move || (tick.get(), create.version().get(), disable.version().get()), |_| users());
    let failure = Signal::derive(move || {
        create
            .value()
            .get()
            .and_then(Result::err)
            .or_else(|| disable.value().get().and_then(Result::err))
            .or_else(|| password.value().get().and_then(Result::err))
    });
    view! {
        <ActionFailure error=failure />
        {loaded(all, move |all| list(all, current_actor(), disable))}
        <div class="grid items-start gap-4 md:grid-cols-2">
            <Transition>{move || current_actor().map(|actor| own_password(&actor, password))}</Transition>
            <Transition>{move || new_account(current_actor().as_ref(), create)}</Transition>
        </div>
    }
}

fn list(all: Vec<UserView>, actor: Option<Actor>, disable: ServerAction<SetDisabled>) -> AnyView {
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>
                        {["Name", "Role", "Last seen", "Since", "Access"].into_iter().map(|title| view! { <th scope="col" class=TH>{title}</th> }).collect_view()}
                    </tr>
                </thead>
                <tbody>{all.into_iter().map(|user| row(user, actor.as_ref(), disable)).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(user: UserView, actor: Option<&Actor>, disable: ServerAction<SetDisabled>) -> AnyView {
    let own = actor.is_some_and(|actor| actor.user == user.id);
    let refused = if own { Some("Nobody can lock themselves out.".to_owned()) } else { refusal(actor, Permission::Account) };
    let words = if user.disabled { "Enable" } else { "Disable" };
    view! {
        <tr>
            <td class=TD>
                <span class="font-medium">{user.name.clone()}</span>
                " "
                {own.then(|| tag("you"))}
                {user.disabled.then(|| tag("disabled"))}
            </td>
            <td class=TD>{user.role.word()}</td>
            <td class=format!("{TD} text-muted")>{user.last_seen.map_or_else(|| "never".into_any(), ago)}</td>
            <td class=format!("{TD} text-muted")>{ago(user.created_at)}</td>
            <td class=TD>
                <ActionForm action=disable>
                    <input type="hidden" name="user" value=user.id.to_string() />
                    <input type="hidden" name="disabled" value=(!user.disabled).to_string() />
                    <Submit look=Look::Quiet refused=refused pending=disable.pending()>{words}</Submit>
                </ActionForm>
            </td>
        </tr>
    }
    .into_any()
}

fn own_password(actor: &Actor, password: ServerAction<SetPassword>) -> AnyView {
    let user = actor.user.to_string();
    view! {
        <Part title="Your password">
            <ActionForm action=password attr:class=format!("{PANEL} flex flex-col gap-3 px-4 py-3.5")>
                <input type="hidden" name="user" value=user />
                <TextField name="old" label="Present password" kind="password" autocomplete="current-password" required=true />
                <TextField name="new" label="New password" kind="password" autocomplete="new-password" minlength="8" required=true hint="8 to 128 characters. All your sessions end." />
                <div><Submit look=Look::Plain pending=password.pending()>"Change password"</Submit></div>
            </ActionForm>
        </Part>
    }
    .into_any()
}

fn new_account(actor: Option<&Actor>, create: ServerAction<CreateUser>) -> AnyView {
    let refused = refusal(actor, Permission::Account);
    let roles = [Role::Viewer, Role::Operator, Role::Admin].into_iter().map(|role| (role.word().to_owned(), role.word().to_owned())).collect();
    view! {
        <Part title="New account">
            <ActionForm action=create attr:class=format!("{PANEL} flex flex-col gap-3 px-4 py-3.5")>
                <TextField name="name" label="User name" required=true />
                <TextField name="password" label="First password" kind="password" autocomplete="new-password" minlength="8" required=true hint="8 to 128 characters; they change it after the first login." />
                <SelectField name="role" label="Role" options=roles />
                <div><Submit look=Look::Plain refused=refused pending=create.pending()>"Create account"</Submit></div>
            </ActionForm>
        </Part>
    }
    .into_any()
}
