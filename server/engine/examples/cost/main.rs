//! `make bench`: what a comparison, a commit and a render cost, beside what they may cost. Every ratio is taken in one run, turn by
//! turn with what it is compared to.
//!
//! Arguments: an empty folder, the sandbox's child, helm, kustomize, and the JSON file to write.

mod comparison;
mod measure;
mod repository;

use engine::definition::{DefinedSource, DirectoryOptions, KustomizeOptions};
use engine::render::{RenderInput, RenderInputs, Renderer, SandboxSettings, Tools};
use engine::source::{Credential, Mirrors};
use lockstep_types::revision::{Revision, TargetRevision};
use measure::{Figure, median, millis, resident};
use repository::{Repository, deployment, git};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const APPLICATIONS: usize = 200;
const FILES: usize = 10_000;
const RUNS: usize = 11;
/// Turns of the overlay: the program alone takes many seconds for so many resources.
const TURNS: usize = 3;

struct Bench {
    folder: PathBuf,
    mirrors: Mirrors,
    renderer: Renderer,
    kustomize: PathBuf,
    figures: Vec<Figure>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [folder, child, helm, kustomize, out] = arguments.as_slice() else {
        return Err("five arguments are expected".into());
    };
    let tools = Tools::new(Some(helm.clone()), Some(kustomize.clone()));
    // The overlay needs more than the usual limit: the program by itself takes longer than that.
    let mut sandbox = SandboxSettings::new(child.clone());
    sandbox.cpu = Duration::from_secs(300);
    sandbox.deadline = Duration::from_secs(300);
    let mut bench = Bench {
        mirrors: Mirrors::for_tests(folder.join("mirrors"))?,
        renderer: Renderer::new(tools, sandbox, folder.join("work")),
        folder: folder.clone(),
        kustomize: kustomize.clone(),
        figures: Vec::new(),
    };
    bench.figures.extend(comparison::figures()?);
    // Written after each part: the last one takes minutes.
    bench.monorepo().await?;
    std::fs::write(out, serde_json::to_vec_pretty(&bench.figures)?)?;
    bench.plain().await?;
    std::fs::write(out, serde_json::to_vec_pretty(&bench.figures)?)?;
    bench.overlay().await?;
    std::fs::write(out, serde_json::to_vec_pretty(&bench.figures)?)?;
    if bench.figures.iter().all(|figure| figure.holds) {
        Ok(())
    } else {
        Err("a figure is out of its bound".into())
    }
}

impl Bench {
    async fn head(&self, url: &str) -> Result<Revision, Box<dyn Error>> {
        let main = TargetRevision("main".to_owned());
        let mut found = self
            .mirrors
            .fetch(url, &Credential::None, std::slice::from_ref(&main))
            .await?;
        Ok(found.remove(&main).ok_or("main is missing")??)
    }

