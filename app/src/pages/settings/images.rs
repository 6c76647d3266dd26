//! Rules for images: which tag each chose, what it wrote, and why nothing comes of it.

use crate::api::sources::image_rules;
use crate::components::clock::ago;
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{PANEL, facts, tag};
use crate::components::reason::Banner;
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use lockstep_types::image::ImageRuleView;

/// The part.
#[component]
pub fn ImagesPart() -> impl IntoView {
    let tick = ticks(|| Topic::All);
    let list: Loading<Vec<ImageRuleView>> = Resource::new(move || tick.get(), |_| image_rules());
    loaded(list, part)
}

fn part(list: Vec<ImageRuleView>) -> AnyView {
    if list.is_empty() {
        return view! {
            <Empty title="No rules for images" shape=Icon::Commit>
                "An ImageRule in a root source, or Flux's ImagePolicy and ImageUpdateAutomation, watches the tags of an image and has the newest written to Git."
            </Empty>
        }
        .into_any();
    }
    list.into_iter().map(rule).collect_view().into_any()
}

fn rule(rule: ImageRuleView) -> AnyView {
    let place = format!("{}:{}", rule.path, rule.line);
    let problem = (!rule.problem.is_empty()).then(|| {
        let lead = format!("{}.", format::sentence_case(&rule.problem));
        let rest = "It is tried again by itself, the more seldom the more often it fails.";
        view! { <Banner tone=Tone::Warn shape=Icon::Problem lead=lead.into_any() rest=rest.into_any() /> }
    });
    let pace = format!("every {}", format::span(i64::from(rule.interval_seconds)));
    let looked = match rule.looked_at {
        Some(at) => view! { {ago(at)} " ago, " {pace} }.into_any(),
        None => format!("not yet, {pace}").into_any(),
    };
    let mut pairs = Vec::new();
    if !rule.image.is_empty() {
        let image = rule.image.clone();
        let chosen = match rule.newest.is_empty() {
            true => "none yet".to_owned(),
            false => rule.newest.clone(),
        };
        pairs.push((
            "Image",
            view! { <span class="font-mono text-sm break-all">{image}</span> }.into_any(),
        ));
        pairs.push(("Chooses", rule.chooses.clone().into_any()));
        pairs.push((
            "Newest",
            view! { <span class="font-mono text-sm break-all">{chosen}</span> }.into_any(),
        ));
    }
    pairs.push(("Writes", rule.writes.clone().into_any()));
    pairs.push(("Looked at", looked));
    if !rule.deeds.is_empty() {
        let deeds = rule
            .deeds
            .iter()
            .map(|deed| {
                view! {
                    <li class="break-words">
                        {deed.what.clone()} <span class="text-muted">" · " {ago(deed.at)} " ago"</span>
                    </li>
                }
            })
            .collect_view();
        pairs.push(("Wrote", view! { <ul>{deeds}</ul> }.into_any()));
    }
    view! {
        <section class=PANEL>
            <header class="flex flex-wrap items-center gap-x-2 gap-y-1 border-b border-line px-3 py-2.5 text-sm text-muted">
                <h2 class="text-base font-medium break-all text-ink">{rule.rule.clone()}</h2>
                <span class="font-mono break-all">{place}</span>
                <span>{rule.source_name.clone()}</span>
                {rule.suspended.then(|| tag("suspended"))}
            </header>
            <div class="flex flex-col gap-2.5 px-3 py-3">{problem} {facts(pairs)}</div>
        </section>
    }
    .into_any()
}
