//! The rules of a project: what Argo CD would not let through is refused, with the rule that refuses it.

use super::super::Definition;
use super::{DEFAULT, Project, ProjectKind};
use globset::{GlobBuilder, GlobMatcher};
use lockstep_types::application::Dialect;
use lockstep_types::resource::ResourceKey;
use serde::{Deserialize, Serialize};

/// What a project does not permit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Field of the project that refuses, dotted.
    pub rule: String,
    /// Without a full stop.
    pub message: String,
    /// A sentence.
    pub next: String,
}

/// The project of one application. It goes with the definition, so nothing is ever judged by half of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    pub project: Project,
    /// A repository of the application that the project does not permit.
    pub refused: Option<Refused>,
}

impl Rules {
    /// Gives the application of Argo CD the rules of its project. As with Argo CD, one whose project is not among these is
    /// refused; only the default project is there without being defined, and limits nothing.
    pub fn give(definition: &mut Definition, projects: &[Project]) {
        if definition.dialect != Dialect::ArgoApplication {
            return;
        }
        let named = |project: &&Project| project.name == definition.project;
        let Some(project) = projects.iter().find(named) else {
            if definition.project != DEFAULT {
                definition.rules = Some(Box::new(Self::undefined(definition)));
            }
            return;
        };
        let refused = if project.broken {
            let next = "Solve the problems of the project.";
            Some(project.refuse("spec", "cannot be read whole and permits nothing", next))
        } else {
            std::iter::once(&definition.source)
                .chain(&definition.more_sources)
                .find_map(|source| project.refuse_source(&source.repo_url))
        };
        let of_project = project
            .ignored_fields
            .iter()
            .map(|(field, why)| (format!("{}: {field}", super::KIND), why.clone()));
        definition.ignored_fields.extend(of_project);
        definition.rules = Some(Box::new(Self {
            project: project.clone(),
            refused,
        }));
    }

    /// Of a project that nobody defines: it permits nothing.
    fn undefined(definition: &Definition) -> Self {
        let project = Project::undefined(&definition.project);
        let message = format!(
            "the project {} is not defined in this source ({}:{} spec.project)",
            project.name, definition.path, definition.line
        );
        let next = format!(
            "Add the AppProject {} to the source, or name a project that is there.",
            project.name
        );
        let rule = "spec.project".to_owned();
        Self {
            project,
            refused: Some(Refused {
                rule,
                message,
                next,
            }),
        }
    }
}

pub(super) const HOME_SERVER: &str = "https://kubernetes.default.svc";
const HOME_NAME: &str = "in-cluster";

impl Project {
    /// Refuses a repository that no entry of `sourceRepos` permits, or that one denies.
    pub fn refuse_source(&self, repo_url: &str) -> Option<Refused> {
        self.refuse_spellings(repo_url, &[address(repo_url)])
    }

    /// The same for a place of charts as charts write it. Registries are written without `oci://` in projects, too.
    pub fn refuse_chart(&self, written: &str) -> Option<Refused> {
        let bare = written.strip_prefix("oci://").unwrap_or(written);
        self.refuse_spellings(written, &[address(written), address(bare)])
    }

    /// A place that is written in several ways is denied by any of them, and permitted by any.
    fn refuse_spellings(&self, repo_url: &str, asked: &[String]) -> Option<Refused> {
        let fits = |pattern: &str| {
            let pattern = address(pattern);
            asked.iter().any(|asked| matches(&pattern, asked, true))
        };
        let mut permitted = false;
        for written in &self.source_repos {
            if let Some(denied) = written.strip_prefix('!') {
                if fits(denied) {
                    let message = format!("denies the repository {repo_url} by “{written}”");
                    return Some(self.refuse(
                        "spec.sourceRepos",
                        &message,
                        "Use another repository, or change the project.",
                    ));
                }
            } else if fits(written) {
                permitted = true;
            }
        }
        if permitted {
            return None;
        }
        let message = format!("does not permit the repository {repo_url}");
        let next = "Add it to sourceRepos of the project, or give the application another project.";
        Some(self.refuse("spec.sourceRepos", &message, next))
    }

