//! The demo's own repositories: nearly every field of every object is found in a line of a file; the line decides it, since
//! another value there is another value in the render; and the field is blamed on the commit that set it, as `git blame` says.

use super::bench::{Bench, source};
use engine::manifest::Manifest;
use engine::render::{Place, stated, value_at_path};
use lockstep_types::resource::{Origin, ResourceKey};
use lockstep_types::revision::Revision;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Folders of manifests and kustomizations; charts are blamed by file.
const FOLDERS: [(&str, &str); 14] = [
    ("shop", "overlays/production"),
    ("shop", "overlays/staging"),
    ("shop", "loyalty"),
    ("shop", "services/payments/production"),
    ("shop", "services/payments/staging"),
    ("shop", "services/recommendations/production"),
    ("shop", "services/recommendations/staging"),
    ("shop", "services/search/production"),
    ("shop", "services/search/staging"),
    ("observability", "agents"),
    ("platform", "clusters/production"),
    ("platform", "clusters/staging"),
    ("platform", "policies"),
    ("platform", "crds"),
];
/// Charts: the file of the template.
const CHARTS: [(&str, &str); 5] = [
    ("platform", "charts/gateway"),
    ("observability", "charts/dashboards"),
    ("tools", "charts/wiki"),
    ("tools", "charts/runners"),
    ("edge", "cdn"),
];
/// Of a hundred fields so many must be found in a line.
const LEAST_EXACT: usize = 95;
/// A field of a rendered object.
type Field = (ResourceKey, String);

struct Found {
    fields: usize,
    /// Which fields each line of a file states.
    lines: BTreeMap<(String, u32), Vec<Field>>,
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push(path);
        }
    }
}

/// One repository of the demo, as it is checked in.
fn demo(repository: &str) -> Bench {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../end2end/demo/content")
        .join(repository);
    let mut paths = Vec::new();
    files(&root, &mut paths);
    let texts: Vec<(String, String)> = paths
        .iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    let texts: Vec<(&str, &str)> = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    Bench::new(&texts)
}

async fn found(bench: &Bench, path: &str) -> Found {
    let input = bench.input(source(path)).await;
    let complete = bench.render_input(&input).await.unwrap();
    let snapshot = bench.mirrors.snapshot(&input.repo_url, &input.revision);
    let snapshot = snapshot.await.unwrap();
    let mut found = Found {
        fields: 0,
        lines: BTreeMap::new(),
    };
    for object in &complete.objects {
        let origin = object.origin.clone().unwrap();
        let text = engine::diff::manifest_yaml(object, &engine::masking::MaskingRules::default());
        for line in stated(&snapshot, &input.source, object, &origin, &text) {
            if line.path.is_empty() {
                continue;
            }
            found.fields += 1;
            let Some(Place::File(Origin {
                path,
                line: Some(number),
            })) = line.place
            else {
                continue;
            };
            let field = (object.key.clone(), line.path);
            found.lines.entry((path, number)).or_default().push(field);
        }
    }
    found
}

/// The line with another value of the same kind; `None` where that cannot be told from the line alone.
fn changed(line: &str) -> Option<String> {
    let at = line
        .rfind(": ")
        .map(|at| at + 2)
        .or_else(|| line.find("- ").map(|at| at + 2))?;
    let (head, value) = line.split_at(at);
    let value = value.trim_end();
    let other = match value {
        "true" => "false".to_owned(),
        "false" => "true".to_owned(),
        quoted if quoted.len() > 2 && quoted.starts_with('"') && quoted.ends_with('"') => {
            format!("{}x\"", &quoted[..quoted.len() - 1])
        }
        number if number.parse::<i64>().is_ok() => (number.parse::<i64>().unwrap() + 1).to_string(),
        plain
            if plain
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "-./_:".contains(letter)) =>
        {
            format!("{plain}x")
        }
        _ => return None,
    };
    Some(format!("{head}{other}"))
}

/// What the fields are now; `None` for an object or a field that is no more.
fn values(objects: &[Manifest], fields: &[Field]) -> Vec<Option<String>> {
    fields
        .iter()
        .map(|(key, path)| {
            let object = objects.iter().find(|object| object.key == *key)?;
            value_at_path(&object.body, path).map(|(value, _)| value.to_string())
        })
        .collect()
}

/// Changes a line in a commit of its own and renders. `None` when the change broke the render or could not be made.
async fn decides(
    bench: &Bench,
    folder: &str,
    before: &[Manifest],
    (file, number): &(String, u32),
    fields: &[Field],
) -> Option<bool> {
    // A patch finds its item by the name, and adds one where the name is another.
    if fields.iter().any(|(_, path)| path.ends_with("].name")) {
        return None;
    }
    let text = std::fs::read_to_string(bench.repository.path().join(file)).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let line = lines.get_mut(usize::try_from(*number).unwrap() - 1)?;
    *line = changed(line)?;
    bench.repository.write(file, &(lines.join("\n") + "\n"));
    bench.repository.commit(&format!("{file}:{number}"));
    let after = bench.render(source(folder)).await;
    // The next commit takes it back with its own change.
    bench.repository.write(file, &text);
    let after = after.ok()?.objects;
    let pairs = values(before, fields)
        .into_iter()
        .zip(values(&after, fields));
    Some(pairs.into_iter().all(|(before, after)| before != after))
}

