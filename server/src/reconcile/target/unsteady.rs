//! Two renders of the same files that differ: random values, times, or whatever else a template makes anew every time.
//!
//! Nothing is deleted on the word of such a render, and the application says which objects and fields are concerned.
//! Names paths of fields only, never values.

use crate::reconcile::cause::{Cause, count};
use engine::masking::MaskingRules;
use engine::render::Complete;
use lockstep_types::diff::{ResourceDiff, ResourceDiffKind};
use lockstep_types::reason::ReasonCode;
use lockstep_types::revision::Revision;

/// Objects and fields that are named; the others are counted.
const NAMED: usize = 3;

/// A render that is not the same twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsteady {
    /// Key of the render.
    pub(crate) render: String,
    pub(crate) cause: Cause,
}

/// What two renders of the same inputs disagree in; `None` when they agree.
pub(super) fn unsteady(
    first: &Complete,
    second: &Complete,
    at: &Revision,
    masking: &MaskingRules,
) -> Option<Unsteady> {
    if first.key != second.key || first.digest == second.digest {
        return None;
    }
    let diffs = engine::diff::compare_manifests(&first.objects, &second.objects, masking);
    let object = diffs.first().map(|diff| diff.key.clone());
    let mut named: Vec<String> = diffs.iter().take(NAMED).map(words).collect();
    if let more @ 1.. = diffs.len().saturating_sub(NAMED) {
        named.push(count(more, "more object", "more objects"));
    }
    let cause = Cause::stalled(
        ReasonCode::RenderFailed,
        format!(
            "Two renders of {} from the same files differ: {}",
            at.short(),
            named.join("; ")
        ),
        "Nothing is deleted; give the value in Git instead of making it while rendering",
    );
    Some(Unsteady {
        render: first.key.clone(),
        cause: cause.about(object),
    })
}

fn words(diff: &ResourceDiff) -> String {
    let object = diff.key.short();
    match diff.kind {
        ResourceDiffKind::Missing | ResourceDiffKind::Extra => {
            format!("{object} is in one of them only")
        }
        _ => {
            let mut fields: Vec<&str> = diff
                .changes
                .iter()
                .take(NAMED)
                .map(|change| change.path.as_str())
                .collect();
            let more;
            if let left @ 1.. = diff.changes.len().saturating_sub(NAMED) {
                more = count(left, "more field", "more fields");
                fields.push(&more);
            }
            format!("{object} ({})", fields.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::manifest::{Manifest, hash_of};
    use serde_json::{Value, json};

    fn render(objects: &[Value]) -> Complete {
        Complete {
            key: "key".to_owned(),
            objects: objects
                .iter()
                .map(|body| Manifest::new(body.clone(), None).unwrap())
                .collect(),
            encrypted: Vec::new(),
            digest: hash_of(&json!(objects)),
            warnings: Vec::new(),
        }
    }

    fn secret(name: &str, password: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "shop"}, "stringData": {"password": password}})
    }

    #[test]
    fn names_objects_and_fields_and_no_values() {
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        let at = Revision("3fa91c2".repeat(6));
        let first = render(&[secret("db", "hunter2"), config.clone()]);
        assert_eq!(
            unsteady(&first, &first, &at, &MaskingRules::default()),
            None
        );
        let second = render(&[secret("db", "hunter3")]);
        let found = unsteady(&first, &second, &at, &MaskingRules::default()).unwrap();
        insta::assert_snapshot!(found.cause.cause, @"Two renders of 3fa91c2 from the same files differ: ConfigMap a is in one of them only; Secret db (data.password)");
        assert!(found.cause.stalled);
        let other = Complete {
            key: "other".to_owned(),
            ..second
        };
        assert_eq!(
            unsteady(&first, &other, &at, &MaskingRules::default()),
            None,
            "other inputs may give other objects"
        );
    }
}
