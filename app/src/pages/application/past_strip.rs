//! When a target turned, around a time: a strip to scale, and its stretches as links.

use super::Address;
use crate::components::status::{chip, health_mark, sync_mark};
use crate::components::tone::Tone;
use crate::format;
use leptos::prelude::*;
use lockstep_types::Micros;
use lockstep_types::diff::SyncStatus;
use lockstep_types::past::{StoodFor, TargetPast};

/// How far the strip reaches to either side, in seconds.
const HALF: i64 = 12 * 3_600;
/// The strip's own units across.
const WIDTH: f64 = 1_000.0;
/// Stretches that are named; the strip has all of them.
const NAMED: usize = 12;

/// The part of time that is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scale {
    begin: Micros,
    end: Micros,
}

impl Scale {
    /// `None` when nothing was recorded around the time.
    fn of(past: &TargetPast) -> Option<Self> {
        let (first, last) = (past.around.first()?, past.around.last()?);
        let end = last.to.unwrap_or(past.now).min(past.now);
        let begin = first.from.max(past.at.plus_seconds(-HALF));
        Some(Self {
            begin,
            // Not before it, not even where a clock was set back.
            end: end.min(past.at.plus_seconds(HALF)).max(begin),
        })
    }

    /// Where a moment is, from 0 to [`WIDTH`].
    fn x(self, at: Micros) -> f64 {
        let whole = (self.end.0 - self.begin.0).max(1) as f64;
        let part = (at.0.clamp(self.begin.0, self.end.0) - self.begin.0) as f64;
        part / whole * WIDTH
    }
}

/// The strip and the list; nothing when there is nothing to draw.
pub fn strip(past: &TargetPast, address: &Address) -> AnyView {
    let Some(scale) = Scale::of(past) else {
        return ().into_any();
    };
    let rects = past
        .around
        .iter()
        .map(|stood| {
            let (from, to) = (scale.x(stood.from), scale.x(stood.to.unwrap_or(scale.end)));
            let width = (to - from).max(2.0);
            view! { <rect x=format!("{from:.1}") y="3" width=format!("{width:.1}") height="14" class=fill(look(stood).0) /> }
        })
        .collect_view();
    let here = format!("{:.1}", scale.x(past.at) - 1.5);
    let end = match scale.end == past.now {
        true => "now".to_owned(),
        false => format::absolute(scale.end),
    };
    view! {
        <section aria-label="How it stood around that time" class="flex flex-col gap-1.5">
            <svg class="h-5 w-full" viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">
                {rects}
                <rect x=here y="0" width="3" height="20" class="fill-ink" />
            </svg>
            <p class="flex justify-between text-xs text-muted tabular-nums">
                <span>{format::absolute(scale.begin)}</span>
                <span>{end}</span>
            </p>
            {stretches(past, scale, address)}
        </section>
    }
    .into_any()
}

/// The stretches nearest to the time, oldest first.
fn stretches(past: &TargetPast, scale: Scale, address: &Address) -> AnyView {
    let at = past
        .around
        .iter()
        .rposition(|stood| stood.from <= past.at)
        .unwrap_or(0);
    let first = at.saturating_sub(NAMED / 2);
    let items = past
        .around
        .iter()
        .enumerate()
        .skip(first)
        .take(NAMED)
        .map(|(index, stood)| {
            let (tone, words) = look(stood);
            let mark = match health_mark(stood.health) {
                mark if mark.tone == tone => mark,
                _ => sync_mark(stood.sync),
            };
            let lasted = match stood.to {
                Some(to) => format!("for {}", format::span(to.seconds_since(stood.from))),
                None => "until now".to_owned(),
            };
            let from = stood.from.max(scale.begin);
            view! {
                <li>
                    <a
                        class="inline-flex items-center gap-1.5 rounded-md px-1 py-0.5 hover:bg-sunken aria-[current]:bg-sunken"
                        href=address.past_link(from)
                        aria-current=(index == at).then_some("true")
                    >
                        {chip(mark, words)}
                        <span class="text-xs text-muted tabular-nums">{format!("{} {lasted}", format::clock_time(stood.from))}</span>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! { <ol class="flex flex-wrap gap-x-2 gap-y-1">{items}</ol> }.into_any()
}

/// The worse axis gives the colour, both give the words.
fn look(stood: &StoodFor) -> (Tone, String) {
    let (sync, health) = (sync_mark(stood.sync), health_mark(stood.health));
    let tone = match (health.tone, stood.sync) {
        (Tone::Ok, SyncStatus::OutOfSync) => Tone::Run,
        (Tone::Ok, _) => sync.tone,
        (tone, _) => tone,
    };
    (tone, format!("{}, {}", sync.word, health.word))
}

fn fill(tone: Tone) -> &'static str {
    match tone {
        Tone::Ok => "fill-ok",
        Tone::Run => "fill-run",
        Tone::Warn => "fill-warn",
        Tone::Bad => "fill-bad",
        Tone::Idle => "fill-idle",
        Tone::Unknown => "fill-unk",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_drawn_to_scale_and_never_outside() {
        let scale = Scale {
            begin: Micros(1_000),
            end: Micros(3_000),
        };
        for (at, x) in [
            (1_000, 0.0),
            (2_000, 500.0),
            (3_000, 1_000.0),
            (0, 0.0),
            (9_000, 1_000.0),
        ] {
            assert!((scale.x(Micros(at)) - x).abs() < 1e-9, "{at}");
        }
        let nothing = Scale {
            begin: Micros(5),
            end: Micros(5),
        };
        assert!(nothing.x(Micros(5)).abs() < 1e-9);
    }
}
