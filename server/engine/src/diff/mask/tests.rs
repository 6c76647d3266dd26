use super::super::{
    CompareContext, Compared, compare, compare_manifests, compare_predicted, not_compared,
};
use super::*;
use crate::manifest::Manifest;
use crate::schema::tests::kubernetes;
use serde_json::json;

/// Values that must appear nowhere, in any form.
const CANARIES: [&str; 4] = [
    "canary-one-7f3a",
    "canary-two-9b1c",
    "canary-three-5d2e",
    "not base64 canary!",
];

fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

fn live() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "name": "db", "namespace": "shop", "uid": "1",
            "annotations": {
                LAST_APPLIED: format!("{{\"stringData\":{{\"password\":\"{}\"}}}}", CANARIES[0]),
                "kapp.k14s.io/original": format!("{{\"data\":{{\"password\":\"{}\"}}}}", encoded(CANARIES[0])),
                "example.com/copy": format!("was {}", CANARIES[1]),
                "example.com/session-token": CANARIES[2],
                "cert-manager.io/private-key-secret-name": "db-key",
            },
            "managedFields": [{"manager": "x", "operation": "Update", "fieldsV1": {"f:data": {"f:password": {}}}}],
        },
        "data": {"password": encoded(CANARIES[0]), "user": encoded(CANARIES[1]), "same": encoded(CANARIES[2])},
    })
}

fn desired() -> Manifest {
    let body = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "db", "namespace": "shop", "annotations": {"example.com/session-token": CANARIES[1]}},
        "data": {"same": encoded(CANARIES[2]), "broken": CANARIES[3]},
        "stringData": {"password": CANARIES[1]},
    });
    Manifest::new(body, None).unwrap()
}

fn assert_clean(text: &str) {
    for canary in CANARIES {
        for form in [
            canary.to_owned(),
            encoded(canary),
            encoded(&encoded(canary)),
        ] {
            assert!(!text.contains(&form), "{form} in {text}");
        }
    }
}

#[test]
fn no_value_survives_any_way_out() {
    let schema = kubernetes();
    let context = CompareContext::default();
    let (live, desired) = (live(), desired());
    let mut predicted = live.clone();
    predicted["data"]["password"] = json!(encoded(CANARIES[1]));
    let other = Manifest::new(live.clone(), None).unwrap();
    let answers = [
        format!(
            "{:?}",
            compare(Some(&desired), Some(&live), &schema, &context)
        ),
        format!("{:?}", compare(Some(&desired), None, &schema, &context)),
        format!("{:?}", compare(None, Some(&live), &schema, &context)),
        format!(
            "{:?}",
            compare_predicted(&desired, &live, &predicted, &schema, &context)
        ),
        format!("{:?}", not_compared(&desired, Some(&live), "no reason")),
        format!(
            "{:?}",
            compare_manifests(std::slice::from_ref(&other), std::slice::from_ref(&desired))
        ),
        format!("{:?}", compare_manifests(&[], &[other])),
        masked(&live).to_string(),
        masked(&desired.body).to_string(),
    ];
    for answer in answers {
        assert_clean(&answer);
    }
}

#[test]
fn changed_and_unchanged_are_still_told_apart() {
    let Compared::Exact(Some(diff)) = compare(
        Some(&desired()),
        Some(&live()),
        &kubernetes(),
        &CompareContext::default(),
    ) else {
        panic!("no difference");
    };
    let changes: Vec<String> = diff
        .changes
        .iter()
        .map(|change| format!("{}: {:?} {:?}", change.path, change.live, change.declared))
        .collect();
    insta::assert_snapshot!(changes.join("\n"), @r#"
    data.broken: None Some(String("••••••••"))
    data.password: Some(String("•••••••• (live)")) Some(String("•••••••• (declared)"))
    metadata.annotations["example.com/session-token"]: Some(String("•••••••• (live)")) Some(String("•••••••• (declared)"))
    "#);
    insta::assert_snapshot!(diff.live_yaml.unwrap(), @"
    apiVersion: v1
    kind: Secret
    metadata:
      name: db
      namespace: shop
      annotations:
        cert-manager.io/private-key-secret-name: db-key
        example.com/copy: •••••••• (live)
        example.com/session-token: •••••••• (live)
        kapp.k14s.io/original: •••••••• (live)
    type: Opaque
    data:
      password: •••••••• (live)
      same: ••••••••
      user: ••••••••
    ");
    insta::assert_snapshot!(diff.predicted_yaml.unwrap(), @"
    apiVersion: v1
    kind: Secret
    metadata:
      name: db
      namespace: shop
      annotations:
        cert-manager.io/private-key-secret-name: db-key
        example.com/copy: •••••••• (declared)
        example.com/session-token: •••••••• (declared)
        kapp.k14s.io/original: •••••••• (declared)
    type: Opaque
    data:
      broken: ••••••••
      password: •••••••• (declared)
      same: ••••••••
      user: ••••••••
    ");
}

#[test]
fn a_secret_whose_data_appears_or_vanishes_is_masked() {
    let empty = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}});
    let compared = compare(
        Some(&desired()),
        Some(&empty),
        &kubernetes(),
        &CompareContext::default(),
    );
    let Compared::Exact(Some(diff)) = &compared else {
        panic!("{compared:?}")
    };
    assert!(diff.changes.iter().any(|change| change.path == "data"));
    assert_clean(&format!("{compared:?}"));
}

#[test]
fn embedded_secrets_and_odd_shapes_are_masked() {
    let odd = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": CANARIES[0]});
    let list = json!({"apiVersion": "example.com/v1", "kind": "Bundle", "metadata": {"name": "x"}, "objects": [live(), odd]});
    assert_clean(&masked(&list).to_string());
    let before = Manifest::new(list.clone(), None).unwrap();
    let mut after = list;
    after["objects"][0]["data"]["password"] = json!(encoded(CANARIES[1]));
    let after = Manifest::new(after, None).unwrap();
    let diffs = compare_manifests(&[before], &[after]);
    assert_eq!(diffs.len(), 1);
    assert_clean(&format!("{diffs:?}"));
}

#[test]
fn other_objects_keep_their_values() {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "annotations": {"a/token-secret-name": "s"}}, "data": {"k": "v"}});
    assert_eq!(masked(&object), object);
}
