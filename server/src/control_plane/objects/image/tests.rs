//! Which images are meant, and what is refused before anything is read.

use super::*;

fn object(name: &str, containers: &[(&str, &str)]) -> Manifest {
    let containers: Vec<Value> = containers
        .iter()
        .map(|(name, image)| json!({"name": name, "image": image}))
        .collect();
    let body = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"template": {"spec": {"containers": containers}}},
    });
    Manifest::new(body, None).unwrap()
}

fn asked(objects: &[Manifest], images: &[&str]) -> Result<Vec<String>, String> {
    let images: Vec<String> = images.iter().map(|text| (*text).to_owned()).collect();
    let tags = tags(&images).map_err(|error| error.to_string())?;
    let wanted = wanted(objects, &tags)?;
    Ok(wanted
        .into_iter()
        .map(|it| format!("{} {} {} → {}", it.key.name, it.path, it.from, it.to))
        .collect())
}

#[test]
fn only_what_is_named_is_meant_and_nothing_is_guessed() {
    let objects = [
        object(
            "web",
            &[
                ("web", "r.example/team/web:1.0"),
                ("log", "r.example/team/log:1.0"),
            ],
        ),
        object(
            "job",
            &[
                ("job", "r.example/team/web:1.1"),
                ("old", "r.example/old/log:7"),
            ],
        ),
        object("fixed", &[("fixed", "r.example/team/fixed@sha256:abcd")]),
        object("latest", &[("latest", "r.example/team/latest")]),
    ];
    for (images, expected) in [
        (
            &["team/web=2.0"][..],
            Ok(&[
                "web spec.template.spec.containers[name=web].image r.example/team/web:1.0 → r.example/team/web:2.0",
                "job spec.template.spec.containers[name=job].image r.example/team/web:1.1 → r.example/team/web:2.0",
            ][..]),
        ),
        (
            &["r.example/team/web=1.0"],
            Ok(&[
                "job spec.template.spec.containers[name=job].image r.example/team/web:1.1 → r.example/team/web:1.0",
            ]),
        ),
        (
            &["latest=3"],
            Ok(&[
                "latest spec.template.spec.containers[name=latest].image r.example/team/latest → r.example/team/latest:3",
            ]),
        ),
        (&["old/log=7"], Ok(&[])),
        (
            &["log=2"],
            Err("log may be r.example/old/log or r.example/team/log; write the whole name."),
        ),
        (
            &["nothing=2"],
            Err("No container of the application has the image nothing."),
        ),
        (
            &["fixed=2"],
            Err(
                "r.example/team/fixed@sha256:abcd of Deployment fixed is named by its digest; change it in Git by hand.",
            ),
        ),
        (
            &["web=2", "team/web=3"],
            Err("r.example/team/web is asked for with two tags."),
        ),
        (&[], Err("images: name one to 50, each as IMAGE=TAG")),
        (&["web:2"], Err("images: “web:2” is not IMAGE=TAG")),
    ] {
        let expected = expected
            .map(|lines: &[&str]| {
                lines
                    .iter()
                    .map(|line| (*line).to_owned())
                    .collect::<Vec<_>>()
            })
            .map_err(str::to_owned);
        assert_eq!(asked(&objects, images), expected, "{images:?}");
    }
}
