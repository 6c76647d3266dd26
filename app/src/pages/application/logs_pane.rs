//! The log of an object in the drawer: which Pod and container, the last lines, and in the browser those that come.

use super::address::Address;
use super::log_feed::{FeedState, LogFeed, Numbered, stream_address};
use super::target_of;
use crate::api::logs::read_log;
use crate::components::button::{LinkButton, Look};
use crate::components::form::{FIELD, SelectField};
use crate::components::loaded::{Loading, loaded};
use crate::components::target_link::application_path;
use crate::format;
use leptos::html;
use leptos::prelude::*;
use leptos_router::components::Form;
use lockstep_types::application::ApplicationView;
use lockstep_types::id::TargetId;
use lockstep_types::log::{LogChoices, LogQuery, LogView};

/// What the page keeps for its logs.
#[derive(Clone, Copy)]
pub struct Logs {
    page: Loading<Option<(TargetId, LogView)>>,
    feed: LogFeed,
    /// The words that a line must have to be shown.
    words: RwSignal<String>,
    /// Whether there is a script to follow with.
    alive: RwSignal<bool>,
}

impl Logs {
    /// Reads what the address asks for, once: events of the application say nothing about logs.
    pub fn new(head: Loading<ApplicationView>, address: Memo<Address>) -> Self {
        let wanted = Memo::new(move |_| {
            address.with(|address| address.log().map(|query| (address.cluster.clone(), query)))
        });
        let page = Resource::new(
            move || wanted.get(),
            move |wanted| async move {
                let Some((cluster, query)) = wanted else {
                    return Ok(None);
                };
                let target = target_of(head, &cluster).await?;
                Ok(Some((target, read_log(target, query).await?)))
            },
        );
        let logs = Self {
            page,
            feed: LogFeed::new(),
            words: RwSignal::new(String::new()),
            alive: RwSignal::new(false),
        };
        Effect::new(move |before: Option<()>| {
            wanted.track();
            logs.alive.set(true);
            if before.is_some() {
                logs.feed.stop();
                logs.feed.lines.update(std::collections::VecDeque::clear);
            }
        });
        logs
    }

    /// The pane.
    pub fn pane(self, address: &Address) -> AnyView {
        let address = address.clone();
        loaded(self.page, move |page| match page {
            Some((target, view)) => self.found(target, view, &address),
            None => ().into_any(),
        })
    }

    fn found(self, target: TargetId, view: LogView, address: &Address) -> AnyView {
        let query = address.log().unwrap_or_default();
        let several = view
            .choices
            .meant(&query)
            .is_ok_and(|meant| meant.len() > 1);
        view! {
            <div class="flex flex-col gap-2.5">
                {choice(&view.choices, address, &query)} {self.bar(target, address, &query)}
                {view.missing.iter().map(|why| view! { <p class="text-sm text-warn">{format::sentence_case(why)}</p> }).collect_view()}
                {self.said()} {self.lines(view, several)}
            </div>
        }
        .into_any()
    }

    /// Follow, find, keep.
    fn bar(self, target: TargetId, address: &Address, query: &LogQuery) -> AnyView {
        let Some(id) = address.id else {
            return ().into_any();
        };
        let live = stream_address(
            id,
            target,
            &LogQuery {
                follow: true,
                ..query.clone()
            },
            false,
        );
        let whole = LogQuery {
            tail: lockstep_types::log::MOST_LINES,
            ..query.clone()
        };
        let file = stream_address(id, target, &whole, true);
        let following = move || self.feed.state.get() == FeedState::Following;
        let press = move |_| {
            if following() {
                self.feed.stop();
            } else {
                self.feed.follow(live.clone());
            }
        };
        let plain = Look::Plain.class();
        view! {
            <div class="flex flex-wrap items-center gap-2">
                <input
                    class=format!("{FIELD} min-w-0 flex-1 basis-40 py-1 text-sm")
                    class:hidden=move || !self.alive.get()
                    type="search"
                    placeholder="Only lines with …"
                    aria-label="Only lines with"
                    on:input:target=move |event| self.words.set(event.target().value())
                    prop:value=move || self.words.get()
                />
                <button type="button" class=plain class:hidden=move || !self.alive.get() aria-pressed=move || following().to_string() on:click=press>
                    {move || if following() { "Stop" } else { "Follow" }}
                </button>
                <LinkButton href=file look=Look::Plain attr:download="log.txt">
                    "Download"
                </LinkButton>
            </div>
        }
        .into_any()
    }

    /// What became of following.
    fn said(self) -> AnyView {
        view! {
            <p class="text-sm text-muted empty:hidden" role="status">
                {move || match self.feed.state.get() {
                    FeedState::Still => String::new(),
                    FeedState::Following => "Following; new lines appear below.".to_owned(),
                    FeedState::Ended => "The log has ended, or the connection has. Follow opens it again.".to_owned(),
                    FeedState::Failed(why) => format::sentence_case(&why),
                }}
            </p>
        }
        .into_any()
    }

