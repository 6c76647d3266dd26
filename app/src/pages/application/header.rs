//! Name, commit, source, policy, and the buttons; below it the cluster switcher.

use super::Address;
use crate::api::syncs::RefreshTarget;
use crate::components::button::{LinkButton, Look, Submit, refusal_on};
use crate::components::clock::ago;
use crate::components::icon::{Icon, icon};
use crate::components::panel::{LINK, PageHead, tag};
use crate::components::sha::Sha;
use crate::components::standing::standing;
use crate::components::status::mark;
use crate::components::switcher::{Choice, Segments};
use crate::components::target_link::{
    application_address, commit_address_by_url, rollback_address,
};
use crate::format;
use leptos::form::ActionForm;
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::{ApplicationView, SourceSpec, SyncPolicy, TargetSummary};
use lockstep_types::source::Mode;
use lockstep_types::window::WindowView;

/// The head of the page.
pub fn header(
    view: &ApplicationView,
    target: Option<&TargetSummary>,
    address: &Address,
    actor: Option<&Actor>,
) -> AnyView {
    let project = view.application.project.clone();
    let crumbs = view! {
        <a class="hover:underline" href="/">
            "Fleet"
        </a>
        " / "
        <a class="hover:underline" href=format::link("/", &[("q", &format!("project:{project}")), ("all", "1")])>
            {project.clone()}
        </a>
        {(view.group != view.application.name).then(|| format!(" / {}", view.group))}
    }
    .into_any();
    view! {
        <PageHead
            title=view.application.name.clone()
            crumbs=crumbs
            below=meta(view, target)
            actions=target.map_or_else(|| ().into_any(), |target| buttons(target, address, actor))
        />
    }
    .into_any()
}

fn meta(view: &ApplicationView, target: Option<&TargetSummary>) -> AnyView {
    let spec = &view.spec;
    let place = place(spec);
    let source = match format::web_address(&spec.repo_url) {
        Some(web) => view! { <a class="hover:underline" href=web.to_owned() rel="external noreferrer" title=spec.repo_url.clone()>{place}</a> }.into_any(),
        None => view! { <span title=spec.repo_url.clone()>{place}</span> }.into_any(),
    };
    let commit = view.commit.clone().map(|commit| {
        view! {
            <span class="flex min-w-0 flex-wrap items-center gap-x-1.5">
                <span class="text-faint">{icon(Icon::Commit)}</span>
                <Sha href=commit_address_by_url(&spec.repo_url, &commit.revision) revision=commit.revision.clone() />
                <span class="break-words">{commit.subject}</span>
                <span>"· " {commit.author} " · " {ago(commit.committed_at)}</span>
            </span>
        }
    });
    let deployed = target.and_then(|target| {
        let deployed = target.deployed.clone()?;
        if target.revision.as_ref() == Some(&deployed) {
            return None;
        }
        Some(view! {
            <span class="flex items-center gap-1.5">
                "runs "
                <Sha href=commit_address_by_url(&spec.repo_url, &deployed) revision=deployed />
            </span>
        })
    });
    let images = target
        .map(|target| target.images.clone())
        .unwrap_or_default();
    view! {
        <div class="mt-1.5 flex flex-wrap items-center gap-x-3.5 gap-y-1 text-sm text-muted">
            {commit}
            {deployed}
            <span class="font-mono break-all">{source}</span>
            <span title="The revision that the definition asks for">{format!("tracks {}", spec.target_revision.name())}</span>
            {more_sources(view)}
            <span title="What may happen without a person">{policy_words(&view.policy)}</span>
            {view.window.as_ref().map(window)}
            <span title="How it was defined">{format!("{}, namespace {}", view.dialect.words(), view.destination_namespace)}</span>
            {images.into_iter().take(4).map(tag).collect_view()}
            {view
                .links
                .iter()
                .map(|(name, href)| {
                    view! {
                        <a class=format!("{LINK} inline-flex items-center gap-1 [&>svg]:size-3") href=href.clone() rel="external noreferrer">
                            {name.clone()}
                            {icon(Icon::External)}
                        </a>
                    }
                })
                .collect_view()}
        </div>
    }
    .into_any()
}

/// Open or closed, until when; all windows in the title.
fn window(window: &WindowView) -> AnyView {
    let until = window
        .changes
        .map(|at| format!(" until {}", format::absolute(at)))
        .unwrap_or_default();
    let words = match (window.open, window.people) {
        (true, _) => format!("sync window open{until}"),
        (false, true) => format!("sync window closed{until}, people may sync"),
        (false, false) => format!("sync window closed{until}"),
    };
    let all = format!("Project {}: {}", window.project, window.windows.join("; "));
    view! { <span title=all>{words}</span> }.into_any()
}

