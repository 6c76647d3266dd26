use super::super::{
    CompareContext, Compared, compare, compare_manifests, compare_predicted, extra, live_yaml,
    manifest_yaml, not_compared,
};
use super::*;
use crate::manifest::Manifest;
use crate::masking::{FieldRule, NONE};
use crate::schema::Schema;
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
        format!(
            "{:?}",
            not_compared(&desired, Some(&live), "no reason", &NONE)
        ),
        format!(
            "{:?}",
            compare_manifests(
                std::slice::from_ref(&other),
                std::slice::from_ref(&desired),
                &NONE
            )
        ),
        format!("{:?}", compare_manifests(&[], &[other], &NONE)),
        masked(&live, &NONE, Masking::OneSide).to_string(),
        masked(&desired.body, &NONE, Masking::OneSide).to_string(),
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
    assert_clean(&masked(&list, &NONE, Masking::OneSide).to_string());
    let before = Manifest::new(list.clone(), None).unwrap();
    let mut after = list;
    after["objects"][0]["data"]["password"] = json!(encoded(CANARIES[1]));
    let after = Manifest::new(after, None).unwrap();
    let diffs = compare_manifests(&[before], &[after], &NONE);
    assert_eq!(diffs.len(), 1);
    assert_clean(&format!("{diffs:?}"));
}

#[test]
fn other_objects_keep_their_values() {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "annotations": {"a/token-secret-name": "s"}}, "data": {"k": "v"}});
    assert_eq!(masked(&object, &NONE, Masking::OneSide), object);
}

fn rules() -> MaskingRules {
    let field = |path: &str| FieldRule {
        group: "example.org".to_owned(),
        kind: "Database".to_owned(),
        path: path.split('.').map(str::to_owned).collect(),
    };
    MaskingRules {
        annotations: vec!["example.org/license".to_owned()],
        fields: vec![
            field("spec.adminPassword"),
            field("spec.users.*.password"),
            field("spec.options"),
        ],
    }
}

fn database(password: &str, user: &str, option: &str, license: &str) -> Value {
    json!({
        "apiVersion": "example.org/v1", "kind": "Database",
        "metadata": {"name": "x", "namespace": "a", "annotations": {"example.org/license": license, "note": "kept"}},
        "spec": {
            "adminPassword": password, "size": 3, "options": {"deep": {"er": option}},
            "users": [{"name": "ada", "password": user}, {"name": "vic"}],
        },
    })
}

/// Fields and annotations that Git names are hidden wherever an object is shown, and still show that they changed.
#[test]
fn attack_64_fields_that_the_rules_name_are_hidden_everywhere() {
    let [one, two, three, four] = ["hush-one", "hush-two", "hush-three", "hush-four"];
    let (live, body) = (
        database(one, two, three, four),
        database("hush-five", "hush-six", "hush-seven", "hush-eight"),
    );
    let desired = Manifest::new(body.clone(), None).unwrap();
    let before = Manifest::new(live.clone(), None).unwrap();
    let rules = rules();
    let context = CompareContext {
        masking: Some(&rules),
        ..CompareContext::default()
    };
    let schema = Schema::default();
    let compared = compare_predicted(&desired, &live, &body, &schema, &context);
    let changes = compared.as_ref().unwrap().changes.clone();
    let manifests = (
        std::slice::from_ref(&before),
        std::slice::from_ref(&desired),
    );
    let answers = [
        format!("{compared:?}"),
        format!(
            "{:?}",
            compare(Some(&desired), Some(&live), &schema, &context)
        ),
        format!("{:?}", compare(Some(&desired), None, &schema, &context)),
        format!("{:?}", compare(None, Some(&live), &schema, &context)),
        format!("{:?}", extra(&live, &rules).unwrap()),
        format!(
            "{:?}",
            not_compared(&desired, Some(&live), "no reason", &rules)
        ),
        format!("{:?}", compare_manifests(manifests.0, manifests.1, &rules)),
        format!("{:?}", compare_manifests(&[], manifests.1, &rules)),
        live_yaml(&live, Some(&body), &rules),
        manifest_yaml(&desired, &rules),
    ];
    for answer in &answers {
        assert!(!answer.contains("hush"), "{answer}");
        assert!(
            ["vic", "size", "changes", "Unsure(\"spec.users"]
                .iter()
                .any(|shown| answer.contains(shown)),
            "{answer}"
        );
    }
    // It shows that each of them changed, and not to what.
    let of = |path: &str| changes.iter().find(|change| change.path.contains(path));
    for path in ["adminPassword", "license"] {
        let change = of(path).unwrap_or_else(|| panic!("{path}: {changes:?}"));
        assert_eq!(change.live, Some(json!(HIDDEN_LIVE)), "{path}");
        assert_eq!(change.declared, Some(json!(HIDDEN_DECLARED)), "{path}");
    }
    // Another kind with such fields has nothing to hide, and without rules nothing is hidden.
    let mut other = body;
    other["kind"] = json!("Cache");
    let other = Manifest::new(other, None).unwrap();
    assert!(manifest_yaml(&other, &rules).contains("hush-five"));
    assert!(!manifest_yaml(&other, &rules).contains("hush-eight"));
    assert!(manifest_yaml(&desired, &NONE).contains("hush-five"));
}

