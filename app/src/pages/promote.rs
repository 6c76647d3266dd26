//! Promotion: the images that one environment runs become those of another. By default on a branch of its own, for review.

use crate::api::parity::{Promote, promotion};
use crate::components::button::{LinkButton, Look, refusal_on};
use crate::components::dialog::{BODY, sheet};
use crate::components::feedback::{Failure, waiting};
use crate::components::form::TextField;
use crate::components::icon::Icon;
use crate::components::layout::{acting, use_session};
use crate::components::loaded::Loading;
use crate::components::panel::{ACTION_LINK, Part, facts};
use crate::components::reason::Banner;
use crate::components::target_link::{
    TargetLink, promote_address, revision_address, target_address,
};
use crate::components::tone::Tone;
use crate::error::ApiError;
use crate::pages::rollback::{became, contents, footer, plans, way_card};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::id::TargetId;
use lockstep_types::image::ImageAnswer;
use lockstep_types::parity::PromotionPreview;

/// What the address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    from: Option<TargetId>,
    to: Option<TargetId>,
    /// On the tracked branch, instead of for review.
    commit: bool,
    /// Also where others read the file.
    everywhere: bool,
}

async fn read(wanted: Wanted) -> Result<PromotionPreview, ApiError> {
    let (Some(from), Some(to)) = (wanted.from, wanted.to) else {
        return Err(PortError::NotFound("this promotion".into()).into());
    };
    promotion(from, to, wanted.everywhere).await
}

