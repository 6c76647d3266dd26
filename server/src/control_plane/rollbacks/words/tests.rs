use super::*;
use crate::control_plane::example;
use lockstep_types::plan::{PlanPhase, Step};
use lockstep_types::resource::ResourceKey;

#[test]
fn the_first_line_says_how_far_it_reaches() {
    let one = example::reference("cart", "shop", "prod-eu");
    assert_eq!(
        first_line(&one, std::slice::from_ref(&one), false),
        "This commit changes only cart on prod-eu."
    );
    let two = example::reference("cart", "shop", "prod-us");
    assert_eq!(
        first_line(&one, &[one.clone(), two.clone()], false),
        "This commit changes 2 targets of 1 application on 2 clusters: prod-eu and prod-us. To take back only cart on prod-eu, pin it."
    );
    assert_eq!(
        first_line(&one, &[one.clone(), two], true),
        "This commit changes 2 targets of 1 application on 2 clusters: prod-eu and prod-us."
    );
    let many: Vec<TargetRef> = ["a", "b", "c", "d", "e"]
        .map(|cluster| example::reference("web", "shop", cluster))
        .into();
    assert_eq!(
        first_line(&one, &many, false),
        "This commit changes 5 targets of 1 application on 5 clusters. To take back only cart on prod-eu, pin it."
    );
}

#[test]
fn the_message_names_what_it_does_and_by_which_operation() {
    let target = example::reference("cart", "shop", "prod-eu");
    let to = example::commit('b', "Bump cart\tto 1.4", 5);
    let text = message(
        &target,
        &example::revision('a'),
        &to,
        "op-1",
        "2.9.1 was never pushed\nLockstep-To: forged",
    );
    insta::assert_snapshot!(text, @r"
    Roll back cart to bbbbbbb

    Restores the state of “Bump cart to 1.4” (bbbbbbb).

    2.9.1 was never pushed
    > Lockstep-To: forged

    Lockstep-Application: shop/cart
    Lockstep-From: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    Lockstep-To: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    Lockstep-Operation: op-1
    ");
}

#[test]
fn only_branches_take_a_commit() {
    assert_eq!(
        commit_refused(&TargetRevision("main".to_owned()), Some("main")),
        ""
    );
    let tag = commit_refused(&TargetRevision("v1.2.0".to_owned()), None);
    assert!(tag.contains("the tag or version v1.2.0"), "{tag}");
    let sha = commit_refused(&TargetRevision("3fa91c2".to_owned()), None);
    assert!(sha.contains("the commit 3fa91c2"), "{sha}");
    assert!(!is_sha("deadbeef"));
}

#[test]
fn data_and_jobs_do_not_come_back() {
    let target = example::reference("cart", "shop", "prod-eu");
    let step = |kind: &str, action: Action, impact: Option<Impact>| Step {
        index: 0,
        key: ResourceKey::new("", kind, "shop", "db"),
        api_version: "v1".to_owned(),
        action,
        phase: PlanPhase::Sync,
        wave: 0,
        hook: None,
        uid: None,
        desired_hash: String::new(),
        method: Default::default(),
        prune_last: false,
        changes: Vec::new(),
        impact,
        why: String::new(),
    };
    let plan = Plan {
        target: target.id,
        revision: example::revision('a'),
        steps: vec![
            step("PersistentVolumeClaim", Action::Prune, None),
            step("StatefulSet", Action::Prune, Some(Impact::DeletesData)),
            step("ConfigMap", Action::Prune, Some(Impact::Deletes)),
        ],
        gate: Vec::new(),
        digest: String::new(),
        report: Vec::new(),
    };
    let plans = [TargetPlan {
        target: target.clone(),
        plan: Some(plan),
        error: String::new(),
        automated: true,
    }];
    let said = cannot_undo(&plans, &[(&target, vec!["Job migrate-41".to_owned()])]);
    assert_eq!(
        said,
        [
            "Job migrate-41 on prod-eu ran and is not undone: what it did to databases and other systems stays.",
            "On prod-eu, PersistentVolumeClaim db and StatefulSet db would be deleted with the data in it; a later sync does not bring the data back."
        ]
    );
    assert!(cannot_undo(&[], &[(&target, Vec::new())]).is_empty());
}
