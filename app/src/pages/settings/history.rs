//! How long bodies of history are kept.

use crate::api::fleet::{SetRetention, read_retention};
use crate::components::button::{Look, Submit, refusal};
use crate::components::clock::ago;
use crate::components::feedback::{ActionFailure, Failure, waiting};
use crate::components::form::TextField;
use crate::components::layout::{acting, use_session};
use crate::components::loaded::Loading;
use crate::components::panel::Part;
use crate::format;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::account::Permission;
use lockstep_types::retention::{NEWEST, RetentionView};

/// The part.
#[component]
pub fn HistoryPart() -> impl IntoView {
    let set = ServerAction::<SetRetention>::new();
    let acted = set.version();
    let view: Loading<RetentionView> = Resource::new(move || acted.get(), |_| read_retention());
    let session = use_session();
    let failed = Signal::derive(move || set.value().get().and_then(Result::err));
    view! {
        <ActionFailure error=failed />
        <Transition fallback=waiting>
            {move || Suspend::new(async move {
                let actor = acting(session).await;
                match view.await {
                    Err(error) => view! { <Failure error=error /> }.into_any(),
                    Ok(view) => page(view, set, refusal(actor.as_ref(), Permission::Source)),
                }
            })}
        </Transition>
    }
}

fn page(view: RetentionView, set: ServerAction<SetRetention>, refused: Option<String>) -> AnyView {
    let days = view.rules.days.map(|days| days.to_string());
    let last = view.last.map(|last| {
        let runs = format::plural(last.runs, "run", "runs");
        let renders = format::plural(last.renders, "render", "renders");
        view! {
            <p class="mt-2 text-sm text-muted">
                {format!("Last let go: the bodies of {runs} and {renders}, ")} {ago(last.at)} " ago."
            </p>
        }
    });
    view! {
        <Part title="How long history is kept">
            <div class="max-w-[80ch]">
                <p>
                    "The record is kept for ever: every sync with its plan's counts, outcome, initiator, revision and times, every commit, every act, and the drift ledger."
                </p>
                <p class="mt-2">
                    {format!(
                        "Bodies are kept {}: manifests as they were rendered, plans, and what was said of each step. They grow with what changes, not with time. Whatever the age, bodies stay of the {NEWEST} newest syncs of each target, of what a target runs now, and of revisions that are pinned or marked good or bad. A manifest that was let go is rendered anew from Git when it is asked for.",
                        view.rules.words(),
                    )}
                </p>
                {last}
            </div>
            <ActionForm action=set attr:class="mt-4 flex max-w-xl flex-wrap items-end gap-3">
                <TextField
                    name="days"
                    label="Days that bodies are kept"
                    kind="number"
                    value=days.unwrap_or_default()
                    placeholder="for ever"
                    hint="Since the end of a sync; at least 7. Leave it empty to keep them for ever."
                />
                <Submit look=Look::Primary refused=refused pending=set.pending()>
                    "Save"
                </Submit>
            </ActionForm>
        </Part>
    }
    .into_any()
}
