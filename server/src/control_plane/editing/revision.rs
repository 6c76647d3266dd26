//! Another revision where a definition asks for one: the version of a chart, a tag, a branch. Everything else of the file
//! stays as it is. Pure; what comes of it is for the caller to preview.

use engine::render::restated;
use engine::yaml::{self, Document, Node};
use serde_json::Value;

/// Which of a definition's sources is meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meant<'s> {
    pub repo_url: &'s str,
    /// Empty when it is no chart of a Helm repository.
    pub chart: &'s str,
}

/// The longest name of a revision: Git's refs and the versions of charts are shorter.
const LONGEST: usize = 250;

/// The text of a file in which the definition that begins at `line` (1-based) asks for `new`.
///
/// # Errors
/// Why no line can be changed, as a sentence.
pub(super) fn with_revision(
    text: &str,
    line: u32,
    source: Meant<'_>,
    new: &str,
) -> Result<String, String> {
    if new.is_empty()
        || new.len() > LONGEST
        || new.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(format!(
            "A revision has 1 to {LONGEST} characters, none of them blank."
        ));
    }
    let documents = documents_of(text)?;
    let at = documents
        .iter()
        .rposition(|document| document.first_line() <= line)
        .ok_or_else(|| format!("No definition begins at line {line}."))?;
    let node = documents[at].node().map_err(|error| error.to_string())?;
    let pointer = pointer(&node, source)?;
    let stated = follow(&node, &pointer).ok_or_else(|| {
        format!("The definition at line {line} asks for no revision; add one by editing it.")
    })?;
    if stated.text() == Some(new) {
        return Err(format!(
            "The definition at line {line} asks for {new} already."
        ));
    }
    let value = Value::String(new.to_owned());
    let by_hand = || {
        format!(
            "Line {} does not say the revision in one piece; change it by editing the definition.",
            stated.line
        )
    };
    let now = restated(text, stated.line, &stated.value(), &value)
        .or_else(|| beside_others(text, stated, &pointer, new))
        .ok_or_else(by_hand)?;
    let mut expected = values(&documents)?;
    let place = expected
        .get_mut(at)
        .and_then(|value| value.pointer_mut(&pointer));
    *place.ok_or_else(by_hand)? = value;
    match values(&documents_of(&now)?)? == expected {
        true => Ok(now),
        false => Err(by_hand()),
    }
}

/// The same where other fields stand on the line, `{path: cart, targetRevision: main}`: behind its own key.
fn beside_others(text: &str, stated: &Node, pointer: &str, new: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/+-".contains(c);
    let (key, old) = (pointer.rsplit('/').next()?, stated.text()?);
    let index = usize::try_from(stated.line).ok()?.checked_sub(1)?;
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let line = lines.get_mut(index)?;
    let before = format!("{key}: {old}");
    (new.chars().all(plain) && line.matches(&before).count() == 1).then_some(())?;
    *line = line.replace(&before, &format!("{key}: {new}"));
    Some(lines.concat())
}

fn documents_of(text: &str) -> Result<Vec<Document<'_>>, String> {
    yaml::documents(text).map_err(|error| error.to_string())
}

