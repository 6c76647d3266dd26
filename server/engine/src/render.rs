//! Rendering: files of a pinned commit become manifests, complete or not at all.
//!
//! The inputs of a render are collected first, file by file; their object ids and the parameters are its key,
//! never the commit, so what did not change is not rendered again. The sandboxed child gets exactly these
//! files: what the walker missed makes the render fail instead of going unnoticed.
//!
//! Reads Git only through [`crate::source`]; knows no cluster, database or credential. Owns its work folder.

mod build_environment;
mod dependencies;
mod directory;
mod error;
mod excluded;
mod go_template;
mod helm;
mod helm_ignore;
mod images;
mod included;
mod inputs;
mod kustomize;
mod metadata;
mod objects;
mod origin;
mod overlay;
mod plain;
mod plugins;
mod post;
mod reach;
mod reader;
mod repeat;
pub mod sandbox;
mod secrecy;
mod several;
mod stage;
mod stated;
mod substitute;
mod tools;
mod trees;

pub use dependencies::{FetchedChart, Lacking};
pub use error::RenderError;
pub use go_template::Filled;
pub use images::{ImageAt, NewTag, image_parts, images, is_tag};
pub use inputs::RenderInputs;
pub use reach::Reach;
pub use sandbox::SandboxSettings;
pub use secrecy::plain_text as plain_text_secrets;
pub use several::MoreSource;
pub use stated::{
    Addition, Overlaid, Place, StatedField, StatedLine, StatedObject, Wish, Within, appended,
    canonical_path, overlaid, restated, stated, stated_field, stated_object, value_at_path,
    without,
};
pub use tools::Tools;

use crate::definition::DefinedSource;
use crate::definition::project::Project;
use crate::manifest::Manifest;
use crate::source::Mirrors;
use crate::source::Snapshot;
use build_environment::Prepared;
use inputs::Work;
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::Revision;
use several::Lenders;
use std::path::PathBuf;
use tools::Tool;
use trees::{snapshots, trees};

/// Turns files into manifests.
#[derive(Debug)]
pub struct Renderer {
    tools: Tools,
    sandbox: SandboxSettings,
    work_dir: PathBuf,
}

/// What to render.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderInput {
    pub repo_url: String,
    pub revision: Revision,
    pub source: DefinedSource,
    /// Further sources in the order of the definition; empty for most applications.
    pub more: Vec<MoreSource>,
    /// Helm's release name where the definition gives none: the application's name.
    pub release_name: String,
    /// The destination's namespace.
    pub namespace: String,
    /// Of the cluster, `1.36.0`; only Helm looks at it. Empty: Helm's own default.
    pub kube_version: String,
    /// `group/version` and `group/version/Kind` as the cluster serves them; only Helm looks at them.
    pub api_versions: Vec<String>,
    /// What the definition calls its project; only variables of Argo CD's build environment say it.
    pub project_name: String,
    /// The project that limits where charts that a chart is made of may come from. It changes nothing of the result.
    pub project: Option<Box<Project>>,
}

/// A whole render. No type exists for a part of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Complete {
    /// As [`RenderInputs::key`].
    pub key: String,
    /// In the order of the renderer.
    pub objects: Vec<Manifest>,
    /// Objects whose values are encrypted and cannot be read: never applied, compared or pruned.
    pub encrypted: Vec<ResourceKey>,
    /// SHA-256 over the hashes of all objects: equal objects give an equal digest.
    pub digest: String,
    pub warnings: Vec<String>,
}

impl Renderer {
    /// `work_dir` is for folders that live as long as one render.
    pub fn new(tools: Tools, sandbox: SandboxSettings, work_dir: PathBuf) -> Self {
        Self {
            tools,
            sandbox,
            work_dir,
        }
    }

    /// How children are caged.
    pub fn sandbox(&self) -> &SandboxSettings {
        &self.sandbox
    }

    /// Collects the input files and computes the key, without rendering.
    ///
    /// # Errors
    /// When a file is missing, refused or cannot be understood.
    pub async fn inputs(
        &self,
        mirrors: &Mirrors,
        input: &RenderInput,
    ) -> Result<RenderInputs, RenderError> {
        self.inputs_with(mirrors, input, &[]).await
    }

