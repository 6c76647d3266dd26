use engine::definition::{DefinedSource, DirectoryOptions, HelmOptions, KustomizeOptions};
use engine::render::{
    Complete, FetchedChart, Lacking, RenderError, RenderInput, RenderInputs, Renderer,
    SandboxSettings,
};
use engine::source::{Credential, Mirrors};
use engine::testing::{Repository, renderers};
use lockstep_types::application::Dialect;
use lockstep_types::revision::{Revision, TargetRevision};
use std::time::Duration;

pub struct Bench {
    pub repository: Repository,
    pub mirrors: Mirrors,
    renderer: Renderer,
    work: std::path::PathBuf,
    _dir: tempfile::TempDir,
}

pub fn source(path: &str) -> DefinedSource {
    DefinedSource {
        path: path.to_owned(),
        ..DefinedSource::default()
    }
}

pub fn flux(path: &str) -> DefinedSource {
    DefinedSource {
        dialect: Dialect::FluxKustomization,
        kustomize: Some(KustomizeOptions::default()),
        ..source(path)
    }
}

pub fn helm(path: &str, options: HelmOptions) -> DefinedSource {
    DefinedSource {
        helm: Some(options),
        ..source(path)
    }
}

pub fn recursive(path: &str) -> DefinedSource {
    DefinedSource {
        directory: Some(DirectoryOptions {
            recurse: true,
            ..DirectoryOptions::default()
        }),
        ..source(path)
    }
}

pub fn config(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n")
}

impl Bench {
    pub fn new(files: &[(&str, &str)]) -> Self {
        Self::with_deadline(files, Duration::from_secs(30))
    }

    pub fn with_deadline(files: &[(&str, &str)], deadline: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (repository, _) = Repository::with(files);
        let mirrors = Mirrors::for_tests(dir.path().join("mirrors")).unwrap();
        let mut settings = SandboxSettings::new(env!("CARGO_BIN_EXE_render-child").into());
        settings.deadline = deadline;
        let work = dir.path().join("work");
        let renderer = Renderer::new(renderers(), settings, work.clone());
        Self {
            repository,
            mirrors,
            renderer,
            work,
            _dir: dir,
        }
    }

    pub async fn input(&self, source: DefinedSource) -> RenderInput {
        let main = TargetRevision("main".to_owned());
        let url = self.repository.url();
        let found = self
            .mirrors
            .fetch(&url, &Credential::None, std::slice::from_ref(&main))
            .await
            .unwrap();
        let revision: Revision = found[&main].clone().unwrap();
        RenderInput {
            repo_url: url,
            revision,
            source,
            more: Vec::new(),
            release_name: "shop".to_owned(),
            namespace: "web".to_owned(),
            kube_version: String::new(),
            api_versions: Vec::new(),
            project_name: String::new(),
            project: None,
        }
    }

    pub async fn inputs(&self, source: DefinedSource) -> Result<RenderInputs, RenderError> {
        self.renderer
            .inputs(&self.mirrors, &self.input(source).await)
            .await
    }

    pub async fn inputs_of(&self, input: &RenderInput) -> Result<RenderInputs, RenderError> {
        self.renderer.inputs(&self.mirrors, input).await
    }

    /// What has to be fetched for charts.
    pub async fn lacking(&self, input: &RenderInput) -> Result<Vec<Lacking>, RenderError> {
        self.renderer.lacking(&self.mirrors, input).await
    }

    /// As [`Bench::render_input`], with charts that were fetched.
    pub async fn render_with(
        &self,
        input: &RenderInput,
        charts: &[FetchedChart],
    ) -> Result<(RenderInputs, Complete), RenderError> {
        let inputs = self
            .renderer
            .inputs_with(&self.mirrors, input, charts)
            .await?;
        let complete = self.renderer.render(&self.mirrors, input, &inputs).await?;
        Ok((inputs, complete))
    }

    pub async fn render_input(&self, input: &RenderInput) -> Result<Complete, RenderError> {
        let inputs = self.renderer.inputs(&self.mirrors, input).await?;
        let complete = self.renderer.render(&self.mirrors, input, &inputs).await;
        let left = std::fs::read_dir(&self.work).map_or(0, Iterator::count);
        assert_eq!(left, 0, "render folders are left behind");
        complete
    }

    pub async fn render(&self, source: DefinedSource) -> Result<Complete, RenderError> {
        self.render_input(&self.input(source).await).await
    }

    /// The error's text; a success fails the test.
    pub async fn error(&self, source: DefinedSource) -> String {
        match self.render(source).await {
            Ok(complete) => unreachable!("rendered {} objects", complete.objects.len()),
            Err(error) => error.to_string(),
        }
    }
}

/// One line per object: key and origin.
pub fn listing(complete: &Complete) -> String {
    complete
        .objects
        .iter()
        .map(|object| {
            let origin = object.origin.as_ref().map_or("?".to_owned(), |origin| {
                format!(
                    "{}{}",
                    origin.path,
                    origin
                        .line
                        .map(|line| format!(":{line}"))
                        .unwrap_or_default()
                )
            });
            format!("{} ← {origin}\n", object.key)
        })
        .collect()
}

/// The objects as YAML-like text for people.
pub fn bodies(complete: &Complete) -> String {
    complete
        .objects
        .iter()
        .map(|object| format!("{:#}\n", object.body))
        .collect()
}
