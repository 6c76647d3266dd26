//! The proof that a cluster can be rebuilt from Git: what a new, empty one would lack, and what may come back otherwise.

use super::orphans::{doubts, table};
use crate::api::clusters::rebuild;
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{
    Fold, LINK, PANEL, PageHead, Part, TABLE, TD, facts_row, heads, tag,
};
use crate::components::target_link::{target_address, target_words};
use crate::components::tone::Tone;
use crate::format;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use lockstep_types::application::TargetRef;
use lockstep_types::rebuild::{Missing, MovingImage, RebuildView};
use lockstep_types::resource::ResourceKey;

/// `/clusters/:name/rebuild`.
#[component]
pub fn RebuildPage() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.with(|params| params.get("name").unwrap_or_default()));
    // Not live: the cluster is asked for everything it holds.
    let view: Loading<RebuildView> = Resource::new(move || name.get(), rebuild);
    view! {
        <Title text="Rebuild proof" />
        {loaded(view, page)}
    }
}

fn page(view: RebuildView) -> AnyView {
    let path = format!("/clusters/{}", format::encode(&view.cluster));
    let crumbs = view! {
        <a class="hover:underline" href="/clusters">"Clusters"</a>
        " / "
        <a class="hover:underline" href=path>{view.cluster.clone()}</a>
    }
    .into_any();
    let absent = view.missing.len() + view.undeclared.len();
    let whole = view.unread.is_empty() && view.unsure.is_empty();
    let tone = match (view.score, absent) {
        (100, 0) if whole => Tone::Ok,
        (100, 0) => Tone::Warn,
        (90.., _) => Tone::Warn,
        _ => Tone::Bad,
    };
    let data = match view.volumes {
        0 => String::new(),
        number => format!(
            ", but the data of {}",
            format::plural(number.into(), "volume", "volumes")
        ),
    };
    let verdict = if absent == 0 && whole {
        format!(
            "Git brings back everything that {} holds{data}.",
            view.cluster
        )
    } else if absent == 0 {
        format!(
            "Git brings back everything of {} that could be looked at{data}.",
            view.cluster
        )
    } else {
        format!(
            "Git brings back {} of what {} should hold: {}, {}.",
            percent(view.score),
            view.cluster,
            format::plural(
                view.undeclared.len() as u64,
                "object is declared nowhere",
                "objects are declared nowhere"
            ),
            format::plural(
                view.missing.len() as u64,
                "thing that others need is missing in Git",
                "things that others need are missing in Git"
            )
        )
    };
    let below = view! { <p class="mt-1.5 max-w-[80ch] text-lg">{verdict}</p> }.into_any();
    let pairs = vec![
        (
            "Declared in Git",
            format::count(view.declared.into()).into_any(),
        ),
        (
            "Come with their owners",
            format::count(view.owned.into()).into_any(),
        ),
        (
            "Come with every cluster",
            format::count(view.given.into()).into_any(),
        ),
        (
            "Volumes with data, in no Git",
            format::count(view.volumes.into()).into_any(),
        ),
        ("Looked at", format::clock_time(view.at).into_any()),
    ];
    let file = format!("/api/v1/clusters/{}/rebuild", format::encode(&view.cluster));
    let name = format!("rebuild-{}.json", view.cluster);
    let actions = view! {
        <a class=LINK href=file rel="external" download=name>
            "Download as JSON"
        </a>
    }
    .into_any();
    let nothing = (absent == 0 && whole && view.images.is_empty()).then(|| {
        view! {
            <Empty title="Nothing is missing" shape=Icon::Synced>
                "Every object is declared, owned, or comes with Kubernetes, and every image is named by its digest."
            </Empty>
        }
    });
    view! {
        <PageHead title=format!("Rebuild proof of {}", view.cluster) crumbs=crumbs below=below actions=actions />
        {doubts(&view.unread, &view.unsure)}
        <div class=format!("{PANEL} flex flex-wrap items-center gap-x-10 gap-y-3 px-4 py-3")>
            <p class=format!("text-3xl font-semibold tabular-nums {}", tone.text())>{percent(view.score)}</p>
            {facts_row(pairs)}
        </div>
        {nothing}
        {missing(view.missing)}
        {undeclared(view.undeclared)}
        {images(view.images)}
    }
    .into_any()
}