    fn lines(self, view: LogView, several: bool) -> AnyView {
        let snapshot: Vec<Numbered> = (0..).zip(view.lines).collect();
        let none = snapshot.is_empty();
        let followed = move || {
            self.feed.state.get() != FeedState::Still
                || self.feed.lines.with(|lines| !lines.is_empty())
        };
        let shown = move || {
            let words = self.words.get().to_lowercase();
            let fits =
                |line: &Numbered| words.is_empty() || line.1.text.to_lowercase().contains(&words);
            let live = followed();
            let lines: Vec<(bool, Numbered)> = if live {
                self.feed.lines.with(|lines| {
                    lines
                        .iter()
                        .filter(|line| fits(line))
                        .map(|line| (live, line.clone()))
                        .collect()
                })
            } else {
                snapshot
                    .iter()
                    .filter(|line| fits(line))
                    .map(|line| (live, line.clone()))
                    .collect()
            };
            lines
        };
        let node = NodeRef::<html::Div>::new();
        let sticks = RwSignal::new(true);
        keep_at_end(self.feed, node, sticks);
        view! {
            {(none).then(|| view! { <p class="text-muted" class:hidden=followed>"Nothing has been written yet."</p> })}
            <div
                node_ref=node
                class="max-h-[58vh] overflow-y-auto rounded-md border border-line bg-page py-1.5 font-mono text-xs leading-[1.55]"
                class:hidden=move || none && !followed()
                role="log"
                aria-label="Log"
                aria-live="off"
                tabindex="0"
                on:scroll=move |_| sticks.set(is_at_end(node))
            >
                <For each=shown key=|(live, (number, _))| (*live, *number) let((_, (_, line)))>
                    <div class="flex gap-2.5 px-2 hover:bg-sunken">
                        <time class="flex-none text-faint tabular-nums select-none" title=line.at.map(format::absolute)>
                            {line.at.map(time_of_day)}
                        </time>
                        {several
                            .then(|| {
                                view! {
                                    <span class="w-16 flex-none truncate text-muted select-none" title=line.pod.clone()>
                                        {tail(&line.pod)}
                                    </span>
                                }
                            })}
                        <span class="min-w-0 break-all whitespace-pre-wrap">{line.text}</span>
                    </div>
                </For>
            </div>
        }
        .into_any()
    }
}

/// Pod, container, and the run before, as a form that works without a script.
fn choice(choices: &LogChoices, address: &Address, query: &LogQuery) -> AnyView {
    let path = address
        .id
        .map_or_else(|| "/".to_owned(), |id| application_path(id, &address.name));
    let node = address.node.as_ref().map(ToString::to_string);
    let mut pods: Vec<(String, String)> = choices
        .pods
        .iter()
        .map(|pod| (pod.name.clone(), pod.name.clone()))
        .collect();
    if pods.len() > 1 {
        pods.insert(0, (String::new(), format!("All {} Pods", pods.len())));
    }
    let mut containers: Vec<(String, String)> = Vec::new();
    for container in choices.pods.iter().flat_map(|pod| &pod.containers) {
        if containers.iter().all(|(name, _)| *name != container.name) {
            let restarts = choices
                .pods
                .iter()
                .flat_map(|pod| &pod.containers)
                .filter(|other| other.name == container.name)
                .map(|other| u64::from(other.restarts))
                .sum();
            let mut words = container.name.clone();
            if container.init {
                words.push_str(", runs first");
            }
            if restarts > 0 {
                words.push_str(&format!(
                    ", {}",
                    format::plural(restarts, "restart", "restarts")
                ));
            }
            containers.push((container.name.clone(), words));
        }
    }
    let first = choices.pods.first().map(|pod| pod.first.clone());
    let container = match query.container.as_str() {
        "" => first.unwrap_or_default(),
        named => named.to_owned(),
    };
    if choices.pods.is_empty() {
        return ().into_any();
    }
    let (cluster, pod, previous) = (address.cluster.clone(), query.pod.clone(), query.previous);
    view! {
        <Form method="GET" action=path attr:class="grid grid-cols-2 items-end gap-2 lg:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_auto_auto]" attr:aria-label="Whose log">
            <input type="hidden" name="cluster" value=cluster />
            <input type="hidden" name="node" value=node />
            <input type="hidden" name="pane" value="logs" />
            <SelectField name="pod" label="Pod" options=pods selected=pod />
            <SelectField name="container" label="Container" options=containers selected=container />
            <label class="flex h-8 items-center gap-1.5 text-sm whitespace-nowrap">
                <input type="checkbox" name="previous" value="1" checked=previous />
                "Run before"
            </label>
            <button type="submit" class=Look::Plain.class()>
                "Show"
            </button>
        </Form>
    }
    .into_any()
}

/// `14:02:11`.
fn time_of_day(at: lockstep_types::Micros) -> String {
    at.rfc3339().get(11..19).unwrap_or_default().to_owned()
}

/// The part of a Pod's name that tells it from its siblings.
fn tail(pod: &str) -> String {
    pod.rsplit('-').next().unwrap_or(pod).to_owned()
}

#[cfg(feature = "hydrate")]
fn is_at_end(node: NodeRef<html::Div>) -> bool {
    node.get_untracked()
        .is_none_or(|node| node.scroll_top() + node.client_height() >= node.scroll_height() - 24)
}

#[cfg(not(feature = "hydrate"))]
fn is_at_end(_: NodeRef<html::Div>) -> bool {
    true
}

/// Shows the end while nobody has scrolled away from it.
#[cfg(feature = "hydrate")]
fn keep_at_end(feed: LogFeed, node: NodeRef<html::Div>, sticks: RwSignal<bool>) {
    Effect::new(move |_| {
        feed.lines.track();
        if let Some(node) = node.get()
            && sticks.get_untracked()
        {
            request_animation_frame(move || node.set_scroll_top(node.scroll_height()));
        }
    });
}

#[cfg(not(feature = "hydrate"))]
fn keep_at_end(_: LogFeed, _: NodeRef<html::Div>, _: RwSignal<bool>) {}
