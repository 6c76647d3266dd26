//! One timeline of commits, syncs and people's acts.

use crate::api::fleet::activity;
use crate::components::button::{LinkButton, Look};
use crate::components::clock::ago;
use crate::components::feedback::Empty;
use crate::components::icon::{Icon, icon};
use crate::components::loaded::{Loading, loaded};
use crate::components::panel::{LINK, PANEL, PageHead};
use crate::components::plan_view::counts_words;
use crate::components::status::{Mark, chip, phase_mark, state_chip};
use crate::components::switcher::{Choice, Segments};
use crate::components::target_link::{TargetLink, commit_address, run_address};
use crate::components::tone::Tone;
use crate::format;
use crate::live::{Topic, ticks};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockstep_types::activity::{ActivityEntry, ActivityView};
use lockstep_types::fleet::{CommitOnTarget, RolloutState};
use lockstep_types::pull::{CommitPull, approval_words};
use lockstep_types::sync::{RunSummary, SyncPhase};

/// What the address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    filter: String,
    kind: String,
    /// `none`: only commits of which no approval is known.
    approval: String,
    before: String,
}

impl Wanted {
    /// The page with other rows of the same filter.
    fn link(&self, kind: &str, approval: &str) -> String {
        let parts = [
            ("q", self.filter.as_str()),
            ("kind", kind),
            ("approval", approval),
        ];
        format::link("/activity", &parts)
    }
}

/// The page.
#[component]
pub fn ActivityPage() -> impl IntoView {
    let query = use_query_map();
    let wanted: Memo<Wanted> = Memo::new(move |_| {
        let get = |name: &str| query.with(|query| query.get(name).unwrap_or_default());
        Wanted {
            filter: get("q"),
            kind: get("kind"),
            approval: get("approval"),
            before: get("before"),
        }
    });
    let tick = ticks(|| Topic::All);
    let view: Loading<ActivityView> = Resource::new(
        move || (wanted.get(), tick.get()),
        |(wanted, _)| {
            let before = wanted.before.parse().ok();
            activity(wanted.filter, wanted.kind, wanted.approval, before)
        },
    );
    view! {
        <Title text="Activity" />
        {loaded(view, move |view| page(view, wanted.get()))}
    }
}

fn page(view: ActivityView, wanted: Wanted) -> AnyView {
    let choices = [
        ("", "", "All"),
        ("commit", "", "Commits"),
        ("commit", "none", "Not approved"),
        ("sync", "", "Syncs"),
        ("action", "", "People"),
    ]
    .into_iter()
    .map(|(kind, approval, words)| {
        let here = (kind, approval) == (wanted.kind.as_str(), wanted.approval.as_str());
        Choice::words(words, wanted.link(kind, approval), here)
    })
    .collect();
    let older = view.next.map(|next| {
        format::link(
            "/activity",
            &[
                ("q", &wanted.filter),
                ("kind", &wanted.kind),
                ("approval", &wanted.approval),
                ("before", &next.0.to_string()),
            ],
        )
    });
    let older_words = match view.entries.is_empty() {
        true => "Search further back",
        false => "Older",
    };
    let newest = (!wanted.before.is_empty()).then(|| wanted.link(&wanted.kind, &wanted.approval));
    let file = |form: &'static str| {
        let parts = [
            ("format", form),
            ("filter", &wanted.filter),
            ("kind", &wanted.kind),
            ("approval", &wanted.approval),
        ];
        format::link("/api/v1/activity", &parts)
    };
    let actions = view! {
        <span class="text-sm text-muted">
            "Export "
            <a class=LINK href=file("csv") rel="external" download="activity.csv">
                "CSV"
            </a>
            " · "
            <a class=LINK href=file("jsonl") rel="external" download="activity.jsonl">
                "JSON Lines"
            </a>
        </span>
        <a class=format!("text-sm {LINK}") href="/preview">
            "What would a branch do?"
        </a>
        <Segments label="Kind" choices=choices />
    }
    .into_any();
    let body = if let Some(next) = view.next.filter(|_| view.entries.is_empty()) {
        let title = format!("Nothing back to {}", format::absolute(next));
        view! {
            <Empty title=title shape=Icon::Activity>
                "Thousands of entries were searched, and none has these words. Older ones may."
            </Empty>
        }
        .into_any()
    } else if view.entries.is_empty() && wanted.approval == "none" {
        view! {
            <Empty title="Nothing here" shape=Icon::Activity>
                "Commits that came without a pull request, or whose pull request nobody else approved, appear here."
            </Empty>
        }
        .into_any()
    } else if view.entries.is_empty() {
        view! {
            <Empty title="Nothing here" shape=Icon::Activity>
                "Commits of the tracked repositories, syncs, and what people do appear here as one line of time."
            </Empty>
        }
        .into_any()
    } else {
        view! {
            <ol class=format!("{PANEL} divide-y divide-line")>
                {view.entries.into_iter().map(|entry| view! { <li>{entry_view(entry)}</li> }).collect_view()}
            </ol>
        }
        .into_any()
    };
    view! {
        <PageHead title="Activity" actions=actions />
        {body}
        <nav aria-label="Pages" class="flex gap-2">
            {newest.map(|href| view! { <LinkButton href=href look=Look::Plain>"Newest"</LinkButton> })}
            {older.map(|href| view! { <LinkButton href=href look=Look::Plain>{older_words}</LinkButton> })}
        </nav>
    }
    .into_any()
}