/// Lets every line that states something be set by a commit of its own; the files end as they were.
fn one_by_one(
    bench: &Bench,
    lines: &BTreeMap<(String, u32), Vec<Field>>,
) -> BTreeMap<(String, u32), Revision> {
    let read = |file: &str| std::fs::read_to_string(bench.repository.path().join(file)).unwrap();
    let mut files: BTreeMap<&str, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for (file, number) in lines.keys() {
        let (truth, now) = files.entry(file).or_insert_with(|| {
            let truth: Vec<String> = read(file).lines().map(str::to_owned).collect();
            (truth.clone(), truth)
        });
        let index = usize::try_from(*number).unwrap() - 1;
        assert!(index < truth.len(), "{file} has no line {number}");
        now[index] = format!("# not set yet: {number}");
    }
    for (file, (_, now)) in &files {
        bench.repository.write(file, &(now.join("\n") + "\n"));
    }
    bench.repository.commit("nothing is set");
    let mut set = BTreeMap::new();
    for place in lines.keys() {
        let (file, number) = place;
        let (truth, now) = files.get_mut(file.as_str()).unwrap();
        let index = usize::try_from(*number).unwrap() - 1;
        now[index].clone_from(&truth[index]);
        bench.repository.write(file, &(now.join("\n") + "\n"));
        let commit = bench.repository.commit(&format!("set {file}:{number}"));
        set.insert(place.clone(), commit);
    }
    set
}

/// What `git blame` says of each line of a file.
fn git_blame(bench: &Bench, file: &str) -> Vec<String> {
    let text = bench
        .repository
        .git(&["blame", "-l", "-s", "HEAD", "--", file]);
    text.lines()
        .map(|line| line.split(' ').next().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn nearly_every_field_of_the_demo_is_found_in_the_line_that_decides_it() {
    let (mut tried, mut proven) = (0, 0);
    for (repository, folder) in FOLDERS {
        let bench = demo(repository);
        let found = found(&bench, folder).await;
        let before = bench.render(source(folder)).await.unwrap().objects;
        for (place, stated) in &found.lines {
            tried += 1;
            if let Some(decided) = decides(&bench, folder, &before, place, stated).await {
                assert!(
                    decided,
                    "{repository}: {place:?} does not decide {stated:?}"
                );
                proven += 1;
            }
        }
    }
    // Names and kinds that others refer to cannot be changed alone.
    assert!(proven * 10 >= tried * 7, "{proven} of {tried} lines");
    println!("{proven} of {tried} changed lines decide");
}

#[tokio::test]
async fn every_field_of_the_demo_is_blamed_on_the_commit_that_set_it() {
    let (mut fields, mut right, mut commits) = (0, 0, 0);
    for (repository, folder) in FOLDERS {
        let bench = demo(repository);
        let before = found(&bench, folder).await;
        let set = one_by_one(&bench, &before.lines);
        commits += set.len();
        let now = found(&bench, folder).await;
        assert_eq!(now.lines, before.lines, "{folder} is as it was");
        fields += now.fields;
        let url = bench.repository.url();
        let head = bench.repository.head();
        let mut files: BTreeMap<&str, Vec<(u32, &Vec<Field>)>> = BTreeMap::new();
        for ((file, number), stated) in &now.lines {
            files.entry(file).or_default().push((*number, stated));
        }
        for (file, lines) in files {
            let ours = bench.mirrors.blame(&url, &head, file, 1..=100_000).await;
            let ours = ours.unwrap();
            let git = git_blame(&bench, file);
            for (number, stated) in lines {
                let index = usize::try_from(number).unwrap() - 1;
                let commit = &set[&(file.to_owned(), number)];
                let said = &ours
                    .iter()
                    .find(|line| line.line == number)
                    .unwrap()
                    .revision;
                assert_eq!(said, commit, "{repository}: {file}:{number} {stated:?}");
                assert_eq!(git[index], commit.0, "{repository}: {file}:{number}");
                right += stated.len();
            }
        }
    }
    println!(
        "{right} of {fields} fields are blamed on the line and commit that set them; {commits} commits"
    );
    assert!(
        right * 100 >= fields * LEAST_EXACT,
        "{right} of {fields} fields are found in a line"
    );
}

/// What a template makes is ascribed to its file, never to another line's.
#[tokio::test]
async fn every_field_of_a_chart_is_ascribed_to_the_file_of_its_template() {
    let mut fields = 0;
    for (repository, folder) in CHARTS {
        let bench = demo(repository);
        let input = bench.input(source(folder)).await;
        let complete = bench.render_input(&input).await.unwrap();
        assert!(!complete.objects.is_empty(), "{folder}");
        let snapshot = bench.mirrors.snapshot(&input.repo_url, &input.revision);
        let snapshot = snapshot.await.unwrap();
        for object in &complete.objects {
            let origin = object.origin.clone().unwrap();
            let template = std::fs::read_to_string(bench.repository.path().join(&origin.path));
            let template = template.unwrap_or_else(|_| panic!("{repository} has no {origin:?}"));
            let kind = &object.key.kind;
            assert!(
                origin.path.starts_with(&format!("{folder}/templates/")) && template.contains(kind),
                "{origin:?} declares no {kind}"
            );
            let text =
                engine::diff::manifest_yaml(object, &engine::masking::MaskingRules::default());
            for line in stated(&snapshot, &input.source, object, &origin, &text) {
                if line.path.is_empty() {
                    continue;
                }
                fields += 1;
                match line.place {
                    Some(Place::File(at)) => assert_eq!(at.path, origin.path, "{}", line.path),
                    // The namespace is the definition's.
                    Some(_) => assert!(line.path.starts_with("metadata"), "{}", line.path),
                    None => panic!("{} of {kind} is ascribed to nothing", line.path),
                }
            }
        }
    }
    assert!(fields > 100, "{fields}");
}
