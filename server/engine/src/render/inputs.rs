//! The input files of a render and its key.

use super::dependencies::FetchedChart;
use super::helm::Chart;
use super::included::{self, Mount};
use super::kustomize::Built;
use super::reach::Reach;
use super::reader::{Reader, Target, is_within, shown};
use super::several::{Borrowed, Lenders, ValueFile};
use super::stage::Staged;
use super::{RenderError, RenderInput, directory, helm, kustomize, metadata};
use crate::definition::{DefinedSource, DirectoryOptions, override_files};
use crate::manifest::hash_of;
use crate::source::{Snapshot, SourceError};
use lockstep_types::application::Dialect;
use serde_json::json;

/// Raised whenever the same inputs would give other manifests than before.
const FORMAT: u32 = 1;

/// What a render reads, before it is rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderInputs {
    /// Equal inputs, parameters and renderer give an equal key, whatever the commit.
    pub key: String,
    pub(super) files: Vec<Staged>,
    pub(super) work: Work,
    pub(super) reach: Reach,
    /// Files of other sources that this one reads.
    pub(super) borrowed: Vec<Borrowed>,
    /// What stands among the files of the source and is not its own.
    pub(super) mounts: Vec<Mount>,
    /// Charts that were fetched for charts of all sources; only the first one names them.
    pub(super) charts: Vec<FetchedChart>,
    /// Inputs of the further sources.
    pub(super) more: Vec<RenderInputs>,
}

/// What is to be done with the files.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Work {
    Directory,
    Kustomize(Built),
    Helm(Chart),
    /// The source only lends files to others.
    Lends,
}

impl RenderInputs {
    /// Paths of the inputs in the first source's repository, sorted. A rollback restores these of both revisions together:
    /// what only the newer one has is removed.
    pub fn paths(&self) -> Vec<String> {
        self.paths_of(0)
    }

    /// Paths whose commits are this application's history: whole folders where every file in them counts, so
    /// that commits which removed a file are found too.
    pub fn history_paths(&self, path: &str) -> Vec<String> {
        let whole = match &self.work {
            Work::Directory | Work::Helm(_) => true,
            Work::Kustomize(built) => built.generated.is_some(),
            Work::Lends => false,
        };
        if !whole {
            return self.paths();
        }
        let outside = self
            .files
            .iter()
            .filter_map(|staged| included::home(&self.mounts, 0, &staged.path))
            .filter(|(place, file)| *place == 0 && !is_within(file, path))
            .map(|(_, file)| file);
        std::iter::once(path.to_owned()).chain(outside).collect()
    }

    /// The same, built with our overlay in any case.
    pub(super) fn with_overlay(&self) -> Self {
        let mut usual = self.clone();
        if let Work::Kustomize(built) = &mut usual.work {
            built.plain = None;
        }
        usual
    }

    /// What was looked at to find the inputs: as long as nothing of it changes, the key stays the same.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// `directory`, `kustomize` or `helm`.
    pub fn renderer(&self) -> &'static str {
        match self.work {
            Work::Directory => "directory",
            Work::Kustomize(_) => "kustomize",
            Work::Helm(_) => "helm",
            Work::Lends => "none",
        }
    }
}

/// Whether the source is rendered by Helm.
pub(super) fn is_chart(reader: &Reader, source: &DefinedSource) -> Result<bool, RenderError> {
    if source.dialect == Dialect::FluxKustomization || source.kustomize.is_some() {
        return Ok(false);
    }
    if source.helm.is_some() || source.directory.is_some() {
        return Ok(source.helm.is_some());
    }
    let file = kustomize::join_name(&source.path, "Chart.yaml");
    Ok(matches!(reader.find(&file, &source.path)?, Target::File(_)))
}