fn values(documents: &[Document<'_>]) -> Result<Vec<Value>, String> {
    let values = documents.iter().map(Document::value);
    values
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}

/// The JSON pointer of the revision, by the kind of the definition.
fn pointer(node: &Node, source: Meant<'_>) -> Result<String, String> {
    let kind = node.get("kind").and_then(Node::text).unwrap_or_default();
    match kind {
        "Application" => application(node, source),
        "HelmRelease" => Ok("/spec/chart/spec/version".to_owned()),
        "ApplicationSet" => Err(
            "The application is made by an ApplicationSet; its template states the revision for all of them. Edit that."
                .to_owned(),
        ),
        "Kustomization" => Err(
            "A Kustomization follows its GitRepository or OCIRepository; change the revision in that one's definition."
                .to_owned(),
        ),
        "GitRepo" => Err(
            "A GitRepo states the branch or commit of all its bundles; edit its definition.".to_owned(),
        ),
        other => Err(format!("A {other} states no revision of its own; edit the definition.")),
    }
}

/// `spec.source`, or the one of `spec.sources` that is the application's.
fn application(node: &Node, source: Meant<'_>) -> Result<String, String> {
    if follow(node, "/spec/source").is_some() {
        return Ok("/spec/source/targetRevision".to_owned());
    }
    let says = |at: &str, key: &str, text: &str| {
        let said = follow(node, &format!("{at}/{key}"));
        said.and_then(Node::text).unwrap_or_default() == text
    };
    let mut fitting = (0..)
        .map(|index| format!("/spec/sources/{index}"))
        .take_while(|at| follow(node, at).is_some())
        .filter(|at| says(at, "repoURL", source.repo_url) && says(at, "chart", source.chart));
    match (fitting.next(), fitting.next()) {
        (Some(at), None) => Ok(format!("{at}/targetRevision")),
        (None, _) => Err("None of the definition's sources is the one that is deployed; edit the definition.".to_owned()),
        (Some(_), Some(_)) => Err(
            "Several sources of the definition have this repository, and which of them is meant would be a guess; edit the definition."
                .to_owned(),
        ),
    }
}

fn follow<'n>(node: &'n Node, pointer: &str) -> Option<&'n Node> {
    pointer
        .split('/')
        .skip(1)
        .try_fold(node, |node, step| match &node.kind {
            yaml::Kind::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => node.get(step),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"# six of them
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: one}
spec:
  source:
    repoURL: https://charts.example.com
    chart: cart
    targetRevision: 1.10   # agreed with lena
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: two}
spec:
  sources:
    - {repoURL: https://git.example.com/values, ref: values, targetRevision: main}
    - repoURL: https://charts.example.com
      chart: cart
      targetRevision: '1.4.1'
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: three}
spec:
  chart:
    spec: {chart: cart, version: "1.x"}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: four}
spec: {path: ./x}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: five}
spec: {source: {repoURL: https://git.example.com/app, path: .}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: six}
spec: {source: {repoURL: https://git.example.com/app, targetRevision: main, path: .}}
"#;

    const CART: Meant<'static> = Meant {
        repo_url: "https://charts.example.com",
        chart: "cart",
    };

    /// The lines that differ.
    fn changed(line: u32, new: &str) -> Result<Vec<String>, String> {
        let now = with_revision(FILE, line, CART, new)?;
        let pairs = FILE.lines().zip(now.lines());
        Ok(pairs
            .filter(|(old, new)| old != new)
            .map(|(_, new)| new.trim().to_owned())
            .collect())
    }

    #[test]
    fn one_line_changes_and_its_comment_and_quotes_stay() {
        assert_eq!(
            changed(2, "1.4.2"),
            Ok(vec![
                "targetRevision: 1.4.2   # agreed with lena".to_owned()
            ])
        );
        assert_eq!(
            changed(2, "1.20"),
            Ok(vec![
                "targetRevision: \"1.20\"   # agreed with lena".to_owned()
            ])
        );
        assert_eq!(
            changed(11, "1.4.2"),
            Ok(vec!["targetRevision: '1.4.2'".to_owned()])
        );
        assert_eq!(
            changed(21, "2.0.0"),
            Ok(vec!["spec: {chart: cart, version: \"2.0.0\"}".to_owned()])
        );
    }

    #[test]
    fn a_field_among_others_on_its_line_changes_alone() {
        let line = "spec: {source: {repoURL: https://git.example.com/app, targetRevision: release/2, path: .}}";
        assert_eq!(changed(38, "release/2"), Ok(vec![line.to_owned()]));
        // Without quotes it would be a number there.
        assert!(changed(38, "1.10").unwrap_err().contains("in one piece"));
    }

    #[test]
    fn what_states_no_revision_is_refused_with_the_way() {
        let cases = [
            (28, "2", "GitRepository"),
            (33, "2", "asks for no revision"),
            (11, "1.4.1", "already"),
            (2, "", "1 to 250"),
            (2, "a b", "1 to 250"),
        ];
        for (line, new, words) in cases {
            let why = changed(line, new).unwrap_err();
            assert!(why.contains(words), "{line} {new}: {why}");
        }
    }

    #[test]
    fn two_sources_of_one_repository_are_not_guessed_between() {
        let twice = FILE.replace(
            "https://git.example.com/values, ref: values",
            "https://charts.example.com, chart: cart",
        );
        let why = with_revision(&twice, 11, CART, "2").unwrap_err();
        assert!(why.contains("guess"), "{why}");
    }
}
