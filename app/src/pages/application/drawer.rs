//! Everything about one object: summary, difference, YAML, blame, events, logs, actions.

use super::Address;
use super::actions_pane::actions_pane;
use crate::components::clock::ago;
use crate::components::code::Code;
use crate::components::diff_view::Diffs;
use crate::components::icon::{Icon, icon};
use crate::components::panel::{H2, facts, tag};
use crate::components::sha::CopyButton;
use crate::components::status::{chip, health_mark, state_chip, sync_mark};
use crate::components::switcher::{Choice, Tabs};
use leptos::prelude::*;
use lockstep_types::id::TargetId;
use lockstep_types::resource::{ObjectEvent, ResourceKey, ResourceView};

/// The drawer.
pub fn drawer(
    resource: ResourceView,
    target: Option<TargetId>,
    address: &Address,
    close: String,
) -> AnyView {
    let node = resource.node.clone();
    let words = if node.detail.is_empty() {
        node.health.status.word().to_owned()
    } else {
        node.detail.clone()
    };
    let place = if node.key.namespace.is_empty() {
        node.key.kind.clone()
    } else {
        format!("{} · {}", node.key.kind, node.key.namespace)
    };
    let pane = |word: &'static str, words: &'static str, number: usize| Choice {
        label: view! {
            {words}
            {(number > 0).then(|| view! { <span class="font-normal text-faint">{number}</span> })}
        }
        .into_any(),
        href: address.node_link(address.node.clone(), word),
        on: address.pane == word,
    };
    let changes = resource
        .diff
        .as_ref()
        .map_or(0, |diff| diff.changes.len().max(1));
    let mut choices = vec![
        pane("", "Summary", 0),
        pane("diff", "Diff", changes),
        pane("yaml", "YAML", 0),
    ];
    if node.declared {
        choices.push(pane("blame", "Blame", 0));
    }
    choices.push(pane("events", "Events", resource.events.len()));
    if has_logs(&node.key) {
        choices.push(pane("logs", "Logs", 0));
    }
    if !resource.actions.is_empty() {
        choices.push(pane("actions", "Actions", 0));
    }
    let body = match address.pane.as_str() {
        "diff" => diff(&resource),
        "yaml" => yaml(&resource),
        "events" => events(&resource.events),
        "actions" => match target {
            Some(target) => actions_pane(&resource, target, address),
            None => ().into_any(),
        },
        // They come by a way of their own.
        "logs" | "blame" => ().into_any(),
        _ => summary(&resource),
    };
    view! {
        <div class="flex items-start justify-between gap-2">
            <div class="min-w-0">
                <p class="text-xs text-muted">{place}</p>
                <h2 class="text-lg leading-tight font-semibold break-words">{node.key.name.clone()}</h2>
            </div>
            <div class="flex flex-none items-center gap-2">
                {chip(health_mark(node.health.status), crate::format::middle(&words, 28))}
                <a href=close class="rounded p-1 text-muted hover:text-ink max-md:hidden" aria-label="Close" data-noscroll>
                    {icon(Icon::Close)}
                </a>
            </div>
        </div>
        <div class="mt-2 mb-3">
            <Tabs label="Parts of this object" choices=choices dense=true />
        </div>
        {body}
    }
    .into_any()
}

/// Kinds that are Pods, or make them.
fn has_logs(key: &ResourceKey) -> bool {
    matches!(
        (key.group.as_str(), key.kind.as_str()),
        ("", "Pod" | "ReplicationController")
            | (
                "apps",
                "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet"
            )
            | ("batch", "Job" | "CronJob")
            | ("argoproj.io", "Rollout")
    )
}

