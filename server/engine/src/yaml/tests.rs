use super::*;
use serde_json::json;
use std::time::{Duration, Instant};

fn one(text: &str) -> Result<Value, YamlError> {
    documents(text)?.first().expect("a document").value()
}

#[test]
fn splits_at_separators_and_knows_lines() {
    let text =
        "# top\n---\n\na: 1\n---\n# nothing\n--- # note\n{b: 2}\n...\n---\nc: |\n  ---\n  x\n";
    let found: Vec<(u32, Value)> = documents(text)
        .unwrap()
        .iter()
        .map(|document| (document.line, document.value().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            (4, json!({"a": 1})),
            (8, json!({"b": 2})),
            (11, json!({"c": "---\nx\n"}))
        ]
    );
}

#[test]
fn reads_scalars_as_kubernetes_does() {
    // As `kubectl label --local -o json` shows it.
    for (text, expected) in [
        ("yes", json!(true)),
        ("Off", json!(false)),
        ("0755", json!(493)),
        ("0x1F", json!(31)),
        ("\"yes\"", json!("yes")),
        ("~", json!(null)),
        ("1.0", json!(1)),
        ("1e3", json!(1000)),
        (".5", json!(0.5)),
        ("08", json!(8)),
        ("0o14", json!(12)),
        ("1_000", json!(1000)),
        ("y", json!(true)),
        ("2026-11-23", json!("2026-11-23")),
        ("12:30:45", json!("12:30:45")),
        ("18446744073709551615", json!(u64::MAX)),
        ("v1", json!("v1")),
    ] {
        assert_eq!(
            one(&format!("a: {text}\n")).unwrap()["a"],
            expected,
            "{text}"
        );
    }
}

#[test]
fn anchors_and_merges_stay_within_a_document() {
    assert_eq!(
        one("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n").unwrap()["use"],
        json!({"x": 1, "y": 3})
    );
    let text = "a: &x 1\n---\nb: *x\n";
    let second = documents(text).unwrap()[1].value().unwrap_err();
    assert_eq!(second.line, Some(3), "{second:?}");
}

#[test]
fn errors_name_the_line_of_the_file() {
    for (text, line) in [
        ("a: 1\n---\nb: 1\nc: 2\nb: 3\n", 5),
        ("a: 1\n---\nb:\n\tc: 1\n", 4),
        ("a: 1\n---\nb: [1\n", 3),
    ] {
        let error = documents(text).unwrap()[1].value().unwrap_err();
        assert!(
            error.line.is_some_and(|found| found >= line),
            "{text}: {error:?}"
        );
        assert!(!error.message.contains("line "), "{error:?}");
    }
    assert_eq!(text_of(b"a: 1\nb: \xff\n").unwrap_err().line, Some(2));
    assert_eq!(text_of(b"a: 1\nb: \0\n").unwrap_err().line, Some(2));
    assert_eq!(text_of(b"\xef\xbb\xbfa: 1").unwrap(), "a: 1");
}

#[test]
fn bombs_end_at_a_budget() {
    let mut laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h", "i"]
        .iter()
        .zip(["a", "b", "c", "d", "e", "f", "g", "h"])
    {
        let items = vec![format!("*{before}"); 9].join(",");
        laughs.push_str(&format!("{name}: &{name} [{items}]\n"));
    }
    let deep = format!("a: {}{}\n", "[".repeat(10_000), "]".repeat(10_000));
    let many = "---\na: 1\n".repeat(100_000);
    let huge = format!("a: \"{}\"\n", "x".repeat(20 * 1024 * 1024));
    for (name, text) in [
        ("aliases", laughs),
        ("depth", deep),
        ("documents", many),
        ("scalar", huge),
    ] {
        let start = Instant::now();
        assert!(one(&text).is_err(), "{name}");
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{name} took {:?}",
            start.elapsed()
        );
    }
}

#[test]
fn nodes_know_their_lines() {
    let text = "x: 1\n---\nspec:\n  list:\n    - a\n    - b: 2\n  text: c\n";
    let node = documents(text).unwrap()[1].node().unwrap();
    let spec = node.get("spec").unwrap();
    let list = spec.get("list").unwrap();
    let Kind::List(items) = &list.kind else {
        unreachable!("a list")
    };
    assert_eq!(
        (spec.line, list.line, items[0].line, items[1].line),
        (3, 4, 5, 6)
    );
    assert_eq!(spec.get("text").unwrap().line, 7);
    assert_eq!(
        node.value(),
        json!({"spec": {"list": ["a", {"b": 2}], "text": "c"}})
    );
}
