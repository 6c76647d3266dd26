//! Helm charts: which files a chart needs, and how `helm template` is called.

use super::reader::{Reader, Target, join, shown};
use super::several::{Borrowed, Lenders, ValueFile};
use super::{RenderError, RenderInput, dependencies};
use crate::definition::HelmOptions;
use crate::yaml;
use globset::GlobBuilder;
use serde_json::Value;

/// Our own values, beside the files of Git.
pub(super) const INLINE_VALUES: &str = "values.yaml";

/// A chart that can be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chart {
    pub path: String,
    /// As its own `Chart.yaml` says; Helm puts it before every file's name.
    pub name: String,
    /// In order, from the root of their repository.
    pub value_files: Vec<ValueFile>,
    /// Name of the parameter and file.
    pub file_parameters: Vec<(String, ValueFile)>,
}

/// Collects the whole chart and the files around it that the definition names; those of other sources go to
/// `borrowed`.
pub(super) fn collect(
    reader: &mut Reader,
    path: &str,
    options: &HelmOptions,
    lenders: &Lenders,
    borrowed: &mut Vec<Borrowed>,
) -> Result<Chart, RenderError> {
    let chart_file = if path.is_empty() {
        "Chart.yaml".to_owned()
    } else {
        format!("{path}/Chart.yaml")
    };
    let files = reader.all(path)?;
    let Some(described) = files.iter().find(|staged| staged.path == chart_file) else {
        return Err(RenderError::Missing {
            path: format!("the chart {}", shown(path)),
            missing: chart_file,
        });
    };
    let description = parse(&chart_file, &reader.read(&described.file)?)?;
    let invalid = |message: &str| RenderError::Invalid {
        path: chart_file.clone(),
        line: None,
        message: message.to_owned(),
    };
    let name = description
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if name.is_empty()
        || name.contains(['/', '\\'])
        || name.starts_with('.')
        || name.starts_with('-')
    {
        return Err(invalid("the chart's name is missing or not valid"));
    }
    if let Some(chart) = dependencies::missing(reader, path, &files)?.first() {
        let from = if chart.repository.is_empty() {
            String::new()
        } else {
            format!(" from {}", chart.repository)
        };
        return Err(RenderError::Refused {
            path: chart_file,
            why: format!(
                "its dependency {}{from} is not under charts/, and it was not fetched before rendering; run `helm dependency build` and commit charts/",
                chart.name
            ),
        });
    }
    for staged in files {
        reader.need(&staged.path, staged.file);
    }
    let mut named = |written: &str, may_miss: bool| {
        let Some((source, mut other, inside)) = lenders.find(written)? else {
            let own = outside_file(reader, path, written, may_miss)?;
            return Ok::<_, RenderError>(own.into_iter().map(ValueFile::Own).collect::<Vec<_>>());
        };
        let files =
            outside_file(&mut other, "", inside, may_miss).map_err(|error| match error {
                RenderError::Missing { .. } => RenderError::Missing {
                    path: "the definition".to_owned(),
                    missing: written.to_owned(),
                },
                other => other,
            })?;
        let lent = other.needed();
        borrowed.extend(lent.into_iter().map(|file| Borrowed { source, file }));
        let borrowed = |path| ValueFile::Borrowed { source, path };
        Ok(files.into_iter().map(borrowed).collect())
    };
    let mut value_files = Vec::new();
    for written in &options.value_files {
        value_files.extend(named(written, options.ignore_missing_value_files)?);
    }
    let mut file_parameters = Vec::new();
    for (name, written) in &options.file_parameters {
        // Helm would take what follows for a parameter, and a file, of its own.
        if name.contains([',', '=']) {
            return Err(RenderError::Refused {
                path: "the definition".to_owned(),
                why: format!(
                    "helm.fileParameters: the name {} holds a comma or an equals sign",
                    name.escape_debug()
                ),
            });
        }
        for file in named(written, false)? {
            file_parameters.push((name.clone(), file));
        }
    }
    Ok(Chart {
        path: path.to_owned(),
        name,
        value_files,
        file_parameters,
    })
}

pub(super) fn parse(path: &str, bytes: &[u8]) -> Result<Value, RenderError> {
    let invalid = |error: yaml::YamlError| RenderError::Invalid {
        path: path.to_owned(),
        line: error.line,
        message: error.message,
    };
    let text = yaml::text_of(bytes).map_err(invalid)?;
    match yaml::documents(text).map_err(invalid)?.first() {
        Some(document) => document.value().map_err(invalid),
        None => Ok(Value::Null),
    }
}

