//! Text as it is: YAML with line numbers, patches with their colours.

use super::deceptive::{MOST_ROWS, left_out, marked};
use super::emphasis::{changed_parts, split};
use super::panel::PANEL;
use leptos::prelude::*;

/// Lines with numbers. Long lines scroll.
#[component]
pub fn Code(text: String, #[prop(into)] label: String) -> impl IntoView {
    let all = text.lines().count();
    let lines: Vec<String> = text
        .lines()
        .take(MOST_ROWS)
        .map(|line| marked(line).into_owned())
        .collect();
    view! {
        <div
            class=format!("{PANEL} overflow-x-auto bg-surface py-1.5 font-mono text-xs leading-[1.6]")
            role="region"
            aria-label=label
            tabindex="0"
        >
            <table class="border-collapse">
                <tbody>
                    {lines
                        .into_iter()
                        .enumerate()
                        .map(|(index, line)| {
                            view! {
                                <tr>
                                    <td class="w-10 pr-3 pl-2 text-right text-faint select-none" aria-hidden="true">
                                        {index + 1}
                                    </td>
                                    <td class="pr-4 whitespace-pre">{line}</td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
            {left_out(all).map(|words| view! { <p class="px-3 py-1 font-sans text-muted">{words}</p> })}
        </div>
    }
}

/// A unified diff as Git writes it, one block per file.
#[component]
pub fn Patch(text: String) -> impl IntoView {
    let files = split_files(&text);
    view! {
        <div class="flex min-w-0 flex-col gap-2">
            {files
                .into_iter()
                .map(|mut file| {
                    let rows = file.lines.len();
                    file.lines.truncate(MOST_ROWS);
                    view! {
                        <section class="min-w-0 overflow-hidden rounded-md border border-line font-mono text-xs leading-[1.6]">
                            <h3 class="bg-sunken px-2.5 py-1 font-sans text-muted">
                                <span class="break-all">{marked(&file.path).into_owned()}</span>
                                <span class="ml-2 text-faint">
                                    {format!("+{} −{}", file.added, file.removed)}
                                </span>
                            </h3>
                            <div class="overflow-x-auto" role="region" aria-label="Changed lines" tabindex="0">
                                <div class="w-max min-w-full">
                                    {emphasised(file.lines).into_iter().map(patch_line).collect_view()}
                                    {left_out(rows).map(|words| view! { <p class="px-2.5 py-1 font-sans text-muted">{words}</p> })}
                                </div>
                            </div>
                        </section>
                    }
                })
                .collect_view()}
        </div>
    }
}

/// The part of a patch that is about one file.
#[derive(Debug, PartialEq, Eq)]
struct PatchFile {
    path: String,
    added: usize,
    removed: usize,
    lines: Vec<String>,
}

fn split_files(patch: &str) -> Vec<PatchFile> {
    let mut files: Vec<PatchFile> = Vec::new();
    let mut in_head = true;
    for line in patch.lines() {
        if let Some(names) = line.strip_prefix("diff --git ") {
            let path = names.rsplit(" b/").next().unwrap_or(names).to_owned();
            files.push(PatchFile {
                path,
                added: 0,
                removed: 0,
                lines: Vec::new(),
            });
            in_head = true;
        } else if line.starts_with("--- ") && in_head {
            if files.is_empty() {
                files.push(PatchFile {
                    path: String::new(),
                    added: 0,
                    removed: 0,
                    lines: Vec::new(),
                });
            }
        } else if line.starts_with("+++ ") && in_head {
            if let Some(file) = files.last_mut().filter(|file| file.path.is_empty()) {
                file.path = line
                    .trim_start_matches("+++ ")
                    .trim_start_matches("b/")
                    .to_owned();
            }
        } else if line.starts_with("@@") {
            in_head = false;
            if let Some(file) = files.last_mut() {
                file.lines.push(line.to_owned());
            }
        } else if !in_head && let Some(file) = files.last_mut() {
            match line.as_bytes().first() {
                Some(b'+') => file.added += 1,
                Some(b'-') => file.removed += 1,
                _ => {}
            }
            file.lines.push(line.to_owned());
        }
    }
    files
}

/// Lines in parts: where as many lines went as came, what changed in each is emphasised.
fn emphasised(lines: Vec<String>) -> Vec<Vec<(bool, String)>> {
    let mut out: Vec<Vec<(bool, String)>> = lines
        .iter()
        .map(|line| vec![(false, line.clone())])
        .collect();
    let mut at = 0;
    while at < lines.len() {
        let run = |from: usize, sign: char| {
            lines[from..]
                .iter()
                .take_while(|line| line.starts_with(sign))
                .count()
        };
        let gone = run(at, '-');
        let came = run(at + gone, '+');
        if gone > 0 && gone == came {
            for (old, new) in (at..at + gone).zip(at + gone..) {
                let (left, right) = changed_parts(&lines[old][1..], &lines[new][1..]);
                out[old] = split(&lines[old], (left.0 + 1, left.1 + 1));
                out[new] = split(&lines[new], (right.0 + 1, right.1 + 1));
            }
        }
        at += (gone + came).max(1);
    }
    out
}

fn patch_line(parts: Vec<(bool, String)>) -> AnyView {
    let (class, strong) = match parts.first().and_then(|(_, text)| text.as_bytes().first()) {
        Some(b'+') => ("bg-add", "bg-add-strong"),
        Some(b'-') => ("bg-del", "bg-del-strong"),
        Some(b'@') => ("bg-sunken text-muted", ""),
        _ => ("", ""),
    };
    view! {
        <div class=format!("min-h-[1.6em] px-2.5 whitespace-pre {class}")>
            {parts
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
    fn paired_lines_are_emphasised() {
        let lines = ["@@", "-a: 1", "+a: 2", "-b", "+b", "+c"]
            .map(str::to_owned)
            .to_vec();
        let parts = emphasised(lines);
        assert_eq!(
            parts[1],
            [(false, "-a: ".to_owned()), (true, "1".to_owned())]
        );
        assert_eq!(
            parts[2],
            [(false, "+a: ".to_owned()), (true, "2".to_owned())]
        );
        assert_eq!(parts[5], [(false, "+c".to_owned())]);
    }

    #[test]
    fn a_patch_falls_into_files() {
        let patch = "diff --git a/x.yaml b/x.yaml\nindex 1..2 100644\n--- a/x.yaml\n+++ b/x.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n b: 3\ndiff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +0,0 @@\n--- not a head\n";
        let files = split_files(patch);
        assert_eq!(files.len(), 2);
        assert_eq!(
            (files[0].path.as_str(), files[0].added, files[0].removed),
            ("x.yaml", 1, 1)
        );
        assert_eq!(
            (files[1].path.as_str(), files[1].added, files[1].removed),
            ("y", 0, 1)
        );
        assert_eq!(files[1].lines, ["@@ -1 +0,0 @@", "--- not a head"]);
    }
}
