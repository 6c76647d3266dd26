//! Notifications: receivers, routes, how long conditions must last, commit statuses, and the log of what went out.

mod log;
mod receivers;
mod routes;
mod rules;
mod statuses;

use crate::api::alerts::{
    AddReceiver, AddRoute, AddStatusHost, RemoveReceiver, RemoveRoute, RemoveStatusHost, SetRules,
    TestReceiver, notify,
};
use crate::components::button::refusal;
use crate::components::feedback::{ActionFailure, Failure, waiting};
use crate::components::layout::{acting, use_session};
use crate::components::loaded::Loading;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use lockstep_types::account::Permission;
use lockstep_types::notify::NotifyView;

/// Everything that can be done here.
#[derive(Clone, Copy)]
struct Actions {
    add_receiver: ServerAction<AddReceiver>,
    remove_receiver: ServerAction<RemoveReceiver>,
    test_receiver: ServerAction<TestReceiver>,
    add_route: ServerAction<AddRoute>,
    remove_route: ServerAction<RemoveRoute>,
    set_rules: ServerAction<SetRules>,
    add_host: ServerAction<AddStatusHost>,
    remove_host: ServerAction<RemoveStatusHost>,
}

/// The part.
#[component]
pub fn NotificationsPart() -> impl IntoView {
    let actions = Actions {
        add_receiver: ServerAction::new(),
        remove_receiver: ServerAction::new(),
        test_receiver: ServerAction::new(),
        add_route: ServerAction::new(),
        remove_route: ServerAction::new(),
        set_rules: ServerAction::new(),
        add_host: ServerAction::new(),
        remove_host: ServerAction::new(),
    };
    let acted = move || {
        (
            actions.add_receiver.version().get(),
            actions.remove_receiver.version().get(),
            actions.test_receiver.version().get(),
            actions.add_route.version().get(),
            actions.remove_route.version().get(),
            actions.set_rules.version().get(),
            actions.add_host.version().get(),
            actions.remove_host.version().get(),
        )
    };
    let tick = ticks(|| Topic::All);
    let view: Loading<NotifyView> = Resource::new(move || (acted(), tick.get()), |_| notify());
    let session = use_session();
    let failed = Signal::derive(move || {
        let added = actions.add_receiver.value().get().and_then(Result::err);
        added
            .or_else(|| actions.remove_receiver.value().get().and_then(Result::err))
            .or_else(|| actions.test_receiver.value().get().and_then(Result::err))
            .or_else(|| actions.add_route.value().get().and_then(Result::err))
            .or_else(|| actions.remove_route.value().get().and_then(Result::err))
            .or_else(|| actions.set_rules.value().get().and_then(Result::err))
            .or_else(|| actions.add_host.value().get().and_then(Result::err))
            .or_else(|| actions.remove_host.value().get().and_then(Result::err))
    });
    view! {
        <ActionFailure error=failed />
        <Transition fallback=waiting>
            {move || Suspend::new(async move {
                let actor = acting(session).await;
                match view.await {
                    Err(error) => view! { <Failure error=error /> }.into_any(),
                    Ok(view) => {
                        let refused = refusal(actor.as_ref(), Permission::Source);
                        page(view, actions, refused)
                    }
                }
            })}
        </Transition>
    }
}

fn page(view: NotifyView, actions: Actions, refused: Option<String>) -> AnyView {
    let NotifyView {
        receivers,
        routes,
        rules,
        hosts,
        subscriptions,
        messages,
        dropped,
    } = view;
    let names = receivers
        .iter()
        .map(|receiver| (receiver.id.to_string(), receiver.name.clone()))
        .collect();
    view! {
        {receivers::part(receivers, actions, refused.clone())}
        {routes::part(routes, names, actions, refused.clone())}
        {rules::part(rules, actions, refused.clone())}
        {statuses::part(hosts, actions, refused)}
        {log::subscribed(subscriptions)}
        {log::part(messages, dropped)}
    }
    .into_any()
}
