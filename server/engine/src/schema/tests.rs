use super::*;
use serde_json::json;

/// Kinds of Kubernetes 1.36 as its API server publishes them, cut to what this module reads.
pub(crate) fn kubernetes() -> Schema {
    let documents: Vec<Value> =
        serde_json::from_str(include_str!("fixtures/kubernetes.json")).unwrap();
    Schema::from_openapi_v3(&documents)
}

fn at<'a>(schema: &'a Schema, api_version: &str, kind: &str, path: &str) -> View<'a> {
    let mut view = schema
        .view(api_version, kind)
        .unwrap_or_else(|| panic!("no {kind}"));
    for step in path.split('.').filter(|step| !step.is_empty()) {
        view = match step {
            "[]" => view.item(),
            name => match view.field(name) {
                Field::Known(below) => below,
                Field::Unknown => panic!("{kind} has no {path}: {name}"),
            },
        };
    }
    view
}

#[test]
fn knows_how_lists_merge() {
    let schema = kubernetes();
    let keys = |names: &[&str]| ListKind::Map(names.iter().map(|name| Box::from(*name)).collect());
    let containers = "spec.template.spec.containers";
    for (version, kind, path, expected) in [
        (
            "apps/v1",
            "Deployment",
            containers.to_owned(),
            keys(&["name"]),
        ),
        (
            "apps/v1",
            "Deployment",
            format!("{containers}.[].ports"),
            keys(&["containerPort", "protocol"]),
        ),
        (
            "apps/v1",
            "Deployment",
            format!("{containers}.[].args"),
            ListKind::Atomic,
        ),
        (
            "apps/v1",
            "StatefulSet",
            "spec.volumeClaimTemplates".to_owned(),
            ListKind::Atomic,
        ),
        (
            "v1",
            "Service",
            "spec.ports".to_owned(),
            keys(&["port", "protocol"]),
        ),
        (
            "v1",
            "ConfigMap",
            "metadata.finalizers".to_owned(),
            ListKind::Set,
        ),
        (
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            "subjects".to_owned(),
            ListKind::Atomic,
        ),
    ] {
        assert_eq!(
            *at(&schema, version, kind, &path).list(),
            expected,
            "{kind} {path}"
        );
    }
}

#[test]
fn follows_references_to_shapes_and_defaults() {
    let schema = kubernetes();
    let container = "spec.template.spec.containers.[]";
    let deployment = |path: &str| at(&schema, "apps/v1", "Deployment", path);
    assert_eq!(
        *deployment(&format!("{container}.resources.limits.cpu")).shape(),
        Shape::Quantity
    );
    assert_eq!(
        *deployment(&format!("{container}.livenessProbe.httpGet.port")).shape(),
        Shape::IntOrString
    );
    assert_eq!(
        deployment(&format!("{container}.ports.[].protocol")).default(),
        Some(&json!("TCP"))
    );
    assert_eq!(
        *at(&schema, "v1", "Secret", "data.key").shape(),
        Shape::Bytes
    );
    assert!(deployment("spec.selector").atomic_map());
    assert!(!deployment("spec.template").atomic_map());
    assert!(matches!(deployment("spec").field("nope"), Field::Unknown));
}

#[test]
fn a_definition_of_custom_resources_is_recursive() {
    let schema = kubernetes();
    let path = "spec.versions.[].schema.openAPIV3Schema.properties.spec.properties.ports.items.properties.port.type";
    let view = at(
        &schema,
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        path,
    );
    assert_eq!(*view.shape(), Shape::Scalar);
}

#[test]
fn unknown_kinds_are_unknown() {
    let schema = kubernetes();
    assert!(schema.view("apps/v2", "Deployment").is_none());
    assert!(!schema.knows("apps/v1", "Widget"));
    assert!(schema.knows("apps/v1", "Deployment"));
}

fn custom(list: &Value) -> Value {
    json!({"components": {"schemas": {
        "com.example.v1.Widget": {
            "type": "object",
            "properties": {
                "metadata": {"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}]},
                "spec": {"type": "object", "properties": {
                    "parts": list,
                    "size": {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true},
                    "values": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                        "properties": {"known": {"type": "string", "default": "x"}}},
                    "template": {"type": "object", "x-kubernetes-embedded-resource": true,
                        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}},
                    "note": {"type": "string", "nullable": true},
                }},
            },
            "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}],
        },
        "com.example.v1.Loop": {"allOf": [{"$ref": "#/components/schemas/com.example.v1.Loop"}]},
    }}})
}

#[test]
fn reads_custom_resources_and_replaces_what_it_knew() {
    let mut schema = kubernetes();
    let objects = json!({"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}});
    assert_eq!(schema.add_openapi_v3(&custom(&objects)), 1);
    let widget = |schema: &'_ Schema, path: &str| {
        at(schema, "example.com/v1", "Widget", path).shape().clone()
    };
    assert!(matches!(
        widget(&schema, "spec.parts"),
        Shape::List {
            kind: ListKind::Atomic,
            ..
        }
    ));
    assert_eq!(widget(&schema, "spec.size"), Shape::IntOrString);
    assert_eq!(widget(&schema, "spec.values.any.thing"), Shape::Any);
    assert_eq!(widget(&schema, "spec.open.other"), Shape::Any);
    assert_eq!(widget(&schema, "spec.template.kind"), Shape::Any);
    assert!(at(&schema, "example.com/v1", "Widget", "spec.note").nullable());
    assert!(!at(&schema, "example.com/v1", "Widget", "spec").typed);
    assert!(at(&schema, "example.com/v1", "Widget", "metadata.labels").typed);
    let mut keyed = objects;
    keyed["x-kubernetes-list-type"] = json!("map");
    keyed["x-kubernetes-list-map-keys"] = json!(["id"]);
    schema.add_openapi_v3(&custom(&keyed));
    assert!(matches!(
        widget(&schema, "spec.parts"),
        Shape::List {
            kind: ListKind::Map(_),
            ..
        }
    ));
}

#[test]
fn merge_key_without_list_type_is_a_keyed_list() {
    let mut schema = Schema::default();
    schema.add_openapi_v3(&custom(
        &json!({"type": "array", "x-kubernetes-patch-merge-key": "id", "items": {}}),
    ));
    let expected = ListKind::Map(Box::from([Box::from("id")]));
    assert_eq!(
        *at(&schema, "example.com/v1", "Widget", "spec.parts").list(),
        expected
    );
}

#[test]
fn broken_documents_add_nothing_and_never_loop() {
    let mut schema = Schema::default();
    for document in [
        json!(null),
        json!([]),
        json!({"components": 3}),
        json!({"components": {"schemas": {"a": 1}}}),
    ] {
        assert_eq!(schema.add_openapi_v3(&document), 0, "{document}");
    }
    let endless = json!({"components": {"schemas": {"a": {
        "properties": {"metadata": {}, "spec": {"$ref": "#/components/schemas/b"}},
        "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "A"}],
    }, "b": {"$ref": "#/components/schemas/b"}}}});
    schema.add_openapi_v3(&endless);
    assert_eq!(*at(&schema, "v1", "A", "spec").shape(), Shape::Any);
}
