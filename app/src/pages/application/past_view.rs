//! One target at an earlier time: how it stood then and now, when it turned, what ran, and what had drifted.

use super::{Address, Tab, past_strip};
use crate::components::button::{LinkButton, Look, refusal_on};
use crate::components::clock::ago;
use crate::components::feedback::Empty;
use crate::components::icon::Icon;
use crate::components::moment::{past_banner, unrecorded};
use crate::components::panel::{PANEL, Part, TABLE, TD, facts, heads};
use crate::components::sha::Sha;
use crate::components::status::{phase_mark, state_chip};
use crate::components::target_link::{rollback_address, run_address};
use crate::format;
use crate::pages::fleet::state;
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::diff::SyncStatus;
use lockstep_types::drift::DriftRow;
use lockstep_types::past::{StateThen, TargetPast};
use lockstep_types::revision::{CommitInfo, Revision};
use lockstep_types::sync::RunSummary;

/// The view in place of the tabs.
pub fn past_view(past: TargetPast, address: &Address, actor: Option<&Actor>) -> AnyView {
    let back = address.tab_link(Tab::Tree);
    let note = unrecorded(past.at, past.recorded_since) + "The head of the page is about now. ";
    let banner = past_banner(past.at, note, past.now, back);
    let strip = past_strip::strip(&past, address);
    let Some(then) = past.then.clone() else {
        return view! {
            {banner}
            {strip}
            <Empty title="It was not there yet" shape=Icon::Clock>
                "This application was not compared with this cluster at that time."
            </Empty>
        }
        .into_any();
    };
    let deployed = ran(&then);
    let actions = deployed.map(|revision| next_steps(revision, &past, address, actor));
    let now = facts(vec![
        ("State", state(Some(&past.now_is))),
        ("Tracked", revision_of(past.now_is.revision.as_ref())),
        ("Deployed", revision_of(past.now_is.deployed.as_ref())),
    ]);
    let (then, drift) = (then_facts(&past), drift(&past.drift));
    view! {
        {banner}
        {strip}
        <div class="flex flex-wrap gap-2">{actions}</div>
        <div class="grid gap-3 lg:grid-cols-2">
            <Part title="Then">
                <div class=format!("{PANEL} px-4 py-3")>{then}</div>
            </Part>
            <Part title="Now">
                <div class=format!("{PANEL} px-4 py-3")>{now}</div>
            </Part>
        </div>
        {drift}
    }
    .into_any()
}

/// What ran; what was tracked stands for it only where the cluster was as Git said.
fn ran(state: &StateThen) -> Option<&Revision> {
    let tracked = || {
        state
            .revision
            .as_ref()
            .filter(|_| state.sync == SyncStatus::Synced)
    };
    state.deployed.as_ref().or_else(tracked)
}

/// What one does with a time at which all was well, or was not.
fn next_steps(
    then: &Revision,
    past: &TargetPast,
    address: &Address,
    actor: Option<&Actor>,
) -> AnyView {
    let refused = refusal_on(actor, Permission::Rollback, &past.target.application);
    let now = ran(&past.now_is);
    let compare = now.filter(|now| *now != then).map(|now| {
        Address {
            tab: Tab::History,
            from: then.0.clone(),
            to: now.0.clone(),
            at: String::new(),
            ..address.clone()
        }
        .link()
    });
    let same = now == Some(then);
    view! {
        {compare
            .map(|href| {
                view! {
                    <LinkButton href=href look=Look::Plain>
                        "Compare with now"
                    </LinkButton>
                    <LinkButton href=rollback_address(&past.target, Some(then)) look=Look::Plain shape=Icon::Back refused=refused>
                        "Roll back to this"
                    </LinkButton>
                }
            })}
        {same.then(|| view! { <p class="text-sm text-muted">"The same commit is deployed now."</p> })}
    }
    .into_any()
}

fn then_facts(past: &TargetPast) -> AnyView {
    let then = past.then.as_ref();
    let tracked = then.and_then(|then| then.revision.as_ref());
    let deployed = then.and_then(|then| then.deployed.as_ref());
    let differs = deployed.is_some() && deployed != tracked;
    let mut pairs = vec![
        ("State", state(then)),
        ("Tracked", commit(past.commit.as_ref(), tracked)),
        (
            "Deployed",
            if differs {
                commit(past.deployed.as_ref(), deployed)
            } else {
                match deployed {
                    Some(_) => "the same".into_any(),
                    None => "not known".into_any(),
                }
            },
        ),
    ];
    if let Some(run) = &past.run {
        pairs.push((
            if run.ended_at.is_none_or(|end| end > past.at) {
                "Running sync"
            } else {
                "Last sync"
            },
            run_line(run),
        ));
    }
    facts(pairs)
}

fn run_line(run: &RunSummary) -> AnyView {
    view! {
        <a class="rounded-full" href=run_address(run.id)>
            {state_chip(phase_mark(run.phase))}
        </a>
        " "
        {run.started_by.words()}
        " · began "
        {ago(run.started_at)}
        " ago"
    }
    .into_any()
}

fn commit(commit: Option<&CommitInfo>, revision: Option<&Revision>) -> AnyView {
    match commit {
        Some(commit) => view! {
            <Sha revision=commit.revision.clone() />
            " "
            {commit.subject.clone()}
            <span class="text-muted">{format!(" · {}", commit.author)}</span>
        }
        .into_any(),
        None => revision_of(revision),
    }
}

fn revision_of(revision: Option<&Revision>) -> AnyView {
    match revision {
        Some(revision) => view! { <Sha revision=revision.clone() /> }.into_any(),
        None => "not known".into_any(),
    }
}

fn drift(rows: &[DriftRow]) -> AnyView {
    if rows.is_empty() {
        return ().into_any();
    }
    let title = format!(
        "{} then",
        format::plural(rows.len() as u64, "field had drifted", "fields had drifted")
    );
    let lines = rows
        .iter()
        .map(|row| {
            view! {
                <tr>
                    <td class=format!("{TD} font-medium")>{row.key.short()}</td>
                    <td class=format!("{TD} max-w-80 font-mono text-sm break-words")>{row.path.clone()}</td>
                    <td class=format!("{TD} max-w-72 font-mono text-sm break-words")>
                        {format::change(row.declared.as_ref(), row.live.as_ref())}
                    </td>
                    <td class=TD data-label="by">{row.manager.clone().unwrap_or_else(|| "unknown".to_owned())}</td>
                    <td class=format!("{TD} whitespace-nowrap text-muted") data-label="from">{format::absolute(row.opened_at)}</td>
                    <td class=format!("{TD} whitespace-nowrap text-muted") data-label="until">
                        {row.closed_at.map_or_else(|| "still open".to_owned(), format::absolute)}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Part title=title>
            <div class=format!("{PANEL} overflow-x-auto")>
                <table class=TABLE>
                    <thead>
                        <tr>{heads(&["Object", "Field", "Git → cluster", "By", "From", "Until"])}</tr>
                    </thead>
                    <tbody>{lines}</tbody>
                </table>
            </div>
        </Part>
    }
    .into_any()
}