    /// The same with the charts that [`Renderer::lacking`] asked for.
    ///
    /// # Errors
    /// As [`Renderer::inputs`]; also when one of the charts is not there.
    pub async fn inputs_with(
        &self,
        mirrors: &Mirrors,
        input: &RenderInput,
        charts: &[FetchedChart],
    ) -> Result<RenderInputs, RenderError> {
        let trees = trees(mirrors, input, charts).await?;
        let snapshots: Vec<Snapshot> = trees.iter().map(|tree| tree.snapshot.clone()).collect();
        let prepared = prepared(input, &snapshots).await?;
        let input = &prepared.input;
        let lenders = Lenders::of(input, &snapshots);
        let mut parts = Vec::with_capacity(trees.len());
        for (place, tree) in trees.into_iter().enumerate() {
            let alone = input.alone(place);
            let mut part = self
                .inputs_of(tree.snapshot, &alone, lenders.clone())
                .await?;
            // What charts looked at lies in other places than it seems.
            if tree.has_charts || prepared.by_revision.get(place) == Some(&true) {
                part.reach = Reach::everything();
            }
            if !tree.mounts.is_empty() {
                part.key = included::key(&part.key, &tree.mounts);
            }
            part.mounts = tree.mounts;
            parts.push(part);
        }
        several::something_is_rendered(&parts)?;
        let whole = (parts.len() > 1).then(|| several::key(&parts));
        let mut more = parts.split_off(1);
        let Some(mut first) = parts.pop() else {
            return Err(RenderError::Internal("no source was given".to_owned()));
        };
        if let Some(key) = whole {
            first.key = key;
            // Several repositories, and files that one source lends another: each commit is looked at.
            first.reach = Reach::everything();
        }
        first.more.append(&mut more);
        first.charts = charts.to_vec();
        Ok(first)
    }

    /// Charts that charts in Git are made of and that have to be fetched before [`Renderer::inputs_with`].
    ///
    /// # Errors
    /// When a chart says something of its dependencies that cannot be followed.
    pub async fn lacking(
        &self,
        mirrors: &Mirrors,
        input: &RenderInput,
    ) -> Result<Vec<Lacking>, RenderError> {
        let may_be_chart = |source: &DefinedSource| {
            source.helm.is_some() || (source.kustomize.is_none() && source.directory.is_none())
        };
        if !input.all().any(|(_, _, source)| may_be_chart(source)) {
            return Ok(Vec::new());
        }
        let snapshots = snapshots(mirrors, input).await?;
        let input = input.clone();
        blocking(move || dependencies::lacking(&input, snapshots)).await
    }

    /// The inputs of one source.
    async fn inputs_of(
        &self,
        snapshot: Snapshot,
        input: &RenderInput,
        lenders: Lenders,
    ) -> Result<RenderInputs, RenderError> {
        let (source, application) = (input.source.clone(), input.release_name.clone());
        // A source with a name may borrow from itself, unseen by its own reader.
        let lends = !source.reference.is_empty();
        let (work, files, borrowed, mut reach) =
            blocking(move || inputs::collect(snapshot, &source, &application, &lenders)).await?;
        if lends || !borrowed.is_empty() {
            reach = Reach::everything();
        }
        let version = match tool_of(&work) {
            None => "",
            Some(tool) => {
                self.tools
                    .version(tool, &self.sandbox, &self.work_dir)
                    .await?
            }
        };
        let mut version = version.to_owned();
        if !input.source.post_renderers.is_empty() && work != Work::Lends {
            let second = self
                .tools
                .version(Tool::Kustomize, &self.sandbox, &self.work_dir)
                .await?;
            version = format!("{version} {second}");
        }
        let key = inputs::key(&work, &files, &borrowed, input, &version);
        Ok(RenderInputs {
            key,
            files,
            work,
            reach,
            borrowed,
            mounts: Vec::new(),
            charts: Vec::new(),
            more: Vec::new(),
        })
    }

