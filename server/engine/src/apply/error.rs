//! Why a write failed, typed, with the object named. Values of Secrets never get in here: for Secrets the server's own
//! words are dropped, because they quote what they refuse.

use super::undeclared;
use crate::live::request::shortened;
use crate::masking::{Masking, is_on};
use kube::core::Status;
use lockstep_types::resource::ResourceKey;

/// A field that another manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConflict {
    /// `.spec.replicas`.
    pub field: String,
    /// `kube-controller-manager`; empty where the server does not say.
    pub manager: String,
}

/// A field that the server refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// `spec.selector`.
    pub field: String,
    /// The server's words; empty for Secrets.
    pub message: String,
}

/// How a write to a cluster failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    #[error("{}: other managers own {}", object.short(), owned(conflicts))]
    Conflict {
        object: Box<ResourceKey>,
        conflicts: Vec<FieldConflict>,
    },
    #[error("{}: the cluster finds it invalid: {}", object.short(), invalid(fields, message))]
    Invalid {
        object: Box<ResourceKey>,
        fields: Vec<FieldProblem>,
        message: String,
    },
    #[error("{}: the cluster does not let this be changed in place: {}", object.short(), fields.join(", "))]
    Immutable {
        object: Box<ResourceKey>,
        /// `spec.selector`.
        fields: Vec<String>,
    },
    #[error("{}: the cluster does not know {}", object.short(), fields.join(", "))]
    Undeclared {
        object: Box<ResourceKey>,
        /// `.spec.containers[name="main"].imge`.
        fields: Vec<String>,
    },
    #[error("{}: the cluster forbids it: {message}", object.short())]
    Forbidden {
        object: Box<ResourceKey>,
        message: String,
    },
    #[error("{}: namespace {} is being deleted; it can be applied once that is over", object.short(), object.namespace)]
    NamespaceTerminating { object: Box<ResourceKey> },
    #[error("{}: not found: {message}", object.short())]
    NotFound {
        object: Box<ResourceKey>,
        message: String,
    },
    #[error("{}: the cluster does not serve {} in {api_version}", object.short(), object.kind)]
    UnknownKind {
        object: Box<ResourceKey>,
        api_version: String,
    },
    #[error("{}: it is not the object this was planned for: {message}", object.short())]
    PreconditionFailed {
        object: Box<ResourceKey>,
        message: String,
    },
    #[error("{}: the cluster turns requests away (429): {message}", object.short())]
    Throttled {
        object: Box<ResourceKey>,
        message: String,
    },
    #[error("{}: the cluster answers {code}: {message}", object.short())]
    Rejected {
        object: Box<ResourceKey>,
        code: u16,
        message: String,
    },
    #[error("{}: no answer within {seconds} s; whether it was carried out is not known", object.short())]
    Timeout {
        object: Box<ResourceKey>,
        seconds: u64,
    },
    #[error("{}: the cluster cannot be reached: {error}", object.short())]
    Unreachable {
        object: Box<ResourceKey>,
        error: String,
    },
}

impl ApplyError {
    /// The object it is about.
    pub fn object(&self) -> &ResourceKey {
        match self {
            Self::Conflict { object, .. }
            | Self::Invalid { object, .. }
            | Self::Immutable { object, .. }
            | Self::Undeclared { object, .. }
            | Self::Forbidden { object, .. }
            | Self::NamespaceTerminating { object }
            | Self::NotFound { object, .. }
            | Self::UnknownKind { object, .. }
            | Self::PreconditionFailed { object, .. }
            | Self::Throttled { object, .. }
            | Self::Rejected { object, .. }
            | Self::Timeout { object, .. }
            | Self::Unreachable { object, .. } => object,
        }
    }

    /// Whether it may succeed later without anybody changing anything. The live object must be read again first.
    pub fn transient(&self) -> bool {
        match self {
            Self::Timeout { .. }
            | Self::Unreachable { .. }
            | Self::Throttled { .. }
            | Self::NamespaceTerminating { .. }
            | Self::UnknownKind { .. } => true,
            Self::Rejected { code, .. } => *code >= 500,
            _ => false,
        }
    }
}

