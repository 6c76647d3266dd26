//! One timeline of commits and actions: what changed, who did it, and what became of it.

use crate::api::fleet::activity;
use crate::components::clock::ago;
use crate::components::feedback::Empty;
use crate::components::icon::{Icon, icon};
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, PageHead};
use crate::components::plan_view::counts_words;
use crate::components::sha::Sha;
use crate::components::status::{Mark, chip, phase_mark, state_chip};
use crate::components::switcher::{Choice, Segments};
use crate::components::target_link::{TargetLink, commit_address, run_address, target_address};
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockstep_types::Micros;
use lockstep_types::activity::{ActivityEntry, ActivityView};
use lockstep_types::fleet::{CommitOnTarget, RolloutState};
use lockstep_types::revision::CommitInfo;
use lockstep_types::sync::RunSummary;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    filter: String,
    kind: String,
    before: Option<i64>,
}

impl Wanted {
    fn link(&self, kind: &str, before: Option<Micros>) -> String {
        let before = before.map(|before| before.0.to_string()).unwrap_or_default();
        format::link("/activity", &[("q", &self.filter), ("kind", kind), ("before", &before)])
    }
}

/// The page.
#[component]
pub fn ActivityPage() -> impl IntoView {
    let query = use_query_map();
    let wanted = Memo::new(move |_| {
        query.with(|query| Wanted {
            filter: query.get("q").unwrap_or_default(),
            kind: query.get("kind").unwrap_or_default(),
            before: query.get("before").and_then(|before| before.parse().ok()),
        })
    });
    let tick = ticks(|| Topic::All);
    let view: Loading<ActivityView> =
        Resource::new(move || (wanted.get(), tick.get()), |(wanted, _)| activity(wanted.filter, wanted.kind, wanted.before));
    view! {
        <Title text="Activity" />
        {loaded(view, move |view| show(view, &wanted.get()))}
    }
}

fn show(view: ActivityView, wanted: &Wanted) -> AnyView {
    let kinds = [("", "All"), ("commit", "Commits"), ("sync", "Syncs"), ("action", "Actions")];
    let choices = kinds.into_iter().map(|(kind, words)| Choice::words(words, wanted.link(kind, None), wanted.kind == kind)).collect();
    let filtered = !wanted.filter.is_empty();
    let newest = wanted.before.is_some().then(|| wanted.link(&wanted.kind, None));
    let older = view.next.map(|next| wanted.link(&wanted.kind, Some(next)));
    view! {
        <PageHead title="Activity" actions=view! { <Segments label="Which" choices=choices /> }.into_any() />
        {if view.entries.is_empty() {
            view! {
                <Empty title="Nothing here" shape=Icon::Activity>
                    <p>"Commits of the tracked repositories and everything done to them appear here."</p>
                    {filtered.then(|| view! { <a class=LINK href="/activity">"Show all activity"</a> })}
                </Empty>
            }
                .into_any()
        } else {
            days(view.entries)
        }}
        <nav aria-label="Pages" class="flex gap-4">
            {newest.map(|href| view! { <a class=LINK href=href>"Newest"</a> })}
            {older.map(|href| view! { <a class=LINK href=href>"Older"</a> })}
        </nav>
    }
    .into_any()
}

/// Entries under the day on which they happened.
fn days(entries: Vec<ActivityEntry>) -> AnyView {
    let mut groups: Vec<(String, Vec<ActivityEntry>)> = Vec::new();
    for entry in entries {
        let day = entry.at().rfc3339().chars().take(10).collect::<String>();
        match groups.last_mut() {
            Some((last, group)) if *last == day => group.push(entry),
            _ => groups.push((day, vec![entry])),
        }
    }
    groups
        .into_iter()
        .map(|(day, entries)| {
            view! {
                <section class="flex flex-col gap-2">
                    <h2 class="text-xs font-semibold text-muted">{day}</h2>
                    <ul class=format!("{PANEL} divide-y divide-line")>{entries.into_iter().map(entry).collect_view()}</ul>
                </section>
            }
        })
        .collect_view()
        .into_any()
}