fn percent(score: u32) -> String {
    format!("{score} %")
}

/// Who needs or uses it: some by name, the others by number.
fn users(by: Vec<(TargetRef, ResourceKey)>, count: u32) -> AnyView {
    let more = u64::from(count).saturating_sub(by.len() as u64);
    view! {
        <span class="flex flex-col gap-0.5">
            {by
                .into_iter()
                .map(|(target, key)| {
                    view! {
                        <span>
                            <a class=LINK href=target_address(&target)>
                                {target_words(&target)}
                            </a>
                            <span class="text-muted">{format!(" {}", key.short())}</span>
                        </span>
                    }
                })
                .collect_view()} {(more > 0).then(|| view! { <span class="text-muted">{format!("and {} more", format::count(more))}</span> })}
        </span>
    }
    .into_any()
}

fn missing(list: Vec<Missing>) -> AnyView {
    if list.is_empty() {
        return ().into_any();
    }
    let rows = list
        .into_iter()
        .map(|missing| {
            let where_now = if missing.live { "in the cluster, by hand or by a tool" } else { "nowhere" };
            let place = (!missing.key.namespace.is_empty())
                .then(|| view! { <span class="text-muted">{format!("{} / ", missing.key.namespace)}</span> });
            view! {
                <tr>
                    <td class=TD>
                        <span class="text-sm text-muted">{missing.key.kind.clone()}</span>
                        " "
                        <span class="break-all">{place} <b class="font-medium">{missing.key.name.clone()}</b></span>
                    </td>
                    <td class=format!("{TD} text-sm") data-label="now">{where_now}</td>
                    <td class=format!("{TD} text-sm")>{users(missing.needed_by, missing.count)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Part title="Needed, and not in Git">
            <div class=format!("{PANEL} overflow-x-auto") role="region" aria-label="Needed, and not in Git" tabindex="0">
                <table class=TABLE>
                    <thead>
                        <tr>{heads(&["What", "Is now", "Needed by"])}</tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="text-sm text-muted">
                "Commit it, or commit what makes it: an ExternalSecret, a SealedSecret, a Certificate, the chart with the definitions."
            </p>
        </Part>
    }
    .into_any()
}

fn undeclared(list: Vec<lockstep_types::orphan::Orphan>) -> AnyView {
    if list.is_empty() {
        return ().into_any();
    }
    let title = format!(
        "In the cluster, and declared nowhere ({})",
        format::count(list.len() as u64)
    );
    let open = list.len() <= 50;
    view! { <Fold title=title open=open>{table(list, false)}</Fold> }.into_any()
}

fn images(list: Vec<MovingImage>) -> AnyView {
    if list.is_empty() {
        return ().into_any();
    }
    let always = list.iter().filter(|image| image.always).count() as u64;
    let moving = always > 0;
    let title = format!(
        "Images that may be others when they are pulled again ({})",
        format::count(list.len() as u64)
    );
    let rows = list
        .into_iter()
        .map(|image| {
            view! {
                <tr>
                    <td class=format!("{TD} font-mono text-sm break-all")>{image.image.clone()}</td>
                    <td class=TD>{tag(if image.always { "moves with every release" } else { "a tag" })}</td>
                    <td class=format!("{TD} text-sm")>{users(image.used_by, image.count)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Fold title=title open=moving>
            <div class="overflow-x-auto" role="region" aria-label="Images" tabindex="0">
                <table class=TABLE>
                    <thead>
                        <tr>{heads(&["Image", "Named by", "Used by"])}</tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="mt-2 text-sm text-muted">"Only a digest names one image for ever."</p>
        </Fold>
    }
    .into_any()
}
