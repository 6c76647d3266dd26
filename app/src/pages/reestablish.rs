//! Bringing an emptied or replaced cluster back from Git: what it would take, one action, and how far it is.

use crate::api::clusters::{Reestablish, StopReestablish, reestablishing};
use crate::components::button::{Look, Submit};
use crate::components::feedback::{ActionFailure, Empty, Failure, waiting};
use crate::components::form::TextField;
use crate::components::icon::{Icon, icon};
use crate::components::loaded::Loading;
use crate::components::panel::{ACTION_LINK, LINK, PANEL, PageHead, Part, TABLE, TD, heads};
use crate::components::reason::Banner;
use crate::components::target_link::{run_address, target_address};
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use lockstep_types::reestablish::{
    Begun, Identity, MemberState, ReestablishView, Stage, StageMember,
};

/// `/clusters/:name/reestablish`.
#[component]
pub fn ReestablishPage() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.with(|params| params.get("name").unwrap_or_default()));
    let tick = ticks(move || Topic::Cluster(name.get()));
    let view: Loading<ReestablishView> = Resource::new(
        move || (name.get(), tick.get()),
        |(name, _)| reestablishing(name),
    );
    // Outside of what is read again, so that an answer stays while the page changes.
    let begin = ServerAction::<Reestablish>::new();
    let stop = ServerAction::<StopReestablish>::new();
    view! {
        <Title text="Re-establish a cluster" />
        <Transition fallback=waiting>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(view) => page(view, begin, stop),
                    Err(error) => view! { <Failure error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn page(
    view: ReestablishView,
    begin: ServerAction<Reestablish>,
    stop: ServerAction<StopReestablish>,
) -> AnyView {
    let path = format!("/clusters/{}", format::encode(&view.cluster));
    let crumbs = view! {
        <a class="hover:underline" href="/clusters">"Clusters"</a>
        " / "
        <a class="hover:underline" href=path.clone()>{view.cluster.clone()}</a>
    }
    .into_any();
    let going = view
        .begun
        .as_ref()
        .is_some_and(|begun| begun.ended_at.is_none());
    let below =
        view! { <p class="mt-1.5 max-w-[80ch] text-lg">{verdict(&view, going)}</p> }.into_any();
    let actions = view! {
        <a class=LINK href=format!("{path}/rebuild")>"Rebuild proof"</a>
    }
    .into_any();
    let title = format!("Re-establish {}", view.cluster);
    let stages = if view.stages.is_empty() {
        view! {
            <Empty title="Git declares nothing for this cluster" shape=Icon::Clusters>
                "As soon as an application goes to it, it stands here with its place in the order."
            </Empty>
        }
        .into_any()
    } else {
        stages(&view, going)
    };
    let form = if going {
        stopping(&view, stop)
    } else {
        beginning(&view, begin)
    };
    view! {
        <PageHead title=title crumbs=crumbs below=below actions=actions />
        {identity(&view.identity)}
        {view.begun.as_ref().map(told)}
        {stages}
        {form}
    }
    .into_any()
}

/// The first sentence.
fn verdict(view: &ReestablishView, going: bool) -> String {
    let declared = format::plural(view.declared.into(), "object", "objects");
    match (going, view.absent) {
        (true, 0) => format!(
            "Nothing is missing of what Git declares for {}, as far as it has been looked at.",
            view.cluster
        ),
        (true, absent) => format!(
            "{} of {declared} are still missing.",
            format::count(absent.into())
        ),
        (false, 0) if view.declared > 0 => {
            format!(
                "{} holds all of the {declared} that Git declares for it.",
                view.cluster
            )
        }
        (false, 0) => "What is missing is known once the cluster has been compared.".to_owned(),
        (false, absent) => format!(
            "{} of the {declared} that Git declares for {} are missing.",
            format::count(absent.into()),
            view.cluster
        ),
    }
}

fn identity(identity: &Identity) -> Option<AnyView> {
    let (lead, rest) = match identity {
        Identity::Same => return None,
        Identity::Silent(why) => (
            "The cluster does not answer, so nothing can be brought back yet.".to_owned(),
            view! { {format::sentence_case(why)} "." }.into_any(),
        ),
        Identity::Replaced { known, found } => (
            "Another cluster answers at this address. Nothing is written to it unless you say that it takes the other's place."
                .to_owned(),
            view! {
                "Its namespace kube-system has the UID "
                <code class="font-mono break-all">{found.clone()}</code>
                ", the one before had "
                <code class="font-mono break-all">{known.clone()}</code>
                ". What was written to the other one is forgotten then: nothing that is in this one is ever deleted for it."
            }
            .into_any(),
        ),
    };
    let lead = lead.into_any();
    Some(view! { <Banner tone=Tone::Warn shape=Icon::Problem lead=lead rest=rest /> }.into_any())
}

fn told(begun: &Begun) -> AnyView {
    let (tone, shape, lead) = match begun.ended_at {
        None => (
            Tone::Run,
            Icon::Progressing,
            format!("{} is bringing the cluster back.", begun.by),
        ),
        Some(_) if begun.ending.contains("failed") => (
            Tone::Bad,
            Icon::Degraded,
            format!("What {} began is over: {}.", begun.by, begun.ending),
        ),
        Some(_) => (
            Tone::Idle,
            Icon::Clock,
            format!("What {} began is over: {}.", begun.by, begun.ending),
        ),
    };
    let lead = lead.into_any();
    let reason = begun.reason.clone();
    let rest = view! { {reason} " · began " {format::clock_time(begun.at)} }.into_any();
    view! { <Banner tone=tone shape=shape lead=lead rest=rest /> }.into_any()
}

fn stages(view: &ReestablishView, going: bool) -> AnyView {
    let replaced = matches!(view.identity, Identity::Replaced { .. });
    let parts = view
        .stages
        .iter()
        .map(|stage| {
            let title = match stage.number {
                0 => "Left out".to_owned(),
                number => format!("{number}. {}", stage.rank.title()),
            };
            let table = table(stage, !replaced);
            view! { <Part title=title>{table}</Part> }
        })
        .collect_view();
    let note = (!going).then(|| {
        view! {
            <p class="text-sm text-muted">
                "A stage begins when every sync of the one before is over. Whoever fails holds up only those that cannot do without it."
            </p>
        }
    });
    view! { {note} {parts} }.into_any()
}

fn table(stage: &Stage, counted: bool) -> AnyView {
    let rows = stage
        .members
        .iter()
        .map(|member| row(member, counted))
        .collect_view();
    let label = match stage.number {
        0 => "Left out".to_owned(),
        number => format!("Stage {number}"),
    };
    view! {
        <div class=format!("{PANEL} overflow-x-auto") role="region" aria-label=label tabindex="0">
            <table class=format!("{TABLE} md:table-fixed")>
                <colgroup>
                    <col class="md:w-[26%]" />
                    <col class="md:w-[15%]" />
                    <col class="md:w-[17%]" />
                    <col />
                </colgroup>
                <thead>
                    <tr>{heads(&["Application", "State", "Missing", "Why here"])}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(member: &StageMember, counted: bool) -> AnyView {
    let (shape, tone) = match member.state {
        MemberState::Planned | MemberState::Waits => (Icon::Missing, Tone::Unknown),
        MemberState::Running => (Icon::Progressing, Tone::Run),
        MemberState::Back => (Icon::Healthy, Tone::Ok),
        MemberState::Failed => (Icon::Degraded, Tone::Bad),
        MemberState::LeftOut => (Icon::Suspended, Tone::Idle),
    };
    let missing = match (member.absent, member.declared) {
        (Some(absent), Some(declared)) if counted => format!(
            "{} of {}",
            format::count(absent.into()),
            format::count(declared.into())
        ),
        _ => "not known".to_owned(),
    };
    let state = view! {
        <span class=format!("flex items-center gap-1.5 whitespace-nowrap {}", tone.text())>
            {icon(shape)} {member.state.word()}
        </span>
    };
    let state = match member.run {
        Some(run) => {
            view! { <a class="hover:underline" href=run_address(run)>{state}</a> }.into_any()
        }
        None => state.into_any(),
    };
    let words = (!member.words.is_empty() && member.words != member.why).then(
        || view! { <span class="block text-ink">{format::sentence_case(&member.words)}</span> },
    );
    let project = member.target.application.project.clone();
    view! {
        <tr>
            <td class=TD>
                <a class="font-medium break-words hover:underline" href=target_address(&member.target) data-row>
                    <span class="font-normal text-muted">{format!("{project} / ")}</span>
                    {member.target.application.name.clone()}
                </a>
            </td>
            <td class=TD>{state}</td>
            <td class=format!("{TD} tabular-nums") data-label="missing">{missing}</td>
            <td class=format!("{TD} text-sm break-words text-muted")>{words} {format::sentence_case(&member.why)}</td>
        </tr>
    }
    .into_any()
}

fn beginning(view: &ReestablishView, action: ServerAction<Reestablish>) -> AnyView {
    let failed = Signal::derive(move || action.value().get().and_then(Result::err));
    let (accept, refused) = match &view.identity {
        Identity::Same => (String::new(), None),
        Identity::Silent(_) => (
            String::new(),
            Some("The cluster does not answer".to_owned()),
        ),
        Identity::Replaced { found, .. } => (found.clone(), None),
    };
    let nothing = view.stages.iter().all(|stage| stage.number == 0);
    let refused = refused.or_else(|| nothing.then(|| "There is nothing to bring back".to_owned()));
    let label = if accept.is_empty() {
        format!("Type {} to bring it back", view.cluster)
    } else {
        format!(
            "Type {} to let the new cluster take its place, and bring everything back",
            view.cluster
        )
    };
    let name = view.cluster.clone();
    view! {
        <Part title="Bring it back">
            <ActionForm action=action attr:class=format!("{PANEL} flex flex-col gap-3 px-4 py-3.5")>
                <p class="max-w-[80ch]">
                    "Every application above is synced, stage by stage. Nothing is deleted: objects that Git does not declare stay as they are. Automatic syncs on this cluster wait for their turn meanwhile."
                </p>
                <input type="hidden" name="name" value=name />
                <input type="hidden" name="accept" value=accept />
                <div class="grid max-w-3xl gap-3 md:grid-cols-2">
                    <TextField name="reason" label="Why, for the audit log" required=true />
                    <TextField name="typed" label=label required=true />
                </div>
                <div>
                    <Submit look=Look::Primary shape=Icon::Refresh refused=refused pending=action.pending()>
                        "Re-establish"
                    </Submit>
                </div>
                <ActionFailure error=failed />
            </ActionForm>
        </Part>
    }
    .into_any()
}

fn stopping(view: &ReestablishView, action: ServerAction<StopReestablish>) -> AnyView {
    let failed = Signal::derive(move || action.value().get().and_then(Result::err));
    let name = view.cluster.clone();
    view! {
        <ActionForm action=action attr:class="flex flex-wrap items-center gap-2.5">
            <input type="hidden" name="name" value=name />
            <Submit look=Look::Plain shape=Icon::Close pending=action.pending()>
                "Stop"
            </Submit>
            <span class="text-sm text-muted">
                "Nothing more is asked for. Syncs that run go on, and "
                <a class=ACTION_LINK href="/activity">"can be ended one by one"</a> "."
            </span>
            <ActionFailure error=failed />
        </ActionForm>
    }
    .into_any()
}
