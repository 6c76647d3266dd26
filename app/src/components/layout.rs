//! The frame of every page: rail (on the phone a bar at the bottom), top bar with the filter box, live
//! badge, and what hangs over the page: palette and shortcut table.

use super::clock::Clock;
use super::icon::{Icon, icon};
use super::keys::{ShortcutTable, install};
use super::palette::{Palette, PaletteOpen};
use super::theme::ThemeSwitch;
use crate::api::session::{Session, read_session};
use crate::error::ApiError;
use crate::format;
use crate::live::{Live, LiveState, Topic, ticks};
use leptos::prelude::*;
use leptos::reactive::computed::ScopedFuture;
use leptos_router::components::{Form, Outlet, Redirect};
use leptos_router::hooks::{use_location, use_query_map};
use lockstep_types::account::Actor;

/// Who is here, for all pages below the frame.
pub type SessionResource = Resource<Result<Session, ApiError>>;

/// The session of this document.
pub fn use_session() -> Option<SessionResource> {
    use_context::<SessionResource>()
}

/// Who is here. Not followed: the session is read anew with every event, and a form that is drawn anew forgets what was
/// chosen in it. What else a page shows brings it up to date.
pub async fn acting(session: Option<SessionResource>) -> Option<Actor> {
    let session = ScopedFuture::new_untracked(session?.into_future()).await;
    session.ok().map(|session| session.actor)
}

/// The frame.
#[component]
pub fn Layout() -> impl IntoView {
    let live = Live::provide();
    let tick = ticks(|| Topic::All);
    let session: SessionResource = Resource::new(move || tick.get(), |_| read_session());
    provide_context(session);
    Effect::new(move |_| {
        if let Some(Ok(session)) = session.get() {
            live.start(session.head);
        }
    });
    let palette = PaletteOpen::provide();
    let table = RwSignal::new(false);
    install(palette, table);
    view! {
        <a
            href="#main"
            class="sr-only z-50 rounded bg-accent px-3 py-2 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
        >
            "Skip to content"
        </a>
        <div class="min-h-dvh md:grid md:grid-cols-[196px_minmax(0,1fr)]">
            <Rail session=session />
            <div class="flex min-w-0 flex-col">
                <TopBar session=session />
                <main id="main" tabindex="-1" class="flex min-w-0 flex-1 flex-col gap-4 px-3 pt-3 pb-20 outline-none md:px-5 md:pt-4.5 md:pb-8">
                    <Outlet />
                </main>
            </div>
        </div>
        <Palette />
        <ShortcutTable open=table />
    }
}

#[component]
fn Rail(session: SessionResource) -> impl IntoView {
    let count = move |pick: fn(&Session) -> u32, hot: bool| {
        view! {
            <Transition>
                {move || Suspend::new(async move {
                    let number = session.await.map_or(0, |session| pick(&session));
                    (number > 0)
                        .then(|| {
                            let colours = if hot { "bg-warn-soft text-warn" } else { "bg-unk-soft text-muted" };
                            view! {
                                <span class=format!(
                                    "absolute top-0.5 left-1/2 ml-1 rounded-full px-1.5 text-2xs leading-4 md:static md:ml-auto md:text-xs {colours}",
                                )>{format::count(number.into())}</span>
                            }
                        })
                })}
            </Transition>
        }
        .into_any()
    };
    view! {
        <nav
            aria-label="Main"
            class="fixed inset-x-0 bottom-0 z-20 flex justify-around border-t border-line bg-surface px-1 pb-[env(safe-area-inset-bottom)] md:sticky md:top-0 md:z-auto md:h-dvh md:flex-col md:justify-start md:gap-0.5 md:overflow-y-auto md:border-t-0 md:border-r md:px-2.5 md:py-3.5"
        >
            <a href="/" class="hidden items-center gap-2 px-2 pt-0.5 pb-3.5 text-lg font-semibold tracking-tight md:flex" aria-label="Lockstep, to the fleet">
                <Logo />
                "Lockstep"
            </a>
            <RailLink href="/" also="/apps" shape=Icon::Fleet word="Fleet" />
            <RailLink href="/drift" also="/drift" shape=Icon::Drift word="Drift" badge=count(|session| session.drift, false) />
            <RailLink href="/activity" also="/commits" shape=Icon::Activity word="Activity" />
            <RailLink href="/clusters" also="/clusters" shape=Icon::Clusters word="Clusters" />
            <RailLink href="/approvals" also="/approvals" shape=Icon::Approve word="Approvals" badge=count(|session| session.approvals, true) />
            <RailLink href="/problems" also="/problems" shape=Icon::Problem word="Problems" badge=count(|session| session.problems, false) />
            <RailLink href="/settings" also="/settings" shape=Icon::Settings word="Settings" />
            <div class="mt-auto hidden flex-col gap-1.5 px-2 pt-4 text-xs text-muted md:flex">
                <Transition>
                    {move || Suspend::new(async move {
                        match session.await {
                            Ok(session) => view! { <Person session=session /> }.into_any(),
                            Err(error) if error.is_unauthenticated() => view! { <ToLogin /> }.into_any(),
                            Err(_) => ().into_any(),
                        }
                    })}
                </Transition>
                <ThemeSwitch />
            </div>
        </nav>
    }
}

