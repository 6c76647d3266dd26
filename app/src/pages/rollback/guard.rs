//! What keeps a rollback back: closed windows and holds, each with the way to override it, and a second person.

use crate::components::button::refusal_on;
use crate::components::panel::{PANEL, Part};
use crate::components::reason::Banner;
use crate::components::tone::Tone;
use crate::format;
use leptos::prelude::*;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::ask::{Obstacle, second_person};
use lockstep_types::rollback::RollbackPreview;

/// Everything that guards going this way.
pub(super) fn guards(
    preview: &RollbackPreview,
    pin: bool,
    asks: &[String],
    actor: Option<&Actor>,
) -> AnyView {
    let obstacles = preview.in_the_way(pin);
    view! {
        {(!asks.is_empty())
            .then(|| {
                view! {
                    <Banner
                        tone=Tone::Idle
                        lead=format!("{}.", format::sentence_case(&second_person(asks))).into_any()
                        rest="It waits under Approvals for a day; nothing is written before somebody else agrees to exactly this.".into_any()
                    />
                }
            })}
        {(!obstacles.is_empty()).then(|| in_the_way(&obstacles, actor))}
    }
    .into_any()
}

/// The same window on several clusters is one line.
fn in_the_way(obstacles: &[&Obstacle], actor: Option<&Actor>) -> AnyView {
    let mut names: Vec<&str> = Vec::new();
    for obstacle in obstacles {
        if !names.contains(&obstacle.name.as_str()) {
            names.push(&obstacle.name);
        }
    }
    let lines = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let of: Vec<&Obstacle> = obstacles
                .iter()
                .filter(|obstacle| obstacle.name == *name)
                .copied()
                .collect();
            line(index, name, &of, actor)
        })
        .collect_view();
    view! {
        <Part title="In the way">
            <ul class=format!("{PANEL} flex flex-col gap-2.5 px-3 py-2.5")>{lines}</ul>
            <p class="text-sm text-muted">
                "What is in the way is waited for: what syncs by itself does so when it is gone, anything else is synced by hand then. To override it, tick it and say why; the audit log keeps both."
            </p>
        </Part>
    }
    .into_any()
}

fn line(index: usize, name: &str, of: &[&Obstacle], actor: Option<&Actor>) -> AnyView {
    let refused = of
        .iter()
        .find_map(|obstacle| refusal_on(actor, Permission::Override, &obstacle.target.application));
    let clusters: Vec<&str> = of
        .iter()
        .map(|obstacle| obstacle.target.cluster.as_str())
        .collect();
    let words = of
        .first()
        .map(|obstacle| format::sentence_case(&obstacle.words))
        .unwrap_or_default();
    let clusters = clusters.join(", ");
    let disabled = refused.is_some();
    view! {
        <li>
            <label class="flex items-start gap-2.5">
                <input
                    class="mt-1"
                    type="checkbox"
                    name=format!("options[overrides][{index}]")
                    value=name.to_owned()
                    disabled=disabled
                />
                <span class="min-w-0">
                    <span class="block break-words">{words}</span>
                    <span class="block text-sm text-muted">
                        {match refused {
                            Some(why) => format!("On {clusters}. {why}"),
                            None => format!("On {clusters}. Ticked: it is not waited for."),
                        }}
                    </span>
                </span>
            </label>
        </li>
    }
    .into_any()
}
