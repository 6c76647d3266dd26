//! What pages make of text that means harm. Every text is a text node, links lead where https leads, and long listings end.

use super::{get, on_server};
use app::components::code::{Code, Patch};
use app::components::diff_view::{Diffs, field};
use leptos::prelude::*;
use lockstep_types::diff::{DiffClass, FieldChange, Impact, ResourceDiff, ResourceDiffKind};
use lockstep_types::resource::ResourceKey;
use std::path::{Path, PathBuf};

const HARM: &str = "</script><img src=x onerror=alert(1)>\"'><svg/onload=alert(1)>\u{2028}<!--";

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).expect("a file");
            found.push((path, text));
        }
    }
}

fn all_sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    sources(&root.join("src"), &mut found);
    sources(&root.join("../frontend/src"), &mut found);
    assert!(found.len() > 60, "{} files", found.len());
    found
}

/// Renders a view as the server does.
fn html<V: IntoView + 'static>(view: impl FnOnce() -> V) -> String {
    let owner = Owner::new();
    owner.with(|| view().into_view().to_html())
}

#[test]
fn attack_53_no_page_can_write_html() {
    for (path, text) in all_sources() {
        for sink in [
            "inner_html",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "insert_adjacent_html",
            "document.write",
            "eval(",
            "new Function",
        ] {
            assert!(!text.contains(sink), "{}: {sink}", path.display());
        }
    }
}

#[test]
fn attack_53_names_values_and_lines_are_text() {
    let change = || FieldChange {
        path: HARM.to_owned(),
        declared: Some(serde_json::json!(HARM)),
        live: Some(serde_json::json!({ HARM: HARM })),
        class: DiffClass::Drift,
        manager: Some(HARM.to_owned()),
        operation: Some(HARM.to_owned()),
        at: None,
        impact: Impact::Configures,
    };
    let diff = ResourceDiff {
        key: ResourceKey::new("apps", HARM, HARM, HARM),
        kind: ResourceDiffKind::Unsure(HARM.to_owned()),
        changes: vec![change()],
        live_yaml: Some(HARM.to_owned()),
        predicted_yaml: Some(HARM.to_owned()),
        origin: None,
    };
    let patch =
        format!("diff --git a/{HARM} b/{HARM}\n--- a\n+++ b\n@@ {HARM}\n-{HARM}\n+{HARM}2\n");
    for shown in [
        html(|| view! { <Code text=HARM.to_owned() label=HARM /> }),
        html(move || view! { <Patch text=patch /> }),
        html(move || field(change())),
        html(move || view! { <Diffs diffs=vec![diff] /> }),
    ] {
        assert!(shown.contains("&lt;img") && shown.len() > 100, "{shown}");
        for raw in ["<img", "<svg/onload", "</script", "\"'>"] {
            assert!(!shown.contains(raw), "{raw} in {shown}");
        }
    }
}

/// The tags of a page as a browser finds them, without the values of their attributes.
fn tags(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let mut tag = String::from("<");
        let mut quote = None;
        let mut end = after.len();
        for (at, letter) in after.char_indices() {
            match (quote, letter) {
                (None, '>') => {
                    end = at + 1;
                    break;
                }
                (None, '"' | '\'') => quote = Some(letter),
                (None, letter) => tag.push(letter),
                (Some(open), letter) if letter == open => quote = None,
                (Some(_), _) => {}
            }
        }
        rest = &after[end..];
        // What a script holds is no tag, up to the first end of one.
        if tag.starts_with("<script") {
            rest = rest.split_once("</script").map_or("", |(_, rest)| rest);
        }
        found.push(tag);
    }
    found
}

#[test]
fn attack_53_54_what_an_address_says_is_text_in_the_page_and_in_its_state() {
    on_server(async {
        let harm: String = HARM.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for address in [
            format!("/?q={harm}"),
            format!("/?view={harm}&commit={harm}"),
            format!("/drift?q={harm}"),
            format!("/activity?q={harm}&kind={harm}"),
            format!("/problems?q={harm}"),
            format!("/settings?tab={harm}"),
            format!("/clusters/{harm}"),
            format!("/commits/{harm}/{harm}"),
            format!("/{harm}"),
        ] {
            let page = get(&address).await;
            let tags = tags(&page.html);
            assert!(tags.len() > 20, "{address}");
            for tag in tags {
                assert!(
                    !tag.starts_with("<img") && !tag.contains("onload") && !tag.contains("onerror"),
                    "{address}: {tag}"
                );
            }
            assert!(page.html.contains("</html>"), "{address}");
        }
    });
}

/// Every link to another site is made from an address that was checked: by `format::web_address`, or by the server's own
/// list of links (see its attack_52).
#[test]
fn attack_52_links_to_other_sites_come_from_checked_addresses() {
    for url in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "http://git.example.com/a.git",
        "ssh://git@git.example.com/a.git",
        "git@git.example.com:a.git",
        " https://git.example.com/a.git",
        "https://user:pass@git.example.com/a.git",
        "//git.example.com/a.git",
        "file:///etc/passwd",
    ] {
        assert_eq!(app::format::web_address(url), None, "{url}");
    }
    let mut links = 0;
    for (path, text) in all_sources() {
        for (number, line) in text.lines().enumerate() {
            let place = format!("{}:{}", path.display(), number + 1);
            if line.contains("rel=\"external noreferrer\"") {
                links += 1;
                let checked = ["href=web.to_owned()", "href=web ", "href=href.clone()"];
                assert!(
                    checked.iter().any(|made| line.contains(made)),
                    "{place}: {line}"
                );
            }
            // Nothing is loaded from, sent to or opened at an address of data.
            for sink in [
                "<iframe",
                "<object",
                "<embed",
                "<base",
                "srcdoc",
                "open_with_url",
            ] {
                assert!(!line.contains(sink), "{place}: {sink}");
            }
            assert!(
                !line.contains("target=\"_blank\""),
                "{place}: without rel=noopener"
            );
        }
    }
    assert!(links >= 4, "{links} links were found");
}

#[test]
fn attack_56_long_listings_end_and_deceptive_letters_show() {
    let patch = (0..50_000).fold(
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1,50000 @@\n".to_owned(),
        |text, number| text + &format!("+line {number}\n"),
    );
    let began = std::time::Instant::now();
    let shown = html(move || view! { <Patch text=patch /> });
    assert!(shown.contains("48001 more lines"), "{} bytes", shown.len());
    assert!(shown.len() < 1_000_000, "{} bytes", shown.len());
    let long = "a: b\n".repeat(50_000);
    let shown = html(move || view! { <Code text=long label="a" /> });
    assert!(shown.contains("48000 more lines") && shown.len() < 1_000_000);
    assert!(began.elapsed() < std::time::Duration::from_secs(20));
    let shown = html(|| view! { <Code text="image: \u{202e}gpj.exe".to_owned() label="a" /> });
    assert!(shown.contains("⟨U+202E⟩") && !shown.contains('\u{202e}'));
}
