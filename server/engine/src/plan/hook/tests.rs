use super::*;
use serde_json::json;

fn body(annotations: Value) -> Value {
    json!({"metadata": {"name": "a", "annotations": annotations}})
}

#[test]
fn hooks_are_read_in_both_dialects() {
    use HookPhase::{PostDelete, PostSync, PreDelete, PreSync, Sync, SyncFail};
    let cases: [(&str, &str, &[HookPhase]); 13] = [
        (ARGO_HOOK, "PreSync", &[PreSync]),
        (ARGO_HOOK, "PostSync, Sync", &[Sync, PostSync]),
        (ARGO_HOOK, "SyncFail", &[SyncFail]),
        (ARGO_HOOK, "PreDelete,PostDelete", &[PreDelete, PostDelete]),
        (ARGO_HOOK, "Skip", &[]),
        (ARGO_HOOK, "presync", &[]),
        (HELM_HOOK, "pre-install,pre-upgrade", &[PreSync]),
        (HELM_HOOK, "post-install", &[PostSync]),
        (HELM_HOOK, "pre-upgrade, post-upgrade", &[PreSync, PostSync]),
        (HELM_HOOK, "pre-delete", &[PreDelete]),
        (HELM_HOOK, "post-delete", &[PostDelete]),
        (HELM_HOOK, "test", &[]),
        (HELM_HOOK, "post-rollback", &[]),
    ];
    for (name, text, phases) in cases {
        let hook = hook(&body(json!({name: text}))).unwrap();
        assert!(hook.phases.iter().eq(phases), "{name}: {text}: {hook:?}");
    }
    assert_eq!(hook(&body(json!({}))), None);
    assert_eq!(hook(&json!({"metadata": {"annotations": null}})), None);
    assert_eq!(hook(&body(json!({HELM_HOOK: "crd-install"}))), None);
}

#[test]
fn an_annotation_of_argo_counts_instead_of_helms() {
    let both = body(json!({ARGO_HOOK: "PostSync", HELM_HOOK: "pre-install"}));
    let hook = hook(&both).unwrap();
    assert_eq!(hook.dialect, HookDialect::Argo);
    assert!(hook.phases.iter().eq(&[HookPhase::PostSync]));
}

#[test]
fn what_no_sync_runs_is_left_out() {
    for (name, text, out) in [
        (HELM_HOOK, "test", true),
        (HELM_HOOK, "pre-delete", true),
        (HELM_HOOK, "post-delete,post-rollback", true),
        (HELM_HOOK, "surprise", true),
        (HELM_HOOK, "", true),
        (HELM_HOOK, "pre-install", false),
        (HELM_HOOK, "post-upgrade,pre-delete", false),
        (HELM_HOOK, "crd-install", false),
        (ARGO_HOOK, "PreSync", true),
        (ARGO_HOOK, "Skip", true),
        (ARGO_HOOK, "nonsense", true),
    ] {
        let why = left_out(&body(json!({name: text})));
        assert_eq!(why.is_some(), out, "{name}: {text}: {why:?}");
    }
    assert_eq!(left_out(&body(json!({}))), None);
}

#[test]
fn unknown_and_contradicting_values_are_said() {
    for (annotations, expected) in [
        (json!({ARGO_HOOK: "PreSync"}), None),
        (
            json!({ARGO_HOOK: "PreSync,Presync"}),
            Some("\"Presync\" is not known"),
        ),
        (json!({ARGO_HOOK: "Skip,PreSync"}), Some("Skip counts")),
        (
            json!({ARGO_HOOK: "Sync", ARGO_DELETION: "HookSucceeded,Never"}),
            Some("hook-delete-policy: \"Never\" is not known"),
        ),
        (json!({HELM_HOOK: "tset"}), Some("\"tset\" is not known")),
        (
            json!({HELM_HOOK: "test", HELM_DELETION: "HookSucceeded"}),
            Some("hook-delete-policy: \"HookSucceeded\" is not known"),
        ),
        (
            json!({HELM_HOOK: "test", HELM_DELETION: "hook-succeeded"}),
            None,
        ),
        (
            json!({HELM_HOOK: "pre-install"}),
            Some("applied like any other object"),
        ),
    ] {
        let said = remarks(&body(annotations.clone()));
        match expected {
            None => assert_eq!(said, Vec::<String>::new(), "{annotations}"),
            Some(part) => assert!(said.iter().any(|one| one.contains(part)), "{said:?}"),
        }
    }
}
