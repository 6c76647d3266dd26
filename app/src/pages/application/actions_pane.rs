//! What can be done to an object from the drawer without a commit: restart, scale, run now, delete a Pod. Each says what
//! happens and what Git does about it before it is pressed.

use super::address::Address;
use crate::api::syncs::ActOnObject;
use crate::components::button::{Look, Submit};
use crate::components::clock::ago;
use crate::components::feedback::ActionFailure;
use crate::components::form::FIELD;
use crate::components::icon::{Icon, icon};
use crate::components::panel::H2;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::action::{Acted, ActionKind, ActionOffer};
use lockstep_types::id::TargetId;
use lockstep_types::resource::ResourceView;

/// The pane.
pub fn actions_pane(resource: &ResourceView, target: TargetId, address: &Address) -> AnyView {
    let key = &resource.node.key;
    let object = key.to_string();
    let uid = resource.node.uid.clone().unwrap_or_default();
    let back = address.node_link(address.node.clone(), "actions");
    let offers = resource
        .actions
        .iter()
        .cloned()
        .map(|offer| {
            let permission = offer.kind.policy_word(key);
            let form = Form {
                target,
                object: object.clone(),
                uid: uid.clone(),
                back: back.clone(),
            };
            view! { <li>{offered(offer, permission, form)}</li> }
        })
        .collect_view();
    view! {
        <ul class="flex flex-col gap-2.5">{offers}</ul>
        {done(&resource.acted)}
    }
    .into_any()
}

/// What every form of the pane sends.
struct Form {
    target: TargetId,
    object: String,
    uid: String,
    back: String,
}

fn offered(offer: ActionOffer, permission: String, form: Form) -> AnyView {
    let action = ServerAction::<ActOnObject>::new();
    let failed = Signal::derive(move || action.value().get().and_then(Result::err));
    let refused = if !offer.permitted {
        Some(format!(
            "Needs the permission “{permission}”: the role operator has it. Whoever may change the policy in Git, or an administrator, can grant it."
        ))
    } else {
        Some(offer.refused.clone()).filter(|why| !why.is_empty())
    };
    let look = if offer.kind == ActionKind::DeletePod {
        Look::Danger
    } else {
        Look::Plain
    };
    let why = refused.clone();
    view! {
        <ActionForm action=action attr:class="flex flex-col gap-2 rounded-md border border-line px-3 py-2.5">
            <input type="hidden" name="target" value=form.target.to_string() />
            <input type="hidden" name="object" value=form.object />
            <input type="hidden" name="uid" value=form.uid />
            <input type="hidden" name="kind" value=offer.kind.word() />
            <input type="hidden" name="back" value=form.back />
            <div class="flex flex-wrap items-start justify-between gap-x-3 gap-y-2">
                <div class="min-w-0 flex-1 basis-48">
                    <h3 class=H2>{offer.kind.label()}</h3>
                    <p class="text-sm text-muted">{offer.consequence}</p>
                </div>
                <div class="flex flex-none items-center gap-2">
                    {offer
                        .replicas
                        .map(|pods| {
                            view! {
                                <input
                                    class=format!("{FIELD} max-w-20 py-1 text-right tabular-nums")
                                    type="number"
                                    name="replicas"
                                    aria-label="Number of Pods"
                                    min="0"
                                    max="10000"
                                    required=true
                                    value=pods.to_string()
                                />
                            }
                        })}
                    <Submit look=look refused=refused pending=action.pending()>
                        {offer.kind.label()}
                    </Submit>
                </div>
            </div>
            {(!offer.undone.is_empty())
                .then(|| {
                    view! {
                        <p class="flex items-start gap-1.5 text-sm">
                            <span class="mt-0.5 flex-none text-warn">{icon(Icon::Problem)}</span>
                            {offer.undone}
                        </p>
                    }
                })}
            {why.map(|why| view! { <p class="text-xs text-muted">{why}</p> })}
            <ActionFailure error=failed />
        </ActionForm>
    }
    .into_any()
}

fn done(acted: &[Acted]) -> AnyView {
    if acted.is_empty() {
        return ().into_any();
    }
    let rows = acted
        .iter()
        .cloned()
        .map(|one| {
            let outcome = match one.ended_at {
                Some(_) => one.outcome,
                None => "under way".to_owned(),
            };
            view! {
                <li class="flex flex-wrap items-baseline gap-x-2 border-b border-line py-1.5 text-sm last:border-b-0">
                    <b class="font-medium">{one.kind.label()}</b>
                    <span class="min-w-0 break-words text-muted">{outcome}</span>
                    <span class="ml-auto text-xs text-muted">
                        {one.by} ", " {ago(one.at)} " ago"
                    </span>
                </li>
            }
        })
        .collect_view();
    view! {
        <h3 class=format!("{H2} mt-4 mb-1")>"Done before"</h3>
        <ul>{rows}</ul>
    }
    .into_any()
}
