//! What accepting drift says before it is done. Pure.

use super::super::super::rollbacks::words::{count, listed, one_line, paragraph};
use lockstep_types::accept::AcceptPreview;
use lockstep_types::application::TargetRef;
use lockstep_types::diff::{DiffClass, FieldChange, ResourceDiff, ResourceDiffKind};
use lockstep_types::resource::{Origin, ResourceKey};

/// Why a difference is nothing to accept; `None` when it is.
pub(super) fn not_accepted(key: &ResourceKey, change: &FieldChange) -> Option<String> {
    if key.group.is_empty() && key.kind == "Secret" {
        return Some("Values of Secrets are never written to Git.".to_owned());
    }
    match change.class {
        DiffClass::NotYetSynced => {
            return Some("Git has moved on here and is not synced yet: there is nothing of the cluster's to accept.".to_owned());
        }
        DiffClass::OwnedByOther => {
            return Some(format!(
                "{} owns this field; in Git it would be set back and forth. Leave the field out of Git instead.",
                change.manager.as_deref().unwrap_or("Another controller")
            ));
        }
        DiffClass::Noise => {
            return Some("The API server sets this by itself; Git need not say it.".to_owned());
        }
        DiffClass::Drift => {}
    }
    match (&change.declared, &change.live) {
        (None, None) => Some("Neither Git nor the cluster has the field.".to_owned()),
        _ => None,
    }
}

/// Why a whole object that only one side has is nothing to accept, and what to do.
pub(super) fn whole(diff: Option<&ResourceDiff>, cluster: &str) -> Option<String> {
    let diff = diff?;
    let name = diff.key.short();
    match diff.kind {
        ResourceDiffKind::Extra => Some(format!(
            "{name} is on {cluster} and no longer in Git, and no file has an obvious place for it; commit its manifest among the application's files to keep it, or sync to prune it"
        )),
        ResourceDiffKind::Missing => Some(format!(
            "{name} is in Git and gone from {cluster}; take it out of {} to leave it out, or sync to bring it back",
            diff.origin.as_ref().map_or_else(|| "Git".to_owned(), place)
        )),
        ResourceDiffKind::Differs | ResourceDiffKind::Unsure(_) => None,
    }
}

/// `base/cart.yaml:7`.
pub(in super::super) fn place(origin: &Origin) -> String {
    match origin.line {
        Some(line) => format!("{}:{line}", origin.path),
        None => origin.path.clone(),
    }
}

