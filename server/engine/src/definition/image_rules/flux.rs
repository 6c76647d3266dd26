//! Flux's kinds: what watches a registry, what chooses, and what writes.

use super::{ImageRule, ImageRules, RuleWrites, USUALLY, check_image, interval};
use crate::definition::fields::Place;
use crate::definition::repo_path;
use crate::tags::{TagChoice, TagOrder};
use crate::yaml::Node;

pub(super) const GROUP: &str = "image.toolkit.fluxcd.io";
const CREDENTIALS: &str = "credentials are those registered for the registry in Lockstep";
const AUTHOR: &str = "commits are made by Lockstep, with a message of its own";

/// Whether an object can hold a rule.
pub fn may_hold_image_rules(group: &str, kind: &str) -> bool {
    let own = group == super::GROUP && kind == super::KIND;
    own || group == GROUP
        && matches!(
            kind,
            "ImageRepository" | "ImagePolicy" | "ImageUpdateAutomation"
        )
}

/// Where a document is and what it is called.
pub(super) struct At<'a> {
    pub path: &'a str,
    pub line: u32,
    pub namespace: String,
    pub name: &'a str,
}

/// An `ImageRepository`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Watched {
    namespace: String,
    name: String,
    image: String,
    plain_http: bool,
    interval: u32,
    exclude: Vec<String>,
    suspend: bool,
}

/// A `GitRepository`, as far as automations need it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Checkout {
    namespace: String,
    name: String,
    url: String,
    branch: String,
}

/// An `ImageUpdateAutomation`.
#[derive(Debug, Clone, PartialEq)]
pub struct Automation {
    /// `ImageUpdateAutomation flux-system/all`.
    pub title: String,
    pub path: String,
    /// 1-based line of the document.
    pub line: u32,
    /// The repository that it writes to; empty with a problem.
    pub repo_url: String,
    pub branch: String,
    /// Another branch that it pushes to, for review; empty: the same.
    pub push_branch: String,
    /// Folder whose files may hold markers; empty: the whole repository.
    pub folder: String,
    /// Seconds between two looks.
    pub interval: u32,
    pub suspend: bool,
    /// Why it comes to nothing; empty when it is in force.
    pub problem: String,
    /// Policies of other namespaces are none of its affair.
    pub namespace: String,
    source: (String, String),
}

pub(super) fn watched(spec: &Place<'_>, at: &At<'_>) -> Watched {
    let image = spec.required("image");
    check_image(spec, "image", &image);
    spec.ignore_all(
        &[
            "secretRef",
            "certSecretRef",
            "proxySecretRef",
            "serviceAccountName",
            "provider",
        ],
        CREDENTIALS,
    );
    spec.ignore_all(
        &["timeout", "accessFrom"],
        "Lockstep has a limit of its own, and policies read within their source",
    );
    Watched {
        namespace: at.namespace.clone(),
        name: at.name.to_owned(),
        image,
        plain_http: spec.flag("insecure").unwrap_or(false),
        interval: interval(spec).unwrap_or(USUALLY),
        exclude: spec.texts("exclusionList"),
        suspend: spec.flag("suspend").unwrap_or(false),
    }
}

pub(super) fn policy(spec: &Place<'_>, at: &At<'_>) -> ImageRule {
    let reference = spec.at("imageRepositoryRef");
    let (name, other) = (reference.required("name"), reference.text("namespace"));
    reference.done();
    let filter = spec.at("filterTags");
    let (pattern, extract) = (filter.text("pattern"), filter.text("extract"));
    filter.done();
    let policy = spec.at("policy");
    let order = order(&policy);
    policy.done();
    let reflects = spec.text("digestReflectionPolicy");
    if !matches!(reflects.as_str(), "" | "Never") {
        spec.note(
            "digestReflectionPolicy",
            "tags are chosen, and digests are not written",
        );
    }
    spec.ignore("interval", "it belongs to digests");
    let choice = TagChoice {
        pattern,
        extract,
        exclude: Vec::new(),
        order,
    };
    if let Err(why) = choice.chooser() {
        spec.problem(
            "filterTags",
            &format!("it says that {why}"),
            "Correct the definition in Git.",
        );
    }
    let namespace = match other.is_empty() {
        true => at.namespace.clone(),
        false => other,
    };
    ImageRule {
        title: format!("ImagePolicy {}/{}", at.namespace, at.name),
        path: at.path.to_owned(),
        line: at.line,
        // Until the repository is found.
        image: format!("{namespace}/{name}"),
        plain_http: false,
        choice,
        interval: USUALLY,
        suspend: spec.flag("suspend").unwrap_or(false),
        writes: RuleWrites::Markers {
            namespace: at.namespace.clone(),
            name: at.name.to_owned(),
        },
        problem: String::new(),
    }
}

