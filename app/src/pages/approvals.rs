//! The one queue of what waits for a yes: plans that the gate stopped, and rollbacks that need a second person.

mod asked;

use crate::api::rollbacks::{DecideAsk, asks};
use crate::api::syncs::{Decide, approvals};
use crate::components::button::{Look, Submit, refusal_on};
use crate::components::clock::ago;
use crate::components::feedback::{ActionFailure, Empty};
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded_for};
use crate::components::panel::{LINK, PANEL, PageHead};
use crate::components::plan_view::{Gate, counts_words};
use crate::components::target_link::{run_address, target_address, target_words};
use crate::format;
use crate::live::{Topic, ticks};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::ask::RollbackAskView;
use lockstep_types::sync::ApprovalView;

/// The page.
#[component]
pub fn ApprovalsPage() -> impl IntoView {
    let tick = ticks(|| Topic::All);
    let decide = ServerAction::<Decide>::new();
    let decide_ask = ServerAction::<DecideAsk>::new();
    let (decided, decided_ask) = (decide.version(), decide_ask.version());
    let list: Loading<(Vec<ApprovalView>, Vec<RollbackAskView>)> = Resource::new(
        move || (tick.get(), decided.get(), decided_ask.get()),
        async |_| Ok((approvals().await?, asks().await?)),
    );
    let failed = Signal::derive(move || {
        let plan = decide.value().get().and_then(Result::err);
        plan.or_else(|| decide_ask.value().get().and_then(Result::err))
    });
    view! {
        <Title text="Approvals" />
        <ActionFailure error=failed />
        {loaded_for(list, move |(list, asks), actor| page(list, asks, actor, decide, decide_ask))}
    }
}

fn page(
    list: Vec<ApprovalView>,
    asks: Vec<RollbackAskView>,
    actor: Option<&Actor>,
    decide: ServerAction<Decide>,
    decide_ask: ServerAction<DecideAsk>,
) -> AnyView {
    if list.is_empty() && asks.is_empty() {
        return view! {
            <PageHead title="Approvals" />
            <Empty title="Nothing awaits approval" shape=Icon::Approve>
                "A plan comes here when it would delete what the prune gate protects, or when a hold or pin has ended and something waits behind it; a rollback, when its project asks for a second person."
            </Empty>
        }
        .into_any();
    }
    let words: Vec<String> = [
        (list.len() as u64, "plan", "plans"),
        (asks.len() as u64, "rollback", "rollbacks"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, one, many)| format::plural(number, one, many))
    .collect();
    let verb = match list.len() + asks.len() {
        1 => "waits",
        _ => "wait",
    };
    let below = view! {
        <p class="mt-1.5 text-lg">{format!("{} {verb} for a yes. Nothing of it is written before.", words.join(" and "))}</p>
    }
    .into_any();
    view! {
        <PageHead title="Approvals" below=below />
        {asks.into_iter().map(|view| asked::card(view, actor, decide_ask)).collect_view()}
        {list.into_iter().map(|approval| card(approval, actor, decide)).collect_view()}
    }
    .into_any()
}

fn card(approval: ApprovalView, actor: Option<&Actor>, decide: ServerAction<Decide>) -> AnyView {
    let refused = refusal_on(actor, Permission::Approve, &approval.target.application);
    let form = |yes: &'static str, look: Look, words: &'static str| {
        let (id, digest, refused) = (
            approval.id.to_string(),
            approval.digest.clone(),
            refused.clone(),
        );
        view! {
            <ActionForm action=decide attr:class="contents">
                <input type="hidden" name="approval" value=id />
                <input type="hidden" name="digest" value=digest />
                <input type="hidden" name="yes" value=yes />
                <Submit look=look refused=refused pending=decide.pending()>
                    {words}
                </Submit>
            </ActionForm>
        }
    };
    let prunes = approval.counts.prune > 0;
    let buttons = view! {
        {form(
            "true",
            if prunes { Look::Danger } else { Look::Primary },
            if prunes { "Approve, and delete" } else { "Approve" },
        )}
        {form("false", Look::Plain, "Reject")}
    };
    view! {
        <article id=approval.id.to_string() class=format!("{PANEL} flex flex-col gap-3 px-4 py-3")>
            <header class="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
                <h2 class="text-lg font-semibold">
                    <a class="hover:underline" href=target_address(&approval.target) data-row>
                        {target_words(&approval.target)}
                    </a>
                </h2>
                <span class="text-sm text-muted">"asked " {ago(approval.asked_at)} " ago"</span>
            </header>
            <Gate findings=approval.gate.clone() />
            <p class="text-sm text-muted">
                {format::sentence_case(&counts_words(&approval.counts))}
                " at "
                <span class="font-mono">{approval.revision.short().to_owned()}</span>
                " · "
                <a class=LINK href=run_address(approval.run)>
                    "the whole plan"
                </a>
                " · plan "
                <span class="font-mono" title=approval.digest.clone()>
                    {approval.digest.get(..12).unwrap_or_default().to_owned()}
                </span>
            </p>
            <footer class="flex flex-wrap items-center gap-2">
                {buttons}
                <span class="text-sm text-muted">"The yes is for exactly this plan, once. If anything moves, it is asked again."</span>
            </footer>
        </article>
    }
    .into_any()
}
