//! What a chart says that it is made of, and which of it is not there.
//!
//! Pure. A lock decides the versions; one that does not fit what the chart asks for is refused, as Helm refuses it.

use super::archive::Files;
use crate::source::versions::{VersionRange, version};
use serde::Deserialize;

#[derive(Deserialize, Default)]
struct Described {
    #[serde(default)]
    name: String,
    #[serde(default)]
    dependencies: Option<Vec<Dependency>>,
}

#[derive(Deserialize, Clone)]
struct Dependency {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    repository: String,
}

/// A chart that another one is made of and does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) name: String,
    /// A version or a range; the one of the lock where there is a lock.
    pub(crate) version: String,
    /// As it is written; may be empty.
    pub(crate) repository: String,
    /// Where it belongs, below the chart.
    pub(crate) folder: String,
}

/// Files of a chart whose content [`missing`] looks at; of all others only the name counts.
pub(crate) fn is_read(path: &str) -> bool {
    matches!(
        path,
        "Chart.yaml" | "requirements.yaml" | "Chart.lock" | "requirements.lock"
    ) || path
        .strip_prefix("charts/")
        .and_then(|rest| rest.strip_suffix("/Chart.yaml"))
        .is_some_and(|folder| !folder.contains('/'))
}

/// Dependencies that are declared and not there. Helm wants them all, whatever conditions say.
///
/// # Errors
/// What is wrong, as a part of a sentence that begins with the chart.
pub(crate) fn missing(files: &Files) -> Result<Vec<Missing>, String> {
    let read = |name: &str| -> Result<Option<Vec<Dependency>>, String> {
        let Some(bytes) = files.get(name) else {
            return Ok(None);
        };
        let described: Described =
            serde_saphyr::from_slice(bytes).map_err(|_| format!("its {name} cannot be read"))?;
        Ok(described.dependencies)
    };
    let mut found: Vec<Missing> = Vec::new();
    // Charts of the first Helm version keep their dependencies apart.
    for (declared, lock) in [
        ("Chart.yaml", "Chart.lock"),
        ("requirements.yaml", "requirements.lock"),
    ] {
        let wanted = read(declared)?.unwrap_or_default();
        let locked = read(lock)?;
        for (place, dependency) in wanted.iter().enumerate() {
            if is_there(files, dependency) {
                continue;
            }
            let version = match &locked {
                Some(locked) => locked_version(dependency, place, locked, declared, lock)?,
                None => dependency.version.clone(),
            };
            // The same under two aliases is one chart.
            if found.iter().any(|one| {
                one.name == dependency.name
                    && one.version == version
                    && one.repository == dependency.repository
            }) {
                continue;
            }
            found.push(Missing {
                folder: folder(files, &found, &dependency.name),
                name: dependency.name.clone(),
                repository: dependency.repository.clone(),
                version,
            });
        }
    }
    Ok(found)
}

/// Whether the chart is below `charts/`, packed or not. As for Helm only the name counts.
fn is_there(files: &Files, dependency: &Dependency) -> bool {
    let name = dependency.name.as_str();
    let below = files
        .range("charts/".to_owned()..)
        .take_while(|(path, _)| path.starts_with("charts/"));
    below
        .filter_map(|(path, content)| Some((path.strip_prefix("charts/")?, content)))
        .any(|(path, content)| match path.split_once('/') {
            Some((folder, "Chart.yaml")) => {
                folder == name
                    || serde_saphyr::from_slice::<Described>(content)
                        .is_ok_and(|described| described.name == name)
            }
            Some(_) => false,
            None => path
                .strip_suffix(".tgz")
                .and_then(|path| path.strip_prefix(name)?.strip_prefix('-'))
                .and_then(version)
                .is_some(),
        })
}

fn locked_version(
    dependency: &Dependency,
    place: usize,
    locked: &[Dependency],
    declared: &str,
    lock: &str,
) -> Result<String, String> {
    let name = &dependency.name;
    let stale = |why: String| {
        format!("its {lock} is out of date: {why}; run `helm dependency update` and commit it")
    };
    // Two of one name stand in the same order in both files.
    let found = locked
        .get(place)
        .filter(|one| one.name == *name)
        .or_else(|| locked.iter().find(|one| one.name == *name))
        .ok_or_else(|| stale(format!("it does not name {name}")))?;
    let fits = dependency.version.is_empty()
        || dependency.version == found.version
        || VersionRange::parse(&dependency.version)
            .ok()
            .zip(version(&found.version))
            .is_some_and(|(range, version)| range.holds(&version));
    if fits {
        Ok(found.version.clone())
    } else {
        Err(stale(format!(
            "{name} is {} in it, and {declared} asks for {}",
            found.version, dependency.version
        )))
    }
}