fn owned(conflicts: &[FieldConflict]) -> String {
    let one = |conflict: &FieldConflict| match conflict.manager.as_str() {
        "" => conflict.field.clone(),
        manager => format!("{} ({manager})", conflict.field),
    };
    conflicts.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn invalid(fields: &[FieldProblem], message: &str) -> String {
    if fields.is_empty() {
        return message.to_owned();
    }
    let one = |problem: &FieldProblem| match problem.message.as_str() {
        "" => problem.field.clone(),
        message => format!("{}: {message}", problem.field),
    };
    fields.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The typed form of a server's refusal.
pub(super) fn refusal(object: &ResourceKey, status: &Status) -> ApplyError {
    let secret = object.group.is_empty() && object.kind == "Secret" && is_on(Masking::Answers);
    let said = |text: &str| {
        if secret {
            String::new()
        } else {
            shortened(text, 1000)
        }
    };
    let reason = if status.reason.is_empty() {
        "refused"
    } else {
        &status.reason
    };
    let message = if secret {
        format!("{reason} (details are withheld for Secrets)")
    } else {
        shortened(&status.message, 1000)
    };
    let object = Box::new(object.clone());
    let causes = status
        .details
        .as_ref()
        .map(|details| details.causes.as_slice())
        .unwrap_or_default();
    let undeclared = undeclared::named(&status.message);
    match status.code {
        409 => {
            let conflicts: Vec<FieldConflict> = causes
                .iter()
                .filter(|cause| cause.reason == "FieldManagerConflict")
                .map(|cause| FieldConflict {
                    field: cause.field.clone(),
                    manager: manager_of(&cause.message),
                })
                .collect();
            if conflicts.is_empty() {
                ApplyError::PreconditionFailed { object, message }
            } else {
                ApplyError::Conflict { object, conflicts }
            }
        }
        // We send a UID only to say which object is meant.
        422 if causes.iter().any(|cause| cause.field == "metadata.uid") => {
            ApplyError::PreconditionFailed {
                object,
                message: "another object has its name by now".to_owned(),
            }
        }
        422 if !causes.is_empty() && causes.iter().all(|cause| is_immutable(&cause.message)) => {
            ApplyError::Immutable {
                object,
                fields: causes.iter().map(|cause| cause.field.clone()).collect(),
            }
        }
        422 | 400 => {
            let fields = causes
                .iter()
                .filter(|cause| !cause.field.is_empty())
                .map(|cause| FieldProblem {
                    field: cause.field.clone(),
                    message: said(&cause.message),
                })
                .collect();
            ApplyError::Invalid {
                object,
                fields,
                message,
            }
        }
        403 if causes
            .iter()
            .any(|cause| cause.reason == "NamespaceTerminating") =>
        {
            ApplyError::NamespaceTerminating { object }
        }
        403 => ApplyError::Forbidden { object, message },
        // An apply that names them is an error of the server's own.
        500 if !undeclared.is_empty() => ApplyError::Undeclared {
            object,
            fields: undeclared,
        },
        404 => ApplyError::NotFound { object, message },
        429 => ApplyError::Throttled { object, message },
        code => ApplyError::Rejected {
            object,
            code,
            message,
        },
    }
}

/// Whether a refusal says that a field cannot be changed once the object is there. The server has no code for it, only
/// words: of its generic check, and of those of single kinds (Deployment, Job; StatefulSet, Pod and StorageClass;
/// Service; PriorityClass; RoleBinding).
fn is_immutable(message: &str) -> bool {
    const WORDS: [&str; 8] = [
        "immutable",
        "updates to ",
        "updates may not change",
        "may not change once set",
        "may not be changed",
        "cannot be changed",
        "can not be changed",
        "cannot change ",
    ];
    WORDS.iter().any(|words| message.contains(words))
}

/// From `conflict with "kubectl" using apps/v1` or `conflict with "kubectl"`.
fn manager_of(message: &str) -> String {
    message.split('"').nth(1).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(kind: &str, status: serde_json::Value) -> (ApplyError, String) {
        let group = if kind == "Deployment" { "apps" } else { "" };
        let key = ResourceKey::new(group, kind, "shop", "web");
        let error = refusal(&key, &serde_json::from_value(status).unwrap());
        let text = error.to_string();
        (error, text)
    }

    #[test]
    fn names_fields_and_managers_of_a_conflict() {
        let (error, text) = said(
            "Deployment",
            json!({"status": "Failure", "code": 409, "reason": "Conflict", "message": "Apply failed with 1 conflict",
            "details": {"causes": [{"reason": "FieldManagerConflict", "message": "conflict with \"kubectl-edit\" using apps/v1", "field": ".spec.replicas"}]}}),
        );
        assert_eq!(
            text,
            "Deployment web: other managers own .spec.replicas (kubectl-edit)"
        );
        assert!(!error.transient());
    }

    #[test]
    fn what_is_said_about_a_secret_is_withheld() {
        let status = json!({"status": "Failure", "code": 422, "reason": "Invalid",
            "message": "data.password: Invalid value: \"aHVudGVyMg==\"",
            "details": {"causes": [{"reason": "FieldValueInvalid", "message": "Invalid value: \"aHVudGVyMg==\"", "field": "data.password"}]}});
        let (_, secret) = said("Secret", status.clone());
        assert!(!secret.contains("aHVudGVyMg=="), "{secret}");
        let (_, other) = said("ConfigMap", status);
        assert!(other.contains("aHVudGVyMg=="), "{other}");
    }

    #[test]
    fn another_uid_is_a_failed_precondition() {
        let (error, _) = said(
            "Deployment",
            json!({"status": "Failure", "code": 409, "reason": "Conflict",
            "message": "Operation cannot be fulfilled: Precondition failed: UID in precondition: a, UID in object meta: b"}),
        );
        assert!(matches!(error, ApplyError::PreconditionFailed { .. }));
    }

    #[test]
    fn names_the_field_that_is_immutable() {
        let (_, text) = said(
            "Deployment",
            json!({"status": "Failure", "code": 422, "reason": "Invalid", "message": "long",
            "details": {"causes": [{"reason": "FieldValueInvalid", "message": "Invalid value: {}: field is immutable", "field": "spec.selector"}]}}),
        );
        assert_eq!(
            text,
            "Deployment web: the cluster does not let this be changed in place: spec.selector"
        );
    }

    #[test]
    fn tells_what_cannot_be_changed_from_what_is_wrong() {
        let of = |causes: &[(&str, &str)]| {
            let causes: Vec<_> = causes
                .iter()
                .map(|(field, message)| json!({"reason": "FieldValueInvalid", "field": field, "message": message}))
                .collect();
            said(
                "Deployment",
                json!({"status": "Failure", "code": 422, "reason": "Invalid", "message": "m", "details": {"causes": causes}}),
            )
            .0
        };
        for (message, immutable) in [
            ("Invalid value: {}: field is immutable", true),
            (
                "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
                true,
            ),
            (
                "Forbidden: spec is immutable after creation except resources.requests",
                true,
            ),
            (
                "Forbidden: pod updates may not change fields other than `spec.containers[*].image`",
                true,
            ),
            (
                "Invalid value: []: primary clusterIP can not be unset",
                false,
            ),
            ("Invalid value: \"1.2.3.4\": may not change once set", true),
            ("Invalid value: cannot change roleRef", true),
            ("Forbidden: may not be changed in an update.", true),
            (
                "Invalid value: \"x\": a lowercase RFC 1123 label must consist of …",
                false,
            ),
            ("Required value", false),
        ] {
            let error = of(&[("spec.x", message)]);
            assert_eq!(
                matches!(error, ApplyError::Immutable { .. }),
                immutable,
                "{message}"
            );
        }
        // A field that is wrong is wrong in a new object too.
        let both = of(&[
            ("spec.a", "field is immutable"),
            ("spec.b", "Required value"),
        ]);
        assert!(matches!(both, ApplyError::Invalid { .. }), "{both:?}");
    }

    #[test]
    fn never_quotes_a_secret() {
        for code in [400, 403, 409, 422, 500] {
            let (error, text) = said(
                "Secret",
                json!({"status": "Failure", "code": code, "reason": "Invalid", "message": "Invalid value: \"s3cret\"",
                "details": {"causes": [{"reason": "FieldValueInvalid", "message": "Invalid value: \"s3cret\"", "field": "data[key]"}]}}),
            );
            assert!(!format!("{error:?} {text}").contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn tells_a_dying_namespace_from_missing_rights() {
        let (error, text) = said(
            "ConfigMap",
            json!({"status": "Failure", "code": 403, "reason": "Forbidden", "message": "m",
            "details": {"causes": [{"reason": "NamespaceTerminating", "message": "namespace shop is being terminated", "field": "metadata.namespace"}]}}),
        );
        assert!(
            error.transient() && text.contains("namespace shop is being deleted"),
            "{text}"
        );
        let (error, _) = said(
            "ConfigMap",
            json!({"status": "Failure", "code": 403, "reason": "Forbidden", "message": "exceeded quota"}),
        );
        assert!(matches!(error, ApplyError::Forbidden { .. }));
    }
}