/// A file that the definition names: relative to the chart, or from the root with a leading slash; globs may
/// give several. It must be inside the repository.
fn outside_file(
    reader: &mut Reader,
    chart: &str,
    written: &str,
    may_miss: bool,
) -> Result<Vec<String>, RenderError> {
    let refuse = |why: &str| RenderError::Refused {
        path: written.escape_debug().take(200).collect(),
        why: why.to_owned(),
    };
    if written.contains("://") || written.starts_with("file:") {
        return Err(refuse(
            "values are read from the repository only, never from a URL",
        ));
    }
    if written.contains('%') {
        return Err(refuse(
            "names of values files are taken as they are; an encoded one is refused",
        ));
    }
    let joined = match written.strip_prefix('/') {
        Some(from_root) => join("", from_root),
        None => join(chart, written),
    };
    let path = joined
        .filter(|path| !path.is_empty())
        .ok_or_else(|| refuse("it leads out of the repository"))?;
    if path.contains(['*', '?', '[', '{']) {
        let glob = GlobBuilder::new(&path)
            .literal_separator(true)
            .build()
            .map_err(|error| refuse(&format!("it is no glob: {}", error.kind())))?
            .compile_matcher();
        let fixed = path
            .split('/')
            .take_while(|part| !part.contains(['*', '?', '[', '{']))
            .collect::<Vec<_>>()
            .join("/");
        let mut found = Vec::new();
        if !matches!(reader.find(&fixed, "")?, Target::Nothing) {
            for staged in reader.all(&fixed)? {
                if glob.is_match(&staged.path) {
                    found.push(staged.path.clone());
                    reader.need(&staged.path, staged.file);
                }
            }
        }
        if found.is_empty() && !may_miss {
            return Err(RenderError::Missing {
                path: shown(chart).to_owned(),
                missing: path,
            });
        }
        return Ok(found);
    }
    match reader.find(&path, "")? {
        Target::File(file) => {
            reader.need(&path, file);
            Ok(vec![path])
        }
        Target::Folder(_) => Err(refuse("it is a folder")),
        Target::Nothing if may_miss => Ok(Vec::new()),
        Target::Nothing => Err(RenderError::Missing {
            path: shown(chart).to_owned(),
            missing: path,
        }),
    }
}

/// Arguments of `helm`, run beside `files/`. Nothing from Git is ever an argument of its own that could pass
/// for an option.
pub(super) fn arguments(
    chart: &Chart,
    options: &HelmOptions,
    input: &RenderInput,
) -> Result<Vec<String>, RenderError> {
    let release = if options.release_name.is_empty() {
        &input.release_name
    } else {
        &options.release_name
    };
    let is_name = |text: &str| {
        !text.is_empty()
            && text.len() <= 53
            && text.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
            })
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    if !is_name(release) {
        return Err(RenderError::Invalid {
            path: shown(&chart.path).to_owned(),
            line: None,
            message: format!(
                "“{}” is no release name: at most 53 lower-case letters, digits, dots and dashes; set helm.releaseName",
                release.escape_debug()
            ),
        });
    }
    let namespace = if options.namespace.is_empty() {
        &input.namespace
    } else {
        &options.namespace
    };
    let kube_version = if options.kube_version.is_empty() {
        &input.kube_version
    } else {
        &options.kube_version
    };
    let mut arguments = vec![
        "template".to_owned(),
        release.clone(),
        format!("./files/{}", chart.path),
        "--skip-tests".to_owned(),
    ];
    if !namespace.is_empty() {
        arguments.push(format!("--namespace={namespace}"));
    }
    if !kube_version.is_empty() {
        arguments.push(format!("--kube-version={kube_version}"));
    }
    for version in input.api_versions.iter().chain(&options.api_versions) {
        arguments.push(format!("--api-versions={version}"));
    }
    if !options.skip_crds {
        arguments.push("--include-crds".to_owned());
    }
    if options.skip_schema_validation {
        arguments.push("--skip-schema-validation".to_owned());
    }
    for file in &chart.value_files {
        arguments.push(format!(
            "--values={}",
            quoted(&format!("./{}", file.place()))
        ));
    }
    if !options.values.is_empty() {
        arguments.push(format!("--values=./{INLINE_VALUES}"));
    }
    for parameter in &options.parameters {
        let flag = if parameter.force_string {
            "--set-string"
        } else {
            "--set"
        };
        arguments.push(format!(
            "{flag}={}={}",
            parameter.name,
            commas(&parameter.value)
        ));
    }
    for (name, file) in &chart.file_parameters {
        arguments.push(format!("--set-file={name}=./{}", escaped(&file.place())));
    }
    if let Some(bad) = arguments.iter().find(|argument| argument.contains('\0')) {
        return Err(RenderError::Refused {
            path: bad.replace('\0', "�"),
            why: "it holds a NUL character".to_owned(),
        });
    }
    Ok(arguments)
}