fn order(policy: &Place<'_>) -> TagOrder {
    let kinds: Vec<&str> = ["semver", "alphabetical", "numerical"]
        .into_iter()
        .filter(|kind| policy.has(kind))
        .collect();
    let descending = |place: &Place<'_>| {
        let order = place.text("order");
        if !matches!(order.as_str(), "" | "asc" | "desc") {
            place.problem(
                "order",
                "it must be asc or desc",
                "Correct the definition in Git.",
            );
        }
        place.done();
        order == "desc"
    };
    match kinds.as_slice() {
        ["semver"] => {
            let range = policy.at("semver");
            let text = range.required("range");
            range.done();
            TagOrder::Versions(text)
        }
        ["alphabetical"] => TagOrder::Names {
            descending: descending(&policy.at("alphabetical")),
        },
        ["numerical"] => TagOrder::Numbers {
            descending: descending(&policy.at("numerical")),
        },
        _ => {
            policy.problem(
                "",
                "it must be one of semver, alphabetical and numerical",
                "Say which tag is the newest.",
            );
            TagOrder::Names { descending: false }
        }
    }
}

pub(super) fn automation(spec: &Place<'_>, at: &At<'_>) -> Automation {
    let reference = spec.at("sourceRef");
    let (kind, name) = (reference.text("kind"), reference.required("name"));
    let namespace = reference.text("namespace");
    reference.ignore("apiVersion", "the kind is enough");
    reference.done();
    if !matches!(kind.as_str(), "" | "GitRepository") {
        spec.problem(
            "sourceRef.kind",
            "it must be GitRepository",
            "Correct the definition in Git.",
        );
    }
    let git = spec.at("git");
    let checkout = git.at("checkout").at("ref");
    let branch = checkout.text("branch");
    let commit = git.at("commit");
    commit.ignore_all(
        &[
            "author",
            "messageTemplate",
            "messageTemplateValues",
            "signingKey",
        ],
        AUTHOR,
    );
    commit.done();
    let push = git.at("push");
    let push_branch = push.text("branch");
    push.ignore("options", "nothing is told to the host beside the commit");
    push.unsupported("refspec", "Name a branch instead.");
    push.done();
    let update = spec.at("update");
    let folder = update.text("path");
    let strategy = update.text("strategy");
    if !matches!(strategy.as_str(), "" | "Setters") {
        update.problem(
            "strategy",
            "it must be Setters",
            "Correct the definition in Git.",
        );
    }
    update.done();
    spec.unsupported(
        "policySelector",
        "Leave it out: every policy of the namespace counts.",
    );
    let folder = repo_path(&folder).unwrap_or_else(|why| {
        update.problem("path", why, "Correct the definition in Git.");
        String::new()
    });
    Automation {
        title: format!("ImageUpdateAutomation {}/{}", at.namespace, at.name),
        path: at.path.to_owned(),
        line: at.line,
        repo_url: String::new(),
        push_branch: match push_branch == branch {
            true => String::new(),
            false => push_branch,
        },
        branch,
        folder,
        interval: interval(spec).unwrap_or(USUALLY),
        suspend: spec.flag("suspend").unwrap_or(false),
        problem: String::new(),
        namespace: at.namespace.clone(),
        source: (
            match namespace.is_empty() {
                true => at.namespace.clone(),
                false => namespace,
            },
            name,
        ),
    }
}

pub(super) fn checkout(node: &Node, namespace: String, name: String) -> Option<Checkout> {
    let spec = node.get("spec")?;
    let text = |node: Option<&Node>| node.and_then(Node::text).map(str::to_owned);
    Some(Checkout {
        namespace,
        name,
        url: text(spec.get("url"))?,
        branch: text(spec.get("ref").and_then(|it| it.get("branch"))).unwrap_or_default(),
    })
}

impl ImageRules {
    /// Brings together what refers to each other by name.
    pub(super) fn resolve(&mut self) {
        for rule in &mut self.rules {
            if !matches!(rule.writes, RuleWrites::Markers { .. }) || !rule.problem.is_empty() {
                continue;
            }
            let found = self
                .repositories
                .iter()
                .find(|known| format!("{}/{}", known.namespace, known.name) == rule.image);
            match found {
                Some(watched) => {
                    rule.image.clone_from(&watched.image);
                    rule.plain_http = watched.plain_http;
                    rule.interval = watched.interval;
                    rule.suspend |= watched.suspend;
                    rule.choice.exclude.clone_from(&watched.exclude);
                    if let Err(why) = rule.choice.chooser() {
                        rule.problem = why;
                    }
                }
                None => {
                    rule.problem = format!(
                        "there is no ImageRepository {} in this source, or it cannot be read",
                        rule.image
                    );
                }
            }
        }
        for one in &mut self.automations {
            if !one.problem.is_empty() {
                continue;
            }
            let found = self.sources.iter().find(|known| {
                (known.namespace.as_str(), known.name.as_str())
                    == (one.source.0.as_str(), one.source.1.as_str())
            });
            match found {
                Some(source) => {
                    one.repo_url.clone_from(&source.url);
                    if one.branch.is_empty() {
                        one.branch.clone_from(&source.branch);
                    }
                }
                // The repository of Flux's own bootstrap often exists in clusters only: it is the source itself.
                None if one.source.1 == crate::definition::flux::DEFAULT_NAMESPACE => {}
                None => {
                    one.problem = format!(
                        "there is no GitRepository {}/{} in this source",
                        one.source.0, one.source.1
                    );
                }
            }
        }
    }
}