    /// One file changed in a large repository: the fetch, whom it concerns, and their manifests.
    async fn monorepo(&mut self) -> Result<(), Box<dyn Error>> {
        let mut repository = Repository::new(self.folder.join("monorepo"))?;
        let per_application = FILES / APPLICATIONS;
        let name = |application: usize, file: usize| {
            format!("apps/app-{application:03}/object-{file:02}.yaml")
        };
        let files: Vec<(String, String)> = (0..APPLICATIONS)
            .flat_map(|application| (0..per_application).map(move |file| (application, file)))
            .map(|(application, file)| {
                (
                    name(application, file),
                    deployment(&format!("object-{file:02}"), 1),
                )
            })
            .collect();
        repository.commit(&files)?;
        let url = repository.url();
        let mut at = self.head(&url).await?;
        let clone = self.folder.join("clone.git");
        git(
            &self.folder,
            &["clone", "--quiet", "--bare", &url, &clone.to_string_lossy()],
        )?;
        let mut known: Vec<(RenderInput, RenderInputs)> = Vec::new();
        for application in 0..APPLICATIONS {
            let input = input(&url, &at, directory(&format!("apps/app-{application:03}")));
            let inputs = self.renderer.inputs(&self.mirrors, &input).await?;
            known.push((input, inputs));
        }
        let mut beyond = Vec::new();
        let mut whole = Vec::new();
        let mut hosts = Vec::new();
        let mut all_look = Vec::new();
        let mut rendered = 0;
        let before = resident();
        for run in 0..RUNS {
            let application = (run * 17) % APPLICATIONS;
            repository.commit(&[(name(application, 7), deployment("object-07", run + 2))])?;
            let since = Instant::now();
            git(&clone, &["fetch", "--quiet", "origin", "main:main"])?;
            let host = millis(since);
            let since = Instant::now();
            let to = self.head(&url).await?;
            let changes = self.mirrors.changed(&url, Some(&at), &to, &[]).await?;
            for (input, inputs) in &mut known {
                if !inputs.reach().is_touched(&changes) {
                    continue;
                }
                input.revision = to.clone();
                *inputs = self.renderer.inputs(&self.mirrors, input).await?;
                self.renderer.render(&self.mirrors, input, inputs).await?;
                rendered += 1;
            }
            let ours = millis(since);
            hosts.push(host);
            whole.push(ours);
            beyond.push(ours - host);
            let since = Instant::now();
            for (input, _) in &known {
                let input = RenderInput {
                    revision: to.clone(),
                    ..input.clone()
                };
                self.renderer.inputs(&self.mirrors, &input).await?;
            }
            all_look.push(millis(since));
            at = to;
        }
        let host = median(hosts);
        self.figures.push(Figure::plain(
            "10,000 files, one changed: git fetch by itself",
            host,
            "ms",
        ));
        self.figures.push(Figure::plain(
            "the same and the affected application rendered, here",
            median(whole),
            "ms",
        ));
        self.figures.push(Figure::most(
            "beyond the Git host's own time",
            median(beyond),
            "ms",
            15.0,
        ));
        self.figures.push(Figure::most(
            "applications rendered per commit, of 200",
            f64::from(u32::try_from(rendered)?) / f64::from(u32::try_from(RUNS)?),
            "",
            1.0,
        ));
        self.figures.push(Figure::plain(
            "looking at the inputs of all 200 instead",
            median(all_look),
            "ms",
        ));
        let pack = pack_megabytes(&self.folder.join("mirrors"));
        self.figures
            .push(Figure::plain("pack and index of the mirror", pack, "MB"));
        self.figures.push(Figure::most(
            "resident memory beyond them",
            resident() - pack,
            "MB",
            50.0,
        ));
        self.growth(&mut repository, &url, before).await
    }

    /// Revisions seen must leave nothing behind.
    async fn growth(
        &mut self,
        repository: &mut Repository,
        url: &str,
        before: f64,
    ) -> Result<(), Box<dyn Error>> {
        const SEEN: usize = 60;
        let mut half = before;
        for run in 0..SEEN {
            let path = format!("apps/app-{run:03}/object-09.yaml");
            repository.commit(&[(path, deployment("object-09", run + 2))])?;
            let at = self.head(url).await?;
            let input = input(url, &at, directory(&format!("apps/app-{run:03}")));
            let inputs = self.renderer.inputs(&self.mirrors, &input).await?;
            self.renderer.render(&self.mirrors, &input, &inputs).await?;
            if run == SEEN / 2 {
                half = resident();
            }
        }
        self.figures.push(Figure::most(
            "more memory after 30 further commits",
            resident() - half,
            "MB",
            3.0,
        ));
        Ok(())
    }

    async fn plain(&mut self) -> Result<(), Box<dyn Error>> {
        let mut repository = Repository::new(self.folder.join("plain"))?;
        let files: Vec<(String, String)> = (0..100)
            .map(|file| {
                let documents: Vec<String> = (0..100)
                    .map(|number| deployment(&format!("object-{file}-{number}"), 1))
                    .collect();
                (format!("all/{file:02}.yaml"), documents.join("---\n"))
            })
            .collect();
        let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
        repository.commit(&files)?;
        let url = repository.url();
        let at = self.head(&url).await?;
        let input = input(&url, &at, directory("all"));
        let mut times = Vec::new();
        for _ in 0..5 {
            let since = Instant::now();
            let inputs = self.renderer.inputs(&self.mirrors, &input).await?;
            let complete = self.renderer.render(&self.mirrors, &input, &inputs).await?;
            if complete.objects.len() != 10_000 {
                return Err("objects are missing".into());
            }
            times.push(millis(since));
        }
        let seconds = median(times) / 1000.0;
        let megabytes = f64::from(u32::try_from(bytes)?) / 1e6;
        self.figures.push(Figure::least(
            "plain documents per second on one core",
            10_000.0 / seconds,
            "",
            10_000.0,
        ));
        self.figures.push(Figure::plain(
            "YAML per second on one core",
            megabytes / seconds,
            "MB",
        ));
        Ok(())
    }

