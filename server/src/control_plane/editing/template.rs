//! The form of a new application as a manifest. Pure.

use lockstep_types::PortError;
use lockstep_types::edit::NewApplication;

/// Where Argo CD keeps its own objects; the namespace of the definition, not of what it deploys.
const NAMESPACE: &str = "argocd";

/// An Argo CD `Application`.
///
/// # Errors
/// The first field that no application could have.
pub(super) fn text(new: &NewApplication) -> Result<String, PortError> {
    let trimmed = |text: &String| text.trim().to_owned();
    let name = trimmed(&new.name);
    if !is_name(&name, 253) {
        return Err(PortError::invalid(
            "name",
            "use up to 253 small letters, digits, dots and dashes, beginning and ending with a letter or digit",
        ));
    }
    let repo_url = trimmed(&new.repo_url);
    if repo_url.is_empty() {
        return Err(PortError::invalid("repo_url", "give the repository's URL"));
    }
    let namespace = trimmed(&new.namespace);
    if !namespace.is_empty() && (!is_name(&namespace, 63) || namespace.contains('.')) {
        return Err(PortError::invalid(
            "namespace",
            "use up to 63 small letters, digits and dashes",
        ));
    }
    let or = |text: &String, otherwise: &str| {
        let text = trimmed(text);
        if text.is_empty() {
            otherwise.to_owned()
        } else {
            text
        }
    };
    let mut lines = vec![
        "apiVersion: argoproj.io/v1alpha1".to_owned(),
        "kind: Application".to_owned(),
        "metadata:".to_owned(),
        format!("  name: {}", scalar(&name)),
        format!("  namespace: {NAMESPACE}"),
        "spec:".to_owned(),
        format!("  project: {}", scalar(&or(&new.project, "default"))),
        "  source:".to_owned(),
        format!("    repoURL: {}", scalar(&repo_url)),
        format!("    path: {}", scalar(&or(&new.path, "."))),
        format!(
            "    targetRevision: {}",
            scalar(&or(&new.target_revision, "HEAD"))
        ),
        "  destination:".to_owned(),
    ];
    lines.push(match trimmed(&new.cluster) {
        cluster if cluster.is_empty() => "    server: https://kubernetes.default.svc".to_owned(),
        cluster => format!("    name: {}", scalar(&cluster)),
    });
    if !namespace.is_empty() {
        lines.push(format!("    namespace: {}", scalar(&namespace)));
    }
    if new.automated || new.create_namespace {
        lines.push("  syncPolicy:".to_owned());
    }
    if new.automated {
        lines.push("    automated:".to_owned());
        lines.push(format!("      prune: {}", new.prune));
        lines.push(format!("      selfHeal: {}", new.self_heal));
    }
    if new.create_namespace {
        lines.push("    syncOptions:".to_owned());
        lines.push("      - CreateNamespace=true".to_owned());
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// A DNS name as Kubernetes takes it.
fn is_name(text: &str, longest: usize) -> bool {
    let fits = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '-' | '.')
    };
    let ends = |letter: char| letter.is_ascii_alphanumeric();
    !text.is_empty()
        && text.len() <= longest
        && text.chars().all(fits)
        && text.starts_with(ends)
        && text.ends_with(ends)
}

/// Plain where every YAML reader takes it for text, else in quotes as JSON writes them, which YAML reads too.
fn scalar(text: &str) -> String {
    let begins = text.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let plain = text
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "-_./@+~:".contains(letter));
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
    );
    if begins && plain && !word && !text.ends_with(':') {
        text.to_owned()
    } else {
        serde_json::Value::String(text.to_owned()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::definition::{DefinitionFile, DestinationCluster, read};

    fn new() -> NewApplication {
        NewApplication {
            name: "cart".to_owned(),
            repo_url: "https://git.example.com/team/shop.git".to_owned(),
            path: "overlays/production".to_owned(),
            target_revision: "1.0".to_owned(),
            cluster: "no".to_owned(),
            namespace: "shop".to_owned(),
            automated: true,
            self_heal: true,
            create_namespace: true,
            ..NewApplication::default()
        }
    }

    #[test]
    fn the_form_becomes_a_manifest() {
        insta::assert_snapshot!(text(&new()).unwrap(), @r#"
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata:
          name: cart
          namespace: argocd
        spec:
          project: default
          source:
            repoURL: https://git.example.com/team/shop.git
            path: overlays/production
            targetRevision: "1.0"
          destination:
            name: "no"
            namespace: shop
          syncPolicy:
            automated:
              prune: false
              selfHeal: true
            syncOptions:
              - CreateNamespace=true
        "#);
    }

    #[test]
    fn what_the_form_says_is_what_is_read() {
        let hostile = NewApplication {
            project: "a: b # c".to_owned(),
            path: "charts/\"x\"\nkind: y".to_owned(),
            target_revision: "refs/heads/a b".to_owned(),
            cluster: String::new(),
            namespace: String::new(),
            automated: false,
            ..new()
        };
        for (form, policy) in [(new(), true), (hostile, false)] {
            let file = DefinitionFile {
                path: "cart.yaml".to_owned(),
                bytes: text(&form).unwrap().into_bytes(),
            };
            let found = read(&[file], "home");
            if form.path.contains('\n') {
                // Quoted, so it stays one value, and the reader refuses it for what it is.
                assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
                assert_eq!(found.problems[0].field, "spec.source.path");
                continue;
            }
            let [read] = found.applications.as_slice() else {
                unreachable!("{found:?}")
            };
            assert_eq!(read.policy.automated, policy);
            assert_eq!(read.source.target_revision.0, "1.0");
            assert_eq!(
                read.destination.cluster,
                DestinationCluster::Name("no".to_owned())
            );
        }
    }

    #[test]
    fn fields_that_no_application_has_are_refused() {
        let field = |form: NewApplication| match text(&form) {
            Err(PortError::Invalid { field, .. }) => field,
            other => format!("{other:?}"),
        };
        let form = new();
        assert_eq!(
            field(NewApplication {
                name: "A b".to_owned(),
                ..form.clone()
            }),
            "name"
        );
        assert_eq!(
            field(NewApplication {
                repo_url: " ".to_owned(),
                ..form.clone()
            }),
            "repo_url"
        );
        assert_eq!(
            field(NewApplication {
                namespace: "a.b".to_owned(),
                ..form
            }),
            "namespace"
        );
    }
}