/// The page.
#[component]
pub fn PromotePage() -> impl IntoView {
    let query = use_query_map();
    let wanted = Memo::new(move |_| {
        query.with(|query| {
            let id = |name: &str| query.get(name).and_then(|id| id.parse().ok());
            Wanted {
                from: id("from"),
                to: id("to"),
                commit: query.get("way").is_some_and(|way| way == "commit"),
                everywhere: query.get("everywhere").is_some_and(|all| all == "1"),
            }
        })
    });
    // Not live on purpose: what is decided about must not change under the hand. The digest guards it.
    let preview: Loading<PromotionPreview> = Resource::new(
        move || Wanted {
            commit: false,
            ..wanted.get()
        },
        read,
    );
    let session = use_session();
    let action = ServerAction::<Promote>::new();
    view! {
        <Title text="Promote" />
        <Transition fallback=waiting>
            {move || {
                let wanted = wanted.get();
                Suspend::new(async move {
                    let actor = acting(session).await;
                    match preview.await {
                        Ok(preview) => page(preview, &wanted, actor.as_ref(), action),
                        Err(error) => view! { <Failure error=error /> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}

fn page(
    preview: PromotionPreview,
    wanted: &Wanted,
    actor: Option<&Actor>,
    action: ServerAction<Promote>,
) -> AnyView {
    let back = target_address(&preview.to);
    let title = format!(
        "Take what {} runs to {}",
        preview.from.cluster, preview.to.cluster
    );
    let images = match preview.images.is_empty() {
        true => "none that differs".into_any(),
        false => {
            view! { <span class="font-mono text-sm break-all">{preview.images.join(", ")}</span> }
                .into_any()
        }
    };
    let what = facts(vec![
        (
            "From",
            view! { <TargetLink target=preview.from.clone() /> }.into_any(),
        ),
        (
            "To",
            view! { <TargetLink target=preview.to.clone() /> }.into_any(),
        ),
        ("Images", images),
    ]);
    let body = match preview.commit.clone() {
        Some(commit) if preview.refused.is_empty() => {
            form(&preview, &commit, wanted, back, actor, action)
        }
        _ => nothing(&preview, wanted, back),
    };
    let about = view! { <div class="mt-2.5">{what}</div> }.into_any();
    sheet("promote", title, about, body)
}

fn here(preview: &PromotionPreview, everywhere: bool) -> String {
    let address = promote_address(preview.from.id, preview.to.id);
    match everywhere {
        true => format!("{address}&everywhere=1"),
        false => address,
    }
}

/// Both are the same, or no commit can make them so.
fn nothing(preview: &PromotionPreview, wanted: &Wanted, back: String) -> AnyView {
    let (tone, shape, lead) = match (preview.refused.is_empty(), &preview.revision) {
        (true, None) => (Tone::Ok, Icon::Synced, preview.first_line.clone()),
        (true, Some(_)) => (Tone::Idle, Icon::Eye, preview.first_line.clone()),
        (false, _) => (
            Tone::Idle,
            Icon::Eye,
            "This cannot become a commit.".to_owned(),
        ),
    };
    let everywhere = (!preview.refused.is_empty() && !wanted.everywhere).then(|| {
        view! {
            <p>
                <a class=ACTION_LINK href=here(preview, true)>
                    "Look at it with every application that reads the file"
                </a>
            </p>
        }
    });
    view! {
        <div class=BODY>
            <Banner tone=tone shape=shape lead=lead.into_any() rest=preview.refused.clone().into_any() />
            {everywhere}
            {notes(preview)}
        </div>
        <footer class="flex flex-wrap items-center gap-2.5 border-t border-line px-4.5 py-3">
            <LinkButton href="/parity".to_owned() look=Look::Plain>
                "Parity"
            </LinkButton>
            <LinkButton href=back look=Look::Quiet>
                "The application"
            </LinkButton>
        </footer>
    }
    .into_any()
}

fn notes(preview: &PromotionPreview) -> AnyView {
    let lines = preview
        .notes
        .iter()
        .map(|note| view! { <li class="break-words">{note.clone()}</li> })
        .collect_view();
    let version = preview.revision.as_ref().map(|revision| {
        let address = revision_address(&preview.to.application, revision);
        view! {
            <p class="text-sm">
                <a class=ACTION_LINK href=address>
                    {format!("Ask for {revision} in the definition")}
                </a>
            </p>
        }
    });
    (!preview.notes.is_empty())
        .then(|| {
            view! {
                <Part title="To know before">
                    <ul class="list-disc pl-4.5 text-sm">{lines}</ul>
                    {version}
                </Part>
            }
        })
        .into_any()
}

fn form(
    preview: &PromotionPreview,
    commit: &ImageAnswer,
    wanted: &Wanted,
    back: String,
    actor: Option<&Actor>,
    action: ServerAction<Promote>,
) -> AnyView {
    let failed = Signal::derive(move || action.value().get().and_then(Result::err));
    let outcome = Signal::derive(move || action.value().get().and_then(Result::ok).flatten());
    let person = actor.map(|actor| actor.name.clone()).unwrap_or_default();
    let refused = refusal_on(actor, Permission::Edit, &preview.to.application);
    let direct = wanted.commit;
    let way = if direct { "commit" } else { "propose" };
    let fields: Vec<(&'static str, String)> = vec![
        ("from", preview.from.id.to_string()),
        ("to", preview.to.id.to_string()),
        ("digest", preview.digest.clone()),
        ("way", way.to_owned()),
        ("everywhere", wanted.everywhere.to_string()),
        ("back", back.clone()),
    ];
    let here = here(preview, wanted.everywhere);
    let (again, onto, then) = (here.clone(), commit.branch.clone(), plans(&commit.targets));
    let (lead, notes) = (preview.first_line.clone(), notes(preview));
    let contents = contents(commit.files.len(), &commit.patch, &commit.message);
    view! {
        <ActionForm action=action attr:class="contents">
            {fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view()}
            <div class=BODY>
                <nav aria-label="Way" class="grid gap-2 md:grid-cols-2">
                    {way_card(
                        !direct,
                        here.clone(),
                        "Pull request".to_owned(),
                        format!("A commit on a branch of its own, for review. It counts once it is merged into {onto}."),
                    )}
                    {way_card(
                        direct,
                        format!("{here}&way=commit"),
                        format!("Commit to {onto}"),
                        "At once, for every target that reads the files.".to_owned(),
                    )}
                </nav>
                <Banner tone=Tone::Run lead=lead.into_any() />
                {notes}
                {contents}
                <Part title="What happens then">{then}</Part>
                <TextField
                    name="reason"
                    label="Reason"
                    required=false
                    placeholder="For the commit message and for those who ask later"
                />
                {became(outcome, failed, again)}
            </div>
            {footer(if direct { "Commit" } else { "Open pull request" }, refused, action.pending(), outcome, back, person)}
        </ActionForm>
    }
    .into_any()
}
