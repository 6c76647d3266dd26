//! From a `HelmRelease` and the sources around it to a definition.

use super::super::artifacts;
use super::super::chart_sources::{self, ChartSource, ChartTemplate, FoundSource};
use super::super::collect::{Ours, Read, read_frame};
use super::super::fields::{Place, Report};
use super::super::flux::{SourceRef, Sources};
use super::super::includes;
use super::super::repositories::find_source;
use super::super::{DefinedSource, Definition, DefinitionKey, SourceKind, repo_path};
use super::{Wanted, read};
use lockstep_types::application::Dialect;
use lockstep_types::revision::TargetRevision;

/// Reads one document.
pub(in super::super) fn read_document(
    document: &Ours,
    sources: &Sources<'_>,
    home_cluster: &str,
) -> Read {
    let report = Report::default();
    let place = Place::root(&report, &document.node);
    let frame = read_frame(&place);
    let mut spec = read(
        &place,
        &document.namespace,
        &document.name,
        sources.config_maps,
    );
    place.done();
    let found = match spec.wanted.take() {
        None => None,
        Some(Wanted::Template(template)) => {
            let field = "spec.chart.spec.sourceRef";
            chart(&place, field, document, &template, sources)
        }
        Some(Wanted::Reference(wanted)) => referenced(&place, document, &wanted, sources),
    };
    let (problems, mut ignored_fields) = report.into_parts();
    let key = DefinitionKey {
        dialect: Dialect::FluxHelmRelease,
        namespace: document.namespace.clone(),
        name: document.name.clone(),
        scope: home_cluster.to_owned(),
    };
    let definition = found.filter(|_| problems.is_empty()).map(|found| {
        spec.policy.suspend |= found.suspend;
        spec.helm.value_files = found.value_files;
        spec.helm.ignore_missing_value_files = found.ignore_missing;
        ignored_fields.extend(found.ignored);
        Definition {
            source: DefinedSource {
                dialect: key.dialect,
                helm: Some(spec.helm),
                post_renderers: spec.post_renderers,
                ..found.source
            },
            more_sources: found.more,
            destination: spec.destination,
            policy: spec.policy,
            sync_options: spec.sync_options,
            depends_on: spec.depends_on,
            health_checks: spec.health_checks,
            service_account: spec.service_account,
            ignore_differences: spec.ignore_differences,
            ..document.definition(&key, frame, ignored_fields)
        }
    });
    (key, definition, problems)
}

/// A chart that was found.
struct Found {
    source: DefinedSource,
    /// What stands among its files.
    more: Vec<DefinedSource>,
    suspend: bool,
    value_files: Vec<String>,
    ignore_missing: bool,
    /// What is not acted on in the source.
    ignored: Vec<(String, String)>,
}

/// Ignored fields of a source, with its kind before them.
fn of_source(kind: &str, ignored: &[(String, String)]) -> Vec<(String, String)> {
    ignored
        .iter()
        .map(|(field, why)| (format!("{kind}: {field}"), why.clone()))
        .collect()
}

/// The chart behind `chartRef`.
fn referenced(
    place: &Place<'_>,
    document: &Ours,
    wanted: &SourceRef,
    sources: &Sources<'_>,
) -> Option<Found> {
    let field = "spec.chartRef";
    if wanted.kind == artifacts::EXTERNAL {
        let shown = artifacts::find(place, field, document, wanted, sources.artifacts)?;
        let template = ChartTemplate {
            chart: shown.folder.clone(),
            version: String::new(),
            source: shown.source.clone(),
            value_files: Vec::new(),
            ignore_missing_value_files: false,
        };
        return chart(place, field, document, &template, sources);
    }
    let FoundSource { source, ignored } =
        chart_sources::find(place, field, document, wanted, sources.charts)?;
    let mut ignored = of_source(&wanted.kind, ignored);
    match source {
        ChartSource::Chart(template) => {
            let mut found = chart(place, field, document, template, sources)?;
            found.ignored.append(&mut ignored);
            Some(found)
        }
        ChartSource::Artifact {
            url,
            revision,
            excluded,
        } => {
            if !excluded.is_empty() {
                let field = format!("{}: spec.ignore", wanted.kind);
                ignored.push((field, "charts are taken whole".to_owned()));
            }
            Some(Found {
                source: DefinedSource {
                    kind: SourceKind::Oci,
                    repo_url: url.clone(),
                    target_revision: revision.clone(),
                    ..DefinedSource::default()
                },
                more: Vec::new(),
                suspend: false,
                value_files: Vec::new(),
                ignore_missing: false,
                ignored,
            })
        }
        ChartSource::Repository { .. } => {
            let next = "Use chart.spec with a sourceRef for a HelmRepository.";
            place.problem(field, "it must name one chart, not a repository", next);
            None
        }
    }
}

fn chart(
    place: &Place<'_>,
    field: &str,
    document: &Ours,
    template: &ChartTemplate,
    sources: &Sources<'_>,
) -> Option<Found> {
    let wanted = &template.source;
    let found = |source, more, suspend, value_files, ignored: &[(String, String)]| Found {
        source,
        more,
        suspend,
        value_files,
        ignore_missing: template.ignore_missing_value_files,
        ignored: of_source(&wanted.kind, ignored),
    };
    match wanted.kind.as_str() {
        "GitRepository" => {
            let repository = find_source(
                place,
                document,
                Some(wanted),
                sources.repositories,
                sources.itself,
            )?;
            let path = match repo_path(&template.chart) {
                Ok(path) => path,
                Err(why) => {
                    place.problem(
                        "spec.chart.spec.chart",
                        why,
                        "Correct the definition in Git.",
                    );
                    return None;
                }
            };
            let beside = includes::beside(repository, sources.repositories, sources.itself);
            let source = DefinedSource {
                repo_url: repository.repository.url.clone(),
                target_revision: repository.repository.target_revision.clone(),
                excluded: Some(repository.repository.excluded.clone()),
                only: repository.repository.only.clone(),
                verify: repository.repository.verify.clone(),
                include: beside.include,
                path,
                ..DefinedSource::default()
            };
            // Flux counts their paths from the root of the repository.
            let files = template
                .value_files
                .iter()
                .map(|file| format!("/{}", file.trim_start_matches("./").trim_start_matches('/')));
            Some(found(
                source,
                beside.sources,
                repository.repository.suspend || beside.suspend,
                files.collect(),
                &repository.ignored,
            ))
        }
        chart_sources::HELM_REPOSITORY => {
            let FoundSource { source, ignored } =
                chart_sources::find(place, field, document, wanted, sources.charts)?;
            let ChartSource::Repository { url, oci } = source else {
                return None;
            };
            let source = DefinedSource {
                kind: if *oci {
                    SourceKind::Oci
                } else {
                    SourceKind::HelmRepository
                },
                repo_url: url.clone(),
                chart: template.chart.clone(),
                target_revision: TargetRevision(template.version.clone()),
                ..DefinedSource::default()
            };
            let files = template.value_files.clone();
            Some(found(source, Vec::new(), false, files, ignored))
        }
        kind => {
            let message = format!("charts from a {kind} are not supported");
            place.problem(
                field,
                &message,
                "Use a HelmRepository, an OCIRepository or a GitRepository.",
            );
            None
        }
    }
}