/// Helm reads lists of values files as a line of CSV.
fn quoted(file: &str) -> String {
    if file.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", file.replace('"', "\"\""))
    } else {
        file.to_owned()
    }
}

/// Helm splits parameters at commas.
fn escaped(file: &str) -> String {
    file.replace(',', "\\,")
}

/// As Argo CD: a comma is part of the value unless the value is a list in braces.
fn commas(value: &str) -> String {
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let mut text = String::with_capacity(value.len());
    let mut before = ' ';
    for c in value.chars() {
        if c == ',' && before != '\\' {
            text.push('\\');
        }
        text.push(c);
        before = c;
    }
    text
}

/// The file behind `# Source: chart/templates/x.yaml`.
pub(super) fn origin(chart: &Chart, source: &str) -> String {
    let below = source
        .strip_prefix(&chart.name)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(source);
    if chart.path.is_empty() {
        below.to_owned()
    } else {
        format!("{}/{below}", chart.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{DefinedSource, HelmParameter};
    use lockstep_types::revision::Revision;

    const HOSTILE: &str = "--post-renderer=/bin/sh";

    /// Whatever a repository says, Helm gets it behind a flag of ours or as a path below `./`.
    #[test]
    fn attack_04_no_text_of_a_repository_is_an_argument_of_its_own() {
        let chart = Chart {
            path: HOSTILE.to_owned(),
            name: HOSTILE.to_owned(),
            value_files: vec![ValueFile::Own(HOSTILE.to_owned())],
            file_parameters: vec![(HOSTILE.to_owned(), ValueFile::Own(HOSTILE.to_owned()))],
        };
        let options = HelmOptions {
            release_name: "shop".to_owned(),
            namespace: HOSTILE.to_owned(),
            values: HOSTILE.to_owned(),
            parameters: vec![HelmParameter {
                name: HOSTILE.to_owned(),
                value: HOSTILE.to_owned(),
                force_string: true,
            }],
            kube_version: HOSTILE.to_owned(),
            api_versions: vec![HOSTILE.to_owned()],
            ..HelmOptions::default()
        };
        let input = RenderInput {
            repo_url: HOSTILE.to_owned(),
            revision: Revision(HOSTILE.to_owned()),
            source: DefinedSource::default(),
            more: Vec::new(),
            release_name: HOSTILE.to_owned(),
            namespace: String::new(),
            kube_version: String::new(),
            api_versions: Vec::new(),
            project_name: String::new(),
            project: None,
        };
        let arguments = arguments(&chart, &options, &input).unwrap();
        let flags: Vec<&str> = arguments
            .iter()
            .map(|argument| {
                argument
                    .split_once('=')
                    .map_or(argument.as_str(), |(flag, _)| flag)
            })
            .collect();
        assert_eq!(
            flags,
            [
                "template",
                "shop",
                "./files/--post-renderer",
                "--skip-tests",
                "--namespace",
                "--kube-version",
                "--api-versions",
                "--include-crds",
                "--values",
                "--values",
                "--set-string",
                "--set-file",
            ]
        );
        for name in [HOSTILE, "-x", ""] {
            let options = HelmOptions {
                release_name: name.to_owned(),
                ..HelmOptions::default()
            };
            // An empty one is that of the application, which is hostile too.
            let error = super::arguments(&chart, &options, &input).unwrap_err();
            assert!(error.to_string().contains("no release name"), "{error}");
        }
    }

    #[test]
    fn attack_04_a_comma_in_a_name_makes_no_second_values_file() {
        for (file, expected) in [
            ("./files/a.yaml", "./files/a.yaml"),
            ("./files/a,/etc/passwd", "\"./files/a,/etc/passwd\""),
            ("./files/a\",b", "\"./files/a\"\",b\""),
        ] {
            assert_eq!(quoted(file), expected);
        }
    }
}