    /// A base of many resources under an overlay, against the program by itself.
    async fn overlay(&mut self) -> Result<(), Box<dyn Error>> {
        let mut repository = Repository::new(self.folder.join("overlay"))?;
        let mut files: Vec<(String, String)> = (0..40)
            .map(|file| {
                let documents: Vec<String> = (0..100)
                    .map(|number| {
                        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: object-{file}-{number}\n  labels:\n    part: \"{file}\"\ndata:\n  a: \"{number}\"\n  b: some text of usual length that stands for settings\n  c: more of it, so that the whole is as large as real ones are\n")
                    })
                    .collect();
                (format!("base/{file:02}.yaml"), documents.join("---\n"))
            })
            .collect();
        let names: Vec<String> = (0..40).map(|file| format!("{file:02}.yaml")).collect();
        files.push((
            "base/kustomization.yaml".to_owned(),
            format!("resources: [{}]\n", names.join(", ")),
        ));
        files.push((
            "prod/kustomization.yaml".to_owned(),
            "resources: [../base]\nlabels:\n  - pairs: {env: prod}\n".to_owned(),
        ));
        repository.commit(&files)?;
        let url = repository.url();
        let at = self.head(&url).await?;
        let checkout = self.folder.join("checkout");
        git(
            &self.folder,
            &["clone", "--quiet", &url, &checkout.to_string_lossy()],
        )?;
        let source = DefinedSource {
            kustomize: Some(KustomizeOptions::default()),
            path: "prod".to_owned(),
            ..DefinedSource::default()
        };
        let mut input = input(&url, &at, source);
        let (mut theirs, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let alone = self.program(&checkout)?;
            let since = Instant::now();
            let inputs = self.renderer.inputs(&self.mirrors, &input).await?;
            let complete = self.renderer.render(&self.mirrors, &input, &inputs).await?;
            let here = millis(since);
            if complete.objects.len() != 4_000 {
                return Err("objects are missing".into());
            }
            theirs.push(alone);
            ours.push(here);
            ratios.push((here / alone - 1.0) * 100.0);
        }
        self.figures.push(Figure::plain(
            "4,000 resources: kustomize by itself",
            median(theirs),
            "ms",
        ));
        self.figures.push(Figure::plain(
            "the same, checked and with origins, here",
            median(ours),
            "ms",
        ));
        self.figures.push(Figure::most(
            "overhead over kustomize",
            median(ratios),
            "%",
            10.0,
        ));
        // A commit elsewhere: what was rendered is known to hold.
        let inputs = self.renderer.inputs(&self.mirrors, &input).await?;
        repository.commit(&[("README.md".to_owned(), "another".to_owned())])?;
        let to = self.head(&url).await?;
        let since = Instant::now();
        let changes = self.mirrors.changed(&url, Some(&at), &to, &[]).await?;
        if inputs.reach().is_touched(&changes) {
            return Err("a file elsewhere touches the overlay".into());
        }
        let untouched = millis(since);
        let since = Instant::now();
        input.revision = to;
        if self.renderer.inputs(&self.mirrors, &input).await?.key != inputs.key {
            return Err("the key depends on the commit".into());
        }
        self.figures.push(Figure::most(
            "the second time, inputs untouched",
            untouched,
            "ms",
            20.0,
        ));
        self.figures.push(Figure::most(
            "the second time, inputs looked at",
            millis(since),
            "ms",
            20.0,
        ));
        Ok(())
    }

    fn program(&self, checkout: &Path) -> Result<f64, Box<dyn Error>> {
        let since = Instant::now();
        let output = Command::new(&self.kustomize)
            .arg("build")
            .arg(checkout.join("prod"))
            .output()?;
        if output.status.success() {
            Ok(millis(since))
        } else {
            Err("kustomize failed".into())
        }
    }
}

fn directory(path: &str) -> DefinedSource {
    DefinedSource {
        path: path.to_owned(),
        directory: Some(DirectoryOptions::default()),
        ..DefinedSource::default()
    }
}

fn input(url: &str, revision: &Revision, source: DefinedSource) -> RenderInput {
    RenderInput {
        repo_url: url.to_owned(),
        revision: revision.clone(),
        source,
        more: Vec::new(),
        release_name: "bench".to_owned(),
        namespace: "bench".to_owned(),
        kube_version: String::new(),
        api_versions: Vec::new(),
        project_name: String::new(),
        project: None,
    }
}

/// Size of the packs and their indexes below a folder, in MB.
fn pack_megabytes(folder: &Path) -> f64 {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|ending| ending == "pack" || ending == "idx")
            {
                bytes += entry.metadata().map_or(0, |metadata| metadata.len());
            }
        }
    }
    f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0
}
