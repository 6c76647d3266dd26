//! The History tab: every sync and every commit between them; any two can be compared, any can be gone
//! back to.

use super::dialogs::MARK;
use super::{Address, Tab};
use crate::components::button::{ActLink, LinkButton, Look, refusal_on};
use crate::components::clock::{Clock, ago};
use crate::components::diff_view::Diffs;
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::panel::{LINK, PANEL, TABLE, TD, TH, heads};
use crate::components::plan_view::counts_words;
use crate::components::sha::Sha;
use crate::components::status::{Mark, chip, phase_mark, state_chip};
use crate::components::target_link::{
    commit_address_by_url, rollback_address, run_address, undo_address,
};
use crate::components::tone::Tone;
use crate::format;
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::{CompareView, HistoryEntry, HistoryView, TargetRef};
use lockstep_types::revision::{CommitInfo, Revision, SourceRevision};
use lockstep_types::rollback::{Judgement, RevisionMark};
use lockstep_types::sync::{RunSummary, SyncPhase};

/// The tab.
pub fn history_tab(
    history: HistoryView,
    address: Address,
    actor: Option<&Actor>,
    clock: Clock,
) -> AnyView {
    if history.entries.is_empty() {
        return view! {
            <Empty title="No history yet" shape=Icon::Activity>
                "Syncs and the commits between them appear here, and stay."
            </Empty>
        }
        .into_any();
    }
    let _now = clock;
    let target = history.target.clone();
    let beside = history.beside;
    let marks = Marks {
        said: history.marks,
        refused: refusal_on(actor, Permission::Rollback, &target.application),
        address: address.clone(),
    };
    let path = Address {
        tab: Tab::History,
        ..address.clone()
    };
    let older = history.next.map(|next| {
        Address {
            before: next.0.to_string(),
            ..path.clone()
        }
        .link()
    });
    let newer = (!address.before.is_empty()).then(|| path.tab_link(Tab::History));
    let cluster = address.cluster.clone();
    let action = path.path();
    view! {
        <form method="get" action=action class="flex flex-col gap-3">
            <input type="hidden" name="tab" value="history" />
            <input type="hidden" name="cluster" value=cluster />
            <div class="flex flex-wrap items-center justify-between gap-2">
                <p class="text-sm text-muted">"Choose two rows to see what differs between them, rendered."</p>
                <button type="submit" class=Look::Plain.class()>
                    "Compare"
                </button>
            </div>
            <div class=format!("{PANEL} overflow-x-auto")>
                <table class=TABLE>
                    <thead>
                        <tr>
                            <th class=TH scope="col">
                                <span class="sr-only">"Compare"</span>
                            </th>
                            {heads(&["When", "Revision", "Subject", "By", "Result", "Took", "Changed", ""])}
                        </tr>
                    </thead>
                    <tbody>
                        {history
                            .entries
                            .into_iter()
                            .enumerate()
                            .map(|(index, entry)| match entry {
                                HistoryEntry::Run(run) => {
                                    let beside = beside.iter().find(|(id, _)| *id == run.id);
                                    let beside = beside.map(|(_, beside)| beside.clone()).unwrap_or_default();
                                    run_row(run, beside, index, &target, &marks)
                                }
                                HistoryEntry::Commit(commit) => commit_row(commit, index, &target, &marks),
                            })
                            .collect_view()}
                    </tbody>
                </table>
            </div>
        </form>
        <nav aria-label="Pages of history" class="flex gap-2">
            {newer
                .map(|href| {
                    view! {
                        <LinkButton href=href look=Look::Plain>
                            "Newest"
                        </LinkButton>
                    }
                })}
            {older
                .map(|href| {
                    view! {
                        <LinkButton href=href look=Look::Plain>
                            "Older"
                        </LinkButton>
                    }
                })}
        </nav>
    }
    .into_any()
}

fn pick(revision: &Revision, index: usize) -> AnyView {
    // Two radio groups: the older on the left. The first two rows are chosen to begin with.
    let side = |name: &'static str, label: &'static str, checked: bool| {
        view! {
            <input
                type="radio"
                name=name
                value=revision.0.clone()
                checked=checked
                aria-label=format!("{label} {}", revision.short())
            />
        }
    };
    view! {
        <td class=format!("{TD} w-12 whitespace-nowrap max-md:basis-auto!")>
            <span class="flex gap-1">{side("from", "Compare from", index == 1)} {side("with", "Compare with", index == 0)}</span>
        </td>
    }
    .into_any()
}

/// What people say of revisions, and where one says it.
struct Marks {
    said: Vec<RevisionMark>,
    /// Why whoever looks may neither mark nor go back.
    refused: Option<String>,
    address: Address,
}

impl Marks {
    fn of(&self, revision: &Revision) -> Option<&RevisionMark> {
        self.said.iter().find(|mark| mark.revision == *revision)
    }

    fn link(&self, revision: &Revision) -> String {
        self.address.dialog_link(&format!("{MARK}{revision}"))
    }
}

/// Good or bad, by whom and why.
pub fn mark_chip(mark: &RevisionMark) -> AnyView {
    let (icon, tone) = match mark.judgement {
        Judgement::Good => (Icon::Healthy, Tone::Ok),
        Judgement::Bad => (Icon::Degraded, Tone::Bad),
    };
    let why = match mark.reason.as_str() {
        "" => String::new(),
        reason => format!(": {reason}"),
    };
    let word = mark.judgement.word();
    let title = format!("Marked as {word} by {}{why}", mark.by);
    view! { <span title=title>{chip(Mark { icon, tone, word }, word)}</span> }.into_any()
}

