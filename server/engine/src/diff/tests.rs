use super::*;
use crate::schema::tests::kubernetes;
use crate::tracking::TRACKING_ANNOTATION;
use lockstep_types::diff::FieldChange;
use serde_json::json;
use std::sync::LazyLock;

mod limits;
mod objects;

use objects::{DEPLOYMENT, LIVE};

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let mut schema = kubernetes();
    schema.add_openapi_v3(&json!({"components": {"schemas": {"com.example.v1.Widget": {
        "type": "object",
        "properties": {
            "metadata": {"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}]},
            "spec": {"type": "object", "properties": {
                "cpu": {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true},
                "steps": {"type": "array", "items": {"type": "object", "properties": {
                    "run": {"type": "string"}, "retries": {"type": "integer", "default": 3}}}},
                "mode": {"type": "string", "default": "auto"},
                "values": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            }},
        },
        "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}],
    }}}}));
    schema
});

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn manifest(text: &str) -> Manifest {
    Manifest::new(yaml(text), None).unwrap()
}

/// One line for each change: class, path, live and declared value, writer.
fn lines(diff: Option<&ResourceDiff>) -> String {
    let line = |change: &FieldChange| {
        let side = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        let writer = match (&change.manager, &change.operation) {
            (Some(manager), Some(operation)) => format!(" by {manager}/{operation}"),
            _ => String::new(),
        };
        format!(
            "{:?} {}: {} -> {}{writer}",
            change.class,
            change.path,
            side(&change.live),
            side(&change.declared)
        )
    };
    diff.map(|diff| diff.changes.iter().map(line).collect::<Vec<_>>().join("\n"))
        .unwrap_or_default()
}

fn exact(desired: &Manifest, live: &Value, context: &CompareContext<'_>) -> Option<ResourceDiff> {
    match compare(Some(desired), Some(live), &SCHEMA, context) {
        Compared::Exact(diff) => diff,
        Compared::Unsure(why) => panic!("unsure: {why}"),
    }
}

fn unsure(desired: &Manifest, live: &Value) -> String {
    match compare(
        Some(desired),
        Some(live),
        &SCHEMA,
        &CompareContext::default(),
    ) {
        Compared::Unsure(why) => why,
        Compared::Exact(diff) => panic!("exact:\n{}", lines(diff.as_ref())),
    }
}

/// The live deployment after somebody wrote a value with `kubectl edit`.
fn edited(pointer: &str, value: Value, owned: &str) -> Value {
    let mut live = yaml(LIVE);
    *live.pointer_mut(pointer).unwrap() = value;
    let mut entry = yaml(
        "{manager: kubectl-edit, operation: Update, apiVersion: apps/v1, time: '2026-02-01T00:00:00Z'}",
    );
    entry["fieldsV1"] = yaml(owned);
    let entries = live
        .pointer_mut("/metadata/managedFields")
        .unwrap()
        .as_array_mut()
        .unwrap();
    entries.push(entry);
    live
}

/// Takes a place out of our own managed fields, as an update by somebody else does.
fn disowned(mut live: Value, path: &[&str]) -> Value {
    let (last, above) = path.split_last().unwrap();
    let mut at = live
        .pointer_mut("/metadata/managedFields/0/fieldsV1")
        .unwrap();
    for step in above {
        at = at.get_mut(*step).unwrap();
    }
    at.as_object_mut().unwrap().remove(*last).unwrap();
    live
}

#[test]
fn defaults_and_normal_forms_are_no_differences() {
    assert_eq!(
        exact(
            &manifest(DEPLOYMENT),
            &yaml(LIVE),
            &CompareContext::default()
        ),
        None
    );
}

