//! The demo's own repositories: nearly every field of every object is found in a line of a file, and the line decides it,
//! since another value there is another value in the render.

use super::bench::{Bench, source};
use engine::manifest::Manifest;
use engine::render::{Place, stated, value_at_path};
use lockstep_types::resource::{Origin, ResourceKey};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Folders of manifests and kustomizations; charts are blamed by file.
const FOLDERS: [(&str, &str); 7] = [
    ("shop", "overlays/production"),
    ("shop", "overlays/staging"),
    ("observability", "agents"),
    ("platform", "clusters/production"),
    ("platform", "clusters/staging"),
    ("platform", "policies"),
    ("platform", "crds"),
];
/// Of a hundred fields so many must be found in a line.
const LEAST_EXACT: usize = 95;
/// Lines that are changed in each folder, evenly chosen: each is a commit and a render.
const CHANGED: usize = 14;

/// A field of a rendered object.
type Field = (ResourceKey, String);

struct Found {
    fields: usize,
    exact: usize,
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
        exact: 0,
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
            found.exact += 1;
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

/// Changes a line, renders, and puts the line back. `None` when the change broke the render or could not be made.
async fn decides(
    bench: &Bench,
    folder: &str,
    place: &(String, u32),
    fields: &[Field],
) -> Option<bool> {
    let (file, number) = place;
    let text = std::fs::read_to_string(bench.repository.path().join(file)).unwrap();
    let index = usize::try_from(*number).unwrap() - 1;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let line = lines.get_mut(index).unwrap();
    *line = changed(line)?;
    let before = bench.render(source(folder)).await.unwrap();
    bench.repository.write(file, &(lines.join("\n") + "\n"));
    bench.repository.commit(&format!("{file}:{number}"));
    let after = bench.render(source(folder)).await;
    bench.repository.write(file, &text);
    bench.repository.commit("as it was");
    let (before, after) = (before.objects, after.ok()?.objects);
    let pairs = values(&before, fields)
        .into_iter()
        .zip(values(&after, fields));
    Some(pairs.into_iter().all(|(before, after)| before != after))
}

#[tokio::test]
async fn nearly_every_field_of_the_demo_is_found_in_the_line_that_decides_it() {
    let (mut fields, mut exact, mut tried, mut proven) = (0, 0, 0, 0);
    for (repository, folder) in FOLDERS {
        let bench = demo(repository);
        let found = found(&bench, folder).await;
        fields += found.fields;
        exact += found.exact;
        let step = found.lines.len().div_ceil(CHANGED).max(1);
        for (place, stated) in found.lines.iter().step_by(step) {
            tried += 1;
            if let Some(decided) = decides(&bench, folder, place, stated).await {
                assert!(
                    decided,
                    "{repository}: {place:?} does not decide {stated:?}"
                );
                proven += 1;
            }
        }
    }
    assert!(
        exact * 100 >= fields * LEAST_EXACT,
        "{exact} of {fields} fields are found in a line"
    );
    // Names and kinds that others refer to cannot be changed alone.
    assert!(proven * 10 >= tried * 7, "{proven} of {tried} lines");
    println!("{exact} of {fields} fields in a line; {proven} of {tried} changed lines decide");
}
