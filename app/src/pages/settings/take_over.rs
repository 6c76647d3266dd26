//! Taking over a source: what the first sync would change and prune, before the button.

use crate::api::sources::{TakeOver, preview_take_over};
use crate::components::button::{LinkButton, Look, Submit, refusal};
use crate::components::feedback::ActionFailure;
use crate::components::loaded::{Loading, loaded_for};
use crate::components::panel::{H2, PANEL};
use crate::components::plan_view::{PlanTable, counts_words};
use crate::components::reason::Banner;
use crate::components::target_link::target_words;
use crate::components::tone::Tone;
use crate::error::ApiError;
use crate::format;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::id::SourceId;
use lockstep_types::source::TakeOverPreview;

/// The part.
#[component]
pub fn TakeOverPart(source: String) -> impl IntoView {
    let data: Loading<TakeOverPreview> = Resource::new(
        move || source.parse::<SourceId>().ok(),
        |source| async move {
            preview_take_over(
                source.ok_or_else(|| ApiError::from(PortError::NotFound("this source".into())))?,
            )
            .await
        },
    );
    let action = ServerAction::<TakeOver>::new();
    loaded_for(data, move |preview, actor| show(preview, actor, action))
}

fn show(
    preview: TakeOverPreview,
    actor: Option<&Actor>,
    action: ServerAction<TakeOver>,
) -> AnyView {
    let failed = Signal::derive(move || action.value().get().and_then(Result::err));
    let refused = refusal(actor, Permission::TakeOver).or_else(|| {
        (!preview.refusals.is_empty())
            .then(|| "Another controller still syncs the same objects; see above.".to_owned())
    });
    let number = preview.targets.len() as u64;
    let (id, digest) = (preview.source.to_string(), preview.digest.clone());
    view! {
        <h2 class="text-lg font-semibold">
            {format!("Taking over: what the first sync of {} would do", format::plural(number, "target", "targets"))}
        </h2>
        {preview
            .refusals
            .iter()
            .map(|refusal| {
                let lead = refusal.clone().into_any();
                view! { <Banner tone=Tone::Bad lead=lead rest="Stop it there first, then make this preview again.".into_any() /> }
            })
            .collect_view()}
        {preview
            .targets
            .into_iter()
            .map(|target| {
                let words = target.plan.as_ref().map_or_else(|| target.error.clone(), |plan| counts_words(&plan.counts()));
                view! {
                    <details class=format!("{PANEL} px-4 py-3")>
                        <summary class="flex flex-wrap items-baseline gap-x-3">
                            <b class="font-medium">{target_words(&target.target)}</b>
                            <span class="text-sm text-muted">{words}</span>
                        </summary>
                        <div class="mt-3">{target.plan.map(|plan| view! { <PlanTable plan=plan /> })}</div>
                    </details>
                }
            })
            .collect_view()}
        <h3 class=H2>"From then on Lockstep writes as the definitions say: auto-sync, self-heal and prune where they ask for it."</h3>
        <ActionForm action=action attr:class="flex flex-wrap items-center gap-2.5">
            <input type="hidden" name="source" value=id />
            <input type="hidden" name="digest" value=digest />
            <Submit look=Look::Primary refused=refused pending=action.pending()>
                "Take over"
            </Submit>
            <LinkButton href="/settings?tab=sources".to_owned() look=Look::Plain>
                "Cancel"
            </LinkButton>
        </ActionForm>
        <ActionFailure error=failed />
    }
    .into_any()
}
