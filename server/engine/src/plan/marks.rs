//! Marks on single objects by which Flux and Argo CD leave something about them alone. Reads them and says which of
//! them mean nothing.
//!
//! Flux reads its marks off labels as well as annotations, in any case, and those that let an object alone also off the
//! live object, where people put them by hand. (fluxcd.io, Kustomization: controlling the apply behavior of resources, prune;
//! argo-cd.readthedocs.io: compare options, ignoring extraneous resources; resource health, ignoring child resources.)

use super::order::annotation;
use crate::health::IGNORE_RESTART_POLICY;
use serde_json::Value;

/// Argo CD's words about how an object is compared.
pub const COMPARE_OPTIONS: &str = "argocd.argoproj.io/compare-options";
/// Argo CD's word about an object whose health does not count.
pub const IGNORE_HEALTH: &str = "argocd.argoproj.io/ignore-healthcheck";

/// Argo CD's word about an object whose changes need not be compared at once.
const IGNORE_UPDATES: &str = "argocd.argoproj.io/ignore-resource-updates";

/// Flux's marks with the values that they know; the first one is why they are there.
const FLUX: [(&str, &[&str]); 4] = [
    (PRUNE, &["disabled", "enabled"]),
    (RECONCILE, &["disabled", "enabled"]),
    (FORCE, &["enabled", "disabled"]),
    (SSA, &["ifnotpresent", "ignore", "merge", "override"]),
];
/// Says not to delete the object.
pub const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
/// Says to leave the object alone altogether.
pub const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
/// Says to make the object anew where it cannot be changed.
pub const FORCE: &str = "kustomize.toolkit.fluxcd.io/force";
/// Says how the object is applied.
pub const SSA: &str = "kustomize.toolkit.fluxcd.io/ssa";

/// The label of that name and the annotation of that name, as far as they are there.
fn both<'v>(body: &'v Value, name: &str) -> impl Iterator<Item = &'v str> + use<'v> {
    let label = body
        .get("metadata")
        .and_then(|metadata| metadata.get("labels")?.get(name)?.as_str());
    annotation(body, name).into_iter().chain(label)
}

/// Whether a mark of Flux has a value, by annotation or label.
pub(super) fn flux(body: &Value, name: &str, value: &str) -> bool {
    both(body, name).any(|given| given.eq_ignore_ascii_case(value))
}

/// Why an object is not written, whether the mark is in Git or was put on the live object by hand.
pub(super) fn let_alone(body: &Value) -> Option<String> {
    if flux(body, RECONCILE, "disabled") {
        return Some(format!("{RECONCILE}: disabled"));
    }
    flux(body, SSA, "ignore").then(|| format!("{SSA}: Ignore"))
}

/// Why a declared object takes no part in applying and comparing because of its own marks; `None` for all others. One
/// that is to be made only where it is missing (`exists` says whether it is there) takes none once it is there.
pub fn left_out(body: &Value, exists: bool) -> Option<String> {
    if let Some(why) = let_alone(body) {
        return Some(why);
    }
    (exists && flux(body, SSA, "ifnotpresent"))
        .then(|| format!("{SSA}: IfNotPresent, and it is present"))
}

/// Whether the health of a live object does not count for its application.
pub fn ignores_health(body: &Value) -> bool {
    annotation(body, IGNORE_HEALTH) == Some("true")
}

/// Whether a live object that Git does not declare any more is no difference.
pub fn ignores_extraneous(body: &Value) -> bool {
    compare_words(body).any(|word| word == "IgnoreExtraneous")
}

