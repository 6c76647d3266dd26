//! What a branch would do once it is merged.

use crate::api::fleet::read_upcoming;
use crate::components::button::{Look, Submit};
use crate::components::clock::ago;
use crate::components::code::Patch;
use crate::components::feedback::Empty;
use crate::components::form::TextField;
use crate::components::icon::Icon;
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, PageHead, Part};
use crate::components::reason::Banner;
use crate::components::sha::Sha;
use crate::components::target_link::{commit_address, compare_address, target_words};
use crate::components::tone::Tone;
use crate::format;
use crate::pages::rollback::plans;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockstep_types::upcoming::{Upcoming, UpcomingQuery};

/// The page.
#[component]
pub fn PreviewPage() -> impl IntoView {
    let query = use_query_map();
    let wanted = Memo::new(move |_| {
        query.with(|query| UpcomingQuery {
            repo: query.get("repo").unwrap_or_default(),
            reference: query.get("ref").unwrap_or_default(),
            onto: query.get("onto").unwrap_or_default(),
        })
    });
    // Not live: the branch is asked for at its host, and every target planned anew.
    view! {
        <Title text="Preview" />
        {move || {
            let wanted = wanted.get();
            if wanted.reference.is_empty() {
                return asked(&wanted);
            }
            let view: Loading<Upcoming> = Resource::new(move || wanted.clone(), read_upcoming);
            loaded(view, page).into_any()
        }}
    }
}

/// Which branch is meant.
fn asked(wanted: &UpcomingQuery) -> AnyView {
    let about = "The branch is merged here alone, and what it would change is shown for every target: differences, plans, and what stands in the way. Nothing is written.";
    view! {
        <PageHead title="What a branch would do" />
        <form method="get" action="/preview" class=format!("{PANEL} flex max-w-xl flex-col gap-4 p-4")>
            <p class="text-sm text-muted">{about}</p>
            <TextField
                name="repo"
                label="Repository"
                hint="The last part of its address: shop of https://git.example.com/team/shop.git. Empty where there is only one."
                value=wanted.repo.clone()
            />
            <TextField name="ref" label="Branch or commit" value=wanted.reference.clone() required=true />
            <TextField
                name="onto"
                label="Onto"
                hint="The branch that it is for; empty: the one that applications follow"
                value=wanted.onto.clone()
            />
            <div>
                <Submit look=Look::Primary>"Look"</Submit>
            </div>
        </form>
    }
    .into_any()
}

fn page(view: Upcoming) -> AnyView {
    let below = view! {
        <div class="mt-1.5 flex flex-wrap items-center gap-x-3.5 gap-y-1 text-sm text-muted">
            <Sha revision=view.commit.revision.clone() href=commit_address(&view.repo, &view.commit.revision) />
            <span>{view.commit.author.clone()}</span>
            <span>{ago(view.commit.committed_at)} " ago"</span>
            <span>{format!("for {} of {}", view.onto, format::repository(&view.repo_url))}</span>
        </div>
    }
    .into_any();
    let (tone, shape) = match view.is_clear() {
        true => (Tone::Ok, Icon::Synced),
        false => (Tone::Warn, Icon::OutOfSync),
    };
    let notes = (!view.notes.is_empty()).then(|| {
        view! {
            <ul>
                {view.notes.iter().map(|note| view! { <li class="break-words">{note.clone()}</li> }).collect_view()}
            </ul>
        }
        .into_any()
    });
    let rest = notes.unwrap_or_else(|| {
        "Nothing was written: the commit was made here alone, and the clusters were only read."
            .into_any()
    });
    let commits = view.commits.clone();
    let files = format::plural(view.files.len() as u64, "file", "files");
    let compared = view.merged.as_ref().map(|merged| {
        view.targets
            .iter()
            .map(|target| {
                let href = compare_address(&target.target, &view.head, merged);
                view! { <a class=LINK href=href>{target_words(&target.target)}</a> }
            })
            .collect_view()
    });
    let nobody = view.targets.is_empty() && view.conflicts.is_empty();
    let targets = (!view.targets.is_empty()).then(|| plans(&view.targets));
    view! {
        <PageHead title=format!("What {} would do", view.reference) below=below />
        <Banner tone=tone shape=shape lead=view.first_line.clone().into_any() rest=rest />
        {targets
            .map(|targets| {
                view! {
                    <Part title="What each target would do">
                        {targets}
                        <p class="flex flex-wrap gap-x-3 text-sm text-muted">"Rendered differences: " {compared}</p>
                    </Part>
                }
            })}
        {nobody
            .then(|| {
                view! {
                    <Empty title="No target would change" shape=Icon::Synced>
                        "No target reads the files that it changes."
                    </Empty>
                }
            })}
        {(!commits.is_empty())
            .then(|| {
                view! {
                    <Part title=format!("What it brings: {}", format::plural(commits.len() as u64, "commit", "commits"))>
                        <ul class=format!("{PANEL} flex flex-col gap-1 px-3 py-2.5")>
                            {commits
                                .into_iter()
                                .map(|commit| {
                                    view! {
                                        <li class="flex min-w-0 gap-2">
                                            <span class="font-mono text-sm">{commit.revision.short().to_owned()}</span>
                                            <span class="min-w-0 flex-1 truncate">{commit.subject}</span>
                                            <span class="text-sm text-muted">{commit.author}</span>
                                        </li>
                                    }
                                })
                                .collect_view()}
                        </ul>
                    </Part>
                }
            })}
        {(!view.patch.is_empty())
            .then(|| {
                view! {
                    <Part title=format!("What it changes: {files}")>
                        <Patch text=view.patch.clone() />
                    </Part>
                }
            })}
    }
    .into_any()
}
