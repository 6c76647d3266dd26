//! The files of a commit on disk, for programs that know no Git, and in memory, for the readers.

use engine::definition::DefinitionFile;
use engine::source::{FileKind, Mirrors, TreeFile};
use lockstep_types::revision::Revision;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};

/// One commit.
#[derive(Debug)]
pub struct Checkout {
    pub folder: PathBuf,
    pub files: Vec<TreeFile>,
    /// Files that end as YAML and JSON do.
    pub readable: Vec<DefinitionFile>,
}

/// How a directory is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    Kustomize,
    Helm,
    Plain,
}

impl Checkout {
    pub async fn make(
        mirrors: &Mirrors,
        url: &str,
        at: &Revision,
        folder: PathBuf,
    ) -> Result<Self, Box<dyn Error>> {
        let files = mirrors.files(url, at, "").await?;
        let mut readable = Vec::new();
        for file in &files {
            if file.kind == FileKind::Submodule {
                continue;
            }
            let bytes = mirrors.read(url, &file.oid).await?;
            let path = folder.join(&file.path);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            if file.kind == FileKind::Symlink {
                std::os::unix::fs::symlink(String::from_utf8(bytes)?, path)?;
                continue;
            }
            std::fs::write(path, &bytes)?;
            if is_yaml(&file.path) {
                readable.push(DefinitionFile {
                    path: file.path.clone(),
                    bytes,
                });
            }
        }
        Ok(Self {
            folder,
            files,
            readable,
        })
    }

    fn charts(&self) -> BTreeSet<&str> {
        self.files
            .iter()
            .filter_map(|file| match file.path.rsplit_once('/') {
                Some((folder, "Chart.yaml")) => Some(folder),
                None if file.path == "Chart.yaml" => Some(""),
                _ => None,
            })
            .collect()
    }

    /// Every directory with files, by what becomes of it.
    pub fn kinds_of_directories(&self) -> BTreeMap<&'static str, usize> {
        let (read, charts) = (self.directories(), self.charts());
        let folders: BTreeSet<&str> = self
            .files
            .iter()
            .map(|file| file.path.rsplit_once('/').map_or("", |(folder, _)| folder))
            .collect();
        let mut counts = BTreeMap::new();
        for folder in folders {
            let word = match read.get(folder) {
                Some(Means::Kustomize) => "kustomization",
                Some(Means::Helm) => "chart",
                Some(Means::Plain) => "plain",
                None if charts.iter().any(|chart| is_within(folder, chart)) => "part of a chart",
                None => "without YAML and JSON",
            };
            *counts.entry(word).or_default() += 1;
        }
        counts
    }

    /// Submodules: what is in them is not in the repository.
    pub fn submodules(&self) -> impl Iterator<Item = &TreeFile> {
        self.files
            .iter()
            .filter(|file| file.kind == FileKind::Submodule)
    }

    /// Every directory with files that a renderer reads, and how.
    pub fn directories(&self) -> BTreeMap<String, Means> {
        let charts = self.charts();
        let mut found = BTreeMap::new();
        for file in &self.files {
            let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
            let chart = charts.iter().find(|chart| is_within(folder, chart));
            let means = if let Some(chart) = chart {
                if *chart != folder {
                    continue;
                }
                Means::Helm
            } else if matches!(
                name,
                "kustomization.yaml" | "kustomization.yml" | "Kustomization"
            ) {
                Means::Kustomize
            } else if is_yaml(name) {
                Means::Plain
            } else {
                continue;
            };
            let known = found.entry(folder.to_owned()).or_insert(means);
            if means == Means::Kustomize {
                *known = means;
            }
        }
        found
    }

    /// Folders of single clusters, as Flux's own bootstrap lays them out.
    pub fn cluster_roots(&self) -> BTreeSet<String> {
        self.readable
            .iter()
            .filter_map(|file| {
                let mut parts = file.path.split('/');
                let named = parts.next() == Some("clusters");
                let (name, below) = (parts.next()?, parts.next());
                (named && below.is_some()).then(|| format!("clusters/{name}"))
            })
            .collect()
    }

    /// Readable files below a directory.
    pub fn below<'c>(&'c self, folder: &'c str) -> impl Iterator<Item = &'c DefinitionFile> {
        self.readable
            .iter()
            .filter(move |file| is_within(&file.path, folder))
    }

    /// Readable files right in a directory.
    pub fn right_in<'c>(&'c self, folder: &'c str) -> impl Iterator<Item = &'c DefinitionFile> {
        self.readable
            .iter()
            .filter(move |file| file.path.rsplit_once('/').map_or("", |(above, _)| above) == folder)
    }

    pub fn on_disk(&self, folder: &str) -> PathBuf {
        if folder.is_empty() {
            self.folder.clone()
        } else {
            self.folder.join(Path::new(folder))
        }
    }
}

fn is_within(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_yaml(path: &str) -> bool {
    [".yaml", ".yml", ".json"]
        .iter()
        .any(|ending| path.ends_with(ending))
}
