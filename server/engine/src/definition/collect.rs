//! From files to definitions: which documents are ours, what belongs together, and what is wrong with which.

use super::around::is_referred_to;
use super::artifacts;
use super::built::Built;
use super::chart_sources;
use super::fields::{FieldProblem, Place, Report};
use super::flux::Sources;
use super::flux_values::{self, ConfigMaps};
use super::repositories::{self, Repositories, Source};
use super::signers::PublicKeys;
use super::{
    DefinedSource, Definition, DefinitionFile, DefinitionKey, DefinitionProblem, Definitions,
    Destination, DestinationCluster, ImageRules, Notices, SyncOptions, argo, concern,
    customizations, fleet, flux, helm_release, image_rules, includes, notices, parents, project,
    set,
};
use crate::masking::MaskingRules;
use crate::yaml::{self, Document, Node};
use lockstep_types::application::{Dialect, SyncPolicy};
use lockstep_types::revision::TargetRevision;
use std::collections::BTreeMap;

mod supporting;

/// Larger files are no definitions.
pub(super) const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

/// Reads every definition of the files. `home_cluster` is what `in-cluster` and Flux definitions mean; it is
/// part of the key of Flux definitions.
///
/// Where the files come from is not known here; [`read_source`] knows more.
pub fn read(files: &[DefinitionFile], home_cluster: &str) -> Definitions {
    Collected::read(files).finish(home_cluster, None)
}

/// As [`read`], for files of a known repository: Flux definitions that refer to the `GitRepository` of their own
/// bootstrap, which often exists in clusters only, mean that repository.
pub fn read_source(
    files: &[DefinitionFile],
    home_cluster: &str,
    repo_url: &str,
    target_revision: &TargetRevision,
) -> Definitions {
    let collected = Collected::read(files);
    let mut bundles = fleet::read(
        files,
        &fleet::Itself {
            url: repo_url,
            target_revision,
        },
        &collected.config_maps,
    );
    let itself = Source::itself(repo_url, target_revision);
    let mut definitions = collected.finish(home_cluster, Some(&itself));
    let (scripts, mut said) = customizations::read(files, None);
    definitions.health_scripts = scripts;
    definitions.problems.append(&mut said);
    let (masking, mut said) = MaskingRules::read(files);
    definitions.masking = masking;
    definitions.problems.append(&mut said);
    let whole = |file: &&DefinitionFile| !definitions.material.contains(&file.path);
    let (found, mut said) = notices::read(files.iter().filter(whole));
    definitions.notices = found;
    definitions.problems.append(&mut said);
    let (found, mut said) = image_rules::read(files.iter().filter(whole));
    definitions.image_rules = found;
    definitions.problems.append(&mut said);
    definitions.applications.append(&mut bundles.applications);
    definitions.problems.append(&mut bundles.problems);
    definitions.documents.append(&mut bundles.documents);
    definitions.unreadable.append(&mut bundles.unreadable);
    definitions.sort();
    definitions
}

/// Reads definitions that were rendered instead of found in files. `around` are documents of the same root source and of
/// its other renders that the definitions may refer to; nothing else is made of them.
///
/// `repo_url` and `target_revision` are those of the root source.
pub fn read_rendered(
    files: &[DefinitionFile],
    around: &[DefinitionFile],
    home_cluster: &str,
    repo_url: &str,
    target_revision: &TargetRevision,
) -> Definitions {
    let mut known = Collected::default();
    known.files(around);
    let mut all = files.to_vec();
    all.extend(around.iter().cloned());
    let (config_maps, keys) = flux_values::read(&all);
    let mut collected = Collected {
        config_maps,
        keys,
        ..Collected::default()
    };
    // A manifest whose place is not known carries the folder of its application instead.
    for file in files {
        collected.file(file);
    }
    collected.around = known
        .documents
        .into_iter()
        .filter(Ours::is_referred_to)
        .collect();
    collected.finish(
        home_cluster,
        Some(&Source::itself(repo_url, target_revision)),
    )
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
    /// Of other places: only referred to.
    around: Vec<Ours>,
    problems: Vec<DefinitionProblem>,
    config_maps: ConfigMaps,
    keys: PublicKeys,
    built: Built,
    material: Vec<String>,
    unreadable: Vec<String>,
}

impl Definitions {
    /// By path and line.
    fn sort(&mut self) {
        self.applications
            .sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
        self.problems
            .sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    }
}

impl Collected {
    /// Everything that files of a repository hold.
    fn read(files: &[DefinitionFile]) -> Self {
        let (config_maps, keys) = flux_values::read(files);
        let mut collected = Self {
            config_maps,
            keys,
            built: Built::read(files),
            ..Self::default()
        };
        collected.files(files);
        collected
    }

