//! Plans that wait for a yes: the consequence first, the buttons after it.

use crate::api::syncs::{Decide, approvals};
use crate::components::button::{Look, Submit, refusal};
use crate::components::clock::ago;
use crate::components::feedback::{ActionFailure, Empty};
use crate::components::icon::Icon;
use crate::components::layout::use_session;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, PageHead};
use crate::components::plan_view::{Gate, counts_words};
use crate::components::sha::Sha;
use crate::components::target_link::{TargetLink, run_address};
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::sync::ApprovalView;

/// The page.
#[component]
pub fn ApprovalsPage() -> impl IntoView {
    let tick = ticks(|| Topic::All);
    let decide = ServerAction::<Decide>::new();
    let waiting: Loading<Vec<ApprovalView>> =
        Resource::new(move || (tick.get(), decide.version().get()), |_| approvals());
    let session = use_session();
    let failure = Signal::derive(move || decide.value().get().and_then(Result::err));
    view! {
        <Title text="Approvals" />
        <PageHead
            title="Approvals"
            below=view! {
                <p class="mt-1.5 max-w-[76ch] text-muted">
                    "Plans that would delete more than a machine may decide. A yes is for exactly the plan shown; when Git or the cluster moves, it is asked anew."
                </p>
            }
                .into_any()
        />
        <ActionFailure error=failure />
        {loaded(
            waiting,
            move |waiting| {
                let actor = session.and_then(|session| session.get()).and_then(Result::ok).map(|session| session.actor);
                show(waiting, decide, actor)
            },
        )}
    }
}

fn show(waiting: Vec<ApprovalView>, decide: ServerAction<Decide>, actor: Option<Actor>) -> AnyView {
    if waiting.is_empty() {
        return view! {
            <Empty title="Nothing waits for a yes" shape=Icon::Approve>
                <p>"When a plan would delete a namespace, stored data or a large part of an application, it stops here."</p>
            </Empty>
        }
        .into_any();
    }
    view! { <div class="flex flex-col gap-3">{waiting.into_iter().map(|approval| card(approval, decide, actor.as_ref())).collect_view()}</div> }
        .into_any()
}

fn card(approval: ApprovalView, decide: ServerAction<Decide>, actor: Option<&Actor>) -> AnyView {
    let refused = refusal(actor, Permission::Approve);
    let anchor = approval.id.to_string();
    let (id, digest) = (approval.id.to_string(), approval.digest.clone());
    let answer = |yes: bool, look: Look, words: String| {
        let (id, digest, refused) = (id.clone(), digest.clone(), refused.clone());
        view! {
            <ActionForm action=decide>
                <input type="hidden" name="approval" value=id />
                <input type="hidden" name="digest" value=digest />
                <input type="hidden" name="yes" value=yes.to_string() />
                <Submit look=look refused=refused pending=decide.pending()>{words}</Submit>
            </ActionForm>
        }
    };
    let yes_words = match approval.counts.prune {
        0 => "Approve this plan".to_owned(),
        number => format!("Approve and delete {}", format::plural(number.into(), "object", "objects")),
    };
    view! {
        <article id=anchor class=format!("{PANEL} flex flex-col gap-3 px-4 py-3.5")>
            <header class="flex flex-wrap items-baseline gap-x-3 gap-y-1">
                <h2 class="text-lg font-semibold"><TargetLink target=approval.target.clone() /></h2>
                <span class="text-sm text-muted">
                    "commit " <Sha revision=approval.revision.clone() /> " · asked " {ago(approval.asked_at)} " ago · "
                    {counts_words(&approval.counts)}
                </span>
            </header>
            <Gate findings=approval.gate.clone() />
            <footer class="flex flex-wrap items-center gap-2">
                {answer(true, Look::Danger, yes_words)} {answer(false, Look::Plain, "Refuse".to_owned())}
                <a class=LINK href=run_address(approval.run)>"The whole plan"</a>
            </footer>
        </article>
    }
    .into_any()
}