fn line(shape: Icon, tone: Tone, at: Micros, what: AnyView, below: AnyView) -> AnyView {
    view! {
        <li class="flex gap-3 px-3 py-2.5 md:px-4">
            <span class=format!("mt-0.5 {}", tone.text())>{icon(shape)}</span>
            <div class="min-w-0 flex-1">
                <div class="break-words">{what}</div>
                <div class="mt-0.5 text-sm break-words text-muted">{below}</div>
            </div>
            <span class="text-sm whitespace-nowrap text-muted">{ago(at)}</span>
        </li>
    }
    .into_any()
}

fn entry(entry: ActivityEntry) -> AnyView {
    match entry {
        ActivityEntry::Commit { repo, commit, targets, lead_time_seconds, .. } => commit_line(&repo, commit, &targets, lead_time_seconds),
        ActivityEntry::Run(run) => run_line(run),
        ActivityEntry::Action { at, actor, action, subject, target, reason } => {
            let what = view! { <b class="font-medium">{actor}</b> " " {action} " " {match target {
                Some(target) => view! { <TargetLink target=target /> }.into_any(),
                None => view! { <span>{subject}</span> }.into_any(),
            }} };
            let reason = if reason.is_empty() { ().into_any() } else { format!("“{reason}”").into_any() };
            line(Icon::Person, Tone::Unknown, at, what.into_any(), reason)
        }
    }
}

fn commit_line(repo: &str, commit: CommitInfo, targets: &[CommitOnTarget], lead: Option<i64>) -> AnyView {
    let href = commit_address(repo, &commit.revision);
    let what = view! {
        <a class="font-medium hover:underline" href=href.clone() data-row>{commit.subject.clone()}</a>
    };
    let below = view! {
        <span class="flex flex-wrap items-center gap-x-2 gap-y-1">
            <Sha revision=commit.revision.clone() href=href /> <span>{repo.to_owned()}</span> <span>"by " {commit.author.clone()}</span>
            {states(targets)}
            {lead.map(|seconds| view! { <span title="From commit to live everywhere">{format!("live after {}", format::span(seconds))}</span> })}
        </span>
    };
    line(Icon::Commit, Tone::Unknown, commit.committed_at, what.into_any(), below.into_any())
}

/// `2 live`, `1 waiting`, `1 failed`: how many targets of a commit are in each state.
pub fn states(targets: &[CommitOnTarget]) -> AnyView {
    [RolloutState::Failed, RolloutState::Waiting, RolloutState::Live]
        .into_iter()
        .filter_map(|state| {
            let of_state: Vec<String> = targets
                .iter()
                .filter(|target| target.state == state)
                .map(|target| format!("{} on {}", target.target.application.name, target.target.cluster))
                .collect();
            (!of_state.is_empty()).then(|| {
                let mark = rollout_mark(state);
                view! { <span title=of_state.join(", ")>{chip(mark, format!("{} {}", of_state.len(), mark.word))}</span> }
            })
        })
        .collect_view()
        .into_any()
}

/// Live, waiting or failed as shape and word.
pub fn rollout_mark(state: RolloutState) -> Mark {
    let (icon, tone) = match state {
        RolloutState::Live => (Icon::Healthy, Tone::Ok),
        RolloutState::Waiting => (Icon::Missing, Tone::Run),
        RolloutState::Failed => (Icon::Degraded, Tone::Bad),
    };
    Mark { icon, tone, word: state.word() }
}

fn run_line(run: RunSummary) -> AnyView {
    let mark = phase_mark(run.phase);
    let what = view! {
        <a class="font-medium hover:underline" href=run_address(run.id) data-row>"Sync"</a>
        " of "
        <a class=LINK href=target_address(&run.target)>{format!("{} on {}", run.target.application.name, run.target.cluster)}</a>
        " by "
        {run.started_by.words()}
    };
    let lasted = run.ended_at.map(|ended| format!("in {}", format::duration(run.started_at, ended)));
    let below = view! {
        <span class="flex flex-wrap items-center gap-x-2 gap-y-1">
            {state_chip(mark)} <Sha revision=run.revision.clone() /> <span>{counts_words(&run.counts)}</span> <span>{lasted}</span>
            {(!run.message.is_empty()).then(|| view! { <span class="basis-full">{format::sentence_case(&run.message)}</span> })}
        </span>
    };
    line(mark.icon, mark.tone, run.started_at, what.into_any(), below.into_any())
}
