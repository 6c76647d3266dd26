//! Taking a source over: what the first sync would change and prune, target by target, before the button.

use crate::api::sources::{TakeOver, preview_take_over};
use crate::components::button::{Look, Submit};
use crate::components::feedback::ActionFailure;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, PageHead};
use crate::components::plan_view::{PlanTable, counts_words};
use crate::components::reason::Banner;
use crate::components::target_link::TargetLink;
use crate::components::tone::Tone;
use crate::format;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use lockstep_types::id::SourceId;
use lockstep_types::rollback::TargetPlan;
use lockstep_types::source::TakeOverPreview;

/// The page.
#[component]
pub fn TakeOverPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<SourceId>().ok())));
    let preview: Loading<TakeOverPreview> = Resource::new(move || id.get(), |id| async move {
        match id {
            Some(id) => preview_take_over(id).await,
            None => Err(lockstep_types::PortError::NotFound("this source".to_owned()).into()),
        }
    });
    let act = ServerAction::<TakeOver>::new();
    let failure = Signal::derive(move || act.value().get().and_then(Result::err));
    view! {
        <Title text="Take over" />
        <PageHead
            title="Take over"
            crumbs=view! { <a class=LINK href="/settings?tab=sources">"Settings / Root sources"</a> }.into_any()
            below=view! { <p class="mt-1.5 max-w-[76ch] text-muted">"From then on Lockstep writes as the definitions say. Nothing has been written so far."</p> }.into_any()
        />
        <ActionFailure error=failure />
        {loaded(preview, move |preview| show(preview, act))}
    }
}

fn show(preview: TakeOverPreview, act: ServerAction<TakeOver>) -> AnyView {
    let targets = preview.targets.len() as u64;
    let writing = preview.targets.iter().filter(|target| target.plan.as_ref().is_some_and(|plan| plan.writes())).count() as u64;
    let refused = !preview.refusals.is_empty();
    let reason = refused.then(|| "Refused for the reasons above.".to_owned());
    view! {
        {preview
            .refusals
            .iter()
            .map(|refusal| view! { <Banner tone=Tone::Bad shape=Icon::Problem lead=format::sentence_case(refusal).into_any() /> })
            .collect_view()}
        <p class="text-lg">
            <b class="font-semibold">{format::plural(targets, "target", "targets")}</b>
            {format!(": {writing} would be changed by the first sync, {} match already.", targets - writing)}
        </p>
        <div class="flex flex-col gap-2">{preview.targets.into_iter().map(target).collect_view()}</div>
        <ActionForm action=act>
            <input type="hidden" name="source" value=preview.source.to_string() />
            <input type="hidden" name="digest" value=preview.digest />
            <Submit look=Look::Primary refused=reason pending=act.pending()>{format!("Take over {}", format::plural(targets, "target", "targets"))}</Submit>
        </ActionForm>
    }
    .into_any()
}

fn target(target: TargetPlan) -> AnyView {
    let words = target.plan.as_ref().map_or_else(|| target.error.clone(), |plan| counts_words(&plan.counts()));
    let automated = if target.automated { "syncs by itself" } else { "waits for a person" };
    view! {
        <details class=format!("{PANEL} px-4 py-2.5")>
            <summary class="flex flex-wrap items-center gap-x-3 gap-y-1">
                <TargetLink target=target.target.clone() /> <span class="text-sm text-muted">{words}</span> <span class="ml-auto text-sm text-muted">{automated}</span>
            </summary>
            <div class="mt-2.5">{target.plan.map(|plan| view! { <PlanTable plan=plan /> })}</div>
        </details>
    }
    .into_any()
}
