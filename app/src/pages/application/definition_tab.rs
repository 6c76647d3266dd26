//! The Definition tab: the manifest as it stands in Git.

use crate::components::button::{LinkButton, Look};
use crate::components::clock::ago;
use crate::components::code::Code;
use crate::components::icon::Icon;
use crate::components::panel::LINK;
use crate::components::reason::Banner;
use crate::components::sha::Sha;
use crate::components::tone::Tone;
use crate::format;
use leptos::prelude::*;
use lockstep_types::application::DefinitionView;

/// The tab.
pub fn definition_tab(definition: DefinitionView, edit: String) -> AnyView {
    let place = format!("{}:{}", definition.path, definition.line);
    let repository = format::repository(&definition.repo_url).to_owned();
    let web = format::web_address(&definition.repo_url).map(str::to_owned);
    view! {
        <p class="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm text-muted">
            {match web {
                Some(web) => view! { <a class=LINK href=web rel="external noreferrer">{repository}</a> }.into_any(),
                None => repository.into_any(),
            }}
            <span class="font-mono break-all text-ink">{place}</span>
            "at"
            <Sha revision=definition.revision.clone() />
            {definition
                .commit
                .map(|commit| view! { <span>{commit.subject} " · " {commit.author} " · " {ago(commit.committed_at)}</span> })}
        </p>
        {(!definition.ignored_fields.is_empty())
            .then(|| {
                let lead = format!("{} not acted on", format::plural(definition.ignored_fields.len() as u64, "field is", "fields are"));
                let rest = view! {
                    <ul>
                        {definition
                            .ignored_fields
                            .iter()
                            .map(|(field, why)| {
                                view! {
                                    <li>
                                        <span class="font-mono text-ink">{field.clone()}</span>
                                        {format!(": {why}")}
                                    </li>
                                }
                            })
                            .collect_view()}
                    </ul>
                }
                    .into_any();
                view! { <Banner tone=Tone::Unknown shape=Icon::Eye lead=lead.into_any() rest=rest /> }
            })}
        <Code text=definition.yaml label="Definition" />
        <p class="flex flex-wrap items-center gap-x-3 gap-y-2 text-sm text-muted">
            <LinkButton href=edit look=Look::Plain>"Edit"</LinkButton>
            "Definitions live in Git only: an edit is a commit to this file, shown in full before it is written."
        </p>
    }
    .into_any()
}
