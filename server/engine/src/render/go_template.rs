//! Go templates with the functions that Argo CD has, filled by Helm: the same template engine and the same Sprig.
//!
//! All texts are filled in one run of the sandboxed program, by a chart of our own that passes each of them to `tpl`.
//! Texts come as data, never as part of the chart's own templates. Where Helm differs from Argo CD (functions that only
//! one of them has, lookups of what is not there), the text is rewritten first.

mod rewrite;

use super::stage::Folder;
use super::tools::Tool;
use super::{RenderError, Renderer, blocking, sandbox};
use crate::definition::set::TemplateRun;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const FUNCTIONS: &str = include_str!("go_template/functions.tpl");
/// Fills the texts of one run. A template of its own, so that errors name it.
const RUN: &str = r#"{{- $run := .Files.Get "runs/NUMBER.json" | fromJson -}}
{{- $texts := list -}}
{{- range $run.texts }}{{ $texts = append $texts (tpl . $run.parameters) }}{{ end -}}
{{ dict "apiVersion" "v1" "kind" "Texts" "metadata" (dict "name" "rNUMBER") "run" "NUMBER" "texts" $texts | toJson }}
"#;
const CHART: &str = "apiVersion: v2\nname: sets\nversion: 0.0.0\n";

/// Runs that fail one by one; the rest is not tried after so many.
const FAILURES: usize = 50;
/// Texts and parameters of one run of the program.
const BYTES: usize = 32 * 1024 * 1024;

/// The texts of each run, or what is wrong with one of them.
pub type Filled = Vec<Result<Vec<String>, String>>;

impl Renderer {
    /// Fills the texts of every run. A run that fails hides no other.
    ///
    /// # Errors
    /// When Helm is not there, is stopped by a limit, or answers what it should not.
    pub async fn fill_templates(&self, runs: &[TemplateRun]) -> Result<Filled, RenderError> {
        let mut filled: Vec<Option<Result<Vec<String>, String>>> = Vec::new();
        let mut left = BTreeMap::new();
        let mut size = 0;
        for (index, run) in runs.iter().enumerate() {
            let texts: Result<Vec<String>, String> = run
                .texts
                .iter()
                .map(|text| rewrite::rewrite(text, run.strict))
                .collect();
            match texts {
                Err(message) => filled.push(Some(Err(message))),
                Ok(texts) => {
                    let data = json!({ "texts": texts, "parameters": run.parameters }).to_string();
                    size += data.len();
                    left.insert(index, data);
                    filled.push(None);
                }
            }
        }
        if size > BYTES {
            return Err(RenderError::TooLarge {
                subject: "the texts of the templates with all parameters".to_owned(),
                limit: format!("{} MiB", BYTES >> 20),
            });
        }
        let mut failures = 0;
        while !left.is_empty() {
            match self.print_texts(&left).await {
                Ok(printed) => {
                    for (index, texts) in results(&printed)? {
                        if left.remove(&index).is_some()
                            && let Some(place) = filled.get_mut(index)
                        {
                            *place = Some(Ok(texts));
                        }
                    }
                    break;
                }
                Err(RenderError::Tool { message, .. }) => {
                    let Some(failed) = failed(&message).filter(|index| left.contains_key(index))
                    else {
                        return Err(tool_error(&message));
                    };
                    left.remove(&failed);
                    if let Some(place) = filled.get_mut(failed) {
                        *place = Some(Err(readable(&message)));
                    }
                    failures += 1;
                    if failures == FAILURES {
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let untried = || {
            Err(format!(
                "it was not tried after {FAILURES} others had failed"
            ))
        };
        Ok(filled
            .into_iter()
            .map(|result| result.unwrap_or_else(untried))
            .collect())
    }

    async fn print_texts(&self, left: &BTreeMap<usize, String>) -> Result<String, RenderError> {
        let program = self.tools.path(Tool::Helm)?;
        let (work, left) = (self.work_dir.clone(), left.clone());
        let folder = blocking(move || chart(&work, &left)).await?;
        let arguments = ["template", "sets", "./files/sets"]
            .map(str::to_owned)
            .to_vec();
        let printed = sandbox::run(
            &self.sandbox,
            Tool::Helm,
            program,
            &folder,
            arguments,
            "the templates of a set",
        )
        .await;
        blocking(move || {
            drop(folder);
            Ok(())
        })
        .await?;
        printed
    }
}

fn chart(work: &Path, runs: &BTreeMap<usize, String>) -> Result<Folder, RenderError> {
    let folder = Folder::new(work)?;
    folder.put("files/sets/Chart.yaml", CHART.as_bytes())?;
    folder.put("files/sets/templates/_functions.tpl", FUNCTIONS.as_bytes())?;
    for (index, data) in runs {
        folder.put(&format!("files/sets/runs/{index:06}.json"), data.as_bytes())?;
        let template = RUN.replace("NUMBER", &format!("{index:06}"));
        folder.put(
            &format!("files/sets/templates/r{index:06}.yaml"),
            template.as_bytes(),
        )?;
    }
    Ok(folder)
}

/// The lines that our chart prints, one for each run.
fn results(printed: &str) -> Result<Vec<(usize, Vec<String>)>, RenderError> {
    let mut found = Vec::new();
    for line in printed.lines().filter(|line| line.starts_with('{')) {
        let value: Value =
            serde_json::from_str(line).map_err(|error| tool_error(&error.to_string()))?;
        let index = value
            .get("run")
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok());
        let texts = value.get("texts").and_then(Value::as_array).map(|texts| {
            texts
                .iter()
                .filter_map(Value::as_str)
                .map(rewrite::restore)
                .collect::<Vec<_>>()
        });
        match (index, texts) {
            (Some(index), Some(texts)) => found.push((index, texts)),
            _ => return Err(tool_error("it printed something else than texts")),
        }
    }
    Ok(found)
}

fn tool_error(message: &str) -> RenderError {
    RenderError::Tool {
        tool: Tool::Helm.word(),
        path: "the templates of a set".to_owned(),
        message: message.to_owned(),
    }
}

/// Which run the program names.
fn failed(message: &str) -> Option<usize> {
    let (_, after) = message.split_once("sets/templates/r")?;
    after.get(..6)?.parse().ok()
}

/// What the template engine says, without where our own chart called it.
fn readable(message: &str) -> String {
    let engine = message
        .rsplit_once("template: gotpl:")
        .and_then(|(_, rest)| rest.split_once(": "))
        .map(|(_, rest)| rest.replace("executing \"gotpl\" at ", ""));
    let text = match engine {
        Some(text) => text,
        None => message
            .split_once("): ")
            .filter(|_| message.contains("execution error at ("))
            .map_or(message, |(_, rest)| rest)
            .to_owned(),
    };
    text.trim().to_owned()
}