fn line(shape: Icon, tone: Tone, lead: AnyView, below: AnyView, aside: AnyView) -> AnyView {
    view! {
        <div class="flex items-start gap-2.5 px-3 py-2">
            <span class=format!("mt-[3px] {}", tone.text())>{icon(shape)}</span>
            <div class="min-w-0 flex-1">
                <p class="break-words">{lead}</p>
                <div class="mt-0.5 text-sm break-words text-muted">{below}</div>
            </div>
            <span class="text-sm whitespace-nowrap text-faint">{aside}</span>
        </div>
    }
    .into_any()
}

fn entry_view(entry: ActivityEntry) -> AnyView {
    let at = ago(entry.at());
    match entry {
        ActivityEntry::Commit {
            repo,
            repo_url,
            commit,
            targets,
            lead_time_seconds,
            pull,
        } => {
            let lead = view! {
                <a class="font-medium hover:underline" href=commit_address(&repo, &commit.revision) data-row>
                    {commit.subject.clone()}
                </a>
                " "
                <span class="font-mono text-sm text-muted">{commit.revision.short().to_owned()}</span>
            }
            .into_any();
            let below = view! {
                {commit.author.clone()}
                " · "
                {format::repository(&repo_url).to_owned()}
                " · "
                {approval(pull.as_ref())}
                {(!targets.is_empty()).then(|| view! { " · " {rollout_words(&targets)} })}
                {lead_time_seconds.map(|seconds| format!(" · live everywhere after {}", format::span(seconds)))}
            }
            .into_any();
            line(Icon::Commit, Tone::Run, lead, below, at)
        }
        ActivityEntry::Run(run) => run_line(run, at),
        ActivityEntry::Action {
            actor,
            action,
            subject,
            target,
            reason,
            ..
        } => {
            let lead = view! {
                <b class="font-medium">{actor}</b>
                {format!(": {action} ")}
                {match target {
                    Some(target) => view! { <TargetLink target=target /> }.into_any(),
                    None => subject.into_any(),
                }}
            }
            .into_any();
            let below = (!reason.is_empty())
                .then(|| format!("“{reason}”"))
                .into_any();
            line(Icon::Person, Tone::Unknown, lead, below, at)
        }
    }
}

/// `#7, approved by ana`, with a link to the host.
pub(super) fn approval(pull: Option<&CommitPull>) -> AnyView {
    let words = approval_words(pull);
    let web = pull.and_then(|pull| format::web_address(&pull.address));
    match (pull, web) {
        (Some(pull), Some(web)) => view! {
            <a class=LINK href=web.to_owned() title=pull.title.clone() rel="external noreferrer">
                {words}
            </a>
        }
        .into_any(),
        _ => words.into_any(),
    }
}

fn run_line(run: RunSummary, at: AnyView) -> AnyView {
    let mark = phase_mark(run.phase);
    let lead = view! {
        <a class="font-medium hover:underline" href=run_address(run.id) data-row>
            "Sync of "
            {crate::components::target_link::target_words(&run.target)}
        </a>
        " "
        {state_chip(mark)}
    }
    .into_any();
    let subject = run
        .commit
        .as_ref()
        .map(|commit| commit.subject.clone())
        .unwrap_or_default();
    let failed = run.phase == SyncPhase::Failed;
    let once = run.once.words();
    let below = view! {
        "by "
        {run.started_by.words()}
        " · "
        <span class="font-mono">{run.revision.short().to_owned()}</span>
        {format!(" {subject} · {}", counts_words(&run.counts))}
        {(!once.is_empty()).then(|| format!(" · {once}"))}
        {failed.then(|| view! { <span class="block text-bad">{run.message.clone()}</span> })}
    }
    .into_any();
    line(mark.icon, mark.tone, lead, below, at)
}

/// `live on 1 of 3, 1 waiting, 1 failed`.
fn rollout_words(targets: &[CommitOnTarget]) -> AnyView {
    let count = |state: RolloutState| {
        targets
            .iter()
            .filter(|target| target.state == state)
            .count()
    };
    let (live, waiting, failed) = (
        count(RolloutState::Live),
        count(RolloutState::Waiting),
        count(RolloutState::Failed),
    );
    view! {
        <span class="text-ink">{format!("live on {live} of {}", targets.len())}</span>
        {(waiting > 0).then(|| format!(", {waiting} waiting"))}
        {(failed > 0).then(|| view! { " " {chip(Mark { icon: Icon::Degraded, tone: Tone::Bad, word: "" }, format!("{failed} failed"))} })}
    }
    .into_any()
}
