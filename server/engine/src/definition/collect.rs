//! From files to definitions: which documents are ours, what belongs together, and what is wrong with which.

use super::chart_sources::{self, ChartSources};
use super::fields::{FieldProblem, Place, Report};
use super::flux_values::ConfigMaps;
use super::repositories::{Repositories, Source, find_source};
use super::{
    DefinedSource, Definition, DefinitionFile, DefinitionKey, DefinitionProblem, Definitions,
    Destination, DestinationCluster, SyncOptions, argo, flux, helm_release, project, set,
};
use crate::yaml::{self, Document, Node};
use lockstep_types::application::{Dialect, SyncPolicy};
use lockstep_types::revision::TargetRevision;
use std::collections::BTreeMap;

/// Larger files are no definitions.
pub(super) const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

/// Reads every definition of the files. `home_cluster` is what `in-cluster` and Flux definitions mean; it is
/// part of the key of Flux definitions.
///
/// Where the files come from is not known here; [`read_source`] knows more.
pub fn read(files: &[DefinitionFile], home_cluster: &str) -> Definitions {
    collect(files, home_cluster, None)
}

/// As [`read`], for files of a known repository: Flux definitions that refer to the `GitRepository` of their own
/// bootstrap, which often exists in clusters only, mean that repository.
pub fn read_source(
    files: &[DefinitionFile],
    home_cluster: &str,
    repo_url: &str,
    target_revision: &TargetRevision,
) -> Definitions {
    let repository = flux::Repository {
        url: repo_url.to_owned(),
        target_revision: target_revision.clone(),
        suspend: false,
    };
    collect(
        files,
        home_cluster,
        Some(Source {
            repository,
            broken: false,
            ignored: Vec::new(),
        }),
    )
}

fn collect(files: &[DefinitionFile], home_cluster: &str, itself: Option<Source>) -> Definitions {
    let mut collected = Collected {
        config_maps: ConfigMaps::read(files),
        ..Collected::default()
    };
    for file in files {
        let ending = file.path.rsplit_once('.').map_or("", |(_, ending)| ending);
        if matches!(ending, "yaml" | "yml" | "json") {
            collected.file(file);
        }
    }
    collected.finish(home_cluster, itself.as_ref())
}

/// A document of ours, parsed.
pub(super) struct Ours {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) path: String,
    pub(super) line: u32,
    pub(super) yaml: String,
    pub(super) node: Node,
}

#[derive(Default)]
struct Collected {
    documents: Vec<Ours>,
    problems: Vec<DefinitionProblem>,
    config_maps: ConfigMaps,
}

impl Collected {
    fn file(&mut self, file: &DefinitionFile) {
        // A broken file matters only if it could hold a definition.
        let ours = mentions_us(&file.bytes);
        if !ours {
            return;
        }
        if file.bytes.len() > MAX_FILE_BYTES {
            let message = format!(
                "the file is larger than {} MiB and was not read",
                MAX_FILE_BYTES >> 20
            );
            self.problem(&file.path, 1, message, "Split the file.");
            return;
        }
        let documents = match yaml::text_of(&file.bytes).and_then(yaml::documents) {
            Ok(documents) => documents,
            Err(error) => {
                self.problem(
                    &file.path,
                    error.line.unwrap_or(1),
                    error.message,
                    "Correct the file in Git.",
                );
                return;
            }
        };
        for document in documents {
            if mentions_us(document.text.as_bytes()) {
                self.document(&file.path, document);
            }
        }
    }

    fn document(&mut self, path: &str, document: Document<'_>) {
        let node = match document.node() {
            Ok(node) => node,
            Err(error) => {
                let next = if document.text.contains("{{") {
                    "This looks like a template, and templates are not read as definitions; keep it out of the source's path."
                } else {
                    "Correct the file in Git."
                };
                self.problem(
                    path,
                    error.line.unwrap_or(document.line),
                    error.message,
                    next,
                );
                return;
            }
        };
        let items: Vec<Node> = match (
            node.get("kind").and_then(Node::text),
            node.get("items").map(|items| &items.kind),
        ) {
            (Some("List"), Some(yaml::Kind::List(items))) => items.clone(),
            _ => vec![node],
        };
        let single = items.len() == 1;
        for node in items {
            let line = if single { document.line } else { node.line };
            self.object(path, line, document.text, node);
        }
    }

