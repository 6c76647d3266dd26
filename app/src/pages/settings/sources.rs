//! Root sources: where definitions are read from, and whether Lockstep may write.

use super::current_actor;
use crate::api::sources::{AddSource, RefreshSource, RemoveSource, sources};
use crate::components::button::{LinkButton, Look, Submit, refusal};
use crate::components::clock::ago;
use crate::components::dialog::{BODY, Dialog, FOOT};
use crate::components::feedback::{ActionFailure, Empty};
use crate::components::form::TextField;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, facts, tag};
use crate::components::sha::Sha;
use crate::components::status::{Mark, chip};
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::source::{Mode, SourceView};

/// The tab.
#[component]
pub fn SourcesTab(adding: Memo<bool>) -> impl IntoView {
    let tick = ticks(|| Topic::All);
    let refresh = ServerAction::<RefreshSource>::new();
    let remove = ServerAction::<RemoveSource>::new();
    let all: Loading<Vec<SourceView>> =
        Resource::new(move || (tick.get(), refresh.version().get(), remove.version().get()), |_| sources());
    let failure = Signal::derive(move || refresh.value().get().and_then(Result::err).or_else(|| remove.value().get().and_then(Result::err)));
    let add = move || {
        let refused = refusal(current_actor().as_ref(), Permission::Source);
        view! { <LinkButton href="/settings?tab=sources&add=1".to_owned() look=Look::Plain shape=Icon::Plus refused=refused>"Add root source"</LinkButton> }
    };
    view! {
        <div class="flex flex-wrap items-center justify-between gap-2">
            <p class="max-w-[76ch] text-muted">"Applications, projects and sets are read from Git under these. A new one is observed: compared and recorded, nothing written, until it is taken over."</p>
            <Transition>{add}</Transition>
        </div>
        <ActionFailure error=failure />
        {loaded(all, move |all| list(all, current_actor(), refresh, remove))}
        {move || adding.get().then(|| view! { <AddDialog /> })}
    }
}

fn list(all: Vec<SourceView>, actor: Option<Actor>, refresh: ServerAction<RefreshSource>, remove: ServerAction<RemoveSource>) -> AnyView {
    if all.is_empty() {
        return view! {
            <Empty title="No root sources yet" shape=Icon::Fleet>
                <p>"Point Lockstep at a repository with Argo CD or Flux manifests. It only looks until you take it over."</p>
            </Empty>
        }
        .into_any();
    }
    view! { <div class="flex flex-col gap-3">{all.into_iter().map(|source| card(source, actor.as_ref(), refresh, remove)).collect_view()}</div> }.into_any()
}

fn mode_chip(mode: Mode) -> AnyView {
    match mode {
        Mode::Observe => chip(Mark { icon: Icon::Eye, tone: Tone::Run, word: "observed" }, "observed"),
        Mode::Managed => chip(Mark { icon: Icon::Healthy, tone: Tone::Ok, word: "taken over" }, "taken over"),
    }
}

