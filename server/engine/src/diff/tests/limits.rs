//! Where exact ends: what is literal, and what only the cluster can tell.

use super::*;

#[test]
fn what_cannot_be_told_is_unsure() {
    let desired = |from: &str, to: &str| manifest(&DEPLOYMENT.replace(from, to));
    let mut other_version = yaml(LIVE);
    other_version["apiVersion"] = json!("apps/v1beta1");
    for (desired, live, reason) in [
        (
            desired("replicas: 2", "repilcas: 2"),
            yaml(LIVE),
            "no field spec.repilcas",
        ),
        (
            manifest(DEPLOYMENT),
            other_version,
            "declared as apps/v1 and read as",
        ),
        (
            desired(
                "        image: web:1.2\n",
                "        image: web:1.2\n        imagePullPolicy: ''\n",
            ),
            yaml(LIVE),
            "imagePullPolicy is empty",
        ),
        (
            desired(
                "        - {name: MODE, value: fast}\n",
                "        - {name: MODE, value: fast}\n        - {name: MODE, value: x}\n",
            ),
            yaml(LIVE),
            "two items in Git with the same key",
        ),
        (
            desired("hostNetwork: false", "priority: 0"),
            yaml(LIVE),
            "priority has its zero value",
        ),
    ] {
        let why = unsure(&desired, &live);
        assert!(why.contains(reason), "{why}");
    }
    let widget = manifest(
        "{apiVersion: other.io/v1, kind: Thing, metadata: {name: a}, spec: {list: [{a: 1}, {b: 2}], n: 1}}",
    );
    let mut live = (*widget.body).clone();
    assert_eq!(exact(&widget, &live, &CompareContext::default()), None);
    live["spec"]["n"] = json!(2);
    assert_eq!(
        lines(exact(&widget, &live, &CompareContext::default()).as_ref()),
        "NotYetSynced spec.n: 2 -> 1"
    );
    live["spec"]["list"][0]["a"] = json!(2);
    assert!(unsure(&widget, &live).contains("spec.list"));
}

#[test]
fn custom_resources_are_taken_literally() {
    let widget = manifest(
        "{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: {cpu: 1000m, steps: [{run: x}], values: {a: [1], b: {}}}}",
    );
    let mut live = (*widget.body).clone();
    live["spec"]["mode"] = json!("auto");
    live["spec"]["steps"][0]["retries"] = json!(3);
    live["spec"]["values"]["other"] = json!(true);
    assert_eq!(exact(&widget, &live, &CompareContext::default()), None);
    live["spec"]["cpu"] = json!("1");
    live["spec"]["steps"][0]["retries"] = json!(5);
    live["spec"]["values"]["a"] = json!([1, 2]);
    live["spec"]["values"].as_object_mut().unwrap().remove("b");
    insta::assert_snapshot!(lines(exact(&widget, &live, &CompareContext::default()).as_ref()), @r#"
    NotYetSynced spec.cpu: "1" -> "1000m"
    NotYetSynced spec.steps[0].retries: 5 -> -
    NotYetSynced spec.values.a: [1,2] -> [1]
    NotYetSynced spec.values.b: - -> {}
    "#);
}

#[test]
fn a_kind_that_the_cluster_rewrites_is_asked_about_when_it_differs() {
    let desired = manifest(DEPLOYMENT);
    let mut live = yaml(LIVE);
    let context = CompareContext {
        applied_hash: Some(&desired.hash),
        applied: Some(&desired.body),
        ..CompareContext::default()
    };
    let rewritten = |live: &Value, context: &CompareContext<'_>| {
        let diff = exact(&desired, live, context);
        diff.is_some_and(|diff| is_rewritten(&desired, live, &diff, &SCHEMA, context))
    };
    let ignored = ["/spec/replicas".to_owned()];
    let ignoring = CompareContext {
        ignored: &ignored,
        ..context
    };
    let scaled = edited("/spec/replicas", json!(9), "{f:spec: {f:replicas: {}}}");
    assert!(!rewritten(&live, &context));
    assert!(
        !rewritten(&scaled, &ignoring),
        "that is ignored, not kept by the cluster"
    );
    live["spec"]["template"]["spec"]["containers"][0]["image"] = json!("mirror.example/web:1.2");
    assert!(rewritten(&live, &context));

    let seen = CompareContext {
        mutated: true,
        ..context
    };
    assert!(
        !exact(&desired, &live, &seen).unwrap().counts(),
        "our apply stands"
    );
    let newer = manifest(&DEPLOYMENT.replace("minReadySeconds: 0", "minReadySeconds: 7"));
    let Compared::Unsure(why) = compare(Some(&newer), Some(&live), &SCHEMA, &seen) else {
        panic!("what a webhook makes of it cannot be known");
    };
    assert!(why.contains("webhook"), "{why}");
    assert!(exact(&newer, &live, &context).unwrap().counts());
}
