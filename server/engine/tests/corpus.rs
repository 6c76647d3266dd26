//! The corpus program on repositories of our own that hold every kind of definition: what `make corpus` finds in real
//! ones must hold here too. Needs helm and kustomize of the rig.

#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

#[path = "../examples/corpus/checkout.rs"]
mod checkout;
#[path = "../examples/corpus/corpus.rs"]
mod corpus;
#[path = "../examples/corpus/count.rs"]
mod count;
#[path = "../examples/corpus/report.rs"]
mod report;
#[path = "../examples/corpus/sets.rs"]
mod sets;
#[path = "../examples/corpus/stock.rs"]
mod stock;

use corpus::{Corpus, Programs};
use engine::testing::{Repository, renderer_path};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn copy(from: &Path, below: &str, repository: &Repository) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{below}{name}");
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &format!("{path}/"), repository);
        } else {
            repository.write(&path, &std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// One repository per folder, all of them known to each other.
fn corpus(work: &Path, folders: &[&str]) -> (Corpus, Vec<Repository>) {
    let mut addresses = BTreeMap::new();
    let mut kept = Vec::new();
    for name in folders {
        let repository = Repository::new();
        copy(&fixtures().join(name), "", &repository);
        repository.commit("start");
        addresses.insert((*name).to_owned(), repository.url());
        kept.push(repository);
    }
    let programs = Programs {
        child: env!("CARGO_BIN_EXE_render-child").into(),
        helm: renderer_path("helm"),
        kustomize: renderer_path("kustomize"),
    };
    (Corpus::new(work, programs, addresses).unwrap(), kept)
}

#[tokio::test]
async fn every_kind_of_definition_is_read_or_named() {
    let work = tempfile::tempdir().unwrap();
    let (corpus, _repositories) = corpus(work.path(), &["argo", "flux", "fleet"]);
    for (name, kinds) in [
        ("argo", ["Application", "ApplicationSet"].as_slice()),
        ("fleet", &["fleet.yaml"]),
        (
            "flux",
            &[
                "Bucket",
                "GitRepository",
                "HelmChart",
                "HelmRelease",
                "HelmRepository",
                "Kustomization",
                "OCIRepository",
            ],
        ),
    ] {
        let folder = corpus.folder(name).await.unwrap();
        assert!(folder.is_good(), "{folder:#?}");
        let found: Vec<&str> = folder.definitions.keys().map(String::as_str).collect();
        assert_eq!(found, kinds);
        assert!(folder.rendered.applications >= 3, "{folder:#?}");
        let of_sets = folder.definitions.get("ApplicationSet").copied();
        assert_eq!(of_sets.is_some(), folder.generated > 0, "{folder:#?}");
        assert!(
            folder.stock.kustomizations >= 2 && folder.stock.plain >= 1,
            "{folder:#?}"
        );
        // Every directory and every problem is accounted for.
        assert!(
            folder.directories.contains_key("chart") && folder.rendered.charts >= 1,
            "{folder:#?}"
        );
        let reasons: usize = folder.reasons.values().sum();
        assert_eq!(reasons, folder.problems.len());
        // What is wrong on purpose, and nothing else.
        let wrong = folder
            .problems
            .iter()
            .filter(|problem| problem.stage == "render")
            .count();
        assert_eq!(wrong, 1, "{:#?}", folder.problems);
    }
}

#[tokio::test]
async fn a_lost_document_and_a_changed_object_are_noticed() {
    let lost = count::documents(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\n",
    );
    assert!(lost[0].deploys());
    let body = |replicas: u32| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{replicas: {replicas}}}\n"
        )
    };
    let one = stock::objects(&body(1)).unwrap();
    let ours = engine::render::Complete {
        key: String::new(),
        objects: stock::objects(&body(2))
            .unwrap()
            .into_values()
            .map(|body| engine::manifest::Manifest::new(body, None).unwrap())
            .collect(),
        encrypted: Vec::new(),
        digest: String::new(),
        warnings: Vec::new(),
    };
    assert_eq!(
        stock::differences(&ours, &one),
        ["apps/v1 Deployment /web differs at .spec.replicas: 2 instead of 1"]
    );
}

#[test]
fn the_count_is_by_lines_alone() {
    let text = "# a comment\n---\napiVersion: argoproj.io/v1alpha1\nkind: \"Application\" # ours\nmetadata:\n  labels: {a: b}\n  name: shop\n---\n\n---\nkind: ConfigMap\n";
    let found = count::documents(text);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].first, found[0].last), (3, 7));
    assert_eq!(
        (found[0].kind.as_str(), found[0].name.as_str()),
        ("Application", "shop")
    );
    assert!(found[0].deploys() && !found[1].is_definition());
}

#[test]
fn reasons_are_without_names() {
    assert_eq!(
        report::reason(
            "Kustomization apps: there is no GitRepository flux-system/flux-system in this source"
        ),
        "Kustomization apps: there is no GitRepository … in this source"
    );
}
