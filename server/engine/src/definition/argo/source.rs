//! `source` and `sources` of an application.

use super::super::argument::{check_address, check_revision};
use super::super::fields::Place;
use super::super::{
    DefinedSource, DirectoryOptions, HelmOptions, HelmParameter, KustomizeImage, KustomizeOptions,
    SourceKind, repo_path,
};
use super::EDIT;
use lockstep_types::application::Dialect;
use lockstep_types::revision::TargetRevision;
use std::collections::BTreeSet;

const GIVE_ONE: &str = "Keep `sources` and remove `source`, or the other way round.";

/// The first source and the further ones, as `source` or `sources` give them.
pub(super) fn sources(spec: &Place<'_>) -> (DefinedSource, Vec<DefinedSource>) {
    let single = spec.at("source");
    let several = spec.list("sources");
    if several.is_empty() {
        if !single.is_there() && spec.is_there() {
            let message = if spec.has("sources") {
                "it is missing, and `sources` is empty"
            } else {
                "it is missing"
            };
            spec.problem("source", message, "Add it to the definition.");
        }
        return (source(&single, false), Vec::new());
    }
    if single.is_there() {
        // Argo CD takes `sources` then; two answers to one question are reported instead.
        spec.problem("source", "source and sources exclude each other", GIVE_ONE);
    }
    let mut read: Vec<DefinedSource> = several.iter().map(|place| source(place, true)).collect();
    references(&several, &read);
    let first = read.remove(0);
    (first, read)
}

/// A source by itself, with or without a name.
pub(super) fn one(place: &Place<'_>) -> DefinedSource {
    source(place, true)
}

