//! Sets of applications: from which parameters each application comes, and what is not generated and why.

use crate::api::sources::sets;
use crate::components::clock::ago;
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, TABLE, TD, heads};
use crate::components::reason::Banner;
use crate::components::rollout::steps;
use crate::components::target_link::application_address;
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use lockstep_types::set::{SetMemberView, SetView};
use std::collections::BTreeMap;

/// The part.
#[component]
pub fn SetsPart() -> impl IntoView {
    let tick = ticks(|| Topic::All);
    let list: Loading<Vec<SetView>> = Resource::new(move || tick.get(), |_| sets());
    loaded(list, part)
}

fn part(list: Vec<SetView>) -> AnyView {
    if list.is_empty() {
        return view! {
            <Empty title="No sets of applications" shape=Icon::Commit>
                "An Argo CD ApplicationSet in a root source appears here with the applications it generates."
            </Empty>
        }
        .into_any();
    }
    list.into_iter().map(set).collect_view().into_any()
}

fn set(set: SetView) -> AnyView {
    let place = format!("{}:{}", set.path, set.line);
    let members = format::plural(set.members.len() as u64, "application", "applications");
    view! {
        <section class=PANEL>
            <header class="flex flex-wrap items-center gap-x-2 gap-y-1 border-b border-line px-3 py-2.5 text-sm text-muted">
                <h2 class="text-base font-medium text-ink">{set.set.clone()}</h2>
                <span>{members}</span>
                <span class="font-mono break-all">{place}</span>
                {match set.parent.clone() {
                    Some(parent) => {
                        view! { <a class=LINK href=application_address(&parent, &[])>{format!("rendered by {}", parent.name)}</a> }
                            .into_any()
                    }
                    None => set.source_name.clone().into_any(),
                }}
                <span class="ml-auto">"generated " {ago(set.at)} " ago"</span>
            </header>
            <div class="flex flex-col gap-2 px-3 py-3 empty:hidden">{notes(&set)}</div>
            {set
                .rollout
                .clone()
                .map(|rollout| view! { <div class="border-t border-line px-3 py-3">{steps(&rollout)}</div> })}
            {(!set.members.is_empty()).then(|| table(set.members))}
        </section>
    }
    .into_any()
}

fn notes(set: &SetView) -> AnyView {
    let note = |tone, lead: String, rest: String| {
        let shape = match tone {
            Tone::Run => Icon::Clock,
            Tone::Bad => Icon::Problem,
            _ => Icon::Eye,
        };
        let rest = view! { <p>{rest}</p> }.into_any();
        view! { <Banner tone=tone shape=shape lead=lead.into_any() rest=rest /> }.into_any()
    };
    let waiting = set.waiting_for.iter().map(|repository| {
        note(
            Tone::Run,
            format!("Waits for {repository}"),
            "It is being fetched; until then the applications stay as they were last read."
                .to_owned(),
        )
    });
    let problems = set
        .problems
        .iter()
        .map(|(message, next)| note(Tone::Bad, format::sentence_case(message), next.clone()));
    let missing = set.not_generated.iter().map(|(generator, why)| {
        note(
            Tone::Unknown,
            format!("{generator} is not generated here"),
            format!("Because {why}."),
        )
    });
    let ignored = set.ignored_fields.iter().map(|(field, why)| {
        note(
            Tone::Unknown,
            format!("{field} is not acted on"),
            format!("{}.", format::sentence_case(why)),
        )
    });
    waiting
        .chain(problems)
        .chain(missing)
        .chain(ignored)
        .collect_view()
        .into_any()
}

fn table(members: Vec<SetMemberView>) -> AnyView {
    view! {
        <table class=TABLE>
            <thead>
                <tr>{heads(&["Application", "Row", "Source", "Parameters"])}</tr>
            </thead>
            <tbody>
                {members
                    .into_iter()
                    .map(|member| {
                        let source = format!(
                            "{} {} {}",
                            format::repository(&member.repo_url),
                            member.path,
                            member.target_revision.name(),
                        );
                        view! {
                            <tr>
                                <td class=TD>
                                    <a class=LINK href=application_address(&member.application, &[]) data-row>
                                        {member.application.name.clone()}
                                    </a>
                                </td>
                                <td class=TD data-label="Row">{member.set.row}</td>
                                <td class=TD data-label="Source">
                                    <span class="break-all">{source}</span>
                                </td>
                                <td class=TD data-label="Parameters">{parameters(member.set.parameters)}</td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </tbody>
        </table>
    }
    .into_any()
}

/// Names and values, the long list folded away.
pub fn parameters(all: BTreeMap<String, String>) -> AnyView {
    let number = format::plural(all.len() as u64, "parameter", "parameters");
    let list = view! {
        <ul class="font-mono text-xs">
            {all
                .into_iter()
                .map(|(name, value)| view! { <li class="break-all">{format!("{name} = {value}")}</li> })
                .collect_view()}
        </ul>
    };
    view! {
        <details>
            <summary class="cursor-pointer text-muted">{number}</summary>
            {list}
        </details>
    }
    .into_any()
}
