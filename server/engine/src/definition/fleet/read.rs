//! From the files of a root source to bundles: which `GitRepo` claims which folders, and what each of them becomes.

mod documents;
mod file;
mod finish;
mod names;

use super::super::collect::Ours;
use super::super::fields::{FieldProblem, Place, Report};
use super::super::flux_values::ConfigMaps;
use super::super::{
    Definition, DefinitionDocument, DefinitionFile, DefinitionKey, DefinitionProblem, Definitions,
};
use super::bundle::{self, Around, Bundle};
use super::folders::Folders;
use super::placement::{ClusterGroup, DeclaredCluster, Placement};
use super::repository::Repository;
use super::selector::LabelSelector;
use super::{DEFAULT_NAMESPACE, GROUP};
use file::{fleet_yaml, is_fleet_yaml, nothing};
use lockstep_types::application::Dialect;
use lockstep_types::revision::TargetRevision;
use names::{bundle_name, same_repository, unnamed};
use std::collections::BTreeSet;

/// The repository that the files are of.
pub(in super::super) struct Itself<'a> {
    pub url: &'a str,
    pub target_revision: &'a TargetRevision,
}

/// Reads the bundles that the files make up. Without `GitRepo` documents every folder with a `fleet.yaml` is one.
pub(in super::super) fn read(
    files: &[DefinitionFile],
    itself: &Itself<'_>,
    config_maps: &ConfigMaps,
) -> Definitions {
    let mut reading = Reading::default();
    for file in files {
        reading.documents(file);
    }
    let folders = Folders::new(files, is_fleet_yaml);
    let mut claims: Vec<Claim> = Vec::new();
    for found in std::mem::take(&mut reading.repositories) {
        claims.extend(reading.claims(found, itself, &folders));
    }
    if !reading.has_repository {
        claims.extend(folders.with_fleet_yaml().into_iter().map(|folder| Claim {
            name: bundle_name(&unnamed(&folder, itself.url), ""),
            namespace: DEFAULT_NAMESPACE.to_owned(),
            folder,
            repository: Repository {
                url: itself.url.to_owned(),
                target_revision: itself.target_revision.clone(),
                ..Repository::default()
            },
            written: None,
        }));
    }
    let mut made: Vec<Made> = Vec::new();
    for claim in claims {
        made.extend(reading.bundle(claim, &folders, config_maps));
    }
    reading.finish(made)
}

/// A folder that a `GitRepo` makes a bundle of.
struct Claim {
    namespace: String,
    name: String,
    folder: String,
    repository: Repository,
    /// The document of the `GitRepo`.
    written: Option<Written>,
}

#[derive(Clone)]
struct Written {
    path: String,
    line: u32,
    yaml: String,
}

struct Made {
    definition: Definition,
    depends_on_labels: Vec<LabelSelector>,
}

struct FoundRepository {
    namespace: String,
    name: String,
    repository: Repository,
    written: Written,
}

#[derive(Default)]
struct Reading {
    problems: Vec<DefinitionProblem>,
    documents: Vec<DefinitionDocument>,
    unreadable: Vec<String>,
    repositories: Vec<FoundRepository>,
    /// Also when it is broken: folders are not claimed by guessing then.
    has_repository: bool,
    groups: Vec<ClusterGroup>,
    clusters: Vec<DeclaredCluster>,
}

impl Reading {
    fn claims(
        &mut self,
        found: FoundRepository,
        itself: &Itself<'_>,
        folders: &Folders<'_>,
    ) -> Vec<Claim> {
        let FoundRepository {
            namespace,
            name,
            repository,
            written,
        } = found;
        let subject = format!("GitRepo {name}");
        if !same_repository(&repository.url, itself.url) {
            let problem = FieldProblem {
                line: written.line,
                field: "spec.repo".to_owned(),
                message: format!(
                    "it names another repository, {}, whose fleet.yaml files are not among the files of this source",
                    repository.url
                ),
                next: "Add that repository as a source of its own; its bundles are read there."
                    .to_owned(),
            };
            self.add(&subject, None, &written.path, written.line, vec![problem]);
            return Vec::new();
        }
        let mut claimed = BTreeSet::new();
        for path in &repository.paths {
            let bases = match folders.matching(path) {
                Ok(bases) => bases,
                Err(why) => {
                    let problem = FieldProblem {
                        line: written.line,
                        field: "spec.paths".to_owned(),
                        message: format!("{path} is no glob: {why}"),
                        next: "Correct the path in Git.".to_owned(),
                    };
                    self.add(&subject, None, &written.path, written.line, vec![problem]);
                    continue;
                }
            };
            let before = claimed.len();
            claimed.extend(bases.iter().flat_map(|base| folders.bundles(base)));
            if bases.is_empty() || (claimed.len() == before && before == 0) {
                let problem = FieldProblem {
                    line: written.line,
                    field: "spec.paths".to_owned(),
                    message: format!(
                        "there is nothing to deploy at {} among the YAML files of this source",
                        if path.is_empty() { "the root" } else { path }
                    ),
                    next: "Correct the path, or let the source's own path reach it.".to_owned(),
                };
                self.add(&subject, None, &written.path, written.line, vec![problem]);
            }
        }
        claimed
            .into_iter()
            .map(|folder| Claim {
                namespace: namespace.clone(),
                name: bundle_name(&name, &folder),
                folder,
                repository: repository.clone(),
                written: Some(written.clone()),
            })
            .collect()
    }