    /// Refuses a namespace of a cluster. Both ways of naming the cluster count; `home` is the cluster that
    /// `in-cluster` means.
    pub fn refuse_destination(
        &self,
        cluster: &str,
        server: &str,
        home: bool,
        namespace: &str,
    ) -> Option<Refused> {
        let names = [cluster, if home { HOME_NAME } else { cluster }];
        let servers = [server, if home { HOME_SERVER } else { server }];
        let any = |pattern: &str, values: &[&str]| {
            values
                .iter()
                .any(|value| matches(trimmed(pattern), trimmed(value), false))
        };
        let denies = |pattern: &str, values: &[&str]| {
            pattern
                .strip_prefix('!')
                .is_some_and(|pattern| any(pattern, values))
        };
        let place = format!("the namespace {} of {cluster}", shown(namespace));
        let mut permitted = false;
        for entry in &self.destinations {
            // Argo CD compares servers, and names only where an entry or a destination has no server.
            let (pattern, values) = if entry.server.is_empty() {
                (&entry.name, &names)
            } else {
                (&entry.server, &servers)
            };
            let cluster_denied = denies(pattern, values);
            let namespace_denied = denies(&entry.namespace, &[namespace]);
            let cluster_matches = cluster_denied || any(pattern.trim_start_matches('!'), values);
            let namespace_matches = namespace_denied || any(&entry.namespace, &[namespace]);
            if (cluster_denied && namespace_matches) || (namespace_denied && cluster_matches) {
                let message = format!("denies {place}");
                return Some(self.refuse(
                    "spec.destinations",
                    &message,
                    "Choose another destination, or change the project.",
                ));
            }
            permitted |= cluster_matches && namespace_matches;
        }
        if permitted {
            return None;
        }
        let message = format!("does not permit {place}");
        let next =
            "Add it to destinations of the project, or give the application another project.";
        Some(self.refuse("spec.destinations", &message, next))
    }

    /// Refuses an object by its kind.
    pub fn refuse_kind(&self, object: &ResourceKey, namespaced: bool) -> Option<Refused> {
        let among = |list: &[ProjectKind]| list.iter().any(|entry| entry.holds(object, namespaced));
        let what = if object.group.is_empty() {
            object.kind.clone()
        } else {
            format!("{}/{}", object.group, object.kind)
        };
        let (denied, allowed, fields) = if namespaced {
            (
                among(&self.namespaced_denied),
                self.namespaced_allowed.as_deref().is_none_or(among),
                (
                    "spec.namespaceResourceBlacklist",
                    "spec.namespaceResourceWhitelist",
                ),
            )
        } else {
            (
                among(&self.cluster_denied),
                among(&self.cluster_allowed),
                (
                    "spec.clusterResourceBlacklist",
                    "spec.clusterResourceWhitelist",
                ),
            )
        };
        let name = &object.name;
        if denied {
            let message = format!("denies objects of kind {what}, and {name} is one");
            return Some(self.refuse(
                fields.0,
                &message,
                "Take the object out, or change the project.",
            ));
        }
        if !allowed {
            let message = format!("does not permit objects of kind {what}, and {name} is one");
            let next = "Add the kind to the project, or take the object out.";
            return Some(self.refuse(fields.1, &message, next));
        }
        None
    }

    pub(super) fn refuse(&self, rule: &str, message: &str, next: &str) -> Refused {
        Refused {
            rule: rule.to_owned(),
            message: format!(
                "the project {} {message} ({}:{} {rule})",
                self.name, self.path, self.line
            ),
            next: next.to_owned(),
        }
    }
}

impl ProjectKind {
    fn holds(&self, object: &ResourceKey, namespaced: bool) -> bool {
        matches(&self.kind, &object.kind, false)
            && matches(&self.group, &object.group, false)
            && (namespaced || self.name.is_empty() || matches(&self.name, &object.name, false))
    }
}

pub(super) fn shown(namespace: &str) -> &str {
    if namespace.is_empty() {
        "that the objects name"
    } else {
        namespace
    }
}

pub(super) fn trimmed(address: &str) -> &str {
    address.trim_end_matches('/')
}

/// Addresses in one spelling, as Argo CD compares them: without case, `.git` and the two ways of writing SSH. Globs keep
/// their stars.
pub(super) fn address(written: &str) -> String {
    let lower = written.trim().to_lowercase();
    let bare = lower.trim_end_matches('/');
    let bare = bare.strip_suffix(".git").unwrap_or(bare);
    let scp = || {
        let (host, path) = bare.split_once(':')?;
        let is_scp = host.contains('@') && !host.contains('/') && !path.starts_with("//");
        is_scp.then(|| format!("{host}/{}", path.trim_start_matches('/')))
    };
    match bare.strip_prefix("ssh://") {
        Some(rest) => mixed(rest).unwrap_or_else(|| rest.to_owned()),
        None => scp().unwrap_or_else(|| bare.to_owned()),
    }
}

/// `git@host:team/web` behind `ssh://`, as Argo CD's documentation writes it: a colon before what is no port.
fn mixed(rest: &str) -> Option<String> {
    let (host, path) = rest.split_once(':')?;
    let first = path.split('/').next().unwrap_or_default();
    let is_port = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
    (!host.contains('/') && !is_port).then(|| format!("{host}/{path}"))
}

pub(super) fn matches(pattern: &str, value: &str, slashes: bool) -> bool {
    pattern == "*"
        || pattern == value
        || glob(pattern, slashes).is_some_and(|glob| glob.is_match(value))
}

fn glob(pattern: &str, slashes: bool) -> Option<GlobMatcher> {
    GlobBuilder::new(pattern)
        .literal_separator(slashes)
        .build()
        .ok()
        .map(|glob| glob.compile_matcher())
}
