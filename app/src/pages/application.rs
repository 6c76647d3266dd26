//! One application: where it stands on each cluster, why, and what can be done about it.
//!
//! Everything that is chosen (cluster, tab, object, dialog, compared pair) is in the address.

mod actions_pane;
mod address;
mod blame_pane;
mod changes_tab;
mod definition_tab;
mod dialogs;
mod drawer;
mod header;
mod history_tab;
pub mod log_feed;
mod logs_pane;
mod past_strip;
mod past_view;
mod standing_banners;
mod sync_dialog;
mod tree_tab;

pub use address::{Address, Tab};
pub use history_tab::mark_chip;

use crate::api::applications::{
    application, changes, compare, definition, history, read_past, read_resource, tree,
};
use crate::components::button::refusal_on;
use crate::components::clock::Clock;
use crate::components::feedback::Failure;
use crate::components::layout::{acting, use_session};
use crate::components::loaded::{Loading, loaded_for};
use crate::components::moment::as_of;
use crate::components::standing::severity;
use crate::components::switcher::{Choice, Tabs};
use crate::error::ApiError;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use lockstep_types::PortError;
use lockstep_types::account::Permission;
use lockstep_types::application::{
    ApplicationRef, ApplicationView, ChangesView, CompareView, DefinitionView, HistoryView,
    TargetSummary, TreeView,
};
use lockstep_types::id::TargetId;
use lockstep_types::past::TargetPast;
use lockstep_types::resource::ResourceView;
use serde::{Deserialize, Serialize};

/// What the chosen tab shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Body {
    Tree(TreeView),
    Changes(ChangesView),
    History(HistoryView),
    Compare(CompareView),
    Definition(DefinitionView, ApplicationRef),
    Past(Box<TargetPast>),
}

/// The target that the address selects, else the worst of this application's own.
pub fn selected<'a>(view: &'a ApplicationView, cluster: &str) -> Option<&'a TargetSummary> {
    let own = || {
        view.targets
            .iter()
            .filter(|target| target.target.application.id == view.application.id)
    };
    own()
        .find(|target| target.target.cluster == cluster)
        .or_else(|| own().max_by_key(|target| severity(target)))
        .or_else(|| view.targets.first())
}

async fn target_of(head: Loading<ApplicationView>, cluster: &str) -> Result<TargetId, ApiError> {
    let view = head.await?;
    selected(&view, cluster)
        .map(|target| target.target.id)
        .ok_or_else(|| PortError::NotFound(format!("a target of {}", view.application.name)).into())
}

async fn body_of(head: Loading<ApplicationView>, address: Address) -> Result<Body, ApiError> {
    if !address.at.is_empty() {
        let target = target_of(head, &address.cluster).await?;
        return read_past(target, address.at)
            .await
            .map(|past| Body::Past(Box::new(past)));
    }
    if address.tab == Tab::Definition {
        let application = head.await?.application;
        let definition = definition(address.id()?).await?;
        return Ok(Body::Definition(definition, application));
    }
    let target = target_of(head, &address.cluster).await?;
    match address.tab {
        Tab::Tree => tree(target).await.map(Body::Tree),
        Tab::Changes => changes(target).await.map(Body::Changes),
        Tab::History if !address.from.is_empty() && !address.to.is_empty() => {
            compare(target, address.from, address.to)
                .await
                .map(Body::Compare)
        }
        Tab::History | Tab::Definition => history(target, address.before.parse().ok())
            .await
            .map(Body::History),
    }
}

