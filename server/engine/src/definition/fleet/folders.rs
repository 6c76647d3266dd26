//! Which folders are bundles, as Fleet decides it: the path of a `GitRepo` when anything below it is not claimed by a
//! `fleet.yaml` further down, and every folder below it that holds a `fleet.yaml`.

use super::super::DefinitionFile;
use globset::GlobBuilder;
use std::collections::{BTreeMap, BTreeSet};

/// Names of the file that makes a folder a bundle, in the order in which they are looked for.
const NAMES: [&str; 2] = ["fleet.yaml", "fleet.yml"];

/// The YAML files of the root source by path, and its folders.
pub(super) struct Folders<'f> {
    files: BTreeMap<&'f str, &'f DefinitionFile>,
    folders: BTreeSet<&'f str>,
    /// Folders with a `fleet.yaml`, and it.
    bundles: BTreeMap<&'f str, &'f DefinitionFile>,
}

impl<'f> Folders<'f> {
    /// `is_fleet` tells a `fleet.yaml` from a file that only has its name.
    pub(super) fn new(
        files: &'f [DefinitionFile],
        is_fleet: impl Fn(&DefinitionFile) -> bool,
    ) -> Self {
        let mut found = Self {
            files: files
                .iter()
                .map(|file| (file.path.as_str(), file))
                .collect(),
            folders: BTreeSet::from([""]),
            bundles: BTreeMap::new(),
        };
        for file in files {
            let mut folder = parent(&file.path);
            while found.folders.insert(folder) {
                folder = parent(folder);
            }
            if NAMES.contains(&name(&file.path)) && is_fleet(file) {
                let kept = found.bundles.entry(parent(&file.path)).or_insert(file);
                if name(&file.path) == NAMES[0] {
                    *kept = file;
                }
            }
        }
        found
    }

    pub(super) fn file(&self, path: &str) -> Option<&'f DefinitionFile> {
        self.files.get(path).copied()
    }

    pub(super) fn fleet_yaml(&self, folder: &str) -> Option<&'f DefinitionFile> {
        self.bundles.get(folder).copied()
    }

    /// Folders that hold a `fleet.yaml`.
    pub(super) fn with_fleet_yaml(&self) -> Vec<String> {
        self.bundles
            .keys()
            .map(|folder| (*folder).to_owned())
            .collect()
    }

    /// Whether the folder holds one of the files.
    pub(super) fn has(&self, folder: &str, names: &[&str]) -> bool {
        names
            .iter()
            .any(|name| self.files.contains_key(join(folder, name).as_str()))
    }

    /// Folders that a path of a `GitRepo` means; it may be a glob.
    ///
    /// # Errors
    /// When it is no glob.
    pub(super) fn matching(&self, written: &str) -> Result<Vec<String>, String> {
        if !written.contains(['*', '?', '[', '{']) {
            return Ok(if self.folders.contains(written) {
                vec![written.to_owned()]
            } else {
                Vec::new()
            });
        }
        let glob = GlobBuilder::new(written)
            .literal_separator(true)
            .build()
            .map_err(|error| error.kind().to_string())?
            .compile_matcher();
        Ok(self
            .folders
            .iter()
            .filter(|folder| glob.is_match(folder))
            .map(|folder| (*folder).to_owned())
            .collect())
    }

    /// Bundles at and below a folder.
    pub(super) fn bundles(&self, base: &str) -> Vec<String> {
        let mut found = Vec::new();
        if self.bundles.contains_key(base) || self.has_unclaimed(base) {
            found.push(base.to_owned());
        }
        found.extend(
            self.bundles
                .keys()
                .filter(|folder| **folder != base && is_within(folder, base))
                .map(|folder| (*folder).to_owned()),
        );
        found
    }

    /// Whether a YAML file lies at or below the folder, outside of all folders with a `fleet.yaml`.
    fn has_unclaimed(&self, base: &str) -> bool {
        self.files.keys().any(|path| {
            let is_yaml = path.ends_with(".yaml") || path.ends_with(".yml");
            is_yaml
                && is_within(parent(path), base)
                && !self
                    .bundles
                    .keys()
                    .any(|folder| is_within(folder, base) && is_within(parent(path), folder))
        })
    }
}

pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

pub(super) fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

fn is_within(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path == folder
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}