fn summary(resource: &ResourceView) -> AnyView {
    let node = &resource.node;
    let mut pairs: Vec<(&'static str, AnyView)> = Vec::new();
    if let Some(sync) = node.sync {
        pairs.push(("Git", state_chip(sync_mark(sync))));
    }
    pairs.push(("Health", state_chip(health_mark(node.health.status))));
    if !node.health.message.is_empty() {
        pairs.push(("Because", node.health.message.clone().into_any()));
    }
    if !node.detail.is_empty() {
        pairs.push(("State", node.detail.clone().into_any()));
    }
    if let Some(at) = node.created_at {
        pairs.push(("Created", view! { {ago(at)} " ago" }.into_any()));
    }
    pairs.push((
        "Declared",
        match &resource.origin {
            Some(origin) => {
                let line = origin.line.map(|line| format!(":{line}")).unwrap_or_default();
                view! { <span class="font-mono text-xs">{path_words(&format!("{}{line}", origin.path))}</span> }.into_any()
            }
            None if node.declared => "in Git".into_any(),
            None => "by a controller, not in Git".into_any(),
        },
    ));
    for problem in &resource.problems {
        pairs.push(("Problem", problem.clone().into_any()));
    }
    if let Some(parent) = &node.parent {
        pairs.push(("Made by", parent.short().into_any()));
    }
    if !node.key.group.is_empty() {
        pairs.push((
            "API group",
            view! { <span class="font-mono">{node.key.group.clone()}</span> }.into_any(),
        ));
    }
    if let Some(uid) = &node.uid {
        pairs.push((
            "UID",
            view! { <span class="font-mono text-xs break-all">{uid.clone()}</span> }.into_any(),
        ));
    }
    let newest = resource
        .events
        .iter()
        .max_by_key(|event| event.last_seen)
        .cloned();
    view! {
        {facts(pairs)}
        {newest
            .map(|event| {
                view! {
                    <h3 class=format!("{H2} mt-4 mb-1")>"Newest event"</h3>
                    {event_view(event)}
                }
            })}
    }
    .into_any()
}

fn diff(resource: &ResourceView) -> AnyView {
    match &resource.diff {
        Some(diff) => view! { <Diffs diffs=vec![diff.clone()] bare=true /> }.into_any(),
        None if resource.node.declared => view! { <p class="text-muted">"The cluster has exactly what Git declares."</p> }.into_any(),
        None => view! { <p class="text-muted">"Git does not declare this object: a controller made it, so there is nothing to compare."</p> }.into_any(),
    }
}

fn yaml(resource: &ResourceView) -> AnyView {
    let both = resource.live_yaml.is_some() && resource.desired_yaml.is_some();
    let place = resource.origin.as_ref().map(|origin| {
        let line = origin
            .line
            .map(|line| format!(":{line}"))
            .unwrap_or_default();
        format!("{}{line}", origin.path)
    });
    view! {
        <div class=format!("grid items-start gap-3 {}", if both { "lg:grid-cols-2" } else { "" })>
            {side("Live", None, "Live YAML", resource.live_yaml.clone(), "The object is not in the cluster.")}
            {side("As Git renders it", place, "Rendered YAML", resource.desired_yaml.clone(), "Git does not declare this object: a controller made it.")}
        </div>
    }
    .into_any()
}

/// One of the two texts under its heading, or why there is none.
fn side(
    title: &'static str,
    place: Option<String>,
    label: &'static str,
    text: Option<String>,
    none: &'static str,
) -> AnyView {
    view! {
        <section class="flex min-w-0 flex-col gap-1.5">
            <h3 class=format!("{H2} group/sha flex min-w-0 flex-wrap items-center gap-x-2")>
                <span class="relative">
                    {title} {text.clone().map(|text| view! { <CopyButton text=text what="this YAML" /> })}
                </span>
                {place.map(|place| view! { <span class="ml-auto font-mono font-normal">{path_words(&place)}</span> })}
            </h3>
            {match text {
                Some(text) => view! { <Code text=text label=label /> }.into_any(),
                None => view! { <p class="text-muted">{none}</p> }.into_any(),
            }}
        </section>
    }
    .into_any()
}

/// A path that breaks behind its slashes before it breaks inside a word.
fn path_words(path: &str) -> AnyView {
    path.split_inclusive('/')
        .map(|part| view! { <span class="inline-block max-w-full break-all">{part.to_owned()}</span> })
        .collect_view()
        .into_any()
}

fn events(events: &[ObjectEvent]) -> AnyView {
    if events.is_empty() {
        return view! { <p class="text-muted">"No events are known of this object."</p> }
            .into_any();
    }
    view! { <ul class="flex flex-col gap-2">{events.iter().cloned().map(|event| view! { <li>{event_view(event)}</li> }).collect_view()}</ul> }.into_any()
}

fn event_view(event: ObjectEvent) -> AnyView {
    let warning = event.kind == "Warning";
    view! {
        <div class=format!(
            "rounded-md border border-l-[3px] border-line px-2.5 py-1.5 text-sm {}",
            if warning { "border-l-warn" } else { "border-l-line-strong" },
        )>
            <p class="flex flex-wrap items-center gap-x-2">
                <b class="font-medium">{event.reason}</b>
                {warning.then(|| tag("Warning"))}
                <span class="ml-auto text-xs text-muted">
                    {(event.count > 1).then(|| format!("{} times, ", event.count))}
                    {ago(event.last_seen)}
                </span>
            </p>
            <p class="break-words text-muted">{event.message}</p>
        </div>
    }
    .into_any()
}
