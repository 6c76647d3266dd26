//! Clusters: can they be judged now, how old is what we know, and what runs there.

use crate::api::clusters::{RemoveCluster, cluster, clusters};
use crate::components::button::{ActLink, LinkButton, Look, Submit, refusal, refusal_named};
use crate::components::clock::{Clock, ago};
use crate::components::feedback::{ActionFailure, Empty};
use crate::components::form::TextField;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded_for};
use crate::components::panel::{
    ACTION_LINK, LINK, PANEL, PageHead, Part, TABLE, TD, facts, heads, tag,
};
use crate::components::reason::Banner;
use crate::components::standing::{severity, standing};
use crate::components::status::{Mark, chip, mark};
use crate::components::target_link::target_address;
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use lockstep_types::Micros;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::TargetSummary;
use lockstep_types::cluster::{ClusterView, Connection};
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use std::cmp::Reverse;

/// `/clusters`.
#[component]
pub fn ClustersPage() -> impl IntoView {
    let tick = ticks(|| Topic::All);
    let list: Loading<Vec<ClusterView>> = Resource::new(move || tick.get(), |_| clusters());
    view! {
        <Title text="Clusters" />
        {loaded_for(list, list_page)}
    }
}

fn connection_chip(connection: &Connection) -> AnyView {
    let (icon, tone, words) = match connection {
        Connection::Connected => (Icon::Healthy, Tone::Ok, "connected"),
        Connection::Unreachable { .. } => (Icon::Degraded, Tone::Bad, "unreachable"),
        Connection::Unknown => (Icon::Unknown, Tone::Unknown, "not known yet"),
    };
    chip(
        Mark {
            icon,
            tone,
            word: "",
        },
        words,
    )
}

