//! Charts in Git whose dependencies are not beside them.

use crate::bench::{Bench, bodies, flux, helm, listing, source};
use engine::definition::HelmOptions;
use engine::render::{FetchedChart, Lacking};
use engine::source::Credential;
use engine::testing::Repository;
use lockstep_types::revision::TargetRevision;

const CHART: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\n";

/// A chart that makes one object, called like itself.
fn library(name: &str, version: &str) -> [(String, String); 2] {
    [
        (
            "Chart.yaml".to_owned(),
            format!("apiVersion: v2\nname: {name}\nversion: {version}\n"),
        ),
        (
            "templates/a.yaml".to_owned(),
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: '{name}-{{{{ .Chart.Version }}}}-{{{{ .Values.size }}}}'}}\n"
            ),
        ),
    ]
}

fn told(lacking: &[Lacking]) -> Vec<String> {
    lacking
        .iter()
        .map(|one| {
            format!(
                "{}@{} from {} to {} for {}",
                one.name, one.version.0, one.repo_url, one.to, one.asked_by
            )
        })
        .collect()
}

/// The chart as if its registry had answered: any repository of files will do.
async fn fetched(bench: &Bench, repository: &Repository, lacking: &Lacking) -> FetchedChart {
    let main = TargetRevision("main".to_owned());
    let url = repository.url();
    let found = bench
        .mirrors
        .fetch(&url, &Credential::None, std::slice::from_ref(&main))
        .await
        .unwrap();
    FetchedChart {
        source: lacking.source,
        to: lacking.to.clone(),
        name: lacking.name.clone(),
        repo_url: url,
        revision: found[&main].clone().unwrap(),
    }
}

#[tokio::test]
async fn what_has_to_be_fetched_is_named_with_its_place_and_version() {
    for (files, expected) in [
        (vec![("c/Chart.yaml", CHART.to_owned())], vec![]),
        (
            vec![(
                "c/Chart.yaml",
                format!("{CHART}dependencies:\n- {{name: redis, version: ^1.2, repository: 'https://charts.example.org/'}}\n- {{name: mail, version: 2.x, repository: 'oci://registry.example.org/charts'}}\n"),
            )],
            vec![
                "redis@^1.2 from helm+https://charts.example.org#redis to c/charts/redis for c/Chart.yaml",
                "mail@2.x from oci://registry.example.org/charts/mail to c/charts/mail for c/Chart.yaml",
            ],
        ),
        (
            vec![
                (
                    "c/Chart.yaml",
                    format!("{CHART}dependencies: [{{name: redis, version: ^1.2, repository: 'https://h'}}]\n"),
                ),
                (
                    "c/Chart.lock",
                    "dependencies: [{name: redis, version: 1.4.7, repository: 'https://h'}]\n".to_owned(),
                ),
            ],
            vec!["redis@1.4.7 from helm+https://h#redis to c/charts/redis for c/Chart.yaml"],
        ),
        // What a chart of the same repository needs is needed too.
        (
            vec![
                (
                    "c/Chart.yaml",
                    format!("{CHART}dependencies: [{{name: lib, version: 1.x, repository: 'file://../lib'}}]\n"),
                ),
                (
                    "lib/Chart.yaml",
                    "apiVersion: v2\nname: lib\nversion: 1.3.0\ndependencies: [{name: deep, version: 2.0.0, repository: 'https://h'}]\n".to_owned(),
                ),
            ],
            vec!["deep@2.0.0 from helm+https://h#deep to c/charts/lib/charts/deep for lib/Chart.yaml"],
        ),
    ] {
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let bench = Bench::new(&files);
        let input = bench.input(source("c")).await;
        assert_eq!(told(&bench.lacking(&input).await.unwrap()), expected);
        // Nobody but Helm looks for charts.
        let input = bench.input(flux("c")).await;
        assert_eq!(bench.lacking(&input).await.unwrap(), []);
    }
}

