//! What Argo CD changes in a source before it renders it: override files beside the manifests, then the variables of its
//! build environment (`$ARGOCD_APP_NAME` and the like) in parameters, names of values files, images and, where asked for,
//! common annotations.
//!
//! Names, values and the rule for `$` are those of Argo CD's documentation of the build environment; a variable that does
//! not exist is empty there, and here.

use super::reader::{Reader, Target};
use super::{RenderError, RenderInput};
use crate::definition::{DefinedSource, overridden, override_files};
use crate::source::Snapshot;
use lockstep_types::application::Dialect;
use std::collections::BTreeMap;

/// An input as it is rendered.
#[derive(Debug)]
pub(super) struct Prepared {
    pub input: RenderInput,
    /// What override files say without effect, by source.
    pub said: Vec<Vec<String>>,
    /// Sources that look another way at every commit.
    pub by_revision: Vec<bool>,
}

/// Prepares all sources; `snapshots` are their files, in their order. Blocks.
///
/// # Errors
/// When an override file cannot be read.
pub(super) fn prepare(
    input: &RenderInput,
    snapshots: &[Snapshot],
) -> Result<Prepared, RenderError> {
    let names: Vec<String> = input
        .all()
        .map(|(_, _, source)| source.reference.clone())
        .filter(|name| !name.is_empty())
        .collect();
    let mut prepared = Prepared {
        input: input.clone(),
        said: Vec::new(),
        by_revision: Vec::new(),
    };
    for (place, (snapshot, (url, revision, source))) in
        snapshots.iter().zip(input.all()).enumerate()
    {
        let mut changed = source.clone();
        let mut said = Vec::new();
        for file in override_files(source, &input.release_name) {
            said.extend(override_by(snapshot, &file, &mut changed)?);
        }
        let mut variables = Variables::of(input, url, &revision.0, source);
        if source.dialect == Dialect::ArgoApplication {
            fill(&mut changed, &names, &mut variables);
        }
        if variables.too_large {
            return Err(RenderError::TooLarge {
                subject: "what the variables of the build environment become".to_owned(),
                limit: format!("{} MiB", MOST_FILLED >> 20),
            });
        }
        prepared.said.push(said);
        prepared.by_revision.push(variables.by_revision);
        match place.checked_sub(1) {
            None => prepared.input.source = changed,
            Some(place) => {
                if let Some(more) = prepared.input.more.get_mut(place) {
                    more.source = changed;
                }
            }
        }
    }
    Ok(prepared)
}

fn override_by(
    snapshot: &Snapshot,
    file: &str,
    source: &mut DefinedSource,
) -> Result<Vec<String>, RenderError> {
    let reader = Reader::new(snapshot.clone());
    let Target::File(found) = reader.find(file, &source.path)? else {
        return Ok(Vec::new());
    };
    let (changed, said) =
        overridden(source, &reader.read(&found)?).map_err(|problem| RenderError::Invalid {
            path: file.to_owned(),
            line: problem.line,
            message: problem.message,
        })?;
    *source = changed;
    Ok(said.iter().map(|one| format!("{file}: {one}")).collect())
}

/// So much is put in for variables, over all fields of a source: lists of API versions are long.
const MOST_FILLED: usize = 1024 * 1024;

/// The build environment of one source.
struct Variables {
    values: BTreeMap<&'static str, String>,
    /// One was used that is another at every commit.
    by_revision: bool,
    /// Bytes that may still be put in.
    left: usize,
    /// More would have been put in.
    too_large: bool,
}

const OF_REVISION: &str = "ARGOCD_APP_REVISION";

impl Variables {
    fn of(input: &RenderInput, url: &str, revision: &str, source: &DefinedSource) -> Self {
        // Of a chart the version is meant.
        let revision = if source.chart.is_empty() {
            revision
        } else {
            &source.target_revision.0
        };
        let short = |length: usize| revision.get(..length).unwrap_or(revision).to_owned();
        let url = if source.repo_url.is_empty() {
            url
        } else {
            &source.repo_url
        };
        let values = BTreeMap::from([
            ("ARGOCD_APP_NAME", input.release_name.clone()),
            ("ARGOCD_APP_NAMESPACE", input.namespace.clone()),
            ("ARGOCD_APP_PROJECT_NAME", input.project_name.clone()),
            (OF_REVISION, revision.to_owned()),
            ("ARGOCD_APP_REVISION_SHORT", short(7)),
            ("ARGOCD_APP_REVISION_SHORT_8", short(8)),
            ("ARGOCD_APP_SOURCE_REPO_URL", url.to_owned()),
            ("ARGOCD_APP_SOURCE_PATH", source.path.clone()),
            (
                "ARGOCD_APP_SOURCE_TARGET_REVISION",
                source.target_revision.0.clone(),
            ),
            ("KUBE_VERSION", input.kube_version.clone()),
            ("KUBE_API_VERSIONS", input.api_versions.join(",")),
        ]);
        Self {
            values,
            by_revision: false,
            left: MOST_FILLED,
            too_large: false,
        }
    }

