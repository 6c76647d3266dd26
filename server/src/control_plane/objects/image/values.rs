//! Another tag for an image that a chart in Git makes: the line of its value files that leads to the image. Templates can
//! do anything with a value, so that no line is believed: each that could be it is changed in a commit of its own, which is
//! rendered, and it is the one when the image comes out and nothing else changes.

use super::super::super::definitions::Placement;
use super::super::super::refuse;
use super::super::Plane;
use super::super::accept::{Unfit, edit, read, unfit};
use super::{Restated, Wanted, commit};
use engine::manifest::Manifest;
use engine::render::restated;
use engine::source::{FileEdit, Snapshot};
use lockstep_types::image::ImageAnswer;
use lockstep_types::resource::Origin;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Renders that one request may cost.
const MOST_TRIES: usize = 16;

impl Plane {
    /// The texts of value files with the images; or why not.
    pub(super) async fn set_in_values(
        &self,
        placement: &Placement,
        view: &ImageAnswer,
        before: &[Manifest],
        wanted: &[Wanted],
        snapshot: &Snapshot,
    ) -> Result<Restated, Unfit> {
        let rendered = self.rendered_from(placement, &view.head).await?;
        let files = value_files(rendered.inputs.first().map_or(&[][..], Vec::as_slice));
        let (mut texts, mut changes): Restated = (BTreeMap::new(), Vec::new());
        let mut done: Vec<Wanted> = Vec::new();
        let mut tries = 0;
        let each: BTreeSet<(&str, &str)> = wanted
            .iter()
            .map(|wanted| (wanted.from.as_str(), wanted.to.as_str()))
            .collect();
        for (from, to) in each {
            let mut expected = done.clone();
            let group = || wanted.iter().filter(move |wanted| wanted.from == from);
            expected.extend(group().cloned());
            let mut found = None;
            for (place, text) in candidates(&texts, snapshot, &files, from, to) {
                tries += 1;
                if tries > MOST_TRIES {
                    return unfit(format!(
                        "More than {MOST_TRIES} lines of the chart's values could be what makes {from}; change it in Git by hand."
                    ));
                }
                let mut with = texts.clone();
                with.insert(place.path.clone(), text);
                if self
                    .gives(placement, view, before, &with, &expected)
                    .await?
                {
                    found = Some((place, with));
                    break;
                }
            }
            let Some((place, with)) = found else {
                return unfit(format!(
                    "No single line of the chart's value files makes {from} become {to} and nothing else ({}); change it in Git by hand.",
                    said(&files)
                ));
            };
            changes.extend(group().map(|wanted| wanted.at(place.clone())));
            (texts, done) = (with, expected);
        }
        Ok((texts, changes))
    }

    /// Whether a commit of these files renders exactly what is expected.
    async fn gives(
        &self,
        placement: &Placement,
        view: &ImageAnswer,
        before: &[Manifest],
        texts: &BTreeMap<String, String>,
        expected: &[Wanted],
    ) -> Result<bool, Unfit> {
        let edits: Vec<FileEdit> = texts
            .iter()
            .map(|(path, text)| edit(path, text.clone()))
            .collect();
        let made = self
            .runtime
            .mirrors()
            .prepare_commit(placement.defined.repo_url(), commit(view, &edits))
            .await
            .map_err(refuse::source)?;
        let Some(made) = made else { return Ok(false) };
        match self.all_come_out(placement, before, &made, expected).await {
            Ok(()) => Ok(true),
            Err(Unfit::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Files that can hold values among those that a chart was rendered from: its own `values.yaml` last, since all others win
/// over it.
fn value_files(inputs: &[String]) -> Vec<String> {
    let mut files: Vec<String> = inputs
        .iter()
        .filter(|path| {
            let name = path.rsplit('/').next().unwrap_or_default();
            let yaml = name.ends_with(".yaml") || name.ends_with(".yml");
            let made = format!("/{path}");
            yaml && !matches!(name, "Chart.yaml" | "requirements.yaml")
                && !made.contains("/templates/")
                && !made.contains("/crds/")
        })
        .cloned()
        .collect();
    files.sort_by_key(|path| {
        (
            path.ends_with("/values.yaml") || path == "values.yaml",
            path.clone(),
        )
    });
    files
}

/// Each line that says the image or its tag, with the file as it would be; lines that speak of tags or images first.
fn candidates(
    texts: &BTreeMap<String, String>,
    snapshot: &Snapshot,
    files: &[String],
    from: &str,
    to: &str,
) -> Vec<(Origin, String)> {
    let (old, new) = (Value::from(from), Value::from(to));
    let mut found = Vec::new();
    for (order, path) in files.iter().enumerate() {
        let text = match texts.get(path) {
            Some(text) => text.clone(),
            // A file that cannot be read states nothing.
            None => match read(snapshot, path) {
                Ok(text) => text,
                Err(_) => continue,
            },
        };
        for (line, words) in (1u32..).zip(text.lines()) {
            let Some(now) = restated(&text, line, &old, &new) else {
                continue;
            };
            let key = words.split(':').next().unwrap_or_default().to_lowercase();
            let speaks = key.contains("tag") || key.contains("image");
            let place = Origin {
                path: path.clone(),
                line: Some(line),
            };
            found.push(((!speaks, order, line), place, now));
        }
    }
    found.sort_by_key(|(rank, ..)| *rank);
    found
        .into_iter()
        .map(|(_, place, now)| (place, now))
        .collect()
}

fn said(files: &[String]) -> String {
    match files {
        [] => "it has none in this repository".to_owned(),
        files => {
            let shown: Vec<&str> = files.iter().take(5).map(String::as_str).collect();
            let more = files.len() - shown.len();
            let more = (more > 0).then(|| format!(" and {more} more"));
            format!("{}{}", shown.join(", "), more.unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_looked_for_where_a_chart_may_have_them() {
        let inputs: Vec<String> = [
            "charts/web/Chart.yaml",
            "charts/web/templates/deployment.yaml",
            "charts/web/crds/x.yaml",
            "charts/web/values.yaml",
            "charts/web/values-production.yaml",
            "charts/web/README.md",
        ]
        .map(str::to_owned)
        .to_vec();
        assert_eq!(
            value_files(&inputs),
            [
                "charts/web/values-production.yaml",
                "charts/web/values.yaml"
            ]
        );
        assert_eq!(said(&[]), "it has none in this repository");
    }
}