/// Names of references are unique, and value files name only those that exist.
fn references(places: &[Place<'_>], sources: &[DefinedSource]) {
    let mut known = BTreeSet::new();
    for (place, source) in places.iter().zip(sources) {
        if !source.reference.is_empty() && !known.insert(source.reference.as_str()) {
            let message = format!("another source is called {} too", source.reference);
            place.problem("ref", &message, "Give each source a name of its own.");
        }
    }
    for (place, source) in places.iter().zip(sources) {
        let Some(helm) = &source.helm else { continue };
        let files = helm
            .value_files
            .iter()
            .enumerate()
            .map(|(index, file)| (format!("helm.valueFiles[{index}]"), file));
        let parameters = helm
            .file_parameters
            .iter()
            .enumerate()
            .map(|(index, (_, file))| (format!("helm.fileParameters[{index}].path"), file));
        for (field, file) in files.chain(parameters) {
            let Some(name) = referenced(file) else {
                continue;
            };
            if !known.contains(name) {
                let message = format!("no source has the name {name} as its `ref`");
                place.problem(&field, &message, EDIT);
            }
        }
    }
}

/// `name` of `$name/path`. Variables of the build environment look much the same.
fn referenced(file: &str) -> Option<&str> {
    let name = file.strip_prefix('$')?;
    let is_variable = ["{", "ARGOCD_", "KUBE_"]
        .iter()
        .any(|start| name.starts_with(start));
    (!is_variable).then(|| name.split_once('/').map_or(name, |(name, _)| name))
}

fn kind(repo_url: &str, chart: &str) -> SourceKind {
    if repo_url.starts_with("oci://") {
        SourceKind::Oci
    } else if chart.is_empty() {
        SourceKind::Git
    } else if repo_url.contains("://") {
        SourceKind::HelmRepository
    } else {
        // Registries of charts are written as host and path alone.
        SourceKind::Oci
    }
}

fn empty_source() -> DefinedSource {
    DefinedSource {
        dialect: Dialect::ArgoApplication,
        ..DefinedSource::default()
    }
}

fn source(place: &Place<'_>, among_several: bool) -> DefinedSource {
    if !place.is_there() {
        return empty_source();
    }
    let repo_url = place.required("repoURL");
    let chart = place.text("chart");
    check_address(place, "repoURL", &repo_url);
    check_address(place, "chart", &chart);
    let kind = kind(&repo_url, &chart);
    place.unsupported("plugin", "Use a plain directory, Kustomize or Helm.");
    let reference = place.text("ref");
    if !among_several && !reference.is_empty() {
        place.note("ref", "it matters only among several sources");
    }
    place.ignore("name", "sources are known by their place in the list");
    place.ignore("tagPrefix", "it is only for choosing among tags by Argo CD");
    let written = place.text("path");
    // A dot is a path: then the root is rendered too.
    let only_lends =
        among_several && !reference.is_empty() && written.is_empty() && chart.is_empty();
    let path = match repo_path(&written) {
        Ok(path) => path,
        Err(why) => {
            place.problem("path", why, EDIT);
            String::new()
        }
    };
    let target_revision = TargetRevision(place.text("targetRevision"));
    check_revision(place, "targetRevision", &target_revision.0);
    if !chart.is_empty() {
        if !path.is_empty() {
            place.note("path", "the source is a chart, and that wins over a path");
        }
        if target_revision.0.is_empty() {
            place.note("targetRevision", "without it the newest version is meant");
        }
        for name in ["kustomize", "directory"] {
            if place.has(name) {
                place.note(name, "it has no effect on a chart");
            }
        }
    }
    if among_several && !reference.is_empty() && !chart.is_empty() {
        place.problem(
            "ref",
            "a chart cannot be referred to",
            "Put value files into a Git repository and refer to that.",
        );
    }
    let helm = place.has("helm").then(|| helm(place.at("helm")));
    let kustomize = place
        .has("kustomize")
        .then(|| kustomize(place.at("kustomize")));
    let directory = place
        .has("directory")
        .then(|| directory(place.at("directory")));
    let given = [helm.is_some(), kustomize.is_some(), directory.is_some()]
        .into_iter()
        .filter(|given| *given)
        .count();
    if given > 1 {
        place.problem(
            "helm",
            "helm, kustomize and directory exclude each other",
            "Keep only one of them.",
        );
    }
    // `helm`, `kustomize` and `directory` were read above; what is left is unknown.
    place.done();
    DefinedSource {
        kind,
        repo_url,
        chart,
        reference,
        only_lends,
        path,
        target_revision,
        dialect: Dialect::ArgoApplication,
        helm,
        kustomize,
        directory,
        ..DefinedSource::default()
    }
}

fn helm(place: Place<'_>) -> HelmOptions {
    let parameters = place
        .list("parameters")
        .into_iter()
        .map(|parameter| {
            let read = HelmParameter {
                name: parameter.required("name"),
                value: parameter.text("value"),
                force_string: parameter.flag("forceString").unwrap_or(false),
            };
            parameter.done();
            read
        })
        .collect();
    let file_parameters = place
        .list("fileParameters")
        .into_iter()
        .map(|parameter| {
            let read = (parameter.required("name"), parameter.required("path"));
            parameter.done();
            read
        })
        .collect();
    // `valuesObject` wins over `values`. JSON is YAML.
    let written = place.text("values");
    let values = place
        .value("valuesObject")
        .map_or(written, |object| object.to_string());
    place.ignore("version", "Lockstep brings its own Helm");
    place.ignore(
        "passCredentials",
        "credentials go only to addresses they were given for",
    );
    place.ignore("skipTests", "tests are never applied");
    let options = HelmOptions {
        release_name: place.text("releaseName"),
        namespace: place.text("namespace"),
        values_from: Vec::new(),
        value_files: place.texts("valueFiles"),
        ignore_missing_value_files: place.flag("ignoreMissingValueFiles").unwrap_or(false),
        values,
        parameters,
        file_parameters,
        skip_crds: place.flag("skipCrds").unwrap_or(false),
        skip_schema_validation: place.flag("skipSchemaValidation").unwrap_or(false),
        kube_version: place.text("kubeVersion"),
        api_versions: place.texts("apiVersions"),
    };
    place.done();
    options
}

fn kustomize(place: Place<'_>) -> KustomizeOptions {
    let images = place
        .texts("images")
        .iter()
        .map(|image| argo_image(image))
        .collect();
    let replicas = place
        .list("replicas")
        .into_iter()
        .map(|replica| {
            let read = (
                replica.required("name"),
                replica.number("count").unwrap_or(0),
            );
            replica.done();
            read
        })
        .collect();
    place.ignore("version", "Lockstep brings its own Kustomize");
    place.ignore_all(
        &["kubeVersion", "apiVersions"],
        "charts inside kustomizations are not rendered",
    );
    place.ignore_all(
        &["forceCommonLabels", "forceCommonAnnotations"],
        "labels and annotations always win here",
    );
    let options = KustomizeOptions {
        namespace: place.text("namespace"),
        name_prefix: place.text("namePrefix"),
        name_suffix: place.text("nameSuffix"),
        images,
        replicas,
        common_labels: place.text_map("commonLabels"),
        common_annotations: place.text_map("commonAnnotations"),
        annotations_are_filled: place.flag("commonAnnotationsEnvsubst").unwrap_or(false),
        label_without_selector: place.flag("labelWithoutSelector").unwrap_or(false),
        label_include_templates: place.flag("labelIncludeTemplates").unwrap_or(false),
        components: place.texts("components"),
        ignore_missing_components: place.flag("ignoreMissingComponents").unwrap_or(false),
        patches: place.values("patches"),
    };
    place.done();
    options
}

/// `[old=]name[:tag][@digest]`.
fn argo_image(text: &str) -> KustomizeImage {
    let (name, image) = match text.split_once('=') {
        Some((name, image)) => (Some(name.to_owned()), image),
        None => (None, text),
    };
    let (image, digest) = image.split_once('@').unwrap_or((image, ""));
    // A colon before a slash is a port.
    let (image, tag) = match image.rsplit_once(':') {
        Some((image, tag)) if !tag.contains('/') => (image, tag),
        _ => (image, ""),
    };
    KustomizeImage {
        new_name: if name.is_some() {
            image.to_owned()
        } else {
            String::new()
        },
        name: name.unwrap_or_else(|| image.to_owned()),
        new_tag: tag.to_owned(),
        digest: digest.to_owned(),
    }
}

fn directory(place: Place<'_>) -> DirectoryOptions {
    let jsonnet = place.at("jsonnet");
    for name in ["extVars", "tlas", "libs"] {
        jsonnet.unsupported(
            name,
            "Render the Jsonnet files and put the result into Git.",
        );
    }
    jsonnet.done();
    place.unsupported(
        "disableExtensionFilter",
        "Give manifests the ending .yaml, .yml or .json.",
    );
    let options = DirectoryOptions {
        recurse: place.flag("recurse").unwrap_or(false),
        include: place.text("include"),
        exclude: place.text("exclude"),
        overlays: None,
    };
    place.done();
    options
}
