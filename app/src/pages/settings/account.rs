//! Your account: how you log in, your password, your second factor and your sessions.

mod factor;
mod sessions;

use crate::api::accounts::SetPassword;
use crate::api::logins::read_own_account;
use crate::components::button::{Look, Submit};
use crate::components::feedback::{ActionFailure, Failure, waiting};
use crate::components::form::TextField;
use crate::components::loaded::Loading;
use crate::components::panel::{Fold, PANEL, Part, tag};
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::id::UserId;
use lockstep_types::login::OwnAccount;

/// The part.
#[component]
pub fn AccountPart() -> impl IntoView {
    let password = ServerAction::<SetPassword>::new();
    let factor = factor::Actions::new();
    let changed = factor.version();
    let own: Loading<OwnAccount> = Resource::new(move || changed.get(), |_| read_own_account());
    let failed = Signal::derive(move || password.value().get().and_then(Result::err));
    view! {
        <ActionFailure error=failed />
        <Transition fallback=waiting>
            {move || Suspend::new(async move {
                match own.await {
                    Err(error) => view! { <Failure error=error /> }.into_any(),
                    Ok(own) => {
                        let id = own.id;
                        view! {
                            {who(&own)}
                            {own.password.then(|| own_password(id, password))}
                            {factor::part(&own, factor)}
                        }
                            .into_any()
                    }
                }
            })}
        </Transition>
        <sessions::SessionsPart />
    }
}

fn who(own: &OwnAccount) -> AnyView {
    let groups = own.groups.iter().cloned().map(tag).collect_view();
    let by = match &own.provider {
        Some(provider) => format!("You log in by {provider}, which says your groups."),
        None => "You log in here.".to_owned(),
    };
    view! {
        <section class=format!("{PANEL} flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3")>
            <h2 class="font-semibold break-all">{own.name.clone()}</h2>
            {tag(own.role.word())}
            <p class="text-muted">{by}</p>
            {(!own.groups.is_empty()).then(|| view! { <p class="flex flex-wrap gap-1">{groups}</p> })}
        </section>
    }
    .into_any()
}

fn own_password(me: UserId, action: ServerAction<SetPassword>) -> AnyView {
    let id = me.to_string();
    view! {
        <Part title="Password">
            <Fold title="Change your password">
                <ActionForm action=action attr:class="grid max-w-3xl gap-3 md:grid-cols-2">
                    <input type="hidden" name="user" value=id />
                    <TextField name="old" label="Present password" kind="password" autocomplete="current-password" required=true />
                    <TextField name="new" label="New password" kind="password" minlength="8" autocomplete="new-password" required=true hint="8 to 128 characters. All your sessions end." />
                    <div>
                        <Submit look=Look::Primary pending=action.pending()>"Change"</Submit>
                    </div>
                </ActionForm>
            </Fold>
        </Part>
    }
    .into_any()
}
