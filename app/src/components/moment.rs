//! Looking at an earlier time: the button that chooses it, and the banner that says so. The time is in the address (`at`),
//! so it works by plain links and forms, and can be sent to somebody.

use super::button::Look;
use super::form::FIELD;
use super::icon::{Icon, icon};
use super::panel::LINK;
use super::reason::Banner;
use super::tone::Tone;
use crate::format;
use leptos::prelude::*;
use lockstep_types::Micros;

/// Words and seconds of what is offered by a click.
const OFFERED: [(&str, i64); 6] = [
    ("15 minutes ago", 900),
    ("1 hour ago", 3_600),
    ("6 hours ago", 21_600),
    ("a day ago", 86_400),
    ("a week ago", 604_800),
    ("30 days ago", 2_592_000),
];

/// The moment as it stands in an address.
pub fn in_address(at: Micros) -> String {
    at.exact()
}

/// The button with its choices. `path` is the page; `keep` is what else its address says.
pub fn as_of(path: &str, keep: &[(&'static str, String)], now: Micros) -> AnyView {
    let links = OFFERED
        .into_iter()
        .map(|(words, seconds)| {
            let at = in_address(now.plus_seconds(-seconds));
            let mut query: Vec<(&str, &str)> = keep
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            query.push(("at", &at));
            view! {
                <li>
                    <a class="block rounded px-2 py-1 hover:bg-sunken" href=format::link(path, &query)>
                        {words}
                    </a>
                </li>
            }
        })
        .collect_view();
    let kept = keep
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| view! { <input type="hidden" name=*name value=value.clone() /> })
        .collect_view();
    let latest = now.rfc3339().get(..16).unwrap_or_default().to_owned();
    view! {
        <details class="relative">
            <summary class=format!("{} list-none", Look::Quiet.class()) title="How it was at an earlier time">
                {icon(Icon::Clock)}
                "As of"
            </summary>
            <div class="absolute z-20 mt-1 flex w-64 flex-col gap-2 rounded-lg border border-line-strong bg-raised p-2.5 shadow-card max-md:fixed max-md:inset-x-3 max-md:w-auto md:right-0">
                <ul class="text-sm">{links}</ul>
                <form method="get" action=path.to_owned() class="flex flex-col gap-1.5 border-t border-line px-2 pt-2.5">
                    {kept}
                    <label class="text-sm font-medium" for="as-of">
                        "Another time (UTC)"
                    </label>
                    <input class=FIELD id="as-of" type="datetime-local" name="at" max=latest required=true />
                    <button type="submit" class=Look::Plain.class()>
                        "Show"
                    </button>
                </form>
            </div>
        </details>
    }
    .into_any()
}

/// What to say of a moment before the first record; nothing when there are records.
pub fn unrecorded(at: Micros, recorded_since: Option<Micros>) -> String {
    match recorded_since {
        Some(since) if since <= at => String::new(),
        Some(since) => format!("Nothing was recorded before {}. ", format::absolute(since)),
        None => "Nothing was recorded yet. ".to_owned(),
    }
}

/// Says that what is shown is past, and leads back. `note` stands before the rest.
pub fn past_banner(at: Micros, note: String, now: Micros, back: String) -> AnyView {
    let lead = format!(
        "As it was at {}, {} ago",
        format::absolute(at),
        format::relative(at, now)
    );
    let rest = view! {
        {note}
        "Nothing here is live. "
        <a class=LINK href=back>
            "Back to now"
        </a>
    }
    .into_any();
    view! { <Banner tone=Tone::Idle shape=Icon::Clock lead=lead.into_any() rest=rest /> }.into_any()
}