fn compare_words(body: &Value) -> impl Iterator<Item = &str> {
    let text = annotation(body, COMPARE_OPTIONS).unwrap_or_default();
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

/// What a person should know of the marks of a declared object, a sentence part each.
pub(super) fn remarks(body: &Value) -> Vec<String> {
    let mut said = Vec::new();
    for (name, known) in FLUX {
        let given: Vec<&str> = both(body, name).collect();
        for value in &given {
            if !known.iter().any(|known| value.eq_ignore_ascii_case(known)) {
                said.push(format!("{name}: {value:?} is not known and does not count"));
            }
        }
        if let [own, label] = given.as_slice()
            && !own.eq_ignore_ascii_case(label)
        {
            said.push(format!(
                "{name}: the annotation says {own:?} and the label {label:?}: either of them is enough for {}",
                known.first().copied().unwrap_or_default()
            ));
        }
    }
    for word in compare_words(body) {
        let switch = ["ServerSideDiff=", "IncludeMutationWebhook="]
            .iter()
            .find_map(|name| word.strip_prefix(name));
        match switch {
            Some("true" | "false") => {}
            Some(_) => said.push(format!(
                "{COMPARE_OPTIONS}: {word:?} must be true or false, and does not count"
            )),
            None if word == "IgnoreExtraneous" => {}
            None => said.push(format!(
                "{COMPARE_OPTIONS}: {word:?} is not known and does not count"
            )),
        }
    }
    if let Some(value) = annotation(body, IGNORE_UPDATES) {
        said.push(format!(
            "{IGNORE_UPDATES}: {value:?} changes nothing here: what a watch brings costs no request, and every change is compared"
        ));
    }
    if let Some(value) =
        annotation(body, IGNORE_RESTART_POLICY).filter(|value| !["true", "false"].contains(value))
    {
        said.push(format!(
            "{IGNORE_RESTART_POLICY}: {value:?} must be true or false, and does not count"
        ));
    }
    if let Some(value) =
        annotation(body, IGNORE_HEALTH).filter(|value| !["true", "false"].contains(value))
    {
        said.push(format!(
            "{IGNORE_HEALTH}: {value:?} must be true or false, and does not count"
        ));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn flux_reads_labels_as_well_as_annotations() {
        for (metadata, expected) in [
            (json!({"labels": {PRUNE: "disabled"}}), true),
            (json!({"annotations": {PRUNE: "Disabled"}}), true),
            (
                json!({"labels": {PRUNE: "enabled"}, "annotations": {PRUNE: "disabled"}}),
                true,
            ),
            (json!({"labels": {PRUNE: "enabled"}}), false),
            (json!({"labels": {RECONCILE: "disabled"}}), false),
            (json!({}), false),
        ] {
            let body = json!({"metadata": metadata});
            assert_eq!(flux(&body, PRUNE, "disabled"), expected, "{body}");
        }
        assert!(!flux(&json!(null), PRUNE, "disabled"));
    }

    #[test]
    fn marks_that_mean_nothing_are_said() {
        let body = json!({"metadata": {
            "labels": {SSA: "merge", FORCE: "disabled"},
            "annotations": {
                PRUNE: "no", SSA: "Sometimes", FORCE: "enabled", IGNORE_HEALTH: "yes",
                IGNORE_UPDATES: "true", IGNORE_RESTART_POLICY: "always",
                COMPARE_OPTIONS: "IgnoreExtraneous, ServerSideDiff=on,IgnoreExtra",
            },
        }});
        insta::assert_snapshot!(remarks(&body).join("\n"), @r#"
        kustomize.toolkit.fluxcd.io/prune: "no" is not known and does not count
        kustomize.toolkit.fluxcd.io/force: the annotation says "enabled" and the label "disabled": either of them is enough for enabled
        kustomize.toolkit.fluxcd.io/ssa: "Sometimes" is not known and does not count
        kustomize.toolkit.fluxcd.io/ssa: the annotation says "Sometimes" and the label "merge": either of them is enough for ifnotpresent
        argocd.argoproj.io/compare-options: "ServerSideDiff=on" must be true or false, and does not count
        argocd.argoproj.io/compare-options: "IgnoreExtra" is not known and does not count
        argocd.argoproj.io/ignore-resource-updates: "true" changes nothing here: what a watch brings costs no request, and every change is compared
        argocd.argoproj.io/ignore-restart-policy: "always" must be true or false, and does not count
        argocd.argoproj.io/ignore-healthcheck: "yes" must be true or false, and does not count
        "#);
        let fine = json!({"metadata": {"annotations": {SSA: "IfNotPresent", COMPARE_OPTIONS: "ServerSideDiff=true"}}});
        assert_eq!(remarks(&fine), Vec::<String>::new());
        assert!(ignores_extraneous(&body) && !ignores_health(&body));
    }
}
