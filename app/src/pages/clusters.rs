//! All clusters: how they are connected and how fresh what we say about them is.

use crate::api::clusters::{AddCluster, clusters};
use crate::components::button::{Look, LinkButton, Submit, refusal};
use crate::components::clock::ago;
use crate::components::dialog::{BODY, Dialog, FOOT};
use crate::components::feedback::{ActionFailure, Empty};
use crate::components::form::{FIELD, TextField};
use crate::components::icon::Icon;
use crate::components::layout::use_session;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{PANEL, PageHead, TABLE, TD, TH, tag};
use crate::components::status::{Mark, chip};
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockstep_types::account::Permission;
use lockstep_types::cluster::{ClusterView, Connection};

/// The page.
#[component]
pub fn ClustersPage() -> impl IntoView {
    let tick = ticks(|| Topic::All);
    let all: Loading<Vec<ClusterView>> = Resource::new(move || tick.get(), |_| clusters());
    let query = use_query_map();
    let adding = Memo::new(move |_| query.with(|query| query.get("add").is_some()));
    let session = use_session();
    let add = move || {
        let refused = session
            .and_then(|session| session.get())
            .and_then(|session| refusal(session.ok().as_ref().map(|session| &session.actor), Permission::Cluster));
        view! { <LinkButton href="/clusters?add=1".to_owned() look=Look::Plain shape=Icon::Plus refused=refused>"Add cluster"</LinkButton> }
    };
    view! {
        <Title text="Clusters" />
        <PageHead title="Clusters" actions=view! { <Transition>{add}</Transition> }.into_any() />
        {loaded(all, show)}
        {move || adding.get().then(|| view! { <AddDialog /> })}
    }
}

/// A connection as shape and word.
pub fn connection_chip(connection: &Connection) -> AnyView {
    match connection {
        Connection::Connected => chip(Mark { icon: Icon::Healthy, tone: Tone::Ok, word: "connected" }, "connected"),
        Connection::Unreachable { .. } => chip(Mark { icon: Icon::Degraded, tone: Tone::Bad, word: "unreachable" }, "unreachable"),
        Connection::Unknown => chip(Mark { icon: Icon::Unknown, tone: Tone::Unknown, word: "connecting" }, "connecting"),
    }
}

fn show(all: Vec<ClusterView>) -> AnyView {
    if all.is_empty() {
        return view! {
            <Empty title="No clusters yet" shape=Icon::Clusters>
                <p>"Add one from a kubeconfig. Sources on it start in Observe: reading rights are enough, and nothing is written."</p>
                <p class="mt-3">
                    <code class="rounded-md border border-line bg-page px-2.5 py-1 font-mono text-sm">"lockstep cluster add NAME --kubeconfig FILE"</code>
                </p>
            </Empty>
        }
        .into_any();
    }
    view! {
        <div class=format!("{PANEL} max-md:hidden")>
            <div class="overflow-x-auto">
                <table class=TABLE>
                    <thead>
                        <tr>
                            {["Cluster", "Connection", "Version", "Latency", "Applications", "Objects", "Last compared"]
                                .into_iter()
                                .map(|title| view! { <th scope="col" class=TH>{title}</th> })
                                .collect_view()}
                        </tr>
                    </thead>
                    <tbody>{all.iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </div>
        <ul class="flex flex-col gap-2 md:hidden">{all.iter().map(card).collect_view()}</ul>
    }
    .into_any()
}

fn address(cluster: &ClusterView) -> String {
    format!("/clusters/{}", format::encode(&cluster.name))
}

fn labels(cluster: &ClusterView) -> AnyView {
    view! { <span class="flex flex-wrap gap-1">{cluster.labels.iter().map(|(key, value)| tag(format!("{key}={value}"))).collect_view()}</span> }.into_any()
}

fn compared(cluster: &ClusterView) -> AnyView {
    cluster.last_compared.map_or_else(|| "never".into_any(), ago)
}

fn trouble(cluster: &ClusterView) -> Option<AnyView> {
    let Connection::Unreachable { error, since, next_try } = &cluster.connection else { return None };
    let next = next_try.map(|at| view! { ", next try " {ago(at)} });
    Some(view! { <p class="mt-1 text-sm break-words text-muted">{error.clone()} ", for " {ago(*since)} {next}</p> }.into_any())
}

fn row(cluster: &ClusterView) -> AnyView {
    view! {
        <tr>
            <td class=TD>
                <a class="font-medium hover:underline" href=address(cluster) data-row>{cluster.name.clone()}</a>
                {labels(cluster)}
            </td>
            <td class=TD>{connection_chip(&cluster.connection)} {trouble(cluster)}</td>
            <td class=format!("{TD} font-mono text-sm")>{cluster.version.clone()}</td>
            <td class=TD>{cluster.latency_millis.map(|millis| format!("{millis} ms"))}</td>
            <td class=TD>{format::count(cluster.targets.len() as u64)}</td>
            <td class=TD>{format::count(cluster.objects_cached)}</td>
            <td class=format!("{TD} whitespace-nowrap text-muted")>{compared(cluster)}</td>
        </tr>
    }
    .into_any()
}

fn card(cluster: &ClusterView) -> AnyView {
    view! {
        <li class=format!("{PANEL} flex flex-col gap-1 px-3 py-2.5")>
            <div class="flex items-center justify-between gap-2">
                <a class="font-medium" href=address(cluster)>{cluster.name.clone()}</a>
                {connection_chip(&cluster.connection)}
            </div>
            {trouble(cluster)} {labels(cluster)}
            <span class="text-xs text-muted">
                {format!("{} · {} · compared ", cluster.version, format::plural(cluster.targets.len() as u64, "application", "applications"))}
                {compared(cluster)}
            </span>
        </li>
    }
    .into_any()
}

#[component]
fn AddDialog() -> impl IntoView {
    let add = ServerAction::<AddCluster>::new();
    let failure = Signal::derive(move || add.value().get().and_then(Result::err));
    view! {
        <Dialog
            id="add-cluster"
            title="Add a cluster"
            subtitle=Some("Its credentials are encrypted and never shown again. Nothing is installed in it.".to_owned())
            close="/clusters".to_owned()
        >
            <ActionForm action=add>
                <div class=BODY>
                    <TextField name="name" label="Name" required=true hint="As Argo CD destinations name it." autofocus=true />
                    <TextField name="labels" label="Labels" placeholder="env=prod, region=eu" />
                    <div class="flex flex-col gap-1">
                        <label class="text-sm font-medium" for="field-kubeconfig">"Kubeconfig"</label>
                        <textarea class=format!("{FIELD} min-h-40 font-mono text-sm") id="field-kubeconfig" name="kubeconfig" required spellcheck="false" aria-describedby="kubeconfig-hint"></textarea>
                        <p id="kubeconfig-hint" class="text-xs text-muted">"With inline certificates and token. Programs and file paths are refused here; contexts with exec plugins belong into the server's configuration."</p>
                    </div>
                    <TextField name="context" label="Context" hint="Empty: the kubeconfig's current one." />
                    <ActionFailure error=failure />
                </div>
                <div class=FOOT><Submit look=Look::Primary pending=add.pending()>"Add cluster"</Submit></div>
            </ActionForm>
        </Dialog>
    }
}