fn card(source: SourceView, actor: Option<&Actor>, refresh: ServerAction<RefreshSource>, remove: ServerAction<RemoveSource>) -> AnyView {
    let pairs = vec![
        ("Repository", view! { <code class="font-mono text-sm break-all">{source.repo_url.clone()}</code> }.into_any()),
        ("Path", view! { <code class="font-mono text-sm break-all">{if source.path.is_empty() { "/".to_owned() } else { source.path.clone() }}</code> }.into_any()),
        (
            "Revision",
            view! { {source.target_revision.name().to_owned()} {source.revision.clone().map(|revision| view! { " → " <Sha revision=revision /> })} }.into_any(),
        ),
        ("Home cluster", source.home_cluster.clone().into_any()),
        ("Credentials", if source.has_credentials { "stored, never shown" } else { "none" }.into_any()),
        ("Last read", source.last_read.map_or_else(|| "never".into_any(), ago)),
    ];
    let take_over = (source.mode == Mode::Observe).then(|| {
        view! {
            <LinkButton href=format!("/settings/sources/{}/take-over", source.id) look=Look::Primary refused=refusal(actor, Permission::TakeOver)>"Take over …"</LinkButton>
        }
    });
    let problems = (source.problems > 0).then(|| {
        view! { <a class=format!("{LINK} text-bad") href="/problems">{format::plural(source.problems.into(), "problem", "problems")}</a> }
    });
    view! {
        <article class=format!("{PANEL} flex flex-col gap-3 px-4 py-3.5")>
            <header class="flex flex-wrap items-center gap-2">
                <h2 class="text-lg font-semibold">{source.name.clone()}</h2>
                {mode_chip(source.mode)} <span class="text-sm text-muted">{format::plural(source.applications.into(), "application", "applications")}</span>
                {problems} {source.from_file.then(|| tag("from the configuration file"))}
            </header>
            {(!source.error.is_empty())
                .then(|| view! { <p role="alert" class="rounded-md border border-l-[3px] border-line border-l-bad px-3 py-2 break-words">{format::sentence_case(&source.error)}</p> })}
            {facts(pairs)}
            <footer class="flex flex-wrap items-center gap-2">
                {take_over}
                <ActionForm action=refresh>
                    <input type="hidden" name="source" value=source.id.to_string() />
                    <Submit look=Look::Plain shape=Icon::Refresh pending=refresh.pending()>"Read again now"</Submit>
                </ActionForm>
            </footer>
            {(!source.from_file && actor.is_some_and(|actor| actor.may(Permission::Source))).then(|| removal(&source, remove))}
        </article>
    }
    .into_any()
}

fn removal(source: &SourceView, remove: ServerAction<RemoveSource>) -> AnyView {
    let id = source.id.to_string();
    let label = format!("Type {} to confirm", source.name);
    view! {
        <details>
            <summary class="text-sm text-muted">"Remove this source from Lockstep"</summary>
            <ActionForm action=remove attr:class="mt-3 flex max-w-md flex-col gap-3">
                <p class="text-sm text-muted">"Nothing it declared is touched: objects stay as they are and are listed as leftovers."</p>
                <input type="hidden" name="source" value=id />
                <TextField name="typed" label=label required=true />
                <div><Submit look=Look::Danger pending=remove.pending()>"Remove source"</Submit></div>
            </ActionForm>
        </details>
    }
    .into_any()
}

#[component]
fn AddDialog() -> impl IntoView {
    let add = ServerAction::<AddSource>::new();
    let failure = Signal::derive(move || add.value().get().and_then(Result::err));
    view! {
        <Dialog id="add-source" title="Add a root source" subtitle=Some("It starts in Observe: nothing is written to a cluster or to Git.".to_owned()) close="/settings?tab=sources".to_owned()>
            <ActionForm action=add>
                <div class=BODY>
                    <TextField name="name" label="Name" required=true autofocus=true />
                    <TextField name="repo_url" label="Repository" required=true placeholder="https://git.example.com/platform/fleet.git" />
                    <div class="grid gap-3 md:grid-cols-2">
                        <TextField name="path" label="Path" hint="Empty: the whole repository." />
                        <TextField name="revision" label="Branch, tag or commit" hint="Empty: its default branch." />
                    </div>
                    <TextField name="home_cluster" label="Home cluster" required=true hint="What in-cluster and Flux definitions mean." />
                    <div class="grid gap-3 md:grid-cols-2">
                        <TextField name="username" label="User" />
                        <TextField name="password" label="Password or token" kind="password" hint="Encrypted, never shown again." autocomplete="new-password" />
                    </div>
                    <ActionFailure error=failure />
                </div>
                <div class=FOOT><Submit look=Look::Primary pending=add.pending()>"Add and observe"</Submit></div>
            </ActionForm>
        </Dialog>
    }
}