    fn object(&mut self, path: &str, line: u32, text: &str, node: Node) {
        let field = |name: &str| node.get(name).and_then(Node::text).unwrap_or_default();
        let (group, kind) = (
            crate::manifest::group_of(field("apiVersion")).to_owned(),
            field("kind").to_owned(),
        );
        let default_namespace = match (group.as_str(), kind.as_str()) {
            (argo::API_GROUP, argo::KIND | set::KIND | project::KIND) => argo::DEFAULT_NAMESPACE,
            (flux::KUSTOMIZE_GROUP, "Kustomization")
            | (helm_release::GROUP, helm_release::KIND)
            | (
                flux::SOURCE_GROUP,
                "GitRepository"
                | chart_sources::HELM_REPOSITORY
                | chart_sources::OCI_REPOSITORY
                | chart_sources::HELM_CHART,
            ) => flux::DEFAULT_NAMESPACE,
            _ => return,
        };
        let metadata = |name: &str| {
            node.get("metadata")
                .and_then(|metadata| metadata.get(name))
                .and_then(Node::text)
        };
        let name = metadata("name").unwrap_or_default().to_owned();
        let namespace = metadata("namespace")
            .filter(|text| !text.is_empty())
            .unwrap_or(default_namespace)
            .to_owned();
        if name.is_empty() || name.contains('/') || namespace.contains('/') {
            let message = format!("the {kind} has no name that Kubernetes would allow");
            self.problem(path, line, message, "Give it a metadata.name.");
            return;
        }
        let yaml = text
            .trim_start_matches("---")
            .trim_start_matches(['\r', '\n'])
            .to_owned();
        self.documents.push(Ours {
            group,
            kind,
            namespace,
            name,
            path: path.to_owned(),
            line,
            yaml,
            node,
        });
    }

    fn problem(&mut self, path: &str, line: u32, message: String, next: &str) {
        self.problems.push(DefinitionProblem {
            key: None,
            path: path.to_owned(),
            line,
            field: String::new(),
            message,
            next: next.to_owned(),
        });
    }

    fn finish(mut self, home_cluster: &str, itself: Option<&Source>) -> Definitions {
        let documents = std::mem::take(&mut self.documents);
        let mut repositories: BTreeMap<(String, String), Vec<(&Ours, Source)>> = BTreeMap::new();
        let charts = self.chart_sources(&documents);
        for document in documents
            .iter()
            .filter(|document| document.kind == "GitRepository")
        {
            let report = Report::default();
            let place = Place::root(&report, &document.node);
            read_frame(&place);
            let repository = flux::repository(&place);
            place.done();
            let (problems, ignored) = report.into_parts();
            let source = Source {
                repository,
                broken: !problems.is_empty(),
                ignored,
            };
            self.add(document, None, problems);
            repositories
                .entry((document.namespace.clone(), document.name.clone()))
                .or_default()
                .push((document, source));
        }
        let mut read: BTreeMap<DefinitionKey, Vec<(&Ours, Option<Definition>)>> = BTreeMap::new();
        for document in documents
            .iter()
            .filter(|document| document.group != flux::SOURCE_GROUP)
            .filter(|document| !matches!(document.kind.as_str(), set::KIND | project::KIND))
        {
            let (key, definition, problems) = match document.kind.as_str() {
                argo::KIND => read_argo(document),
                helm_release::KIND => helm_release::read_document(
                    document,
                    &helm_release::Sources {
                        repositories: &repositories,
                        charts: &charts,
                        config_maps: &self.config_maps,
                        itself,
                    },
                    home_cluster,
                ),
                _ => read_flux(
                    document,
                    &repositories,
                    &self.config_maps,
                    itself,
                    home_cluster,
                ),
            };
            self.add(document, Some(&key), problems);
            read.entry(key).or_default().push((document, definition));
        }
        let mut definitions = Vec::new();
        for (key, mut found) in read {
            if found.len() == 1 {
                definitions.extend(found.pop().and_then(|(_, definition)| definition));
            } else {
                // Which one is meant nobody can tell: none of them.
                self.twice(
                    Some(&key),
                    &found
                        .iter()
                        .map(|(document, _)| *document)
                        .collect::<Vec<_>>(),
                );
            }
        }
        definitions.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
        let sets = self.single(&documents, set::KIND, set::read);
        let projects = self.single(&documents, project::KIND, project::read);
        self.problems
            .sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
        Definitions {
            applications: definitions,
            sets,
            projects,
            problems: self.problems,
        }
    }

