//! Objects around an application that no application declares: what they are, since when, and who made them.

use crate::api::applications::{application, orphans};
use crate::components::clock::ago;
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{PANEL, PageHead, Part, TABLE, TD, heads, tag};
use crate::components::reason::Banner;
use crate::components::target_link::{target_address, target_words};
use crate::components::tone::Tone;
use crate::error::ApiError;
use crate::format;
use crate::pages::application::selected;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use lockstep_types::PortError;
use lockstep_types::id::ApplicationId;
use lockstep_types::orphan::{Orphan, OrphansView};

/// Rows beyond these are counted, not drawn.
const SHOWN: usize = 500;

async fn read(id: Option<ApplicationId>, cluster: String) -> Result<OrphansView, ApiError> {
    let id = id.ok_or_else(|| PortError::NotFound("this application".into()))?;
    let view = application(id, cluster.clone()).await?;
    let target = selected(&view, &cluster)
        .ok_or_else(|| PortError::NotFound(format!("a target of {}", view.application.name)))?;
    orphans(target.target.id).await
}

/// `/apps/:id/:name/orphans`.
#[component]
pub fn OrphansPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let wanted = Memo::new(move |_| {
        let id = params.with(|params| params.get("id").and_then(|id| id.parse().ok()));
        let cluster = query.with(|query| query.get("cluster").unwrap_or_default());
        (id, cluster)
    });
    // Not live: the cluster is asked for everything it holds.
    let view: Loading<OrphansView> =
        Resource::new(move || wanted.get(), |(id, cluster)| read(id, cluster));
    view! {
        <Title text="Orphaned objects" />
        {loaded(view, page)}
    }
}

fn page(view: OrphansView) -> AnyView {
    let crumbs = view! {
        <a class="hover:underline" href=target_address(&view.target)>
            {target_words(&view.target)}
        </a>
    }
    .into_any();
    let below = view! {
        <p class="mt-1.5 max-w-[80ch] text-muted">
            {if view.rules.is_empty() {
                "What lives in its namespace, is declared by no application and owned by no other object. Lockstep never touches it.".to_owned()
            } else {
                format!(
                    "What lives in its namespace, is declared by no application and owned by no other object, as the project {} asks. Lockstep never touches it.",
                    view.rules,
                )
            }}
        </p>
        <p class="mt-1.5 flex flex-wrap items-center gap-2 text-sm text-muted">
            {tag(format!("namespace {}", view.namespace))} <span>{format!("Looked at {}", format::clock_time(view.at))}</span>
        </p>
    }
    .into_any();
    let nothing = view.orphans.is_empty().then(|| {
        let title = format!("Nothing is orphaned in {}", view.namespace);
        view! {
            <Empty title=title shape=Icon::Synced>
                "Every object there is declared by an application, owned by another object, or left out by the project."
            </Empty>
        }
    });
    let number = view.orphans.len() as u64;
    let title = format::plural(number, "orphaned object", "orphaned objects");
    let list = (!view.orphans.is_empty())
        .then(|| view! { <Part title=title>{table(view.orphans, true)}</Part> });
    view! {
        <PageHead title="Orphaned objects" crumbs=crumbs below=below />
        {doubts(&view.unread, &view.unsure)}
        {nothing}
        {list}
    }
    .into_any()
}

/// What the list may lack, and what may stand in it wrongly.
pub fn doubts(unread: &[(String, String)], unsure: &[String]) -> AnyView {
    let unread = (!unread.is_empty()).then(|| {
        let kinds = format::plural(
            unread.len() as u64,
            "kind could not be listed",
            "kinds could not be listed",
        );
        let lead = format!("{kinds}; there may be more.").into_any();
        let why: Vec<String> = unread
            .iter()
            .take(5)
            .map(|(kind, why)| format!("{kind}: {why}."))
            .collect();
        view! { <Banner tone=Tone::Warn lead=lead rest=why.join(" ").into_any() /> }
    });
    let unsure = (!unsure.is_empty()).then(|| {
        let lead = "Some objects of this cluster are not known yet.".into_any();
        let rest = format!(
            "Not compared since the start: {}. Their objects may stand here although they are declared.",
            unsure.join(", ")
        )
        .into_any();
        view! { <Banner tone=Tone::Unknown lead=lead rest=rest /> }
    });
    view! {
        {unread}
        {unsure}
    }
    .into_any()
}

/// Objects with who made them; without a frame where they are in one already.
pub fn table(orphans: Vec<Orphan>, framed: bool) -> AnyView {
    let frame = if framed { PANEL } else { "" };
    let more = orphans.len().saturating_sub(SHOWN);
    let rows = orphans
        .into_iter()
        .take(SHOWN)
        .map(|orphan| {
            let group = (!orphan.key.group.is_empty())
                .then(|| view! { <span class="block text-xs text-faint">{orphan.key.group.clone()}</span> });
            let place = (!orphan.key.namespace.is_empty())
                .then(|| view! { <span class="text-muted">{format!("{} / ", orphan.key.namespace)}</span> });
            view! {
                <tr>
                    <td class=TD>
                        <span class="break-all">{place} <b class="font-medium">{orphan.key.name.clone()}</b></span>
                    </td>
                    <td class=format!("{TD} text-sm")>{orphan.key.kind.clone()} {group}</td>
                    <td class=format!("{TD} text-sm text-muted") data-label="made by">
                        {if orphan.made_by.is_empty() { "nobody says".to_owned() } else { orphan.made_by.clone() }}
                    </td>
                    <td class=format!("{TD} whitespace-nowrap text-muted") data-label="age">{orphan.created_at.map(ago)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class=format!("{frame} overflow-x-auto") role="region" aria-label="Objects" tabindex="0">
            <table class=TABLE>
                <thead>
                    <tr>{heads(&["Object", "Kind", "Made by", "Age"])}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {(more > 0)
            .then(|| {
                view! {
                    <p class="text-sm text-muted">
                        {format!("And {} more; the API and the command line list all of them.", format::count(more as u64))}
                    </p>
                }
            })}
    }
    .into_any()
}
