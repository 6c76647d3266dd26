use super::*;
use serde_json::json;
use std::time::{Duration, Instant};

/// Without optimisation, and beside other tests, everything takes longer.
const SLOW: u32 = 3;

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
    // As in kubectl, what is merged wins over what stands above it.
    assert_eq!(
        one("base: &b {x: 1}\nuse:\n  x: 3\n  <<: *b\n").unwrap()["use"],
        json!({"x": 1})
    );
    assert_eq!(
        one("base: &b {x: 1, z: 2}\nuse:\n  <<: *b\n  z: 3\n").unwrap()["use"],
        json!({"x": 1, "z": 3})
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
fn attack_07_alias_bomb_depth_huge_text_and_crowds_of_documents() {
    let mut laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h", "i"]
        .iter()
        .zip(["a", "b", "c", "d", "e", "f", "g", "h"])
    {
        let items = vec![format!("*{before}"); 9].join(",");
        laughs.push_str(&format!("{name}: &{name} [{items}]\n"));
    }
    let deep = format!("a: {}{}\n", "[".repeat(10_000), "]".repeat(10_000));
    let mut ladder = "a0: &a0 [x]\n".to_owned();
    for step in 1..200 {
        ladder.push_str(&format!("a{step}: &a{step} [*a{}]\n", step - 1));
    }
    let nested = format!(
        "a: {}{}{}\n",
        (0..90)
            .map(|level| format!("&n{level} ["))
            .collect::<String>(),
        "x,".repeat(50_000),
        "]".repeat(90)
    );
    let many = "---\na: 1\n".repeat(100_000);
    let huge = format!("a: \"{}\"\n", "x".repeat(20 * 1024 * 1024));
    for (name, text) in [
        ("aliases", laughs),
        ("depth", deep),
        ("depth by aliases", ladder),
        ("an anchor in itself", "a: &a [*a]\n".to_owned()),
        ("anchors in anchors", nested),
        ("documents", many),
        ("scalar", huge),
    ] {
        let start = Instant::now();
        assert!(one(&text).is_err(), "{name}");
        assert!(
            start.elapsed() < Duration::from_secs(1) * SLOW,
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

#[test]
fn attack_08_keys_twice_tabs_marks_and_bytes_that_are_no_text() {
    for (text, line, message) in [
        ("a: 1\nb: 2\na: 3\n", 3, "duplicate mapping key: a"),
        ("a: {b: 1, b: 1}\n", 1, "duplicate mapping key: b"),
        ("a: {yes: 1, 'true': 1}\n", 1, "duplicate mapping key: true"),
        ("a: 1\nnull: 2\n", 2, "a key is null"),
        ("a: 1\n[b]: 2\n", 2, "a key is a map or a list"),
        ("a: .inf\n", 1, "a number that is not finite"),
        ("a: 1\nb: !!int x\n", 2, "x cannot be read as !!int"),
        ("a: {<<: 1}\n", 1, "<< merges maps"),
        ("a: 1\nb: *gone\n", 2, "unknown anchor"),
    ] {
        let error = one(text).unwrap_err();
        assert!(
            error.line == Some(line) && error.message.contains(message),
            "{text}: {error:?}"
        );
    }
    let behind = one("--- {a: 1}\n").unwrap_err();
    assert!(
        behind.message.contains("behind the separator"),
        "{behind:?}"
    );
    let two = one("{a: 1}\n{b: 2}\n").unwrap_err();
    assert_eq!(two.line, Some(2), "{two:?}");
    // A map of any size knows its keys.
    let mut many: String = (0..1000).map(|key| format!("k{key}: 1\n")).collect();
    many.push_str("k7: 2\n");
    assert_eq!(one(&many).unwrap_err().line, Some(1001));
    let huge = one("a: 123456789012345678901234567890\nb: 18446744073709551616\n").unwrap();
    assert!(huge["a"].is_f64() && huge["b"].is_f64(), "{huge}");
}

#[test]
fn json_objects_need_no_separator() {
    let text = "# top\n---\n{\"a\": 1}\n\n{\"a\":\n 2}{\"a\": 3}\n";
    let found: Vec<(u32, Value)> = documents(text)
        .unwrap()
        .iter()
        .map(|document| (document.line, document.value().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            (3, json!({"a": 1})),
            (5, json!({"a": 2})),
            (6, json!({"a": 3}))
        ]
    );
}

#[test]
fn fuzz_yaml() {
    let odd = include_str!("../render/directory/kubectl.jsonl");
    let seeds: Vec<String> = odd
        .lines()
        .step_by(7)
        .filter_map(|line| {
            let case: Value = serde_json::from_str(line).ok()?;
            Some(case.get("text")?.as_str()?.to_owned())
        })
        .collect();
    let mut seeds: Vec<&[u8]> = seeds.iter().map(String::as_bytes).collect();
    seeds.push(b"a: &a [x, x]\nb: &b [*a, *a]\nc: {<<: [{k: 1}, {l: 2}], m: 3}\n");
    crate::fuzzing::run("yaml", &seeds, |bytes| {
        let Ok(text) = text_of(bytes) else { return };
        for document in documents(text).unwrap_or_default() {
            assert!(document.line >= 1);
            match (document.node(), document.value()) {
                (Ok(node), Ok(value)) => assert_eq!(node.value(), value),
                (Err(error), Err(_)) => assert!(error.line.is_none_or(|line| line >= 1)),
                both => unreachable!("{both:?}"),
            }
        }
    });
}