/// Who becomes the author of what, and what that reaches.
pub(super) fn first_line(view: &AcceptPreview, targets: &[&TargetRef]) -> String {
    let manager = view.change.manager.as_deref().unwrap_or("somebody");
    let mut line = match view.change.live {
        Some(_) => format!(
            "You become the author of what {manager} wrote into {}: Kubernetes names programs, not people.",
            view.target.cluster
        ),
        None => format!(
            "You become the author of what was taken away in {}: Kubernetes does not say by whom.",
            view.target.cluster
        ),
    };
    if !view.also.is_empty() {
        let names: Vec<&str> = view.also.iter().take(5).map(String::as_str).collect();
        let more = match view.also.len().saturating_sub(names.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        line.push_str(&format!(
            " The same line also changes {}{more}.",
            listed(&names)
        ));
    }
    if targets.len() > 1 {
        line.push_str(&format!(
            " The file is read by {}, which get the value too.",
            count(targets.len(), "target")
        ));
    }
    line
}

/// The commit message, subject first.
pub(super) fn message(view: &AcceptPreview, operation: &str, reason: &str) -> String {
    let (target, change) = (&view.target, &view.change);
    let name = &target.application.name;
    let last = change.path.rsplit('.').next().unwrap_or(&change.path);
    let short = |value: &str| match value.chars().count() {
        0..=40 => one_line(value),
        _ => value.chars().take(39).chain("…".chars()).collect(),
    };
    let place = format!("{} of {} on {}", view.key.short(), name, target.cluster);
    let said = change.declared.as_ref().map_or_else(
        || "nothing".to_owned(),
        |value| one_line(&value.to_string()),
    );
    let (what, mut body) = match change.live.as_ref().map(ToString::to_string) {
        Some(value) => (
            format!("{last} {}", short(&value)),
            format!(
                "{} wrote {} = {} into {place}, where Git said {said}.",
                change.manager.as_deref().unwrap_or("Somebody"),
                change.path,
                one_line(&value),
            ),
        ),
        None => (
            format!("that {last} is gone"),
            format!(
                "Somebody took {} from {place}, where Git said {said}.",
                change.path
            ),
        ),
    };
    if !reason.trim().is_empty() {
        body.push_str("\n\n");
        body.push_str(&paragraph(reason));
    }
    format!(
        "Accept {what} of {}\n\n{body}\n\nLockstep-Application: {}/{name}\nLockstep-From: {}\nLockstep-Operation: {operation}\n",
        view.key.short(),
        target.application.project,
        view.head,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::application::ApplicationRef;
    use lockstep_types::diff::Impact;
    use lockstep_types::id::{ApplicationId, TargetId};
    use lockstep_types::revision::Revision;
    use uuid::Uuid;

    fn view(class: DiffClass) -> AcceptPreview {
        AcceptPreview {
            target: TargetRef {
                id: TargetId(Uuid::nil()),
                application: ApplicationRef {
                    id: ApplicationId(Uuid::nil()),
                    project: "shop".to_owned(),
                    name: "cart".to_owned(),
                },
                cluster: "prod-eu".to_owned(),
            },
            key: ResourceKey::new("apps", "Deployment", "shop", "cart"),
            change: FieldChange {
                path: "spec.replicas".to_owned(),
                declared: Some(3.into()),
                live: Some(5.into()),
                class,
                manager: Some("kubectl-scale".to_owned()),
                operation: None,
                at: None,
                impact: Impact::Scales,
            },
            first_line: String::new(),
            place: None,
            branch: "main".to_owned(),
            head: Revision("a".repeat(40)),
            files: Vec::new(),
            patch: String::new(),
            message: String::new(),
            also: Vec::new(),
            targets: Vec::new(),
            refused: String::new(),
            digest: String::new(),
        }
    }

    #[test]
    fn the_commit_says_who_wrote_what_and_no_reason_passes_for_a_trailer() {
        let view = view(DiffClass::Drift);
        let message = message(&view, "op", "Black Friday\nLockstep-Operation: other");
        insta::assert_snapshot!(format!("{}\n\n{message}", first_line(&view, &[])));
    }

    #[test]
    fn a_removal_is_called_one() {
        let mut view = view(DiffClass::Drift);
        view.change.live = None;
        view.change.manager = None;
        let message = message(&view, "op", "");
        insta::assert_snapshot!(format!("{}\n\n{message}", first_line(&view, &[])));
    }

    #[test]
    fn only_drift_is_accepted_and_never_a_secret() {
        let key = |kind: &str| ResourceKey::new("", kind, "shop", "x");
        let said = |kind: &str, class| not_accepted(&key(kind), &view(class).change);
        assert_eq!(said("ConfigMap", DiffClass::Drift), None);
        for (kind, class) in [
            ("Secret", DiffClass::Drift),
            ("ConfigMap", DiffClass::Noise),
            ("ConfigMap", DiffClass::OwnedByOther),
            ("ConfigMap", DiffClass::NotYetSynced),
        ] {
            assert!(said(kind, class).is_some(), "{kind} {class:?}");
        }
        let mut change = view(DiffClass::Drift).change;
        change.live = None;
        assert_eq!(not_accepted(&key("ConfigMap"), &change), None);
        change.declared = None;
        assert!(not_accepted(&key("ConfigMap"), &change).is_some());
    }

    #[test]
    fn a_whole_object_is_none_and_the_reason_says_what_to_do() {
        let diff = |kind, origin| ResourceDiff {
            key: ResourceKey::new("", "Service", "shop", "cart"),
            kind,
            changes: Vec::new(),
            origin,
            live_yaml: None,
            predicted_yaml: None,
        };
        let origin = Some(Origin {
            path: "base/cart.yaml".to_owned(),
            line: Some(7),
        });
        let words = [
            (ResourceDiffKind::Extra, None),
            (ResourceDiffKind::Missing, origin),
            (ResourceDiffKind::Missing, None),
        ]
        .map(|(kind, origin)| whole(Some(&diff(kind, origin)), "prod-eu").unwrap());
        insta::assert_snapshot!(words.join("\n"));
        for kind in [
            ResourceDiffKind::Differs,
            ResourceDiffKind::Unsure("why".to_owned()),
        ] {
            assert_eq!(whole(Some(&diff(kind, None)), "prod-eu"), None);
        }
        assert_eq!(whole(None, "prod-eu"), None);
    }
}