#[component]
fn ToLogin() -> impl IntoView {
    let location = use_location();
    let here = format!(
        "{}?{}",
        location.pathname.get_untracked(),
        location.search.get_untracked()
    );
    view! { <Redirect path=format::link("/login", &[("next", here.trim_end_matches('?'))]) /> }
}

#[component]
fn Person(session: Session) -> impl IntoView {
    view! {
        <div class="flex items-center justify-between gap-1">
            <span class="min-w-0">
                <span class="block truncate text-ink" title=session.actor.name.clone()>{session.actor.name.clone()}</span>
                {session.actor.role.word()}
                " · v"
                {session.version}
            </span>
            <form method="post" action="/logout">
                <button type="submit" title="Log out" aria-label="Log out" class="rounded p-1 text-faint hover:bg-sunken hover:text-ink">
                    {icon(Icon::Out)}
                </button>
            </form>
        </div>
    }
}

/// The mark of the product.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="size-5 flex-none fill-none stroke-accent stroke-[2.2]" viewBox="0 0 24 24" aria-hidden="true">
            <path d="M7 3v12a4 4 0 0 0 4 4h10" />
            <path d="M13 5v6a4 4 0 0 0 4 4h4" opacity=".55" />
        </svg>
    }
}

#[component]
fn RailLink(
    href: &'static str,
    /// Addresses below this belong to the link too.
    also: &'static str,
    shape: Icon,
    word: &'static str,
    #[prop(optional)] badge: Option<AnyView>,
) -> impl IntoView {
    let path = use_location().pathname;
    let current = move || {
        path.with(|path| {
            path == href
                || path.starts_with(also)
                || (also == "/apps"
                    && ["/syncs", "/parity", "/promote"]
                        .into_iter()
                        .any(|below| path.starts_with(below)))
        })
        .then_some("page")
    };
    view! {
        <a
            href=href
            aria-current=current
            class="relative flex min-w-0 flex-1 flex-col items-center gap-0.5 rounded-md px-0.5 py-1.5 text-[0.7rem] font-medium text-muted hover:bg-sunken hover:text-ink aria-[current]:text-accent md:flex-none md:flex-row md:gap-[9px] md:px-2 md:py-1.5 md:text-base md:aria-[current]:bg-accent-soft [&>svg]:size-[18px] md:[&>svg]:size-[15px]"
        >
            {icon(shape)}
            <span class="max-w-full truncate">{word}</span>
            {badge}
        </a>
    }
}