    /// Documents of a kind of which each name may be there once; those that are there twice are left out.
    fn single<T>(
        &mut self,
        documents: &[Ours],
        kind: &str,
        read: impl Fn(&Ours) -> (T, Vec<FieldProblem>),
    ) -> Vec<T> {
        let mut by_name: BTreeMap<(&str, &str), Vec<&Ours>> = BTreeMap::new();
        for document in documents.iter().filter(|document| document.kind == kind) {
            let name = (document.namespace.as_str(), document.name.as_str());
            by_name.entry(name).or_default().push(document);
        }
        let mut found = Vec::new();
        for same in by_name.values() {
            if let [document] = same.as_slice() {
                let (read, problems) = read(document);
                self.add(document, None, problems);
                found.push(read);
            } else {
                self.twice(None, same);
            }
        }
        found
    }

    fn chart_sources(&mut self, documents: &[Ours]) -> ChartSources {
        let mut sources = ChartSources::new();
        for document in documents.iter().filter(|document| {
            document.group == flux::SOURCE_GROUP && document.kind != "GitRepository"
        }) {
            let report = Report::default();
            let place = Place::root(&report, &document.node);
            read_frame(&place);
            let source = chart_sources::read(&place, &document.kind);
            place.done();
            let (problems, _) = report.into_parts();
            let source = problems.is_empty().then_some(source);
            self.add(document, None, problems);
            let key = (
                document.kind.clone(),
                document.namespace.clone(),
                document.name.clone(),
            );
            sources
                .entry(key)
                .and_modify(|known| {
                    if *known != source {
                        *known = None;
                    }
                })
                .or_insert(source);
        }
        sources
    }

    fn add(&mut self, document: &Ours, key: Option<&DefinitionKey>, problems: Vec<FieldProblem>) {
        self.problems.extend(problems.into_iter().map(|problem| {
            // Fields speak of themselves as “it”.
            let message = match problem.message.strip_prefix("it ") {
                Some(rest) => format!("{} {rest}", problem.field),
                None => problem.message,
            };
            DefinitionProblem {
                key: key.cloned(),
                path: document.path.clone(),
                line: problem.line.max(document.line),
                field: problem.field,
                message: format!("{} {}: {message}", document.kind, document.name),
                next: problem.next,
            }
        }));
    }

    fn twice(&mut self, key: Option<&DefinitionKey>, documents: &[&Ours]) {
        for document in documents {
            let others: Vec<String> = documents
                .iter()
                .filter(|other| !std::ptr::eq(**other, *document))
                .map(|other| format!("{}:{}", other.path, other.line))
                .collect();
            self.problems.push(DefinitionProblem {
                key: key.cloned(),
                path: document.path.clone(),
                line: document.line,
                field: "metadata.name".to_owned(),
                message: format!(
                    "{} {}/{} is defined here and in {}; none of them is used",
                    document.kind,
                    document.namespace,
                    document.name,
                    others.join(" and ")
                ),
                next: "Rename or remove all but one; definitions of several clusters need a source per cluster.".to_owned(),
            });
        }
    }
}

