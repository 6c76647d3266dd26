//! Root sources: where definitions are read from, and adding one.

use crate::api::clusters::clusters;
use crate::api::sources::{AddSource, RefreshSource, RemoveSource, sources};
use crate::components::button::{LinkButton, Look, Submit, refusal, refusal_named};
use crate::components::clock::ago;
use crate::components::feedback::{ActionFailure, Empty, Failure, waiting};
use crate::components::form::{SelectField, TextField};
use crate::components::icon::Icon;
use crate::components::layout::{acting, use_session};
use crate::components::loaded::Loading;
use crate::components::panel::{Fold, LINK, PANEL, facts_row};
use crate::components::reason::Banner;
use crate::components::sha::Sha;
use crate::components::status::{Mark, chip};
use crate::components::target_link::add_address;
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::source::{Mode, SourceView};

/// The part.
#[component]
pub fn SourcesPart(open: bool) -> impl IntoView {
    let tick = ticks(|| Topic::All);
    let (add, remove, refresh) = (
        ServerAction::<AddSource>::new(),
        ServerAction::<RemoveSource>::new(),
        ServerAction::<RefreshSource>::new(),
    );
    let (added, removed) = (add.version(), remove.version());
    let list: Loading<(Vec<SourceView>, Vec<String>)> = Resource::new(
        move || (tick.get(), added.get(), removed.get()),
        |_| async move {
            let list = sources().await?;
            let names = clusters()
                .await?
                .into_iter()
                .map(|cluster| cluster.name)
                .collect();
            Ok((list, names))
        },
    );
    let session = use_session();
    let failed = Signal::derive(move || {
        [
            add.value().get().and_then(Result::err),
            remove.value().get().and_then(Result::err),
            refresh.value().get().and_then(Result::err),
        ]
        .into_iter()
        .flatten()
        .next()
    });
    view! {
        <ActionFailure error=failed />
        <Transition fallback=waiting>
            {move || Suspend::new(async move {
                let actor = acting(session).await;
                match list.await {
                    Err(error) => view! { <Failure error=error /> }.into_any(),
                    Ok((list, names)) => {
                        let none = list.is_empty();
                        view! {
                            {none
                                .then(|| {
                                    view! {
                                        <Empty title="No root sources yet" shape=Icon::Commit>
                                            "A root source is a repository and a path with Argo CD, Flux or Fleet manifests, read as they are. It starts in Observe: compared and recorded, nothing written."
                                        </Empty>
                                    }
                                })}
                            {list.into_iter().map(|source| card(source, actor.as_ref(), remove, refresh)).collect_view()}
                            {add_form(names, open || none, actor.as_ref(), add)}
                        }
                            .into_any()
                    }
                }
            })}
        </Transition>
    }
}

