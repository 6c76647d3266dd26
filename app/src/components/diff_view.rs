//! What differs, object by object and field by field: what is live, what Git declares, why they differ
//! and what applying does. Minus is the cluster now, plus is Git.

use super::clock::ago;
use super::deceptive::{MOST_ROWS, left_out, marked};
use super::emphasis::{changed_parts, split};
use super::icon::Icon;
use super::panel::tag;
use super::status::{Mark, chip};
use super::tone::Tone;
use leptos::prelude::*;
use lockstep_types::diff::{DiffClass, FieldChange, Impact, ResourceDiff, ResourceDiffKind};
use serde_json::Value;
use similar::{DiffTag, TextDiff};

/// All objects of a comparison. `minus` and `plus` say what the two sides are.
#[component]
pub fn Diffs(
    diffs: Vec<ResourceDiff>,
    #[prop(optional)] minus: Option<&'static str>,
    #[prop(optional)] plus: Option<&'static str>,
    #[prop(optional)] bare: bool,
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
            {diffs.into_iter().map(|diff| view! { <ObjectDiff diff=diff bare=bare /> }).collect_view()}
        </div>
    }
}

/// One object. `bare` leaves its name out, where it stands above already.
#[component]
pub fn ObjectDiff(diff: ResourceDiff, #[prop(optional)] bare: bool) -> impl IntoView {
    let (words, tone, icon) = match &diff.kind {
        ResourceDiffKind::Missing => (
            "missing in the cluster".to_owned(),
            Tone::Warn,
            Icon::Missing,
        ),
        ResourceDiffKind::Extra => ("no longer in Git".to_owned(), Tone::Bad, Icon::Trash),
        ResourceDiffKind::Differs => (String::new(), Tone::Run, Icon::OutOfSync),
        ResourceDiffKind::Unsure(_) => (
            "cannot be compared".to_owned(),
            Tone::Unknown,
            Icon::Unknown,
        ),
    };
    let note = match &diff.kind {
        ResourceDiffKind::Unsure(why) => Some(why.clone()),
        ResourceDiffKind::Missing if diff.changes.is_empty() => {
            Some("A sync creates it.".to_owned())
        }
        ResourceDiffKind::Extra => {
            Some("A sync with prune deletes it, after the prune gate has looked at it.".to_owned())
        }
        _ => None,
    };
    let whole = match diff.kind {
        ResourceDiffKind::Missing if diff.changes.is_empty() => {
            diff.predicted_yaml.clone().map(|yaml| ('+', yaml))
        }
        ResourceDiffKind::Extra if diff.changes.is_empty() => {
            diff.live_yaml.clone().map(|yaml| ('-', yaml))
        }
        _ => None,
    };
    let namespace = diff.key.namespace.clone();
    view! {
        <section class="min-w-0 overflow-hidden rounded-md border border-line bg-surface">
            <h3 class="flex flex-wrap items-center gap-x-2 gap-y-1 px-2.5 py-1.5">
                {(!bare)
                    .then(|| {
                        view! {
                            <span class="text-sm font-normal text-muted">{diff.key.kind.clone()}</span>
                            <b class="font-semibold break-all">{diff.key.name.clone()}</b>
                            {(!namespace.is_empty()).then(|| tag(namespace))}
                        }
                    })}
                {(!words.is_empty()).then(|| chip(Mark { icon, tone, word: "" }, words))}
                {diff
                    .origin
                    .map(|origin| {
                        let line = origin.line.map(|line| format!(":{line}")).unwrap_or_default();
                        view! {
                            <span class="font-mono text-xs font-normal break-all text-faint">{origin.path} {line}</span>
                        }
                    })}
            </h3>
            {note.map(|note| view! { <p class="px-3 py-1.5 text-sm text-muted">{note}</p> })}
            {diff.changes.into_iter().map(field).collect_view()}
            {whole
                .map(|(sign, yaml)| {
                    lines_view(yaml.lines().map(|line| self::whole(sign, line)).collect(), diff.key.short())
                })}
        </section>
    }
}

/// One field: its path with why and what then, and both values.
pub fn field(change: FieldChange) -> AnyView {
    let ignored = matches!(change.class, DiffClass::Noise | DiffClass::OwnedByOther);
    let live = side(change.live.as_ref());
    let declared = side(change.declared.as_ref());
    let lines = if ignored {
        Vec::new()
    } else {
        value_lines(&live, &declared)
    };
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
    let path = change.path;
    let shown = ignored.then(|| {
        change
            .live
            .as_ref()
            .map(|value| marked(&crate::format::value(value)).into_owned())
            .unwrap_or_default()
    });
    view! {
        <div class="border-t border-line">
            <div class="flex flex-wrap items-center gap-x-2 gap-y-1 bg-sunken px-2.5 py-1 text-xs">
                <span class="break-all text-ink">{path.clone()}</span>
                {shown.map(|value| view! { <span class="max-w-80 truncate font-mono text-muted" title=value.clone()>{value.clone()}</span> })}
                {class_chip(change.class)}
                {(!ignored).then(|| impact_chip(change.impact))}
                {who}
            </div>
            {(!lines.is_empty()).then(|| lines_view(lines, path))}
        </div>
    }
    .into_any()
}

