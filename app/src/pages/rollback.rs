//! Going back: choose a state, see what the commit contains and what happens then, give a reason, go.
//! Also the place to pin one target instead.

mod choice;
mod consequence;
mod guard;
mod sending;

pub use choice::way_card;
pub use consequence::{cannot_undo, contents, plans, undone};
pub use sending::{became, footer};

use crate::api::applications::application;
use crate::api::rollbacks::{Back, RollBack, candidates, preview};
use crate::components::button::refusal_on;
use crate::components::clock::ago;
use crate::components::dialog::{BODY, sheet};
use crate::components::feedback::{Failure, waiting};
use crate::components::form::TextField;
use crate::components::layout::{acting, use_session};
use crate::components::loaded::Loading;
use crate::components::target_link::{application_address, rollback_address, undo_address};
use crate::error::ApiError;
use crate::pages::application::selected;
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::{ApplicationView, TargetSummary};
use lockstep_types::id::ApplicationId;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::{RollbackCandidate, RollbackPreview};
use serde::{Deserialize, Serialize};

/// What the address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    id: Option<ApplicationId>,
    cluster: String,
    to: String,
    /// Take `to` back instead of going back to it.
    undo: bool,
    way: Way,
}

/// How to go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Commit,
    /// A commit on a branch of its own, with a pull request.
    Propose,
    Pin,
}

impl Way {
    /// The word in addresses and forms.
    fn word(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Propose => "propose",
            Self::Pin => "pin",
        }
    }

    fn of(word: &str) -> Self {
        match word {
            "pin" => Self::Pin,
            "propose" => Self::Propose,
            _ => Self::Commit,
        }
    }
}

/// Everything the page shows, read together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Data {
    view: ApplicationView,
    target: TargetSummary,
    candidates: Vec<RollbackCandidate>,
    /// `None` when there is nothing to go back to.
    preview: Option<RollbackPreview>,
}

async fn read(wanted: Wanted) -> Result<Data, ApiError> {
    let id = wanted
        .id
        .ok_or_else(|| PortError::NotFound("this application".into()))?;
    let view = application(id, wanted.cluster.clone()).await?;
    let target = selected(&view, &wanted.cluster)
        .cloned()
        .ok_or_else(|| PortError::NotFound(format!("a target of {}", view.application.name)))?;
    let candidates = candidates(target.target.id).await?;
    let to = if wanted.to.is_empty() {
        candidates
            .iter()
            .find(|candidate| candidate.last_healthy)
            .or_else(|| candidates.iter().find(|candidate| candidate.healthy))
            .or_else(|| candidates.iter().find(|candidate| !candidate.is_bad()))
            .or_else(|| candidates.first())
            .map(|candidate| candidate.commit.revision.0.clone())
    } else {
        Some(wanted.to)
    };
    let preview = match to {
        Some(to) => {
            let back = match (wanted.undo, wanted.way) {
                (true, _) => Back::Undo,
                (false, Way::Pin) => Back::Pin,
                (false, _) => Back::State,
            };
            Some(preview(target.target.id, to, back).await?)
        }
        None => None,
    };
    Ok(Data {
        view,
        target,
        candidates,
        preview,
    })
}