fn card(
    source: SourceView,
    actor: Option<&Actor>,
    remove: ServerAction<RemoveSource>,
    refresh: ServerAction<RefreshSource>,
) -> AnyView {
    let mode = match source.mode {
        Mode::Observe => chip(
            Mark {
                icon: Icon::Eye,
                tone: Tone::Unknown,
                word: "",
            },
            "observed only",
        ),
        Mode::Managed => chip(
            Mark {
                icon: Icon::OutOfSync,
                tone: Tone::Run,
                word: "",
            },
            "managed",
        ),
    };
    let place = format!(
        "{} · {} · {}",
        source.repo_url,
        if source.path.is_empty() {
            "/"
        } else {
            &source.path
        },
        source.target_revision.name()
    );
    let pairs = vec![
        ("Home cluster", source.home_cluster.clone().into_any()),
        (
            "Read",
            match (source.revision.clone(), source.last_read) {
                (Some(revision), Some(at)) => {
                    view! { <Sha revision=revision /> ", " {ago(at)} " ago" }.into_any()
                }
                _ => "not yet".into_any(),
            },
        ),
        (
            "Applications",
            format::count(source.applications.into()).into_any(),
        ),
        (
            "Problems",
            if source.problems == 0 {
                "none".into_any()
            } else {
                view! { <a class=LINK href="/problems">{format::count(source.problems.into())}</a> }
                    .into_any()
            },
        ),
        (
            "Credentials",
            if source.has_credentials {
                "stored; never shown"
            } else {
                "none"
            }
            .into_any(),
        ),
    ];
    let id = source.id.to_string();
    let (take_refused, no_edit, no_source, no_get) = (
        refusal_named(actor, Permission::TakeOver, &source.repo_url),
        refusal(actor, Permission::Create),
        refusal_named(actor, Permission::ForgetSource, &source.repo_url),
        refusal_named(actor, Permission::SeeSources, &source.repo_url),
    );
    let error = source.error.clone();
    let take = (source.mode == Mode::Observe).then(|| {
        view! {
            <LinkButton href=format!("/settings?tab=sources&take={id}") look=Look::Plain refused=take_refused>
                "Take over…"
            </LinkButton>
        }
    });
    let (refresh_id, remove_id) = (id.clone(), id.clone());
    let name = source.name.clone();
    view! {
        <article class=format!("{PANEL} flex flex-col gap-3 px-4 py-3")>
            <header class="flex flex-wrap items-start justify-between gap-3">
                <div class="min-w-0">
                    <h2 class="flex items-center gap-2 text-lg font-semibold">{source.name.clone()} {mode}</h2>
                    <p class="font-mono text-sm break-all text-muted">{place}</p>
                </div>
                <div class="flex flex-wrap gap-2">
                    {take}
                    <LinkButton href=add_address(source.id) look=Look::Plain shape=Icon::Plus refused=no_edit>
                        "Add application"
                    </LinkButton>
                    <ActionForm action=refresh attr:class="contents">
                        <input type="hidden" name="source" value=refresh_id />
                        <Submit look=Look::Quiet shape=Icon::Refresh refused=no_get>
                            "Read again"
                        </Submit>
                    </ActionForm>
                </div>
            </header>
            {(!error.is_empty()).then(|| view! { <Banner tone=Tone::Bad lead=error.into_any() /> })}
            {facts_row(pairs)}
            {if source.from_file {
                view! { <p class="text-sm text-muted">"From the configuration file: it is changed and removed there."</p> }.into_any()
            } else {
                view! {
                    <details class="max-w-xl">
                        <summary class="inline text-sm text-muted hover:text-ink">"Remove…"</summary>
                        <ActionForm action=remove attr:class="mt-3 flex flex-col gap-3">
                            <p class="text-muted">
                                "Lockstep forgets the source and its applications. Nothing that it declared is touched: everything runs on."
                            </p>
                            <input type="hidden" name="source" value=remove_id />
                            <TextField name="typed" label=format!("Type {name} to remove it") required=true />
                            <div>
                                <Submit look=Look::Danger refused=no_source>
                                    "Remove"
                                </Submit>
                            </div>
                        </ActionForm>
                    </details>
                }
                    .into_any()
            }}
        </article>
    }
    .into_any()
}

fn add_form(
    clusters: Vec<String>,
    open: bool,
    actor: Option<&Actor>,
    add: ServerAction<AddSource>,
) -> AnyView {
    let refused = refusal(actor, Permission::Source);
    let home_hint = if clusters.is_empty() {
        "No cluster is registered yet: add one first, on the tab Clusters."
    } else {
        "The cluster that in-cluster and Flux definitions mean."
    };
    let options = clusters
        .into_iter()
        .map(|name| (name.clone(), name))
        .collect();
    view! {
        <Fold title="Add a root source" open=open>
            <ActionForm action=add attr:class="grid max-w-3xl gap-3 md:grid-cols-2" attr:autocomplete="off">
                <TextField name="name" label="Name" required=true placeholder="shop" />
                <TextField name="repo_url" label="Repository" required=true placeholder="https://git.example.com/team/shop.git" />
                <TextField name="path" label="Path" hint="Where the definitions lie; empty is the root." placeholder="apps" />
                <TextField name="revision" label="Revision" hint="Branch, tag or commit; empty is the default branch." placeholder="main" />
                <div class="md:col-span-2 md:max-w-[calc(50%-0.375rem)]">
                    <SelectField name="home_cluster" label="Home cluster" options=options hint=home_hint />
                </div>
                <TextField name="username" label="User name" hint="Only for private repositories." />
                <TextField name="password" label="Password or token" kind="password" autocomplete="new-password" hint="Kept encrypted, never shown again. Reading is enough; writing is needed to roll back." />
                <div class="flex flex-wrap items-center gap-3 md:col-span-2">
                    <Submit look=Look::Primary refused=refused pending=add.pending()>
                        "Add and observe"
                    </Submit>
                    <span class="text-sm text-muted">"Nothing is written until you take it over."</span>
                </div>
            </ActionForm>
        </Fold>
    }
    .into_any()
}