    fn files(&mut self, files: &[DefinitionFile]) {
        for file in files {
            let ending = file.path.rsplit_once('.').map_or("", |(_, ending)| ending);
            if !matches!(ending, "yaml" | "yml" | "json") {
                continue;
            }
            if self.built.is_material(&file.path) {
                self.material.push(file.path.clone());
            } else {
                self.file(file);
            }
        }
    }

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
            self.unreadable.push(file.path.clone());
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
                self.unreadable.push(file.path.clone());
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
                self.unreadable.push(path.to_owned());
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
            )
            | (artifacts::GROUP, artifacts::KIND) => flux::DEFAULT_NAMESPACE,
            (group, kind) => {
                if let Some((message, next)) = unread(group, kind) {
                    self.problem(path, line, message, next);
                }
                return;
            }
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
            self.unreadable.push(path.to_owned());
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
        let mut found: Vec<_> = documents.iter().map(concern::whereabouts).collect();
        let around = std::mem::take(&mut self.around);
        let mut repositories: Repositories<'_> = BTreeMap::new();
        let charts = self.chart_sources(&documents, &around);
        let artifacts = self.artifacts(&documents, &around);
        for (document, own) in
            all(&documents, &around).filter(|(document, _)| document.kind == "GitRepository")
        {
            let report = Report::default();
            let place = Place::root(&report, &document.node);
            read_frame(&place);
            let repository = flux::repository(&place, document, &self.keys);
            place.done();
            let (problems, ignored) = report.into_parts();
            let source = Source {
                repository,
                namespace: document.namespace.clone(),
                title: repositories::TITLE,
                broken: !problems.is_empty(),
                ignored,
            };
            if own {
                self.add(document, None, problems);
            }
            repositories
                .entry((document.namespace.clone(), document.name.clone()))
                .or_default()
                .push((document, source));
        }
        for (document, problems) in includes::check(&mut repositories, itself) {
            if documents.iter().any(|own| std::ptr::eq(own, document)) {
                self.add(document, None, problems);
            }
        }
        let rendered =
            parents::rendered(&documents, &repositories, &artifacts, itself, &self.built);
        for (index, document) in found.iter_mut().enumerate() {
            document.rendered = rendered.contains(&index);
        }
        let config_maps = std::mem::take(&mut self.config_maps);
        let sources = Sources {
            repositories: &repositories,
            charts: &charts,
            artifacts: &artifacts,
            config_maps: &config_maps,
            itself,
        };
        let mut read: BTreeMap<DefinitionKey, Vec<(&Ours, Option<Definition>)>> = BTreeMap::new();
        let from_files = documents
            .iter()
            .enumerate()
            .filter(|(index, document)| document.is_definition() && !rendered.contains(index));
        for (_, document) in from_files {
            let (key, definition, problems) = match document.kind.as_str() {
                argo::KIND => read_argo(document),
                helm_release::KIND => helm_release::read_document(document, &sources, home_cluster),
                _ => flux::read_document(document, &sources, home_cluster),
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
        let sets = self.single(&documents, set::KIND, set::read, |set| set.broken = true);
        let keys = std::mem::take(&mut self.keys);
        let project = |document: &Ours| project::read(document, &keys);
        let projects = self.single(&documents, project::KIND, project, |project| {
            project.broken = true;
        });
        let mut definitions = Definitions {
            health_scripts: Vec::new(),
            notices: Notices::default(),
            image_rules: ImageRules::default(),
            masking: MaskingRules::default(),
            applications: definitions,
            sets,
            projects,
            problems: self.problems,
            documents: found,
            material: self.material,
            unreadable: self.unreadable,
        };
        definitions.sort();
        definitions
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

/// Documents, and whether they are to be read here or only referred to.
fn all<'d>(documents: &'d [Ours], around: &'d [Ours]) -> impl Iterator<Item = (&'d Ours, bool)> {
    let own = documents.iter().map(|document| (document, true));
    own.chain(around.iter().map(|document| (document, false)))
}

pub(super) type Read = (DefinitionKey, Option<Definition>, Vec<FieldProblem>);

/// Whether a file or a document could hold a definition.
pub(super) fn mentions_us(bytes: &[u8]) -> bool {
    let has = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    has(b"argoproj.io/") || has(b"fluxcd.")
}

/// Kinds that make or feed applications elsewhere and are not read here: what is wrong, and what to do.
fn unread(group: &str, kind: &str) -> Option<(String, &'static str)> {
    match (group, kind) {
        ("fluxcd.controlplane.io", "ResourceSet") => Some((
            "a ResourceSet is not expanded: what it would make is missing here".to_owned(),
            "Write its objects out in Git, or keep it with the Flux operator.",
        )),
        (flux::SOURCE_GROUP, "Bucket") => Some((
            "a Bucket is not fetched from: nothing that refers to it is rendered".to_owned(),
            "Keep the files in a Git repository or an OCI registry.",
        )),
        _ => None,
    }
}

/// Labels and annotations.
pub(super) type Frame = (BTreeMap<String, String>, BTreeMap<String, String>);

impl Ours {
    fn is_referred_to(&self) -> bool {
        is_referred_to(&self.group, &self.kind)
    }

    /// Whether it becomes an application.
    pub(super) fn is_definition(&self) -> bool {
        !self.is_referred_to() && !matches!(self.kind.as_str(), set::KIND | project::KIND)
    }

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
                assigns: false,
            },
            policy: SyncPolicy::default(),
            sync_options: SyncOptions::default(),
            depends_on: Vec::new(),
            health_checks: Vec::new(),
            service_account: String::new(),
            set: None,
            rules: None,
            masking: MaskingRules::default(),
            placement: None,
            unrenderable: String::new(),
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
    let mut spec = argo::read(&place);
    argo::annotations(&place, &frame.1, &mut spec);
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

#[cfg(test)]
mod tests;
