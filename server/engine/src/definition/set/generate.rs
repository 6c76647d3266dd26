//! From a generator to its sets of parameters.

use super::combine;
use super::git::Git;
use super::language::{Language, Stop};
use super::{Generator, GitPlace, MOST, ParameterSource, Parameters, cluster, git, list, plain};

/// All sets of parameters of a generator, or why there are none. `earlier` are those of the generators before it in a
/// matrix: they may stand in its fields.
pub(super) fn generate(
    generator: &Generator,
    earlier: Option<&Parameters>,
    language: &Language<'_>,
) -> Result<Vec<Parameters>, Stop> {
    let interpolated = match earlier {
        Some(earlier) if !earlier.is_empty() => Some(interpolate(generator, earlier, language)?),
        _ => None,
    };
    let found = match interpolated.as_ref().unwrap_or(&generator.source) {
        ParameterSource::List {
            elements,
            elements_yaml,
        } => list::parameters(elements, elements_yaml, language.go)?,
        ParameterSource::Clusters {
            selector,
            values,
            flat_list,
        } => cluster::parameters(selector, values, *flat_list, language)?,
        ParameterSource::Git {
            repo_url,
            revision,
            directories,
            files,
            path_param_prefix,
            values,
        } => {
            let git = Git {
                place: GitPlace {
                    repo_url: repo_url.clone(),
                    revision: revision.clone(),
                },
                directories,
                files,
                prefix: path_param_prefix,
                values,
            };
            git::parameters(&git, language)?
        }
        ParameterSource::Matrix(generators) => matrix(generators, language)?,
        ParameterSource::Merge { keys, generators } => merge(keys, generators, language)?,
        ParameterSource::Elsewhere { kind } => return Err(Stop::Elsewhere(why_not(kind))),
    };
    let found: Vec<Parameters> = found
        .into_iter()
        .filter(|parameters| {
            generator
                .selector
                .as_ref()
                .is_none_or(|selector| selector.matches(&plain::flat(parameters)))
        })
        .collect();
    if found.len() > MOST {
        return Err(too_many());
    }
    Ok(found)
}

fn too_many() -> Stop {
    let message = format!("it gives more than {MOST} sets of parameters");
    Stop::wrong("", message, "Narrow the generators down.")
}

fn matrix(generators: &[Generator], language: &Language<'_>) -> Result<Vec<Parameters>, Stop> {
    let mut all: Vec<Parameters> = vec![Parameters::new()];
    for (index, generator) in generators.iter().enumerate() {
        let mut next = Vec::new();
        let mut waiting = false;
        for earlier in &all {
            let earlier_or_none = (index > 0).then_some(earlier);
            match generate(generator, earlier_or_none, language) {
                Ok(found) => {
                    for later in found {
                        next.push(combine::joined(earlier, later, language.go)?);
                    }
                }
                // The others may ask for something too.
                Err(Stop::Waiting) => waiting = true,
                Err(stop) => return Err(stop),
            }
            if next.len() > MOST {
                return Err(too_many());
            }
        }
        if waiting {
            return Err(Stop::Waiting);
        }
        all = next;
    }
    Ok(all)
}

fn merge(
    keys: &[String],
    generators: &[Generator],
    language: &Language<'_>,
) -> Result<Vec<Parameters>, Stop> {
    let answers: Vec<_> = generators
        .iter()
        .map(|generator| generate(generator, None, language))
        .collect();
    let mut lists = Vec::new();
    let mut waiting = false;
    for answer in answers {
        match answer {
            Ok(list) => lists.push(list),
            Err(Stop::Waiting) => waiting = true,
            Err(stop) => return Err(stop),
        }
    }
    if waiting {
        return Err(Stop::Waiting);
    }
    combine::merged(keys, lists, language.go)
}

fn interpolate(
    generator: &Generator,
    earlier: &Parameters,
    language: &Language<'_>,
) -> Result<ParameterSource, Stop> {
    let broken = |error: serde_json::Error| {
        let message =
            format!("with the parameters of the generator before it, it cannot be read: {error}");
        Stop::wrong("", message, "Correct the generator in Git.")
    };
    let written = serde_json::to_value(&generator.source).map_err(broken)?;
    serde_json::from_value(language.fill(&written, earlier)?).map_err(broken)
}

/// What Lockstep would have to ask.
fn why_not(kind: &str) -> String {
    match kind {
        "pullRequest" => "it asks a Git host for its open pull requests, and Lockstep reads Git, not the host's own API",
        "scmProvider" => "it asks a Git host for all repositories of an organisation, and Lockstep reads Git, not the host's own API",
        "plugin" => "it asks a service of your own for parameters, and Lockstep calls no services for definitions",
        "clusterDecisionResource" => "it reads an object that a scheduler in the cluster keeps, and definitions come from Git only",
        _ => "Lockstep does not know this generator",
    }
    .to_owned()
}
