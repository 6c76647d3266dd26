//! What differs, object by object and field by field: what is live, what Git declares, why they differ
//! and what applying does. Minus is the cluster now, plus is Git.

use super::clock::ago;
use super::icon::Icon;
use super::panel::tag;
use super::status::{Mark, chip};
use super::tone::Tone;
use leptos::prelude::*;
use lockstep_types::diff::{DiffClass, FieldChange, Impact, ResourceDiff, ResourceDiffKind};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// All objects of a comparison. `minus` and `plus` say what the two sides are.
#[component]
pub fn Diffs(
    diffs: Vec<ResourceDiff>,
    #[prop(optional)] minus: Option<&'static str>,
    #[prop(optional)] plus: Option<&'static str>,
) -> impl IntoView {
    let minus = minus.unwrap_or("in the cluster");
    let plus = plus.unwrap_or("in Git");
    view! {
        <div class="flex min-w-0 flex-col gap-3">
            <p class="text-xs text-muted">
                <span class="rounded-sm bg-del px-1.5 font-mono text-ink">"−"</span>
                " "
                {minus}
                <span class="ml-3 rounded-sm bg-add px-1.5 font-mono text-ink">"+"</span>
                " "
                {plus}
            </p>
            {diffs.into_iter().map(|diff| view! { <ObjectDiff diff=diff /> }).collect_view()}
        </div>
    }
}

/// One object.
#[component]
pub fn ObjectDiff(diff: ResourceDiff) -> impl IntoView {
    let (words, tone, icon) = match &diff.kind {
        ResourceDiffKind::Missing => ("missing in the cluster".to_owned(), Tone::Warn, Icon::Missing),
        ResourceDiffKind::Extra => ("no longer in Git".to_owned(), Tone::Bad, Icon::Trash),
        ResourceDiffKind::Differs => (String::new(), Tone::Run, Icon::OutOfSync),
        ResourceDiffKind::Unsure(_) => ("cannot be compared".to_owned(), Tone::Unknown, Icon::Unknown),
    };
    let note = match &diff.kind {
        ResourceDiffKind::Unsure(why) => Some(why.clone()),
        ResourceDiffKind::Missing if diff.changes.is_empty() => Some("A sync creates it.".to_owned()),
        ResourceDiffKind::Extra => Some("A sync with prune deletes it, after the prune gate has looked at it.".to_owned()),
        _ => None,
    };
    let whole = match diff.kind {
        ResourceDiffKind::Missing if diff.changes.is_empty() => diff.predicted_yaml.clone().map(|yaml| ('+', yaml)),
        ResourceDiffKind::Extra if diff.changes.is_empty() => diff.live_yaml.clone().map(|yaml| ('-', yaml)),
        _ => None,
    };
    let namespace = diff.key.namespace.clone();
    view! {
        <section class="min-w-0 overflow-hidden rounded-md border border-line bg-surface">
            <h3 class="flex flex-wrap items-center gap-x-2 gap-y-1 border-b border-line px-3 py-1.5">
                <span class="text-sm text-muted">{diff.key.kind.clone()}</span>
                <b class="font-semibold break-all">{diff.key.name.clone()}</b>
                {(!namespace.is_empty()).then(|| tag(namespace))}
                {(!words.is_empty()).then(|| chip(Mark { icon, tone, word: "" }, words))}
                {diff
                    .origin
                    .map(|origin| {
                        let line = origin.line.map(|line| format!(":{line}")).unwrap_or_default();
                        view! {
                            <span class="ml-auto font-mono text-xs break-all text-faint">{origin.path} {line}</span>
                        }
                    })}
            </h3>
            {note.map(|note| view! { <p class="px-3 py-1.5 text-sm text-muted">{note}</p> })}
            <div class="overflow-x-auto font-mono text-xs leading-[1.6]" role="region" aria-label="Changed fields" tabindex="0">
                <div class="w-max min-w-full">
                    {diff.changes.into_iter().map(|change| field(change)).collect_view()}
                    {whole.map(|(sign, yaml)| yaml.lines().map(|line| plain_line(sign, line.to_owned())).collect_view())}
                </div>
            </div>
        </section>
    }
}

/// One field: its path with why and what then, and both values.
pub fn field(change: FieldChange) -> AnyView {
    let ignored = matches!(change.class, DiffClass::Noise | DiffClass::OwnedByOther);
    let live = side(change.live.as_ref());
    let declared = side(change.declared.as_ref());
    let lines = if ignored { Vec::new() } else { value_lines(&live, &declared) };
    let who = change.manager.clone().map(|manager| {
        let operation = change.operation.clone().unwrap_or_default();
        let at = change.at.map(|at| view! { ", " {ago(at)} " ago" });
        view! {
            <span class="text-muted" title=format!("Field manager {manager} {operation}")>
                {manager.clone()}
                {at}
            </span>
        }
    });
    let shown = ignored.then(|| change.live.as_ref().map(crate::format::value).unwrap_or_default());
    view! {
        <div>
            <div class="sticky left-0 flex flex-wrap items-center gap-x-2 gap-y-0.5 bg-sunken px-2.5 py-1 font-sans">
                <span class="text-xs break-all text-ink">{change.path}</span>
                {shown.map(|value| view! { <span class="max-w-80 truncate font-mono text-muted" title=value.clone()>{value.clone()}</span> })}
                {class_chip(change.class)}
                {(!ignored).then(|| impact_chip(change.impact))}
                {who}
            </div>
            {lines.into_iter().map(line_view).collect_view()}
        </div>
    }
    .into_any()
}

