//! What goes and what comes, and that nothing else does.

use super::*;
use serde_json::json;

const FILE: &str = "# the shop
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports:
    - port: 80
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app: web  # never change this
    # who to call
    team: cart
  annotations:
    note: |
      one

      two
spec:
  template:
    spec:
      nodeSelector:
        disk: fast

      containers:
      - name: web
        image: \"web:1\"
        # settings
        env:
        - name: A
          value: '1'

        # the other
        - value: '2'
          name: B
        args: [\"-a\", \"-b\"]
      - image: proxy:1
        name: proxy
# the end
";

fn object(body: &Value) -> Within<'_> {
    Within {
        kind: "Deployment",
        name: "web",
        body,
    }
}

fn body() -> Value {
    yaml::documents(FILE).unwrap()[1].value().unwrap()
}

/// Lines that are gone and lines that came, each with its sign.
fn changed(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = old
        .iter()
        .zip(&new)
        .take_while(|(one, two)| one == two)
        .count();
    let tail = old[head..]
        .iter()
        .rev()
        .zip(new[head..].iter().rev())
        .take_while(|(one, two)| one == two)
        .count();
    let gone = old[head..old.len() - tail]
        .iter()
        .map(|line| format!("-{line}"));
    let came = new[head..new.len() - tail]
        .iter()
        .map(|line| format!("+{line}"));
    gone.chain(came).collect()
}

#[test]
fn a_field_or_an_item_goes_with_its_lines_alone() {
    let body = body();
    for (path, line, expected) in [
        ("metadata.labels.team", 16, vec!["-    team: cart"]),
        (
            "metadata.labels.app",
            14,
            vec!["-    app: web  # never change this"],
        ),
        // The map would be empty.
        (
            "metadata.annotations.note",
            17,
            vec![
                "-  annotations:",
                "-    note: |",
                "-      one",
                "-",
                "-      two",
            ],
        ),
        (
            "spec.template.spec.nodeSelector.disk",
            25,
            vec!["-      nodeSelector:", "-        disk: fast"],
        ),
        (
            "spec.template.spec.containers[name=web].env[name=A]",
            33,
            vec!["-        - name: A", "-          value: '1'"],
        ),
        (
            "spec.template.spec.containers[name=web].env[name=B]",
            37,
            vec!["-        - value: '2'", "-          name: B"],
        ),
        // The dash moves on.
        (
            "spec.template.spec.containers[name=web].env[name=B].value",
            37,
            vec![
                "-        - value: '2'",
                "-          name: B",
                "+        - name: B",
            ],
        ),
        (
            "spec.template.spec.containers[name=web].args",
            39,
            vec!["-        args: [\"-a\", \"-b\"]"],
        ),
        (
            "spec.template.spec.containers[name=proxy]",
            40,
            vec!["-      - image: proxy:1", "-        name: proxy"],
        ),
    ] {
        let (now, at) = without(FILE, &object(&body), path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(
            (changed(FILE, &now), at),
            (expected.into_iter().map(str::to_owned).collect(), line,),
            "{path}"
        );
    }
}

#[test]
fn all_of_a_list_goes_with_its_key() {
    let body = body();
    let env = "spec.template.spec.containers[name=web].env";
    let (now, _) = without(FILE, &object(&body), env).unwrap();
    let gone = changed(FILE, &now);
    assert_eq!(
        (gone.first().map(String::as_str), gone.len()),
        (Some("-        env:"), 7)
    );
    assert!(now.contains("        # settings\n        args:"), "{now}");
}

#[test]
fn what_is_written_otherwise_is_left_alone() {
    let body = body();
    for path in [
        // Between brackets.
        "spec.template.spec.containers[name=web].args[0]",
        "spec.nothing",
    ] {
        assert_eq!(without(FILE, &object(&body), path), None, "{path}");
    }
    let twice = format!("{FILE}---\n{}", FILE.split("---\n").nth(1).unwrap());
    assert_eq!(
        without(&twice, &object(&body), "metadata.labels.team"),
        None
    );
    let other = Within {
        name: "cart",
        ..object(&body)
    };
    assert_eq!(without(FILE, &other, "metadata.labels.team"), None);
    let flow = "kind: Deployment\nmetadata: {name: web, labels: {app: web, team: cart}}\n";
    assert_eq!(without(flow, &object(&body), "metadata.labels.team"), None);
    let anchored = "kind: Deployment\nmetadata:\n  name: web\n  labels: &l\n    app: web\n    team: cart\nspec:\n  selector: *l\n";
    assert_eq!(
        without(anchored, &object(&body), "metadata.labels.team"),
        None
    );
}

#[test]
fn line_ends_and_a_missing_last_one_stay() {
    let text = "kind: Deployment\r\nmetadata:\r\n  name: web\r\n  labels:\r\n    app: web\r\n    team: cart";
    let body = yaml::documents(text).unwrap()[0].value().unwrap();
    let (now, _) = without(text, &object(&body), "metadata.labels.team").unwrap();
    assert_eq!(now, text.strip_suffix("    team: cart").unwrap());
    let above = lookup::steps(&body, "metadata.labels").unwrap();
    let (now, line) = with(text, &object(&body), &above, "tier", &json!("front")).unwrap();
    assert_eq!((now, line), (format!("{text}\r\n    tier: front\r\n"), 7));
}

#[test]
fn a_field_comes_behind_its_neighbours() {
    let body = body();
    for (above, name, value, expected) in [
        (
            "metadata.labels",
            "tier",
            json!("front"),
            vec!["+    tier: front"],
        ),
        (
            "metadata.labels",
            "a.b/c",
            json!("yes"),
            vec!["+    a.b/c: \"yes\""],
        ),
        (
            "spec.template.spec.nodeSelector",
            "zone",
            json!("8"),
            vec!["+        zone: \"8\""],
        ),
        (
            "spec.template.spec.containers[name=proxy]",
            "tty",
            json!(true),
            vec!["+        tty: true"],
        ),
        (
            "spec.template.spec.containers[name=web]",
            "resources",
            json!({"limits": {"cpu": "1"}}),
            vec![
                "+        resources:",
                "+          limits:",
                "+            cpu: \"1\"",
            ],
        ),
        (
            "spec.template.spec.containers[name=web].env[name=B]",
            "note",
            json!("two\nlines\n"),
            vec![
                "+          note: |",
                "+            two",
                "+            lines",
            ],
        ),
        ("spec", "paused", json!(true), vec!["+  paused: true"]),
    ] {
        let above = lookup::steps(&body, above).unwrap();
        let (now, line) = with(FILE, &object(&body), &above, name, &value)
            .unwrap_or_else(|| panic!("{name} {value}"));
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(changed(FILE, &now), expected, "{name}");
        let first = now.lines().nth(usize::try_from(line).unwrap() - 1);
        assert_eq!(
            first.map(|line| format!("+{line}")),
            expected.first().cloned()
        );
    }
    let steps = |path| lookup::steps(&body, path).unwrap();
    // It is there, or what it stands in is between brackets.
    assert_eq!(
        with(
            FILE,
            &object(&body),
            &steps("metadata.labels"),
            "app",
            &json!("x")
        ),
        None
    );
    let flow = "kind: Deployment\nmetadata: {name: web, labels: {app: web}}\n";
    assert_eq!(
        with(
            flow,
            &object(&body),
            &steps("metadata.labels"),
            "x",
            &json!("y")
        ),
        None
    );
}
