//! The choices: which state, and by commit or by pin.

use super::{Way, address};
use crate::components::clock::ago;
use crate::components::form::SelectField;
use crate::components::panel::LINK;
use crate::components::status::{health_mark, mark};
use crate::format;
use crate::pages::application::mark_chip;
use leptos::prelude::*;
use lockstep_types::application::TargetSummary;
use lockstep_types::health::HealthStatus;
use lockstep_types::rollback::{RollbackCandidate, RollbackPreview};

/// Other states one may go back to.
pub fn states(
    candidates: &[RollbackCandidate],
    preview: &RollbackPreview,
    target: &TargetSummary,
) -> AnyView {
    let others: Vec<AnyView> = candidates
        .iter()
        .filter(|candidate| candidate.commit.revision != preview.to.revision)
        .filter(|candidate| Some(&candidate.commit.revision) != target.deployed.as_ref())
        .map(|candidate| {
            let commit = &candidate.commit;
            let state = if candidate.mark.is_some() {
                ().into_any()
            } else if candidate.healthy {
                mark(
                    health_mark(HealthStatus::Healthy),
                    "It was Synced and Healthy here",
                    false,
                )
            } else {
                mark(
                    health_mark(HealthStatus::Unknown),
                    "It was not seen healthy here",
                    true,
                )
            };
            view! {
                <li>
                    <a
                        class="flex items-center gap-2 rounded-md px-2 py-1 hover:bg-sunken"
                        href=address(preview, &commit.revision, Way::Commit)
                        data-row
                    >
                        {state}
                        {candidate.mark.as_ref().map(mark_chip)}
                        <span class="font-mono text-sm">{commit.revision.short().to_owned()}</span>
                        <span class="min-w-0 flex-1 truncate" title=commit.subject.clone()>
                            {commit.subject.clone()}
                            <span class="text-muted">{format!(" · {}", commit.author)}</span>
                        </span>
                        <span class="text-sm whitespace-nowrap text-muted">
                            {match candidate.ran_at {
                                Some(at) => view! { "ran " {ago(at)} " ago" }.into_any(),
                                None => "never ran here".into_any(),
                            }}
                        </span>
                    </a>
                </li>
            }
            .into_any()
        })
        .collect();
    if others.is_empty() {
        return ().into_any();
    }
    let number = others.len() as u64;
    view! {
        <details class="mt-2">
            <summary class=format!("{LINK} inline text-sm")>
                {format!("Another state ({})", format::count(number))}
            </summary>
            <ul class="mt-2 max-h-72 overflow-y-auto rounded-md border border-line bg-surface p-1">{others}</ul>
        </details>
    }
    .into_any()
}

/// One of the ways to go, as a link to the page with it chosen.
pub fn way_card(chosen: bool, href: String, title: String, words: String) -> AnyView {
    view! {
        <a
            href=href
            aria-current=chosen.then_some("true")
            data-noscroll
            class="block rounded-lg border border-control/60 bg-surface px-3 py-2.5 hover:border-control aria-[current]:border-accent aria-[current]:ring-2 aria-[current]:ring-accent-soft"
        >
            <b class="block font-semibold">{title}</b>
            <span class="text-sm text-muted">{words}</span>
        </a>
    }
    .into_any()
}

/// Commit, pull request or pin.
pub(super) fn ways(preview: &RollbackPreview, chosen: Way) -> AnyView {
    let cluster = preview.target.cluster.clone();
    let short = preview.to.revision.short().to_owned();
    let to = |way| address(preview, &preview.to.revision, way);
    let possible = preview.commit_refused.is_empty();
    let refused = preview.branch_refused();
    let commit = if refused.is_empty() {
        way_card(
            chosen == Way::Commit,
            to(Way::Commit),
            format!("Commit to {}", preview.branch),
            "A new commit on top; history stays. Auto-sync stays on and deploys it.".to_owned(),
        )
    } else {
        view! {
            <div class="rounded-lg border border-dashed border-line-strong px-3 py-2.5 text-muted">
                <b class="block font-semibold">
                    {match possible {
                        true => format!("A commit to {} would be refused", preview.branch),
                        false => "A commit is not possible".to_owned(),
                    }}
                </b>
                <span class="text-sm break-words">{format::sentence_case(refused)}</span>
            </div>
        }
        .into_any()
    };
    view! {
        <nav aria-label="Way" class=format!("grid gap-2 {}", if possible && !preview.undo { "md:grid-cols-3" } else { "md:grid-cols-2" })>
            {commit}
            {possible
                .then(|| {
                    way_card(
                        chosen == Way::Propose,
                        to(Way::Propose),
                        "Pull request".to_owned(),
                        format!("The same commit on a branch of its own, for review. Nothing happens before it is merged into {}.", preview.branch),
                    )
                })}
            {(!preview.undo)
                .then(|| {
                    way_card(
                        chosen == Way::Pin,
                        to(Way::Pin),
                        format!("Pin {cluster} until …"),
                        format!("No commit. {cluster} stays at {short}, the branch moves on. When it ends it asks; it never deploys unseen."),
                    )
                })}
        </nav>
    }
    .into_any()
}

/// How long a pin lasts.
pub fn hours() -> AnyView {
    let options = [
        ("4", "4 hours"),
        ("12", "12 hours"),
        ("24", "1 day"),
        ("72", "3 days"),
        ("168", "1 week"),
    ]
    .into_iter()
    .map(|(value, words)| (value.to_owned(), words.to_owned()))
    .collect();
    view! { <SelectField name="options[hours]" label="For" options=options selected="24" /> }
        .into_any()
}
