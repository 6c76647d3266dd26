//! Reads an `ApplicationSet` field by field.

use super::super::argument::{check_address, check_revision};
use super::super::collect::{Ours, read_frame};
use super::super::fields::{FieldProblem, Place, Report};
use super::selector::Selector;
use super::strategy;
use super::{ApplicationSet, Generator, GitItem, ParameterSource};
use lockstep_types::revision::TargetRevision;

const OUTSIDE: [&str; 4] = [
    "pullRequest",
    "scmProvider",
    "plugin",
    "clusterDecisionResource",
];
const KINDS: [&str; 5] = ["list", "clusters", "git", "matrix", "merge"];
const EDIT: &str = "Correct the definition in Git.";

/// The set with what is wrong in it.
pub(in super::super) fn read(document: &Ours) -> (ApplicationSet, Vec<FieldProblem>) {
    let report = Report::default();
    let place = Place::root(&report, &document.node);
    read_frame(&place);
    place.ignore("status", "it is for Argo CD's own controller");
    let spec = place.at("spec");
    if !spec.is_there() {
        place.problem("spec", "it is missing", "Add it to the definition.");
    }
    let generators = generators(&spec, "generators", 0);
    if spec.is_there() && generators.is_empty() {
        let message = "there is no generator, so there is no application";
        spec.problem("generators", message, "Add a generator.");
    }
    let go_template = spec.flag("goTemplate").unwrap_or(false);
    let options = spec.texts("goTemplateOptions");
    for option in &options {
        if !matches!(
            option.as_str(),
            "missingkey=error" | "missingkey=default" | "missingkey=invalid" | "missingkey=zero"
        ) {
            let message = format!("there is no option {option}");
            spec.problem("goTemplateOptions", &message, "Use missingkey=error.");
        }
    }
    if !go_template && !options.is_empty() {
        let why = "they count only together with goTemplate";
        spec.note("goTemplateOptions", why);
    }
    if !spec.has("template") {
        spec.problem("template", "it is missing", "Add it to the definition.");
    }
    spec.at("template");
    let template = spec.value("template").unwrap_or_default();
    let template_patch = spec.text("templatePatch");
    policy(&spec);
    let strategy = strategy::read(&spec);
    spec.ignore(
        "applyNestedSelectors",
        "selectors of nested generators always apply, as in Argo CD 3",
    );
    spec.done();
    place.done();
    let (problems, ignored_fields) = report.into_parts();
    let set = ApplicationSet {
        namespace: document.namespace.clone(),
        name: document.name.clone(),
        path: document.path.clone(),
        line: document.line,
        yaml: document.yaml.clone(),
        generators,
        template,
        template_patch,
        go_template,
        strict: go_template && options.iter().any(|option| option == "missingkey=error"),
        strategy,
        ignored_fields,
        broken: !problems.is_empty(),
        document: document.node.clone(),
    };
    (set, problems)
}

fn policy(spec: &Place<'_>) {
    let policy = spec.at("syncPolicy");
    let applications = policy.text("applicationsSync");
    match applications.as_str() {
        "" | "sync" => {}
        "create-only" | "create-update" | "create-delete" => policy.note(
            "applicationsSync",
            "applications always follow Git here, and one that is no longer generated is marked removed, never deleted from clusters",
        ),
        other => {
            let message = format!("there is no policy {other}");
            let next = "Use create-only, create-update, create-delete or sync.";
            policy.problem("applicationsSync", &message, next);
        }
    }
    policy.ignore(
        "preserveResourcesOnDeletion",
        "it is always so: removing a definition never removes objects by itself",
    );
    policy.done();
    spec.ignore_all(
        &["ignoreApplicationDifferences", "preservedFields"],
        "applications are read from Git, and nobody can change them elsewhere",
    );
}