/// The page.
#[component]
pub fn RollbackPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let wanted = Memo::new(move |_| {
        let id = params.with(|params| params.get("id").and_then(|id| id.parse().ok()));
        query.with(|query| Wanted {
            id,
            cluster: query.get("cluster").unwrap_or_default(),
            to: query.get("to").unwrap_or_default(),
            undo: query.get("undo").is_some_and(|undo| undo == "1"),
            way: Way::of(&query.get("way").unwrap_or_default()),
        })
    });
    // Not live on purpose: what is decided about must not change under the hand. The digest guards it.
    let data: Loading<Data> = Resource::new(
        move || {
            let wanted = wanted.get();
            // A pull request has the commit of a commit.
            let way = match wanted.way {
                Way::Pin => Way::Pin,
                Way::Commit | Way::Propose => Way::Commit,
            };
            Wanted { way, ..wanted }
        },
        read,
    );
    let session = use_session();
    let action = ServerAction::<RollBack>::new();
    view! {
        <Title text="Roll back" />
        <Transition fallback=waiting>
            {move || {
                let wanted = wanted.get();
                Suspend::new(async move {
                    let actor = acting(session).await;
                    match data.await {
                        Ok(data) => page(data, &wanted, actor.as_ref(), action),
                        Err(error) => view! { <Failure error=error /> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}

fn page(
    data: Data,
    wanted: &Wanted,
    actor: Option<&Actor>,
    action: ServerAction<RollBack>,
) -> AnyView {
    let name = data.view.application.name.clone();
    let back = application_address(
        &data.view.application,
        &[("cluster", &data.target.target.cluster)],
    );
    let Some(preview) = data.preview else {
        return view! {
            <crate::components::panel::PageHead title=format!("Roll back {name}") />
            <crate::components::feedback::Empty title=format!("Nothing to roll {name} back to")>
                <p>"Only one state of this target is known. Older commits of its paths appear here once they are fetched."</p>
                <p class="mt-3">
                    <a class=crate::components::panel::ACTION_LINK href=back>
                        {format!("Back to {name}")}
                    </a>
                </p>
            </crate::components::feedback::Empty>
        }
        .into_any();
    };
    let way = match (preview.undo, preview.commit_refused.is_empty()) {
        // A pin goes to a state; without one commit there is none.
        (true, _) if wanted.way == Way::Pin => Way::Commit,
        (true, _) | (false, true) => wanted.way,
        (false, false) => Way::Pin,
    };
    let way = match way {
        Way::Commit if !preview.signature_refused.is_empty() => Way::Propose,
        way => way,
    };
    let subtitle = subtitle(&data.candidates, &preview);
    let chooser = (!preview.undo).then(|| choice::states(&data.candidates, &preview, &data.target));
    let form = form(preview, &data.target, way, back, actor, action);
    let title = form.0;
    let about = view! {
        {subtitle}
        {chooser}
    }
    .into_any();
    sheet("rollback", title, about, form.1)
}

fn subtitle(candidates: &[RollbackCandidate], preview: &RollbackPreview) -> AnyView {
    let candidate = candidates
        .iter()
        .find(|candidate| candidate.commit.revision == preview.to.revision);
    let state = match candidate {
        _ if preview.undo => "Later commits stay",
        Some(candidate) if candidate.is_bad() => "Marked as bad",
        Some(candidate) if candidate.mark.is_some() => "Marked as good",
        Some(candidate) if candidate.last_healthy => "Last healthy",
        Some(candidate) if candidate.healthy => "Was healthy",
        Some(candidate) if candidate.ran_at.is_some() => "Ran here",
        _ => "Never ran here",
    };
    let ran = candidate.and_then(|candidate| candidate.ran_at);
    view! {
        <p class="mt-1 text-sm break-words text-muted">
            {state}
            {ran.map(|at| view! { ", ran " {ago(at)} " ago" })}
            " · "
            {preview.to.subject.clone()}
            " · "
            {preview.to.author.clone()}
            " · "
            {ago(preview.to.committed_at)}
        </p>
    }
    .into_any()
}

/// Heading and form.
fn form(
    preview: RollbackPreview,
    target: &TargetSummary,
    way: Way,
    back: String,
    actor: Option<&Actor>,
    action: ServerAction<RollBack>,
) -> (String, AnyView) {
    let name = preview.target.application.name.clone();
    let cluster = preview.target.cluster.clone();
    let short = preview.to.revision.short();
    let title = match way {
        Way::Propose if preview.undo => format!("Propose to undo {short} in {name}"),
        Way::Commit if preview.undo => format!("Undo {short} in {name}"),
        Way::Pin => format!("Pin {name} on {cluster} at {short}"),
        Way::Propose => format!("Propose to roll {name} back to {short}"),
        Way::Commit => format!("Roll back {name} to {short}"),
    };
    let pin = way == Way::Pin;
    let failed = Signal::derive(move || action.value().get().and_then(Result::err));
    let person = actor.map(|actor| actor.name.clone()).unwrap_or_default();
    let refused =
        refusal_on(actor, Permission::Rollback, &target.target.application).or_else(|| {
            let conflicts = preview.undo && !preview.commit_refused.is_empty();
            conflicts.then(|| preview.commit_refused.clone())
        });
    let fields: Vec<(&'static str, String)> = vec![
        ("target", target.target.id.to_string()),
        ("to", preview.to.revision.0.clone()),
        ("digest", preview.digest.clone()),
        (
            "way",
            format!("{}{}", if preview.undo { "undo-" } else { "" }, way.word()),
        ),
        ("back", back.clone()),
    ];
    let again = address(&preview, &preview.to.revision, Way::Commit);
    let asks = match way {
        // A pull request is reviewed at the Git host.
        Way::Propose => Vec::new(),
        Way::Commit | Way::Pin => preview.asks(pin),
    };
    let guards = match way {
        Way::Propose => ().into_any(),
        Way::Commit | Way::Pin => guard::guards(&preview, pin, &asks, actor),
    };
    let label = match way {
        _ if !asks.is_empty() => "Ask for a yes",
        Way::Pin => "Pin",
        Way::Propose => "Open pull request",
        Way::Commit => "Commit and sync",
    };
    let ways = choice::ways(&preview, way);
    let (body, hours) = if pin {
        (consequence::pin(&preview), Some(choice::hours()))
    } else {
        (consequence::commit(preview), None)
    };
    let outcome = Signal::derive(move || action.value().get().and_then(Result::ok).flatten());
    let form = view! {
        <ActionForm action=action attr:class="contents">
            {fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view()}
            <div class=BODY>
                {ways} {body} {guards} <div class="grid gap-3 md:grid-cols-[minmax(0,1fr)_auto]">
                    <TextField
                        name="reason"
                        label="Reason"
                        required=pin
                        placeholder="For the commit message and for those who ask later"
                    />
                    {hours}
                </div>
                {became(outcome, failed, again)}
            </div>
            {footer(label, refused, action.pending(), outcome, back, person)}
        </ActionForm>
    }
    .into_any();
    (title, form)
}

/// The address of the page for a state and a way.
fn address(preview: &RollbackPreview, to: &Revision, way: Way) -> String {
    let base = match preview.undo {
        true => undo_address(&preview.target, to),
        false => rollback_address(&preview.target, Some(to)),
    };
    match way {
        Way::Commit => base,
        Way::Propose | Way::Pin => format!("{base}&way={}", way.word()),
    }
}
