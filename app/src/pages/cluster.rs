//! One cluster: connection, freshness, what runs on it, and what is left over.

use super::clusters::connection_chip;
use crate::api::clusters::{RemoveCluster, cluster};
use crate::components::button::{Look, Submit};
use crate::components::clock::{Clock, ago};
use crate::components::feedback::ActionFailure;
use crate::components::form::TextField;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, PageHead, Part, TABLE, TD, TH, facts, tag};
use crate::components::reason::Banner;
use crate::components::standing::{severity, standing};
use crate::components::status::{health_mark, mark};
use crate::components::target_link::target_address;
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use lockstep_types::Micros;
use lockstep_types::application::TargetSummary;
use lockstep_types::cluster::{ClusterView, Connection, Leftover};
use std::cmp::Reverse;

/// The page.
#[component]
pub fn ClusterPage() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.with(|params| params.get("name").unwrap_or_default()));
    let tick = ticks(move || Topic::Cluster(name.get()));
    let clock = Clock::current();
    let view: Loading<ClusterView> = Resource::new(move || (name.get(), tick.get()), |(name, _)| cluster(name));
    let remove = ServerAction::<RemoveCluster>::new();
    view! {
        <Title text=move || name.get() />
        {loaded(view, move |view| show(view, clock.0.get_untracked(), remove))}
    }
}

fn show(view: ClusterView, now: Micros, remove: ServerAction<RemoveCluster>) -> AnyView {
    let crumbs = view! { <a class=LINK href="/clusters">"Clusters"</a> }.into_any();
    let labels = view.labels.iter().map(|(key, value)| tag(format!("{key}={value}"))).collect_view();
    let below = view! { <div class="mt-1.5 flex flex-wrap items-center gap-1.5">{connection_chip(&view.connection)} {labels}</div> }.into_any();
    let mut targets = view.targets.clone();
    targets.sort_by_key(|target| (Reverse(severity(target)), target.target.application.name.clone()));
    view! {
        <PageHead title=view.name.clone() crumbs=crumbs below=below />
        {unreachable(&view)}
        <div class=format!("{PANEL} px-4 py-3")>{about(&view)}</div>
        <Part title=format::plural(targets.len() as u64, "application", "applications")>
            <div class=PANEL>{applications(targets, now)}</div>
        </Part>
        {(!view.leftovers.is_empty()).then(|| view! { <Part title="Leftovers: their definition left Git">{leftovers(view.leftovers.clone())}</Part> })}
        {(!view.from_file).then(|| removal(&view.name, remove))}
    }
    .into_any()
}

fn unreachable(view: &ClusterView) -> Option<AnyView> {
    let Connection::Unreachable { error, since, next_try } = &view.connection else { return None };
    let lead = view! { "Unreachable for " {ago(*since)} ": " {error.clone()} "." }.into_any();
    let good = view.last_compared.map_or_else(|| "Nothing was compared yet. ".into_any(), |at| view! { "What you see was last compared " {ago(at)} " ago. " }.into_any());
    let next = next_try.map(|at| view! { "Next try " {ago(at)} ". " });
    let rest = view! { {good} {next} "Other clusters go on; this one is taken up again by itself as soon as it answers." }.into_any();
    Some(view! { <Banner tone=Tone::Bad lead=lead rest=rest /> }.into_any())
}

fn about(view: &ClusterView) -> AnyView {
    facts(vec![
        ("Address", view! { <code class="font-mono text-sm break-all">{view.server.clone()}</code> }.into_any()),
        ("Version", if view.version.is_empty() { "not known yet".to_owned() } else { view.version.clone() }.into_any()),
        ("Latency", view.latency_millis.map_or_else(|| "not measured".to_owned(), |millis| format!("{millis} ms")).into_any()),
        ("Watches", format::count(view.watches.into()).into_any()),
        ("Objects cached", format!("{} in {}", format::count(view.objects_cached), format::bytes(view.bytes_cached)).into_any()),
        ("Last compared", view.last_compared.map_or_else(|| "never".into_any(), ago)),
        ("Reconciler queue", format::count(view.queue.into()).into_any()),
        ("Registered", if view.from_file { "in the configuration file" } else { "here, or by the command line" }.into_any()),
    ])
}

fn applications(targets: Vec<TargetSummary>, now: Micros) -> AnyView {
    if targets.is_empty() {
        return view! { <p class="px-4 py-6 text-center text-muted">"No definition names this cluster."</p> }.into_any();
    }
    view! {
        <div class="overflow-x-auto">
            <table class=TABLE>
                <thead>
                    <tr>
                        <th scope="col" class=TH>"Application"</th>
                        <th scope="col" class=TH>"Git"</th>
                        <th scope="col" class=TH>"Health"</th>
                        <th scope="col" class=format!("{TH} max-md:hidden")>"Why"</th>
                        <th scope="col" class=format!("{TH} max-md:hidden")>"Last compared"</th>
                    </tr>
                </thead>
                <tbody>{targets.iter().map(|target| application(target, now)).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn application(target: &TargetSummary, now: Micros) -> AnyView {
    let standing = standing(target, now);
    let quiet = standing.tone.is_none();
    let health = health_mark(target.health.status);
    view! {
        <tr>
            <td class=TD>
                <a class="font-medium break-all hover:underline" href=target_address(&target.target) data-row>{target.target.application.name.clone()}</a>
            </td>
            <td class=TD><span class="flex items-center gap-1.5">{mark(standing.sync, standing.sync.word, quiet)} {standing.sync.word}</span></td>
            <td class=TD><span class="flex items-center gap-1.5">{mark(health, target.health.message.clone(), quiet)} {health.word}</span></td>
            <td class=format!("{TD} text-sm text-muted max-md:hidden")>{standing.cause.clone()}</td>
            <td class=format!("{TD} whitespace-nowrap text-muted max-md:hidden")>{target.last_compared.map_or_else(|| "never".into_any(), ago)}</td>
        </tr>
    }
    .into_any()
}

fn leftovers(all: Vec<Leftover>) -> AnyView {
    view! {
        <ul class=format!("{PANEL} divide-y divide-line")>
            {all
                .into_iter()
                .map(|leftover| {
                    view! {
                        <li class="px-4 py-2">
                            <span class="font-medium">{leftover.key.short()}</span>
                            <span class="text-muted">{format!(" in {}, of {}: {}, ", leftover.key.namespace, leftover.application, leftover.why)} {ago(leftover.since)}</span>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}

fn removal(name: &str, remove: ServerAction<RemoveCluster>) -> AnyView {
    let failure = Signal::derive(move || remove.value().get().and_then(Result::err));
    let label = format!("Type {name} to confirm");
    let name = name.to_owned();
    view! {
        <details class=format!("{PANEL} px-4 py-3")>
            <summary class="text-sm text-muted">"Remove this cluster from Lockstep"</summary>
            <ActionForm action=remove attr:class="mt-3 flex max-w-md flex-col gap-3">
                <p class="text-sm text-muted">"Nothing in the cluster is touched; its applications stop being compared. History is kept."</p>
                <input type="hidden" name="name" value=name />
                <TextField name="typed" label=label required=true />
                <ActionFailure error=failure />
                <div><Submit look=Look::Danger pending=remove.pending()>"Remove cluster"</Submit></div>
            </ActionForm>
        </details>
    }
    .into_any()
}