/// Finds out how the source is rendered and collects its files. Blocks.
pub(super) fn collect(
    snapshot: Snapshot,
    source: &DefinedSource,
    application: &str,
    lenders: &Lenders,
) -> Result<(Work, Vec<Staged>, Vec<Borrowed>, Reach), RenderError> {
    if source.only_lends {
        return Ok((Work::Lends, Vec::new(), Vec::new(), Reach::everything()));
    }
    let mut borrowed = Vec::new();
    let mut reader = Reader::new(snapshot);
    reader.exclude(source);
    let path = source.path.as_str();
    match reader.find(path, path)? {
        Target::Folder(_) => {}
        Target::File(_) => {
            let message = "the definition's path is a file and must be a folder".to_owned();
            return Err(RenderError::Invalid {
                path: path.to_owned(),
                line: None,
                message,
            });
        }
        // `files` names repository and revision.
        Target::Nothing => {
            return Err(reader.snapshot.files(path).err().map_or_else(
                || RenderError::Nothing {
                    path: shown(path).to_owned(),
                    why: "it does not exist".to_owned(),
                },
                |error: SourceError| error.into(),
            ));
        }
    }
    let has_chart = matches!(
        reader.find(&kustomize::join_name(path, "Chart.yaml"), path)?,
        Target::File(_)
    );
    let mut as_helm = |reader: &mut Reader| {
        let options = source.helm.clone().unwrap_or_default();
        helm::collect(reader, path, &options, lenders, &mut borrowed).map(Work::Helm)
    };
    let as_directory = |reader: &mut Reader, options: &DirectoryOptions| {
        directory::collect(reader, path, options).map(|()| Work::Directory)
    };
    let work = if source.dialect == Dialect::FluxKustomization || source.kustomize.is_some() {
        Work::Kustomize(kustomize::collect(&mut reader, path, source)?)
    } else if source.helm.is_some() {
        as_helm(&mut reader)?
    } else if let Some(options) = &source.directory {
        as_directory(&mut reader, options)?
    } else if has_chart {
        as_helm(&mut reader)?
    } else if kustomize::is_kustomization(&reader, path)? {
        Work::Kustomize(kustomize::collect(&mut reader, path, source)?)
    } else {
        as_directory(&mut reader, &DirectoryOptions::default())?
    };
    // They are merged into the source before; as inputs they are part of its key and its history.
    for file in override_files(source, application) {
        if let Target::File(found) = reader.find(&file, path)? {
            reader.need(&file, found);
        }
    }
    borrowed.sort();
    borrowed.dedup();
    let (files, reach) = reader.into_inputs();
    Ok((work, files, borrowed, reach))
}

/// The key: everything that can change the result, and nothing else.
pub(super) fn key(
    work: &Work,
    files: &[Staged],
    borrowed: &[Borrowed],
    input: &RenderInput,
    version: &str,
) -> String {
    let files: Vec<_> = files
        .iter()
        .map(|staged| {
            json!([
                staged.path,
                staged.file.oid,
                staged.file.kind == crate::source::FileKind::Executable
            ])
        })
        .collect();
    let source = &input.source;
    let mut parts = json!({
        "format": FORMAT,
        "version": version,
        "files": files,
        "path": source.path,
        "namespace": input.namespace,
    });
    let more = match work {
        Work::Directory => json!({"directory": source.directory}),
        Work::Kustomize(built) => {
            let mut told = json!({"overlay": built.overlay, "generated": built.generated, "dialect": source.dialect});
            // What is said of them is part of the render.
            if let Some(told) = told.as_object_mut().filter(|_| !built.left_out.is_empty()) {
                told.insert("leftOut".to_owned(), json!(built.left_out));
            }
            told
        }
        Work::Helm(chart) => json!({
            "helm": source.helm,
            "values": chart.value_files.iter().map(ValueFile::told).collect::<Vec<_>>(),
            "release": input.release_name,
            "kube": input.kube_version,
            "apis": input.api_versions,
        }),
        Work::Lends => json!("lends"),
    };
    if let Some(parts) = parts.as_object_mut() {
        parts.insert("renderer".to_owned(), more);
        if let Some(options) = source
            .kustomize
            .as_ref()
            .filter(|_| metadata::is_ours(source))
            && !(options.common_labels.is_empty() && options.common_annotations.is_empty())
        {
            let common = json!([options.common_labels, options.common_annotations]);
            parts.insert("common".to_owned(), common);
        }
        if !source.post_renderers.is_empty() {
            parts.insert("post".to_owned(), json!(source.post_renderers));
        }
        if !borrowed.is_empty() {
            let lent: Vec<_> = borrowed
                .iter()
                .map(|one| json!([one.source, one.file.path, one.file.file.oid]))
                .collect();
            parts.insert("lent".to_owned(), json!(lent));
        }
        if let Some(substitute) = &source.substitute {
            parts.insert("variables".to_owned(), json!(substitute.variables));
        }
    }
    hash_of(&parts)
}
