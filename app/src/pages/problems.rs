//! Definitions, fetches and renders that are broken: where, why, and how to mend them.

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
    let found: Loading<Vec<Problem>> = Resource::new(move || tick.get(), |_| problems());
    view! {
        <Title text="Problems" />
        {loaded(found, show)}
    }
}

fn show(found: Vec<Problem>) -> AnyView {
    let below = view! {
        <p class="mt-1.5 max-w-[76ch] text-muted">
            "What could not be read, rendered, compared or applied. Everything else goes on, and what already runs is left as it is."
        </p>
    }
    .into_any();
    view! {
        <PageHead title="Problems" below=below />
        {if found.is_empty() {
            view! {
                <Empty title="Nothing is broken" shape=Icon::Healthy>
                    <p>"Every definition can be read and every application can be rendered and compared."</p>
                </Empty>
            }
                .into_any()
        } else {
            view! { <ul class="flex flex-col gap-2.5">{found.into_iter().map(item).collect_view()}</ul> }.into_any()
        }}
    }
    .into_any()
}

fn item(problem: Problem) -> AnyView {
    let place = match (problem.path.is_empty(), problem.line) {
        (true, _) => String::new(),
        (false, Some(line)) => format!("{}:{line}", problem.path),
        (false, None) => problem.path.clone(),
    };
    let about = problem.application.as_ref().map(|application| {
        let cluster = problem.cluster.clone().unwrap_or_default();
        let words = if cluster.is_empty() { application.name.clone() } else { format!("{} on {cluster}", application.name) };
        view! { <a class=LINK href=application_address(application, &[("cluster", &cluster)])>{words}</a> }
    });
    view! {
        <li class=format!("{PANEL} flex flex-col gap-1 border-l-[3px] border-l-bad px-4 py-3")>
            <p class="font-semibold break-words">{format::sentence_case(&problem.message)}</p>
            {(!problem.next.is_empty()).then(|| view! { <p class="break-words text-muted">{format::sentence_case(&problem.next)}</p> })}
            <p class="mt-0.5 flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
                {tag(problem.stage.clone())} {about}
                {(!problem.source_name.is_empty()).then(|| view! { <span>"source " {problem.source_name.clone()}</span> })}
                {(!place.is_empty()).then(|| view! { <code class="font-mono break-all">{place}</code> })}
                {(!problem.field.is_empty()).then(|| view! { <code class="font-mono break-all">{problem.field.clone()}</code> })}
                <span>"for " {ago(problem.since)}</span>
            </p>
        </li>
    }
    .into_any()
}