#[tokio::test]
async fn fetched_charts_are_rendered_with_alias_and_condition_and_are_part_of_the_key() {
    let bench = Bench::new(&[
        (
            "c/Chart.yaml",
            &format!(
                "{CHART}dependencies:
- {{name: redis, version: 1.x, repository: 'https://h', alias: cache}}
- {{name: redis, version: 1.x, repository: 'https://h', alias: queue}}
- {{name: mail, version: 2.x, repository: 'https://h', condition: mail.enabled}}
"
            ),
        ),
        (
            "c/values.yaml",
            "cache: {size: 3}\nqueue: {size: 5}\nmail: {enabled: false}\n",
        ),
    ]);
    let repository = |files: &[(String, String)]| {
        let repository = Repository::new();
        for (path, text) in files {
            repository.write(path, text);
        }
        repository.commit("chart");
        repository
    };
    let (redis, mail) = (
        repository(&library("redis", "1.4.0")),
        repository(&library("mail", "2.0.0")),
    );
    let input = bench.input(helm("c", HelmOptions::default())).await;
    let lacking = bench.lacking(&input).await.unwrap();
    assert_eq!(lacking.len(), 2, "one chart for both aliases");
    let charts = [
        fetched(&bench, &redis, &lacking[0]).await,
        fetched(&bench, &mail, &lacking[1]).await,
    ];
    let (inputs, complete) = bench.render_with(&input, &charts).await.unwrap();
    let mut names: Vec<&str> = complete
        .objects
        .iter()
        .map(|object| object.key.name.as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["redis-1.4.0-3", "redis-1.4.0-5"]);
    assert_eq!(
        inputs.paths(),
        ["c/Chart.yaml", "c/values.yaml"],
        "a rollback writes no fetched files"
    );
    assert!(inputs.reach().is_everything());

    redis.write("templates/a.yaml", "# empty\n");
    redis.commit("changed");
    let charts = [
        fetched(&bench, &redis, &lacking[0]).await,
        charts[1].clone(),
    ];
    let (moved, complete) = bench.render_with(&input, &charts).await.unwrap();
    assert_ne!(moved.key, inputs.key);
    assert_eq!(complete.objects, []);

    // Whatever was not fetched is missing: the renderer asks nobody.
    let error = bench.render_with(&input, &charts[..1]).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("its dependency mail from https://h is not under charts/"),
        "{error}"
    );
}

#[tokio::test]
async fn charts_of_the_same_repository_are_taken_from_it() {
    let bench = Bench::new(&[
        (
            "apps/web/Chart.yaml",
            &format!(
                "{CHART}dependencies: [{{name: lib, version: ~1.3, repository: 'file://../../lib'}}]\n"
            ),
        ),
        ("apps/web/values.yaml", "lib: {size: 2}\n"),
        (
            "lib/Chart.yaml",
            "apiVersion: v2\nname: lib\nversion: 1.3.5\ndependencies: [{name: deep, version: '*', repository: 'file://../deep'}]\n",
        ),
        (
            "lib/templates/l.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'lib-{{ .Values.size }}'}\n",
        ),
        (
            "deep/Chart.yaml",
            "apiVersion: v2\nname: deep\nversion: 0.1.0\n",
        ),
        (
            "deep/templates/d.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: deep}\n",
        ),
    ]);
    let input = bench.input(source("apps/web")).await;
    assert_eq!(bench.lacking(&input).await.unwrap(), []);
    let complete = bench.render_input(&input).await.unwrap();
    let text = listing(&complete);
    for origin in [
        "lib-2 ← lib/templates/l.yaml",
        "deep ← deep/templates/d.yaml",
    ] {
        assert!(text.contains(origin), "{text}{}", bodies(&complete));
    }
    let inputs = bench.inputs_of(&input).await.unwrap();
    assert_eq!(
        inputs.paths(),
        [
            "apps/web/Chart.yaml",
            "apps/web/values.yaml",
            "deep/Chart.yaml",
            "deep/templates/d.yaml",
            "lib/Chart.yaml",
            "lib/templates/l.yaml"
        ]
    );
    bench
        .repository
        .write("deep/templates/d.yaml", "# nothing\n");
    bench.repository.commit("deep");
    let moved = bench.inputs(source("apps/web")).await.unwrap();
    assert_ne!(moved.key, inputs.key);
}

