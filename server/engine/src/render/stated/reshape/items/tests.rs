//! What comes behind the last item, and that nothing else changes.

use super::*;
use serde_json::json;

const FILE: &str = "# the shop
apiVersion: v1
kind: Pod
metadata:
  name: web
  finalizers:
  - one
  # kept
spec:
  # what runs
  containers:
    - name: web
      args: [\"-a\", '[x]'] # as measured
      command: [ sh ]
      ports: []
      env:
      - name: A
        value: '1'

      # the other
      - value: |
          two

          lines
        name: B
      volumeMounts:
      -
        mountPath: /a
        name: a
      image: \"web:1\"

# the end
";

fn body() -> Value {
    yaml::documents(FILE).unwrap()[0].value().unwrap()
}

fn added(text: &str, path: &str, items: &[Value]) -> Option<(String, u32)> {
    let body = body();
    let object = Within {
        kind: "Pod",
        name: "web",
        body: &body,
    };
    let above = lookup::steps(&body, path).unwrap();
    with_items(text, &object, &above, items)
}

#[test]
fn an_item_comes_behind_the_last_of_its_list() {
    let web = "spec.containers[name=web]";
    for (path, items, before, after) in [
        (
            "metadata.finalizers".to_owned(),
            vec![json!("two"), json!("no")],
            "  - one\n",
            "  - one\n  - two\n  - \"no\"\n",
        ),
        (
            "spec.containers".to_owned(),
            vec![json!({"name": "log", "env": [{"name": "C"}]})],
            "      image: \"web:1\"\n",
            "      image: \"web:1\"\n    - name: log\n      env:\n      - name: C\n",
        ),
        (
            format!("{web}.env"),
            vec![json!({"name": "C", "value": "3"})],
            "        name: B\n",
            "        name: B\n      - name: C\n        value: \"3\"\n",
        ),
        (
            format!("{web}.volumeMounts"),
            vec![json!({"mountPath": "/b", "name": "b"})],
            "        name: a\n",
            "        name: a\n      - name: b\n        mountPath: /b\n",
        ),
        // Between brackets.
        (
            format!("{web}.args"),
            vec![json!("-c"), json!("[y]")],
            "[\"-a\", '[x]'] #",
            "[\"-a\", '[x]', \"-c\", \"[y]\"] #",
        ),
        (
            format!("{web}.command"),
            vec![json!("-x")],
            "[ sh ]",
            "[ sh, \"-x\" ]",
        ),
        (
            format!("{web}.ports"),
            vec![json!({"containerPort": 80})],
            "ports: []",
            "ports: [{\"containerPort\":80}]",
        ),
    ] {
        let (now, line) = added(FILE, &path, &items).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(FILE.matches(before).count(), 1, "{path}");
        let expected = FILE.replace(before, after);
        assert_eq!(now, expected, "{path}");
        let first = FILE
            .lines()
            .zip(now.lines())
            .position(|(one, two)| one != two);
        assert_eq!(
            first,
            usize::try_from(line).ok().map(|line| line - 1),
            "{path}"
        );
    }
}

#[test]
fn line_ends_and_a_missing_last_one_stay() {
    let text = "kind: Pod\r\nmetadata:\r\n  name: web\r\n  finalizers:\r\n    - one";
    let (now, line) = added(text, "metadata.finalizers", &[json!("two")]).unwrap();
    assert_eq!((now, line), (format!("{text}\r\n    - two\r\n"), 6));
}

#[test]
fn a_list_that_is_written_otherwise_is_left_alone() {
    let more = [json!("two")];
    for text in [
        // No such list, one over several lines, one that another place has too, and one that is something else.
        "kind: Pod\nmetadata:\n  name: web\n",
        "kind: Pod\nmetadata:\n  name: web\n  finalizers: [\n    one\n  ]\n",
        "kind: Pod\nmetadata:\n  name: web\n  finalizers: &f\n  - one\nspec: {list: *f}\n",
        "kind: Pod\nmetadata: {name: web, finalizers: one}\n",
    ] {
        assert_eq!(added(text, "metadata.finalizers", &more), None, "{text}");
    }
}
