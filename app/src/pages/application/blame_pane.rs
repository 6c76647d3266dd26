//! Who wrote each line of an object: the commit beside the line, and below it what the cluster has instead.

use super::address::Address;
use super::target_of;
use crate::api::applications::read_blame;
use crate::components::button::{ActLink, refusal_on};
use crate::components::clock::ago;
use crate::components::deceptive::{MOST_ROWS, left_out, marked};
use crate::components::loaded::{Loading, loaded_for};
use crate::components::panel::{H2, LINK, PANEL};
use crate::components::target_link::commit_address;
use crate::format;
use leptos::prelude::*;
use lockstep_types::account::Permission;
use lockstep_types::application::{ApplicationRef, ApplicationView};
use lockstep_types::blame::{BlameLine, BlameView, BlamedOn};
use lockstep_types::diff::FieldChange;
use lockstep_types::revision::CommitInfo;

/// Where a field is accepted into Git, and why whoever looks may not.
struct Accept {
    address: Address,
    refused: Option<String>,
}

/// What the page keeps for it.
#[derive(Clone, Copy)]
pub struct Blame {
    page: Loading<Option<(BlameView, ApplicationRef)>>,
}

impl Blame {
    /// Reads what the address asks for, once: Git is asked line by line, and events of the application change little of it.
    pub fn new(head: Loading<ApplicationView>, address: Memo<Address>) -> Self {
        let wanted = Memo::new(move |_| {
            address.with(|address| {
                let node = address.node.clone().filter(|_| address.pane == "blame")?;
                Some((address.cluster.clone(), node))
            })
        });
        let page = Resource::new(
            move || wanted.get(),
            move |wanted| async move {
                let Some((cluster, node)) = wanted else {
                    return Ok(None);
                };
                let target = target_of(head, &cluster).await?;
                let application = head.await?.application;
                let view = read_blame(target, node).await?;
                Ok(Some((view, application)))
            },
        );
        Self { page }
    }

    /// The pane.
    pub fn pane(self, address: &Address) -> AnyView {
        let address = address.clone();
        loaded_for(self.page, move |view, actor| match view {
            Some((view, application)) => {
                let accept = Accept {
                    refused: refusal_on(actor, Permission::AcceptDrift, &application),
                    address: address.clone(),
                };
                found(view, accept)
            }
            None => ().into_any(),
        })
    }
}

fn found(view: BlameView, accept: Accept) -> AnyView {
    let all = view.lines.len();
    let newest = view.commits.iter().map(|commit| commit.committed_at).max();
    let lead = match view.note.is_empty() {
        true => format!(
            "Each line as Git declares it at {}, with the commit it is from.",
            view.revision.short()
        ),
        false => view.note,
    };
    let (repo, commits) = (view.repo, view.commits);
    let mut before: Option<Said> = None;
    let mut bar = "border-l-transparent";
    let rows = view
        .lines
        .into_iter()
        .take(MOST_ROWS)
        .map(|line| {
            let said = Said::of(&line);
            let again = before == said && said.is_some();
            // A line that only opens something interrupts nobody.
            if said.is_some() {
                before.clone_from(&said);
            }
            let commit = line
                .commit
                .and_then(|index| commits.get(usize::try_from(index).ok()?));
            // A line that only opens something belongs to what stands above it.
            if said.is_some() {
                let fresh = commit.is_some_and(|commit| Some(commit.committed_at) == newest);
                bar = if fresh {
                    "border-l-accent"
                } else {
                    "border-l-line-strong"
                };
            }
            let shown = Shown {
                commit: commit.filter(|_| !again),
                bar,
                again,
            };
            row(line, &shown, &repo, &accept)
        })
        .collect_view();
    view! {
        <div class="flex flex-col gap-2.5">
            <p class="text-sm text-muted">{lead}</p>
            <div
                class=format!("{PANEL} overflow-x-auto bg-surface py-1.5 font-mono text-xs leading-[1.6]")
                role="region"
                aria-label="Lines and who wrote them"
                tabindex="0"
            >
                <table class="w-full border-collapse">
                    <thead class="sr-only">
                        <tr>
                            <th scope="col">"Commit"</th>
                            <th scope="col">"Line"</th>
                            <th scope="col">"File"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
                {left_out(all).map(|words| view! { <p class="px-3 py-1 font-sans text-muted">{words}</p> })}
            </div>
            {(!view.cluster_only.is_empty())
                .then(|| {
                    view! {
                        <section class="flex flex-col gap-1.5">
                            <h3 class=H2>"Only in the cluster"</h3>
                            <ul class="flex flex-col gap-1 text-sm">
                                {view
                                    .cluster_only
                                    .into_iter()
                                    .map(|change| {
                                        view! {
                                            <li class="break-words">
                                                <span class="font-mono text-xs">{marked(&change.path).into_owned()}</span>
                                                " "
                                                {writer(&change)}
                                            </li>
                                        }
                                    })
                                    .collect_view()}
                            </ul>
                        </section>
                    }
                })}
        </div>
    }
    .into_any()
}