/// The page.
#[component]
pub fn ApplicationPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let address =
        Memo::new(move |_| params.with(|params| query.with(|query| Address::read(params, query))));
    let clock = Clock::current();
    let tick = ticks(move || Topic::Application(address.with(|address| address.id().ok())));
    // One memo per resource, so that opening a dialog reads nothing again.
    let head_of =
        Memo::new(move |_| address.with(|address| (address.id(), address.cluster.clone())));
    let head: Loading<ApplicationView> = Resource::new(
        move || (head_of.get(), tick.get()),
        |((id, cluster), _)| async move { application(id?, cluster).await },
    );
    let body_wanted = Memo::new(move |_| address.with(Address::of_body));
    let body: Loading<Body> = Resource::new(
        move || (body_wanted.get(), tick.get()),
        move |(address, _)| body_of(head, address),
    );
    let node_of = Memo::new(move |_| {
        address.with(|address| (head_of.get(), address.cluster.clone(), address.node.clone()))
    });
    let node: Loading<Option<ResourceView>> = Resource::new(
        move || (node_of.get(), tick.get()),
        move |((_, cluster, node), _)| async move {
            let Some(key) = node else { return Ok(None) };
            read_resource(target_of(head, &cluster).await?, key)
                .await
                .map(Some)
        },
    );
    let panes = tree_tab::Panes {
        node,
        logs: logs_pane::Logs::new(head, address),
        blame: blame_pane::Blame::new(head, address),
    };
    let plan_of = Memo::new(move |_| {
        address.with(|address| {
            (
                head_of.get(),
                address.cluster.clone(),
                sync_dialog::is_open(&address.dialog),
            )
        })
    });
    let plan: Loading<Option<ChangesView>> = Resource::new(
        move || (plan_of.get(), tick.get()),
        move |((_, cluster, wanted), _)| async move {
            if !wanted {
                return Ok(None);
            }
            changes(target_of(head, &cluster).await?).await.map(Some)
        },
    );
    let session = use_session();
    // The server asks for the title last, when the page's own values may be gone already.
    let first = address.with_untracked(|address| address.name.clone());
    let title = move || {
        address
            .try_with(|address| address.name.clone())
            .unwrap_or_else(|| first.clone())
    };
    view! {
        <Title text=title />
        <Transition fallback=crate::components::feedback::waiting>
            {move || {
                let address = address.get();
                Suspend::new(async move {
                    let actor = acting(session).await;
                    match head.await {
                        Err(error) => view! { <Failure error=error /> }.into_any(),
                        Ok(view) => {
                            let chosen = selected(&view, &address.cluster).cloned();
                            view! {
                                {header::header(&view, chosen.as_ref(), &address, actor.as_ref())}
                                {header::switcher(&view, chosen.as_ref(), &address)}
                                {chosen
                                    .clone()
                                    .filter(|_| address.at.is_empty())
                                    .map(|target| standing_banners::banners(&view, &target, actor.as_ref(), clock))}
                                {tabs(chosen.as_ref(), &address, clock)}
                                {chosen.map(|target| dialogs::dialogs(target, &view, &address, actor.as_ref(), plan))}
                            }
                                .into_any()
                        }
                    }
                })
            }}
        </Transition>
        {loaded_for(
            body,
            move |body, actor| {
                let address = address.get();
                match body {
                    Body::Tree(tree) => tree_tab::tree_tab(tree, head, panes, address, clock),
                    Body::Changes(changes) => changes_tab::changes_tab(changes),
                    Body::History(history) => history_tab::history_tab(history, address, actor, clock),
                    Body::Compare(compare) => history_tab::compare_view(compare, address),
                    Body::Past(past) => past_view::past_view(*past, &address, actor),
                    Body::Definition(definition, application) => {
                        let refused = refusal_on(actor, Permission::Edit, &application);
                        definition_tab::definition_tab(definition, address.edit_link(), refused)
                    }
                }
            },
        )}
    }
}

fn tabs(target: Option<&TargetSummary>, address: &Address, clock: Clock) -> AnyView {
    let differing = target.map_or(0, |target| target.out_of_sync);
    let choice = |tab: Tab, number: u32| Choice {
        label: view! {
            {tab.words()}
            {(number > 0).then(|| view! { <span class="font-normal text-faint">{number}</span> })}
        }
        .into_any(),
        href: address.tab_link(tab),
        on: address.at.is_empty() && address.tab == tab,
    };
    let kept = [("cluster", address.cluster.clone())];
    let earlier = as_of(&address.path(), &kept, clock.0.get_untracked());
    view! {
        <div class="flex">
            <div class="min-w-0 flex-1">
                <Tabs
                    label="Parts of this application"
                    choices=vec![
                        choice(Tab::Tree, 0),
                        choice(Tab::Changes, differing),
                        choice(Tab::History, 0),
                        choice(Tab::Definition, 0),
                    ]
                />
            </div>
            <div class="flex items-center border-b border-line pl-2">{earlier}</div>
        </div>
    }
    .into_any()
}
