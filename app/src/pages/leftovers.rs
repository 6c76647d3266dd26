//! What applications left behind when their definitions left Git: the list, and for each the choice to keep, adopt or
//! remove it.

use crate::api::leftovers::{LeaveLeftovers, RemoveLeftovers, all_leftovers, removal};
use crate::components::button::{Look, Submit, refusal_on};
use crate::components::clock::ago;
use crate::components::feedback::{ActionFailure, Empty, Failure, waiting};
use crate::components::form::TextField;
use crate::components::icon::Icon;
use crate::components::layout::use_session;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{ACTION_LINK, PANEL, PageHead, Part, TABLE, TD, heads};
use crate::components::plan_view::PlanTable;
use crate::components::reason::Banner;
use crate::components::target_link::{
    leftovers_address, run_address, target_address, target_words,
};
use crate::components::tone::Tone;
use crate::error::ApiError;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::id::TargetId;
use lockstep_types::leftover::{Leftovers, RemovalPreview};

/// `/leftovers`.
#[component]
pub fn LeftoversPage() -> impl IntoView {
    let tick = ticks(|| Topic::All);
    let list: Loading<Vec<Leftovers>> = Resource::new(move || tick.get(), |_| all_leftovers());
    view! {
        <Title text="Leftovers" />
        {loaded(list, list_page)}
    }
}

