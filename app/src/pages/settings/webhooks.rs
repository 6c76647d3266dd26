//! Webhooks of Git hosts: the addresses, the secret, and the last delivery of each.

use crate::api::webhooks::{RenewWebhookSecret, webhooks};
use crate::components::button::{Look, Submit, refusal};
use crate::components::clock::ago;
use crate::components::feedback::{ActionFailure, Failure, waiting};
use crate::components::layout::{acting, use_session};
use crate::components::loaded::Loading;
use crate::components::panel::{PANEL, TABLE, TD, heads};
use crate::components::reason::Banner;
use crate::components::tone::Tone;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::account::Permission;
use lockstep_types::webhook::{Delivery, WebhookEndpoint, WebhooksView};

/// The part.
#[component]
pub fn WebhooksPart() -> impl IntoView {
    let renew = ServerAction::<RenewWebhookSecret>::new();
    let renewed = renew.version();
    let list: Loading<WebhooksView> = Resource::new(move || renewed.get(), |_| webhooks());
    let session = use_session();
    let failed = Signal::derive(move || renew.value().get().and_then(Result::err));
    view! {
        <ActionFailure error=failed />
        {move || {
            renew
                .value()
                .get()
                .and_then(Result::ok)
                .map(|secret| {
                    let lead = "Copy the secret now: it is not shown again.".into_any();
                    let rest = view! { <code class="font-mono break-all text-ink select-all">{secret}</code> }.into_any();
                    view! { <Banner tone=Tone::Ok lead=lead rest=rest /> }
                })
        }}
        <p class="max-w-3xl text-muted">
            "With a webhook a push is seen at once instead of at the next look. A delivery is only a hint: the repository that it names is fetched when it is read here anyway, and nothing else of it is believed."
        </p>
        <Transition fallback=waiting>
            {move || Suspend::new(async move {
                let actor = acting(session).await;
                match list.await {
                    Err(error) => view! { <Failure error=error /> }.into_any(),
                    Ok(view) => {
                        let refused = refusal(actor.as_ref(), Permission::Source);
                        view! {
                            {secret_part(&view, refused, renew)}
                            {table(view.endpoints)}
                        }
                            .into_any()
                    }
                }
            })}
        </Transition>
    }
}

fn secret_part(
    view: &WebhooksView,
    refused: Option<String>,
    renew: ServerAction<RenewWebhookSecret>,
) -> AnyView {
    let (words, button) = match view.secret_made {
        Some(at) => (
            view! {
                "Made "
                {ago(at)}
                " ago; kept encrypted, never shown again. A new one takes its place at once: every host needs it then."
            }
            .into_any(),
            "Make a new secret",
        ),
        None => (
            "There is none yet, so every delivery is turned away.".into_any(),
            "Make a secret",
        ),
    };
    view! {
        <section class=format!("{PANEL} flex flex-wrap items-center justify-between gap-3 px-4 py-3")>
            <div class="min-w-0 flex-1 basis-80">
                <h2 class="font-semibold">"Secret"</h2>
                <p class="text-sm text-muted">{words}</p>
                <noscript>
                    <p class="mt-1 text-xs text-muted">"Making one needs JavaScript: a plain form could not show it only once."</p>
                </noscript>
            </div>
            <ActionForm action=renew attr:class="contents">
                <Submit look=Look::Plain refused=refused pending=renew.pending()>
                    {button}
                </Submit>
            </ActionForm>
        </section>
    }
    .into_any()
}

fn table(endpoints: Vec<WebhookEndpoint>) -> AnyView {
    let rows = endpoints
        .into_iter()
        .map(|endpoint| {
            let provider = endpoint.provider;
            let turned_away = endpoint.refused.map(|at| {
                view! {
                    <p class="text-xs text-bad">"Turned away " {ago(at)} " ago: wrong or missing secret"</p>
                }
            });
            view! {
                <tr>
                    <td class=TD>
                        <span class="font-medium">{provider.title()}</span>
                    </td>
                    <td class=TD data-label="address">
                        <code class="font-mono text-sm break-all select-all">{endpoint.url}</code>
                        <p class="text-xs text-muted">{provider.secret_place()}</p>
                    </td>
                    <td class=TD data-label="last delivery">
                        {endpoint.last.map_or_else(|| view! { <span class="text-muted">"none yet"</span> }.into_any(), last)}
                        {turned_away}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>{heads(&["Host", "Address for its push events", "Last delivery"])}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn last(delivery: Delivery) -> AnyView {
    let mut named = delivery.repository;
    if !delivery.references.is_empty() {
        named = format!("{named} · {}", delivery.references.join(", "));
    }
    view! {
        <p>{ago(delivery.at)} " ago: " {delivery.outcome.words()}</p>
        {(!named.is_empty()).then(|| view! { <p class="font-mono text-xs break-all text-muted">{named}</p> })}
    }
    .into_any()
}