pub(super) type Read = (DefinitionKey, Option<Definition>, Vec<FieldProblem>);

fn mentions_us(bytes: &[u8]) -> bool {
    let has = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    has(b"argoproj.io/") || has(b"toolkit.fluxcd.io/")
}

/// Labels and annotations.
pub(super) type Frame = (BTreeMap<String, String>, BTreeMap<String, String>);

impl Ours {
    /// What every definition takes from its document; the rest says nothing yet.
    pub(super) fn definition(
        &self,
        key: &DefinitionKey,
        (labels, annotations): Frame,
        ignored_fields: Vec<(String, String)>,
    ) -> Definition {
        Definition {
            key: key.clone(),
            dialect: key.dialect,
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            project: "default".to_owned(),
            labels,
            annotations,
            source: DefinedSource::default(),
            more_sources: Vec::new(),
            destination: Destination {
                cluster: DestinationCluster::Home,
                namespace: String::new(),
            },
            policy: SyncPolicy::default(),
            sync_options: SyncOptions::default(),
            depends_on: Vec::new(),
            health_checks: Vec::new(),
            service_account: String::new(),
            set: None,
            rules: None,
            ignore_differences: Vec::new(),
            path: self.path.clone(),
            line: self.line,
            yaml: self.yaml.clone(),
            ignored_fields,
        }
    }
}

/// Reads what every Kubernetes object has.
pub(super) fn read_frame(place: &Place<'_>) -> Frame {
    place.text("apiVersion");
    place.text("kind");
    let metadata = place.at("metadata");
    metadata.text("name");
    metadata.text("namespace");
    argo::ignore_metadata(&metadata);
    let both = (
        metadata.text_map("labels"),
        metadata.text_map("annotations"),
    );
    metadata.done();
    both
}

pub(super) fn read_argo(document: &Ours) -> Read {
    let report = Report::default();
    let place = Place::root(&report, &document.node);
    let frame = read_frame(&place);
    let spec = argo::read(&place);
    place.done();
    let (problems, ignored_fields) = report.into_parts();
    let key = DefinitionKey {
        dialect: Dialect::ArgoApplication,
        namespace: document.namespace.clone(),
        name: document.name.clone(),
        scope: String::new(),
    };
    let definition = problems.is_empty().then(|| Definition {
        project: spec.project,
        source: spec.source,
        more_sources: spec.more_sources,
        destination: spec.destination,
        policy: spec.policy,
        sync_options: spec.options,
        ignore_differences: spec.ignore_differences,
        ..document.definition(&key, frame, ignored_fields)
    });
    (key, definition, problems)
}

fn read_flux(
    document: &Ours,
    repositories: &Repositories<'_>,
    config_maps: &ConfigMaps,
    itself: Option<&Source>,
    home_cluster: &str,
) -> Read {
    let report = Report::default();
    let place = Place::root(&report, &document.node);
    let frame = read_frame(&place);
    let mut spec = flux::read(&place, &document.namespace);
    if let Some(substitute) = &mut spec.source.substitute {
        config_maps.fill(&place, substitute);
    }
    place.done();
    let source = find_source(
        &place,
        document,
        spec.source_ref.as_ref(),
        repositories,
        itself,
    );
    let (problems, mut ignored_fields) = report.into_parts();
    let key = DefinitionKey {
        dialect: Dialect::FluxKustomization,
        namespace: document.namespace.clone(),
        name: document.name.clone(),
        scope: home_cluster.to_owned(),
    };
    let definition = source.filter(|_| problems.is_empty()).map(|source| {
        spec.source.repo_url.clone_from(&source.repository.url);
        spec.source.target_revision = source.repository.target_revision.clone();
        spec.policy.suspend |= source.repository.suspend;
        let of_source = source
            .ignored
            .iter()
            .map(|(field, why)| (format!("GitRepository: {field}"), why.clone()));
        ignored_fields.extend(of_source);
        Definition {
            source: spec.source,
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

#[cfg(test)]
mod tests;
