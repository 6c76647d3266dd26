use super::*;
use serde_json::json;

fn body() -> Value {
    json!({
        "metadata": {"annotations": {"a/b": "1", "plain": "2"}},
        "spec": {
            "replicas": 3,
            "template": {"spec": {"containers": [
                {"name": "web", "image": "a", "ready": true},
                {"name": "proxy-x", "image": "b", "port": 80},
            ]}},
        },
        "webhooks": [{"clientConfig": {"caBundle": "x"}}, {"clientConfig": {}}],
    })
}

/// Places as JSON pointers.
fn found(text: &str) -> String {
    match Places::parse(text) {
        Err(why) => format!("! {why}"),
        Ok(places) => places
            .find(&body())
            .iter()
            .map(|place| {
                place
                    .iter()
                    .map(|step| match step {
                        Step::Field(name) => format!("/{}", name.replace('/', "~1")),
                        Step::Index(index) => format!("/{index}"),
                    })
                    .collect::<String>()
            })
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// The expected places are what `jq -c 'path(…)'` prints for the same object.
#[test]
fn places_are_those_of_jq() {
    let containers = "/spec/template/spec/containers";
    for (text, expected) in [
        (".spec.replicas", "/spec/replicas".to_owned()),
        (" .spec | .replicas ", "/spec/replicas".to_owned()),
        (".spec.nothing.below", "/spec/nothing/below".to_owned()),
        (".spec.replicas.below?", String::new()),
        (
            r#".metadata.annotations."a/b", .metadata.annotations["plain"]"#,
            "/metadata/annotations/a~1b /metadata/annotations/plain".to_owned(),
        ),
        (
            ".webhooks[]?.clientConfig.caBundle",
            "/webhooks/0/clientConfig/caBundle /webhooks/1/clientConfig/caBundle".to_owned(),
        ),
        (".nothing[]?.a", String::new()),
        (".webhooks[-1]", "/webhooks/1".to_owned()),
        (
            ".webhooks.[0].clientConfig",
            "/webhooks/0/clientConfig".to_owned(),
        ),
        (
            ".metadata.annotations[]",
            "/metadata/annotations/a~1b /metadata/annotations/plain".to_owned(),
        ),
        (
            r#".spec.template.spec.containers[] | select(.name == "web").image"#,
            format!("{containers}/0/image"),
        ),
        (
            r#".spec.template.spec.containers[] | select(.name | startswith("proxy-")) | .image"#,
            format!("{containers}/1/image"),
        ),
        (
            r#".spec.template.spec.containers[] | select(.port == 80.0)"#,
            format!("{containers}/1"),
        ),
        (
            r#".spec.template.spec.containers[] | select(.name != "web" and (.port == 81 or .ready | not))"#,
            format!("{containers}/1"),
        ),
        (
            ".spec.template.spec.containers[] | select(.ready)",
            format!("{containers}/0"),
        ),
        (
            r#".spec.template.spec.containers[] | select(.name | contains("roxy")) , .image"#,
            format!("{containers}/0/image {containers}/1 {containers}/1/image"),
        ),
        (
            r#".webhooks[] | select(.clientConfig.caBundle == "x" | not)"#,
            "/webhooks/1".to_owned(),
        ),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
}

#[test]
fn attack_22_what_could_go_on_for_ever_is_not_understood() {
    let deep = format!("select({}.a{})", "(".repeat(100), ")".repeat(100));
    let long = format!(".a{}", ".a".repeat(5000));
    for text in [
        "",
        "def f: f; f",
        "[repeat(1)]",
        ".. | .a",
        ".a | keys",
        ".a[1:2]",
        ".a-b",
        ".a | select(.b | test(\"(a+)+$\"))",
        ".a | until(false; .)",
        r#".a["\(.b)"]"#,
        ".a[",
        ".a | select(.b == )",
        ".1",
        deep.as_str(),
        long.as_str(),
    ] {
        assert!(found(text).starts_with("! "), "{text}: {}", found(text));
    }
    assert_eq!(
        found(".data | keys"),
        "! “keys” is more than fields, list items and select, which is not understood"
    );
    // Much from little: bounded.
    let many = json!({"a": vec![vec![0; 1000]; 1000]});
    for text in [
        ".a[][]",
        ".a[] | select(.[] == 1)",
        ".a[], .a[], .a[] | .[], .[] | select(. == 1 or . == 2)",
    ] {
        let began = std::time::Instant::now();
        let found = Places::parse(text).unwrap().find(&many).len();
        assert!(found <= MOST_STEPS, "{text}: {found}");
        assert!(
            began.elapsed() < std::time::Duration::from_secs(2),
            "{text}"
        );
    }
}

#[test]
fn fuzz_jq() {
    crate::fuzzing::run(
        "jq",
        &[
            br#".a[]?."b"["c"][0] | select(.d == "e" or (.f|not)).g, .h"#,
            br#".webhooks[]?.clientConfig.caBundle"#,
        ],
        |bytes| {
            if let Ok(places) = Places::parse(&String::from_utf8_lossy(bytes)) {
                places.find(&body());
            }
        },
    );
}

#[test]
fn attack_22_places_that_double_end() {
    let doubling = ".,.|".repeat(40) + ".a";
    let places = Places::parse(&doubling).unwrap();
    assert!(places.find(&serde_json::json!({"a": 1})).len() <= MOST_STEPS);
    let chosen = ".,.|select(.a)|".repeat(40) + ".a";
    let places = Places::parse(&chosen).unwrap();
    assert!(places.find(&serde_json::json!({"a": 1})).len() <= MOST_STEPS);
}
