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
fn hooks_are_no_ordinary_objects() {
    for (name, text, runs) in [
        (HELM_HOOK, "test", ""),
        (HELM_HOOK, "pre-delete", ""),
        (HELM_HOOK, "post-delete,post-rollback", ""),
        (HELM_HOOK, "surprise", ""),
        (HELM_HOOK, "", ""),
        (HELM_HOOK, "pre-install", "PreSync"),
        (HELM_HOOK, "post-upgrade,pre-delete", "PostSync"),
        (ARGO_HOOK, "SyncFail,PreSync", "PreSync SyncFail"),
        (ARGO_HOOK, "Skip", ""),
        (ARGO_HOOK, "nonsense", ""),
    ] {
        let body = body(json!({name: text}));
        let phases: Vec<&str> = hook(&body)
            .unwrap()
            .runs_in()
            .into_iter()
            .map(PlanPhase::word)
            .collect();
        assert_eq!(phases.join(" "), runs, "{name}: {text}");
        assert!(left_out(&body).is_some(), "{name}: {text}");
    }
    assert_eq!(left_out(&body(json!({}))), None);
    assert_eq!(left_out(&body(json!({HELM_HOOK: "crd-install"}))), None);
}

#[test]
fn an_object_goes_before_its_hook_is_made_anew_unless_it_says_otherwise() {
    use HookDeletion::{BeforeHookCreation, HookFailed, HookSucceeded};
    let cases: [(&str, &str, &str, &[HookDeletion]); 5] = [
        (ARGO_HOOK, ARGO_DELETION, "", &[BeforeHookCreation]),
        (ARGO_HOOK, ARGO_DELETION, "Never", &[BeforeHookCreation]),
        (
            ARGO_HOOK,
            ARGO_DELETION,
            "HookFailed, HookSucceeded",
            &[HookSucceeded, HookFailed],
        ),
        (HELM_HOOK, HELM_DELETION, "hook-succeeded", &[HookSucceeded]),
        (
            HELM_HOOK,
            ARGO_DELETION,
            "HookSucceeded",
            &[BeforeHookCreation],
        ),
    ];
    for (name, policy, text, expected) in cases {
        let hook = hook(&body(json!({name: "PreSync", policy: text}))).unwrap();
        assert!(hook.deletions.iter().eq(expected), "{policy}: {text}");
    }
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
    ] {
        let said = remarks(&body(annotations.clone()));
        match expected {
            None => assert_eq!(said, Vec::<String>::new(), "{annotations}"),
            Some(part) => assert!(said.iter().any(|one| one.contains(part)), "{said:?}"),
        }
    }
}