    /// Renders the collected files. Never touches a cache: two calls are two independent renders.
    ///
    /// # Errors
    /// When the result would not be complete and sound.
    pub async fn render(
        &self,
        mirrors: &Mirrors,
        input: &RenderInput,
        inputs: &RenderInputs,
    ) -> Result<Complete, RenderError> {
        let trees = trees(mirrors, input, &inputs.charts).await?;
        let snapshots: Vec<Snapshot> = trees.into_iter().map(|tree| tree.snapshot).collect();
        let prepared = prepared(input, &snapshots).await?;
        let input = &prepared.input;
        let mut renders = Vec::with_capacity(snapshots.len());
        for ((place, part), said) in inputs.parts().enumerate().zip(prepared.said) {
            let alone = input.alone(place);
            let mut render = self.render_one(&snapshots, place, &alone, part).await?;
            render.warnings.extend(said);
            renders.push(render);
        }
        match renders.pop() {
            Some(only) if renders.is_empty() => Ok(only),
            last => {
                renders.extend(last);
                several::together(&inputs.key, input, renders)
            }
        }
    }

    /// Renders one source, of all whose files are given.
    async fn render_one(
        &self,
        snapshots: &[Snapshot],
        place: usize,
        input: &RenderInput,
        inputs: &RenderInputs,
    ) -> Result<Complete, RenderError> {
        let snapshot = snapshots
            .get(place)
            .cloned()
            .ok_or_else(|| RenderError::Internal("a source has no files".to_owned()))?;
        let key = inputs.key.clone();
        let found = self.found(snapshots, &snapshot, input, inputs).await?;
        let (mut found, warnings) = match found {
            Some(found) => found,
            // Where its objects come from cannot be told from the files.
            None => {
                let usual = inputs.with_overlay();
                self.found(snapshots, &snapshot, input, &usual)
                    .await?
                    .ok_or_else(|| RenderError::Internal("objects have no origin".to_owned()))?
            }
        };
        if !input.source.post_renderers.is_empty() {
            found = post::steps(self, &input.source, found).await?;
        }
        let (path, namespace) = (input.source.path.clone(), input.namespace.clone());
        let mounts = inputs.mounts.clone();
        blocking(move || {
            let mut complete =
                objects::complete(&key, reader::shown(&path), &namespace, found, warnings)?;
            let origins = complete
                .objects
                .iter_mut()
                .filter_map(|one| one.origin.as_mut());
            for origin in origins.filter(|_| !mounts.is_empty()) {
                origin.path = included::told(&mounts, place, &origin.path);
            }
            Ok(complete)
        })
        .await
    }

    /// Documents and warnings; `None` when a plain build left open where they come from.
    async fn found(
        &self,
        snapshots: &[Snapshot],
        snapshot: &Snapshot,
        input: &RenderInput,
        inputs: &RenderInputs,
    ) -> Result<Option<(Vec<objects::Document>, Vec<String>)>, RenderError> {
        let printed = self.print(snapshots, snapshot, input, inputs).await?;
        let again = if repeat::may_vary(snapshot, input, inputs).await? {
            Some(self.print(snapshots, snapshot, input, inputs).await?)
        } else {
            None
        };
        let (snapshot, inputs, source) = (snapshot.clone(), inputs.clone(), input.source.clone());
        blocking(move || {
            let mut warnings = Vec::new();
            let found = documents(&snapshot, &source, &inputs, &printed, &mut warnings)?;
            let Some(found) = found else { return Ok(None) };
            if let Some(again) = again.filter(|again| *again != printed) {
                let others = documents(&snapshot, &source, &inputs, &again, &mut Vec::new())?;
                let others = others.unwrap_or_default();
                repeat::compare(reader::shown(&source.path), &found, &others)?;
            }
            Ok(Some((found, warnings)))
        })
        .await
    }