    /// Whether a text that begins with a dollar begins with one of them.
    fn begin(&self, text: &str) -> bool {
        text.strip_prefix('$').is_none_or(|rest| {
            name_of(rest)
                .0
                .is_some_and(|name| name == "$" || self.values.contains_key(name))
        })
    }

    fn value(&mut self, name: &str) -> &str {
        self.by_revision |= name.starts_with(OF_REVISION);
        self.values.get(name).map_or("", String::as_str)
    }

    /// Puts the variables in. As Go's `os.Expand`: `$name` and `${name}`; `$$` is a dollar; a dollar that nothing of
    /// that kind follows stays; `${}` and `${` without an end are dropped.
    fn put_in(&mut self, text: &mut String) {
        if !text.contains('$') {
            return;
        }
        let mut filled = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            filled.push_str(before);
            let (name, length) = name_of(after);
            match name {
                Some("$") => filled.push('$'),
                Some(name) => {
                    let length = self.value(name).len();
                    self.left = match self.left.checked_sub(length) {
                        Some(left) => left,
                        None => {
                            self.too_large = true;
                            return;
                        }
                    };
                    filled.push_str(self.value(name));
                }
                None if length == 0 => filled.push('$'),
                None => {}
            }
            rest = after.get(length..).unwrap_or_default();
        }
        filled.push_str(rest);
        *text = filled;
    }
}

/// Names of one character that shells know.
const SPECIAL: &str = "*#$@!?-0123456789";

/// The name after a dollar, and how long it is with its braces.
fn name_of(text: &str) -> (Option<&str>, usize) {
    let is_special = |text: &str| text.chars().next().is_some_and(|c| SPECIAL.contains(c));
    if let Some(inside) = text.strip_prefix('{') {
        return match inside.split_once('}') {
            None => (None, 1),
            Some(("", _)) => (None, 2),
            Some((name, _)) => (Some(name), name.len() + 2),
        };
    }
    if is_special(text) {
        return (text.get(..1), 1);
    }
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    (text.get(..end).filter(|name| !name.is_empty()), end)
}

fn fill(source: &mut DefinedSource, names: &[String], variables: &mut Variables) {
    if let Some(helm) = &mut source.helm {
        for parameter in &mut helm.parameters {
            variables.put_in(&mut parameter.value);
        }
        let files = helm
            .value_files
            .iter_mut()
            .chain(helm.file_parameters.iter_mut().map(|(_, file)| file));
        for file in files {
            // The name of another source comes first and is none of the variables.
            let named = file
                .strip_prefix('$')
                .and_then(|rest| rest.split_once('/'))
                .filter(|(name, _)| names.iter().any(|known| known == name))
                .map(|(name, path)| (name.to_owned(), path.to_owned()));
            match named {
                Some((name, mut path)) => {
                    variables.put_in(&mut path);
                    *file = format!("${name}/{path}");
                }
                // A source that is not there is said where its file is looked for.
                None if !names.is_empty() && !variables.begin(file) => {}
                None => variables.put_in(file),
            }
        }
    }
    if let Some(kustomize) = &mut source.kustomize {
        for image in &mut kustomize.images {
            for part in [
                &mut image.name,
                &mut image.new_name,
                &mut image.new_tag,
                &mut image.digest,
            ] {
                variables.put_in(part);
            }
        }
        if std::mem::take(&mut kustomize.annotations_are_filled) {
            for value in kustomize.common_annotations.values_mut() {
                variables.put_in(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_as_argo_cd_reads_them() {
        let mut variables = Variables {
            values: BTreeMap::from([
                ("ARGOCD_APP_NAME", "shop".to_owned()),
                (OF_REVISION, "c0ffee".to_owned()),
            ]),
            by_revision: false,
            left: MOST_FILLED,
            too_large: false,
        };
        for (text, expected) in [
            ("plain", "plain"),
            ("$ARGOCD_APP_NAME-web", "shop-web"),
            ("a-${ARGOCD_APP_NAME}b", "a-shopb"),
            ("$ARGOCD_APP_NAMES", ""),
            ("$$ARGOCD_APP_NAME", "$ARGOCD_APP_NAME"),
            ("cost: 5 $", "cost: 5 $"),
            ("a$-b", "ab"),
            ("a$/b", "a$/b"),
            ("a${}b", "ab"),
            ("a${ARGOCD_APP_NAME", "aARGOCD_APP_NAME"),
            ("$1x", "x"),
            ("ü$ARGOCD_APP_NAMEü", "üshopü"),
        ] {
            let mut filled = text.to_owned();
            variables.put_in(&mut filled);
            assert_eq!(filled, expected, "{text}");
        }
        assert!(!variables.by_revision);
        let mut filled = "${ARGOCD_APP_REVISION}".to_owned();
        variables.put_in(&mut filled);
        assert_eq!((filled.as_str(), variables.by_revision), ("c0ffee", true));
    }
}
