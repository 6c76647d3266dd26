//! What Argo CD changes in a source before it renders it: override files and the variables of its build environment.

use crate::bench::{Bench, bodies, config, flux, helm, listing, source};
use engine::definition::{
    DefinedSource, HelmOptions, HelmParameter, KustomizeImage, KustomizeOptions,
};
use engine::render::{MoreSource, RenderInput};
use engine::source::Credential;
use engine::testing::Repository;
use lockstep_types::revision::{PathChange, PathChangeKind, TargetRevision};

const CHART: [(&str, &str); 3] = [
    (
        "c/Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    ),
    ("c/values.yaml", "image: {tag: v1}\nowner: nobody\n"),
    (
        "c/templates/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {tag: {{ .Values.image.tag | quote }}, owner: {{ .Values.owner | quote }}}\n",
    ),
];
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec: {containers: [{name: a, image: 'shop:v1'}]}\n";

fn with<'f>(files: &[(&'f str, &'f str)], more: &[(&'f str, &'f str)]) -> Bench {
    Bench::new(&[files, more].concat())
}

fn parameter(name: &str, value: &str) -> HelmParameter {
    HelmParameter {
        name: name.to_owned(),
        value: value.to_owned(),
        force_string: true,
    }
}

fn with_parameters(parameters: &[(&str, &str)]) -> DefinedSource {
    let parameters = parameters
        .iter()
        .map(|(name, value)| parameter(name, value));
    helm(
        "c",
        HelmOptions {
            parameters: parameters.collect(),
            ..HelmOptions::default()
        },
    )
}

/// A field of the first object.
async fn field(bench: &Bench, input: &RenderInput, pointer: &str) -> String {
    let complete = bench.render_input(input).await.unwrap();
    let found = complete.objects[0].body.pointer(pointer);
    found.and_then(|value| value.as_str()).unwrap().to_owned()
}