fn class_chip(class: DiffClass) -> AnyView {
    match class {
        DiffClass::NotYetSynced => chip(Mark { icon: Icon::Commit, tone: Tone::Run, word: "" }, "not yet synced"),
        DiffClass::Drift => chip(Mark { icon: Icon::Drift, tone: Tone::Warn, word: "" }, "drift"),
        DiffClass::Noise => chip(Mark { icon: Icon::Unknown, tone: Tone::Unknown, word: "" }, "default, ignored"),
        DiffClass::OwnedByOther => chip(Mark { icon: Icon::Person, tone: Tone::Unknown, word: "" }, "owned by a controller"),
    }
}

/// What applying does, in the colour of its weight.
pub fn impact_chip(impact: Impact) -> AnyView {
    let (icon, tone) = match impact {
        Impact::DeletesData | Impact::Deletes => (Icon::Trash, Tone::Bad),
        Impact::Recreates => (Icon::Refresh, Tone::Bad),
        Impact::RestartsPods => (Icon::OutOfSync, Tone::Run),
        Impact::WidensAccess | Impact::Exposes => (Icon::Problem, Tone::Warn),
        Impact::Scales => (Icon::Fit, Tone::Run),
        Impact::Configures | Impact::MetadataOnly => (Icon::Settings, Tone::Unknown),
    };
    chip(Mark { icon, tone, word: "" }, impact.words())
}

fn side(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.trim_end_matches('\n').to_owned(),
        Some(scalar) if !scalar.is_object() && !scalar.is_array() => scalar.to_string(),
        Some(tree) => serde_json::to_string_pretty(tree).unwrap_or_default(),
    }
}

/// A line with its sign and parts, of which some are emphasised.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    sign: char,
    parts: Vec<(bool, String)>,
}

fn value_lines(live: &str, declared: &str) -> Vec<Line> {
    if live.is_empty() || declared.is_empty() || live.len() + declared.len() > 100_000 {
        let whole = |sign: char, text: &str| -> Vec<Line> {
            text.lines().map(|line| Line { sign, parts: vec![(false, line.to_owned())] }).collect()
        };
        let mut lines = whole('-', live);
        lines.extend(whole('+', declared));
        return lines;
    }
    let diff = TextDiff::from_lines(live, declared);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(3) {
        for op in group {
            for change in diff.iter_inline_changes(&op) {
                let sign = match change.tag() {
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                    ChangeTag::Equal => ' ',
                };
                let parts = change
                    .iter_strings_lossy()
                    .map(|(strong, text)| (strong, text.trim_end_matches('\n').to_owned()))
                    .collect();
                lines.push(Line { sign, parts });
            }
        }
    }
    lines
}

fn line_view(line: Line) -> AnyView {
    let (ground, strong) = match line.sign {
        '-' => ("bg-del", "bg-del-strong"),
        '+' => ("bg-add", "bg-add-strong"),
        _ => ("", ""),
    };
    view! {
        <div class=format!("px-2.5 whitespace-pre {ground}")>
            {format!("{} ", line.sign)}
            {line
                .parts
                .into_iter()
                .map(|(emphasised, text)| {
                    if emphasised {
                        view! { <b class=format!("rounded-[2px] font-medium {strong}")>{text}</b> }.into_any()
                    } else {
                        view! { <span>{text}</span> }.into_any()
                    }
                })
                .collect_view()}
        </div>
    }
    .into_any()
}

fn plain_line(sign: char, text: String) -> AnyView {
    line_view(Line { sign, parts: vec![(false, text)] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_emphasised() {
        let lines = value_lines("registry/checkout:2.9.0", "registry/checkout:2.9.1");
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].sign, lines[1].sign), ('-', '+'));
        let strong: String = lines[1].parts.iter().filter(|(strong, _)| *strong).map(|(_, text)| text.as_str()).collect();
        assert!(strong.ends_with('1') && strong.len() < "registry/checkout:2.9.1".len(), "{strong}");
    }

    #[test]
    fn an_absent_side_leaves_the_other_whole() {
        assert_eq!(value_lines("", "a\nb").iter().map(|line| line.sign).collect::<String>(), "++");
        assert_eq!(value_lines("a", "").len(), 1);
    }
}
