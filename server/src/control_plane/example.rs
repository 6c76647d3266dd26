//! Plain examples for the tests of the pure parts.

use lockstep_types::application::{ApplicationRef, TargetRef, TargetSummary};
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::Health;
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::revision::{CommitInfo, Revision};
use lockstep_types::source::Mode;
use lockstep_types::time::Micros;
use uuid::Uuid;

/// An id that follows from words.
pub(super) fn id(words: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, words.as_bytes())
}

/// A link to a target.
pub(super) fn reference(name: &str, project: &str, cluster: &str) -> TargetRef {
    TargetRef {
        id: TargetId(id(&format!("{project}/{name}@{cluster}"))),
        application: ApplicationRef {
            id: ApplicationId(id(&format!("{project}/{name}"))),
            name: name.to_owned(),
            project: project.to_owned(),
        },
        cluster: cluster.to_owned(),
    }
}

/// A target that is Synced and Healthy.
pub(super) fn target(name: &str, project: &str, cluster: &str) -> TargetSummary {
    TargetSummary {
        target: reference(name, project, cluster),
        mode: Mode::Managed,
        sync: SyncStatus::Synced,
        health: Health::healthy(),
        reason: None,
        drifted: 0,
        out_of_sync: 0,
        objects: 3,
        revision: Some(revision('a')),
        deployed: Some(revision('a')),
        images: vec![format!("{name}:1.4.2")],
        last_compared: Some(Micros(1)),
        running: None,
        phase: None,
        hold: None,
        pin: None,
    }
}

/// A revision of one digit forty times.
pub(super) fn revision(digit: char) -> Revision {
    Revision(std::iter::repeat_n(digit, 40).collect())
}

/// A commit at a time.
pub(super) fn commit(digit: char, subject: &str, at: i64) -> CommitInfo {
    CommitInfo {
        revision: revision(digit),
        parents: Vec::new(),
        subject: subject.to_owned(),
        body: String::new(),
        author: "Ana".to_owned(),
        author_email: "ana@example.com".to_owned(),
        authored_at: Micros::from_seconds(at),
        committer: "Ana".to_owned(),
        committed_at: Micros::from_seconds(at),
    }
}
