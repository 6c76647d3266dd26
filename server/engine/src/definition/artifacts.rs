//! Flux's `ArtifactGenerator`: which folder of which repository an `ExternalArtifact` shows.
//!
//! Only artifacts that show a folder as it is are followed: every copy keeps its path below one folder. What puts files
//! together anew is a problem of whoever reads it, by name. The rules are those of `source.extensions.fluxcd.io/v1beta1`.

use super::below;
use super::collect::Ours;
use super::fields::{FieldProblem, Place, Report};
use super::flux::SourceRef;
use std::collections::BTreeMap;

pub(super) const GROUP: &str = "source.extensions.fluxcd.io";
pub(super) const KIND: &str = "ArtifactGenerator";
pub(super) const EXTERNAL: &str = "ExternalArtifact";

/// What an artifact shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) source: SourceRef,
    /// Folder of the repository that is the artifact's root.
    pub(super) folder: String,
}

/// Artifacts by namespace and name: what they show, or why that cannot be followed.
pub(super) type Artifacts = BTreeMap<(String, String), Result<Shown, String>>;

/// Reads the artifacts of one generator, and what is wrong with its document.
pub(super) fn read(document: &Ours, artifacts: &mut Artifacts) -> Vec<FieldProblem> {
    let report = Report::default();
    let place = Place::root(&report, &document.node);
    super::collect::read_frame(&place);
    place.ignore("status", "it is Flux's own");
    let spec = place.at("spec");
    let mut sources = BTreeMap::new();
    for source in spec.list("sources") {
        let namespace = source.text("namespace");
        let reference = SourceRef {
            kind: source.required("kind"),
            namespace: if namespace.is_empty() {
                document.namespace.clone()
            } else {
                namespace
            },
            name: source.required("name"),
        };
        sources.insert(source.required("alias"), reference);
        source.done();
    }
    for artifact in spec.list("artifacts") {
        let name = artifact.required("name");
        artifact.ignore("originRevision", "the revision is that of the repository");
        artifact.ignore("revision", "the revision is that of the repository");
        let mut left_out = false;
        let copies: Vec<(String, String)> = artifact
            .list("copy")
            .iter()
            .map(|copy| {
                // Of one folder that is shown as it is, nothing is written over anything else.
                copy.text("strategy");
                let both = (copy.required("from"), copy.required("to"));
                left_out |= !copy.texts("exclude").is_empty();
                copy.done();
                both
            })
            .collect();
        artifact.done();
        let shown = if left_out {
            Err("it leaves files out (exclude)".to_owned())
        } else {
            shown(&copies, &sources)
        };
        artifacts.insert((document.namespace.clone(), name), shown);
    }
    spec.done();
    place.done();
    report.into_parts().0
}

/// The one folder that all copies show as it is.
fn shown(
    copies: &[(String, String)],
    sources: &BTreeMap<String, SourceRef>,
) -> Result<Shown, String> {
    let mut found: Option<Shown> = None;
    for (from, to) in copies {
        let (alias, from) = from
            .strip_prefix('@')
            .and_then(|rest| rest.split_once('/'))
            .ok_or_else(|| format!("“{from}” does not begin with the alias of a source"))?;
        let source = sources
            .get(alias)
            .ok_or_else(|| format!("it has no source “{alias}”"))?;
        let to = to
            .strip_prefix("@artifact/")
            .or_else(|| to.strip_prefix("@artifact"))
            .ok_or_else(|| format!("“{to}” does not begin with @artifact"))?;
        // `folder/**` copies what is in the folder, a bare path the thing itself.
        let (from, inside) = match from.strip_suffix("**") {
            Some(folder) => (folder.trim_matches('/'), true),
            None => (from.trim_matches('/'), false),
        };
        let to = to.trim_matches('/');
        let to = match from.rsplit('/').next() {
            Some(last) if !inside => below(to, last),
            _ => to.to_owned(),
        };
        if from.contains(['*', '?', '[']) {
            return Err(format!("{from} cannot be followed in it: it is a pattern"));
        }
        let folder = if to.is_empty() {
            Some(from)
        } else if to == from {
            Some("")
        } else {
            from.strip_suffix(&to)
                .and_then(|folder| folder.strip_suffix('/'))
        };
        let one = Shown {
            source: source.clone(),
            folder: folder
                .ok_or_else(|| format!("{from} becomes {to} in it: it puts files together anew"))?
                .to_owned(),
        };
        match &found {
            Some(before) if *before != one => {
                return Err("it puts files of several folders together".to_owned());
            }
            _ => found = Some(one),
        }
    }
    found.ok_or_else(|| "it copies nothing".to_owned())
}

/// What the artifact behind a reference shows. One that cannot be followed is a problem.
pub(super) fn find<'a>(
    place: &Place<'_>,
    field: &str,
    document: &Ours,
    wanted: &SourceRef,
    artifacts: &'a Artifacts,
) -> Option<&'a Shown> {
    let namespace = if wanted.namespace.is_empty() {
        &document.namespace
    } else {
        &wanted.namespace
    };
    let name = &wanted.name;
    match artifacts.get(&(namespace.clone(), name.clone())) {
        Some(Ok(shown)) => Some(shown),
        Some(Err(why)) => {
            let message = format!("the artifact {namespace}/{name} is not followed: {why}");
            place.problem(
                field,
                &message,
                "Name the GitRepository and the path in it instead.",
            );
            None
        }
        None => {
            let message = format!(
                "no ArtifactGenerator in this source makes the artifact {namespace}/{name}"
            );
            place.problem(
                field,
                &message,
                "Add the ArtifactGenerator to the source's path, or correct the name.",
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_stay_as_they_are_are_followed() {
        let reference = SourceRef {
            kind: "GitRepository".to_owned(),
            namespace: "flux-system".to_owned(),
            name: "flux-system".to_owned(),
        };
        let sources = BTreeMap::from([
            ("git".to_owned(), reference.clone()),
            (
                "other".to_owned(),
                SourceRef {
                    name: "other".to_owned(),
                    ..reference
                },
            ),
        ]);
        let case = |copies: &[(&str, &str)]| {
            let copies: Vec<_> = copies
                .iter()
                .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
                .collect();
            match shown(&copies, &sources) {
                Ok(shown) => format!("{}:{}", shown.source.name, shown.folder),
                Err(why) => why,
            }
        };
        let text = [
            case(&[("@git/infra/**", "@artifact/")]),
            case(&[
                ("@git/apps/base/**", "@artifact/base/"),
                ("@git/apps/prod/**", "@artifact/prod/"),
            ]),
            case(&[("@git/**", "@artifact/")]),
            case(&[("@git/apps/web", "@artifact/")]),
            case(&[("@git/apps/**", "@artifact/apps/")]),
            case(&[("@git/apps/web/**", "@artifact/shop/")]),
            case(&[("@git/a/**", "@artifact/"), ("@git/b/**", "@artifact/")]),
            case(&[("@git/a/**", "@artifact/"), ("@other/a/**", "@artifact/")]),
            case(&[("@git/apps/*/web/**", "@artifact/")]),
            case(&[("@none/a", "@artifact/")]),
            case(&[("a", "@artifact/")]),
            case(&[]),
        ]
        .join("\n");
        insta::assert_snapshot!(text, @"
        flux-system:infra
        flux-system:apps
        flux-system:
        flux-system:apps
        flux-system:
        apps/web becomes shop in it: it puts files together anew
        it puts files of several folders together
        it puts files of several folders together
        apps/*/web cannot be followed in it: it is a pattern
        it has no source “none”
        “a” does not begin with the alias of a source
        it copies nothing
        ");
    }
}