    /// What the renderer prints; nothing where none is needed.
    async fn print(
        &self,
        snapshots: &[Snapshot],
        snapshot: &Snapshot,
        input: &RenderInput,
        inputs: &RenderInputs,
    ) -> Result<String, RenderError> {
        let Some(tool) = tool_of(&inputs.work) else {
            return Ok(String::new());
        };
        let program = self.tools.path(tool)?;
        let (snapshot, work_dir, staged) =
            (snapshot.clone(), self.work_dir.clone(), inputs.clone());
        let lenders = snapshots.to_vec();
        let values = input
            .source
            .helm
            .as_ref()
            .map(|options| options.values.clone())
            .unwrap_or_default();
        let folder = blocking(move || {
            let folder = stage::Folder::new(&work_dir)?;
            folder.fill(&snapshot, &staged.files)?;
            folder.fill_lent(&lenders, &staged.borrowed)?;
            match &staged.work {
                Work::Directory | Work::Lends => {}
                Work::Kustomize(built) => {
                    if let Some((path, generated)) = &built.generated {
                        folder.write(path, generated.to_string().as_bytes(), false)?;
                    }
                    if built.plain.is_none() {
                        folder.put(
                            &format!("{}/kustomization.yaml", overlay::FOLDER),
                            built.overlay.to_string().as_bytes(),
                        )?;
                    }
                }
                Work::Helm(_) => folder.put(helm::INLINE_VALUES, values.as_bytes())?,
            }
            Ok(folder)
        })
        .await?;
        let arguments = match &inputs.work {
            Work::Helm(chart) => {
                helm::arguments(chart, &input.source.helm.clone().unwrap_or_default(), input)?
            }
            Work::Kustomize(built) if built.plain.is_some() => {
                vec!["build".to_owned(), format!("./files/{}", input.source.path)]
            }
            Work::Directory | Work::Lends | Work::Kustomize(_) => {
                vec!["build".to_owned(), format!("./{}", overlay::FOLDER)]
            }
        };
        let subject = reader::shown(&input.source.path);
        let printed = sandbox::run(&self.sandbox, tool, program, &folder, arguments, subject).await;
        // Removing many files takes its time.
        blocking(move || {
            drop(folder);
            Ok(())
        })
        .await?;
        printed
    }
}

/// The program that the work needs. A kustomization that is empty on purpose needs none: Kustomize refuses it.
fn tool_of(work: &Work) -> Option<Tool> {
    match work {
        Work::Directory | Work::Lends => None,
        Work::Kustomize(built) if built.empty => None,
        Work::Kustomize(_) => Some(Tool::Kustomize),
        Work::Helm(_) => Some(Tool::Helm),
    }
}

async fn prepared(input: &RenderInput, snapshots: &[Snapshot]) -> Result<Prepared, RenderError> {
    let (input, snapshots) = (input.clone(), snapshots.to_vec());
    blocking(move || build_environment::prepare(&input, &snapshots)).await
}

fn documents(
    snapshot: &Snapshot,
    source: &DefinedSource,
    inputs: &RenderInputs,
    printed: &str,
    warnings: &mut Vec<String>,
) -> Result<Option<Vec<objects::Document>>, RenderError> {
    let path = source.path.as_str();
    if let Work::Kustomize(built) = &inputs.work {
        warnings.extend(built.left_out.iter().map(|name| {
            format!("the component {} was left out: its folder does not exist, and the definition says to ignore that", name.escape_debug())
        }));
    }
    let found = match &inputs.work {
        Work::Directory => {
            let overlays = source
                .directory
                .as_ref()
                .and_then(|options| options.overlays.as_deref());
            directory::documents(snapshot, path, &inputs.files, overlays, warnings)
        }
        Work::Lends => Ok(several::NO_DOCUMENTS),
        Work::Kustomize(built) if built.empty => Ok(Vec::new()),
        Work::Kustomize(built) => {
            let none = std::collections::BTreeMap::new();
            let variables = source
                .substitute
                .as_ref()
                .map_or(&none, |substitute| &substitute.variables);
            let mut documents = substitute::documents(printed, reader::shown(path), variables)?;
            if let Some(plain) = &built.plain {
                if !plain::find(&mut documents, plain, snapshot, &inputs.files) {
                    return Ok(None);
                }
            } else {
                let mut lines = origin::Lines::new(snapshot, &inputs.files);
                for document in &mut documents {
                    document.origin = lines.take(&mut document.body, path);
                }
            }
            if documents.is_empty() {
                let why =
                    "the kustomization names resources, and none of them is left after building"
                        .to_owned();
                return Err(RenderError::Nothing {
                    path: reader::shown(path).to_owned(),
                    why,
                });
            }
            if let Some(options) = source
                .kustomize
                .as_ref()
                .filter(|_| metadata::is_ours(source))
            {
                metadata::set(&mut documents, options);
            }
            Ok(documents)
        }
        Work::Helm(chart) => origin::printed(printed, reader::shown(path), |text| {
            let source = text
                .lines()
                .find_map(|line| line.strip_prefix("# Source: "))?;
            Some(helm::origin(chart, source.trim()))
        }),
    };
    found.map(Some)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RenderError> + Send + 'static,
) -> Result<T, RenderError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(RenderError::Internal(error.to_string())))
}
