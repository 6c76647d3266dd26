//! API tokens: made here, shown once, ended here.

use crate::api::accounts::{CreateToken, RevokeToken, tokens};
use crate::components::button::{Look, Submit};
use crate::components::clock::ago;
use crate::components::feedback::ActionFailure;
use crate::components::form::{SelectField, TextField};
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{PANEL, Part, TABLE, TD, TH, tag};
use crate::components::reason::Banner;
use crate::components::sha::CopyButton;
use crate::components::tone::Tone;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use lockstep_types::account::TokenView;

/// The tab.
#[component]
pub fn TokensTab() -> impl IntoView {
    let tick = ticks(|| Topic::All);
    let create = ServerAction::<CreateToken>::new();
    let revoke = ServerAction::<RevokeToken>::new();
    let all: Loading<Vec<TokenView>> = Resource::new(move || (tick.get(), create.version().get(), revoke.version().get()), |_| tokens());
    let failure = Signal::derive(move || create.value().get().and_then(Result::err).or_else(|| revoke.value().get().and_then(Result::err)));
    view! {
        <p class="max-w-[76ch] text-muted">"For the command line and for pipelines. A token may do what you may; only its hash is kept."</p>
        <ActionFailure error=failure />
        {move || create.value().get().and_then(Result::ok).map(made)}
        {loaded(all, move |all| list(all, revoke))}
        <Part title="New token">
            <ActionForm action=create attr:class=format!("{PANEL} flex max-w-xl flex-col gap-3 px-4 py-3.5")>
                <TextField name="label" label="What for" required=true placeholder="deploy pipeline" />
                <SelectField
                    name="days"
                    label="Ends after"
                    options=vec![("30".into(), "30 days".into()), ("90".into(), "90 days".into()), ("365".into(), "a year".into()), ("0".into(), "never".into())]
                    selected="90"
                />
                <div><Submit look=Look::Plain pending=create.pending()>"Create token"</Submit></div>
            </ActionForm>
        </Part>
    }
}

fn made(token: String) -> AnyView {
    let rest = view! {
        <span class="group/sha flex items-center gap-2">
            <code class="rounded bg-sunken px-2 py-1 font-mono text-sm break-all text-ink">{token.clone()}</code> <CopyButton text=token what="the token" />
        </span>
    }
    .into_any();
    view! { <Banner tone=Tone::Ok shape=Icon::Healthy lead="Copy it now: it is not shown again.".into_any() rest=rest /> }.into_any()
}

fn list(all: Vec<TokenView>, revoke: ServerAction<RevokeToken>) -> AnyView {
    if all.is_empty() {
        return view! { <p class=format!("{PANEL} px-4 py-6 text-center text-muted")>"No tokens yet."</p> }.into_any();
    }
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>
                        {["What for", "Of", "Made", "Last used", "Ends", ""].into_iter().map(|title| view! { <th scope="col" class=TH>{title}</th> }).collect_view()}
                    </tr>
                </thead>
                <tbody>{all.into_iter().map(|token| row(token, revoke)).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(token: TokenView, revoke: ServerAction<RevokeToken>) -> AnyView {
    let act = if token.revoked {
        tag("revoked")
    } else {
        view! {
            <ActionForm action=revoke>
                <input type="hidden" name="token" value=token.id.to_string() />
                <Submit look=Look::Quiet pending=revoke.pending()>"Revoke"</Submit>
            </ActionForm>
        }
        .into_any()
    };
    view! {
        <tr class=if token.revoked { "text-muted" } else { "" }>
            <td class=format!("{TD} font-medium")>{token.label.clone()}</td>
            <td class=TD>{token.user.clone()}</td>
            <td class=format!("{TD} text-muted")>{ago(token.created_at)}</td>
            <td class=format!("{TD} text-muted")>{token.last_used.map_or_else(|| "never".into_any(), ago)}</td>
            <td class=format!("{TD} text-muted")>{token.expires_at.map_or_else(|| "never".into_any(), ago)}</td>
            <td class=TD>{act}</td>
        </tr>
    }
    .into_any()
}