/// Lines that say the same of who wrote them stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    commit: Option<u32>,
    path: String,
    exact: bool,
}

impl Said {
    fn of(line: &BlameLine) -> Option<Self> {
        let (path, exact) = match &line.by {
            BlamedOn::Nothing => return None,
            BlamedOn::Definition => (String::new(), true),
            BlamedOn::File(origin) => (origin.path.clone(), origin.line.is_some()),
        };
        Some(Self {
            commit: line.commit,
            path,
            exact,
        })
    }
}

/// How a line stands among the others.
struct Shown<'c> {
    /// Beside the first of those that are from it.
    commit: Option<&'c CommitInfo>,
    bar: &'static str,
    /// It says of itself what the one before says.
    again: bool,
}

fn row(line: BlameLine, shown: &Shown<'_>, repo: &str, accept: &Accept) -> AnyView {
    let bar = shown.bar;
    let who = shown.commit.map(|commit| {
        let title = format!("{} — {}", commit.subject, commit.author);
        view! {
            <span class="flex items-baseline gap-1.5" title=marked(&title).into_owned()>
                <a class=LINK href=commit_address(repo, &commit.revision)>
                    {commit.revision.short().to_owned()}
                </a>
                <span class="max-w-[16ch] truncate font-sans">{marked(&commit.author).into_owned()}</span>
                <span class="font-sans whitespace-nowrap text-faint">{ago(commit.committed_at)}</span>
            </span>
        }
    });
    let place = match &line.by {
        BlamedOn::Nothing => ().into_any(),
        BlamedOn::Definition if shown.again => ().into_any(),
        BlamedOn::Definition => view! {
            <a class=LINK href=accept.address.tab_link(super::Tab::Definition)>
                "definition"
            </a>
        }
        .into_any(),
        BlamedOn::File(origin) => {
            let name = origin.path.rsplit('/').next().unwrap_or(&origin.path);
            let words = match origin.line {
                Some(line) => format!("{name}:{line}"),
                None => format!("{name}, line not known"),
            };
            let title = match origin.line {
                Some(line) => format!("{}:{line}", origin.path),
                None => format!(
                    "declared in {}; no line of it says exactly this",
                    origin.path
                ),
            };
            let title = marked(&title).into_owned();
            view! { <span title=title>{marked(&words).into_owned()}</span> }.into_any()
        }
    };
    let drifted = line.live.as_ref().map(|change| {
        let indent = line.text.len() - line.text.trim_start().len();
        view! {
            <tr class="bg-warn-soft">
                <td class="border-l-[3px] border-l-warn"></td>
                <td class="pr-4 pl-2 font-sans whitespace-nowrap" colspan="2">
                    <span class="whitespace-pre font-mono">{" ".repeat(indent)}</span>
                    {writer(change)}
                    {(change.declared.is_some() || change.live.is_some())
                        .then(|| {
                            view! {
                                " "
                                <ActLink class=LINK href=accept.address.accept_link(&change.path) refused=accept.refused.clone()>
                                    "Accept into Git"
                                </ActLink>
                            }
                        })}
                </td>
            </tr>
        }
    });
    view! {
        <tr>
            <td class=format!("w-px border-l-[3px] {bar} pr-3 pl-2 align-baseline whitespace-nowrap")>{who}</td>
            <td class="pr-4 pl-2 whitespace-pre">{marked(&line.text).into_owned()}</td>
            <td class="w-px pr-3 text-right whitespace-nowrap text-faint">{place}</td>
        </tr>
        {drifted}
    }
    .into_any()
}

/// What the cluster has, and which field manager wrote it.
fn writer(change: &FieldChange) -> AnyView {
    let has = match &change.live {
        Some(value) => format!("the cluster has {}", format::value(value)),
        None => "the cluster has nothing here".to_owned(),
    };
    let by = change
        .manager
        .as_ref()
        .map(|manager| format!(", written by {manager}"))
        .unwrap_or_default();
    view! {
        <span>{marked(&has).into_owned()}{marked(&by).into_owned()}</span>
        {change.at.map(|at| view! { <span class="text-muted">", " {ago(at)} " ago"</span> })}
    }
    .into_any()
}
