//! Accepting drift: what the cluster has becomes a commit. By default on a branch of its own, for review.

use crate::api::accepts::{Accept, preview_accept};
use crate::api::applications::application;
use crate::components::button::{LinkButton, Look, refusal_on};
use crate::components::dialog::{BODY, sheet};
use crate::components::feedback::{Failure, waiting};
use crate::components::form::TextField;
use crate::components::icon::Icon;
use crate::components::layout::{acting, use_session};
use crate::components::loaded::Loading;
use crate::components::panel::{Part, facts};
use crate::components::reason::Banner;
use crate::components::target_link::{accept_address, application_address};
use crate::components::tone::Tone;
use crate::error::ApiError;
use crate::format;
use crate::pages::application::selected;
use crate::pages::rollback::{became, contents, footer, plans, way_card};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use lockstep_types::PortError;
use lockstep_types::accept::AcceptPreview;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::id::ApplicationId;
use lockstep_types::resource::ResourceKey;

/// What the address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    id: Option<ApplicationId>,
    cluster: String,
    node: Option<ResourceKey>,
    path: String,
    /// On the tracked branch, instead of for review.
    commit: bool,
}

async fn read(wanted: Wanted) -> Result<AcceptPreview, ApiError> {
    let (Some(id), Some(node)) = (wanted.id, wanted.node) else {
        return Err(PortError::NotFound("this difference".into()).into());
    };
    let view = application(id, wanted.cluster.clone()).await?;
    let target = selected(&view, &wanted.cluster)
        .ok_or_else(|| PortError::NotFound(format!("a target of {}", view.application.name)))?;
    preview_accept(target.target.id, node, wanted.path).await
}

/// The page.
#[component]
pub fn AcceptPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let wanted = Memo::new(move |_| {
        let id = params.with(|params| params.get("id").and_then(|id| id.parse().ok()));
        query.with(|query| {
            let get = |name: &str| query.get(name).unwrap_or_default();
            Wanted {
                id,
                cluster: get("cluster"),
                node: ResourceKey::parse(&get("node")),
                path: get("path"),
                commit: get("way") == "commit",
            }
        })
    });
    // Not live on purpose: what is decided about must not change under the hand. The digest guards it.
    let preview: Loading<AcceptPreview> = Resource::new(
        move || Wanted {
            commit: false,
            ..wanted.get()
        },
        read,
    );
    let session = use_session();
    let action = ServerAction::<Accept>::new();
    view! {
        <Title text="Accept drift" />
        <Transition fallback=waiting>
            {move || {
                let commit = wanted.get().commit;
                Suspend::new(async move {
                    let actor = acting(session).await;
                    match preview.await {
                        Ok(preview) => page(preview, commit, actor.as_ref(), action),
                        Err(error) => view! { <Failure error=error /> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}

fn page(
    preview: AcceptPreview,
    commit: bool,
    actor: Option<&Actor>,
    action: ServerAction<Accept>,
) -> AnyView {
    let (target, change) = (preview.target.clone(), preview.change.clone());
    let back = application_address(
        &target.application,
        &[
            ("cluster", &target.cluster),
            ("node", &preview.key.to_string()),
            ("pane", "diff"),
        ],
    );
    let title = format!("Accept into Git what {} has", target.cluster);
    let what = facts(vec![
        (
            "Object",
            format!("{} of {}", preview.key.short(), target.application.name).into_any(),
        ),
        (
            "Field",
            view! { <span class="font-mono text-sm break-all">{change.path.clone()}</span> }
                .into_any(),
        ),
        (
            "Git → cluster",
            view! {
                <span class="font-mono text-sm break-words">
                    {format::change(change.declared.as_ref(), change.live.as_ref())}
                </span>
            }
            .into_any(),
        ),
        (
            "Written by",
            change
                .manager
                .clone()
                .unwrap_or_else(|| "unknown".into())
                .into_any(),
        ),
    ]);
    let body = match preview.refused.is_empty() {
        false => refused(&preview, back),
        true => form(preview, commit, back, actor, action),
    };
    let about = view! { <div class="mt-2.5">{what}</div> }.into_any();
    sheet("accept", title, about, body)
}

fn refused(preview: &AcceptPreview, back: String) -> AnyView {
    let why = preview.refused.clone();
    view! {
        <div class=BODY>
            <Banner
                tone=Tone::Idle
                shape=Icon::Eye
                lead="This cannot become a commit.".into_any()
                rest=why.into_any()
            />
        </div>
        <footer class="flex flex-wrap items-center gap-2.5 border-t border-line px-4.5 py-3">
            <LinkButton href=back look=Look::Quiet>"Back to the object"</LinkButton>
        </footer>
    }
    .into_any()
}

fn form(
    preview: AcceptPreview,
    commit: bool,
    back: String,
    actor: Option<&Actor>,
    action: ServerAction<Accept>,
) -> AnyView {
    let failed = Signal::derive(move || action.value().get().and_then(Result::err));
    let person = actor.map(|actor| actor.name.clone()).unwrap_or_default();
    let refused = refusal_on(actor, Permission::AcceptDrift, &preview.target.application);
    let way = if commit { "commit" } else { "propose" };
    let fields: Vec<(&'static str, String)> = vec![
        ("target", preview.target.id.to_string()),
        ("object", preview.key.to_string()),
        ("path", preview.change.path.clone()),
        ("digest", preview.digest.clone()),
        ("way", way.to_owned()),
        ("back", back.clone()),
    ];
    let here = accept_address(&preview.target, &preview.key, &preview.change.path);
    let again = here.clone();
    let outcome = Signal::derive(move || action.value().get().and_then(Result::ok).flatten());
    let place = preview.place.as_ref().map(|place| match place.line {
        Some(line) => format!("{}:{line}", place.path),
        None => place.path.clone(),
    });
    let (onto, then) = (preview.branch.clone(), plans(&preview.targets));
    view! {
        <ActionForm action=action attr:class="contents">
            {fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view()}
            <div class=BODY>
                <nav aria-label="Way" class="grid gap-2 md:grid-cols-2">
                    {way_card(
                        !commit,
                        here.clone(),
                        "Pull request".to_owned(),
                        format!("A commit on a branch of its own, for review. It counts once it is merged into {onto}."),
                    )}
                    {way_card(
                        commit,
                        format!("{here}&way=commit"),
                        format!("Commit to {onto}"),
                        "At once. The drift ends, since Git says the same.".to_owned(),
                    )}
                </nav>
                <Banner
                    tone=Tone::Warn
                    lead=preview.first_line.clone().into_any()
                    rest=place.map_or_else(|| ().into_any(), |place| format!("It is written in {place}.").into_any())
                />
                {contents(preview.files.len(), &preview.patch, &preview.message)}
                <Part title="What happens then">{then}</Part>
                <TextField
                    name="reason"
                    label="Reason"
                    required=false
                    placeholder="For the commit message and for those who ask later"
                />
                {became(outcome, failed, again)}
            </div>
            {footer(if commit { "Commit" } else { "Open pull request" }, refused, action.pending(), outcome, back, person)}
        </ActionForm>
    }
    .into_any()
}
