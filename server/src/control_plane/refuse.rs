//! How failures of the stages are told to whoever asked: in words, without secrets, and with the chain in the log
//! where it is our fault.

use crate::reconcile::vouched::Untold;
use crate::store::StoreError;
use engine::render::RenderError;
use engine::source::SourceError;
use lockstep_types::PortError;
use uuid::Uuid;

/// A failure of the database.
pub(super) fn store(error: StoreError) -> PortError {
    match error {
        StoreError::NotFound { subject } => PortError::NotFound(subject),
        StoreError::Exists { .. } | StoreError::Conflict { .. } | StoreError::Stale { .. } => {
            PortError::Conflict(error.to_string())
        }
        error if error.is_transient() => {
            tracing::warn!(event.name = "port.unavailable", error = %chain(&error), "the database does not answer");
            PortError::Unavailable(error.to_string())
        }
        error => internal(&error),
    }
}

/// A failure of a repository.
pub(super) fn source(error: SourceError) -> PortError {
    let said = with_next(&error.to_string(), error.next());
    match error {
        SourceError::NoSuchRevision { .. } | SourceError::UnknownCommit { .. } => {
            PortError::NotFound(subject_of(error))
        }
        SourceError::Path { .. } => PortError::invalid("path", said),
        SourceError::Unsigned { .. } => PortError::Conflict(said),
        SourceError::Mirror { .. } => internal(&error),
        _ => PortError::Unavailable(said),
    }
}

fn subject_of(error: SourceError) -> String {
    match error {
        SourceError::NoSuchRevision { revision, .. }
        | SourceError::UnknownCommit { revision, .. } => {
            format!("commit {revision}")
        }
        other => other.to_string(),
    }
}

/// What keeps a signature from being verified.
pub(super) fn untold(error: Untold) -> PortError {
    match error {
        Untold::Source(error) => source(error),
        Untold::Lost => {
            PortError::Unavailable("the signature could not be verified; ask again".to_owned())
        }
    }
}

/// A failure of rendering: the files are to blame, not the question.
pub(super) fn render(error: RenderError) -> PortError {
    match error {
        RenderError::Source(error) => source(error),
        RenderError::Internal(_) => internal(&error),
        error => PortError::Conflict(with_next(&error.to_string(), error.next())),
    }
}

/// Our own fault: the log has the chain under the id that is told.
pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> PortError {
    let id = Uuid::now_v7().simple().to_string();
    tracing::error!(event.name = "port.internal", error.id = %id, error = %chain(error), "a question could not be answered");
    PortError::Internal(id)
}

/// A missing object.
pub(super) fn missing(kind: &str, name: impl std::fmt::Display) -> PortError {
    PortError::NotFound(format!("{kind} {name}"))
}

/// Message and next step as sentences.
pub(super) fn with_next(message: &str, next: &str) -> String {
    let message = message.trim_end_matches('.');
    if next.is_empty() {
        message.to_owned()
    } else {
        format!("{message}. {}", next.trim_end_matches('.'))
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_keep_their_kind() {
        let missing = store(StoreError::NotFound {
            subject: "target x".to_owned(),
        });
        assert_eq!(missing, PortError::NotFound("target x".to_owned()));
        let stale = store(StoreError::Stale {
            subject: "target x".to_owned(),
            have: 2,
            given: 1,
        });
        assert!(matches!(stale, PortError::Conflict(_)));
        let busy = store(StoreError::Busy {
            doing: "list targets",
        });
        assert_eq!(busy.http_status(), 503);
        let broken = store(StoreError::Unreadable {
            table: "target",
            column: "sync",
        });
        assert!(matches!(broken, PortError::Internal(id) if id.len() == 32));
    }

    #[test]
    fn an_unknown_commit_is_not_found() {
        let error = SourceError::UnknownCommit {
            url: "https://git.example.com/a".to_owned(),
            revision: "abc".to_owned(),
        };
        assert_eq!(source(error), PortError::NotFound("commit abc".to_owned()));
    }

    #[test]
    fn messages_end_without_a_doubled_stop() {
        assert_eq!(
            with_next("it failed.", "Try again."),
            "it failed. Try again"
        );
    }
}