fn lines_view(mut lines: Vec<Line>, of: String) -> AnyView {
    let more = left_out(lines.len());
    lines.truncate(MOST_ROWS);
    view! {
        <div class="overflow-x-auto py-0.5 font-mono text-xs leading-[1.6]" role="region" aria-label=format!("Values of {of}") tabindex="0">
            <div class="w-max min-w-full">{lines.into_iter().map(line_view).collect_view()}</div>
            {more.map(|words| view! { <p class="px-2.5 py-1 font-sans text-muted">{words}</p> })}
        </div>
    }
    .into_any()
}

fn class_chip(class: DiffClass) -> AnyView {
    match class {
        DiffClass::NotYetSynced => chip(
            Mark {
                icon: Icon::Commit,
                tone: Tone::Run,
                word: "",
            },
            "not yet synced",
        ),
        DiffClass::Drift => chip(
            Mark {
                icon: Icon::Drift,
                tone: Tone::Warn,
                word: "",
            },
            "drift",
        ),
        DiffClass::Noise => chip(
            Mark {
                icon: Icon::Unknown,
                tone: Tone::Unknown,
                word: "",
            },
            "default, ignored",
        ),
        DiffClass::OwnedByOther => chip(
            Mark {
                icon: Icon::Person,
                tone: Tone::Unknown,
                word: "",
            },
            "owned by a controller",
        ),
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
    chip(
        Mark {
            icon,
            tone,
            word: "",
        },
        impact.words(),
    )
}

fn side(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.trim_end_matches('\n').to_owned(),
        Some(scalar) if !scalar.is_object() && !scalar.is_array() => scalar.to_string(),
        Some(tree) => {
            let mut lines = Vec::new();
            yaml(tree, 0, &mut lines);
            lines.join("\n")
        }
    }
}

/// Writes a tree as people write it in manifests. Only for reading: strings are quoted where they would
/// read as something else.
fn yaml(value: &Value, indent: usize, lines: &mut Vec<String>) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                if is_leaf(value) {
                    lines.push(format!("{pad}{key}: {}", scalar(value)));
                } else {
                    lines.push(format!("{pad}{key}:"));
                    yaml(value, indent + 2, lines);
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                if is_leaf(item) {
                    lines.push(format!("{pad}- {}", scalar(item)));
                    continue;
                }
                let first = lines.len();
                yaml(item, indent + 2, lines);
                if let Some(line) = lines.get_mut(first) {
                    line.replace_range(indent..indent + 1, "-");
                }
            }
        }
        leaf => lines.push(format!("{pad}{}", scalar(leaf))),
    }
}

fn is_leaf(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
                && !text.contains(": ")
                && !text.contains(" #")
                && !text.contains('\n')
                && !matches!(
                    text.as_str(),
                    "true" | "false" | "null" | "yes" | "no" | "on" | "off"
                );
            if plain {
                text.clone()
            } else {
                value.to_string()
            }
        }
        other => other.to_string(),
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
        let mut lines: Vec<Line> = live.lines().map(|line| whole('-', line)).collect();
        lines.extend(declared.lines().map(|line| whole('+', line)));
        return lines;
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (live.lines().collect(), declared.lines().collect());
    let diff = TextDiff::from_slices(&old, &new);
    let mut lines = Vec::new();
    for op in diff.grouped_ops(3).into_iter().flatten() {
        let (left, right) = (&old[op.old_range()], &new[op.new_range()]);
        match op.tag() {
            DiffTag::Equal => lines.extend(left.iter().map(|line| whole(' ', line))),
            DiffTag::Replace if left.len() == right.len() => {
                let pairs: Vec<_> = left
                    .iter()
                    .zip(right)
                    .map(|(left, right)| changed_parts(left, right))
                    .collect();
                lines.extend(left.iter().zip(&pairs).map(|(line, pair)| Line {
                    sign: '-',
                    parts: split(line, pair.0),
                }));
                lines.extend(right.iter().zip(&pairs).map(|(line, pair)| Line {
                    sign: '+',
                    parts: split(line, pair.1),
                }));
            }
            DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => {
                lines.extend(left.iter().map(|line| whole('-', line)));
                lines.extend(right.iter().map(|line| whole('+', line)));
            }
        }
    }
    lines
}

fn whole(sign: char, line: &str) -> Line {
    Line {
        sign,
        parts: vec![(false, line.to_owned())],
    }
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
                        view! { <b class=format!("rounded-[2px] font-medium {strong}")>{marked(&text).into_owned()}</b> }.into_any()
                    } else {
                        view! { <span>{marked(&text).into_owned()}</span> }.into_any()
                    }
                })
                .collect_view()}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_emphasised() {
        let lines = value_lines("registry/checkout:2.9.0", "registry/checkout:2.9.1");
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].sign, lines[1].sign), ('-', '+'));
        let strong: String = lines[1]
            .parts
            .iter()
            .filter(|(strong, _)| *strong)
            .map(|(_, text)| text.as_str())
            .collect();
        assert_eq!(strong, "2.9.1");
    }

    #[test]
    fn trees_are_written_as_manifests_are() {
        let mut lines = Vec::new();
        yaml(
            &serde_json::json!([{"name": "POOL", "value": "40"}, {"ports": [80], "empty": {}}]),
            0,
            &mut lines,
        );
        assert_eq!(
            lines,
            [
                "- name: POOL",
                "  value: \"40\"",
                "- empty: {}",
                "  ports:",
                "    - 80"
            ]
        );
    }

    #[test]
    fn an_absent_side_leaves_the_other_whole() {
        assert_eq!(
            value_lines("", "a\nb")
                .iter()
                .map(|line| line.sign)
                .collect::<String>(),
            "++"
        );
        assert_eq!(value_lines("a", "").len(), 1);
    }
}