fn generators(place: &Place<'_>, name: &str, depth: u32) -> Vec<Generator> {
    let mut found = Vec::new();
    for (index, entry) in place.list(name).iter().enumerate() {
        let field = format!("{}[{index}]", place.dotted(name));
        let selector = entry
            .has("selector")
            .then(|| Selector::read(&entry.at("selector")));
        let kinds: Vec<&str> = KINDS
            .into_iter()
            .chain(OUTSIDE)
            .filter(|kind| entry.has(kind))
            .collect();
        if kinds.is_empty() {
            let message = "it names no generator that Argo CD knows";
            entry.problem("", message, "Use list, clusters, git, matrix or merge.");
        }
        if depth > 0 && kinds.len() > 1 {
            let message = format!("{} stand in one entry", kinds.join(" and "));
            entry.problem("", &message, "Make each of them an entry of its own.");
        }
        for kind in kinds {
            let at = entry.at(kind);
            let template = at.value("template").filter(|_| depth == 0);
            if depth > 0 {
                at.ignore("template", "only templates of generators at the top count");
            }
            let source = source(kind, &at, depth);
            if !OUTSIDE.contains(&kind) {
                at.done();
            }
            found.push(Generator {
                source,
                selector: selector.clone(),
                template,
                field: format!("{field}.{kind}"),
            });
        }
        entry.done();
    }
    found
}

fn source(kind: &str, at: &Place<'_>, depth: u32) -> ParameterSource {
    match kind {
        "list" => {
            for element in at.list("elements") {
                element.expect_map();
            }
            ParameterSource::List {
                elements: at.values("elements"),
                elements_yaml: at.text("elementsYaml"),
            }
        }
        "clusters" => ParameterSource::Clusters {
            selector: Selector::read(&at.at("selector")),
            values: at.text_map("values"),
            flat_list: at.flag("flatList").unwrap_or(false),
        },
        "git" => git(at),
        "matrix" | "merge" => {
            let nested = generators(at, "generators", depth + 1);
            if depth > 1 {
                let message = "matrix and merge are nested more than once";
                at.problem(
                    "generators",
                    message,
                    "Argo CD allows one level; write the combinations out.",
                );
            } else if nested.len() < 2 {
                let message = "it needs two generators or more";
                at.problem("generators", message, EDIT);
            }
            if kind == "matrix" {
                if nested.len() > 2 {
                    at.problem(
                        "generators",
                        "a matrix has two generators",
                        "Nest a second matrix.",
                    );
                }
                return ParameterSource::Matrix(nested);
            }
            let keys = at.texts("mergeKeys");
            if keys.is_empty() {
                at.problem(
                    "mergeKeys",
                    "it is missing",
                    "Name the parameters to compare.",
                );
            }
            ParameterSource::Merge {
                keys,
                generators: nested,
            }
        }
        kind => ParameterSource::Elsewhere {
            kind: kind.to_owned(),
        },
    }
}

fn git(at: &Place<'_>) -> ParameterSource {
    let items = |name: &str| -> Vec<GitItem> {
        at.list(name)
            .iter()
            .map(|item| {
                let read = GitItem {
                    path: item.required("path"),
                    exclude: item.flag("exclude").unwrap_or(false),
                };
                item.done();
                read
            })
            .collect()
    };
    let (directories, files) = (items("directories"), items("files"));
    match (directories.is_empty(), files.is_empty()) {
        (true, true) => at.problem(
            "",
            "it names neither directories nor files",
            "Add one of the two.",
        ),
        (false, false) => at.note("files", "directories are given too, and they win"),
        _ => {}
    }
    at.ignore(
        "requeueAfterSeconds",
        "the repository is looked at as often as every other",
    );
    let (repo_url, revision) = (at.required("repoURL"), at.text("revision"));
    check_address(at, "repoURL", &repo_url);
    check_revision(at, "revision", &revision);
    ParameterSource::Git {
        repo_url,
        revision: TargetRevision(revision),
        directories,
        files,
        path_param_prefix: at.text("pathParamPrefix"),
        values: at.text_map("values"),
    }
}