/// A folder that nothing stands in yet. Helm knows a chart by what it says of itself, not by its folder.
fn folder(files: &Files, found: &[Missing], name: &str) -> String {
    let is_free = |folder: &str| {
        let below = format!("{folder}/");
        !files.keys().any(|path| path.starts_with(&below))
            && !found.iter().any(|one| one.folder == folder)
    };
    let names = (1..).map(|number: u32| match number {
        1 => format!("charts/{name}"),
        number => format!("charts/{name}-{number}"),
    });
    names
        .take(1000)
        .find(|folder| is_free(folder))
        .unwrap_or_else(|| format!("charts/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(files: &[(&str, &str)]) -> String {
        let files: Files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect();
        match missing(&files) {
            Ok(found) => found
                .iter()
                .map(|one| format!("{}@{} {}", one.name, one.version, one.folder))
                .collect::<Vec<_>>()
                .join(", "),
            Err(why) => why,
        }
    }

    #[test]
    fn only_what_is_not_there_is_missing_and_the_lock_counts() {
        let chart = "name: web\ndependencies:\n- {name: a, version: 1.x, repository: 'https://h'}\n- {name: b, version: 1.x}\n- {name: c, version: 2.x}\n";
        for (files, expected) in [
            (vec![("Chart.yaml", "name: web\n")], ""),
            (
                vec![
                    ("Chart.yaml", chart),
                    (
                        "Chart.lock",
                        "dependencies:\n- {name: a, version: 1.4.2}\n- {name: b, version: 1.0.0}\n- {name: c, version: 2.0.0}\n",
                    ),
                    ("charts/b/Chart.yaml", "name: b\n"),
                    ("charts/c-2.0.0.tgz", ""),
                ],
                "a@1.4.2 charts/a",
            ),
            // Another chart's archive, a folder of another name, and an older version than is asked for.
            (
                vec![
                    ("Chart.yaml", chart),
                    ("charts/a-b-1.0.0.tgz", ""),
                    ("charts/other/Chart.yaml", "name: b\n"),
                    ("charts/c-1.0.0.tgz", ""),
                ],
                "a@1.x charts/a",
            ),
            // A folder that is no chart.
            (
                vec![
                    (
                        "Chart.yaml",
                        "name: web\ndependencies: [{name: a, version: 1.x}]\n",
                    ),
                    ("charts/a/README.md", ""),
                ],
                "a@1.x charts/a-2",
            ),
            (
                vec![(
                    "Chart.yaml",
                    "name: web\ndependencies:\n- {name: a, version: 1.x, alias: one}\n- {name: a, version: 1.x, alias: two}\n- {name: a, version: 2.x, alias: three}\n",
                )],
                "a@1.x charts/a, a@2.x charts/a-2",
            ),
            (
                vec![
                    ("Chart.yaml", "name: web\n"),
                    (
                        "requirements.yaml",
                        "dependencies: [{name: a, version: ~1.2}]\n",
                    ),
                    (
                        "requirements.lock",
                        "dependencies: [{name: a, version: 1.2.9}]\n",
                    ),
                ],
                "a@1.2.9 charts/a",
            ),
            (
                vec![
                    ("Chart.yaml", chart),
                    ("Chart.lock", "dependencies: [{name: b, version: 1.0.0}]\n"),
                ],
                "its Chart.lock is out of date: it does not name a; run `helm dependency update` and commit it",
            ),
            (
                vec![
                    ("Chart.yaml", chart),
                    ("Chart.lock", "dependencies: [{name: a, version: 2.0.0}]\n"),
                ],
                "its Chart.lock is out of date: a is 2.0.0 in it, and Chart.yaml asks for 1.x; run `helm dependency update` and commit it",
            ),
            (
                vec![("Chart.yaml", "name: web\ndependencies: 1\n")],
                "its Chart.yaml cannot be read",
            ),
        ] {
            assert_eq!(told(&files), expected, "{files:?}");
        }
    }

    #[test]
    fn only_what_describes_charts_is_read() {
        for (path, read) in [
            ("Chart.yaml", true),
            ("requirements.lock", true),
            ("charts/a/Chart.yaml", true),
            ("charts/a/charts/b/Chart.yaml", false),
            ("templates/Chart.yaml", false),
            ("values.yaml", false),
        ] {
            assert_eq!(is_read(path), read, "{path}");
        }
    }
}
