use super::*;

#[test]
fn a_failing_fetch_keeps_the_last_good_revision() {
    let memory = Memory::default();
    let main = TargetRevision("main".to_owned());
    let head = Revision("a".repeat(40));
    assert!(memory.resolve("repo", &main, |entry| entry.revision = Some(head.clone())));
    let failing = Failing {
        since: Micros(1),
        error: "no answer".to_owned(),
        next: String::new(),
    };
    assert!(memory.resolve("repo", &main, |entry| entry.failing = Some(failing.clone())));
    assert!(!memory.resolve("repo", &main, |entry| entry.failing = Some(failing)));
    assert_eq!(
        memory
            .resolution("repo", &main)
            .and_then(|known| known.revision),
        Some(head)
    );
}

#[test]
fn what_is_known_does_not_grow_with_the_revisions_that_were_followed() {
    let memory = Memory::default();
    let main = TargetRevision("main".to_owned());
    memory.resolve("repo", &main, |_| {});
    for number in 0..2_000 {
        let commit = TargetRevision(format!("{number:040}"));
        memory.resolve("repo", &commit, |_| {});
        let wanted = Wanted {
            revisions: BTreeSet::from([main.clone(), commit.clone()]),
            ..Wanted::default()
        };
        memory.want(HashMap::from([("repo".to_owned(), wanted)]));
        assert!(memory.resolution("repo", &commit).is_some());
        assert!(locked(&memory.resolutions).len() <= UNTRACKED + 3);
    }
    assert!(memory.resolution("repo", &main).is_some());
}

#[tokio::test]
async fn quiet_waits_for_the_last_write() {
    let memory = Memory::default();
    let writing = memory.writing();
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(1), memory.quiet())
            .await
            .is_err()
    );
    drop(writing);
    memory.quiet().await;
}