    fn bundle(
        &mut self,
        claim: Claim,
        folders: &Folders<'_>,
        config_maps: &ConfigMaps,
    ) -> Option<Made> {
        let file = folders.fleet_yaml(&claim.folder);
        let (node, written) = match file {
            None => (nothing(), claim.written.clone()?),
            Some(file) => {
                let key = key(&claim.namespace, &claim.name);
                match fleet_yaml(file) {
                    Ok((node, line, text)) => (
                        node,
                        Written {
                            path: file.path.clone(),
                            line,
                            yaml: text,
                        },
                    ),
                    Err(error) => {
                        let line = error.line.unwrap_or(1);
                        self.broken(&file.path, line, error.message);
                        if let Some(problem) = self.problems.last_mut() {
                            problem.key = Some(key);
                        }
                        return None;
                    }
                }
            }
        };
        let report = Report::default();
        let place = Place::root(&report, &node);
        let read = bundle::read(
            &place,
            &Around {
                folder: &claim.folder,
                namespace: &claim.namespace,
                folders,
                config_maps,
            },
        );
        let (problems, mut ignored) = report.into_parts();
        let name = if read.name.is_empty() {
            claim.name.clone()
        } else {
            read.name.clone()
        };
        let key = key(&claim.namespace, &name);
        if !problems.is_empty() {
            let subject = format!("bundle {name}");
            self.add(&subject, Some(&key), &written.path, written.line, problems);
            return None;
        }
        let of_repository = claim
            .repository
            .ignored
            .iter()
            .map(|(field, why)| (format!("GitRepo: {field}"), why.clone()));
        ignored.extend(of_repository);
        Some(self.made(claim, read, &key, written, ignored, folders))
    }

    fn made(
        &self,
        claim: Claim,
        read: Bundle,
        key: &DefinitionKey,
        written: Written,
        ignored: Vec<(String, String)>,
        folders: &Folders<'_>,
    ) -> Made {
        let repository = claim.repository;
        let mut options = read.options;
        let mut customizations = read.customizations;
        if !repository.target_namespace.is_empty() {
            options.namespace.clone_from(&repository.target_namespace);
            for customization in &mut customizations {
                customization.options.namespace.clear();
            }
        }
        if !repository.service_account.is_empty() {
            options
                .service_account
                .clone_from(&repository.service_account);
        }
        if repository.keep_resources == Some(true) {
            options.keep_resources = Some(true);
        }
        if repository.correct_drift == Some(true) {
            options.correct_drift = Some(true);
        }
        let mut labels = repository.labels;
        labels.extend(read.labels);
        let document = Ours {
            group: GROUP.to_owned(),
            kind: "Bundle".to_owned(),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            path: written.path,
            line: written.line,
            yaml: written.yaml,
            node: nothing(),
        };
        let mut definition = document.definition(key, (labels, read.annotations), ignored);
        definition.policy.automated = true;
        // What a newer commit leaves out is removed by the upgrade of Fleet's release.
        definition.policy.prune = true;
        definition.policy.create_namespace = true;
        definition.policy.suspend = read.paused || repository.paused;
        definition.depends_on = read.depends_on;
        let placement = Placement {
            targets: read.targets.unwrap_or(repository.targets),
            options,
            customizations,
            all_customizations: read.all_customizations,
            groups: self.groups.clone(),
            clusters: self.clusters.clone(),
            repo_url: repository.url,
            target_revision: repository.target_revision,
            has_chart: folders.has(&claim.folder, &["Chart.yaml"]),
            has_kustomization: folders
                .has(&claim.folder, &["kustomization.yaml", "kustomization.yml"]),
            path: claim.folder,
            name: key.name.clone(),
            rollout: read.rollout,
        };
        placement.describe(&mut definition);
        definition.placement = Some(Box::new(placement));
        Made {
            definition,
            depends_on_labels: read.depends_on_labels,
        }
    }

    fn broken(&mut self, path: &str, line: u32, message: String) {
        self.unreadable.push(path.to_owned());
        self.problems.push(DefinitionProblem {
            key: None,
            path: path.to_owned(),
            line,
            field: String::new(),
            message,
            next: "Correct the file in Git.".to_owned(),
        });
    }

    fn add(
        &mut self,
        subject: &str,
        key: Option<&DefinitionKey>,
        path: &str,
        line: u32,
        problems: Vec<FieldProblem>,
    ) {
        self.problems.extend(problems.into_iter().map(|problem| {
            // Fields speak of themselves as “it”.
            let message = match problem.message.strip_prefix("it ") {
                Some(rest) => format!("{} {rest}", problem.field),
                None => problem.message,
            };
            DefinitionProblem {
                key: key.cloned(),
                path: path.to_owned(),
                line: problem.line.max(line),
                field: problem.field,
                message: format!("{subject}: {message}"),
                next: problem.next,
            }
        }));
    }
}

fn key(namespace: &str, name: &str) -> DefinitionKey {
    DefinitionKey {
        dialect: Dialect::FleetBundle,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        scope: String::new(),
    }
}