fn list_page(list: Vec<Leftovers>) -> AnyView {
    if list.is_empty() {
        return view! {
            <PageHead title="Leftovers" />
            <Empty title="Nothing is left behind" shape=Icon::Synced>
                "When an application leaves Git, what it deployed stays in its clusters and is listed here until somebody decides about it."
            </Empty>
        }
        .into_any();
    }
    let number = list.len() as u64;
    let below = view! {
        <p class="mt-1.5 text-lg">
            {format!(
                "{} something behind. All of it runs on; nothing is deleted unless you say so.",
                format::plural(number, "application left", "applications left"),
            )}
        </p>
    }
    .into_any();
    view! {
        <PageHead title="Leftovers" below=below />
        <div class=format!("{PANEL} overflow-x-auto") role="region" aria-label="Leftovers" tabindex="0">
            <table class=TABLE>
                <thead>
                    <tr>{heads(&["Application", "Objects", "Why", "Since", ""])}</tr>
                </thead>
                <tbody>{list.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(left: Leftovers) -> AnyView {
    let address = leftovers_address(left.target.id);
    let number = left.objects.len() as u64;
    let names: Vec<String> = left.objects.iter().take(3).map(|key| key.short()).collect();
    let more = left.objects.len().saturating_sub(names.len());
    let next = match left.run {
        Some(run) => view! {
            <a class=ACTION_LINK href=run_address(run)>
                "Its removal"
            </a>
        }
        .into_any(),
        None => view! {
            <a class=ACTION_LINK href=address.clone()>
                "Decide"
            </a>
        }
        .into_any(),
    };
    view! {
        <tr>
            <td class=TD>
                <a class="font-medium hover:underline" href=address data-row>
                    {target_words(&left.target)}
                </a>
            </td>
            <td class=format!("{TD} text-sm")>
                {format::plural(number, "object", "objects")}
                <span class="block text-muted">
                    {names.join(", ")} {(more > 0).then(|| format!(" and {} more", format::count(more as u64)))}
                </span>
            </td>
            <td class=format!("{TD} text-sm text-muted")>{left.why.words()}</td>
            <td class=format!("{TD} text-muted") data-label="since">
                {ago(left.since)}
            </td>
            <td class=TD>{next}</td>
        </tr>
    }
    .into_any()
}

/// `/leftovers/:target`.
#[component]
pub fn RemovalPage() -> impl IntoView {
    let params = use_params_map();
    let target = Memo::new(move |_| {
        params.with(|params| {
            params
                .get("target")
                .and_then(|id| id.parse::<TargetId>().ok())
        })
    });
    let tick = ticks(|| Topic::All);
    let data: Loading<RemovalPreview> = Resource::new(
        move || (target.get(), tick.get()),
        |(target, _)| async move {
            removal(
                target.ok_or_else(|| ApiError::from(PortError::NotFound("this target".into())))?,
            )
            .await
        },
    );
    let remove = ServerAction::<RemoveLeftovers>::new();
    let leave = ServerAction::<LeaveLeftovers>::new();
    let session = use_session();
    view! {
        <Title text="Leftovers" />
        <Transition fallback=waiting>
            {move || Suspend::new(async move {
                let actor = match session {
                    Some(session) => session.await.ok().map(|session| session.actor),
                    None => None,
                };
                match data.await {
                    Ok(preview) => choices(preview, actor.as_ref(), remove, leave),
                    Err(error) => view! { <Failure error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn choices(
    preview: RemovalPreview,
    actor: Option<&Actor>,
    remove: ServerAction<RemoveLeftovers>,
    leave: ServerAction<LeaveLeftovers>,
) -> AnyView {
    let left = preview.leftovers.clone();
    let crumbs = view! {
        <a class="hover:underline" href="/leftovers">
            "Leftovers"
        </a>
        " / "
        <a class="hover:underline" href=target_address(&left.target)>
            {target_words(&left.target)}
        </a>
    }
    .into_any();
    let number = left.objects.len() as u64;
    let below = view! {
        <p class="mt-1.5 text-lg">
            {format!("{}, {}. They run on untouched.", format::plural(number, "object", "objects"), left.why.words())}
        </p>
    }
    .into_any();
    let title = format!("What {} left", left.target.application.name);
    let under_way = left.run.map(|run| {
        let lead = view! {
            "Somebody has asked to remove this. "
            <a class=ACTION_LINK href=run_address(run)>
                "Look at the run"
            </a>
        }
        .into_any();
        view! { <Banner tone=Tone::Run shape=Icon::Progressing lead=lead /> }
    });
    let refused = refusal_on(actor, Permission::Delete, &left.target.application).or_else(|| {
        left.run
            .map(|_| "A removal is under way or awaits approval.".to_owned())
    });
    view! {
        <PageHead title=title crumbs=crumbs below=below />
        {under_way}
        <div class="grid items-start gap-4 lg:grid-cols-2">
            {keep_part(&left, refused.clone(), leave)} {adopt_part()}
        </div>
        {remove_part(preview, actor, refused, remove)}
    }
    .into_any()
}

fn keep_part(
    left: &Leftovers,
    refused: Option<String>,
    leave: ServerAction<LeaveLeftovers>,
) -> AnyView {
    let failed = Signal::derive(move || leave.value().get().and_then(Result::err));
    let target = left.target.id.to_string();
    view! {
        <Part title="Keep">
            <div class=format!("{PANEL} flex flex-col gap-3 px-4 py-3")>
                <p>
                    "The objects stay as they are. Lockstep takes its tracking annotation off them and forgets them; nothing else of them changes."
                </p>
                <ActionForm action=leave attr:class="flex flex-wrap items-center gap-2.5">
                    <input type="hidden" name="target" value=target />
                    <Submit look=Look::Plain refused=refused pending=leave.pending()>
                        "Keep them, and forget"
                    </Submit>
                </ActionForm>
                <ActionFailure error=failed />
            </div>
        </Part>
    }
    .into_any()
}

fn adopt_part() -> AnyView {
    view! {
        <Part title="Adopt">
            <div class=format!("{PANEL} flex flex-col gap-2 px-4 py-3")>
                <p>"Put their manifests under the path of an application in Git, then keep them here."</p>
                <p class="text-sm text-muted">
                    "The next sync of that application finds them in place, marks them as its own and changes only what differs. Nothing is deleted and made anew on the way. To bring the same application back, put its definition into Git again: its objects are its own at once."
                </p>
            </div>
        </Part>
    }
    .into_any()
}

fn remove_part(
    preview: RemovalPreview,
    actor: Option<&Actor>,
    refused: Option<String>,
    remove: ServerAction<RemoveLeftovers>,
) -> AnyView {
    let failed = Signal::derive(move || remove.value().get().and_then(Result::err));
    let broken = (!preview.error.is_empty()).then(|| {
        let lead = format!("{}.", format::sentence_case(&preview.error)).into_any();
        view! { <Banner tone=Tone::Bad lead=lead /> }
    });
    let application = preview.leftovers.target.application.clone();
    let asks = refusal_on(actor, Permission::Approve, &application).is_some();
    let writes = preview.plan.as_ref().is_some_and(|plan| plan.writes());
    let form = preview
        .plan
        .as_ref()
        .filter(|_| writes && preview.error.is_empty())
        .map(|plan| {
            let (target, digest) = (plan.target.to_string(), plan.digest.clone());
            view! {
                <ActionForm action=remove attr:class="flex max-w-xl flex-col gap-3">
                    <input type="hidden" name="target" value=target />
                    <input type="hidden" name="digest" value=digest />
                    <TextField name="typed" label=format!("Type {} to delete what it left", application.name) required=true />
                    <TextField name="reason" label="Why, for the audit log" />
                    <div class="flex flex-wrap items-center gap-2.5">
                        <Submit look=Look::Danger shape=Icon::Trash refused=refused pending=remove.pending()>
                            "Delete them"
                        </Submit>
                        <span class="text-sm text-muted">
                            {if asks {
                                "It then awaits the yes of somebody who may approve."
                            } else {
                                "This is your yes to exactly this plan. If anything moves before it begins, nothing is deleted."
                            }}
                        </span>
                    </div>
                    <ActionFailure error=failed />
                </ActionForm>
            }
        });
    let nothing = (preview.plan.is_some() && !writes).then(|| {
        view! { <p class="text-muted">"Nothing of it may be deleted, for the reasons above."</p> }
    });
    view! {
        <Part title="Remove: what would be deleted, in this order">
            {broken} {preview.plan.clone().map(|plan| view! { <PlanTable plan=plan /> })} {nothing} {form}
        </Part>
    }
    .into_any()
}