fn hiding(fields: &[&[&str]]) -> MaskingRules {
    let rule = |path: &&[&str]| FieldRule {
        group: "example.org".to_owned(),
        kind: "Database".to_owned(),
        path: path.iter().map(|name| (*name).to_owned()).collect(),
    };
    MaskingRules {
        annotations: Vec::new(),
        fields: fields.iter().map(rule).collect(),
    }
}

/// Items are told by their values, and so are places in lists: those of hidden values are not.
#[test]
fn attack_64_places_do_not_tell_hidden_values() {
    let object = json!({
        "apiVersion": "example.org/v1", "kind": "Database",
        "spec": {"tokens": ["hunter2"], "users": [{"name": "ada"}]},
    });
    let (token, name) = (json!("hunter2"), json!("ada"));
    let token = [
        Segment::Field("spec"),
        Segment::Field("tokens"),
        Segment::Item(&token),
    ];
    let user = [
        Segment::Field("spec"),
        Segment::Field("users"),
        Segment::Key(vec![("name", &name)]),
        Segment::Field("role"),
    ];
    let shown =
        |path: &[Segment<'_>], rule: &[&str]| place(&[&object, &object], path, &hiding(&[rule]));
    for rule in [&["spec", "tokens", "*"][..], &["spec", "tokens"], &["spec"]] {
        assert_eq!(shown(&token, rule), "spec.tokens[=••••••••]", "{rule:?}");
    }
    for rule in [&["spec", "users", "*", "name"][..], &["spec", "users"]] {
        let place = shown(&user, rule);
        assert_eq!(place, "spec.users[name=••••••••].role", "{rule:?}");
    }
    // What no rule hides is told as before.
    let other = ["spec", "users", "*", "password"];
    assert_eq!(shown(&token, &other), "spec.tokens[=hunter2]");
    assert_eq!(shown(&user, &other), "spec.users[name=ada].role");
}

/// A key with dots in it is hidden, in brackets and without.
#[test]
fn attack_64_keys_with_dots_are_hidden() {
    let object = json!({
        "apiVersion": "example.org/v1", "kind": "Database",
        "data": {"license.txt": "hush", "license": {"txt": "hush", "key": "seen"}, "more": "seen"},
        "spec": {"a.b": [{"c.d": "hush"}]},
    });
    let split = hiding(&[
        &["data", "license", "txt"],
        &["spec", "a", "b", "*", "c", "d"],
    ]);
    let text = masked(&object, &split, Masking::OneSide).to_string();
    assert!(!text.contains("hush"), "{text}");
    assert_eq!(text.matches("seen").count(), 2, "{text}");
    let whole = hiding(&[&["data", "license.txt"]]);
    let text = masked(&object, &whole, Masking::OneSide).to_string();
    assert_eq!(text.matches("hush").count(), 2, "{text}");
    for rules in [&split, &whole] {
        let path = [Segment::Field("data"), Segment::Field("license.txt")];
        let (_, declared) = masked_change(&[&object], &path, None, Some(json!("hush")), rules);
        assert_eq!(declared, Some(json!(HIDDEN)));
        // Also when the map that holds it is what changed.
        let data = Some(object["data"].clone());
        let (_, declared) = masked_change(&[&object], &path[..1], None, data, rules);
        assert_eq!(declared.unwrap()["license.txt"], HIDDEN);
    }
}
