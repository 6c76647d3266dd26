//! All holds of the fleet: who, why, until when, what waits, and the way to end each.

use crate::api::rollbacks::{Release, holds};
use crate::components::button::{Look, Submit, refusal_on};
use crate::components::clock::Clock;
use crate::components::feedback::{ActionFailure, Empty, Failure, waiting};
use crate::components::icon::Icon;
use crate::components::layout::use_session;
use crate::components::loaded::Loading;
use crate::components::panel::{PANEL, PageHead, TABLE, TD, heads};
use crate::components::target_link::{target_address, target_words};
use crate::format;
use crate::live::{Topic, ticks};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use lockstep_types::Micros;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::{Hold, TargetSummary};

/// `/holds`.
#[component]
pub fn HoldsPage() -> impl IntoView {
    let tick = ticks(|| Topic::All);
    let release = ServerAction::<Release>::new();
    let released = release.version();
    let list: Loading<Vec<TargetSummary>> =
        Resource::new(move || (tick.get(), released.get()), |_| holds());
    let session = use_session();
    let clock = Clock::current();
    let failed = Signal::derive(move || release.value().get().and_then(Result::err));
    view! {
        <Title text="Holds" />
        <ActionFailure error=failed />
        <Transition fallback=waiting>
            {move || Suspend::new(async move {
                let actor = match session {
                    Some(session) => session.await.ok().map(|session| session.actor),
                    None => None,
                };
                match list.await {
                    Ok(list) => page(list, actor.as_ref(), release, clock.0.get_untracked()),
                    Err(error) => view! { <Failure error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn page(
    list: Vec<TargetSummary>,
    actor: Option<&Actor>,
    release: ServerAction<Release>,
    now: Micros,
) -> AnyView {
    if list.is_empty() {
        return view! {
            <PageHead title="Holds" />
            <Empty title="Nothing is held" shape=Icon::Hold>
                "A hold stops writes to one target for some hours, with a reason. It is set on the page of an application; comparing and alerts go on meanwhile."
            </Empty>
        }
        .into_any();
    }
    let number = list.len() as u64;
    let below = view! {
        <p class="mt-1.5 text-lg">
            {format!(
                "{} held. None of them ends by deploying unseen.",
                format::plural(number, "target is", "targets are"),
            )}
        </p>
    }
    .into_any();
    let rows = list
        .into_iter()
        .filter_map(|target| {
            let hold = target.hold.clone()?;
            Some(row(&target, &hold, actor, release, now))
        })
        .collect_view();
    view! {
        <PageHead title="Holds" below=below />
        <div class=format!("{PANEL} overflow-x-auto") role="region" aria-label="Holds" tabindex="0">
            <table class=TABLE>
                <thead>
                    <tr>{heads(&["Target", "Held", "By", "Until", "Waits", ""])}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(
    target: &TargetSummary,
    hold: &Hold,
    actor: Option<&Actor>,
    release: ServerAction<Release>,
    now: Micros,
) -> AnyView {
    let until = if hold.ended_waiting {
        "ended, awaits a yes".to_owned()
    } else {
        format!(
            "{}, {}",
            format::clock_time(hold.until),
            format::relative(hold.until, now)
        )
    };
    let waits = match target.out_of_sync {
        0 => "nothing".to_owned(),
        number => format::plural(number.into(), "object", "objects"),
    };
    let refused = refusal_on(actor, Permission::Hold, &target.target.application);
    let id = hold.id.to_string();
    view! {
        <tr>
            <td class=TD>
                <a class="font-medium hover:underline" href=target_address(&target.target) data-row>
                    {target_words(&target.target)}
                </a>
                <span class="block text-sm break-words text-muted">{format!("“{}”", hold.reason)}</span>
            </td>
            <td class=format!("{TD} text-sm")>{hold.kind.what()}</td>
            <td class=format!("{TD} text-sm") data-label="by">
                {hold.owner.clone()}
            </td>
            <td class=format!("{TD} text-sm text-muted")>{until}</td>
            <td class=format!("{TD} text-sm text-muted") data-label="waits">
                {waits}
            </td>
            <td class=TD>
                <ActionForm action=release attr:class="contents">
                    <input type="hidden" name="hold" value=id />
                    <Submit look=Look::Plain refused=refused pending=release.pending()>
                        "End"
                    </Submit>
                </ActionForm>
            </td>
        </tr>
    }
    .into_any()
}