/// The further sources, a line each.
fn more_sources(view: &ApplicationView) -> AnyView {
    if view.more_sources.is_empty() {
        return ().into_any();
    }
    let lines = view.more_sources.iter().map(|source| {
        let place = place(&source.spec);
        let role = match (source.reference.as_str(), source.only_lends) {
            ("", _) => String::new(),
            (name, true) => format!("files for ${name}"),
            (name, false) => format!("also ${name}"),
        };
        let at = source.revision.clone().map(|revision| {
            view! { <Sha href=commit_address_by_url(&source.spec.repo_url, &revision) revision=revision /> }
        });
        view! {
            <li class="flex flex-wrap items-center gap-x-2">
                <span class="text-faint">"and"</span>
                <span class="font-mono break-all" title=source.spec.repo_url.clone()>{place}</span>
                <span>{format!("tracks {}", source.spec.target_revision.name())}</span>
                {at}
                {(!role.is_empty()).then_some(role)}
            </li>
        }
    });
    view! {
        <ul aria-label="Further sources" class="basis-full">
            {lines.collect_view()}
        </ul>
    }
    .into_any()
}

fn place(spec: &SourceSpec) -> String {
    if spec.path.is_empty() {
        format::repository(&spec.repo_url).to_owned()
    } else {
        format!("{}/{}", format::repository(&spec.repo_url), spec.path)
    }
}

fn policy_words(policy: &SyncPolicy) -> String {
    if policy.suspend {
        return "suspended by its definition".to_owned();
    }
    if !policy.automated {
        return "synced by hand".to_owned();
    }
    let mut words = vec!["auto-sync"];
    if policy.self_heal {
        words.push("self-heal");
    }
    if policy.prune {
        words.push("prune");
    }
    words.join(", ")
}

fn buttons(target: &TargetSummary, address: &Address, actor: Option<&Actor>) -> AnyView {
    let observed = (target.mode == Mode::Observe)
        .then(|| "This target is only observed: nothing is written. Take over its source in Settings first.".to_owned());
    let application = &target.target.application;
    let refused = |permission: Permission| {
        refusal_on(actor, permission, application).or_else(|| observed.clone())
    };
    let (no_sync, no_rollback, no_refresh) = (
        refused(Permission::Sync),
        refused(Permission::Rollback),
        refusal_on(actor, Permission::Get, application),
    );
    let no_hold = if target.hold.is_some() {
        Some("It is held already.".to_owned())
    } else {
        refused(Permission::Hold)
    };
    let refresh = ServerAction::<RefreshTarget>::new();
    let id = target.target.id.to_string();
    let looked = move || {
        refresh.value().get().map(|answer| {
            answer.map_or_else(|error| error.to_string(), |()| "Looking again".to_owned())
        })
    };
    view! {
        <LinkButton
            href=address.dialog_link("sync")
            look=Look::Primary
            shape=Icon::OutOfSync
            refused=no_sync
            key="s"
        >
            "Sync"
        </LinkButton>
        <LinkButton
            href=rollback_address(&target.target, None)
            look=Look::Plain
            shape=Icon::Back
            refused=no_rollback
            key="b"
        >
            "Roll back"
        </LinkButton>
        <LinkButton
            href=address.dialog_link("hold")
            look=Look::Plain
            shape=Icon::Hold
            refused=no_hold
        >
            "Hold"
        </LinkButton>
        <ActionForm action=refresh attr:class="contents">
            <input type="hidden" name="target" value=id />
            <Submit look=Look::Quiet shape=Icon::Refresh key="r" pending=refresh.pending() refused=no_refresh>
                "Refresh"
            </Submit>
        </ActionForm>
        <span class="text-sm text-muted empty:hidden" role="status">
            {looked}
        </span>
    }
    .into_any()
}

/// All targets of the group with their state; the chosen one is pressed.
pub fn switcher(
    view: &ApplicationView,
    chosen: Option<&TargetSummary>,
    address: &Address,
) -> AnyView {
    if view.targets.len() < 2 {
        return ().into_any();
    }
    let choices = view
        .targets
        .iter()
        .map(|target| {
            let own = target.target.application.id == view.application.id;
            let state = standing(target, lockstep_types::Micros(0));
            let shape = if state.health.word == "Healthy" {
                state.sync
            } else {
                state.health
            };
            let words = if own {
                target.target.cluster.clone()
            } else {
                format!(
                    "{} · {}",
                    target.target.application.name, target.target.cluster
                )
            };
            let href = if own {
                Address {
                    cluster: target.target.cluster.clone(),
                    node: None,
                    dialog: String::new(),
                    before: String::new(),
                    ..address.clone()
                }
                .link()
            } else {
                application_address(
                    &target.target.application,
                    &[("cluster", &target.target.cluster)],
                )
            };
            Choice {
                label: view! {
                    {mark(shape, shape.word, false)}
                    {words}
                }
                .into_any(),
                href,
                on: chosen.is_some_and(|chosen| chosen.target.id == target.target.id),
            }
        })
        .collect();
    view! {
        <div class="flex min-w-0">
            <Segments label="Cluster" choices=choices />
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_told_in_words() {
        let mut policy = SyncPolicy::default();
        assert_eq!(policy_words(&policy), "synced by hand");
        policy.automated = true;
        policy.self_heal = true;
        assert_eq!(policy_words(&policy), "auto-sync, self-heal");
        policy.suspend = true;
        assert_eq!(policy_words(&policy), "suspended by its definition");
    }
}