#[component]
fn TopBar(session: SessionResource) -> impl IntoView {
    let query = use_query_map();
    let path = use_location().pathname;
    let filter = Memo::new(move |_| query.with(|query| query.get("q").unwrap_or_default()));
    let view_mode = move || {
        query
            .with(|query| query.get("view"))
            .filter(|_| path.with(|path| path == "/"))
    };
    // A filter stays at the time that is looked at.
    let time = move || {
        let timed = path.with(|path| matches!(path.as_str(), "/" | "/drift"));
        let of = |name: &'static str| query.with(|query| query.get(name)).filter(|_| timed);
        ["at", "until"]
            .into_iter()
            .filter_map(|name| Some((name, of(name)?)))
            .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
            .collect_view()
    };
    let home = move || {
        path.with(|path| match path.as_str() {
            filtered @ ("/drift" | "/activity" | "/alerts" | "/parity") => filtered.to_owned(),
            _ => "/".to_owned(),
        })
    };
    let hint = move || match home().as_str() {
        "/drift" => "Filter drift: application, cluster, object, field, who",
        "/alerts" => "Filter alerts: application, cluster, condition, severity, words",
        "/activity" => "Filter activity: person, application, cluster, words",
        _ => "Filter or find: cluster:prod-* health:degraded is:drifting commit:3fa9 …",
    };
    let palette = PaletteOpen::current();
    view! {
        <header class="sticky top-0 z-10 flex items-center gap-3 border-b border-line bg-surface px-3 py-2 md:px-5 md:py-2.5">
            <Form method="GET" action=home attr:class="relative flex min-w-0 flex-1 items-center" attr:role="search">
                <span class="pointer-events-none absolute left-2.5 text-faint">{icon(Icon::Search)}</span>
                {move || view_mode().map(|mode| view! { <input type="hidden" name="view" value=mode /> })} {time}
                <input
                    id="filter"
                    name="q"
                    type="search"
                    value=move || filter.get()
                    prop:value=move || filter.get()
                    placeholder=hint
                    aria-label=hint
                    autocomplete="off"
                    spellcheck="false"
                    class="h-8 w-full min-w-0 rounded-md border border-control/60 bg-page pr-9 pl-8 font-mono text-sm text-ink placeholder:font-sans"
                />
                <kbd class="pointer-events-none absolute right-2.5 hidden rounded border border-line-strong bg-surface px-1.5 font-mono text-2xs text-muted md:inline" aria-hidden="true">
                    "/"
                </kbd>
            </Form>
            <Bell session=session />
            <LiveBadge />
            <button
                type="button"
                class="hidden rounded border border-line-strong px-1.5 font-mono text-2xs text-muted hover:text-ink md:inline"
                aria-label="Ctrl K, command palette"
                title="Command palette"
                on:click=move |_| palette.0.set(true)
            >
                "Ctrl K"
            </button>
        </header>
    }
}

/// Open alerts, on every page.
#[component]
fn Bell(session: SessionResource) -> impl IntoView {
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let open = session.await.map_or(0, |session| session.alerts);
                let words = if open == 0 {
                    "Alerts: none open".to_owned()
                } else {
                    format!("Alerts: {open} open")
                };
                view! {
                    <a
                        href="/alerts"
                        class="flex items-center gap-1 rounded-md p-1 text-muted hover:bg-sunken hover:text-ink"
                        title=words.clone()
                        aria-label=words
                    >
                        {icon(Icon::Bell)}
                        {(open > 0)
                            .then(|| {
                                view! {
                                    <span class="rounded-full bg-warn-soft px-1.5 text-xs leading-4 text-warn">
                                        {format::count(open.into())}
                                    </span>
                                }
                            })}
                    </a>
                }
            })}
        </Transition>
    }
}

#[component]
fn LiveBadge() -> impl IntoView {
    let live = use_context::<Live>();
    let clock = Clock::current();
    let state = move || live.map_or(LiveState::Still, Live::state);
    let (opened, seen) = (
        clock.0.get_untracked(),
        format::clock_time(clock.0.get_untracked()),
    );
    let words = move || match state() {
        LiveState::Still => format!("as of {seen}"),
        LiveState::Connected => "live".to_owned(),
        LiveState::Cut(since) => format!("cut off, {} old", format::relative(since, clock.now())),
        LiveState::Paused => "paused".to_owned(),
    };
    let title = move || match state() {
        LiveState::Still => format!(
            "This page was rendered at {}. It becomes live when the script has loaded.",
            format::absolute(opened)
        ),
        LiveState::Connected => "Changes arrive as they happen.".to_owned(),
        LiveState::Cut(_) => {
            "The event stream is cut. What you see may be old; it is tried again by itself."
                .to_owned()
        }
        LiveState::Paused => "The tab was hidden; it goes on where it stopped.".to_owned(),
    };
    let dot = move || match state() {
        LiveState::Connected => "size-[7px] rounded-full bg-ok",
        LiveState::Cut(_) => "size-[7px] rotate-45 bg-bad",
        LiveState::Still | LiveState::Paused => "size-[7px] rounded-full border border-control",
    };
    view! {
        <span class="flex items-center gap-1.5 text-sm whitespace-nowrap text-muted" role="status" title=title>
            <i class=dot></i>
            <span class="max-md:sr-only" class:text-bad=move || matches!(state(), LiveState::Cut(_))>
                {words}
            </span>
        </span>
    }
}
