//! Definitions and renders that are broken, with file, line, field and how to mend.

use crate::api::fleet::problems;
use crate::components::clock::ago;
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, PageHead, tag};
use crate::components::target_link::application_address;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use lockstep_types::source::Problem;

/// The page.
#[component]
pub fn ProblemsPage() -> impl IntoView {
    let tick = ticks(|| Topic::All);
    let list: Loading<Vec<Problem>> = Resource::new(move || tick.get(), |_| problems());
    view! {
        <Title text="Problems" />
        {loaded(list, page)}
    }
}

fn page(list: Vec<Problem>) -> AnyView {
    if list.is_empty() {
        return view! {
            <PageHead title="Problems" />
            <Empty title="Every definition can be read and rendered" shape=Icon::Synced>
                "What is broken in Git appears here with its file, line and field."
            </Empty>
        }
        .into_any();
    }
    let number = list.len() as u64;
    let below = view! { <p class="mt-1.5 text-lg">{format!("{} mending, most of them in Git.", format::plural(number, "thing needs", "things need"))}</p> }.into_any();
    view! {
        <PageHead title="Problems" below=below />
        <ol class="flex flex-col gap-2">{list.into_iter().map(|problem| view! { <li>{problem_view(problem)}</li> }).collect_view()}</ol>
    }
    .into_any()
}

fn problem_view(problem: Problem) -> AnyView {
    let line = problem
        .line
        .map(|line| format!(":{line}"))
        .unwrap_or_default();
    let place = format!("{}{line}", problem.path);
    let cluster = problem.cluster.clone().unwrap_or_default();
    view! {
        <article class=format!("{PANEL} border-l-[3px] border-l-bad px-4 py-2.5")>
            <p class="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm text-muted">
                {tag(problem.stage)}
                {problem.source_name}
                {(!place.is_empty()).then(|| view! { <span class="font-mono break-all text-ink">{place}</span> })}
                {(!problem.field.is_empty()).then(|| view! { <span class="font-mono break-all">{problem.field}</span> })}
                <span class="ml-auto">"for " {ago(problem.since)}</span>
            </p>
            <p class="mt-1 font-medium break-words">{format::sentence_case(&problem.message)}</p>
            <p class="mt-0.5 break-words text-muted">
                {format::sentence_case(&problem.next)}
                {problem
                    .application
                    .map(|application| {
                        view! {
                            ". Concerns "
                            <a class=LINK href=application_address(&application, &[("cluster", &cluster)]) data-row>
                                {format!("{} / {}", application.project, application.name)}
                            </a>
                        }
                    })}
                "."
            </p>
        </article>
    }
    .into_any()
}
