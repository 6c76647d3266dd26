//! From a `Kustomization` and the sources around it to a definition.

use super::super::artifacts::{self, Artifacts};
use super::super::chart_sources::{self, ChartSource, ChartSources};
use super::super::collect::{Ours, Read, read_frame};
use super::super::fields::{Place, Report};
use super::super::flux_values::ConfigMaps;
use super::super::includes;
use super::super::repositories::{Repositories, Source, find_source};
use super::super::{Definition, DefinitionKey, SourceKind, below};
use super::{Repository, SourceRef, read};
use lockstep_types::application::Dialect;

/// What the other documents of the source offer.
pub(in super::super) struct Sources<'s> {
    pub repositories: &'s Repositories<'s>,
    pub charts: &'s ChartSources,
    pub artifacts: &'s Artifacts,
    pub config_maps: &'s ConfigMaps,
    /// The repository that the documents lie in.
    pub itself: Option<&'s Source>,
}

/// Reads one document.
pub(in super::super) fn read_document(
    document: &Ours,
    sources: &Sources<'_>,
    home_cluster: &str,
) -> Read {
    let report = Report::default();
    let place = Place::root(&report, &document.node);
    let frame = read_frame(&place);
    let mut spec = read(&place, &document.namespace);
    if let Some(substitute) = &mut spec.source.substitute {
        sources.config_maps.fill(&place, substitute);
    }
    place.done();
    let source = found(&place, document, spec.source_ref.as_ref(), sources);
    let (problems, mut ignored_fields) = report.into_parts();
    let key = DefinitionKey {
        dialect: Dialect::FluxKustomization,
        namespace: document.namespace.clone(),
        name: document.name.clone(),
        scope: home_cluster.to_owned(),
    };
    let definition = source.filter(|_| problems.is_empty()).map(|source| {
        let beside = includes::beside(&source, sources.repositories, sources.itself);
        let Repository {
            kind,
            url,
            target_revision,
            folder,
            suspend,
            excluded,
            only,
            verify,
            include: _,
        } = source.repository;
        spec.source.include = beside.include;
        spec.source.kind = kind;
        // What a registry holds is unpacked by the same rules.
        spec.source.excluded = Some(excluded);
        spec.source.only = only;
        spec.source.repo_url = url;
        spec.source.verify = verify;
        spec.source.target_revision = target_revision;
        spec.source.path = below(&folder, &spec.source.path);
        spec.policy.suspend |= suspend || beside.suspend;
        let of_source = source
            .ignored
            .iter()
            .map(|(field, why)| (format!("{}: {field}", source.title), why.clone()));
        ignored_fields.extend(of_source);
        Definition {
            source: spec.source,
            more_sources: beside.sources,
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

/// Where the files are.
fn found(
    place: &Place<'_>,
    document: &Ours,
    named: Option<&SourceRef>,
    sources: &Sources<'_>,
) -> Option<Source> {
    let git =
        |named| find_source(place, document, named, sources.repositories, sources.itself).cloned();
    match named {
        Some(named) if named.kind == artifacts::EXTERNAL => {
            let field = "spec.sourceRef";
            let shown = artifacts::find(place, field, document, named, sources.artifacts)?;
            let mut source = git(Some(&shown.source))?;
            source.repository.folder.clone_from(&shown.folder);
            Some(source)
        }
        Some(named) if named.kind == chart_sources::OCI_REPOSITORY => {
            let field = "spec.sourceRef";
            let found = chart_sources::find(place, field, document, named, sources.charts)?;
            match &found.source {
                ChartSource::Artifact {
                    url,
                    revision,
                    excluded,
                } => Some(Source {
                    repository: Repository {
                        kind: SourceKind::Oci,
                        url: url.clone(),
                        target_revision: revision.clone(),
                        folder: String::new(),
                        suspend: false,
                        excluded: excluded.clone(),
                        only: Vec::new(),
                        verify: None,
                        include: Vec::new(),
                    },
                    namespace: document.namespace.clone(),
                    title: chart_sources::OCI_REPOSITORY,
                    broken: false,
                    ignored: found.ignored.clone(),
                }),
                ChartSource::Repository { .. } | ChartSource::Chart(_) => None,
            }
        }
        named => git(named),
    }
}