#[test]
fn a_change_in_git_is_not_yet_synced() {
    let desired = manifest(
        &DEPLOYMENT
            .replace("web:1.2", "web:1.3")
            .replace("cpu: 1000m", "cpu: 1500m"),
    );
    let applied = yaml(DEPLOYMENT);
    let context = CompareContext {
        applied_hash: Some("other"),
        applied: Some(&applied),
        ..CompareContext::default()
    };
    let diff = exact(&desired, &yaml(LIVE), &context);
    insta::assert_snapshot!(lines(diff.as_ref()), @r#"
    NotYetSynced spec.template.spec.containers[name=web].image: "web:1.2" -> "web:1.3" by lockstep/Apply
    NotYetSynced spec.template.spec.containers[name=web].resources.limits.cpu: "1" -> "1500m" by lockstep/Apply
    "#);
    let diff = diff.unwrap();
    assert!(diff.counts());
    assert_eq!(
        diff.changes[0].impact,
        lockstep_types::diff::Impact::RestartsPods
    );
    let (live, predicted) = (diff.live_yaml.unwrap(), diff.predicted_yaml.unwrap());
    let changed: Vec<String> = live
        .lines()
        .zip(predicted.lines())
        .filter(|(live, predicted)| live != predicted)
        .map(|(live, predicted)| format!("{live} | {predicted}"))
        .collect();
    assert_eq!(
        changed,
        [
            "        image: web:1.2 |         image: web:1.3",
            "            cpu: \"1\" |             cpu: \"1500m\"",
        ]
    );
}

#[test]
fn an_edit_of_the_same_manifest_is_drift_with_its_author() {
    let desired = manifest(DEPLOYMENT);
    let live = edited(
        "/spec/template/spec/containers/0/image",
        json!("web:hack"),
        r#"{f:spec: {f:template: {f:spec: {f:containers: {'k:{"name":"web"}': {f:image: {}}}}}}}"#,
    );
    let live = disowned(
        live,
        &[
            "f:spec",
            "f:template",
            "f:spec",
            "f:containers",
            "k:{\"name\":\"web\"}",
            "f:image",
        ],
    );
    let hash = desired.hash.clone();
    let context = CompareContext {
        applied_hash: Some(&hash),
        ..CompareContext::default()
    };
    insta::assert_snapshot!(lines(exact(&desired, &live, &context).as_ref()), @r#"Drift spec.template.spec.containers[name=web].image: "web:hack" -> "web:1.2" by kubectl-edit/Update"#);
    // News elsewhere does not make it anything else, as long as the previous manifest says the same here.
    let applied = yaml(DEPLOYMENT);
    let news = manifest(&DEPLOYMENT.replace("replicas: 2", "replicas: 4"));
    let context = CompareContext {
        applied_hash: Some(&hash),
        applied: Some(&applied),
        ..CompareContext::default()
    };
    insta::assert_snapshot!(lines(exact(&news, &live, &context).as_ref()), @r#"
    NotYetSynced spec.replicas: 2 -> 4 by lockstep/Apply
    Drift spec.template.spec.containers[name=web].image: "web:hack" -> "web:1.2" by kubectl-edit/Update
    "#);
}

#[test]
fn what_the_server_made_of_our_own_apply_is_noise() {
    let desired = manifest(DEPLOYMENT);
    let mut live = yaml(LIVE);
    live["spec"]["template"]["spec"]["containers"][0]["image"] = json!("mirror.example/web:1.2");
    let context = CompareContext {
        applied_hash: Some(&desired.hash),
        ..CompareContext::default()
    };
    let diff = exact(&desired, &live, &context).unwrap();
    insta::assert_snapshot!(lines(Some(&diff)), @r#"Noise spec.template.spec.containers[name=web].image: "mirror.example/web:1.2" -> "web:1.2" by lockstep/Apply"#);
    assert!(!diff.counts());
    assert_eq!(diff.live_yaml, diff.predicted_yaml);
    // An object older than that apply proves nothing.
    let context = CompareContext {
        applied_resource_version: Some("78"),
        ..context
    };
    assert!(exact(&desired, &live, &context).unwrap().counts());
}

#[test]
fn an_autoscaler_owns_replicas() {
    let hpa = yaml(
        "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}",
    );
    let targets = BTreeSet::from([hpa_target(&hpa).unwrap()]);
    let desired = manifest(DEPLOYMENT);
    let live = edited("/spec/replicas", json!(9), "{f:spec: {f:replicas: {}}}");
    let context = CompareContext {
        hpa_targets: Some(&targets),
        applied_hash: Some(&desired.hash),
        ..CompareContext::default()
    };
    let diff = exact(&desired, &live, &context).unwrap();
    insta::assert_snapshot!(lines(Some(&diff)), @"OwnedByOther spec.replicas: 9 -> 2 by kubectl-edit/Update");
    assert!(!diff.counts());
    assert_eq!(
        for_apply(&desired, Some(&live), &context)["spec"]["replicas"],
        json!(9)
    );
    assert_eq!(
        for_apply(&desired, Some(&live), &CompareContext::default())["spec"]["replicas"],
        json!(2)
    );
}

#[test]
fn ignored_places_are_noise() {
    let desired = manifest(DEPLOYMENT);
    let live = edited("/spec/replicas", json!(9), "{f:spec: {f:replicas: {}}}");
    let ignored = ["/spec/replicas".to_owned()];
    let diff = exact(
        &desired,
        &live,
        &CompareContext {
            ignored: &ignored,
            ..CompareContext::default()
        },
    )
    .unwrap();
    assert!(!diff.counts(), "{}", lines(Some(&diff)));
}

/// Items of lists by their place or by what they say; both objects count.
#[test]
fn ignored_places_in_lists_are_noise_and_kept() {
    let desired = manifest(DEPLOYMENT);
    let image = "/spec/template/spec/containers/0/image";
    let owned =
        "{f:spec: {f:template: {f:spec: {f:containers: {'k:{\"name\":\"web\"}': {f:image: {}}}}}}}";
    let live = edited(image, json!("elsewhere/web:9"), owned);
    for (rule, counts) in [
        (image, false),
        (".spec.template.spec.containers[].image", false),
        (
            ".spec.template.spec.containers[] | select(.name == \"web\") | .image",
            false,
        ),
        (
            ".spec.template.spec.containers[]? | select(.image | startswith(\"elsewhere/\")).image",
            false,
        ),
        ("/spec/template/spec/containers/1/image", true),
        (
            ".spec.template.spec.containers[] | select(.name == \"other\").image",
            true,
        ),
        (".spec.template.spec.containers[] | keys", true),
    ] {
        let ignored = [rule.to_owned()];
        let context = CompareContext {
            ignored: &ignored,
            keep_ignored: true,
            ..CompareContext::default()
        };
        let diff = exact(&desired, &live, &context).unwrap();
        assert_eq!(diff.counts(), counts, "{rule}: {}", lines(Some(&diff)));
        let applied = for_apply(&desired, Some(&live), &context);
        // A rule that goes by the value that only the cluster has names no place in Git to keep it at.
        let kept = !counts && !rule.contains("startswith");
        assert_eq!(
            applied.pointer(image) == live.pointer(image),
            kept,
            "{rule}"
        );
    }
}

#[test]
fn what_git_no_longer_declares_goes_unless_somebody_else_keeps_it() {
    let shorter = DEPLOYMENT
        .replace("        - {name: MODE, value: fast}\n", "")
        .replace("      volumes:\n      - {name: tmp, emptyDir: {}}\n", "");
    let shorter = shorter
        .replace("labels: {app: web}}\nspec", "labels: {}}\nspec")
        .replace("  replicas: 2\n", "");
    let applied = yaml(DEPLOYMENT);
    let context = CompareContext {
        applied_hash: Some("x"),
        applied: Some(&applied),
        ..CompareContext::default()
    };
    let diff = exact(&manifest(&shorter), &yaml(LIVE), &context).unwrap();
    insta::assert_snapshot!(lines(Some(&diff)), @r#"
    NotYetSynced metadata.labels.app: "web" -> - by lockstep/Apply
    NotYetSynced spec.replicas: 2 -> - by lockstep/Apply
    NotYetSynced spec.template.spec.containers[name=web].env[name=MODE]: {"name":"MODE","value":"fast"} -> - by lockstep/Apply
    NotYetSynced spec.template.spec.volumes: [{"emptyDir":{},"name":"tmp"}] -> - by lockstep/Apply
    "#);
    let predicted = yaml(diff.predicted_yaml.as_deref().unwrap());
    assert_eq!(
        predicted["spec"]["replicas"],
        json!(1),
        "the default returns"
    );
    assert_eq!(
        predicted["spec"]["template"]["spec"]["containers"][0]["env"],
        json!([{"name": "EMPTY"}])
    );

    let kept = edited(
        "/spec/replicas",
        json!(2),
        r#"{f:metadata: {f:labels: {f:app: {}}}, f:spec: {f:replicas: {}, f:template: {f:spec: {f:volumes: {'k:{"name":"tmp"}': {f:name: {}, f:emptyDir: {}}}, f:containers: {'k:{"name":"web"}': {f:env: {'k:{"name":"MODE"}': {.: {}, f:name: {}, f:value: {}}}}}}}}}"#,
    );
    insta::assert_snapshot!(lines(exact(&manifest(&shorter), &kept, &context).as_ref()), @"");
}

#[test]
fn list_items_match_by_key_and_order_counts() {
    let extra = manifest(&DEPLOYMENT.replace(
        "        - {name: MODE, value: fast}\n",
        "        - {name: NEW, value: x}\n        - {name: MODE, value: slow}\n",
    ));
    insta::assert_snapshot!(lines(exact(&extra, &yaml(LIVE), &CompareContext::default()).as_ref()), @r#"
    NotYetSynced spec.template.spec.containers[name=web].env[name=MODE].value: "fast" -> "slow" by lockstep/Apply
    NotYetSynced spec.template.spec.containers[name=web].env[name=NEW]: - -> {"name":"NEW","value":"x"}
    "#);
    let swapped = DEPLOYMENT.replace("        - {name: EMPTY, value: ''}\n", "");
    let swapped = manifest(&swapped.replace(
        "value: fast}\n",
        "value: fast}\n        - {name: EMPTY, value: ''}\n",
    ));
    let diff = exact(&swapped, &yaml(LIVE), &CompareContext::default()).unwrap();
    insta::assert_snapshot!(lines(Some(&diff)), @r#"NotYetSynced spec.template.spec.containers[name=web].env: ["[name=EMPTY]","[name=MODE]"] -> ["[name=MODE]","[name=EMPTY]"] by lockstep/Apply"#);
    let predicted = yaml(diff.predicted_yaml.as_deref().unwrap());
    assert_eq!(
        predicted["spec"]["template"]["spec"]["containers"][0]["env"][0]["name"],
        json!("MODE")
    );
}

#[test]
fn tracking_counts_unless_observing() {
    let mut desired =
        yaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: b}, data: {k: v}}");
    let live = desired.clone();
    desired["metadata"]["annotations"] = json!({TRACKING_ANNOTATION: "x"});
    let desired = Manifest::new(desired, None).unwrap();
    let observing = CompareContext {
        ignore_tracking: true,
        ..CompareContext::default()
    };
    assert_eq!(exact(&desired, &live, &observing), None);
    let diff = exact(&desired, &live, &CompareContext::default());
    assert_eq!(
        lines(diff.as_ref()),
        "NotYetSynced metadata.annotations: - -> {\"lockstep.dev/tracking-id\":\"x\"}"
    );
}

#[test]
fn one_side_only() {
    let desired = manifest(
        "{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: b}, stringData: {k: hunter2hunter2}}",
    );
    let Compared::Exact(Some(missing)) =
        compare(Some(&desired), None, &SCHEMA, &CompareContext::default())
    else {
        panic!("not missing");
    };
    assert_eq!(
        (&missing.kind, missing.live_yaml.is_none()),
        (&ResourceDiffKind::Missing, true)
    );
    let live = clean::desired(&desired.body, false);
    let Compared::Exact(Some(extra)) =
        compare(None, Some(&live), &SCHEMA, &CompareContext::default())
    else {
        panic!("not extra");
    };
    assert_eq!(
        (&extra.kind, &extra.key),
        (&ResourceDiffKind::Extra, &desired.key)
    );
    assert_eq!(exact(&desired, &live, &CompareContext::default()), None);
    insta::assert_snapshot!(extra.live_yaml.unwrap(), @"
    apiVersion: v1
    kind: Secret
    metadata:
      name: a
      namespace: b
    data:
      k: ••••••••
    ");
}

#[test]
fn a_dry_run_is_the_truth() {
    let desired = manifest(
        &DEPLOYMENT
            .replace("web:1.2", "web:1.3")
            .replace("replicas: 2", "replicas: 5"),
    );
    let live = yaml(LIVE);
    let mut predicted = live.clone();
    // A policy keeps replicas at two and adds a label.
    predicted["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:1.3");
    predicted["metadata"]["labels"]["team"] = json!("a");
    predicted["metadata"]["resourceVersion"] = json!("78");
    let diff = compare_predicted(
        &desired,
        &live,
        &predicted,
        &SCHEMA,
        &CompareContext::default(),
    )
    .unwrap();
    insta::assert_snapshot!(lines(Some(&diff)), @r#"
    NotYetSynced metadata.labels.team: - -> "a"
    Noise spec.replicas: 2 -> 5 by lockstep/Apply
    NotYetSynced spec.template.spec.containers[name=web].image: "web:1.2" -> "web:1.3" by lockstep/Apply
    "#);
    let unchanged = compare_predicted(
        &manifest(DEPLOYMENT),
        &live,
        &live,
        &SCHEMA,
        &CompareContext::default(),
    );
    assert_eq!(unchanged, None);
}

#[test]
fn renders_compare_with_each_other() {
    let from = [
        manifest(DEPLOYMENT),
        manifest(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: gone, namespace: b}, data: {k: v}}",
        ),
        manifest(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: same, namespace: b}, data: {k: v}}",
        ),
    ];
    let to = [
        manifest(
            &DEPLOYMENT
                .replace("value: fast", "value: slow")
                .replace("      volumes:\n      - {name: tmp, emptyDir: {}}\n", ""),
        ),
        manifest(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: new, namespace: b}, data: {k: v}}",
        ),
        from[2].clone(),
    ];
    let diffs = compare_manifests(&from, &to, &NONE);
    let text: Vec<String> = diffs
        .iter()
        .map(|diff| format!("{:?} {}\n{}", diff.kind, diff.key, lines(Some(diff))))
        .collect();
    insta::assert_snapshot!(text.join("\n"), @r#"
    Extra /ConfigMap:b/gone

    Missing /ConfigMap:b/new

    Differs apps/Deployment:shop/web
    NotYetSynced spec.template.spec.containers[name=web].env[name=MODE].value: "fast" -> "slow"
    NotYetSynced spec.template.spec.volumes: [{"emptyDir":{},"name":"tmp"}] -> -
    "#);
}