/// Files of a chart of the same repository: ours are those that Helm itself packs.
#[tokio::test]
async fn of_charts_of_the_same_repository_only_what_helm_packs_is_taken() {
    let files = [
        "templates/a.yaml",
        "templates/a.yaml.bak",
        "templates/.a.yaml.swp",
        "templates/deep/test.yaml",
        "templates/test.yaml",
        "templates/tests/b.yaml",
        "templates/b/c.yaml",
        "notes/ü.txt",
        ".hidden",
        "{a,b}.txt",
        "b.txt",
    ];
    for rules in [
        None,
        Some("*.bak\n# *.yaml\n"),
        Some("/b.txt\ntests/\n"),
        Some("templates/t*.yaml\ntests\n"),
        Some("{a,b}.txt\n"),
        Some("?.txt\n[.]hidden\n"),
        Some("templates/[^ab]\n"),
        Some("b/\n"),
        Some("  notes  \n"),
        Some("!*.yaml\n"),
    ] {
        let chart = format!(
            "{CHART}dependencies: [{{name: lib, version: 1.x, repository: 'file://../lib'}}]\n"
        );
        let mut written = vec![
            ("c/Chart.yaml".to_owned(), chart),
            (
                "lib/Chart.yaml".to_owned(),
                "apiVersion: v2\nname: lib\nversion: 1.0.0\n".to_owned(),
            ),
        ];
        written.extend(files.map(|file| (format!("lib/{file}"), "# nothing\n".to_owned())));
        written.extend(rules.map(|rules| ("lib/.helmignore".to_owned(), rules.to_owned())));
        let written: Vec<(&str, &str)> = written
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let bench = Bench::new(&written);
        let input = bench.input(source("c")).await;
        let expected = packed(&bench);
        let taken = match bench.inputs_of(&input).await {
            Ok(inputs) => inputs.paths(),
            // Without Chart.yaml it is no chart, for Helm neither.
            Err(error) => vec![error.to_string()],
        };
        let taken: Vec<String> = taken
            .iter()
            .filter_map(|path| path.strip_prefix("lib/"))
            .filter(|path| *path != ".helmignore")
            .map(str::to_owned)
            .collect();
        assert_eq!(taken, expected, "{rules:?}");
    }
}

/// What `helm package` puts into the archive of `lib`, sorted.
fn packed(bench: &Bench) -> Vec<String> {
    let out = tempfile::tempdir().unwrap();
    let made = std::process::Command::new(engine::testing::renderer_path("helm"))
        .env("HOME", out.path())
        .current_dir(out.path())
        .arg("package")
        .arg(bench.repository.path().join("lib"))
        .output()
        .unwrap();
    if !made.status.success() {
        return Vec::new();
    }
    let packed = std::fs::File::open(out.path().join("lib-1.0.0.tgz")).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
    let mut found: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .filter_map(|path| Some(path.strip_prefix("lib/")?.to_owned()))
        .filter(|path| path != ".helmignore")
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn what_cannot_be_followed_is_refused_with_file_and_reason() {
    let lib = "apiVersion: v2\nname: lib\nversion: 1.0.0\n";
    for (dependency, word) in [
        (
            "{name: lib, version: 1.x}",
            "its dependency lib is not under charts/, and it names no repository for it",
        ),
        (
            "{name: lib, version: 1.x, repository: '@stable'}",
            "a name that only somebody's own Helm knows",
        ),
        (
            "{name: lib, version: 1.x, repository: 'alias:stable'}",
            "a name that only somebody's own Helm knows",
        ),
        (
            "{name: lib, version: 1.x, repository: 's3://bucket'}",
            "fetched from https://, oci:// and file:// addresses",
        ),
        (
            "{name: lib, version: 1.x, repository: 'file://../../../etc'}",
            "no path inside the repository",
        ),
        (
            "{name: lib, version: 1.x, repository: 'file:///etc'}",
            "no path inside the repository",
        ),
        (
            "{name: lib, version: 1.x, repository: 'file://../gone'}",
            "its dependency lib (gone) is not there",
        ),
        (
            "{name: lib, version: 2.x, repository: 'file://../lib'}",
            "its dependency lib (lib) has the version 1.0.0, and 2.x is asked for",
        ),
        (
            "{name: other, version: 1.x, repository: 'file://../lib'}",
            "its dependency other (lib) is another chart: it is called lib",
        ),
        (
            "{name: web, version: 1.x, repository: 'file://../c'}",
            "depends on too many other charts, or on itself",
        ),
        ("{version: 1.x}", "its Chart.yaml cannot be read"),
    ] {
        let chart = format!("{CHART}dependencies: [{dependency}]\n");
        let bench = Bench::new(&[("c/Chart.yaml", &chart), ("lib/Chart.yaml", lib)]);
        let input = bench.input(source("c")).await;
        let error = bench.lacking(&input).await.unwrap_err().to_string();
        assert!(
            error.starts_with("c/Chart.yaml: ") && error.contains(word),
            "{dependency}: {error}"
        );
        assert_eq!(bench.error(source("c")).await, error);
    }
}