fn list_page(list: Vec<ClusterView>, actor: Option<&Actor>) -> AnyView {
    let refused = refusal(actor, Permission::Cluster);
    let add = view! {
        <LinkButton href="/settings?tab=clusters&add=1".to_owned() look=Look::Plain shape=Icon::Plus refused=refused.clone()>
            "Add cluster"
        </LinkButton>
    }
    .into_any();
    if list.is_empty() {
        return view! {
            <PageHead title="Clusters" actions=add />
            <Empty title="No clusters yet" shape=Icon::Clusters>
                "Add one with a kubeconfig that has inline credentials. Rights to get, list and watch are enough to begin with; nothing is installed in the cluster. "
                <ActLink class=LINK href="/settings?tab=clusters&add=1".to_owned() refused=refused>
                    "Paste a kubeconfig"
                </ActLink>
            </Empty>
        }
        .into_any();
    }
    view! {
        <PageHead title="Clusters" actions=add />
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>
                        {heads(&["Cluster", "Connection", "Match Git", "Healthy", "Version", "Latency", "Watches", "Objects", "Last compared"])}
                    </tr>
                </thead>
                <tbody>{list.into_iter().map(list_row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn list_row(cluster: ClusterView) -> AnyView {
    let total = cluster.targets.len();
    let synced = cluster
        .targets
        .iter()
        .filter(|target| target.sync == SyncStatus::Synced)
        .count();
    let healthy = cluster
        .targets
        .iter()
        .filter(|target| target.health.status == HealthStatus::Healthy)
        .count();
    // What it answered before it went away is no news.
    let answers = cluster.connection == Connection::Connected;
    view! {
        <tr>
            <td class=TD>
                <a class="font-medium hover:underline" href=format!("/clusters/{}", format::encode(&cluster.name)) data-row>
                    {cluster.name.clone()}
                </a>
                <span class="ml-2 inline-flex flex-wrap gap-1">
                    {cluster.labels.iter().map(|(key, value)| tag(format!("{key}={value}"))).collect_view()}
                </span>
            </td>
            <td class=TD>{connection_chip(&cluster.connection)}</td>
            <td class=TD data-label="match Git">{format!("{synced} of {total}")}</td>
            <td class=TD data-label="healthy">{format!("{healthy} of {total}")}</td>
            <td class=format!("{TD} font-mono text-sm{}", if answers { "" } else { " text-muted" })>{cluster.version.clone()}</td>
            <td class=TD>{cluster.latency_millis.filter(|_| answers).map(|millis| format!("{millis} ms"))}</td>
            <td class=TD data-label="watches">{format::count(cluster.watches.into())}</td>
            <td class=TD data-label="objects">{format::count(cluster.objects_cached)}</td>
            <td class=format!("{TD} whitespace-nowrap text-muted") data-label="last compared">{cluster.last_compared.map_or_else(|| "never".into_any(), ago)}</td>
        </tr>
    }
    .into_any()
}

/// `/clusters/:name`.
#[component]
pub fn ClusterPage() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.with(|params| params.get("name").unwrap_or_default()));
    let tick = ticks(move || Topic::Cluster(name.get()));
    let data: Loading<ClusterView> =
        Resource::new(move || (name.get(), tick.get()), |(name, _)| cluster(name));
    let clock = Clock::current();
    // The server asks for the title last, when the page's own values may be gone already.
    let first = name.get_untracked();
    view! {
        <Title text=move || name.try_get().unwrap_or_else(|| first.clone()) />
        {loaded_for(data, move |view, actor| page(view, actor, clock.0.get_untracked()))}
    }
}

fn page(cluster: ClusterView, actor: Option<&Actor>, now: Micros) -> AnyView {
    let crumbs = view! { <a class="hover:underline" href="/clusters">"Clusters"</a> }.into_any();
    let below = view! {
        <div class="mt-1.5 flex flex-wrap items-center gap-2 text-sm text-muted">
            {connection_chip(&cluster.connection)}
            <span class="font-mono break-all">{cluster.server.clone()}</span>
            {cluster.labels.iter().map(|(key, value)| tag(format!("{key}={value}"))).collect_view()}
            {cluster.from_file.then(|| tag("from the configuration file"))}
        </div>
    }
    .into_any();
    let broken = match &cluster.connection {
        Connection::Unreachable {
            error,
            since,
            next_try,
        } => {
            let lead =
                view! { "Has not answered for " {ago(*since)} ": " {error.clone()} "." }.into_any();
            let rest = view! {
                "Everything on it runs on; nothing is judged or written meanwhile. "
                {cluster.last_compared.map(|at| view! { "Last compared " {ago(at)} " ago. " })}
                {next_try.map(|at| format!("Next try {}.", format::relative(at, now)))}
            }
            .into_any();
            view! { <Banner tone=Tone::Bad lead=lead rest=rest /> }.into_any()
        }
        Connection::Unknown => {
            let lead = "Its state is still being read.".into_any();
            view! { <Banner tone=Tone::Unknown lead=lead /> }.into_any()
        }
        Connection::Connected => ().into_any(),
    };
    let pairs = vec![
        (
            "Kubernetes",
            if cluster.version.is_empty() {
                "unknown".to_owned()
            } else {
                cluster.version.clone()
            }
            .into_any(),
        ),
        (
            "Latency",
            cluster
                .latency_millis
                .map_or_else(|| "unknown".to_owned(), |millis| format!("{millis} ms"))
                .into_any(),
        ),
        ("Watches", format::count(cluster.watches.into()).into_any()),
        (
            "Cached",
            format!(
                "{}, {}",
                format::plural(cluster.objects_cached, "object", "objects"),
                format::bytes(cluster.bytes_cached)
            )
            .into_any(),
        ),
        (
            "Queue",
            format::plural(cluster.queue.into(), "target waits", "targets wait").into_any(),
        ),
        (
            "Last compared",
            cluster.last_compared.map_or_else(
                || "never".into_any(),
                |at| view! { {ago(at)} " ago" }.into_any(),
            ),
        ),
    ];
    let proof = format!("/clusters/{}/rebuild", format::encode(&cluster.name));
    let back = format!("/clusters/{}/reestablish", format::encode(&cluster.name));
    let refused = refusal_named(actor, Permission::Cluster, &cluster.name);
    let actions = view! {
        <LinkButton href=proof look=Look::Plain shape=Icon::Synced refused=refused.clone()>
            "Rebuild proof"
        </LinkButton>
        <LinkButton href=back look=Look::Plain shape=Icon::Refresh refused=refused>
            "Re-establish"
        </LinkButton>
    }
    .into_any();
    let leftovers = leftovers(&cluster);
    let remove = remove_part(&cluster, actor);
    let targets = targets_table(cluster.targets, now);
    view! {
        <PageHead title=cluster.name.clone() crumbs=crumbs below=below actions=actions />
        {broken}
        <div class="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_320px]">
            <Part title="Applications">{targets}</Part>
            <Part title="Connection">
                <div class=format!("{PANEL} px-3.5 py-3")>{facts(pairs)}</div>
            </Part>
        </div>
        {leftovers}
        {remove}
    }
    .into_any()
}

fn targets_table(mut targets: Vec<TargetSummary>, now: Micros) -> AnyView {
    if targets.is_empty() {
        return view! { <p class="text-muted">"No application is placed here."</p> }.into_any();
    }
    targets.sort_by_key(|target| {
        (
            Reverse(severity(target)),
            target.target.application.name.clone(),
        )
    });
    view! {
        <div class=format!("{PANEL} overflow-x-auto")>
            <table class=TABLE>
                <thead>
                    <tr>
                        {heads(&["Application", "State", "Why", "Deployed"])}
                    </tr>
                </thead>
                <tbody>
                    {targets
                        .into_iter()
                        .map(|target| {
                            let standing = standing(&target, now);
                            let quiet = standing.tone.is_none();
                            view! {
                                <tr>
                                    <td class=TD>
                                        <a class="font-medium hover:underline" href=target_address(&target.target) data-row>
                                            {format!("{} / {}", target.target.application.project, target.target.application.name)}
                                        </a>
                                    </td>
                                    <td class=TD>
                                        <span class="flex items-center gap-1.5 whitespace-nowrap">
                                            {mark(standing.sync, standing.sync.word, quiet)} {mark(standing.health, standing.health.word, quiet)}
                                            {standing.words}
                                        </span>
                                    </td>
                                    <td class=format!("{TD} text-sm text-muted")>{standing.cause}</td>
                                    <td class=format!("{TD} font-mono text-sm") data-label="runs">{target.deployed.map(|revision| revision.short().to_owned())}</td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
        </div>
    }
    .into_any()
}

fn leftovers(cluster: &ClusterView) -> AnyView {
    if cluster.leftovers.is_empty() {
        return ().into_any();
    }
    let rows = cluster
        .leftovers
        .iter()
        .map(|leftover| {
            view! {
                <tr>
                    <td class=TD>
                        <span class="text-sm text-muted">{leftover.key.kind.clone()}</span>
                        " "
                        <b class="font-medium">{format!("{}/{}", leftover.key.namespace, leftover.key.name)}</b>
                    </td>
                    <td class=TD data-label="of">{leftover.application.clone()}</td>
                    <td class=format!("{TD} text-sm text-muted")>{leftover.why.clone()}</td>
                    <td class=format!("{TD} text-muted") data-label="since">{ago(leftover.since)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Part title="Leftovers: their definition left Git, and nobody has decided about them">
            <div class=format!("{PANEL} overflow-x-auto") role="region" aria-label="Leftovers" tabindex="0">
                <table class=TABLE>
                    <thead>
                        <tr>
                            {heads(&["Object", "Application", "Why it stays", "Since"])}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="text-sm">
                <a class=ACTION_LINK href="/leftovers">
                    "Decide about them: keep, adopt or remove"
                </a>
            </p>
        </Part>
    }
    .into_any()
}

fn remove_part(cluster: &ClusterView, actor: Option<&Actor>) -> AnyView {
    if cluster.from_file {
        return view! {
            <p class="text-sm text-muted">"This cluster comes from the configuration file; it is removed there."</p>
        }
        .into_any();
    }
    let action = ServerAction::<RemoveCluster>::new();
    let failed = Signal::derive(move || action.value().get().and_then(Result::err));
    let name = cluster.name.clone();
    let refused = refusal_named(actor, Permission::ForgetCluster, &cluster.name);
    view! {
        <details class="max-w-xl">
            <summary class=format!("{ACTION_LINK} inline text-bad!")>"Remove this cluster"</summary>
            <ActionForm action=action attr:class="mt-3 flex flex-col gap-3">
                <p class="text-muted">
                    "Lockstep forgets the cluster, its credentials and what it knows about it. Nothing in the cluster is touched: everything there runs on."
                </p>
                <input type="hidden" name="name" value=name.clone() />
                <TextField name="typed" label=format!("Type {name} to remove it") required=true />
                <div>
                    <Submit look=Look::Danger shape=Icon::Trash refused=refused pending=action.pending()>
                        "Remove"
                    </Submit>
                </div>
                <ActionFailure error=failed />
            </ActionForm>
        </details>
    }
    .into_any()
}
