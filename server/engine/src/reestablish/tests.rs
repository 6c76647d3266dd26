//! Orders, as a person reads them.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

/// `Kind name` or `Kind namespace/name`; a definition is `CRD group/Kind`.
fn object(text: &str) -> Manifest {
    let (kind, name) = text.split_once(' ').unwrap();
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    let version = match kind {
        "Deployment" => "apps/v1",
        "Widget" => "acme.dev/v1",
        "StorageClass" => "storage.k8s.io/v1",
        "CRD" => "apiextensions.k8s.io/v1",
        _ => "v1",
    };
    let body: Value = if kind == "CRD" {
        json!({"apiVersion": version, "kind": "CustomResourceDefinition", "metadata": {"name": format!("{}s.{namespace}", name.to_lowercase())},
            "spec": {"group": namespace, "names": {"kind": name}}})
    } else if kind == "Deployment" {
        let (name, secret) = name.split_once('+').unwrap_or((name, ""));
        let from = if secret.is_empty() {
            json!([])
        } else {
            json!([{"secretRef": {"name": secret}}])
        };
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace},
            "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "a", "envFrom": from}]}}}})
    } else if namespace.is_empty() {
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}})
    } else {
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}})
    };
    Manifest::new(body, None).unwrap()
}

/// An application, what it declares, and what it depends on; `*` before the name: it makes its namespace.
type Said<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

fn shown(said: &[Said<'_>]) -> Vec<String> {
    let ids: BTreeMap<&str, TargetId> = said
        .iter()
        .enumerate()
        .map(|(index, (name, _, _))| {
            let number = u128::try_from(index).unwrap() + 1;
            (
                name.trim_start_matches('*'),
                TargetId(Uuid::from_u128(number)),
            )
        })
        .collect();
    let objects: Vec<Vec<Manifest>> = said
        .iter()
        .map(|(_, objects, _)| objects.iter().map(|text| object(text)).collect())
        .collect();
    let depends: Vec<Vec<TargetId>> = said
        .iter()
        .map(|(_, _, depends)| depends.iter().map(|name| ids[name]).collect())
        .collect();
    let members: Vec<Member<'_>> = said
        .iter()
        .enumerate()
        .map(|(index, (name, _, _))| Member {
            id: ids[name.trim_start_matches('*')],
            name: name.trim_start_matches('*'),
            objects: (!objects[index].is_empty()).then_some(&objects[index][..]),
            makes_namespaces: name.starts_with('*'),
            depends_on: &depends[index],
        })
        .collect();
    let name_of = |id: TargetId| ids.iter().find(|(_, other)| **other == id).unwrap().0;
    order(&members)
        .into_iter()
        .map(|place| {
            let after: Vec<&str> = place.after.iter().map(|id| *name_of(*id)).collect();
            format!(
                "{} {} ({:?}): {} [{}]",
                place.stage,
                name_of(place.target),
                place.rank,
                place.why,
                after.join(" ")
            )
        })
        .collect()
}

#[test]
fn what_others_build_on_comes_first() {
    let shown = shown(&[
        ("shop", &["Deployment shop/web+token", "Widget shop/w"], &[]),
        ("widgets", &["CRD acme.dev/Widget"], &[]),
        ("spaces", &["Namespace shop", "Namespace ops"], &[]),
        ("vault", &["Secret shop/token"], &[]),
        ("disks", &["StorageClass fast"], &[]),
        ("*alone", &["Deployment alone/web"], &[]),
        ("late", &["Deployment ops/late"], &["shop"]),
        ("blind", &[], &[]),
    ]);
    insta::assert_snapshot!(shown.join("\n"), @r"
    1 widgets (Definitions): brings the custom kinds widgets.acme.dev []
    2 spaces (Namespaces): brings the namespaces ops, shop []
    3 disks (Platform): the whole cluster makes use of StorageClass fast []
    4 alone (Application): needs no other application []
    4 blind (Application): what it declares is not known yet []
    4 vault (Application): lies in the namespace shop of spaces [spaces]
    5 shop (Application): uses Widget of widgets; lies in the namespace shop of spaces; needs Secret token of vault [widgets spaces vault]
    6 late (Application): depends on shop; lies in the namespace ops of spaces [shop spaces]
    ");
}

#[test]
fn an_operator_that_needs_others_comes_after_them_all_the_same() {
    let shown = shown(&[
        (
            "operator",
            &["CRD acme.dev/Widget", "Deployment sys/op+key"],
            &[],
        ),
        ("keys", &["Secret sys/key"], &[]),
        ("*app", &["Widget app/w"], &[]),
    ]);
    insta::assert_snapshot!(shown.join("\n"), @r"
    1 keys (Application): needs no other application []
    2 operator (Definitions): needs Secret key of keys [keys]
    3 app (Application): uses Widget of operator [operator]
    ");
}

#[test]
fn a_circle_is_named_and_begun_where_most_is_brought() {
    let shown = shown(&[
        ("one", &["Deployment a/one"], &["two"]),
        (
            "two",
            &["CRD acme.dev/Widget", "Deployment a/two"],
            &["one"],
        ),
        ("behind", &["Widget a/w"], &[]),
    ]);
    insta::assert_snapshot!(shown.join("\n"), @r"
    1 two (Definitions): needs one and is needed there: it begins the circle []
    2 behind (Application): uses Widget of two [two]
    2 one (Application): depends on two [two]
    ");
}

proptest! {
    #[test]
    fn everybody_has_one_place_and_nobody_comes_before_what_it_waits_for(
        drawn in prop::collection::vec((0..5_usize, prop::option::weighted(0.4, any::<prop::sample::Index>())), 1..12)
    ) {
        let many = drawn.len();
        let ids: Vec<TargetId> = (1..).map(Uuid::from_u128).map(TargetId).take(many).collect();
        let names: Vec<String> = (0..many).map(|number| format!("app{number}")).collect();
        let declares = ["CRD acme.dev/Widget", "Namespace shop", "StorageClass fast", "Widget shop/w", "Deployment shop/d"];
        let objects: Vec<Vec<Manifest>> = drawn.iter().map(|(kind, _)| vec![object(declares[*kind])]).collect();
        let depends: Vec<Vec<TargetId>> = drawn
            .iter()
            .map(|(_, on)| on.iter().map(|on| *on.get(&ids)).collect())
            .collect();
        let members: Vec<Member<'_>> = (0..many)
            .map(|index| Member {
                id: ids[index],
                name: &names[index],
                objects: Some(&objects[index]),
                makes_namespaces: false,
                depends_on: &depends[index],
            })
            .collect();
        let places = order(&members);
        let stages: BTreeMap<TargetId, u32> =
            places.iter().map(|place| (place.target, place.stage)).collect();
        prop_assert_eq!(stages.len(), many);
        for place in &places {
            prop_assert!(place.after.iter().all(|other| stages[other] < place.stage));
            if place.why.contains("circle") {
                continue;
            }
            let own = ids.iter().position(|id| *id == place.target).unwrap();
            for other in depends[own].iter().filter(|other| **other != place.target) {
                prop_assert!(stages[other] < place.stage);
            }
        }
        let last = stages.values().max().copied().unwrap_or_default();
        prop_assert!((1..=last).all(|stage| stages.values().any(|other| *other == stage)));
    }
}