/// `made` is the commit that made the state, when it is known.
fn last_cell(
    target: &TargetRef,
    revision: &Revision,
    made: Option<&Revision>,
    marks: &Marks,
) -> AnyView {
    let quiet = format!("{LINK} text-muted hover:text-ink");
    let refused = &marks.refused;
    view! {
        <td class=format!("{TD} text-right whitespace-nowrap")>
            {marks.of(revision).map(mark_chip)}
            " "
            <ActLink class=quiet.clone() href=marks.link(revision) name=format!("Mark {} as good or bad", revision.short()) refused=refused.clone()>
                "Mark"
            </ActLink>
            {made
                .map(|made| {
                    view! {
                        " · "
                        <ActLink class=quiet.clone() href=undo_address(target, made) about="Take this commit back; later ones stay" refused=refused.clone()>
                            "Undo"
                        </ActLink>
                    }
                })}
            " · "
            <ActLink class=quiet.clone() href=rollback_address(target, Some(revision)) refused=refused.clone()>
                "Roll back to this"
            </ActLink>
        </td>
    }
    .into_any()
}

fn run_row(
    run: RunSummary,
    beside: Vec<SourceRevision>,
    index: usize,
    target: &TargetRef,
    marks: &Marks,
) -> AnyView {
    let took = run
        .ended_at
        .map(|end| format::duration(run.started_at, end));
    let (subject, author) = run
        .commit
        .as_ref()
        .map(|commit| (commit.subject.clone(), commit.author.clone()))
        .unwrap_or_default();
    let said = match run.once.words().as_str() {
        "" => counts_words(&run.counts),
        once => format!("{once}: {}", counts_words(&run.counts)),
    };
    let failed = run.phase == SyncPhase::Failed;
    view! {
        <tr>
            {pick(&run.revision, index)}
            <td class=format!("{TD} text-muted")>{ago(run.started_at)}</td>
            <td class=TD>
                <Sha revision=run.revision.clone() />
                {beside_list(&beside)}
            </td>
            <td class=format!("{TD} max-md:basis-full")>
                <span class="line-clamp-2 min-w-40 break-words" title=subject.clone()>
                    {subject.clone()}
                    {(!author.is_empty()).then(|| view! { <span class="text-muted">{format!(" · {author}")}</span> })}
                </span>
                {(failed && !run.message.is_empty()).then(|| view! { <span class="block text-xs break-words text-bad">{run.message.clone()}</span> })}
            </td>
            <td class=format!("{TD} whitespace-nowrap")>{run.started_by.words()}</td>
            <td class=TD>
                <a href=run_address(run.id) class="rounded-full" data-row>
                    {state_chip(phase_mark(run.phase))}
                </a>
            </td>
            <td class=format!("{TD} whitespace-nowrap text-muted")>{took}</td>
            <td class=format!("{TD} text-sm text-muted")>{said}</td>
            {last_cell(target, &run.revision, run.commit.as_ref().map(|commit| &commit.revision), marks)}
        </tr>
    }
    .into_any()
}

/// Revisions of the further sources, with the name of their repository.
fn beside_list(beside: &[SourceRevision]) -> Option<AnyView> {
    if beside.is_empty() {
        return None;
    }
    let lines = beside.iter().map(|source| {
        view! {
            <li class="flex items-center gap-1 text-xs text-muted" title=source.repo_url.clone()>
                <Sha href=commit_address_by_url(&source.repo_url, &source.revision) revision=source.revision.clone() />
                {format::repository(&source.repo_url).to_owned()}
            </li>
        }
    });
    Some(view! { <ul aria-label="Further sources">{lines.collect_view()}</ul> }.into_any())
}

fn commit_row(commit: CommitInfo, index: usize, target: &TargetRef, marks: &Marks) -> AnyView {
    view! {
        <tr class="text-muted">
            {pick(&commit.revision, index)}
            <td class=TD>{ago(commit.committed_at)}</td>
            <td class=TD>
                <Sha revision=commit.revision.clone() />
            </td>
            <td class=format!("{TD} max-md:basis-full") colspan="5">
                <span class="line-clamp-2 break-words" title=commit.subject.clone()>
                    {commit.subject.clone()}
                    {format!(" · {}", commit.author)}
                </span>
                <span class="text-xs text-faint">"commit; no sync of its own here"</span>
            </td>
            {last_cell(target, &commit.revision, Some(&commit.revision), marks)}
        </tr>
    }
    .into_any()
}

/// The rendered difference between the chosen two.
pub fn compare_view(compare: CompareView, address: Address) -> AnyView {
    let back = address.tab_link(Tab::History);
    view! {
        <div class="flex flex-wrap items-center justify-between gap-2">
            <p>
                "Rendered difference from "
                <Sha revision=compare.from.clone() />
                " to "
                <Sha revision=compare.to.clone() />
            </p>
            <LinkButton href=back look=Look::Plain>
                "Back to history"
            </LinkButton>
        </div>
        {if compare.diffs.is_empty() {
            view! { <Empty title="Both render the same">"The commits between them change nothing that this target reads."</Empty> }.into_any()
        } else {
            view! { <Diffs diffs=compare.diffs minus="from" plus="to" /> }.into_any()
        }}
    }
    .into_any()
}