#[tokio::test]
async fn override_files_change_images_and_parameters() {
    let kustomization = [
        ("app/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("app/pod.yaml", POD),
    ];
    let of_all = (
        "app/.argocd-source.yaml",
        "kustomize: {images: ['shop:v2']}\n",
    );
    let of_one = (
        "app/.argocd-source-shop.yaml",
        "kustomize: {images: ['shop=reg.example.org/shop:v3']}\n",
    );
    let of_another = (
        "app/.argocd-source-cart.yaml",
        "kustomize: {images: ['shop:v9']}\n",
    );
    let image = "/spec/containers/0/image";
    for (files, expected) in [
        (vec![], "shop:v1"),
        (vec![of_all], "shop:v2"),
        (vec![of_all, of_one], "reg.example.org/shop:v3"),
        (vec![of_another], "shop:v1"),
    ] {
        let bench = with(&kustomization, &files);
        let input = bench.input(source("app")).await;
        assert_eq!(field(&bench, &input, image).await, expected, "{files:?}");
        // Flux knows no such files.
        let input = bench.input(flux("app")).await;
        assert_eq!(field(&bench, &input, image).await, "shop:v1", "{files:?}");
    }
    let bench = with(
        &CHART,
        &[(
            "c/.argocd-source-shop.yaml",
            "helm: {parameters: [{name: image.tag, value: v2, forceString: true}]}\n",
        )],
    );
    // A list of parameters is replaced as a whole, as by any merge patch.
    let input = bench
        .input(with_parameters(&[("image.tag", "v5"), ("owner", "cart")]))
        .await;
    assert_eq!(field(&bench, &input, "/data/tag").await, "v2");
    assert_eq!(field(&bench, &input, "/data/owner").await, "nobody");
    let input = bench.input(source("c")).await;
    assert_eq!(field(&bench, &input, "/data/tag").await, "v2");
}

#[tokio::test]
async fn override_files_are_inputs_and_one_that_appears_matters() {
    let bench = Bench::new(&[
        ("app/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("app/pod.yaml", POD),
        ("other/a.yaml", "a: b\n"),
    ]);
    let before = bench.inputs(source("app")).await.unwrap();
    let touched = |path: &str| {
        let change = PathChange {
            path: path.to_owned(),
            kind: PathChangeKind::Added,
        };
        before.reach().is_touched(&[change])
    };
    assert!(touched("app/.argocd-source.yaml") && touched("app/.argocd-source-shop.yaml"));
    assert!(!touched("other/a.yaml") && !touched("app/.argocd-source-cart.yaml"));
    bench.repository.write(
        "app/.argocd-source-shop.yaml",
        "kustomize: {images: ['shop:v2']}\n",
    );
    bench.repository.commit("a new image");
    let after = bench.inputs(source("app")).await.unwrap();
    assert_ne!(before.key, after.key);
    assert_eq!(
        after.paths(),
        [
            "app/.argocd-source-shop.yaml",
            "app/kustomization.yaml",
            "app/pod.yaml"
        ]
    );
}

#[tokio::test]
async fn what_is_wrong_in_an_override_file_is_said() {
    for (text, expected) in [
        (
            "kustomize: {images: ['a']}\nkustomize: {}\n",
            "app/.argocd-source.yaml:2: duplicate mapping key: kustomize",
        ),
        (
            "plugin: {name: x}\n",
            "app/.argocd-source.yaml: plugin: it is not supported yet",
        ),
        (
            "[]\n",
            "app/.argocd-source.yaml: it is no map of fields of a source",
        ),
    ] {
        let bench = Bench::new(&[
            ("app/a.yaml", &config("a")),
            ("app/.argocd-source.yaml", text),
        ]);
        assert_eq!(bench.error(source("app")).await, expected);
    }
    // Without effect is no error, and it is no manifest either.
    let bench = Bench::new(&[
        ("app/a.yaml", &config("a")),
        (
            "app/.argocd-source.yaml",
            "targetRevision: v2\nhelp: {}\ndirectory: {recurse: true}\n",
        ),
        ("app/deeper/b.yaml", &config("b")),
    ]);
    let complete = bench.render(source("app")).await.unwrap();
    assert_eq!(complete.objects.len(), 2, "{}", listing(&complete));
    assert_eq!(
        complete.warnings,
        [
            "app/.argocd-source.yaml: targetRevision has no effect in an override file",
            "app/.argocd-source.yaml: help: Lockstep does not know this field"
        ]
    );
}

#[tokio::test]
async fn variables_are_put_into_parameters_images_and_annotations() {
    let bench = with(&CHART, &[("c/values-web.yaml", "owner: file\n")]);
    for (value, expected) in [
        ("$ARGOCD_APP_NAME", "shop".to_owned()),
        ("${ARGOCD_APP_NAMESPACE}-x", "web-x".to_owned()),
        ("$ARGOCD_APP_SOURCE_PATH", "c".to_owned()),
        ("$ARGOCD_APP_PROJECT_NAME", "team".to_owned()),
        ("$ARGOCD_APP_SOURCE_TARGET_REVISION", "main".to_owned()),
        ("$$ARGOCD_APP_NAME", "$ARGOCD_APP_NAME".to_owned()),
        ("a$NOTHING", "a".to_owned()),
    ] {
        let input = RenderInput {
            project_name: "team".to_owned(),
            ..bench
                .input(DefinedSource {
                    target_revision: TargetRevision("main".to_owned()),
                    ..with_parameters(&[("owner", value)])
                })
                .await
        };
        assert_eq!(
            field(&bench, &input, "/data/owner").await,
            expected,
            "{value}"
        );
    }
    let options = HelmOptions {
        value_files: vec!["values-$ARGOCD_APP_NAMESPACE.yaml".to_owned()],
        ..HelmOptions::default()
    };
    let input = bench.input(helm("c", options)).await;
    assert_eq!(field(&bench, &input, "/data/owner").await, "file");

    let bench = Bench::new(&[
        ("app/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("app/pod.yaml", POD),
    ]);
    let of = |annotations_are_filled| DefinedSource {
        kustomize: Some(KustomizeOptions {
            images: vec![KustomizeImage {
                name: "shop".to_owned(),
                new_tag: "${ARGOCD_APP_NAME}".to_owned(),
                ..KustomizeImage::default()
            }],
            common_annotations: [("app".to_owned(), "$ARGOCD_APP_NAME".to_owned())].into(),
            annotations_are_filled,
            ..KustomizeOptions::default()
        }),
        ..source("app")
    };
    for (filled, expected) in [(true, "shop"), (false, "$ARGOCD_APP_NAME")] {
        let input = bench.input(of(filled)).await;
        let image = field(&bench, &input, "/spec/containers/0/image").await;
        assert_eq!(image, "shop:shop");
        let annotation = field(&bench, &input, "/metadata/annotations/app").await;
        assert_eq!(annotation, expected);
    }
}

#[tokio::test]
async fn a_source_that_names_its_revision_is_another_one_at_every_commit() {
    let bench = with(&CHART, &[("other/a.yaml", "a: b\n")]);
    let said = with_parameters(&[("owner", "$ARGOCD_APP_REVISION_SHORT")]);
    let input = bench.input(said.clone()).await;
    let owner = field(&bench, &input, "/data/owner").await;
    assert_eq!(owner, input.revision.0[..7]);
    let before = bench.inputs(said.clone()).await.unwrap();
    assert!(before.reach().is_everything());
    bench.repository.write("other/a.yaml", "a: c\n");
    bench.repository.commit("elsewhere");
    let after = bench.inputs(said).await.unwrap();
    assert_ne!(before.key, after.key);
    // One that names something else is not.
    let still = bench.inputs(with_parameters(&[("owner", "$ARGOCD_APP_NAME")]));
    assert!(!still.await.unwrap().reach().is_everything());
}

#[tokio::test]
async fn names_of_other_sources_come_before_variables() {
    let bench = Bench::new(&CHART);
    let (values, revision) = Repository::with(&[("shop/v.yaml", "owner: lent\n")]);
    let main = TargetRevision("main".to_owned());
    bench
        .mirrors
        .fetch(
            &values.url(),
            &Credential::None,
            std::slice::from_ref(&main),
        )
        .await
        .unwrap();
    let options = HelmOptions {
        value_files: vec!["$values/$ARGOCD_APP_NAME/v.yaml".to_owned()],
        ..HelmOptions::default()
    };
    let input = RenderInput {
        more: vec![MoreSource {
            repo_url: values.url(),
            revision,
            source: DefinedSource {
                reference: "values".to_owned(),
                only_lends: true,
                ..DefinedSource::default()
            },
        }],
        ..bench.input(helm("c", options)).await
    };
    let complete = bench.render_input(&input).await.unwrap();
    assert!(
        bodies(&complete).contains("\"owner\": \"lent\""),
        "{}",
        bodies(&complete)
    );
}
